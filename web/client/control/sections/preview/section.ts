import { unwatched } from '../../../core/alpine.ts';
import { say } from '../../../i18n/index.ts';
import { section, type Brings } from '../../section.ts';
import { drawHistogram, histogramOf } from './histogram.ts';
import html from './section.html';
import { Zoom } from './zoom.ts';

/** A small copy is enough for a histogram, and is made off the main thread. */
const HISTOGRAM_WIDTH = 320;

/** The newest picture, with pan, zoom and histogram. */
export const preview = section({
  html,
  state: () => ({
    showPreview: true,
    previewReady: false,
    previewAlt: '',
    picture: unwatched({
      id: null as string | null,
      url: null as string | null,
      counts: null as number[] | null,
      zoom: null as Zoom | null,
    }),
  }),
  methods: {
    async refreshPreview(): Promise<void> {
      const { m, picture } = this;
      if (!m.source) return;
      const asked = m.telescope?.preview?.id ?? null;
      if (asked !== null && asked === picture.id) return;
      picture.id = asked;
      try {
        const blob = await this.fetchPreview(asked);
        if (!blob || picture.id !== asked) return;
        const bitmap = await createImageBitmap(blob, { resizeWidth: HISTOGRAM_WIDTH });
        picture.counts = histogramOf(bitmap);
        bitmap.close();
        this.showPicture(URL.createObjectURL(blob));
      } catch {
        picture.id = null;
      }
    },
    /** A night without a frame has no preview to ask for; without one the newest frame's stands in. */
    async fetchPreview(id: string | null): Promise<Blob | null> {
      const { m } = this;
      const blob = id !== null || m.images.length > 0 ? await m.source!.preview() : null;
      const newest = m.images.find((image) => image.preview_url);
      return blob ?? (newest && m.http ? (await fetch(m.url(newest.preview_url))).blob() : null);
    },
    showPicture(url: string): void {
      (this.$refs.picture as HTMLImageElement).src = url;
      if (this.picture.url) URL.revokeObjectURL(this.picture.url);
      this.picture.url = url;
      this.previewReady = true;
      const what = [this.view.targetName, this.view.previewStats].filter(Boolean).join(', ');
      this.previewAlt = say('preview.alt', { what });
      this.drawCounts();
    },
    drawCounts(): void {
      if (this.picture.counts) drawHistogram(this.$refs.histogram as HTMLCanvasElement, this.picture.counts);
    },
    zoomBy(factor: number): void {
      this.picture.zoom?.by(factor);
    },
    fullscreen(): void {
      if (document.fullscreenElement) void document.exitFullscreen();
      else void this.$refs.stage!.requestFullscreen?.().catch(() => undefined);
    },
    togglePreview(): void {
      this.showPreview = !this.showPreview;
    },
  },
  events: {
    'preview.ready'(preview): void {
      if (this.m.telescope) this.m.telescope = { ...this.m.telescope, preview };
      void this.refreshPreview();
    },
  },
  turns: {
    begin(): void {
      this.picture.zoom = new Zoom(this.$refs.stage!, this.$refs.picture!);
    },
    telescope({ preview }): void {
      if (preview && preview.id !== this.picture.id) void this.refreshPreview();
    },
    restyle(): void {
      this.drawCounts();
    },
    end(): void {
      this.picture.zoom?.destroy();
      if (this.picture.url) URL.revokeObjectURL(this.picture.url);
    },
  },
});

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof preview> {}
}
