import { FitsError } from './errors.ts';

/**
 * HCOMPRESS_1 (FITS Standard 4.0, 10.4.4; White, Postman and Lattanzi 1992): the coefficients of a two-dimensional Haar transform,
 * written as bit planes of quad trees. Numbers are doubles, which hold every coefficient of 32-bit pixels exactly.
 */

const MAGIC = 0xdd99;
const HEAD_BYTES = 25;
/** Coefficients of 32-bit pixels have fewer bit planes than this. */
const MOST_PLANES = 52;

/**
 * One tile of `rows` × `columns` pixels.
 * @throws FitsError corrupt when the stream is none, ends early or is of another size
 */
export function hcompressDecode(bytes: Uint8Array, out: Int32Array, rows: number, columns: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEAD_BYTES || view.getUint16(0) !== MAGIC) throw corrupt('does not begin as one');
  if (view.getInt32(2) !== rows || view.getInt32(6) !== columns)
    throw corrupt(`has ${view.getInt32(6)} × ${view.getInt32(2)} pixels, not ${columns} × ${rows}`);
  const scale = view.getInt32(10);
  const planes = [bytes[22]!, bytes[23]!, bytes[24]!] as const;
  if (planes.some((n) => n > MOST_PLANES)) throw corrupt(`has ${Math.max(...planes)} bit planes`);
  const a = new Float64Array(rows * columns);
  const bits = new Bits(bytes, HEAD_BYTES);
  readCoefficients(bits, a, rows, columns, planes);
  a[0] = Number(view.getBigInt64(14));
  if (scale > 1) for (let i = 0; i < a.length; i++) a[i] = a[i]! * scale;
  inverseTransform(a, rows, columns);
  for (let i = 0; i < a.length; i++) out[i] = a[i]!;
}

const corrupt = (what: string): FitsError => new FitsError('corrupt', `an HCOMPRESS_1 tile ${what}`);

class Bits {
  private bit: number;
  constructor(
    private readonly bytes: Uint8Array,
    at: number,
  ) {
    this.bit = at * 8;
  }
  one(): number {
    const byte = this.bytes[this.bit >> 3];
    if (byte === undefined) throw corrupt('ends early');
    return (byte >> (7 - (this.bit++ & 7))) & 1;
  }
  take(n: number): number {
    let value = 0;
    for (let i = 0; i < n; i++) value = (value << 1) | this.one();
    return value;
  }
  /** Goes on at the next whole byte. */
  align(): void {
    this.bit = (this.bit + 7) & ~7;
  }
  /** Four bits of a quad by the fixed Huffman code: those with one bit set in three bits, the others in four to six. */
  quad(): number {
    let code = this.take(3);
    if (code < 4) return 1 << code;
    code = (code << 1) | this.one();
    if (code < 13) return [3, 5, 10, 12, 15][code - 8]!;
    code = (code << 1) | this.one();
    if (code < 31) return [6, 7, 9, 11, 13][code - 26]!;
    return this.one() === 0 ? 0 : 14;
  }
}

const half = (n: number): number => (n + 1) >> 1;
/** The smallest power of two that is not below n, as its exponent. */
const log2Above = (n: number): number => (n <= 1 ? 0 : 32 - Math.clz32(n - 1));

/** The four quadrants of coefficients, then one sign bit for each that is not zero. */
function readCoefficients(
  bits: Bits,
  a: Float64Array,
  rows: number,
  columns: number,
  planes: readonly [number, number, number],
): void {
  const [top, left] = [half(rows), half(columns)];
  const quadrants = [
    [0, top, left, planes[0]],
    [left, top, columns - left, planes[1]],
    [columns * top, rows - top, left, planes[1]],
    [columns * top + left, rows - top, columns - left, planes[2]],
  ] as const;
  for (const [start, height, width, count] of quadrants)
    for (let plane = count - 1; plane >= 0; plane--) {
      const quads = readPlane(bits, height, width);
      addPlane(quads, a, start, columns, height, width, 2 ** plane);
    }
  if (bits.take(4) !== 0) throw corrupt('does not end its bit planes');
  bits.align();
  for (let i = 0; i < a.length; i++) if (a[i] !== 0 && bits.one() === 1) a[i] = -a[i]!;
}

/** One bit plane as quads of four bits: written directly, or as a quad tree from the root down. */
function readPlane(bits: Bits, height: number, width: number): Uint8Array {
  const how = bits.take(4);
  const [quadRows, quadColumns] = [half(height), half(width)];
  if (how === 0) return Uint8Array.from({ length: quadRows * quadColumns }, () => bits.take(4));
  if (how !== 15) throw corrupt(`codes a bit plane as ${how}`);
  const levels = log2Above(Math.max(height, width));
  let quads: Uint8Array = Uint8Array.of(bits.quad());
  for (let level = levels - 1; level > 0; level--) {
    const [h, w] = [sizeAt(height, level), sizeAt(width, level)];
    const next = split(quads, h, w);
    for (let i = next.length - 1; i >= 0; i--) if (next[i] !== 0) next[i] = bits.quad();
    quads = next;
  }
  return quads;
}
/** Length of an axis after it was halved, rounding up, this many times; an empty one keeps a place in the tree. */
const sizeAt = (n: number, times: number): number => Math.max(1, Math.ceil(n / 2 ** times));

