import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { publishAll, type BusMessage } from '../../platform/bus.ts';
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
/** Of one statement: thousands who come back at once must not take the database's connections from a stop. */
const MOST_TOGETHER = 200;
export const CLUSTER = 'api.cluster';

interface Part {
  from: string;
  /** Counts what is said: PostgreSQL tells what is said twice in one transaction only once. */
  n?: number;
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
  /** Another replica has been heard, so that one may know of our sockets. */
  private metPeer = false;
  /** What is said while a statement is under way goes with the next one. */
  private waiting: Part[] = [];
  private sending: Promise<void> | null = null;
  private said = 0;
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
    await this.deliver([{ from: this.id, message: { op: 'bye' } }]);
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
  /** In the order in which it is said. */
  send(message: ClusterMessage): void {
    // Who has not been heard yet is told of all our sockets when it is.
    if (!this.metPeer && (message.op === 'join' || message.op === 'leave')) return;
    const text = JSON.stringify(message);
    if (Buffer.byteLength(text) < 6_500) this.waiting.push({ from: this.id, message });
    else this.waiting.push(...this.partsOf(text));
    this.sending ??= this.sendAll().finally(() => (this.sending = null));
  }
  private partsOf(text: string): Part[] {
    const id = randomUUID();
    const of = Math.ceil(text.length / PART_CHARS);
    return Array.from({ length: of }, (_, n) => {
      const part = text.slice(n * PART_CHARS, (n + 1) * PART_CHARS);
      return { from: this.id, part: { id, n, of, text: part } };
    });
  }
  private async sendAll(): Promise<void> {
    // What is said within one turn goes together from the first on.
    await setImmediate();
    while (this.waiting.length > 0) await this.deliver(this.waiting.splice(0, MOST_TOGETHER));
  }
  private async deliver(parts: readonly Part[]): Promise<void> {
    const said = parts.map((part): BusMessage => ({
      kind: 'control',
      what: CLUSTER,
      data: { ...part, n: ++this.said },
    }));
    try {
      await publishAll(this.db, said);
    } catch (thrown) {
      this.logger.debug({ err: toError(thrown).message, messages: said.length }, 'cluster messages not sent');
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
    this.metPeer = true;
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
