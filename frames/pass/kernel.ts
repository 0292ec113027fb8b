import { kernelWasm } from './kernel-wasm.ts';

/** Number of values of a 16-bit pixel, and of entries in a histogram. */
export const LEVELS = 65_536;
const TABLES = 4;

/**
 * The inner loop of the pass over big-endian 16-bit rows: byte order, histogram and vertical sums in one go.
 * A pixel's level is its stored value + 32,768, so that signed and unsigned files take the same way.
 * Four tables in turns, since a run of equal pixels would otherwise wait for its own store; what counts in the end is their sum by even
 * and odd columns.
 */
export interface Kernel {
  readonly name: 'wasm' | 'js';
  /** Where rows are read into: `rows` rows of `width` pixels. */
  readonly band: Uint8Array;
  /** Sums of levels by column; `clearSums` empties them. Two sets, for even and odd rows of a colour sensor. */
  readonly sums: readonly [Uint32Array, Uint32Array];
  /**
   * Takes `count` rows of the band from `first` on into sums and tables: all into set 0, or, for a colour sensor, in turns into the sets
   * of even and odd rows, the first one's being `parity`. Once for each row that was read: the rows are changed by it.
   */
  addRows(first: number, count: number, parity: 0 | 1 | null): void;
  clearSums(): void;
  /** Counts by level over the pixels of rows of `set`, for even (0) or odd (1) columns. */
  histogram(set: 0 | 1, column: 0 | 1): Uint32Array;
}

const TABLE_BYTES = LEVELS * 4;
const SET_BYTES = TABLE_BYTES * TABLES;

/** @param mode which of the two; both give the same bits (tested). WebAssembly where the engine has it. */
export function createKernel(width: number, rows: number, mode: 'wasm' | 'js' = 'wasm'): Kernel {
  const sumBytes = Math.ceil(width / 8) * 32;
  const sumsAt = SET_BYTES * 2;
  const bandAt = sumsAt + sumBytes * 2;
  const bytes = bandAt + width * 2 * rows + 16;
  const module = mode === 'wasm' ? kernelWasm() : null;
  const memory = module ? new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) }) : null;
  const buffer: ArrayBuffer = memory ? memory.buffer : new ArrayBuffer(bytes);
  const band = new Uint8Array(buffer, bandAt, width * 2 * rows);
  const sums = [new Uint32Array(buffer, sumsAt, width), new Uint32Array(buffer, sumsAt + sumBytes, width)] as const;
  const tables = [0, 1].map((set) =>
    [0, 1, 2, 3].map((t) => new Uint32Array(buffer, set * SET_BYTES + t * TABLE_BYTES, LEVELS)),
  );

  let addRows: Kernel['addRows'];
  if (module && memory) {
    const run = new WebAssembly.Instance(module, { env: { memory } }).exports.row as (
      source: number,
      pixels: number,
      sums: number,
      tables: number,
    ) => void;
    addRows = (first, count, parity) => {
      for (let r = 0; r < count; r++) {
        const set = parity === null ? 0 : (parity + r) & 1;
        run(bandAt + (first + r) * width * 2, width, sumsAt + set * sumBytes, set * SET_BYTES);
      }
    };
  } else {
    addRows = (first, count, parity) => {
      const at = bandAt + first * width * 2;
      Buffer.from(buffer, at, count * width * 2).swap16();
      const pixels = new Uint16Array(buffer, at, count * width);
      const step = parity === null ? 1 : 2;
      for (let turn = 0; turn < step; turn++) {
        const set = ((parity ?? 0) + turn) & 1;
        const [a, b, c, d] = tables[set] as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
        let r = turn;
        for (; r + 2 * step < count; r += 3 * step)
          threeRows(pixels, r * width, step * width, width, sums[set]!, a, b, c, d);
        for (; r < count; r += step) oneRow(pixels, r * width, width, sums[set]!, a, b, c, d);
      }
    };
  }
  return {
    name: module ? 'wasm' : 'js',
    band,
    sums,
    addRows,
    clearSums: () => {
      sums[0].fill(0);
      sums[1].fill(0);
    },
    histogram: (set, column) => {
      const out = new Uint32Array(LEVELS);
      const even = tables[set]![column]!;
      const odd = tables[set]![column + 2]!;
      for (let i = 0; i < LEVELS; i++) out[i] = even[i]! + odd[i]!;
      return out;
    },
  };
}

/** Levels of one row, its first pixel at `from`; even columns in turns into `a` and `c`, odd ones into `b` and `d`. */
function oneRow(
  pixels: Uint16Array,
  from: number,
  width: number,
  sums: Uint32Array,
  a: Uint32Array,
  b: Uint32Array,
  c: Uint32Array,
  d: Uint32Array,
): void {
  let x = 0;
  for (; x + 4 <= width; x += 4) {
    const at = from + x;
    const v0 = pixels[at]! ^ 0x8000;
    const v1 = pixels[at + 1]! ^ 0x8000;
    const v2 = pixels[at + 2]! ^ 0x8000;
    const v3 = pixels[at + 3]! ^ 0x8000;
    a[v0] = a[v0]! + 1;
    b[v1] = b[v1]! + 1;
    c[v2] = c[v2]! + 1;
    d[v3] = d[v3]! + 1;
    sums[x] = sums[x]! + v0;
    sums[x + 1] = sums[x + 1]! + v1;
    sums[x + 2] = sums[x + 2]! + v2;
    sums[x + 3] = sums[x + 3]! + v3;
  }
  for (; x < width; x++) {
    const v = pixels[from + x]! ^ 0x8000;
    const table = (x & 1) === 0 ? a : b;
    table[v] = table[v]! + 1;
    sums[x] = sums[x]! + v;
  }
}

/** The same of three rows that lie `stride` pixels apart: a column's sum is read and written once for all three, which is a third faster. */
function threeRows(
  pixels: Uint16Array,
  from: number,
  stride: number,
  width: number,
  sums: Uint32Array,
  a: Uint32Array,
  b: Uint32Array,
  c: Uint32Array,
  d: Uint32Array,
): void {
  const second = from + stride;
  const third = second + stride;
  let x = 0;
  for (; x + 2 <= width; x += 2) {
    const u0 = pixels[from + x]! ^ 0x8000;
    const v0 = pixels[second + x]! ^ 0x8000;
    const w0 = pixels[third + x]! ^ 0x8000;
    a[u0] = a[u0]! + 1;
    c[v0] = c[v0]! + 1;
    a[w0] = a[w0]! + 1;
    sums[x] = sums[x]! + (u0 + v0 + w0);
    const u1 = pixels[from + x + 1]! ^ 0x8000;
    const v1 = pixels[second + x + 1]! ^ 0x8000;
    const w1 = pixels[third + x + 1]! ^ 0x8000;
    b[u1] = b[u1]! + 1;
    d[v1] = d[v1]! + 1;
    b[w1] = b[w1]! + 1;
    sums[x + 1] = sums[x + 1]! + (u1 + v1 + w1);
  }
  if (x < width)
    for (const at of [from, second, third]) {
      const v = pixels[at + x]! ^ 0x8000;
      a[v] = a[v]! + 1;
      sums[x] = sums[x]! + v;
    }
}
