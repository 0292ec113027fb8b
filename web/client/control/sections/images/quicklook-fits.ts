import { FITS, type Image } from 'fitsjs-ng';

/** The first image of a FITS file: physical values by plane, first row on top, and the header cards as written. */
export interface FitsImage {
  width: number;
  height: number;
  /** One plane, or red, green and blue. */
  planes: Float32Array[];
  cards: [string, string][];
  /** Frame pixels a side that one of these pixels stands for, and the frame's own height. */
  factor: number;
  frameHeight: number;
  /** The file's first row is the top one (ROWORDER); else it is the bottom one, as the standard shows images. */
  topDown: boolean;
}

/**
 * Reads the primary image of the quick look, which is a FITS file of our own making, with fitsjs-ng. BINFACT and ORIGH are the quick look's
 * own cards.
 * @throws Error when the file is not FITS, holds no image or is cut short (fitsjs-ng answers what is there).
 */
export async function readFits(buffer: ArrayBuffer): Promise<FitsImage> {
  const warned: string[] = [];
  const fits = FITS.fromArrayBuffer(buffer, { onWarning: (message) => void warned.push(message) });
  const header = fits.getHeader();
  if (header?.get('SIMPLE') !== true) throw new Error('not a FITS file');
  const image = fits.getDataUnit() as Image | undefined;
  if (!image || image.naxis.length < 2 || image.width <= 0 || image.height <= 0)
    throw new Error('this FITS file holds no image');
  const { width, height } = image;
  const topDown = header.getString('ROWORDER').toUpperCase() === 'TOP-DOWN';
  const planes: Float32Array[] = [];
  for (let plane = 0; plane < (image.depth === 3 ? 3 : 1); plane++) {
    const values = Float32Array.from(await image.getFrame(plane), Number);
    if (values.length < width * height) throw new Error('the FITS file is cut short');
    if (!topDown) flip(values, width, height);
    planes.push(values);
  }
  const factor = Math.max(1, header.getNumber('BINFACT', 1));
  const cards = header.getCards().map(({ key, value }): [string, string] => [key, cardText(value)]);
  return { width, height, planes, cards, factor, frameHeight: header.getNumber('ORIGH', height * factor), topDown };
}

/** A header's value as its card writes it. */
function cardText(value: string | number | boolean | null | undefined): string {
  if (typeof value === 'boolean') return value ? 'T' : 'F';
  return String(value ?? '');
}

/** Turns the rows over, in place. */
function flip(values: Float32Array, width: number, height: number): void {
  for (let y = 0; y < height >> 1; y++) {
    const upper = values.slice(y * width, (y + 1) * width);
    values.copyWithin(y * width, (height - 1 - y) * width, (height - y) * width);
    values.set(upper, (height - 1 - y) * width);
  }
}

/** Black point, midtones balance and white point; black and white as values, the balance from 0 to 1. */
export interface Stretch {
  black: number;
  midtones: number;
  white: number;
}
/** The midtones transfer function: 0 and 1 stay, `m` becomes one half. */
export function midtonesTransfer(m: number, x: number): number {
  if (x <= 0) return 0;
  return x >= 1 ? 1 : ((m - 1) * x) / ((2 * m - 1) * x - m);
}

/** Least and greatest value. */
export function rangeOf(planes: readonly Float32Array[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const values of planes)
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  return low < high ? [low, high] : [Number.isFinite(low) ? low : 0, (Number.isFinite(low) ? low : 0) + 1];
}

/** Black at the median less 2.8 deviations, the median at a quarter of the light, white at the top: what astronomers know as auto stretch. */
export function autoStretch(planes: readonly Float32Array[], [low, high]: [number, number]): Stretch {
  const sample: number[] = [];
  for (const values of planes) {
    const step = Math.max(1, Math.floor(values.length / 60_000));
    for (let i = 0; i < values.length; i += step)
      if (Number.isFinite(values[i])) sample.push((values[i]! - low) / (high - low));
  }
  const middle = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
  const median = middle(sample);
  const deviation = 1.4826 * middle(sample.map((value) => Math.abs(value - median)));
  const black = Math.max(0, median - 2.8 * deviation);
  const midtones = black < 1 ? midtonesTransfer(0.25, (median - black) / (1 - black)) : 0.5;
  return { black: low + black * (high - low), midtones: Math.min(0.999, Math.max(0.0001, midtones)), white: high };
}

/** Where a value stands on the axis of histogram and sliders, which gives the sky at its low end most of the room; and back. */
export const toAxis = (value: number, [low, high]: [number, number]): number =>
  Math.cbrt(Math.min(1, Math.max(0, (value - low) / (high - low))));
export const fromAxis = (at: number, [low, high]: [number, number]): number => low + at ** 3 * (high - low);

/** 256 counts along that axis. */
export function countsOf(planes: readonly Float32Array[], range: [number, number]): number[] {
  const counts = Array.from<number>({ length: 256 }).fill(0);
  for (const values of planes)
    for (const value of values)
      if (Number.isFinite(value)) counts[Math.min(255, Math.floor(toAxis(value, range) * 256))]!++;
  return counts;
}
