import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import type { Telescope, WeatherSource } from '../../domain/contracts/telescope.ts';
import { stableId } from '../../domain/ids.ts';
import type { WeatherReading, WeatherSourceState } from '../../domain/weather-reading.ts';
import type { Clock } from '../../platform/clock.ts';

/** What a source said last, and since when it does not answer; times by the monotonic clock of the process that heard it. */
type Heard = Pick<WeatherSourceState, 'lostSinceMs'> & { reading: WeatherReading };
interface Kept extends Heard {
  /** Which device or program said it, as an id: an address may hold a password. */
  of: string;
}
/** Three clocks at one instant, in milliseconds. */
interface Instant {
  /** Of this process alone. */
  monotonicMs: number;
  /** Since the machine was started. */
  uptimeMs: number;
  wallMs: number;
}
interface Stand extends Instant {
  sources: Record<string, Kept>;
}

/** Uptime and wall clock must tell of the same time between two processes; the wall clock alone may have been set, the machine started anew. */
const AGREE_MS = 5_000;

/** The device or program behind a source; two sources are the same where these are. */
export function deviceOf(source: WeatherSource, { host, port, instance }: Telescope): string {
  switch (source.kind) {
    case 'voyager':
      return stableId('weather', 'voyager', host, port, instance);
    case 'alpaca':
      return stableId('weather', source.url, `${source.observing_conditions}`, `${source.safety_monitor}`);
    case 'boltwood':
      return stableId('weather', source.path);
  }
}

/**
 * Each weather source's newest reading, on disk: Voyager sends one every 30 s, and a gateway that starts anew would otherwise stop the target of a
 * running session for want of one. A file of its own, written behind: what a crash takes of it is unknown, as without it.
 */
export class KeptReadings {
  private readonly sources: Map<string, Kept>;
  private writing: Promise<void> | null = null;
  private dirty = false;

  constructor(
    private readonly path: string,
    private readonly telescope: () => Telescope,
    private readonly clock: Clock,
    private readonly uptimeSeconds: () => number = uptime,
  ) {
    this.sources = new Map(this.load());
  }

  /** @param name the source's among those of the telescope */
  keep(name: string, source: WeatherSource, { reading, lostSinceMs }: Heard): void {
    this.sources.set(name, { of: deviceOf(source, this.telescope()), reading, lostSinceMs });
    this.dirty = true;
    this.writing ??= this.write().finally(() => {
      this.writing = null;
    });
  }
  /** What the process before this one heard of the source, by the clock of this one; null where that is not known. */
  restore(name: string, source: WeatherSource): Heard | null {
    const kept = this.sources.get(name);
    return kept?.of === deviceOf(source, this.telescope()) ? kept : null;
  }
  /** Resolves when what was kept so far is in the file, or could not be written. */
  async flush(): Promise<void> {
    await this.writing;
  }

  private instant(): Instant {
    return {
      monotonicMs: this.clock.monotonicMs(),
      uptimeMs: this.uptimeSeconds() * 1_000,
      wallMs: this.clock.now(),
    };
  }
  private load(): [string, Kept][] {
    try {
      return dated(JSON.parse(readFileSync(this.path, 'utf8')) as Stand, this.instant());
    } catch {
      return [];
    }
  }
  private async write(): Promise<void> {
    const next = `${this.path}.tmp`;
    while (this.dirty) {
      this.dirty = false;
      const stand: Stand = { ...this.instant(), sources: Object.fromEntries(this.sources) };
      try {
        await writeFile(next, JSON.stringify(stand), { mode: 0o600 });
        await rename(next, this.path);
      } catch {
        // The state file beside it tells of a disk that cannot be written.
      }
    }
  }
}

/** What was kept, by the clock of this process; nothing where nobody can say how long ago that was. */
function dated({ sources, ...then }: Stand, now: Instant): [string, Kept][] {
  const betweenMs = now.uptimeMs - then.uptimeMs;
  if (!(betweenMs >= 0 && Math.abs(now.wallMs - then.wallMs - betweenMs) <= AGREE_MS)) return [];
  const here = (ms: number): number => now.monotonicMs - betweenMs - (then.monotonicMs - ms);
  return Object.entries(sources).map(([name, kept]) => {
    const { reading, lostSinceMs } = kept;
    const measured = Object.entries(reading.measuredAtMs ?? {}).map(([measure, ms]) => [measure, here(ms)]);
    const ages = {
      atMs: here(reading.atMs),
      ...(reading.measuredAtMs && { measuredAtMs: Object.fromEntries(measured) }),
    };
    return [
      name,
      { ...kept, reading: { ...reading, ...ages }, lostSinceMs: lostSinceMs === null ? null : here(lostSinceMs) },
    ];
  });
}
