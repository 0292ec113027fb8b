import {
  ADD,
  assemble,
  get,
  i32,
  OR,
  set,
  SHL,
  step,
  store32,
  tee,
  v128,
  when,
  whileAtLeast,
  type Code,
} from './assembler.ts';

/**
 * The inner loops of star detection over rows of 16-bit numbers above the sky:
 *
 *   prepare(source, pixels, target, sky, shift)   big-endian pixels → (stored − sky) >> shift, saturating
 *   filter(above, here, below, pixels, column, out, threshold) → number of hits
 *       column = above + 2·here + below, then column[x−1] + 2·column[x] + column[x+1] > threshold,
 *       one word per group of eight pixels that has any: x · 256 + mask
 *
 * All sums saturate at ±32,767; a saturated sum is over any threshold used. Rows have a margin of eight numbers on both sides, so no
 * group needs a tail.
 */
export const ROW_MARGIN = 8;

const prepare: Code = (() => {
  const [SOURCE, PIXELS, TARGET, SKY, SHIFT, LANES] = [0, 1, 2, 3, 4, 5];
  return whileAtLeast(PIXELS, 1, [
    ...get(TARGET),
    ...get(SOURCE),
    ...v128.load(),
    ...v128.swap16(LANES),
    ...get(SKY),
    ...v128.load(),
    ...v128.subSat16,
    ...get(SHIFT),
    ...v128.shrS16,
    ...v128.store(),
    ...step(SOURCE, 16),
    ...step(TARGET, 16),
    ...step(SKY, 16),
    ...step(PIXELS, -8),
  ]);
})();

const filter: Code = (() => {
  const [ABOVE, HERE, BELOW, PIXELS, COLUMN, OUT, THRESHOLD] = [0, 1, 2, 3, 4, 5, 6];
  const [LANES, LIMIT] = [7, 8];
  const [LEFT, AT, X, MASK, HITS] = [9, 10, 11, 12, 13];
  const twice = (code: Code): Code => [...code, ...v128.addSat16];
  return [
    ...get(THRESHOLD),
    ...v128.splat16,
    ...set(LIMIT),
    ...get(PIXELS),
    ...set(LEFT),
    ...get(COLUMN),
    ...set(AT),
    ...whileAtLeast(LEFT, 1, [
      ...get(AT),
      ...get(ABOVE),
      ...v128.load(),
      ...get(BELOW),
      ...v128.load(),
      ...v128.addSat16,
      ...get(HERE),
      ...v128.load(),
      ...tee(LANES),
      ...get(LANES),
      ...v128.addSat16,
      ...v128.addSat16,
      ...v128.store(),
      ...step(ABOVE, 16),
      ...step(HERE, 16),
      ...step(BELOW, 16),
      ...step(AT, 16),
      ...step(LEFT, -8),
    ]),
    ...get(PIXELS),
    ...set(LEFT),
    ...get(COLUMN),
    ...set(AT),
    ...whileAtLeast(LEFT, 1, [
      ...get(AT),
      ...i32(-2),
      ...ADD,
      ...v128.load(),
      ...get(AT),
      ...v128.load(2),
      ...v128.addSat16,
      ...twice([...get(AT), ...v128.load(), ...tee(LANES), ...get(LANES)]),
      ...v128.addSat16,
      ...get(LIMIT),
      ...v128.gtS16,
      ...v128.bitmask16,
      ...tee(MASK),
      ...when([
        ...get(OUT),
        ...get(HITS),
        ...i32(2),
        ...SHL,
        ...ADD,
        ...get(X),
        ...i32(8),
        ...SHL,
        ...get(MASK),
        ...OR,
        ...store32(),
        ...step(HITS, 1),
      ]),
      ...step(AT, 16),
      ...step(X, 8),
      ...step(LEFT, -8),
    ]),
    ...get(HITS),
  ];
})();

let compiled: WebAssembly.Module | null | undefined;
function starWasm(): WebAssembly.Module | null {
  compiled ??= assemble([
    { name: 'prepare', parameters: 5, result: false, vectors: 1, integers: 0, code: prepare },
    { name: 'filter', parameters: 7, result: true, vectors: 2, integers: 5, code: filter },
  ]);
  return compiled;
}

