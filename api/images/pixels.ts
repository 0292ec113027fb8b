import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import { isAbsence, requireStore } from '../../frames/store/presence.ts';
import { FrameStore } from '../../frames/store/store.ts';
import { hmacBase64Url } from '../../platform/signing.ts';
import type { Ground } from '../ground.ts';
import { Problem } from '../errors.ts';

/** Links in pages and live events live for an hour. */
const LIVE_MS = 3_600_000;

/** Signs an API path for the next hour; the end is rounded up to a quarter, so that browsers can cache by URL. */
export function signLive(deps: Ground, path: string): string {
  const quarter = 900;
  const exp = Math.ceil((deps.now() + LIVE_MS) / 1000 / quarter) * quarter;
  return `${path}?exp=${exp}&sig=${hmacBase64Url(deps.urlKey, `${path}\n${exp}`)}`;
}

/** Signs the pixel paths inside an image's data. */
export function signImageUrls<T extends Record<string, unknown>>(deps: Ground, image: T): T {
  const signed: Record<string, unknown> = { ...image };
  for (const name of ['url', 'preview_url', 'thumbnail_url', 'full_url', 'quicklook_url'] as const) {
    const path = signed[name];
    if (typeof path === 'string' && path.startsWith('/api/') && !path.includes('?'))
      signed[name] = signLive(deps, path);
  }
  return signed as T;
}

/** A path of the frame store, which must lie inside it. @throws Problem `not_found`. */
export function storePath(deps: Ground, stored: string): string {
  const root = resolve(deps.config.OBSERVATIONS_STORAGE_PATH);
  const path = isAbsolute(stored) ? stored : resolve(root, stored);
  const inside = relative(root, path);
  if (inside.startsWith('..') || isAbsolute(inside)) throw new Problem('not_found', 'This file is not in the store.');
  return path;
}

export interface ByteRange {
  start: number;
  end: number;
}
/** `Range: bytes=a-b` of one range; null for none or several (then all is sent); 'unsatisfiable' beyond the end. RFC 9110 §14. */
export function parseRange(header: string | undefined, size: number): ByteRange | null | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  if (match[1] === '') {
    const last = Number(match[2]);
    return last === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - last), end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (start >= size) return 'unsatisfiable';
  return end < start ? null : { start, end };
}

/** `filename` for old readers and `filename*` for all others (RFC 6266), without anything that could end the header. */
export const disposition = (kind: 'inline' | 'attachment', name: string): string =>
  `${kind}; filename="${name.replace(/[^\x20-\x7e]|["\\]/g, '_')}"; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`;

/** A file of the frame store. @throws Problem `not_found` · StoreAway when the store's disk is not there */
export async function sendStored(
  c: Context,
  deps: Ground,
  path: string,
  options: Parameters<typeof sendFile>[2],
): Promise<Response> {
  try {
    return await sendFile(c, path, options);
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === 'not_found')
      await requireStore(new FrameStore(deps.config.OBSERVATIONS_STORAGE_PATH));
    throw thrown;
  }
}

/** A file with ETag, conditional and range requests; streamed, never held. */
export async function sendFile(
  c: Context,
  path: string,
  options: { type: string; name: string; etag: string; inline?: boolean; immutable?: boolean },
): Promise<Response> {
  const file = await open(path, 'r').catch((thrown: unknown) => {
    // Only the system's "no such file" is absence; no descriptor left or a dying disk say nothing of the file.
    if (!isAbsence(thrown)) throw thrown;
    return null;
  });
  if (!file) throw new Problem('not_found', 'The file is no longer in the store.');
  const { size, mtime } = await file.stat();
  await file.close();
  const etag = `"${options.etag}"`;
  const headers: Record<string, string> = {
    etag,
    'content-type': options.type,
    'accept-ranges': 'bytes',
    'last-modified': mtime.toUTCString(),
    'cache-control': options.immutable ? 'private, max-age=31536000, immutable' : 'private, no-cache',
    'content-disposition': disposition(options.inline ? 'inline' : 'attachment', options.name),
    'x-content-type-options': 'nosniff',
  };
  const none = c.req.header('if-none-match');
  if (none && none.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag))
    return new Response(null, { status: 304, headers });
  const ifRange = c.req.header('if-range');
  const range = ifRange === undefined || ifRange === etag ? parseRange(c.req.header('range'), size) : null;
  if (range === 'unsatisfiable')
    throw new Problem(
      'range_not_satisfiable',
      `The file has ${size} bytes.`,
      {},
      { 'content-range': `bytes */${size}` },
    );
  if (range) {
    headers['content-range'] = `bytes ${range.start}-${range.end}/${size}`;
    headers['content-length'] = String(range.end - range.start + 1);
  } else headers['content-length'] = String(size);
  const body =
    c.req.method === 'HEAD' || size === 0
      ? null
      : (Readable.toWeb(createReadStream(path, range ? { start: range.start, end: range.end } : {})) as ReadableStream);
  return new Response(body, { status: range ? 206 : 200, headers });
}
