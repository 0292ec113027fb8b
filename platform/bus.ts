import { EventEmitter } from 'node:events';
import type pg from 'pg';
import type { Event } from '../domain/contracts/event.ts';
import type { EventType } from '../domain/event-types.ts';
import { stableId } from '../domain/ids.ts';
import type { Prisma } from '../prisma/client/client.ts';
import { BusProof } from './bus-proof.ts';
import { connectPg, cutPg, type Database, type Transaction } from './database.ts';
import { toError } from './errors.ts';
import type { Logger } from './logger.ts';

/**
 * PostgreSQL LISTEN/NOTIFY as the live bus: small events and references, never pixels.
 * A stored event is a row with a gapless `seq` per booking; a volatile one only passes by.
 */
export const BUS_CHANNEL = 'nocturne';
/** NOTIFY takes 7,999 bytes and fails the transaction beyond; a larger event is announced by reference. */
const MAX_INLINE_BYTES = 7_000;

export interface NewEvent {
  /** Makes a repeated append a no-op; give what makes the event unique. */
  key: string;
  type: EventType;
  bookingId: string;
  telescopeId: string;
  data: Record<string, unknown>;
  at?: Date;
}

/** What travels on the bus: a whole event, or a reference to a stored one. */
export type BusMessage =
  | { kind: 'event'; event: Event }
  | { kind: 'ref'; booking_id: string; epoch: number; seq: number }
  | { kind: 'control'; what: string; data: Record<string, unknown> };

const fits = (payload: string): boolean => Buffer.byteLength(payload) <= MAX_INLINE_BYTES;

async function notify(tx: Transaction, message: BusMessage, reference?: BusMessage): Promise<void> {
  let payload = JSON.stringify(message);
  if (!fits(payload)) {
    if (!reference) return;
    payload = JSON.stringify(reference);
  }
  await tx.$executeRaw`SELECT pg_notify(${BUS_CHANNEL}, ${payload})`;
}

/**
 * Stores an event with the booking's next `seq`, announces it on commit, and returns the one that stands. The counter row is locked, so a booking's
 * events commit in `seq` order.
 */
export async function appendEvent(tx: Transaction, input: NewEvent): Promise<Event> {
  const id = stableId('event', input.bookingId, input.key);
  const counter = await tx.$queryRaw<{ seq: number; epoch: number }[]>`
    INSERT INTO event_counters (booking_id, epoch, seq) VALUES (${input.bookingId}, 1, 0)
    ON CONFLICT (booking_id) DO UPDATE SET seq = event_counters.seq RETURNING seq, epoch`;
  const known = await tx.event.findUnique({ where: { id } });
  if (known) return toEvent(known);
  const seq = counter[0]!.seq + 1;
  await tx.$executeRaw`UPDATE event_counters SET seq = ${seq} WHERE booking_id = ${input.bookingId}`;
  const row = await tx.event.create({
    data: {
      bookingId: input.bookingId,
      seq,
      id,
      epoch: counter[0]!.epoch,
      type: input.type,
      telescopeId: input.telescopeId,
      ts: input.at ?? new Date(),
      data: input.data as Prisma.InputJsonObject,
    },
  });
  const event = toEvent(row);
  await notify(tx, { kind: 'event', event }, { kind: 'ref', booking_id: input.bookingId, epoch: event.epoch, seq });
  return event;
}

export function toEvent(row: {
  id: string;
  type: string;
  seq: number;
  epoch: number;
  ts: Date;
  bookingId: string;
  telescopeId: string;
  data: unknown;
}): Event {
  return {
    id: row.id,
    type: row.type as EventType,
    seq: row.seq,
    epoch: row.epoch,
    ts: row.ts.toISOString(),
    booking_id: row.bookingId,
    telescope_id: row.telescopeId,
    data: row.data as Record<string, unknown>,
  };
}

/** Announces something that is not stored (`control.updated`, `shot.progress`, `preview.ready`, or a message between our processes). */
export async function publish(db: Database | Transaction, message: BusMessage): Promise<void> {
  await notify(db, message);
}

/** Several in one statement, in order; none is stored, so that one which does not fit into a NOTIFY is left out. No two may be alike. */
export async function publishAll(db: Database | Transaction, messages: readonly BusMessage[]): Promise<void> {
  const payloads = messages.map((message) => JSON.stringify(message)).filter(fits);
  await db.$executeRaw`SELECT pg_notify(${BUS_CHANNEL}, p) FROM unnest(${payloads}::text[]) p`;
}

