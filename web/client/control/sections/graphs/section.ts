import { unwatched } from '../../../core/alpine.ts';
import { align, Graph, Series } from '../../../core/charts.ts';
import type { History, TelescopeState } from '../../../core/types.ts';
import { say } from '../../../i18n/index.ts';
import { section, type Brings } from '../../section.ts';
import html from './section.html';

/** A value that is older is no point of a graph. */
const FRESH_SECONDS = 15;
const GUIDE_POINTS = 240;
const GUIDE_POINTS_BEFORE = 200;
const NOTHING_DRAWN = { focus: -1, guide: -1 };

const isFresh = (device: { age_seconds: number | null }): boolean => (device.age_seconds ?? Infinity) < FRESH_SECONDS;

/** Focuser and guiding, with their values over time. */
export const graphs = section({
  html,
  state: () => ({
    plots: unwatched({
      focusGraph: null as Graph | null,
      guideGraph: null as Graph | null,
      focus: new Series(),
      temperature: new Series(),
      x: new Series(GUIDE_POINTS),
      y: new Series(GUIDE_POINTS),
      /** Times of the newest points that are drawn. */
      drawn: { ...NOTHING_DRAWN },
    }),
  }),
  methods: {
    buildGraphs(): void {
      const { plots, m } = this;
      this.dropGraphs();
      plots.focusGraph = new Graph(this.$refs.focusGraph!, {
        lines: [{ label: say('focuser.position'), color: '--gold', fill: true }],
        digits: 0,
        zone: m.zone,
      });
      plots.guideGraph = new Graph(this.$refs.guideGraph!, {
        lines: [
          { label: 'X', color: '--accent' },
          { label: 'Y', color: '--filter-ha' },
        ],
        digits: 1,
        zone: m.zone,
      });
      plots.drawn = { ...NOTHING_DRAWN };
    },
    dropGraphs(): void {
      this.plots.focusGraph?.destroy();
      this.plots.guideGraph?.destroy();
    },
    takeHistory(history: History): void {
      const { plots } = this;
      if (history.focuser_position) plots.focus.replace(history.focuser_position);
      if (history.focuser_temperature) plots.temperature.replace(history.focuser_temperature);
      if (history.guide_x) plots.x.replace(history.guide_x.slice(-GUIDE_POINTS_BEFORE));
      if (history.guide_y) plots.y.replace(history.guide_y.slice(-GUIDE_POINTS_BEFORE));
      plots.drawn = { ...NOTHING_DRAWN };
    },
  },
  turns: {
    begin(): void {
      this.buildGraphs();
    },
    telescope({ at, focuser, guiding }: TelescopeState): void {
      const { plots } = this;
      const seconds = Date.parse(at) / 1000;
      if (isFresh(focuser)) {
        plots.focus.push(seconds, focuser.position);
        plots.temperature.push(seconds, focuser.temperature_celsius);
      }
      if (isFresh(guiding) && guiding.status !== 'STOPPED') {
        plots.x.push(seconds, guiding.x_px);
        plots.y.push(seconds, guiding.y_px);
      }
    },
    paint(): void {
      const { plots } = this;
      if (plots.drawn.focus !== plots.focus.last) {
        plots.drawn.focus = plots.focus.last;
        plots.focusGraph?.set(plots.focus.columns());
      }
      if (plots.drawn.guide !== plots.x.last) {
        plots.drawn.guide = plots.x.last;
        plots.guideGraph?.set(align([plots.x, plots.y]));
      }
    },
    restyle(): void {
      this.buildGraphs();
    },
    end(): void {
      this.dropGraphs();
    },
  },
});

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof graphs> {}
}
