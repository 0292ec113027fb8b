import { writeFits16, type WritableValue } from '../fits/writer.ts';
import type { ImageHdu } from '../fits/index.ts';
import type { PassResult } from './pass.ts';

const COPIED = [
  'OBJECT',
  'DATE-OBS',
  'EXPTIME',
  'EXPOSURE',
  'FILTER',
  'GAIN',
  'OFFSET',
  'CCD-TEMP',
  'RA',
  'DEC',
  'ROWORDER',
  'INSTRUME',
  'TELESCOP',
] as const;

/**
 * The reduced linear image as a small 16-bit FITS for the browser's viewer: rows as stored, physical values kept by BSCALE and BZERO.
 * Empty boxes become the lowest value.
 */
export function quicklookFits(image: ImageHdu, pass: PassResult): Buffer {
  const { reduced } = pass;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const values of reduced.channels)
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!;
      if (v < min) min = v;
      if (v > max) max = v;
    }
  if (!(max >= min)) [min, max] = [0, 0];
  const plain = min >= 0 && max <= 65_535 && image.bitpix > 0;
  const low = plain ? 0 : min;
  const step = plain || max === min ? 1 : (max - min) / 65_535;
  const perStep = 1 / step;
  const planes = reduced.channels.map((values) => {
    const out = new Uint16Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!;
      // NaN becomes 0 in a Uint16Array.
      out[i] = (v - low) * perStep + 0.5;
    }
    return out;
  });
  const cards: [string, WritableValue, string?][] = [];
  for (const keyword of COPIED) {
    const value = image.header.get(keyword);
    if (
      typeof value === 'string' ||
      typeof value === 'boolean' ||
      (typeof value === 'number' && Number.isFinite(value))
    )
      cards.push([keyword, value]);
  }
  cards.push(
    ['BINFACT', reduced.factor, 'box mean of so many pixels a side'],
    ['ORIGW', image.width, 'width of the frame'],
    ['ORIGH', image.height, 'height of the frame'],
  );
  return writeFits16(reduced.width, reduced.height, planes, cards, { bscale: step, bzero: low });
}
