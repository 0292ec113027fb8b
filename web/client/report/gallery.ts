import { clock, number } from '../core/format.ts';
import type { Brings } from '../core/parts.ts';
import { prefs } from '../core/prefs.ts';
import type { ImageSummary } from '../core/types.ts';
import { filterTone } from '../control/wording.ts';
import { say } from '../i18n/index.ts';
import { part } from './page.ts';

/** Frames in the gallery at first. */
const GALLERY_STEP = 24;

/** A frame as the gallery shows it. */
function tileOf(image: ImageSummary, zone: string | undefined): Record<string, string> & { id: string } {
  const l = prefs.locale;
  return {
    id: image.id,
    filename: image.filename,
    state: image.state,
    tone: filterTone(image.filter),
    thumb: image.thumbnail_url ?? '',
    preview: image.preview_url ?? '',
    url: image.url ?? '',
    full: image.full_url ?? '',
    meta: [
      clock(image.captured_at, l, zone, false),
      image.filter,
      image.hfd ? `HFD ${number(image.hfd, l, 2)}` : '',
      image.state === 'archived' ? '' : say(`images.state.${image.state}`),
    ]
      .filter(Boolean)
      .join(' · '),
    downloadLabel: say('images.downloadOf', { name: image.filename }),
    fullLabel: say('images.fullOf', { name: image.filename }),
  };
}

/** The night's frames, some at a time. */
export const gallery = part({
  state: () => ({ tiles: [] as ReturnType<typeof tileOf>[], shownImages: GALLERY_STEP, hasMore: false }),
  methods: {
    moreImages(): void {
      this.shownImages += GALLERY_STEP * 2;
      this.paintGallery();
    },
    paintGallery(): void {
      const { images, zone } = this.night;
      this.hasMore = images.length > this.shownImages;
      this.tiles = images.slice(0, this.shownImages).map((image) => tileOf(image, zone));
    },
  },
});

declare module './page.ts' {
  interface ReportPage extends Brings<typeof gallery> {}
}
