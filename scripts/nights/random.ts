import { createHash } from 'node:crypto';

type Words = readonly (string | number)[];

/** Uniform in [0, 1): the same for the same words, whoever else has asked before. */
export function chance(...words: Words): number {
  return createHash('sha256').update(words.join('/')).digest().readUInt32BE(0) / 2 ** 32;
}
/** A whole number in [least, most]. */
export const whole = (least: number, most: number, ...words: Words): number =>
  least + Math.floor(chance(...words) * (most - least + 1));
export function pick<T>(from: readonly T[], ...words: Words): T {
  return from[Math.floor(chance(...words) * from.length)]!;
}

/** JSON with sorted keys: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
