import { randomUUID } from 'node:crypto';
import { publish } from '../../platform/bus.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';

/** What replicas of the api say to each other over the bus. */
export type ClusterMessage =
  | { op: 'hello' | 'alive' | 'bye' }
  | { op: 'join'; channel: string; socket: string; user_id: string; user_info: unknown }
  | { op: 'leave'; channel: string; socket: string }
  | { op: 'event'; channels: string[]; name: string; data: string; except?: string | undefined }
  | { op: 'terminate'; user_id: string }
  | { op: 'count'; channel: string; count: number }
  | { op: 'grant'; socket: string; channel: string; token: string; expires_at: number | null }
  | { op: 'query'; query: string; prefix: string }
  | { op: 'answer'; query: string; counts: Record<string, number> };

const ALIVE_MS = 5_000;
const LOST_MS = 16_000;
const ANSWER_WAIT_MS = 500;
/** NOTIFY takes 7,000 bytes from us; a longer message goes in parts. */
const PART_CHARS = 2_200;
export const CLUSTER = 'api.cluster';

interface Part {
  from: string;
  message?: ClusterMessage;
  part?: { id: string; n: number; of: number; text: string };
}

/** Keeps replicas in step through PostgreSQL alone; while it is away each goes on by itself. */
export class Cluster {
  readonly id = randomUUID().slice(0, 8);
  private readonly peers = new Map<string, number>();
  private readonly parts = new Map<string, string[]>();
  private readonly questions = new Map<string, { counts: Map<string, number>; missing: number; done: () => void }>();
  private timer: NodeJS.Timeout | null = null;
  onMessage: (from: string, message: ClusterMessage) => void = () => undefined;
  onPeerLost: (peer: string) => void = () => undefined;
  onNewPeer: () => void = () => undefined;

  constructor(
    private readonly db: Database,
    private readonly logger: Logger,
  ) {}
  start(): void {
    this.send({ op: 'hello' });
    this.timer = setInterval(() => {
      this.send({ op: 'alive' });
      for (const [peer, seen] of this.peers) if (Date.now() - seen > LOST_MS) this.lose(peer);
    }, ALIVE_MS);
    this.timer.unref();
  }
  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.deliver({ from: this.id, message: { op: 'bye' } });
  }
  /** One replica does what must be done once: the one whose id sorts first among those that live. */
  get isFirst(): boolean {
    for (const peer of this.peers.keys()) if (peer < this.id) return false;
    return true;
  }
  private lose(peer: string): void {
    this.peers.delete(peer);
    this.onPeerLost(peer);
  }
  send(message: ClusterMessage): void {
    const text = JSON.stringify(message);
    if (Buffer.byteLength(text) < 6_500) {
      void this.deliver({ from: this.id, message });
      return;
    }
    const id = randomUUID();
    const of = Math.ceil(text.length / PART_CHARS);
    void (async () => {
      for (let n = 0; n < of; n++)
        await this.deliver({
          from: this.id,
          part: { id, n, of, text: text.slice(n * PART_CHARS, (n + 1) * PART_CHARS) },
        });
    })();
  }
  private async deliver(data: Part): Promise<void> {
    try {
      await publish(this.db, { kind: 'control', what: CLUSTER, data: data as unknown as Record<string, unknown> });
    } catch (thrown) {
      this.logger.debug({ err: toError(thrown).message }, 'cluster message not sent');
    }
  }
  take(data: Record<string, unknown>): void {
    const { from, message, part } = data as unknown as Part;
    if (from === this.id) return;
    if (part) {
      const list = this.parts.get(part.id) ?? [];
      list[part.n] = part.text;
      this.parts.set(part.id, list);
      if (this.parts.size > 200) this.parts.delete(this.parts.keys().next().value!);
      if (list.filter((t) => t !== undefined).length < part.of) return;
      this.parts.delete(part.id);
      this.handle(from, JSON.parse(list.join('')) as ClusterMessage);
    } else if (message) this.handle(from, message);
  }
  private handle(from: string, message: ClusterMessage): void {
    if (message.op === 'bye') {
      this.lose(from);
      return;
    }
    const isNew = !this.peers.has(from);
    this.peers.set(from, Date.now());
    if (isNew || message.op === 'hello') {
      if (message.op === 'hello') this.send({ op: 'alive' });
      this.onNewPeer();
    }
    if (message.op === 'answer') {
      const question = this.questions.get(message.query);
      if (!question) return;
      for (const [channel, n] of Object.entries(message.counts))
        question.counts.set(channel, (question.counts.get(channel) ?? 0) + n);
      if (--question.missing <= 0) question.done();
      return;
    }
    this.onMessage(from, message);
  }
  /** Subscriptions by channel over all replicas, for channels that begin with `prefix`. */
  async counts(prefix: string, own: Map<string, number>): Promise<Map<string, number>> {
    if (this.peers.size === 0) return own;
    const query = randomUUID().slice(0, 8);
    const counts = new Map(own);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ANSWER_WAIT_MS);
      this.questions.set(query, {
        counts,
        missing: this.peers.size,
        done: () => {
          clearTimeout(timer);
          resolve();
        },
      });
      this.send({ op: 'query', query, prefix });
    });
    this.questions.delete(query);
    return counts;
  }
}
