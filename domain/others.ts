/** Names of other people's targets stand between these signs wherever a sentence needs them, so that they can be left out for a guest. */
const OPEN = '‹';
const CLOSE = '›';

/** Names for operators, as part of a sentence. */
export const namesOfOthers = (names: readonly string[]): string =>
  OPEN + names.map((name) => name.replace(/[‹›]/g, '')).join(', ') + CLOSE;

function hide(text: string): string {
  let hidden = '';
  let from = 0;
  for (;;) {
    const open = text.indexOf(OPEN, from);
    const close = open < 0 ? -1 : text.indexOf(CLOSE, open);
    if (close < 0) return hidden + text.slice(from);
    hidden += `${text.slice(from, open)}…`;
    from = close + 1;
  }
}

/** A value as a guest may read it: the same, with "…" for every name of somebody else's target, however deep it stands. */
export function withoutNames<T>(value: T): T {
  if (typeof value === 'string') return hide(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutNames(item)) as T;
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutNames<unknown>(part)])) as T;
}

/** The same as JSON text. Few things carry a name, and the others need no copy. */
export function textWithoutNames(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes(OPEN) ? JSON.stringify(withoutNames(value)) : text;
}
