import { unwatched } from '../../../core/alpine.ts';
import type { TelescopeState } from '../../../core/types.ts';
import { section, type Brings } from '../../section.ts';
import html from './section.html';

/** What was shown of the telescope's state this long ago still counts as heard when a shot moves on. */
const HEARD_WITHIN_MS = 2_000;

/** The plan and the exposure that runs. */
export const sequence = section({
  html,
  state: () => ({
    sequence: null as TelescopeState['sequence'],
    currentShot: null as TelescopeState['exposure'],
    progress: 0,
    exposureNow: 0,
    ringOffset: '100',
    ringTurn: 'rotate(0deg)',
    /** Whole turns of the exposure ring so far, so that its head never runs backwards. */
    ring: unwatched({ turns: 0, percent: 0 }),
  }),
  methods: {},
  events: {
    'shot.progress'(exposure): void {
      const { m } = this;
      if (!m.telescope) return;
      m.telescope = { ...m.telescope, exposure };
      m.telescopeAtMs = Math.max(m.telescopeAtMs, Date.now() - HEARD_WITHIN_MS);
    },
    'plan.progress'({ shots_done, shots_total, percent, done }): void {
      const { snapshot } = this.m;
      // Counts of another plan than the one shown: the next snapshot has both.
      if (!snapshot || snapshot.plan.length !== done.length) return;
      this.m.snapshot = {
        ...snapshot,
        plan: snapshot.plan.map((line, i) => ({ ...line, done: done[i]! })),
        progress: { ...snapshot.progress, shots_done, shots_total, percent },
      };
    },
  },
  turns: {
    /** A snapshot that was cut for the socket ends early: the lines behind are those that the page knows, with the progress it has heard. */
    snapshot(snapshot, before): void {
      if (!snapshot.partial || before?.epoch !== snapshot.epoch) return;
      this.m.snapshot = { ...snapshot, plan: [...snapshot.plan, ...before.plan.slice(snapshot.plan.length)] };
    },
    telescope({ sequence, exposure }): void {
      this.sequence = sequence;
      this.currentShot = exposure;
    },
    paint({ exposurePercent }): void {
      if (exposurePercent < this.ring.percent) this.ring.turns++;
      this.ring.percent = exposurePercent;
      this.progress = exposurePercent;
      this.exposureNow = Math.round(exposurePercent);
      this.ringOffset = (100 - exposurePercent).toFixed(1);
      this.ringTurn = `rotate(${(360 * this.ring.turns + 3.6 * exposurePercent).toFixed(1)}deg)`;
    },
  },
});

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof sequence> {}
}
