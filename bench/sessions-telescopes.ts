import type { Client } from '@temporalio/client';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { Telescope as TelescopeFile, type TelescopeInput } from '../domain/contracts/telescope.ts';
import type { FrameCounts } from '../domain/ports.ts';
import { framesQueue, telescopeQueue } from '../domain/queues.ts';
import { standInActivities } from '../simulator/stand-in/activities.ts';
import type { ActivityInfo } from '../simulator/stand-in/script.ts';
import { StandIn } from '../simulator/stand-in/stand-in.ts';

/**
 * The stub activity worker of many telescopes: it long-polls their queues over one connection and answers at once, as gateways with a fair
 * sky would. It also is the clock of the checks, since every look of a session at its telescope passes here.
 */
export const NO_FRAMES: FrameCounts = { captured: 0, archived: 0, rejected: 0, missing: 0, pending: 0 };
const TELESCOPE = TelescopeFile.parse({
  id: 'stand-in',
  name: 'Stand-in',
  host: '127.0.0.1',
  base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
  site: { latitude_degrees: 0, longitude_degrees: 0 },
} satisfies TelescopeInput);
/** No exposure ends while a benchmark runs. */
const ENDLESS_MS = 86_400_000;

/** Answers by the name of the activity; the attempt counts from 1. */
export type Telescope = Record<string, (input: never, attempt: number) => unknown>;

/** The stand-in under a fair sky, at wall speed, with a target that runs as long as it is enabled. */
export function obedientTelescope(): Telescope {
  const info: ActivityInfo = {
    attempt: 1,
    activityType: '',
    scheduledTimestampMs: 0,
    currentAttemptScheduledTimestampMs: 0,
  };
  const standIn = new StandIn({ telescope: TELESCOPE, pace: { setupMs: ENDLESS_MS }, info: () => info });
  const activities = { ...standInActivities(standIn), drainFrames: () => Promise.resolve(NO_FRAMES) };
  return Object.fromEntries(
    Object.entries(activities).map(([name, answer]) => [
      name,
      (input: { plan?: { everySeconds?: number } }, attempt: number) => {
        const now = Date.now();
        const sinceMs = (attempt - 1) * (input.plan?.everySeconds ?? 0) * 1000;
        Object.assign(info, {
          attempt,
          activityType: name,
          scheduledTimestampMs: now - sinceMs,
          currentAttemptScheduledTimestampMs: now,
        });
        return answer(input as never);
      },
    ]),
  );
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
    const telescope = obedientTelescope();
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