/** Quads to the single bits of the level below. */
function split(quads: Uint8Array, height: number, width: number): Uint8Array {
  const out = new Uint8Array(height * width);
  const across = half(width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      out[y * width + x] = (quads[(y >> 1) * across + (x >> 1)]! >> (3 - 2 * (y & 1) - (x & 1))) & 1;
  return out;
}

function addPlane(
  quads: Uint8Array,
  a: Float64Array,
  start: number,
  stride: number,
  height: number,
  width: number,
  worth: number,
): void {
  const across = half(width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if ((quads[(y >> 1) * across + (x >> 1)]! >> (3 - 2 * (y & 1) - (x & 1))) & 1)
        a[start + y * stride + x]! += worth;
}

/** Steps of one level of the transform: worth of the bits that it hands up, and halves of them for rounding. */
interface Steps {
  bit0: number;
  bit1: number;
  /** What rounds a number below zero to `bit0`, which differs on the last level. */
  down0: number;
  divisor: number;
}

/** To the nearest multiple; halves away from zero as the encoder has it. */
const rounded = (value: number, step: number, down = Math.floor(step / 2) - 1): number =>
  Math.floor((value + (value >= 0 ? Math.floor(step / 2) : down)) / step) * step;
/** The bit of this worth of a whole number in two's complement. */
const bitOf = (value: number, worth: number): number => (Math.abs(Math.floor(value / worth)) % 2 === 1 ? worth : 0);
const awayFromZero = (value: number, by: number): number => (value >= 0 ? value + by : value - by);

/** From the mean of the tile down: each level interleaves its coefficients and makes four numbers of every four. */
function inverseTransform(a: Float64Array, rows: number, columns: number): void {
  const levels = log2Above(Math.max(rows, columns));
  if (levels === 0) return;
  a[0] = rounded(a[0]!, 2 ** (levels + 1));
  const line = new Float64Array(Math.max(rows, columns));
  for (let level = levels - 1; level >= 0; level--) {
    const [height, width] = [sizeAt(rows, level), sizeAt(columns, level)];
    for (let y = 0; y < height; y++) interleave(a, y * columns, 1, width, line);
    for (let x = 0; x < width; x++) interleave(a, x, columns, height, line);
    const bit0 = 2 ** level;
    const last = level === 0;
    const steps = { bit0, bit1: 2 * bit0, down0: last ? 0 : Math.floor(bit0 / 2) - 1, divisor: last ? 4 : 2 };
    for (let y = 0; y < height; y += 2)
      for (let x = 0; x < width; x += 2)
        combine(a, y * columns + x, { below: y + 1 < height ? columns : 0, beside: x + 1 < width ? 1 : 0 }, steps);
  }
}

/** The first half of a line to its even places, the second to its odd ones. */
function interleave(a: Float64Array, start: number, stride: number, n: number, line: Float64Array): void {
  const first = half(n);
  for (let i = 0; i < n; i++) line[i] = a[start + i * stride]!;
  for (let i = 0; i < n; i++) a[start + i * stride] = line[(i >> 1) + (i & 1 ? first : 0)]!;
}

/** Four pixels out of their sum and three differences; at an odd edge two, or one. */
function combine(
  a: Float64Array,
  at: number,
  { below, beside }: { below: number; beside: number },
  steps: Steps,
): void {
  const { bit0, bit1, down0, divisor } = steps;
  const h0 = a[at]!;
  if (below === 0 || beside === 0) {
    const step = below + beside;
    if (step === 0) {
      a[at] = Math.floor(h0 / divisor);
      return;
    }
    const h = rounded(a[at + step]!, bit1);
    const sum = awayFromZero(h0, -bitOf(h, bit1));
    a[at + step] = Math.floor((sum + h) / divisor);
    a[at] = Math.floor((sum - h) / divisor);
    return;
  }
  const hc = rounded(a[at + below + beside]!, bit0, down0);
  const low0 = bitOf(hc, bit0);
  const hx = awayFromZero(rounded(a[at + below]!, bit1), -low0);
  const hy = awayFromZero(rounded(a[at + beside]!, bit1), -low0);
  const low1 = (bitOf(hc, bit1) + bitOf(hx, bit1) + bitOf(hy, bit1)) % (2 * bit1);
  const sum = h0 >= 0 ? h0 + low0 - low1 : h0 + (low0 === 0 ? low1 : low0 - low1);
  a[at + below + beside] = Math.floor((sum + hx + hy + hc) / divisor);
  a[at + below] = Math.floor((sum + hx - hy - hc) / divisor);
  a[at + beside] = Math.floor((sum - hx + hy - hc) / divisor);
  a[at] = Math.floor((sum - hx - hy + hc) / divisor);
}
