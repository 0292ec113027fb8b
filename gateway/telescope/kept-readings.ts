import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { WeatherReading } from '../../domain/weather-reading.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Records, StateFile } from './state-file.ts';

interface Kept {
  /** `host:port` of the Voyager that said it. */
  voyager: string;
  /** Unix milliseconds of the wall clock, the only one that goes on while this process is down. */
  atMs: number;
  reading: WeatherReading;
}

/**
 * Voyager's newest reading of the weather, on disk: it comes every 30 s, and a gateway that starts anew would otherwise stop the target of a running
 * session for want of one. It ages as if the gateway had been there, and the debounce of a start begins anew.
 */
export class KeptReadings {
  private readonly records: Records<Kept>;

  constructor(
    state: Pick<StateFile, 'part'>,
    private readonly telescope: () => Telescope,
    private readonly clock: Clock,
  ) {
    this.records = state.part('weather-reading');
  }

  keep(reading: WeatherReading): void {
    this.records.set('voyager', { voyager: this.voyager(), atMs: this.clock.now(), reading });
  }
  /** Dated by the monotonic clock; null without one, for another Voyager, and for one from the future, since a clock was set. */
  restore(): WeatherReading | null {
    const kept = this.records.get('voyager');
    if (!kept || kept.voyager !== this.voyager()) return null;
    const ageMs = this.clock.now() - kept.atMs;
    return ageMs < 0 ? null : { ...kept.reading, atMs: this.clock.monotonicMs() - ageMs };
  }

  private voyager(): string {
    const { host, port } = this.telescope();
    return `${host}:${port}`;
  }
}