interface BusEvents {
  message: [BusMessage];
  /** The LISTEN connection is back after a gap: readers re-read from their last `seq`. */
  resumed: [];
  lost: [Error];
}

/** A listener that has not heard itself for this long does not listen, whatever its connection looks like. */
const SILENT_AFTER_MS = 5_000;
/** What the bus would have told within this time is taken as told; a revoked token must be refused within a second. */
const TRUSTED_FOR_MS = 1_000;
const FIRST_PROOF_WITHIN_MS = 2_000;

/**
 * Listens on the bus for ever and only pushes to memory, since a slow listener fills PostgreSQL's queue. It proves that it hears by a NOTIFY to
 * itself; an open connection proves nothing behind a pooler.
 */
export class BusListener extends EventEmitter<BusEvents> {
  private client: pg.Client | null = null;
  private readonly proof: BusProof;
  private listeningSinceMs = 0;
  private stopped = false;
  private retryMs = 200;
  /** It was proven before, so that the next proof ends a gap. */
  private everProven = false;
  private told = false;
  constructor(
    private readonly url: string,
    private readonly logger: Logger,
  ) {
    super();
    this.proof = new BusProof(url, () => this.check());
  }
  /** Resolves once it hears itself, and in any case after two seconds. */
  async start(): Promise<void> {
    void this.connect();
    this.proof.start();
    for (const endMs = performance.now() + FIRST_PROOF_WITHIN_MS; !this.proven && performance.now() < endMs;)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }
  private async connect(): Promise<void> {
    if (this.stopped) return;
    let client: pg.Client;
    try {
      client = await connectPg(this.url, (err) => this.lose(client, err));
    } catch (thrown) {
      return this.retry(toError(thrown));
    }
    if (this.stopped) return cutPg(client);
    client.on('end', () => this.lose(client, new Error('connection ended')));
    client.on('notification', ({ channel, payload }) => this.notified(channel, payload));
    this.proof.forget();
    this.told = false;
    this.client = client;
    this.listeningSinceMs = performance.now();
    await client
      .query(`LISTEN ${BUS_CHANNEL}; LISTEN ${this.proof.channel}`)
      .catch((thrown: unknown) => this.lose(client, toError(thrown)));
  }
  /** It hears what is said, as far as the last seconds show. */
  get proven(): boolean {
    return this.client !== null && this.proof.ageMs() <= SILENT_AFTER_MS;
  }
  /** Nothing said before the last second can have been missed: what memory knows from the bus may be relied on. */
  get trusted(): boolean {
    return this.client !== null && this.proof.ageMs() <= TRUSTED_FOR_MS;
  }
  async stop(): Promise<void> {
    this.stopped = true;
    this.proof.stop();
    const client = this.client;
    this.client = null;
    if (client) cutPg(client);
  }
  private notified(channel: string, payload: string | undefined): void {
    if (!payload) return;
    if (channel === this.proof.channel) {
      this.proof.heard(payload);
      this.hearsAgain();
      return;
    }
    try {
      this.emit('message', JSON.parse(payload) as BusMessage);
    } catch (thrown) {
      this.logger.warn({ err: toError(thrown).message }, 'bus message not understood');
    }
  }
  /** The first proof of a connection: only now is it said that the bus is back. */
  private hearsAgain(): void {
    if (this.told || !this.proven) return;
    this.told = true;
    this.retryMs = 200;
    if (this.everProven) this.emit('resumed');
    this.everProven = true;
  }
  private check(): void {
    const { client } = this;
    if (!client || this.proven || performance.now() - this.listeningSinceMs < SILENT_AFTER_MS) return;
    this.lose(
      client,
      new Error(
        'its own NOTIFY does not come in: DATABASE_URL must reach PostgreSQL without a pooler in transaction mode',
      ),
    );
  }
  private lose(client: pg.Client, err: Error): void {
    if (this.client !== client || this.stopped) return;
    client.removeAllListeners('notification');
    this.client = null;
    cutPg(client);
    this.proof.forget();
    this.emit('lost', err);
    this.retry(err);
  }
  private retry(err: Error): void {
    if (this.stopped) return;
    this.logger.warn({ err: err.message, retryMs: this.retryMs }, 'bus: LISTEN connection is away');
    setTimeout(() => void this.connect(), this.retryMs).unref();
    this.retryMs = Math.min(this.retryMs * 2, 5_000);
  }
}
