import { createHash, createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Config } from '../../platform/config.ts';
import { parseOwnSecret, parseReceivers } from '../../platform/settings/receivers.ts';
import { signPath } from '../../platform/signing.ts';
import { pinnedTo, publicAddresses } from './address.ts';
import { failed, messageId, notSent, type Delivered, type DeliveryDeps, type Row } from './outcome.ts';

const TIMEOUT_MS = 10_000;
/** More of an answer than this is not read. */
const MAX_ANSWER_BYTES = 64 * 1024;
const ANSWER_MS = 2_000;
const KEPT_CHARS = 4_096;

/** A receiver of webhooks: its outbox channel, its address, and what it hears. */
export interface Receiver {
  channel: string;
  url: string;
  /** The telescopes that it hears of; null for all, and for what is about none. */
  telescopes: readonly string[] | null;
  /** Its own; those of all others when there are none. */
  secrets: readonly string[];
}
/**
 * The receivers of `WEBHOOK_URL`. The first has channel `webhook`, the others one of their own made from their address, so that a receiver whose
 * telescopes change keeps its queue.
 */
export function webhookReceivers(
  config: Pick<Config, 'WEBHOOK_URL' | 'WEBHOOK_SECRET' | 'WEBHOOK_OWN_SECRETS'>,
): Receiver[] {
  const own = config.WEBHOOK_OWN_SECRETS.map(parseOwnSecret);
  return parseReceivers(config.WEBHOOK_URL).map(({ url, host, telescopes }, i) => {
    const secrets = own.filter((one) => one.host === host).map(({ secret }) => secret);
    return {
      channel: i === 0 ? 'webhook' : `webhook.${createHash('sha256').update(url).digest('hex').slice(0, 8)}`,
      url,
      telescopes,
      secrets: secrets.length > 0 ? secrets : config.WEBHOOK_SECRET,
    };
  });
}

/** Is the message about a telescope of the receiver's? Looked up at the last moment, since settings change while rows wait. */
async function hears({ db }: DeliveryDeps, { telescopes }: Receiver, row: Row): Promise<boolean> {
  if (telescopes === null) return true;
  if (row.telescope_id !== null) return telescopes.includes(row.telescope_id);
  const booking = row.booking_id === null ? null : await db.booking.findUnique({ where: { id: row.booking_id } });
  return booking !== null && telescopes.includes(booking.telescopeId);
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

interface Answer {
  status: number;
  /** The first kilobytes of what it said. */
  text: string;
  retryAfterSeconds: number | null;
}

/** One POST. Redirects are not followed and private addresses are refused unless allowed. @throws Error when there was no answer. */
async function post(
  target: URL,
  headers: Record<string, string>,
  body: string,
  allowPrivate: boolean,
): Promise<Answer> {
  const addresses = await publicAddresses(target.hostname, allowPrivate);
  return new Promise<Answer>((resolve, reject) => {
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
        let text = '';
        const enough = setTimeout(() => response.destroy(), ANSWER_MS);
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (text.length < KEPT_CHARS) text += chunk.toString('utf8').slice(0, KEPT_CHARS);
          if (bytes > MAX_ANSWER_BYTES) response.destroy();
        });
        response.on('error', () => undefined);
        response.on('close', () => {
          clearTimeout(enough);
          const patience = Number(response.headers['retry-after']);
          resolve({
            status: response.statusCode ?? 0,
            text,
            retryAfterSeconds: Number.isFinite(patience) && patience > 0 ? patience : null,
          });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** Posts a body once and says how it went; never throws. The answer's text is given where the caller must read it. */
export async function postWebhook(
  url: string,
  headers: Record<string, string>,
  body: string,
  allowPrivate: boolean,
): Promise<Delivered & { answer?: string }> {
  try {
    const target = new URL(url);
    if (target.protocol !== 'https:' && target.protocol !== 'http:')
      return failed(`${target.protocol} is not http or https`);
    const { status, text, retryAfterSeconds } = await post(target, headers, body, allowPrivate);
    if (status >= 200 && status < 300) return { ok: true, status, error: null, answer: text };
    const error = status >= 300 && status < 400 ? 'redirects are not followed' : `answered ${status}`;
    return { ...failed(error, status), answer: text, ...(retryAfterSeconds ? { retryAfterSeconds } : {}) };
  } catch (thrown) {
    const error = thrown as Error;
    return failed(error.name === 'TimeoutError' ? `no answer in ${TIMEOUT_MS / 1000} s` : error.message);
  }
}

/** Fields of a webhook that a guest may press; they are given as whole, signed addresses. */
const ADDRESS_FIELD = /(^|_)url$/;
const ADDRESS_LIFE_MS = 30 * 86_400_000;

/** The data with each path of our API as an address that opens by itself for 30 days; the same at every attempt, since a repeat has one body. */
function openable(config: DeliveryDeps['config'], row: Row, value: unknown, field = ''): unknown {
  const { PUBLIC_URL, GATEWAY_SECRET } = config;
  if (Array.isArray(value)) return value.map((one) => openable(config, row, one, field));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, openable(config, row, one, name)]));
  if (typeof value !== 'string' || !ADDRESS_FIELD.test(field) || !value.startsWith('/api/bookings/')) return value;
  if (!PUBLIC_URL || !GATEWAY_SECRET || value.includes('?')) return value;
  const signed = signPath(GATEWAY_SECRET, value, row.created_at.getTime() + ADDRESS_LIFE_MS);
  return new URL(signed, PUBLIC_URL).toString();
}

/** A webhook to Laravel, or to a further receiver. One message has one id, whoever receives it. */
export async function postLaravel(deps: DeliveryDeps, receiver: Receiver, row: Row): Promise<Delivered> {
  const { config } = deps;
  if (!(await hears(deps, receiver, row))) return notSent('not about a telescope of this receiver');
  const id = messageId(row);
  const body = JSON.stringify({
    id,
    type: row.type,
    created_at: row.created_at.toISOString(),
    sequence: row.sequence,
    booking_id: row.booking_id,
    telescope_id: row.telescope_id,
    data: openable(config, row, row.data),
  });
  const headers = signatureHeaders(receiver.secrets, id, Math.floor(Date.now() / 1000), body);
  const { answer: _, ...result } = await postWebhook(receiver.url, headers, body, config.WEBHOOK_ALLOW_PRIVATE);
  return result;
}
