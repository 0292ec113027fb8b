import { bytes, clock, number, UNKNOWN } from '../../../core/format.ts';
import { prefs } from '../../../core/prefs.ts';
import type { ImageSummary } from '../../../core/types.ts';
import { say } from '../../../i18n/index.ts';
import type { Machine } from '../../machine.ts';
import { binningIn, filterTone, short } from '../../wording.ts';

/** A frame in the gallery, in words and addresses. */
export interface Tile {
  id: string;
  filename: string;
  type: string;
  tone: string;
  state: string;
  fresh: boolean;
  thumb: string;
  url: string;
  time: string;
  meta: string;
  full: string;
  openLabel: string;
  downloadLabel: string;
  fullLabel: string;
}

export function tileOf(image: ImageSummary, m: Machine, newest: string | null): Tile {
  const { locale } = prefs;
  const { filename: name } = image;
  const meta = [
    image.filter,
    image.exposure ? `${number(image.exposure, locale)} s` : '',
    image.hfd ? `HFD\u00a0${number(image.hfd, locale, 2)}` : '',
    image.state === 'archived' ? '' : say(`images.state.${image.state}`),
  ];
  return {
    id: image.id,
    filename: name,
    type: image.type,
    tone: filterTone(image.filter),
    state: image.state,
    fresh: image.id === newest,
    thumb: m.url(image.thumbnail_url),
    url: m.url(image.url),
    full: m.url(image.full_url),
    time: clock(image.captured_at, locale, m.zone()),
    meta: meta.filter(Boolean).join(' · '),
    openLabel: say('images.open', { name }),
    downloadLabel: say('images.downloadOf', { name }),
    fullLabel: say('images.fullOf', { name }),
  };
}

/** Field by field; what has not changed keeps its object, and with it what the page shows of it. */
export const isSame = (a: Tile, b: Tile | undefined): boolean =>
  b !== undefined && (Object.keys(a) as (keyof Tile)[]).every((key) => a[key] === b[key]);

/** A frame in the large, with its figures. */
export interface Shown {
  filename: string;
  preview: string;
  url: string;
  full: string;
  quick: string;
  pairs: { label: string; value: string }[];
}
export const NOTHING_SHOWN: Shown = { filename: '', preview: '', url: '', full: '', quick: '', pairs: [] };

const unit = (value: string, name: string): string => (value === UNKNOWN ? value : `${value} ${name}`);

export function shownOf(image: ImageSummary, m: Machine): Shown {
  const { locale } = prefs;
  return {
    filename: image.filename,
    preview: m.url(image.preview_url),
    url: m.url(image.url),
    full: m.url(image.full_url),
    quick: m.url(image.quicklook_url),
    pairs: [
      { label: say('sequence.filter'), value: image.filter ?? UNKNOWN },
      {
        label: say('images.exposure'),
        value: image.exposure === null ? UNKNOWN : unit(short(image.exposure, locale), 's'),
      },
      { label: 'HFD', value: unit(number(image.hfd, locale, 2), 'px') },
      { label: say('images.stars'), value: number(image.stars, locale) },
      { label: say('camera.temperature'), value: unit(number(image.temperature, locale, 1), '°C') },
      { label: say('camera.binning'), value: binningIn(image.binning) },
      { label: say('book.gain'), value: number(image.gain, locale) },
      { label: say('images.size'), value: bytes(image.size_bytes, locale) },
      { label: 'SHA-256', value: image.sha256 ? `${image.sha256.slice(0, 12)}…` : UNKNOWN },
    ],
  };
}
