import { clock, number, UNKNOWN } from '../../../core/format.ts';
import type { Facts } from '../../facts.ts';
import { passed } from '../../wording.ts';

export function previewView(facts: Facts) {
  const { locale, zone, over, say } = facts;
  const picture = pictureOf(facts);
  return {
    previewEmpty: say(over ? 'preview.over' : 'preview.none'),
    previewHfd: picture?.hfd ? `${number(picture.hfd, locale, 2)} px` : UNKNOWN,
    previewStarIndex: picture?.star_index ? number(picture.star_index, locale, 1) : UNKNOWN,
    previewStats: picture
      ? [
          picture.filter,
          picture.exposure ? `${number(picture.exposure, locale)} s` : null,
          picture.binning ? `bin ${picture.binning}` : null,
        ]
          .filter(Boolean)
          .join(' · ')
      : '',
    previewAge: passed(picture?.at, facts),
    previewTime: picture ? clock(picture.at, locale, zone) : '',
  };
}

interface Picture {
  at: string | null;
  filter: string | null;
  exposure: number | null;
  binning: number | null;
  hfd: number | null;
  star_index: number | null;
}

/** After the night the mirror is gone; its last frame is still there. */
function pictureOf({ telescope, last: { frame } }: Facts): Picture | null {
  const preview = telescope?.preview;
  if (preview) return { ...preview, exposure: preview.exposure_seconds };
  return frame ? { ...frame, at: frame.captured_at } : null;
}
