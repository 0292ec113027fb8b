/** Series for graphs, kept in memory: each is thinned to one point in `everyMs` and holds `maxPoints`. */
export interface Series {
  unit: string;
  /** [Unix milliseconds, value], oldest first. */
  points: [number, number][];
}

const SPECS = {
  guiding_rms: { unit: 'px', everyMs: 10_000, maxPoints: 2_880 },
  guide_x: { unit: 'px', everyMs: 2_000, maxPoints: 1_800 },
  guide_y: { unit: 'px', everyMs: 2_000, maxPoints: 1_800 },
  camera_temperature: { unit: '°C', everyMs: 30_000, maxPoints: 2_880 },
  camera_power: { unit: '%', everyMs: 30_000, maxPoints: 2_880 },
  focuser_temperature: { unit: '°C', everyMs: 30_000, maxPoints: 2_880 },
  focuser_position: { unit: 'steps', everyMs: 30_000, maxPoints: 2_880 },
  /** One point per autofocus run and per light frame: never thinned. */
  focus_hfd: { unit: 'px', everyMs: 0, maxPoints: 500 },
  frame_hfd: { unit: 'px', everyMs: 0, maxPoints: 2_000 },
  outside_temperature: { unit: '°C', everyMs: 60_000, maxPoints: 1_440 },
  humidity: { unit: '%', everyMs: 60_000, maxPoints: 1_440 },
  dew_point: { unit: '°C', everyMs: 60_000, maxPoints: 1_440 },
  wind: { unit: 'm/s', everyMs: 60_000, maxPoints: 1_440 },
  gust: { unit: 'm/s', everyMs: 60_000, maxPoints: 1_440 },
  cloud: { unit: '%', everyMs: 60_000, maxPoints: 1_440 },
  sky_quality: { unit: 'mag/arcsec²', everyMs: 60_000, maxPoints: 1_440 },
  altitude: { unit: '°', everyMs: 30_000, maxPoints: 2_880 },
} as const satisfies Record<string, { unit: string; everyMs: number; maxPoints: number }>;
export type SeriesName = keyof typeof SPECS;

interface Kept {
  everyMs: number;
  maxPoints: number;
  lastMs: number;
  points: [number, number][];
}
/** Old points go in blocks: shifting a long array for each new point would cost more than the point. */
const BLOCK = 256;

export class History {
  private readonly series = Object.fromEntries(
    Object.entries(SPECS).map(([name, { everyMs, maxPoints }]) => [
      name,
      { everyMs, maxPoints, lastMs: -Infinity, points: [] } satisfies Kept,
    ]),
  ) as unknown as Record<SeriesName, Kept>;

  add(name: SeriesName, atMs: number, value: number | null | undefined): void {
    const series = this.series[name];
    if (value === null || value === undefined || atMs - series.lastMs < series.everyMs || !Number.isFinite(value))
      return;
    series.lastMs = atMs;
    series.points.push([atMs, value]);
    if (series.points.length >= series.maxPoints + BLOCK) series.points = series.points.slice(BLOCK);
  }
  /** Would a value of this instant be kept, or thinned out? */
  due(name: SeriesName, atMs: number): boolean {
    const { lastMs, everyMs } = this.series[name];
    return atMs - lastMs >= everyMs;
  }
  /** Every series that has points, those after `sinceMs` only. */
  all(sinceMs = 0): Partial<Record<SeriesName, Series>> {
    const out: Partial<Record<SeriesName, Series>> = {};
    for (const [name, { points, maxPoints }] of Object.entries(this.series) as [SeriesName, Kept][]) {
      if (points.length === 0) continue;
      const newest = points.slice(-maxPoints);
      out[name] = { unit: SPECS[name].unit, points: sinceMs > 0 ? newest.filter(([at]) => at > sinceMs) : newest };
    }
    return out;
  }
}
