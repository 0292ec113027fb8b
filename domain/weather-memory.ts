import { knows, type Evidence } from './weather-evidence.ts';
import { QUANTITIES, type Quantity } from './weather-reading.ts';
import type { Measure, WeatherReading, WeatherSourceState } from './weather-reading.ts';

/** What the weather's sources said before: without it, what has gone would look like what was never there. */

/** Air and sky move in the last digit all the time; calm air, saturated air and a roof's daylight do not. */
const RESTLESS: readonly [Measure, (value: number) => boolean][] = [
  ['temperature_celsius', () => true],
  ['dew_point_celsius', () => true],
  ['sky_temperature_celsius', () => true],
  ['wind_meters_per_second', (value) => value > 0],
  ['humidity_percent', (value) => value < 100],
];
/** No such value stands for so long; whole numbers may, unless all of a source's stand together. */
export const FROZEN_AFTER_MS = 3 * 3_600_000;

export class WeatherMemory {
  /** Quantities that a source has known which the telescope file does not call optional. */
  readonly known = new Set<Quantity>();
  /** Sources whose connected safety monitor has spoken; true once it is known to be one that stays, unlike a Boltwood's call to close. */
  readonly monitors = new Map<string, boolean>();
  private readonly since = new Map<string, Map<Measure, { value: number; sinceMs: number }>>();

  /** Takes in what is said now. */
  see(evidence: readonly Evidence[]): void {
    for (const one of evidence) {
      if (one.trouble !== null) continue;
      if (one.optional) continue;
      const safety = one.reading?.safety;
      if (safety?.connected) this.monitors.set(one.name, safety.safe !== false || this.monitors.get(one.name) === true);
      else if (safety && this.monitors.has(one.name)) this.monitors.set(one.name, true);
      for (const quantity of QUANTITIES) if (knows(one, quantity)) this.known.add(quantity);
    }
  }

  /** Per measure how long a value has stood that cannot; `all` where every one of at least two has. */
  stood({ name, reading }: WeatherSourceState, nowMs: number): Map<Measure | 'all', number> {
    const out = new Map<Measure | 'all', number>();
    if (!reading) return out;
    const standing = this.standing(name, reading, nowMs);
    const long = standing.filter(({ ms }) => ms >= FROZEN_AFTER_MS);
    if (standing.length >= 2 && long.length === standing.length)
      return out.set('all', Math.min(...long.map(({ ms }) => ms)));
    for (const { measure, value, ms } of long) if (!Number.isInteger(value)) out.set(measure, ms);
    return out;
  }
  private standing(name: string, { values }: WeatherReading, nowMs: number) {
    const before = this.since.get(name) ?? new Map<Measure, { value: number; sinceMs: number }>();
    const now = new Map<Measure, { value: number; sinceMs: number }>();
    for (const [measure, moves] of RESTLESS) {
      const value = values[measure];
      if (value === undefined || !moves(value)) continue;
      const old = before.get(measure);
      now.set(measure, { value, sinceMs: old?.value === value ? old.sinceMs : nowMs });
    }
    this.since.set(name, now);
    return [...now].map(([measure, { value, sinceMs }]) => ({ measure, value, ms: nowMs - sinceMs }));
  }
}
