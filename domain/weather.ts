import type { Measured, Weather } from './contracts/state.ts';
import type { WeatherThresholds } from './contracts/telescope.ts';
import type { Reason } from './reasons.ts';
import { badness, dewMargin, evidenceOf, findingsOf, knows } from './weather-evidence.ts';
import type { Evidence, Findings } from './weather-evidence.ts';
import {
  MEASURES,
  QUANTITIES,
  type Measure,
  type WeatherCategories,
  type WeatherSourceState,
} from './weather-reading.ts';
import { WeatherMemory } from './weather-memory.ts';

export { isFresh, staleAfterSeconds } from './weather-evidence.ts';

/**
 * What the weather lets the telescope do: `ok`, `hold` (wait) or `unsafe` (nothing may move), by the worst of all sources that know a quantity now.
 * Missing, stale, frozen and failing count as unsafe (docs/safety.md, 10).
 */

export interface WeatherInput {
  nowMs: number;
  sources: readonly WeatherSourceState[];
  thresholds: WeatherThresholds;
  /** Upper limit of staleness in seconds; never more than 180. */
  staleSeconds: number;
  /** No session without a connected safety monitor; also true once one has been seen, since its loss is no all-clear. */
  safetyMonitorRequired: boolean;
  /** What was there before; without it nothing is missed. */
  memory?: Pick<WeatherMemory, 'known' | 'monitors' | 'stood'>;
}

export interface WeatherJudgement {
  state: Weather['state'];
  reason: Reason | null;
  causes: string[];
  stale: boolean;
}

const EMPTY: WeatherCategories = { cloud: null, rain: null, wind: null, light: null };
const NO_MEMORY: NonNullable<WeatherInput['memory']> = {
  known: new Set(),
  monitors: new Map(),
  stood: () => new Map(),
};

type Facts = Pick<WeatherInput, 'nowMs' | 'sources' | 'staleSeconds' | 'memory'>;
const gather = ({ nowMs, sources, staleSeconds, memory = NO_MEMORY }: Facts): Evidence[] =>
  sources.map((source) => evidenceOf(source, nowMs, staleSeconds, memory.stood(source, nowMs)));

/** Of these the highest is the worst; of all others the first fresh source's is shown. */
const HIGHEST: ReadonlySet<Measure> = new Set<Measure>([
  'humidity_percent',
  'wind_meters_per_second',
  'gust_meters_per_second',
  'cloud_percent',
  'rain_rate',
]);

interface Merged {
  measured: Record<Measure, Measured>;
  categories: WeatherCategories;
  categoryAgeSeconds: number | null;
  safety: { connected: boolean; safe: boolean | null; source: string; age_seconds: number } | null;
}

/** What is shown of it: per quantity the worst that a fresh source knows, with its source and the age of the measurement. */
function merge(fresh: readonly Evidence[], nowMs: number): Merged {
  const age = (atMs: number): number => Math.max(0, Math.round((nowMs - atMs) / 100) / 10);
  const measured = Object.fromEntries(
    MEASURES.map((measure) => {
      const all = fresh.filter(({ values }) => values[measure] !== undefined);
      const from = HIGHEST.has(measure)
        ? all.reduce<Evidence | undefined>(
            (worst, one) => (worst && worst.values[measure]! >= one.values[measure]! ? worst : one),
            undefined,
          )
        : all[0];
      if (!from) return [measure, null];
      const atMs = from.reading!.measuredAtMs?.[measure] ?? from.reading!.atMs;
      return [measure, { value: from.values[measure]!, source: from.name, age_seconds: age(atMs) }];
    }),
  ) as Record<Measure, Measured>;
  const categories = { ...EMPTY } as Record<keyof WeatherCategories, string | null>;
  const ages: number[] = [];
  for (const category of Object.keys(EMPTY) as (keyof WeatherCategories)[]) {
    for (const { categories: said, reading } of fresh) {
      if (!said || badness(category, said[category]) <= badness(category, categories[category])) continue;
      categories[category] = said[category];
      ages.push(age(reading!.atMs));
    }
  }
  const withCategories = fresh.find((one) => one.categories !== null);
  if (withCategories && ages.length === 0) ages.push(age(withCategories.reading!.atMs));
  // An unsafe monitor outranks a safe one, and a connected one a missing one, whatever their order.
  const monitors = fresh.filter(({ reading }) => reading!.safety !== null);
  const monitor =
    monitors.find(({ reading }) => reading!.safety!.connected && reading!.safety!.safe !== true) ??
    monitors.find(({ reading }) => reading!.safety!.connected) ??
    monitors[0];
  return {
    measured,
    categories: categories as WeatherCategories,
    categoryAgeSeconds: ages.length > 0 ? Math.max(...ages) : null,
    safety: monitor
      ? { ...monitor.reading!.safety!, source: monitor.name, age_seconds: age(monitor.reading!.atMs) }
      : null,
  };
}

/** The judgement at one instant. Every limit that is passed is named in `causes` with its figures and its source, and so is all that is not known. */
export function judgeWeather(input: WeatherInput): WeatherJudgement {
  return judgeEvidence(gather(input), input);
}

