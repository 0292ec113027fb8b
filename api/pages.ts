import { z } from '@hono/zod-openapi';
import { Problem } from './errors.ts';

/** Cursor pages as Laravel answers them: `data`, `links`, `meta`. */
export const Links = z.object({ first: z.string(), last: z.null(), prev: z.null(), next: z.string().nullable() });
export const Meta = z.object({
  path: z.string(),
  per_page: z.number().int(),
  next_cursor: z.string().nullable(),
  prev_cursor: z.null(),
});
export const pageOf = (item: z.ZodType, id: string, more: z.ZodRawShape = {}): z.ZodType =>
  z.object({ data: z.array(item), links: Links, meta: Meta, ...more }).meta({ id });

export const PageQuery = z.object({
  cursor: z.string().max(400).optional().describe('From `meta.next_cursor`; opaque'),
  per_page: z.coerce.number().int().min(1).max(100).default(20),
});

export const encodeCursor = (...parts: (string | number)[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url');

/** @throws Problem `bad_request` for a cursor that is not one of ours. */
export function decodeCursor(
  cursor: string | undefined,
  ...kinds: ('date' | 'number' | 'string')[]
): (string | number)[] | null {
  if (cursor === undefined || cursor === '') return null;
  try {
    const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
    if (!Array.isArray(parts) || parts.length !== kinds.length) throw new Error('shape');
    kinds.forEach((kind, i) => {
      const part: unknown = parts[i];
      if (kind === 'number' ? !Number.isSafeInteger(part) : typeof part !== 'string' || part.includes('\0'))
        throw new Error('shape');
      if (kind === 'date' && Number.isNaN(Date.parse(part as string))) throw new Error('shape');
    });
    return parts as (string | number)[];
  } catch {
    throw new Problem('bad_request', 'The cursor is not valid; begin again without it.');
  }
}

/** `rows` holds one more than a page when there is a next one. */
export function page<R, T>(
  url: string,
  perPage: number,
  rows: R[],
  show: (row: R) => T,
  cursorOf: (row: R) => string,
): { data: T[]; links: z.infer<typeof Links>; meta: z.infer<typeof Meta> } {
  const shown = rows.slice(0, perPage);
  const next = rows.length > perPage ? cursorOf(shown.at(-1)!) : null;
  const here = new URL(url);
  const link = (cursor: string | null): string => {
    const query = new URLSearchParams(here.search);
    query.delete('cursor');
    if (cursor !== null) query.set('cursor', cursor);
    const text = query.toString();
    return text ? `${here.pathname}?${text}` : here.pathname;
  };
  return {
    data: shown.map(show),
    links: { first: link(null), last: null, prev: null, next: next === null ? null : link(next) },
    meta: { path: here.pathname, per_page: perPage, next_cursor: next, prev_cursor: null },
  };
}
