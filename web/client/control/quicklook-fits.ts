/** The first image of a FITS file: physical values, and the header cards as written. */
export interface FitsImage {
  width: number;
  height: number;
  values: Float32Array;
  cards: [string, string][];
}
const BLOCK = 2880;

/**
 * Reads the primary image of a FITS file (FITS standard 4.0: 2880-byte blocks, 80-character cards, big-endian data, BZERO and BSCALE).
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
  const number = (name: string, fallback: number): number => Number(cards.find(([key]) => key === name)?.[1] ?? fallback);
  const [width, height, bitpix] = [number('NAXIS1', 0), number('NAXIS2', 0), number('BITPIX', 16)];
  if (number('NAXIS', 0) < 2 || width <= 0 || height <= 0) throw new Error('this FITS file holds no image');
  const [zero, scale] = [number('BZERO', 0), number('BSCALE', 1)];
  const size = Math.abs(bitpix) / 8;
  if (offset + width * height * size > bytes.length) throw new Error('the FITS file is cut short');
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
  const values = new Float32Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = read(i * size) * scale + zero;
  return { width, height, values, cards };
}

function valueOf(text: string): string {
  const quoted = /^\s*'((?:[^']|'')*)'/.exec(text);
  return quoted ? quoted[1]!.replaceAll("''", "'").trim() : (text.split('/')[0] ?? '').trim();
}

/** Shares of the pixels below which everything is black and above which everything is white. */
export function limits(values: Float32Array, low: number, high: number): [number, number] {
  const step = Math.max(1, Math.floor(values.length / 50_000));
  const sample: number[] = [];
  for (let i = 0; i < values.length; i += step) if (Number.isFinite(values[i])) sample.push(values[i]!);
  sample.sort((a, b) => a - b);
  const at = (share: number): number => sample[Math.min(sample.length - 1, Math.max(0, Math.floor(share * (sample.length - 1))))] ?? 0;
  return [at(low), at(high)];
}
