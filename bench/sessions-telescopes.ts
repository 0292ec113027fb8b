import type { Client } from '@temporalio/client';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { CommandOutcome, FrameCounts, Observation, TelescopeActivities } from '../domain/ports.ts';
import { watchOnce } from '../gateway/activities/watch.ts';
import { framesQueue, telescopeQueue } from '../domain/queues.ts';

/**
 * The stub activity worker of many telescopes: it long-polls their queues over one connection and answers at once, as gateways with a fair
 * sky would. It also is the clock of the checks, since every look of a session at its telescope passes here.
 */
const DONE: CommandOutcome = { outcome: 'done', reason: null, message: null };

/** What a quiet night shows; `enabled` says whether the session has let the target run. */
export function fairSky(enabled: boolean): Observation {
  return {
    at: new Date().toISOString(),
    connected: true,
    ageSeconds: 1,
    voyagerStatus: enabled ? 'RUN' : 'IDLE',
    emergency: null,
    running: enabled ? 'ours' : 'none',
    roboTargetRunning: true,
    runSequence: enabled ? 'bench' : null,
    runDragScript: 'RoboTarget.vos',
    guiding: enabled ? 'RUNNING' : 'STOPPED',
    mountConnected: true,
    cameraConnected: true,
    lastError: null,
    clockOffsetSeconds: 0.1,
    weather: {
      state: 'ok',
      reason: null,
      causes: [],
      ok_since: new Date(Date.now() - 3_600_000).toISOString(),
      stale: false,
    },
    target: { enabled, statusOp: enabled ? 'running' : 'idle' },
    shotsDone: {},
    latchedAbort: null,
  };
}

export const NO_FRAMES: FrameCounts = { captured: 0, archived: 0, rejected: 0, missing: 0, pending: 0 };

/** Answers by the name of the activity; the attempt counts from 1. */
export type Telescope = Record<string, (input: never, attempt: number) => unknown>;
type Typed = {
  [K in Exclude<keyof TelescopeActivities, 'roboTarget'>]: (
    input: Parameters<TelescopeActivities[K]>[0],
    attempt: number,
  ) => Awaited<ReturnType<TelescopeActivities[K]>> | Promise<Observation>;
};

/** A telescope that does as it is told, and whose frames are all taken in. */
export function obedientTelescope(): Typed & { drainFrames(): FrameCounts } {
  let enabled = false;
  const set = (to: boolean) => (): CommandOutcome => {
    enabled = to;
    return DONE;
  };
  return {
    checkSite: () => ({ ok: true, problems: [], warnings: [] }),
    registerGrant: () => DONE,
    ensureObjects: ({ plan }) => ({
      ...DONE,
      created: 2 + plan.shots.length,
      repaired: 0,
      shots: plan.shots.map((shot) => ({
        guid: shot.GuidShot,
        filter: String(shot.FilterIndex),
        filter_index: shot.FilterIndex,
        exposure_seconds: shot.Exposure,
        quantity: shot.Num,
        binning: shot.Bin,
        done: 0,
      })),
    }),
    readObjects: () => ({ differences: [], enabled }),
    observe: () => fairSky(enabled),
    watch: ({ plan }, attempt) => watchOnce(plan, attempt, () => Promise.resolve(fairSky(enabled))),
    borrowSky: () => ({ ...DONE, borrowed: [] }),
    returnSky: () => DONE,
    removeObjects: () => DONE,
    enableTarget: set(true),
    disableTarget: set(false),
    stopTarget: set(false),
    startRoboTarget: () => DONE,
    listShotsDone: () => [],
    revokeGrant: () => undefined,
    releaseLatch: () => undefined,
    drainFrames: () => NO_FRAMES,
  };
}