/** Rows in turn: `slot` 0, 1 or 2. */
export interface StarKernel {
  readonly name: 'wasm' | 'js';
  /** Where rows of big-endian 16-bit pixels are read into. */
  readonly band: Uint8Array;
  /** Sky per column, as stored numbers. */
  readonly sky: Int16Array;
  /** Prepared rows without their margins. */
  readonly rows: readonly [Int16Array, Int16Array, Int16Array];
  /** Words x · 256 + mask of the last `filter`. */
  readonly hits: Uint32Array;
  prepare(bandRow: number, slot: number, shift: number): void;
  filter(above: number, here: number, below: number, threshold: number): number;
}

/** Into 16 bits; what is no number stays none, and is nothing in a row of 16 bits. */
export function saturate(v: number): number {
  if (v > 32_767) return 32_767;
  return v < -32_768 ? -32_768 : v;
}

export function createStarKernel(width: number, bandRows: number, mode: 'wasm' | 'js' = 'wasm'): StarKernel {
  const padded = Math.ceil(width / 8) * 8;
  const rowBytes = (padded + 2 * ROW_MARGIN) * 2;
  const skyAt = 16;
  const rowsAt = skyAt + padded * 2;
  const columnAt = rowsAt + 3 * rowBytes;
  const hitsAt = columnAt + rowBytes;
  const bandAt = hitsAt + (padded / 8) * 4 + 16;
  const bytes = bandAt + width * 2 * bandRows + 32;
  const module = mode === 'wasm' ? starWasm() : null;
  const memory = module ? new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) }) : null;
  const buffer: ArrayBuffer = memory ? memory.buffer : new ArrayBuffer(bytes);
  const rowStart = (slot: number): number => rowsAt + slot * rowBytes + ROW_MARGIN * 2;
  const rows = [0, 1, 2].map((slot) => new Int16Array(buffer, rowStart(slot), width)) as unknown as [
    Int16Array,
    Int16Array,
    Int16Array,
  ];
  const tails = [0, 1, 2].map((slot) => new Int16Array(buffer, rowStart(slot) + width * 2, padded - width));
  const sky = new Int16Array(buffer, skyAt, width);
  const column = new Int16Array(buffer, columnAt + ROW_MARGIN * 2 - 2, padded + 2);
  const hits = new Uint32Array(buffer, hitsAt, padded / 8);
  const band = new Uint8Array(buffer, bandAt, width * 2 * bandRows);

  if (module && memory) {
    const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as {
      prepare(source: number, pixels: number, target: number, sky: number, shift: number): void;
      filter(
        above: number,
        here: number,
        below: number,
        pixels: number,
        column: number,
        out: number,
        threshold: number,
      ): number;
    };
    return {
      name: 'wasm',
      band,
      sky,
      rows,
      hits,
      prepare: (bandRow, slot, shift) => {
        exports.prepare(bandAt + bandRow * width * 2, padded, rowStart(slot), skyAt, shift);
        tails[slot]!.fill(0);
      },
      filter: (above, here, below, threshold) =>
        exports.filter(
          rowStart(above),
          rowStart(here),
          rowStart(below),
          padded,
          columnAt + ROW_MARGIN * 2,
          hitsAt,
          threshold,
        ),
    };
  }
  return {
    name: 'js',
    band,
    sky,
    rows,
    hits,
    prepare: (bandRow, slot, shift) => {
      const target = rows[slot]!;
      for (let x = 0, j = bandRow * width * 2; x < width; x++, j += 2)
        target[x] = saturate((((band[j]! << 24) >> 16) | band[j + 1]!) - sky[x]!) >> shift;
    },
    filter: (above, here, below, threshold) => {
      const [a, b, c] = [rows[above]!, rows[here]!, rows[below]!];
      for (let x = 0; x < width; x++) column[x + 1] = saturate(saturate(a[x]! + c[x]!) + saturate(2 * b[x]!));
      for (let x = width; x < padded; x++) column[x + 1] = 0;
      let found = 0;
      for (let x = 0; x < padded; x += 8) {
        let mask = 0;
        for (let k = 0; k < 8; k++) {
          const sum = saturate(saturate(column[x + k]! + column[x + k + 2]!) + saturate(2 * column[x + k + 1]!));
          if (sum > threshold) mask |= 1 << k;
        }
        if (mask) hits[found++] = (x << 8) | mask;
      }
      return found;
    },
  };
}
