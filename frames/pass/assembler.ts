/**
 * As much of a WebAssembly assembler as the two kernels need (WebAssembly Core 2.0, chapter 5), so that no binary lies in the
 * repository. An instruction is its bytes.
 */
export type Code = number[];

export const leb = (n: number): Code => {
  const out: Code = [];
  let rest = n >>> 0;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    out.push(rest ? byte | 0x80 : byte);
  } while (rest);
  return out;
};
const sleb = (n: number): Code => {
  const out: Code = [];
  let rest = n | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && !(byte & 0x40)) || (rest === -1 && byte & 0x40)) return [...out, byte];
    out.push(byte | 0x80);
  }
};

export const get = (local: number): Code => [0x20, ...leb(local)];
export const set = (local: number): Code => [0x21, ...leb(local)];
export const tee = (local: number): Code => [0x22, ...leb(local)];
export const i32 = (value: number): Code => [0x41, ...sleb(value)];
export const load32 = (offset = 0): Code => [0x28, 2, ...leb(offset)];
export const load8 = (offset = 0): Code => [0x2d, 0, ...leb(offset)];
export const store32 = (offset = 0): Code => [0x36, 2, ...leb(offset)];
export const ADD: Code = [0x6a];
export const AND: Code = [0x71];
export const OR: Code = [0x72];
export const XOR: Code = [0x73];
export const SHL: Code = [0x74];

const simd = (opcode: number, ...rest: Code): Code => [0xfd, ...leb(opcode), ...rest];
export const v128 = {
  load: (offset = 0): Code => simd(0x00, 0, ...leb(offset)),
  store: (offset = 0): Code => simd(0x0b, 0, ...leb(offset)),
  /** Swaps the two bytes of each 16-bit lane; both operands of the shuffle are the top of the stack and local `again`. */
  swap16: (again: number): Code => [
    ...tee(again),
    ...get(again),
    ...simd(0x0d, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14),
  ],
  xor: simd(0x51),
  splat16: simd(0x10),
  extract16: (lane: number): Code => simd(0x19, lane),
  widenLow16: simd(0xa9),
  widenHigh16: simd(0xaa),
  add32: simd(0xae),
  addSat16: simd(0x8f),
  subSat16: simd(0x92),
  shrS16: simd(0x8c),
  gtS16: simd(0x31),
  bitmask16: simd(0x84),
};

/** `while (local >= atLeast) { code }`, unsigned; the code must bring the local down. */
export const whileAtLeast = (local: number, atLeast: number, code: Code): Code => [
  0x02,
  0x40,
  0x03,
  0x40,
  ...get(local),
  ...i32(atLeast),
  0x49,
  0x0d,
  1,
  ...code,
  0x0c,
  0,
  0x0b,
  0x0b,
];
/** `if (top of the stack) { code }` */
export const when = (code: Code): Code => [0x04, 0x40, ...code, 0x0b];
/** local += by */
export const step = (local: number, by: number): Code => [...get(local), ...i32(by), ...ADD, ...set(local)];

export interface Routine {
  name: string;
  parameters: number;
  /** Whether it leaves an i32 behind. */
  result: boolean;
  /** Locals after the parameters. */
  vectors: number;
  integers: number;
  code: Code;
}

const I32 = 0x7f;
const V128 = 0x7b;
const section = (id: number, body: Code): Code => [id, ...leb(body.length), ...body];
const vector = (items: Code[]): Code => [...leb(items.length), ...items.flat()];
const text = (value: string): Code => [...leb(value.length), ...Buffer.from(value)];

/** A module of these routines over the imported memory `env.memory`; null on an engine without SIMD. */
export function assemble(routines: Routine[]): WebAssembly.Module | null {
  const bytes = Uint8Array.from([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(
      1,
      vector(
        routines.map((r) => [
          0x60,
          ...leb(r.parameters),
          ...Array<number>(r.parameters).fill(I32),
          ...(r.result ? [1, I32] : [0]),
        ]),
      ),
    ),
    ...section(2, [1, ...text('env'), ...text('memory'), 2, 0, 1]),
    ...section(3, vector(routines.map((_, i) => leb(i)))),
    ...section(7, vector(routines.map((r, i) => [...text(r.name), 0, ...leb(i)]))),
    ...section(
      10,
      vector(
        routines.map((r) => {
          const body = [
            ...vector([
              [...leb(r.vectors), V128],
              [...leb(r.integers), I32],
            ]),
            ...r.code,
            0x0b,
          ];
          return [...leb(body.length), ...body];
        }),
      ),
    ),
  ]);
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
}