/** Looks of one session at its telescope, and how late the latest of them came. */
class Checks {
  looks = 0;
  latenessMs = 0;
  private answeredAt: number | null = null;
  private readonly intervalMs: number;
  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
  }

  /**
   * A look is due one interval after the answer that the session, or the server for a watch, last had; what it takes to hand that answer over
   * counts as lateness too. A look right after a command confirms it and is not a check.
   */
  begins(activity: string, attempt: number, now: number): void {
    if ((activity === 'observe' || (activity === 'watch' && attempt > 1)) && this.answeredAt !== null) {
      this.latenessMs = Math.max(this.latenessMs, now - this.answeredAt - this.intervalMs);
      this.looks++;
    }
    if (!(activity === 'watch' && attempt === 1)) this.answeredAt = null;
  }
  answered(activity: string, now: number): void {
    if (activity === 'observe' || activity === 'watch') this.answeredAt ??= now;
  }
  /** A check that is overdue at the end counts as late as it is by then. */
  endsAt(now: number): void {
    if (this.answeredAt !== null) this.latenessMs = Math.max(this.latenessMs, now - this.answeredAt - this.intervalMs);
  }
}

/** Activities that a raw poll of a queue brings, answered one after the other. */
export class StubTelescopes {
  private readonly checks = new Map<string, Checks>();
  private readonly polls: Promise<void>[] = [];
  private readonly stopping = new AbortController();
  private readonly client: Client;
  private readonly intervalMs: number;

  constructor(client: Client, checkIntervalMs: number) {
    this.client = client;
    this.intervalMs = checkIntervalMs;
  }

  /** Serves the queues of one telescope until `stop`. */
  serve(telescopeId: string): void {
    const checks = new Checks(this.intervalMs);
    this.checks.set(telescopeId, checks);
    const telescope = obedientTelescope() as unknown as Telescope;
    for (const queue of [telescopeQueue(telescopeId), framesQueue(telescopeId)])
      this.polls.push(this.poll(queue, telescope, checks));
  }

  /** Sessions that have made a check by now, how many the slowest of them made, and the greatest lateness of any, in seconds. */
  report(): { checking: number; fewest: number; latest: number } {
    const now = Date.now();
    const all = [...this.checks.values()];
    for (const checks of all) checks.endsAt(now);
    return {
      checking: all.filter((checks) => checks.looks > 0).length,
      fewest: Math.min(...all.map((checks) => checks.looks)),
      latest: Math.max(...all.map((checks) => checks.latenessMs)) / 1000,
    };
  }

  /** From here on only lateness that is still to come counts, and that of checks overdue now. */
  startAnew(): void {
    for (const checks of this.checks.values()) checks.latenessMs = 0;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.polls);
  }

  private async poll(queue: string, telescope: Telescope, checks: Checks): Promise<void> {
    const { connection } = this.client;
    const { workflowService: service } = connection;
    const { signal } = this.stopping;
    const { namespace } = this.client.options;
    const identity = 'stub-telescopes';
    while (!signal.aborted) {
      let task: temporal.api.workflowservice.v1.IPollActivityTaskQueueResponse;
      try {
        const poll = () => service.pollActivityTaskQueue({ namespace, taskQueue: { name: queue }, identity });
        task = await connection.withAbortSignal(signal, () => connection.withDeadline(Date.now() + 70_000, poll));
      } catch {
        if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 200));
        continue;
      }
      const { taskToken } = task;
      if (!taskToken?.length) continue;
      const name = task.activityType?.name ?? '';
      const attempt = task.attempt ?? 1;
      checks.begins(name, attempt, Date.now());
      const [input] = (task.input?.payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload(payload));
      try {
        const answer = await telescope[name]!(input as never, attempt);
        await service.respondActivityTaskCompleted({
          namespace,
          taskToken,
          identity,
          result: { payloads: [defaultPayloadConverter.toPayload(answer)] },
        });
      } catch (thrown) {
        await service
          .respondActivityTaskFailed({
            namespace,
            taskToken,
            identity,
            failure: defaultFailureConverter.errorToFailure(thrown, defaultPayloadConverter),
          })
          .catch(() => undefined);
      }
      checks.answered(name, Date.now());
    }
  }
}
