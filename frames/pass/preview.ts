import sharp, { type JpegOptions } from 'sharp';
import type { ImageHdu } from '../fits/index.ts';
import { orientationOf, type Orientation } from './colour.ts';
import type { PassResult } from './pass.ts';
import { PREVIEW_SIDE } from './reduce.ts';
import { autoStretch, stretch } from './stretch.ts';

sharp.cache(false);
sharp.concurrency(1);

export const THUMBNAIL_SIDE = 320;
/** Colour noise is as fine as the pixels: with halved colour, or at 85, its JPEG is less than 30 dB like it (test/frames/likeness). */
export const jpegOf = (channels: 1 | 3): JpegOptions =>
  channels === 1 ? { quality: 85 } : { quality: 90, chromaSubsampling: '4:4:4' };

/** The stretched picture as JPEG at most 1,600 pixels long, and the thumbnail at most 320. */
export async function renderPreview(
  image: ImageHdu,
  pass: PassResult,
  orientation: Orientation | 'auto',
): Promise<{ preview: Buffer; thumbnail: Buffer; width: number; height: number }> {
  const flip = orientationOf(image.header, orientation) === 'bottom-up';
  const picture = stretch(pass.reduced, autoStretch(pass.levels), pass.low, pass.high, flip);
  const raw = { width: picture.width, height: picture.height, channels: picture.channels };
  const open = () => {
    const opened = sharp(picture.pixels, { raw, limitInputPixels: false });
    return picture.channels === 1 ? opened.toColourspace('b-w') : opened;
  };
  const fit = (side: number) => ({ width: side, height: side, fit: 'inside' as const, withoutEnlargement: true });
  const large = Math.max(picture.width, picture.height) > PREVIEW_SIDE ? open().resize(fit(PREVIEW_SIDE)) : open();
  const { data: preview, info } = await large.jpeg(jpegOf(picture.channels)).toBuffer({ resolveWithObject: true });
  const thumbnail = await open().resize(fit(THUMBNAIL_SIDE)).jpeg({ quality: 80 }).toBuffer();
  return { preview, thumbnail, width: info.width, height: info.height };
}
