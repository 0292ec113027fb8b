import { createHash, createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pinnedTo, publicAddresses } from './address.ts';

const TIMEOUT_MS = 10_000;
/** More of an answer than this is not read. */
const MAX_ANSWER_BYTES = 64 * 1024;
const ANSWER_MS = 2_000;

/** A receiver of webhooks: its outbox channel and its address. */
export interface Receiver {
  channel: string;
  url: string;
}
/** The receivers of `WEBHOOK_URL` (several, separated by commas). The first has channel `webhook`, the others one of their own made from their address. */
export function webhookReceivers(urls: string | undefined): Receiver[] {
  const list = (urls ?? '')
    .split(',')
    .map((url) => url.trim())
    .filter(Boolean);
  return [...new Set(list)].map((url, i) => ({
    channel: i === 0 ? 'webhook' : `webhook.${createHash('sha256').update(url).digest('hex').slice(0, 8)}`,
    url,
  }));
}

export interface Delivered {
  ok: boolean;
  status: number | null;
  error: string | null;
}

/**
 * Headers of a signed webhook. `Signature`: hex HMAC-SHA256 of the raw body under the whole secret string, as spatie/laravel-webhook-client
 * reads it; `webhook-id`, `-timestamp`, `-signature`: Standard Webhooks 1.0, keyed with the base64 part after `whsec_`. While secrets rotate the
 * Standard header carries one signature per secret; `Signature` is the first secret's.
 */
export function signatureHeaders(
  secrets: readonly string[],
  id: string,
  timestampSeconds: number,
  body: string,
): Record<string, string> {
  const first = secrets[0];
  const base = {
    'content-type': 'application/json',
    'user-agent': 'nocturne',
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
  };
  if (first === undefined) return base;
  const standard = secrets.map((secret) => {
    const key = secret.startsWith('whsec_')
      ? Buffer.from(secret.slice('whsec_'.length), 'base64')
      : Buffer.from(secret);
    return `v1,${createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64')}`;
  });
  return {
    ...base,
    Signature: createHmac('sha256', first).update(body).digest('hex'),
    'webhook-signature': standard.join(' '),
  };
}

/** Posts a body once. Redirects are refused and private addresses too unless allowed; never throws. */
export async function postWebhook(
  url: string,
  headers: Record<string, string>,
  body: string,
  allowPrivate: boolean,
): Promise<Delivered> {
  try {
    const target = new URL(url);
    if (target.protocol !== 'https:' && target.protocol !== 'http:')
      return { ok: false, status: null, error: `${target.protocol} is not http or https` };
    const addresses = await publicAddresses(target.hostname, allowPrivate);
    const status = await new Promise<number>((resolve, reject) => {
      const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = send(
        target,
        {
          method: 'POST',
          headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
          lookup: pinnedTo(addresses),
          signal: AbortSignal.timeout(TIMEOUT_MS),
          agent: false,
        },
        (response) => {
          // The status has been said; the rest may end in order, but not keep us.
          let bytes = 0;
          const enough = setTimeout(() => response.destroy(), ANSWER_MS);
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > MAX_ANSWER_BYTES) response.destroy();
          });
          response.on('error', () => undefined);
          response.on('close', () => {
            clearTimeout(enough);
            resolve(response.statusCode ?? 0);
          });
        },
      );
      request.on('error', reject);
      request.end(body);
    });
    if (status >= 200 && status < 300) return { ok: true, status, error: null };
    return {
      ok: false,
      status,
      error: status >= 300 && status < 400 ? 'redirects are not followed' : `answered ${status}`,
    };
  } catch (thrown) {
    const error = thrown as Error;
    return {
      ok: false,
      status: null,
      error: error.name === 'TimeoutError' ? `no answer in ${TIMEOUT_MS / 1000} s` : error.message,
    };
  }
}
