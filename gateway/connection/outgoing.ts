import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { classify, COMMANDS, payloadFailure } from '../protocol/requests.ts';
import { ActionQueue } from './action-queue.ts';
import type { LinkStats, OutgoingLine, RequestOutcome, VoyagerLinkOptions, VoyagerRequest } from './link.ts';
import { PendingRequests } from './pending.ts';

/** Bound on unanswered requests; what stops the telescope is sent all the same. */
const MAX_IN_FLIGHT = 256;

/** A request with everything its line needs. */
interface Prepared {
  id: number;
  uid: string;
  line: OutgoingLine;
  answer: 'reply' | 'result';
  timeoutMs: number;
  settle: (outcome: RequestOutcome) => void;
}

/** What the lines that leave ask of their connection. */
interface Connection {
  socket: () => Socket | null;
  /** Why no request can be sent now; null when one can. */
  notReady: () => string | null;
  sessionKey: () => string;
  /** Something was written. */
  onSent: () => void;
}

/** Everything that leaves towards Voyager: requests, their order, the gate's judgement and the one write. */
export class Outgoing {
  readonly pending: PendingRequests;
  private readonly actions: ActionQueue;
  private nextId = 1;

  constructor(
    private readonly options: Pick<VoyagerLinkOptions, 'clock' | 'dialect' | 'gate'>,
    private readonly stats: LinkStats,
    private readonly connection: Connection,
  ) {
    this.pending = new PendingRequests(options.clock);
    this.actions = new ActionQueue(options.clock);
  }

  /** The number of the next line; each is given once. */
  takeId(): number {
    return this.nextId++;
  }

  request(request: VoyagerRequest): Promise<RequestOutcome> {
    return new Promise((resolve) => {
      if (this.waitsForItsTurn(request)) {
        this.actions.enter(request.timeoutMs, {
          run: (release) =>
            this.send([request], (_, outcome) => {
              release();
              resolve(outcome);
            }),
          giveUp: (message) =>
            resolve({ outcome: 'refused', uid: request.uid ?? '', how: 'not_ready', code: null, message }),
        });
      } else this.send([request], (_, outcome) => resolve(outcome));
    });
  }

  requestTogether(requests: VoyagerRequest[]): Promise<RequestOutcome[]> {
    if (requests.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const outcomes: RequestOutcome[] = [];
      let open = requests.length;
      this.send(requests, (index, outcome) => {
        outcomes[index] = outcome;
        if (--open === 0) resolve(outcomes);
      });
    });
  }

  /** Actions that wait for their turn are never sent. */
  dropWaiting(message: string): void {
    this.actions.clear(message);
  }
  /** The connection is over: what waits was not sent, what was sent is unknown. */
  end(reason: string): void {
    this.actions.clear(`not sent: ${reason}`);
    this.pending.endAll(reason);
  }

  private waitsForItsTurn(request: VoyagerRequest): boolean {
    if (this.connection.notReady() !== null || !COMMANDS.get(request.method)?.action) return false;
    return request.params.Parallelized !== true && !this.stops(request);
  }
  /** What stops something waits for no turn and for no room. */
  private stops({ method, params }: VoyagerRequest): boolean {
    const { class: word } = classify(this.options.dialect, method, params);
    return word === 'safe' || word === 'halt';
  }

  /** Registers all, writes what the gate lets through in one write. */
  private send(requests: VoyagerRequest[], settle: (index: number, outcome: RequestOutcome) => void): void {
    const prepared: Prepared[] = [];
    for (const [index, request] of requests.entries()) {
      const ownUid = COMMANDS.get(request.method)?.uid ?? true;
      const uid = request.uid ?? (ownUid && typeof request.params.UID === 'string' ? request.params.UID : randomUUID());
      const message = this.whyNot(request, uid, prepared);
      if (message !== null) {
        settle(index, { outcome: 'refused', uid, how: 'not_ready', code: null, message });
        continue;
      }
      const id = this.takeId();
      const params = {
        ...(ownUid ? { UID: uid } : {}),
        ...request.params,
        ...request.sign?.({ id, uid, sessionKey: this.connection.sessionKey() }),
      };
      prepared.push({
        id,
        uid,
        line: { kind: 'request', method: request.method, params },
        answer: request.answer,
        timeoutMs: request.timeoutMs,
        settle: (outcome) => settle(index, outcome),
      });
    }
    this.submit(prepared);
  }
  /** Why a request cannot be sent beside those under way and those that leave with it; null when it can. */
  private whyNot(request: VoyagerRequest, uid: string, together: readonly Prepared[]): string | null {
    const notReady = this.connection.notReady();
    if (notReady !== null) return `not sent: ${notReady}`;
    if (this.pending.size + together.length >= MAX_IN_FLIGHT && !this.stops(request))
      return `not sent: ${MAX_IN_FLIGHT} requests are waiting for Voyager`;
    if (request.answer === 'result' && (this.pending.hasUid(uid) || together.some((p) => p.uid === uid)))
      return 'not sent: a request with this UID is under way';
    return null;
  }

  /** Writes prepared requests, each registered before its line leaves; what the gate refuses ends at once. */
  submit(prepared: Prepared[]): void {
    for (const { id, uid, line, answer, timeoutMs, settle } of prepared)
      this.pending.add({
        id,
        uid,
        method: line.method!,
        answer,
        timeoutMs,
        settle,
        payloadFailure: (paramRet) => payloadFailure(line.method!, paramRet, this.options.dialect),
      });
    const refused = this.write(
      prepared.map((p) => p.line),
      prepared.map(({ id, line }) => ({
        method: line.method,
        ...(Object.keys(line.params).length > 0 ? { params: line.params } : {}),
        id,
      })),
    );
    for (const [index, message] of refused) {
      const { id, uid, settle } = prepared[index]!;
      this.pending.drop(id);
      settle({ outcome: 'refused', uid, how: 'gate', code: null, message });
    }
  }

  /** The only place that writes to the socket. Returns which lines were refused, and why. */
  write(lines: OutgoingLine[], bodies: object[]): Map<number, string> {
    const refused = new Map<number, string>();
    let text = '';
    let count = 0;
    for (const [index, line] of lines.entries()) {
      const verdict = this.options.gate?.(line) ?? { allowed: true };
      if (verdict.allowed) {
        text += `${JSON.stringify(bodies[index])}\r\n`;
        count++;
      } else {
        this.stats.gated++;
        refused.set(index, verdict.reason);
      }
    }
    const socket = this.connection.socket();
    if (count > 0 && socket) {
      this.stats.linesOut += count;
      this.stats.bytesOut += Buffer.byteLength(text);
      this.connection.onSent();
      socket.write(text);
    }
    return refused;
  }
}
