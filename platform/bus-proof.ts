import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { connectPg, cutPg } from './database.ts';

/** How often a listener speaks to itself. */
const PROVE_EVERY_MS = 500;
/** A NOTIFY that is not through by then is a sign that this connection is dead. */
const SEND_WITHIN_MS = 2_000;
/** The sending connection is made anew this often, so that it follows a failover which the listening one has not noticed. */
const RENEW_AFTER_MS = 15_000;

/**
 * Shows that a LISTEN connection hears: sends a NOTIFY on a channel of its own and waits for it to come in on the connection that listens.
 * It sends by a second connection, since PostgreSQL tells a sender of its own NOTIFY even through a pooler that carries no LISTEN.
 */
export class BusProof {
  readonly channel = `nocturne_proof_${randomUUID().replaceAll('-', '')}`;
  private readonly sent = new Map<string, number>();
  private client: Client | null = null;
  private connectedAtMs = 0;
  private count = 0;
  private timer: NodeJS.Timeout | null = null;
  private busy = false;
  private provenAtMs = -Infinity;

  /** @param onBeat is called after each attempt to send, whether it worked or not. */
  constructor(
    private readonly url: string,
    private readonly onBeat: () => void,
  ) {}

  /** Milliseconds since the newest NOTIFY that came back was sent; infinite when none has. */
  ageMs(): number {
    return performance.now() - this.provenAtMs;
  }
  /** A NOTIFY on our channel has come in. */
  heard(payload: string): void {
    const sentAtMs = this.sent.get(payload);
    if (sentAtMs === undefined) return;
    this.provenAtMs = Math.max(this.provenAtMs, sentAtMs);
    for (const [token, atMs] of this.sent) if (atMs <= sentAtMs) this.sent.delete(token);
  }
  /** Nothing that was heard counts any more: another connection listens now. */
  forget(): void {
    this.provenAtMs = -Infinity;
    this.sent.clear();
  }
  start(): void {
    this.timer ??= setInterval(() => void this.beat(), PROVE_EVERY_MS).unref();
    void this.beat();
  }
  stop(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    this.drop();
  }

  private async beat(): Promise<void> {
    if (this.busy) return this.onBeat();
    this.busy = true;
    try {
      if (performance.now() - this.connectedAtMs > RENEW_AFTER_MS) this.drop();
      const client = (this.client ??= await this.connect());
      const token = String(++this.count);
      this.sent.set(token, performance.now());
      await client.query('SELECT pg_notify($1, $2)', [this.channel, token]);
    } catch {
      this.drop();
    } finally {
      this.busy = false;
      if (this.timer) this.onBeat();
      else this.drop();
    }
  }
  private async connect(): Promise<Client> {
    const client = await connectPg(this.url, () => this.drop(), { query_timeout: SEND_WITHIN_MS });
    this.connectedAtMs = performance.now();
    return client;
  }
  private drop(): void {
    if (this.client) cutPg(this.client);
    this.client = null;
  }
}
