import type { Shot } from '../../domain/contracts/booking.ts';
import type { TelescopeInput } from '../../domain/contracts/telescope.ts';
import { chance, pick, whole } from './random.ts';
import { FAULT_KINDS, type Fault, type FaultKind, type Step } from './kinds.ts';
import { addRare } from './rare.ts';

export { FAULT_KINDS, type Fault, type FaultKind, type Step };

/** One night as it was meant and all that comes in between: a pure function of seed and number. */
export interface NightPlan {
  seed: number;
  night: number;
  /** Unix milliseconds. */
  bookedAt: number;
  start: number;
  end: number;
  policy: NonNullable<TelescopeInput['policy']>;
  shots: Shot[];
  credits: number;
  maxHistoryEvents: number | null;
  faults: Fault[];
  steps: Step[];
}

const HOUR = 3600;
const DAY = 86_400;
/** A winter's first evening; each night of a seed has its own date. */
const FIRST_EVENING = Date.UTC(2026, 0, 10, 18);
const SLOTS_SECONDS = [0.5, 1, 1, 2, 2, 3, 4, 6, 8].map((hours) => hours * HOUR);
const EXPOSURES = [60, 120, 180, 300, 600];
/**
 * Instants lie on different seconds of a half minute by kind, so that nothing coincides by accident. Some seconds more or less of a real server
 * then change no order.
 */
const GRID = 30;
const WORLD_SECOND = 20;
const PEOPLE_SECOND = 5;

/** Commands that Voyager may refuse, and those whose answer may be lost. */
const REFUSED = ['enableTarget', 'ensureObjects', 'disableTarget', 'removeObjects'];
const UNANSWERED = ['enableTarget', 'ensureObjects', 'stopTarget', 'disableTarget', 'borrowSky', 'returnSky'];

/** The plan of night `night` under `seed`. */
export function planNight(seed: number, night: number): NightPlan {
  const words = (kind: string): [number, number, string] => [seed, night, kind];
  const p = (kind: string): number => chance(...words(kind));
  const n = (kind: string, least: number, most: number): number => whole(least, most, ...words(kind));

  const start = FIRST_EVENING + (night % 330) * DAY * 1000 + n('start', 0, 24) * 600_000;
  const slotSeconds = pick(SLOTS_SECONDS, ...words('slot'));
  const lead = pick([3 * DAY, 1.5 * DAY, 1.5 * DAY, 5 * HOUR, 600, 0], ...words('lead'));
  const within = (kind: string, from: number, to: number, second: number): number =>
    from + Math.floor((p(kind) * (to - from)) / GRID) * GRID + second;

  const faults: Fault[] = [];
  const wanted = n('faults', 0, 7);
  for (let i = 0; i < wanted; i++) {
    const kind = pick(FAULT_KINDS, ...words(`fault ${i}`));
    if (faults.some((f) => f.kind === kind) && !REPEATABLE.has(kind)) continue;
    const long = p(`long ${i}`) < (WEATHER.has(kind) ? 0.5 : 0.2);
    if (kind === 'site') {
      faults.push({
        kind,
        at: -Math.min(lead, 30 * HOUR) - GRID + WORLD_SECOND,
        seconds: whole(1, 40, ...words(`seconds ${i}`)) * 60 * GRID,
      });
      continue;
    }
    const early = EARLY.has(kind) && p(`early ${i}`) < 0.4;
    faults.push({
      kind,
      at: within(`at ${i}`, early ? -Math.min(lead, 30 * HOUR) : -600, early ? 600 : slotSeconds, WORLD_SECOND),
      seconds: whole(4, long ? 360 : 60, ...words(`seconds ${i}`)) * GRID,
      nth: whole(1, 3, ...words(`nth ${i}`)),
      detail: pick(kind === 'refusal' ? REFUSED : UNANSWERED, ...words(`detail ${i}`)),
    });
  }
  const steps = peoplesSteps(slotSeconds, lead, words('people'), within);
  addRare({ faults, steps, words, within, slotSeconds });
  return {
    seed,
    night,
    bookedAt: start - lead * 1000,
    start,
    end: start + slotSeconds * 1000,
    policy: {
      prepare_lead: pick([DAY, DAY, HOUR, 'noon' as const], ...words('prepare')),
      check_interval: pick([60, 300, 300, 300], ...words('interval')),
      pause_mode: pick(['finish', 'abort'] as const, ...words('pause mode')),
      exclusivity: p('exclusivity') < 0.85 ? 'exclusive' : 'shared',
      extend_ceiling_minutes: 60,
    },
    shots: shotsFor(slotSeconds, p('fullness'), words('shots')),
    credits: n('credits', 1, 400),
    maxHistoryEvents: faults.some((f) => f.kind === 'long_history') ? n('events', 60, 200) : null,
    faults,
    steps: steps.sort((a, b) => a.at - b.at),
  };
}
const REPEATABLE = new Set<FaultKind>([
  'unsafe_weather',
  'clouds',
  'link_lost',
  'gateway_away',
  'answer_lost',
  'refusal',
  'console',
  'voyager_error',
  'database_away',
]);
/** May fall on the preparation too, and begin as early. */
const EARLY = new Set<FaultKind>([
  'link_lost',
  'gateway_away',
  'database_away',
  'unsafe_weather',
  'clouds',
  'maintenance',
  'emergency',
]);
const WEATHER = new Set<FaultKind>(['unsafe_weather', 'clouds', 'weather_stale']);

