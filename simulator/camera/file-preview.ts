import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { BLOCK } from './fits.ts';
import type { RenderResult } from './render.ts';
import { stretched } from './stretch.ts';

/** Cards of the primary header by keyword, and where its data begin; null for what is no FITS. */
function readHeader(file: number): { cards: Map<string, string>; end: number } | null {
  const block = Buffer.alloc(BLOCK);
  const cards = new Map<string, string>();
  let at = 0;
  for (let ended = false; !ended;) {
    if (at > 40 * BLOCK || readSync(file, block, 0, BLOCK, at) < BLOCK) return null;
    if (at === 0 && block.toString('latin1', 0, 9) !== 'SIMPLE  =') return null;
    at += BLOCK;
    for (let card = 0; card < 36 && !ended; card++) {
      const text = block.toString('latin1', card * 80, card * 80 + 80);
      ended = text.startsWith('END     ');
      cards.set(text.slice(0, 8).trim(), text.slice(10).split('/')[0]!.trim());
    }
  }
  return { cards, end: at };
}

/** The first plane of a file: its size in pixels, the type of its numbers, and how they become values. */
interface Plane {
  width: number;
  height: number;
  bits: number;
  zero: number;
  scale: number;
  start: number;
}
/** null where there is no plane, or the file is shorter than it says. */
function firstPlane(file: number): Plane | null {
  const header = readHeader(file);
  if (!header) return null;
  const number = (key: string, otherwise: number): number => Number(header.cards.get(key) ?? otherwise);
  const plane: Plane = {
    width: number('NAXIS1', 0),
    height: number('NAXIS2', 0),
    bits: number('BITPIX', 0),
    zero: number('BZERO', 0),
    scale: number('BSCALE', 1),
    start: header.end,
  };
  const { width, height, bits } = plane;
  const isPlane = !(number('NAXIS', 0) < 2) && [8, 16, 32, -32, -64].includes(bits) && width > 0 && height > 0;
  return isPlane && fstatSync(file).size >= header.end + (width * height * Math.abs(bits)) / 8 ? plane : null;
}

/** Every `step`-th pixel of every `step`-th row, what is no number as 0, with what they come to. */
function sample(file: number, { width, bits, zero, scale, start }: Plane, step: number, [w, h]: [number, number]) {
  const out = new Float32Array(w * h);
  const row = Buffer.alloc((width * Math.abs(bits)) / 8);
  const read = {
    8: (i: number) => row[i]!,
    16: (i: number) => row.readInt16BE(i * 2),
    32: (i: number) => row.readInt32BE(i * 4),
    [-32]: (i: number) => row.readFloatBE(i * 4),
    [-64]: (i: number) => row.readDoubleBE(i * 8),
  }[bits]!;
  let [min, max, sum] = [Infinity, -Infinity, 0];
  for (let y = 0; y < h; y++) {
    readSync(file, row, 0, row.length, start + y * step * row.length);
    for (let x = 0; x < w; x++) {
      const raw = read(x * step) * scale + zero;
      const value = Number.isFinite(raw) ? raw : 0;
      out[y * w + x] = value;
      min = Math.min(min, value);
      max = Math.max(max, value);
      sum += value;
    }
  }
  return { values: out, min, max, mean: sum / out.length };
}

/**
 * Preview of a file that is handed out: its first plane, every n-th pixel of every n-th row. null for what it cannot show
 * (compressed, tables only, broken), as Voyager then sends no NewJPGReady either.
 */
export async function previewOfFile(path: string, longest: number): Promise<RenderResult | null> {
  const file = openSync(path, 'r');
  try {
    const plane = firstPlane(file);
    if (!plane) return null;
    const { width, height } = plane;
    const step = Math.max(1, Math.round(Math.max(width, height) / longest));
    const w = Math.max(1, Math.floor(width / step));
    const h = Math.max(1, Math.floor(height / step));
    const { values, ...stats } = sample(file, plane, step, [w, h]);
    return {
      ...(await stretched(values, w, h)),
      jpegWidth: w,
      jpegHeight: h,
      ...stats,
      hfd: 0,
      stars: 0,
    };
  } finally {
    closeSync(file);
  }
}
