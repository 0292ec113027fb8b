import type { Clock, Timer } from '../../platform/clock.ts';
import type { Reply } from '../protocol/codec.ts';
import type { EventData } from '../protocol/events.ts';
import type { RequestOutcome } from './link.ts';

const ACTION_OK = 4;
/** READY, RUNNING, PAUSE: the action goes on. */
const NOT_FINAL: readonly number[] = [1, 2, 3];

export interface PendingRequest {
  id: number;
  uid: string;
  method: string;
  answer: 'reply' | 'result';
  timeoutMs: number;
  /** Tells a payload that says "failed" under a result that says "OK". */
  payloadFailure: (paramRet: Record<string, unknown>) => string | null;
  settle: (outcome: RequestOutcome) => void;
}
interface Entry extends PendingRequest {
  reply: Record<string, unknown>;
  timer: Timer;
}

/** Requests that left and are not answered yet. An entry stands here before its line is written, so that no answer can come too early. */
export class PendingRequests {
  private readonly byId = new Map<number, Entry>();
  private readonly byUid = new Map<string, Entry>();
  /** Answered by their result before their reply came. */
  private readonly awaitingReply = new Set<number>();
  private readonly clock: Clock;
  constructor(clock: Clock) {
    this.clock = clock;
  }
  get size(): number {
    return this.byId.size;
  }
  hasUid(uid: string): boolean {
    return this.byUid.has(uid);
  }

  add(request: PendingRequest): void {
    const entry: Entry = {
      ...request,
      reply: {},
      timer: this.clock.setTimeout(
        () =>
          this.end(entry, {
            outcome: 'unknown',
            uid: entry.uid,
            why: 'timeout',
            message: `no answer to ${entry.method} within ${Math.round(entry.timeoutMs / 1000)} s; it may have been carried out`,
          }),
        request.timeoutMs,
      ),
    };
    this.byId.set(entry.id, entry);
    if (entry.answer === 'result') this.byUid.set(entry.uid, entry);
  }

  /** @returns false when the reply belongs to no request */
  onReply(reply: Reply): boolean {
    if (reply.id === null) return false;
    if (this.awaitingReply.delete(reply.id)) return true;
    const entry = this.byId.get(reply.id);
    if (!entry) return false;
    entry.reply = reply.raw;
    const { uid } = entry;
    if (reply.error)
      this.end(entry, { outcome: 'refused', uid, how: 'reply', code: reply.error.code, message: reply.error.message });
    else if (reply.result !== null && reply.result !== 0)
      this.end(entry, {
        outcome: 'refused',
        uid,
        how: 'reply',
        code: reply.result,
        message: `${entry.method} was answered with result ${reply.result}`,
      });
    else if (entry.answer === 'reply') this.end(entry, { outcome: 'done', uid, paramRet: {}, reply: reply.raw });
    return true;
  }

  /** @returns false when the result belongs to no request of ours */
  onResult(result: EventData<'RemoteActionResult'>): boolean {
    const entry = result.UID === null ? undefined : this.findUid(result.UID);
    if (!entry) return false;
    const code = result.ActionResultInt;
    if (code !== null && NOT_FINAL.includes(code)) return true;
    const { uid, reply } = entry;
    const paramRet = result.ParamRet;
    if (Object.keys(reply).length === 0) this.awaitingReply.add(entry.id);
    if (code !== ACTION_OK) {
      const name = result.ActionResultIntName ?? 'no known result';
      this.end(entry, {
        outcome: 'refused',
        uid,
        how: 'result',
        code,
        message: result.Motivo || `${entry.method}: ${name}`,
        paramRet,
      });
      return true;
    }
    if (result.ParamRetLost) {
      const message = `${entry.method} was carried out, but its answer cannot be read`;
      this.end(entry, { outcome: 'unknown', uid, why: 'unreadable', message });
      return true;
    }
    const failure = entry.payloadFailure(paramRet);
    this.end(
      entry,
      failure === null
        ? { outcome: 'done', uid, paramRet, reply }
        : { outcome: 'refused', uid, how: 'payload', code, message: failure, paramRet },
    );
    return true;
  }

  /** The connection is gone: what was sent may or may not have been carried out. */
  endAll(reason: string): void {
    for (const entry of this.byId.values())
      this.end(entry, {
        outcome: 'unknown',
        uid: entry.uid,
        why: 'disconnected',
        message: `${reason}, before ${entry.method} was answered; it may have been carried out`,
      });
    this.awaitingReply.clear();
  }

  /** Takes back what could not be written. */
  drop(id: number): void {
    const entry = this.byId.get(id);
    if (entry) this.forget(entry);
  }

  private findUid(uid: string): Entry | undefined {
    return this.byUid.get(uid) ?? this.byUid.get(uid.toLowerCase()) ?? this.byUid.get(uid.toUpperCase());
  }
  private forget(entry: Entry): void {
    entry.timer.cancel();
    this.byId.delete(entry.id);
    if (this.byUid.get(entry.uid) === entry) this.byUid.delete(entry.uid);
  }
  private end(entry: Entry, outcome: RequestOutcome): void {
    if (this.byId.get(entry.id) !== entry) return;
    this.forget(entry);
    entry.settle(outcome);
  }
}