function judgeEvidence(all: readonly Evidence[], input: WeatherInput): WeatherJudgement {
  const fresh = all.filter(({ trouble }) => trouble === null);
  const found: Findings = { holds: [], unsafe: [] };
  for (const one of fresh) {
    const { holds, unsafe } = findingsOf(one, input.thresholds);
    found.holds.push(...holds.map((cause) => `${cause} (${one.name})`));
    found.unsafe.push(...unsafe.map((cause) => `${cause} (${one.name})`));
  }
  if (!fresh.some((one) => knows(one, 'dew margin')))
    dewMargin(Object.assign({}, ...fresh.toReversed().map(({ values }) => values)), input.thresholds, found);
  const monitor = monitorCauses(fresh, input);
  found.unsafe.push(...monitor.unsafe);
  const unknown = [...monitor.unknown, ...unknownCauses(all, input)];

  const causes = [...found.unsafe, ...monitor.missing, ...unknown, ...found.holds];
  const stale = fresh.length === 0;
  if (found.unsafe.length > 0) return { state: 'unsafe', reason: 'weather_unsafe', causes, stale };
  if (unknown.length > 0 || (stale && monitor.missing.length > 0))
    return { state: 'unsafe', reason: 'weather_unknown', causes, stale };
  if (monitor.missing.length > 0) return { state: 'unsafe', reason: 'safety_monitor_missing', causes, stale };
  if (found.holds.length > 0) return { state: 'hold', reason: 'weather_hold', causes, stale };
  return { state: 'ok', reason: null, causes, stale: false };
}

/** What the safety monitors say, each by itself; one that was connected once is missed. */
function monitorCauses(
  fresh: readonly Evidence[],
  { memory = NO_MEMORY, safetyMonitorRequired }: WeatherInput,
): { unsafe: string[]; unknown: string[]; missing: string[] } {
  const out = { unsafe: [] as string[], unknown: [] as string[], missing: [] as string[] };
  let connected = false;
  for (const { name, optional, reading } of fresh) {
    const safety = reading!.safety;
    if (safety?.connected) {
      connected = true;
      if (safety.safe === false) out.unsafe.push(`safety monitor (${name}) says unsafe`);
      else if (safety.safe === null) out.unknown.push(`safety monitor (${name}) says neither safe nor unsafe`);
    } else if (!optional && memory.monitors.get(name) === true)
      out.missing.push(`safety monitor (${name}) is not connected any more`);
  }
  if (!connected && safetyMonitorRequired && out.missing.length === 0)
    out.missing.push('no safety monitor is connected');
  return out;
}

/** What should be known and is not. */
function unknownCauses(all: readonly Evidence[], { memory = NO_MEMORY, sources }: WeatherInput): string[] {
  const fresh = all.filter(({ trouble }) => trouble === null);
  const unknown: string[] = [];
  const nothing =
    !fresh.some((one) => QUANTITIES.some((quantity) => knows(one, quantity))) &&
    !fresh.some(({ reading }) => reading!.safety?.connected && reading!.safety.safe !== null);
  if (nothing && sources.length === 0) unknown.push('no weather source is configured');
  else if (nothing && fresh.length === all.length) unknown.push('no source measures the weather');
  for (const one of all) {
    if (one.trouble !== null) {
      if (!one.optional || nothing) unknown.push(`${one.name}: ${one.trouble}`);
    } else if (!one.optional) unknown.push(...one.failed.map(({ why }) => `${one.name}: ${why}`));
  }
  if (all.some(({ trouble, optional }) => trouble !== null && !optional)) return unknown;
  for (const quantity of memory.known)
    if (!all.some((one) => knows(one, quantity) || one.failed.some((f) => f.quantity === quantity)))
      unknown.push(`${quantity}: measured before, and nobody measures it any more`);
  return unknown;
}

/** Keeps the start of the unbroken safe time, which the debounce counts from, and what was ever there. */
export class WeatherJudge {
  private okSinceMs: number | null = null;
  private readonly memory = new WeatherMemory();

  /** @param input `wallOffsetMs`: what the clock on the wall shows more than `nowMs`, for instants that people read */
  judge(
    input: Omit<WeatherInput, 'safetyMonitorRequired' | 'memory'> & {
      unattendedWithoutSafetyMonitor: boolean;
      wallOffsetMs?: number;
    },
  ): WeatherJudgement & { okSinceMs: number | null; weather: Weather } {
    const { memory } = this;
    const all = gather({ ...input, memory });
    memory.see(all);
    const merged = merge(
      all.filter(({ trouble }) => trouble === null),
      input.nowMs,
    );
    const judgement = judgeEvidence(all, {
      ...input,
      memory,
      safetyMonitorRequired: !input.unattendedWithoutSafetyMonitor || [...memory.monitors.values()].includes(true),
    });
    const recalled = input.sources.some((source) => source.recalled && !source.optional);
    if (judgement.state !== 'ok' || recalled) this.okSinceMs = null;
    else this.okSinceMs ??= input.nowMs;
    const weather: Weather = {
      state: judgement.state,
      reason: judgement.reason,
      causes: judgement.causes,
      ok_since: this.okSinceMs === null ? null : new Date(this.okSinceMs + (input.wallOffsetMs ?? 0)).toISOString(),
      safety_monitor: merged.safety,
      ...merged.categories,
      category_age_seconds: merged.categoryAgeSeconds,
      ...merged.measured,
      stale: judgement.stale,
    };
    return { ...judgement, okSinceMs: this.okSinceMs, weather };
  }
}

/** Null when motion may start, else why not: the weather itself, or a safe time still shorter than the debounce. */
export function mayStart(
  judgement: { state: Weather['state']; reason: Reason | null; okSinceMs: number | null },
  debounceSeconds: number,
  nowMs: number,
): Reason | null {
  if (judgement.state !== 'ok') return judgement.reason ?? 'weather_unknown';
  if (judgement.okSinceMs === null || nowMs - judgement.okSinceMs < debounceSeconds * 1000) return 'weather_debounce';
  return null;
}
