import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import type { Identity } from './auth.ts';
import type { Deps } from './deps.ts';
import { Problem } from './errors.ts';
import type { AppEnv } from './guard.ts';

/** A request that died half-way gives its key back after this. */
const ABANDONED_MS = 60_000;
const KEPT_MS = 24 * 3_600_000;

/**
 * `Idempotency-Key` for requests that make something: the first answer is kept for 24 h and given again; another body under
 * the same key is refused. Answers that carry secrets must not go through here.
 */
export async function idempotent(
  deps: Deps,
  c: Context<AppEnv>,
  who: Identity,
  request: unknown,
  run: () => Promise<Response>,
): Promise<Response> {
  const given = c.req.header('idempotency-key');
  if (given === undefined) return run();
  if (!/^[\x21-\x7e]{1,200}$/.test(given))
    throw new Problem('bad_request', 'Idempotency-Key must be 1 to 200 visible ASCII characters.');
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
  const key = digest(`${who.credentialId}\n${c.req.method}\n${c.req.path}\n${given}`);
  const body = digest(JSON.stringify(request));
  const now = new Date(deps.now());
  const won = await deps.db.$executeRaw`
    INSERT INTO idempotency_keys (key, request, created_at) VALUES (${key}, ${body}, ${now})
    ON CONFLICT (key) DO UPDATE SET request = EXCLUDED.request, status = NULL, response = NULL, created_at = EXCLUDED.created_at
    WHERE (idempotency_keys.status IS NULL AND idempotency_keys.created_at < ${new Date(now.getTime() - ABANDONED_MS)})
       OR idempotency_keys.created_at < ${new Date(now.getTime() - KEPT_MS)}`;
  if (won === 0) {
    const before = await deps.db.idempotencyKey.findUnique({ where: { key } });
    if (before && before.request !== body)
      throw new Problem('conflict', 'This Idempotency-Key was used with another body.');
    if (!before || before.status === null)
      throw new Problem(
        'in_progress',
        'The first request with this Idempotency-Key is still being handled.',
        {},
        { 'retry-after': '1' },
      );
    return new Response(JSON.stringify(before.response), {
      status: before.status,
      headers: { 'content-type': 'application/json', 'idempotent-replayed': 'true' },
    });
  }
  try {
    const response = await run();
    const text = await response.clone().text();
    await deps.db.idempotencyKey.update({
      where: { key },
      data: { status: response.status, response: JSON.parse(text) as object },
    });
    return response;
  } catch (thrown) {
    await deps.db.idempotencyKey.deleteMany({ where: { key, status: null } }).catch(() => undefined);
    throw thrown;
  }
}
