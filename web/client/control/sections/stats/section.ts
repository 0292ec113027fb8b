import { duration } from '../../../core/format.ts';
import type { SessionStats } from '../../../core/types.ts';
import { section, type Brings } from '../../section.ts';
import { filterTone } from '../../wording.ts';
import html from './section.html';

/** The figures of the session, asked for when something has changed them. */
export const stats = section({
  html,
  state: () => ({
    stats: {} as Partial<SessionStats>,
    filterRows: [] as { filter: string; tone: string; count: string; exposure: string }[],
  }),
  methods: {
    takeStats(stats: SessionStats): void {
      this.stats = this.m.stats = stats;
      this.m.statsAtMs = Date.now();
    },
  },
  turns: {
    snapshot(snapshot, before): void {
      if (before && (before.phase !== snapshot.phase || before.images.captured !== snapshot.images.captured))
        this.m.statsDue = true;
    },
    tick(): void {
      if (!this.m.statsDue || !this.m.source) return;
      this.m.statsDue = false;
      void this.m.source.stats().then(
        (stats) => this.takeStats(stats),
        () => undefined,
      );
    },
    paint(): void {
      const rows = (this.m.stats?.by_filter ?? []).map((row) => ({
        filter: row.filter || '?',
        tone: filterTone(row.filter),
        count: String(row.count),
        exposure: duration(row.exposure_seconds),
      }));
      if (JSON.stringify(rows) !== JSON.stringify(this.filterRows)) this.filterRows = rows;
    },
  },
});

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof stats> {}
}
