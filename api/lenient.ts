import type { Context } from 'hono';
import { whole } from '../domain/contracts/shapes.ts';

/** A body that does not come, or not to its end, is waited for this long. */
const BODY_WAIT_MS = 500;

/**
 * Reads the body of a stop as well as it goes: JSON of any media type, a form, or nothing; the route sees JSON without what no text may hold. A stop is never refused for its
 * form (docs/safety.md).
 */
export async function readLeniently(c: Context): Promise<void> {
  const { raw } = c.req;
  const headers = new Headers(raw.headers);
  for (const name of ['content-length', 'transfer-encoding', 'content-encoding']) headers.delete(name);
  headers.set('content-type', 'application/json');
  const body = JSON.stringify(parsed(await textOf(raw)), (_, value: unknown) =>
    typeof value === 'string' ? whole(value) : value,
  );
  c.req.raw = new Request(c.req.url, { method: c.req.method, headers, body });
}

async function textOf(request: Request): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(''), BODY_WAIT_MS);
  });
  try {
    return await Promise.race([request.text(), late]);
  } catch {
    return '';
  } finally {
    clearTimeout(timer);
  }
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return /^[\w.-]+=/.test(text) ? Object.fromEntries(new URLSearchParams(text)) : {};
  }
}
