import type { Report } from '../../../domain/contracts/report.ts';
import { unwatched } from '../core/alpine.ts';
import { Graph, type Line } from '../core/charts.ts';
import type { Brings } from '../core/parts.ts';
import { filterTone } from '../control/wording.ts';
import { type Telemetry } from './night.ts';
import { say } from '../i18n/index.ts';
import { part } from './page.ts';

type Frame = Report['images']['frames'][number];
const WEATHER = ['weather.temperature', 'weather.humidity', 'weather.cloud'];

const withHfd = (r: Report): Frame[] => r.images.frames.filter((f) => f.captured_at && f.hfd !== null);
const hasData = (telemetry: Telemetry | null, name: string): boolean =>
  telemetry?.series[name]?.mean.some((v) => v !== null) ?? false;

interface Drawing {
  lines: Line[];
  digits: number;
  /** Seconds since 1970, then the values of each line. */
  columns: [number[], ...(number | null)[][]];
}
/** HFD of each frame, a colour for each filter. */
function hfdDrawing(frames: Frame[]): Drawing {
  const filters = [...new Set(frames.map((f) => f.filter))];
  const sorted = [...frames].sort((a, b) => Date.parse(a.captured_at!) - Date.parse(b.captured_at!));
  return {
    lines: filters.map((f) => ({ label: f ?? '', color: `--filter-${filterTone(f)}`, points: true })),
    digits: 2,
    columns: [
      sorted.map((f) => Date.parse(f.captured_at!) / 1000),
      ...filters.map((filter) => sorted.map((f) => (f.filter === filter ? f.hfd : null))),
    ],
  };
}
const guidingDrawing = ({ t, series }: Telemetry): Drawing => ({
  lines: [{ label: 'RMS', color: '--accent', fill: true, dots: true }],
  digits: 2,
  columns: [t, series['guiding.rms']!.mean],
});
const weatherDrawing = ({ t, series }: Telemetry): Drawing => ({
  lines: [
    { label: `${say('weather.temperature')} (°C)`, color: '--gold' },
    { label: `${say('weather.humidity')} (%)`, color: '--accent' },
    { label: `${say('weather.clouds')} (%)`, color: '--violet', dash: [4, 4] },
  ],
  digits: 0,
  columns: [t, ...WEATHER.map((name) => series[name]?.mean ?? t.map(() => null))],
});

/** The night in curves: HFD, guiding, weather. */
export const graphs = part({
  state: () => ({
    has: { hfd: false, guiding: false, weather: false },
    drawn: unwatched([] as Graph[]),
  }),
  methods: {
    paintGraphs(r: Report): void {
      const { telemetry } = this.night;
      this.has = {
        hfd: withHfd(r).length > 0,
        guiding: hasData(telemetry, 'guiding.rms'),
        weather: WEATHER.some((name) => hasData(telemetry, name)),
      };
      this.$nextTick(() => this.drawGraphs(r));
    },
    drawGraphs(r: Report): void {
      for (const graph of this.drawn.splice(0)) graph.destroy();
      const { telemetry } = this.night;
      if (this.has.hfd) this.drawGraph('hfd', hfdDrawing(withHfd(r)));
      if (telemetry && this.has.guiding) this.drawGraph('guiding', guidingDrawing(telemetry));
      if (telemetry && this.has.weather) this.drawGraph('weather', weatherDrawing(telemetry));
    },
    drawGraph(ref: string, { lines, digits, columns }: Drawing): void {
      const graph = new Graph(this.$refs[ref]!, { lines, height: 200, digits, zone: () => this.night.zone });
      graph.set(columns);
      this.drawn.push(graph);
    },
  },
});

declare module './page.ts' {
  interface ReportPage extends Brings<typeof graphs> {}
}
