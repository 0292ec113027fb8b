import uPlot from 'uplot';
import { clock, number } from './format.ts';
import { prefs } from './prefs.ts';

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export interface Line {
  label: string;
  /** Name of a CSS custom property. */
  color: string;
  points?: boolean;
  /** Its points shown on the line, so that a lone one between gaps is seen too. */
  dots?: boolean;
  scale?: string;
  dash?: number[];
  fill?: boolean;
}
export interface GraphOptions {
  lines: Line[];
  height?: number;
  digits?: number;
  /** Time zone of the axis, asked for at each drawing. */
  zone?: () => string | undefined;
  /** Fixed range, or room above and below the data. */
  range?: [number, number];
  /** Drawn behind the lines, such as night and twilight. */
  behind?: (u: uPlot) => void;
}

/** A graph over time whose data and canvas are replaced, never grown: `set` takes whole columns, at most a few hundred points. */
export class Graph {
  private plot: uPlot | null = null;
  private data: uPlot.AlignedData = [[]];
  private readonly el: HTMLElement;
  private readonly options: GraphOptions;
  private readonly observer: ResizeObserver;
  private readonly sight: IntersectionObserver;
  private inSight = true;
  constructor(el: HTMLElement, options: GraphOptions) {
    this.el = el;
    this.options = options;
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(el);
    this.sight = new IntersectionObserver(
      (entries) => {
        this.inSight = entries.at(-1)!.isIntersecting;
        if (this.inSight) this.draw();
      },
      { rootMargin: '200px' },
    );
    this.sight.observe(el);
    this.build();
  }
  private build(): void {
    this.plot?.destroy();
    const { lines, height = this.el.clientHeight || 132, digits = 1, zone, range, behind } = this.options;
    const axis = {
      stroke: css('--muted'),
      grid: { stroke: css('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui',
    };
    this.plot = new uPlot(
      {
        width: Math.max(60, this.el.clientWidth),
        height,
        cursor: { show: true, points: { size: 6 }, drag: { x: false, y: false } },
        legend: { show: false },
        padding: [lines.length > 1 ? 20 : 6, 22, 0, 0],
        ...(behind ? { hooks: { drawClear: [behind] } } : {}),
        scales: {
          x: { time: true, range: (_u, min, max) => stretch(min, max) },
          y: range ? { range } : { range: (_u, min, max) => padded(min, max) },
        },
        axes: [
          {
            ...axis,
            size: 24,
            space: 64,
            values: (_u, splits) =>
              splits.map((s) =>
                clock(s * 1000, prefs.locale, zone?.(), splits.length > 1 && splits[1]! - splits[0]! < 60),
              ),
          },
          {
            ...axis,
            size: 46,
            values: (_u, splits) => splits.map((s) => number(s, prefs.locale, Math.abs(s) >= 1000 ? 0 : digits)),
          },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            stroke: css(line.color),
            width: 1.6,
            ...(line.dash ? { dash: line.dash } : {}),
            ...(line.fill ? { fill: `${css(line.color)}22` } : {}),
            spanGaps: false,
            ...(line.points
              ? { paths: () => null, points: { show: true, size: 6, fill: css(line.color) } }
              : { points: { show: line.dots === true, size: 4, fill: css(line.color) } }),
          })),
        ],
      },
      this.data,
      this.el,
    );
    if (lines.length > 1) this.plot.root.append(keyOf(lines));
  }
  /** Columns as uPlot wants them: Unix seconds, then one array per line. Called within an animation frame, by `paint` of its page. */
  set(data: uPlot.AlignedData): void {
    this.data = data;
    this.draw();
  }
  /** Not at all while nobody can see it. */
  private draw(): void {
    if (this.inSight) this.plot?.setData(this.data);
  }
  private resize(): void {
    const width = this.el.clientWidth;
    if (width > 0 && this.plot && Math.abs(this.plot.width - width) > 1)
      this.plot.setSize({ width, height: this.plot.height });
  }
  destroy(): void {
    this.observer.disconnect();
    this.sight.disconnect();
    this.plot?.destroy();
  }
}

/** Which line is which. */
function keyOf(lines: Line[]): HTMLElement {
  const key = document.createElement('p');
  key.className = 'graph-key';
  for (const line of lines) {
    const one = document.createElement('span');
    one.textContent = line.label;
    one.style.setProperty('--tone', `var(${line.color})`);
    key.append(one);
  }
  return key;
}

/** A minute at least, so that a first point has an axis to stand on. */
function stretch(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [Date.now() / 1000 - 600, Date.now() / 1000];
  return max - min < 60 ? [max - 60, max] : [min, max];
}

function padded(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const room = max - min < 1e-9 ? Math.max(1, Math.abs(max) * 0.01) : (max - min) * 0.12;
  return [min - room, max + room];
}

/** Points of one quantity, oldest first, never more than `limit`. */
export class Series {
  readonly limit: number;
  private points: [number, number][] = [];
  constructor(limit = 600) {
    this.limit = limit;
  }
  get length(): number {
    return this.points.length;
  }
  replace(points: [number, number][]): void {
    const step = Math.ceil(points.length / this.limit);
    this.points = step > 1 ? points.filter((_, i) => i % step === 0) : [...points];
  }
  push(at: number, value: number | null | undefined): void {
    if (value === null || value === undefined || !Number.isFinite(value)) return;
    const last = this.points.at(-1);
    if (last && at <= last[0]) return;
    this.points.push([at, value]);
    // Thinned by half rather than cut: the start of the night stays in sight.
    if (this.points.length > this.limit)
      this.points = this.points.filter((_, i) => i % 2 === 0 || i > this.limit * 0.8);
  }
  /** Time of the newest point; 0 when there is none. */
  get last(): number {
    return this.points.at(-1)?.[0] ?? 0;
  }
  columns(): [number[], number[]] {
    return [this.points.map((p) => p[0]), this.points.map((p) => p[1])];
  }
}
const GAP_SECONDS = 45;
/** Several series on one axis of time. */
export function align(series: Series[]): [number[], ...(number | null)[][]] {
  const known = [...new Set(series.flatMap((s) => s.columns()[0]))].sort((a, b) => a - b);
  // A pause is a gap, not a line across it.
  const times = known.flatMap((t, i) =>
    i > 0 && t - known[i - 1]! > GAP_SECONDS ? [(t + known[i - 1]!) / 2, t] : [t],
  );
  const at = new Map(times.map((t, i) => [t, i]));
  return [
    times,
    ...series.map((s) => {
      const column = Array.from<number | null>({ length: times.length }).fill(null);
      const [t, v] = s.columns();
      t.forEach((time, i) => (column[at.get(time)!] = v[i]!));
      return column;
    }),
  ];
}
