import {
  ADD,
  AND,
  assemble,
  get,
  i32,
  load32,
  load8,
  OR,
  set,
  SHL,
  step,
  store32,
  tee,
  v128,
  whileAtLeast,
  XOR,
  type Code,
} from './assembler.ts';

/**
 * The row kernel as WebAssembly with SIMD:
 *
 *   row(source, pixels, sums, tables)
 *   while pixels >= 8: load 16 bytes, swap each pair, flip the top bit, add to eight 32-bit sums, count eight levels
 *   while pixels > 0:  the same for one pixel
 *
 * Table t of pixel x is t = x mod 4. The JavaScript kernel takes its tables in another order; sums and histograms by column are the same bits.
 */
const SOURCE = 0;
const PIXELS = 1;
const SUMS = 2;
const TABLES = 3;
const LANES = 4;
const ADDRESS = 5;
const TURN = 6;
const LEVEL = 7;
const TABLE_BYTES = 65_536 * 4;

/** tables[table][level]++, with the level's byte offset on the stack. */
const count = (table: number): Code => [
  ...get(TABLES),
  ...ADD,
  ...tee(ADDRESS),
  ...get(ADDRESS),
  ...load32(table * TABLE_BYTES),
  ...i32(1),
  ...ADD,
  ...store32(table * TABLE_BYTES),
];

const addHalf = (offset: number, widen: Code): Code => [
  ...get(SUMS),
  ...get(SUMS),
  ...v128.load(offset),
  ...get(LANES),
  ...widen,
  ...v128.add32,
  ...v128.store(offset),
];

const eight: Code = [
  ...get(SOURCE),
  ...v128.load(),
  ...v128.swap16(LANES),
  ...i32(0x8000),
  ...v128.splat16,
  ...v128.xor,
  ...set(LANES),
  ...addHalf(0, v128.widenLow16),
  ...addHalf(16, v128.widenHigh16),
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((lane) => [
    ...get(LANES),
    ...v128.extract16(lane),
    ...i32(2),
    ...SHL,
    ...count(lane & 3),
  ]),
  ...step(SOURCE, 16),
  ...step(SUMS, 32),
  ...step(PIXELS, -8),
];

const one: Code = [
  ...get(SOURCE),
  ...load8(0),
  ...i32(8),
  ...SHL,
  ...get(SOURCE),
  ...load8(1),
  ...OR,
  ...i32(0x8000),
  ...XOR,
  ...set(LEVEL),
  ...get(SUMS),
  ...get(SUMS),
  ...load32(),
  ...get(LEVEL),
  ...ADD,
  ...store32(),
  ...get(LEVEL),
  ...i32(2),
  ...SHL,
  ...get(TURN),
  ...ADD,
  ...count(0),
  ...get(TURN),
  ...i32(TABLE_BYTES),
  ...ADD,
  ...i32(TABLE_BYTES * 3),
  ...AND,
  ...set(TURN),
  ...step(SOURCE, 2),
  ...step(SUMS, 4),
  ...step(PIXELS, -1),
];

let compiled: WebAssembly.Module | null | undefined;

/** The compiled kernel, or null on an engine without SIMD. */
export function kernelWasm(): WebAssembly.Module | null {
  compiled ??= assemble([
    {
      name: 'row',
      parameters: 4,
      result: false,
      vectors: 1,
      integers: 3,
      code: [...whileAtLeast(PIXELS, 8, eight), ...whileAtLeast(PIXELS, 1, one)],
    },
  ]);
  return compiled;
}
