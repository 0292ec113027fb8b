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
const BLOCK = 2880;

/**
 * Reads the primary image of a FITS file (FITS standard 4.0: 2880-byte blocks, 80-character cards, big-endian data, BZERO and BSCALE).
 * BINFACT and ORIGH are the quick look's own cards.
 * @throws Error when the file is not FITS or holds no image.
 */
export function readFits(buffer: ArrayBuffer): FitsImage {
  const bytes = new Uint8Array(buffer);
  const cards: [string, string][] = [];
  let offset = 0;
  for (let end = false; !end;) {
    if (offset + BLOCK > bytes.length) throw new Error('not a FITS file: the header has no END');
    for (let i = 0; i < 36 && !end; i++) {
      const card = String.fromCharCode(...bytes.subarray(offset + i * 80, offset + (i + 1) * 80));
      const name = card.slice(0, 8).trim();
      if (cards.length === 0 && name !== 'SIMPLE') throw new Error('not a FITS file');
      if (name === 'END') end = true;
      else if (card[8] === '=') cards.push([name, valueOf(card.slice(10))]);
    }
    offset += BLOCK;
  }
  const text = (name: string): string | undefined => cards.find(([key]) => key === name)?.[1];
  const number = (name: string, fallback: number): number => Number(text(name) ?? fallback);
  const [width, height, bitpix] = [number('NAXIS1', 0), number('NAXIS2', 0), number('BITPIX', 16)];
  if (number('NAXIS', 0) < 2 || width <= 0 || height <= 0) throw new Error('this FITS file holds no image');
  const [zero, scale] = [number('BZERO', 0), number('BSCALE', 1)];
  const size = Math.abs(bitpix) / 8;
  const count = number('NAXIS', 0) > 2 && number('NAXIS3', 1) === 3 ? 3 : 1;
  if (offset + count * width * height * size > bytes.length) throw new Error('the FITS file is cut short');
  const view = new DataView(buffer, offset);
  const readers: Record<number, (at: number) => number> = {
    8: (at) => view.getUint8(at),
    16: (at) => view.getInt16(at),
    32: (at) => view.getInt32(at),
    [-32]: (at) => view.getFloat32(at),
    [-64]: (at) => view.getFloat64(at),
  };
  const read = readers[bitpix];
  if (!read) throw new Error(`BITPIX ${bitpix} is not supported here`);
  const topDown = text('ROWORDER')?.toUpperCase() === 'TOP-DOWN';
  const planes = Array.from({ length: count }, (_, plane) => {
    const values = new Float32Array(width * height);
    for (let y = 0; y < height; y++) {
      const row = plane * height + (topDown ? y : height - 1 - y);
      for (let x = 0; x < width; x++) values[y * width + x] = read((row * width + x) * size) * scale + zero;
    }
    return values;
  });
  const factor = Math.max(1, number('BINFACT', 1));
  return { width, height, planes, cards, factor, frameHeight: number('ORIGH', height * factor), topDown };
}

function valueOf(text: string): string {
  const quoted = /^\s*'((?:[^']|'')*)'/.exec(text);
  return quoted ? quoted[1]!.replaceAll("''", "'").trim() : (text.split('/')[0] ?? '').trim();
}

/** Black point, midtones balance and white point; black and white as values, the balance from 0 to 1. */
export interface Stretch {
  black: number;
  midtones: number;
  white: number;
}
/** The midtones transfer function: 0 and 1 stay, `m` becomes one half. */
export const midtonesTransfer = (m: number, x: number): number => (x <= 0 ? 0 : x >= 1 ? 1 : ((m - 1) * x) / ((2 * m - 1) * x - m));

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
    for (let i = 0; i < values.length; i += step) if (Number.isFinite(values[i])) sample.push((values[i]! - low) / (high - low));
  }
  const middle = (numbers: number[]): number => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
  const median = middle(sample);
  const deviation = 1.4826 * middle(sample.map((value) => Math.abs(value - median)));
  const black = Math.max(0, median - 2.8 * deviation);
  const midtones = black < 1 ? midtonesTransfer(0.25, (median - black) / (1 - black)) : 0.5;
  return { black: low + black * (high - low), midtones: Math.min(0.999, Math.max(0.0001, midtones)), white: high };
}

/** Where a value stands on the axis of histogram and sliders, which gives the sky at its low end most of the room; and back. */
export const toAxis = (value: number, [low, high]: [number, number]): number => Math.cbrt(Math.min(1, Math.max(0, (value - low) / (high - low))));
export const fromAxis = (at: number, [low, high]: [number, number]): number => low + at ** 3 * (high - low);

/** 256 counts along that axis. */
export function countsOf(planes: readonly Float32Array[], range: [number, number]): number[] {
  const counts = Array.from<number>({ length: 256 }).fill(0);
  for (const values of planes) for (const value of values) if (Number.isFinite(value)) counts[Math.min(255, Math.floor(toAxis(value, range) * 256))]!++;
  return counts;
}