function shotsFor(slotSeconds: number, fullness: number, words: [number, number, string]): Shot[] {
  const lines = whole(1, 4, ...words, 'lines');
  return Array.from({ length: lines }, (_, i): Shot => {
    const exposure = pick(
      EXPOSURES.filter((e) => e <= slotSeconds / 4),
      ...words,
      'exposure',
      i,
    );
    const share = (slotSeconds * (0.3 + fullness)) / lines;
    return {
      filter: ['L', 'R', 'G', 'B'][i]!,
      exposure_seconds: exposure,
      quantity: Math.max(1, Math.round(share / (exposure + GRID))),
      binning: 1,
      type: 'light',
    };
  });
}

/** A pause, asked for twice in some nights, and what follows it. */
function pauses(
  steps: Step[],
  words: [number, number, string],
  during: (kind: string) => number,
  id: (kind: string) => string,
): void {
  const p = (kind: string): number => chance(...words, kind);
  if (p('pause') >= 0.35) return;
  const at = during('pause at');
  steps.push({ at, kind: 'pause', commandId: id('pause') });
  if (p('again') < 0.3) steps.push({ at: at + GRID, kind: 'pause', commandId: steps.at(-1)!.commandId });
  if (p('resume') < 0.8)
    steps.push({ at: at + whole(1, 80, ...words, 'paused') * GRID, kind: 'resume', commandId: id('resume') });
  if (p('second') < 0.3)
    steps.push({ at: at + whole(1, 80, ...words, 'second') * GRID, kind: 'pause', commandId: id('pause') });
}

function peoplesSteps(
  slotSeconds: number,
  lead: number,
  words: [number, number, string],
  within: (kind: string, from: number, to: number, second: number) => number,
): Step[] {
  const steps: Step[] = [];
  const p = (kind: string): number => chance(...words, kind);
  const during = (kind: string): number => within(kind, -120, slotSeconds + 300, PEOPLE_SECOND);
  const before = (kind: string): number => within(kind, -Math.min(lead, 30 * HOUR), slotSeconds / 4, PEOPLE_SECOND);
  let made = 0;
  const id = (kind: string): string => `${kind}-${++made}`;
  pauses(steps, words, during, id);
  if (p('abort') < 0.1)
    steps.push({
      at: p('abort early') < 0.2 ? before('abort at') : during('abort at'),
      kind: 'abort',
      commandId: id('abort'),
    });
  if (p('gateway abort') < 0.05)
    steps.push({
      at: during('gateway abort at'),
      kind: 'gateway_abort',
      commandId: id('gateway'),
      signalled: p('signalled') < 0.5,
    });
  if (p('cancel') < 0.08) steps.push({ at: before('cancel at'), kind: 'cancel', commandId: id('cancel') });
  if (p('operator') < 0.04)
    steps.push({ at: during('operator at'), kind: 'operator_cancel', commandId: id('operator') });
  if (p('amend') < 0.12)
    steps.push({
      at: p('amend early') < 0.5 ? before('amend at') : during('amend at'),
      kind: 'amend',
      commandId: id('amend'),
      shots: shotsFor(slotSeconds, p('amended'), [words[0], words[1], 'amended']),
    });
  if (p('extend') < 0.12)
    steps.push({
      at: during('extend at'),
      kind: 'extend',
      commandId: id('extend'),
      minutes: pick([10, 30, 60, 90], ...words, 'minutes'),
      free: p('free') < 0.8,
    });
  if (p('reschedule') < 0.1)
    steps.push({
      at: before('reschedule at'),
      kind: 'reschedule',
      commandId: id('reschedule'),
      laterSeconds: pick([HOUR, 2 * HOUR, DAY, 2 * DAY], ...words, 'later'),
    });
  return steps.sort((a, b) => a.at - b.at);
}

/** Whether a real server can play this night: what it cannot do is be slow in virtual time, or have nobody poll a queue for a while. */
export const playsOnRealServer = (plan: NightPlan): boolean => !plan.faults.some((f) => NOBODY_POLLS.has(f.kind));
const NOBODY_POLLS = new Set<FaultKind>([
  'gateway_away',
  'slow_answers',
  'gateway_no_temporal',
  'worker_away',
  'temporal_clock',
  'second_gateway',
]);
