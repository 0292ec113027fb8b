/** Names of other people's targets stand between these signs wherever a sentence needs them, so that they can be left out for a guest. */
const OPEN = '‹';
const CLOSE = '›';
const NAMED = /‹[^›]*›/g;

/** Names for operators, as part of a sentence. */
export const namesOfOthers = (names: readonly string[]): string =>
  OPEN + names.map((name) => name.replace(/[‹›]/g, '')).join(', ') + CLOSE;

/** A value as a guest may read it: the same, with "…" for every name of somebody else's target, however deep it stands. */
export function withoutNames<T>(value: T): T {
  if (typeof value === 'string') return value.replace(NAMED, '…') as T;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutNames(item)) as T;
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutNames<unknown>(part)])) as T;
}
