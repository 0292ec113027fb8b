import { kernelWasm } from './kernel-wasm.ts';

/** Number of values of a 16-bit pixel, and of entries in a histogram. */
export const LEVELS = 65_536;
const TABLES = 4;

/**
 * The inner loop of the pass over big-endian 16-bit rows: byte order, histogram and vertical sums in one go.
 * A pixel's level is its stored value + 32,768, so that signed and unsigned files take the same way.
 * Four tables in turns, since a run of equal pixels would otherwise wait for its own store.
 */
export interface Kernel {
  readonly name: 'wasm' | 'js';
  /** Where rows are read into: `rows` rows of `width` pixels. */
  readonly band: Uint8Array;
  /** Sums of levels by column; `clearSums` empties them. Two sets, for even and odd rows of a colour sensor. */
  readonly sums: readonly [Uint32Array, Uint32Array];
  /** Takes row `row` of the band into sums and tables of `set`. */
  addRow(row: number, set: 0 | 1): void;
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
  const tables = [0, 1].map((set) => [0, 1, 2, 3].map((t) => new Uint32Array(buffer, set * SET_BYTES + t * TABLE_BYTES, LEVELS)));

  let addRow: Kernel['addRow'];
  if (module && memory) {
    const run = new WebAssembly.Instance(module, { env: { memory } }).exports.row as (source: number, pixels: number, sums: number, tables: number) => void;
    addRow = (row, set) => run(bandAt + row * width * 2, width, sumsAt + set * sumBytes, set * SET_BYTES);
  } else {
    addRow = (row, set) => {
      const [a, b, c, d] = tables[set]!;
      rowJs(band.subarray(row * width * 2, (row + 1) * width * 2), width, sums[set], a!, b!, c!, d!);
    };
  }
  return {
    name: module ? 'wasm' : 'js',
    band,
    sums,
    addRow,
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

function rowJs(bytes: Uint8Array, width: number, sums: Uint32Array, a: Uint32Array, b: Uint32Array, c: Uint32Array, d: Uint32Array): void {
  let x = 0;
  let j = 0;
  for (; x + 4 <= width; x += 4, j += 8) {
    const v0 = ((bytes[j]! << 8) | bytes[j + 1]!) ^ 0x8000;
    const v1 = ((bytes[j + 2]! << 8) | bytes[j + 3]!) ^ 0x8000;
    const v2 = ((bytes[j + 4]! << 8) | bytes[j + 5]!) ^ 0x8000;
    const v3 = ((bytes[j + 6]! << 8) | bytes[j + 7]!) ^ 0x8000;
    a[v0] = a[v0]! + 1;
    b[v1] = b[v1]! + 1;
    c[v2] = c[v2]! + 1;
    d[v3] = d[v3]! + 1;
    sums[x] = sums[x]! + v0;
    sums[x + 1] = sums[x + 1]! + v1;
    sums[x + 2] = sums[x + 2]! + v2;
    sums[x + 3] = sums[x + 3]! + v3;
  }
  for (; x < width; x++, j += 2) {
    const v = ((bytes[j]! << 8) | bytes[j + 1]!) ^ 0x8000;
    const table = (x & 3) === 0 ? a : (x & 3) === 1 ? b : (x & 3) === 2 ? c : d;
    table[v] = table[v]! + 1;
    sums[x] = sums[x]! + v;
  }
}
