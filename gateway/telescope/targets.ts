import type { Clock } from '../../platform/clock.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { RequestOutcome, VoyagerLink } from '../connection/link.ts';
import type { RoboTargetClient } from '../robotarget/commands.ts';
import {
  buildOpenRequest,
  readShotDoneList,
  readTargetList,
  type OpenShotDone,
  type OpenTarget,
} from '../robotarget/open.ts';
import { buildRequest } from '../protocol/requests.ts';
import { reasonOf } from './outcomes.ts';
import type { Zone } from './timezone.ts';

export type Read<T> = { ok: true; items: T[] } | { ok: false; reason: Reason; message: string };

/** Short enough for a control that a person waits for; a list that takes longer is read again later. */
const LIST_MS = 8_000;
const WRITE_MS = 12_000;
const NOT_SET_UP = {
  ok: false,
  reason: 'robotarget_not_set_up',
  message: 'VOYAGER_ROBOTARGET_SECRET is not set: the shared secret of RoboTarget (Voyager: Setup, Remote)',
} as const satisfies Read<never>;

export const sameGuid = (a: string | null | undefined, b: string | null | undefined): boolean =>
  !!a && !!b && a.toLowerCase() === b.toLowerCase();

/** RoboTarget's own lists, with the newest one remembered. */
export class Targets {
  private last: { items: OpenTarget[]; atMs: number } | null = null;
  private reading: Promise<Read<OpenTarget>> | null = null;
  constructor(
    private readonly link: Pick<VoyagerLink, 'request' | 'requestTogether'>,
    readonly client: RoboTargetClient,
    private readonly secret: string | null,
    private readonly clock: Clock,
    /** The site's time zone, for servers that write local time alone. */
    private readonly zone: () => Zone = () => 0,
  ) {}

  /** Whether RoboTarget can be asked at all; a telescope that is only looked at needs no shared secret. */
  get setUp(): boolean {
    return this.secret !== null;
  }
  /** Every target with its state; callers at the same time share one request. */
  list(): Promise<Read<OpenTarget>> {
    if (!this.setUp) return Promise.resolve(NOT_SET_UP);
    this.reading ??= this.readList().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }
  /** The newest list if it is at most `maxAgeMs` old. */
  recent(maxAgeMs: number): OpenTarget[] | null {
    return this.last && this.clock.now() - this.last.atMs <= maxAgeMs ? this.last.items : null;
  }
  forget(): void {
    this.last = null;
  }
  async shotsDone(targetGuid: string): Promise<Read<OpenShotDone>> {
    if (!this.setUp) return NOT_SET_UP;
    const outcome = await this.open('GetShotDoneList', { RefGuidTarget: targetGuid, IsDeleted: false });
    if (outcome.outcome !== 'done') return { ok: false, reason: reasonOf(outcome), message: outcome.message };
    return { ok: true, items: readShotDoneList(outcome.paramRet, this.zone()) };
  }

  /** Disables targets and sets and, where asked, aborts the current action, all in one socket write and in this order (docs/safety.md, 3). */
  stop(targetGuids: readonly string[], abort: boolean, setGuids: readonly string[] = []): Promise<RequestOutcome[]> {
    return this.link.requestTogether([
      ...setGuids.map((guid) => ({
        ...this.client.buildRequest('set', 'status', { guid, enabled: false }),
        timeoutMs: WRITE_MS,
      })),
      ...targetGuids.map((guid) => ({
        ...this.client.buildRequest('target', 'status', { guid, enabled: false }),
        timeoutMs: WRITE_MS,
      })),
      ...(abort ? [buildRequest('Abort', { IsHalt: false }, { timeoutMs: WRITE_MS })] : []),
    ]);
  }
  /** The line that enables or disables a target, unsent: the gate wants to know its UID first. */
  statusRequest(guid: string, enabled: boolean): ReturnType<RoboTargetClient['buildRequest']> {
    return { ...this.client.buildRequest('target', 'status', { guid, enabled }), timeoutMs: WRITE_MS };
  }

  private async readList(): Promise<Read<OpenTarget>> {
    const outcome = await this.open('GetTargetList', {});
    if (outcome.outcome !== 'done') return { ok: false, reason: reasonOf(outcome), message: outcome.message };
    const items = readTargetList(outcome.paramRet);
    this.last = { items, atMs: this.clock.now() };
    return { ok: true, items };
  }
  private async open(
    name: 'GetTargetList' | 'GetShotDoneList',
    params: Record<string, unknown>,
  ): Promise<RequestOutcome> {
    return this.link.request({ ...buildOpenRequest(name, params, this.secret), timeoutMs: LIST_MS });
  }
}
