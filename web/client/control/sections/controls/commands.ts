import { ApiProblem } from '../../../core/http.ts';
import type { ControlName, Receipt, Source } from '../../../core/types.ts';
import { uuid } from '../../../core/uuid.ts';

/** What the page can say of a command: the receipt's own states, and those that only the page knows. */
export type Known =
  | Receipt['state']
  /** On its way to the server; `trying`: without an answer so far. */
  | 'sending'
  | 'trying'
  /** Taken, and it cannot take effect yet; the reason says what it waits for. */
  | 'waiting'
  /** The device is offline: nothing has left it. */
  | 'notSent'
  /** The server could not be reached, or did not answer. */
  | 'unreached'
  /** Nobody has seen it take effect, and this page has stopped waiting. */
  | 'unproven';
export interface Said {
  kind: Receipt['kind'];
  known: Known;
  /** Code of a reason, or a sentence of the server's. */
  reason: { code?: string | undefined; message?: string | undefined };
}

const TRIES = 3;
const TRY_AGAIN_MS = 1_500;
const SLOW_MS = 4_000;
const LOOK_EVERY_MS = 2_500;
/** A receipt that is not settled by then is not waited for any more. */
const LOOK_FOR_MS = 60_000;

const settled = ({ state }: Receipt): boolean => state === 'confirmed' || state === 'refused';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Sends a session's commands and says what became of each: one key per command however often it is tried, and `unknown` where nothing can be known.
 * A stop that never left the device is not sent later behind its owner's back.
 */
export class Commands {
  /** When the last command was given, in ms; older receipts say nothing of it. */
  givenAtMs = 0;
  private followed: string | null = null;
  private unsentStopAt: Date | null = null;

  constructor(
    private readonly source: () => Source | null,
    private readonly tell: (said: Said) => void,
    /** The server is within reach again, and a stop given at that instant never got there. */
    private readonly ask: (at: Date) => void,
  ) {}

  async send(kind: ControlName): Promise<void> {
    const source = this.source();
    if (!source) return;
    this.givenAtMs = Date.now();
    this.followed = null;
    this.unsentStopAt = null;
    this.tell({ kind, known: 'sending', reason: {} });
    const slow = setTimeout(() => this.tell({ kind, known: 'trying', reason: {} }), SLOW_MS);
    try {
      await this.deliver(source, kind, uuid());
    } finally {
      clearTimeout(slow);
    }
  }

  private async deliver(source: Source, kind: ControlName, key: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const receipt = await source.command(kind, key);
        this.take(receipt);
        if (!settled(receipt)) void this.follow(receipt);
        return;
      } catch (thrown) {
        const problem = thrown instanceof ApiProblem ? thrown : null;
        if (problem && problem.status < 500) {
          const code = problem.body.reason as string | undefined;
          return this.tell({ kind, known: 'refused', reason: { code, message: problem.message } });
        }
        // A browser may think itself offline on a network that reaches the observatory: only a failure proves it.
        const offline = !problem && !navigator.onLine;
        if (offline) return this.left(kind, 'notSent');
        if (attempt === TRIES)
          return problem
            ? this.tell({ kind, known: 'unproven', reason: { message: problem.message } })
            : this.left(kind, 'unreached');
        await pause(TRY_AGAIN_MS);
      }
    }
  }

  /** Of the stream or a snapshot: what is older than the last command says nothing of it. */
  heard(receipt: Receipt, clockOffsetMs: number): void {
    if (Date.parse(receipt.at) < this.givenAtMs + clockOffsetMs - 2_000 && receipt.command_id !== this.followed) return;
    // A refusal is for the one who asked, and came as the answer.
    if (receipt.state === 'refused' && receipt.command_id !== this.followed) return;
    this.take(receipt);
  }

  private left(kind: ControlName, known: 'notSent' | 'unreached'): void {
    this.tell({ kind, known, reason: {} });
    if (kind === 'abort') void this.askOnReturn(new Date(this.givenAtMs));
  }
  private async askOnReturn(at: Date): Promise<void> {
    this.unsentStopAt = at;
    while (this.unsentStopAt === at) {
      await pause(LOOK_EVERY_MS);
      const back = await this.source()
        ?.stats()
        .then(() => true)
        .catch(() => false);
      if (!back || this.unsentStopAt !== at) continue;
      this.unsentStopAt = null;
      this.ask(at);
    }
  }
  private take(receipt: Receipt): void {
    const { kind, state, reason, message } = receipt;
    if (settled(receipt) && this.followed === receipt.command_id) this.followed = null;
    const waits = (state === 'accepted' || state === 'sent') && reason !== undefined;
    this.tell({ kind, known: waits ? 'waiting' : state, reason: { code: reason, message } });
  }
  /** Reads the receipt until it is settled; the stream may be deaf. */
  private async follow(first: Receipt): Promise<void> {
    const id = first.command_id;
    this.followed = id;
    let last = first;
    for (const until = Date.now() + LOOK_FOR_MS; Date.now() < until;) {
      await pause(LOOK_EVERY_MS);
      if (this.followed !== id) return;
      const receipt = await this.source()
        ?.receipt(id)
        .catch(() => null);
      if (this.followed !== id) return;
      if (receipt && (receipt.state !== last.state || receipt.reason !== last.reason)) this.take(receipt);
      if (receipt && settled(receipt)) return;
      last = receipt ?? last;
    }
    this.followed = null;
    const { kind, reason, message } = last;
    this.tell({ kind, known: 'unproven', reason: { code: reason, message } });
  }
}
