import { unwatched } from '../../../core/alpine.ts';
import { prefs } from '../../../core/prefs.ts';
import type { ImageSummary } from '../../../core/types.ts';
import { say } from '../../../i18n/index.ts';
import { section, type Brings } from '../../section.ts';
import { play } from '../../sounds.ts';
import dialogs from './dialogs.html';
import html from './section.html';
import { isSame, NOTHING_SHOWN, shownOf, tileOf, type Tile } from './tiles.ts';

const MAX_TILES = 20;

/** The newest frames, each with its file, its pictures and its figures. */
export const images = section({
  html,
  dialogs,
  state: () => ({
    images: [] as ImageSummary[],
    tiles: [] as Tile[],
    shown: NOTHING_SHOWN,
    gallery: unwatched({
      /** The frame that has just come in; its tile glows. */
      newest: null as string | null,
      isDue: false,
    }),
  }),
  methods: {
    takeImages(images: ImageSummary[]): void {
      this.m.images = images.slice(0, MAX_TILES);
      this.paintTiles();
    },
    takeImage(image: ImageSummary, isNew: boolean): void {
      const { m } = this;
      if (!image.id || !image.filename) {
        this.gallery.isDue = true;
        return;
      }
      const isKnown = m.images.some(({ id }) => id === image.id);
      m.images = isKnown
        ? m.images.map((one) => (one.id === image.id ? { ...one, ...image } : one))
        : [image, ...m.images].slice(0, MAX_TILES);
      if (image.binning) m.lastBinning = image.binning;
      m.statsDue = true;
      const hasCome = isNew && !isKnown;
      if (hasCome) this.gallery.newest = image.id;
      this.paintTiles();
      // A frame comes every minute all night: a glow in the gallery and, where wanted, a soft sound, but nothing that covers the page.
      if (!hasCome) return;
      this.announcement = say('toast.image', { name: image.filename });
      play('image');
    },
    paintTiles(): void {
      const { m } = this;
      const known = new Map(this.tiles.map((tile) => [tile.id, tile]));
      this.images = m.images;
      this.tiles = m.images
        .map((image) => tileOf(image, m, this.gallery.newest))
        .map((tile) => (isSame(tile, known.get(tile.id)) ? known.get(tile.id)! : tile));
    },
    openImage(id: string): void {
      const image = this.m.images.find((one) => one.id === id);
      if (!image) return;
      this.shown = shownOf(image, this.m);
      this.openDialog('lightbox');
    },
    quickLook(): void {
      const { quick, filename } = this.shown;
      void import('./quicklook.ts').then(({ openQuickLook }) =>
        openQuickLook(this.m.root!, quick, filename, prefs.locale),
      );
    },
  },
  events: {
    'image.captured'(image): void {
      this.takeImage(image, true);
    },
    'image.measured'(image): void {
      this.takeImage(image, false);
    },
  },
  turns: {
    snapshot(snapshot): void {
      if (snapshot.images.captured > 0 && this.m.images.length === 0) this.gallery.isDue = true;
    },
    tick(): void {
      if (!this.gallery.isDue || !this.m.source) return;
      this.gallery.isDue = false;
      void this.m.source.images().then(
        ({ images }) => this.takeImages(images),
        () => undefined,
      );
    },
    restyle(): void {
      this.paintTiles();
    },
  },
});

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof images> {}
}
