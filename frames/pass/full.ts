import sharp from 'sharp';
import { CHUNK_PIXELS, FitsError, openPixels, type ByteSource, type ImageHdu } from '../fits/index.ts';
import { orientationOf, type Orientation } from './colour.ts';
import type { PassResult } from './pass.ts';
import { jpegOf } from './preview.ts';
import { autoStretch, stretchTable, type Stretched, shadeOf } from './stretch.ts';

const { isFinite } = Number;

/** Largest picture in memory: 61 megapixels in grey, 33 in colour. Larger frames are reduced by the next whole number. */
export const FULL_BYTES = 100_000_000;
/** A JPEG's longest side (ITU-T T.81, B.2.2: 16 bits), with some room. */
const JPEG_SIDE = 65_500;

/**
 * The frame at full size with the stretch of its preview, a row at a time: besides the 8-bit picture itself only some rows are held.
 * A colour sensor gives one pixel per 2×2 cell.
 */
export function fullPicture(
  source: ByteSource,
  image: ImageHdu,
  pass: PassResult,
  orientation: Orientation | 'auto',
): Stretched {
  const { width, height, planes } = image;
  const { mosaic, low, high } = pass;
  if (width > CHUNK_PIXELS) throw new FitsError('unsupported', `rows of ${width} pixels are not shown`);
  const channels = mosaic || planes === 3 ? 3 : 1;
  const cell = mosaic ? 2 : 1;
  let box = cell;
  while (
    Math.floor(width / box) * Math.floor(height / box) * channels > FULL_BYTES ||
    Math.max(width, height) / box > JPEG_SIDE
  )
    box += cell;
  const [boxColumns, boxRows] = [Math.min(box, width), Math.min(box, height)];
  const outWidth = Math.floor(width / boxColumns);
  const outHeight = Math.floor(height / boxRows);
  const flip = orientationOf(image.header, orientation) === 'bottom-up';
  const reader = openPixels(source, image);
  const table = stretchTable(autoStretch(pass.levels));
  const unit = high > low ? 65_535 / (high - low) : 0;
  const pixels = new Uint8Array(outWidth * outHeight * channels);
  const sums = new Float64Array(outWidth * channels);
  const counts = new Uint32Array(outWidth * channels);
  for (let y = 0; y < outHeight; y++) {
    sums.fill(0);
    counts.fill(0);
    for (let plane = 0; plane < (mosaic ? 1 : channels); plane++)
      for (let r = 0; r < boxRows; r++) {
        const values = reader.physical((plane * height + y * boxRows + r) * width, outWidth * boxColumns);
        const parity = mosaic ? ((y * boxRows + r) & 1) * 2 : 0;
        for (let x = 0, i = 0; i < outWidth; i++)
          for (let c = 0; c < boxColumns; c++, x++) {
            const v = values[x]!;
            if (!isFinite(v)) continue;
            const at = i * channels + (mosaic ? mosaic[parity + (x & 1)]! : plane);
            sums[at]! += v;
            counts[at]! += 1;
          }
      }
    const row = (flip ? outHeight - 1 - y : y) * outWidth * channels;
    for (let i = 0; i < sums.length; i++) {
      const level = (sums[i]! / counts[i]! - low) * unit + 0.5;
      pixels[row + i] = shadeOf(table, level);
    }
  }
  return { width: outWidth, height: outHeight, channels, pixels };
}

/** The same as JPEG. */
export async function renderFull(
  source: ByteSource,
  image: ImageHdu,
  pass: PassResult,
  orientation: Orientation | 'auto',
): Promise<{ jpeg: Buffer; width: number; height: number }> {
  const { pixels, ...raw } = fullPicture(source, image, pass, orientation);
  const opened = sharp(pixels, { raw, limitInputPixels: false });
  const jpeg = await (raw.channels === 1 ? opened.toColourspace('b-w') : opened).jpeg(jpegOf(raw.channels)).toBuffer();
  return { jpeg, width: raw.width, height: raw.height };
}
