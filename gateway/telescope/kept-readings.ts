import type { Telescope, WeatherSource } from '../../domain/contracts/telescope.ts';
import { stableId } from '../../domain/ids.ts';
import type { WeatherReading } from '../../domain/weather-reading.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Records, StateFile } from './state-file.ts';

interface Kept {
  /** Which device or program said it, as an id: an address may hold a password. */
  of: string;
  /** Times by the monotonic clock of the process that heard it. */
  reading: WeatherReading;
  /** What that clock lacked to the wall clock, the only one that goes on while no process runs; milliseconds. */
  wallOffsetMs: number;
}

/**
 * Each weather source's newest reading, on disk: Voyager sends one every 30 s, and a gateway that starts anew would otherwise stop the target of a
 * running session for want of one. It ages as if the gateway had been there, and the debounce of a start begins anew.
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

  /** @param name the source's among those of the telescope */
  keep(name: string, source: WeatherSource, reading: WeatherReading): void {
    this.records.set(name, { of: this.identity(source), reading, wallOffsetMs: this.wallOffsetMs() });
  }
  /** Dated by the clock of this process; null without one, for another device, and for one from the future, since a clock was set. */
  restore(name: string, source: WeatherSource): WeatherReading | null {
    const kept = this.records.get(name);
    if (!kept || kept.of !== this.identity(source)) return null;
    const shiftMs = kept.wallOffsetMs - this.wallOffsetMs();
    const { reading } = kept;
    const atMs = reading.atMs + shiftMs;
    if (atMs > this.clock.monotonicMs()) return null;
    const measured = Object.entries(reading.measuredAtMs ?? {}).map(([measure, ms]) => [measure, ms + shiftMs]);
    return { ...reading, atMs, ...(reading.measuredAtMs && { measuredAtMs: Object.fromEntries(measured) }) };
  }

  private wallOffsetMs(): number {
    return this.clock.now() - this.clock.monotonicMs();
  }
  private identity(source: WeatherSource): string {
    const { host, port } = this.telescope();
    switch (source.kind) {
      case 'voyager':
        return stableId('weather', 'voyager', host, port);
      case 'alpaca':
        return stableId('weather', source.url, `${source.observing_conditions}`, `${source.safety_monitor}`);
      case 'boltwood':
        return stableId('weather', source.path);
    }
  }
}
