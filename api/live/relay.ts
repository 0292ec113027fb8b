import { createHash, createHmac } from 'node:crypto';
import type { Event } from '../../domain/contracts/event.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { RelayTarget } from '../../platform/settings/relay-url.ts';
export { parseRelayUrl } from '../../platform/settings/relay-url.ts';
import type { Metrics } from '../metrics.ts';

/** Pusher's own limits: events of a batch, and bytes of an event's data. */
const MAX_BATCH = 10;
const MAX_DATA_BYTES = 10 * 1024;
/** Events that wait for the other server; beyond this the oldest go, and its viewers repair their gap by REST. */
const MAX_WAITING = 2_000;
const TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 30_000;
/** A standby replica keeps this much, so that it can go on where a dead one stopped. */
const STANDBY_MS = 20_000;
const CHECK_MS = 1_000;

interface Waiting {
  channel: string;
  name: string;
  data: string;
  /** Replaces what still waits under the same key; null for an event that counts by itself. */
  key: string | null;
  atMs: number;
}

const bytesOf = (batch: readonly { data: string }[]): number =>
  batch.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);

/** Path and query of a signed request to Pusher's HTTP API (version 1.0 of its signature: HMAC-SHA256 over method, path and sorted query). */
export function signedPath(target: RelayTarget, method: string, path: string, body: string, nowMs: number): string {
  const full = `${new URL(target.base).pathname.replace(/\/$/, '')}/apps/${target.appId}${path}`;
  const query = [
    `auth_key=${target.key}`,
    `auth_timestamp=${Math.floor(nowMs / 1000)}`,
    'auth_version=1.0',
    `body_md5=${createHash('md5').update(body).digest('hex')}`,
  ].join('&');
  return `${full}?${query}&auth_signature=${createHmac('sha256', target.secret).update(`${method}\n${full}\n${query}`).digest('hex')}`;
}

/**
 * Pushes our events into a customer's own Reverb or Pusher, in order and in bounded batches; nothing of ours waits for it. One replica sends; after
 * its death another repeats the last seconds, which readers tell by `seq`.
 */
export class Relay {
  private waiting: Waiting[] = [];
  private sending = false;
  private timer: NodeJS.Timeout | null = null;
  private retryMs = FIRST_RETRY_MS;
  private stopped = false;
  private troubled = false;
  private readonly checking: NodeJS.Timeout;

  constructor(
    private readonly target: RelayTarget,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
    /** Is it this replica that sends. */
    private readonly mine: () => boolean,
  ) {
    this.checking = setInterval(() => this.check(), CHECK_MS).unref();
  }

  /** Learned from the other side's refusals. */
  private maxBytes = Infinity;

  /** How many events wait to be sent. */
  get backlog(): number {
    return this.waiting.length;
  }

  /** Takes an event for a channel; returns at once. `replaces`: only the newest of its name on its channel counts. */
  push(channel: string, name: string, payload: Event | string, replaces: boolean): void {
    if (this.stopped) return;
    const data = typeof payload === 'string' ? payload : JSON.stringify(payload);
    if (Buffer.byteLength(data) > MAX_DATA_BYTES) {
      this.count('too_large', 1);
      return;
    }
    const key = replaces ? `${channel} ${name}` : null;
    // The first ten may be under way already; what replaces itself looks behind them.
    const old = key === null ? -1 : this.waiting.findIndex((w, i) => i >= MAX_BATCH && w.key === key);
    if (old >= 0) {
      this.waiting.splice(old, 1);
      this.count('replaced', 1);
    } else if (this.waiting.length >= MAX_WAITING) {
      this.waiting.splice(this.sending ? MAX_BATCH : 0, 1);
      this.count('dropped', 1);
    }
    this.waiting.push({ channel, name, data, key, atMs: performance.now() });
    if (this.mine()) this.begin();
  }
  private begin(): void {
    if (!this.sending && this.timer === null && this.waiting.length > 0)
      this.timer = setTimeout(() => void this.send(), 0);
  }
  private check(): void {
    if (this.mine()) this.begin();
    else if (!this.sending) {
      const oldest = performance.now() - STANDBY_MS;
      this.waiting = this.waiting.filter((w) => w.atMs >= oldest);
    }
  }

  /** Ends; what still waits is not sent. */
  stop(): void {
    this.stopped = true;
    clearInterval(this.checking);
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.waiting = [];
  }

  private async send(): Promise<void> {
    this.timer = null;
    this.sending = true;
    while (this.waiting.length > 0 && !this.stopped) {
      const batch = this.nextBatch();
      const outcome = await this.post(batch);
      if (outcome === 'later') break;
      if (outcome === 'too_large') {
        this.maxBytes = Math.floor(bytesOf(batch) / 2);
        continue;
      }
      this.waiting.splice(0, batch.length);
      this.count(outcome, batch.length);
    }
    this.sending = false;
    if (this.waiting.length > 0 && !this.stopped) {
      this.timer = setTimeout(() => void this.send(), this.retryMs);
      this.timer.unref();
      this.retryMs = Math.min(this.retryMs * 2, MAX_RETRY_MS);
    }
  }

  /** As many of the oldest as the other side takes at once, at least one. */
  private nextBatch(): Waiting[] {
    let n = Math.min(this.waiting.length, MAX_BATCH);
    while (n > 1 && bytesOf(this.waiting.slice(0, n)) > this.maxBytes) n--;
    return this.waiting.slice(0, n);
  }

  private async post(batch: readonly Waiting[]): Promise<'sent' | 'refused' | 'later' | 'too_large'> {
    const body = JSON.stringify({ batch: batch.map(({ channel, name, data }) => ({ channel, name, data })) });
    let problem: string;
    let final = false;
    try {
      const url = new URL(signedPath(this.target, 'POST', '/batch_events', body, Date.now()), this.target.base);
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      if (response.ok) {
        if (this.troubled) this.logger.info({ host: this.target.base }, 'relay: sends again');
        this.troubled = false;
        this.retryMs = FIRST_RETRY_MS;
        return 'sent';
      }
      // Too much at once (Reverb takes 10 kB unless told otherwise): less is sent, and nothing is lost.
      if (response.status === 413 && batch.length > 1) return 'too_large';
      problem = `answered ${response.status}`;
      // A batch that the other side will never take must not stand in the way of the next one; a wrong key may be put right.
      final = response.status === 400 || response.status === 413;
    } catch (thrown) {
      problem = toError(thrown).message;
    }
    if (!this.troubled || final)
      this.logger.warn(
        { host: this.target.base, err: problem, waiting: this.waiting.length },
        final ? 'relay: events refused' : 'relay: cannot send yet',
      );
    this.troubled = true;
    return final ? 'refused' : 'later';
  }
  private count(kind: string, n: number): void {
    this.metrics.relayed.inc({ kind }, n);
  }
}
