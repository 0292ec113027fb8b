import type { Observation } from '../../domain/ports.ts';
import type { Weather } from '../../domain/contracts/state.ts';
import type { Records, StateFile } from './state-file.ts';

/** A stop that the guard itself carried out because of the weather. */
interface WeatherStop {
  bookingId: string;
  /** ISO 8601, UTC. */
  at: string;
  causes: string[];
  /** The look of the session that was told of it first; null while none was. */
  toldTo: string | null;
}

/**
 * Unsafe weather with the session dead: after `patienceMs` without a look by it, the guard runs the stop ladder itself (docs/safety.md, 10). Kept
 * on disk, and unsafe to the session until it has heard of the stop, lest a disabled target look like somebody's hand.
 */
export class WeatherLatch {
  private readonly stops: Records<WeatherStop>;
  private unsafeSinceMs: number | null = null;
  private readonly lookedAtMs = new Map<string, number>();

  constructor(state: Pick<StateFile, 'part'>) {
    this.stops = state.part('weather-stop');
  }

  /** The bookings of `running` whose session has let unsafe weather stand for too long; all times by a monotonic clock. */
  overdue(running: readonly string[], unsafe: boolean, nowMs: number, patienceMs: number): string[] {
    if (!unsafe) {
      this.unsafeSinceMs = null;
      return [];
    }
    const since = (this.unsafeSinceMs ??= nowMs);
    return running.filter((id) => {
      const looked = this.lookedAtMs.get(id) ?? -Infinity;
      // A session that looks and does not stop is no better than a dead one: its looks buy it one more patience.
      return nowMs - Math.min(Math.max(since, looked), since + patienceMs) >= patienceMs;
    });
  }
  stopped(bookingId: string, weather: Weather, at: string): void {
    this.stops.set(bookingId, { bookingId, at, causes: weather.causes.slice(0, 10), toldTo: null });
  }
  of(bookingId: string): WeatherStop | null {
    return this.stops.get(bookingId);
  }
  forget(bookingId: string): void {
    this.stops.delete(bookingId);
    this.lookedAtMs.delete(bookingId);
  }

  /**
   * The weather as a session's look is told it.
   * @param look what tells one look from its own repetition; another one proves that the first was heard
   */
  seenBy(bookingId: string, look: string, weather: Observation['weather'], nowMs: number): Observation['weather'] {
    this.lookedAtMs.set(bookingId, nowMs);
    const stop = this.stops.get(bookingId);
    if (!stop) return weather;
    if (stop.toldTo !== null && stop.toldTo !== look) {
      this.stops.delete(bookingId);
      return weather;
    }
    if (stop.toldTo === null) this.stops.set(bookingId, { ...stop, toldTo: look });
    if (weather.state === 'unsafe') return weather;
    const causes = [`stopped by the gateway at ${stop.at}`, ...stop.causes];
    return { ...weather, state: 'unsafe', reason: 'weather_unsafe', causes, ok_since: null };
  }
}
