import { ApplicationFailure } from '@temporalio/common';
import { msToNumber } from '@temporalio/common/lib/time.js';
import proto, { type coresdk as core } from '@temporalio/proto';
import type { ActivityInfo } from '../../simulator/stand-in/script.ts';
import { activityFailure, type Failure, fromPayload, ms, timeoutFailure, toFailure, toPayload } from './payloads.ts';
import type { Pending, Run, Server } from './run.ts';

const { TimeoutType } = proto.temporal.api.enums.v1;
const { ActivityCancellationType } = proto.coresdk.workflow_commands;
type Result = core.activity_result.IActivityResolution;

/** An activity that is being executed, and for which run. */
export interface Executed extends ActivityInfo {
  workflowExecution: { workflowId: string; runId: string };
  workflowType: string;
}
type ActivityFunction = (...args: unknown[]) => Promise<unknown>;
/** Who polls a queue. */
export interface Poller {
  activities: Record<string, ActivityFunction>;
  /** Nobody polls in [from, to); what was taken before and is not answered by then is lost. */
  away?: readonly { from: number; to: number }[];
  /** Virtual milliseconds from an activity's effect to its answer. */
  latencyMs?: (activityType: string, at: number) => number;
  /** Takes an execution that waits for something of the same instant; without it nothing else happens until the execution is done. */
  beside?: (execution: Promise<void>) => void;
}

interface Attempt {
  run: Run;
  pending: Pending;
  /** From 1. */
  nth: number;
  /** When it was put into the queue. */
  scheduledAt: number;
}
interface Failed {
  failure: Failure;
  /** The error's name for the retry policy; null means never again. */
  type: string | null;
  /** What the error itself asks for. */
  delayMs: number | null;
}

/** Activities of a virtual server: queues, attempts, timeouts and retries as Temporal has them. */
export class Activities {
  /** The activity that is being executed; null between two. */
  current: Executed | null = null;
  private readonly queues = new Map<string, Poller>();

  constructor(private readonly server: Pick<Server, 'now' | 'schedule' | 'push'>) {}

  poll(queue: string, poller: Poller): void {
    this.queues.set(queue, poller);
  }

  schedule(run: Run, command: core.workflow_commands.IScheduleActivity): void {
    const now = this.server.now();
    const pending: Pending = {
      command,
      seq: command.seq!,
      scheduledAt: now,
      running: false,
      cancelAsked: false,
      done: false,
      attempt: 0,
    };
    run.activities.set(pending.seq, pending);
    const deadline = ms(command.scheduleToCloseTimeout);
    if (deadline > 0)
      this.server.schedule(now + deadline, () =>
        this.fail(run, pending, timeoutFailure(TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE)),
      );
    this.enqueue({ run, pending, nth: 1, scheduledAt: now });
  }

  cancel(run: Run, seq: number): void {
    const pending = run.activities.get(seq);
    if (!pending) return;
    pending.cancelAsked = true;
    const waits = pending.command.cancellationType === ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
    if (waits && pending.running) return;
    this.resolve(run, pending, {
      cancelled: { failure: activityFailure(pending, { message: 'Activity cancelled', canceledFailureInfo: {} }) },
    });
  }

  /** Puts an attempt into its queue: taken when somebody polls, timed out when nobody does in time. */
  private enqueue(attempt: Attempt): void {
    const { run, pending, nth, scheduledAt } = attempt;
    this.server.schedule(scheduledAt, () => {
      if (pending.done || run.closed) return;
      pending.attempt = nth;
      const { taskQueue, scheduleToStartTimeout } = pending.command;
      const queue = this.queues.get(taskQueue!);
      if (!queue) throw new Error(`nobody ever polls queue ${taskQueue}`);
      const now = this.server.now();
      const away = queue.away?.find((span) => now >= span.from && now < span.to);
      if (!away) return this.take({ ...attempt, scheduledAt: now }, queue);
      const patience = ms(scheduleToStartTimeout);
      if (patience > 0)
        this.server.schedule(now + patience, () => {
          if (!pending.running && pending.attempt === nth)
            this.fail(run, pending, timeoutFailure(TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START));
        });
      this.server.schedule(away.to, () => {
        if (!pending.done && !run.closed && pending.attempt === nth) return this.take(attempt, queue);
      });
    });
  }

  private take(attempt: Attempt, queue: Poller): Promise<void> | void {
    const execution = this.execute(attempt, queue);
    return queue.beside ? queue.beside(execution) : execution;
  }
  /** Its effect is at once, its answer comes as late as the queue says, or never. */
  private async execute(attempt: Attempt, queue: Poller): Promise<void> {
    const { run, pending, nth } = attempt;
    const { activityType, startToCloseTimeout, heartbeatTimeout } = pending.command;
    pending.running = true;
    const began = this.server.now();
    const answer = await this.call(attempt, queue);
    const takes = queue.latencyMs?.(activityType!, began) ?? 0;
    const limits = [ms(startToCloseTimeout), ms(heartbeatTimeout)].filter((limit) => limit > 0);
    const died = queue.away?.some((span) => span.from > began && span.from <= began + takes) ?? false;
    const tooLong = ms(startToCloseTimeout) > 0 && takes > ms(startToCloseTimeout);
    const overdue = tooLong ? ms(startToCloseTimeout) : null;
    const silence = died ? Math.min(...limits) : overdue;
    this.server.schedule(began + (silence ?? takes), () => {
      if (pending.done || run.closed || pending.attempt !== nth) return;
      pending.running = false;
      if (silence !== null) this.tryAgain(attempt, timedOut(died && ms(heartbeatTimeout) > 0));
      else if ('failed' in answer) this.tryAgain(attempt, answer.failed);
      else this.resolve(run, pending, answer.result);
    });
  }
  private async call(
    { run, pending, nth, scheduledAt }: Attempt,
    queue: Poller,
  ): Promise<{ result: Result } | { failed: Failed }> {
    const { activityType, arguments: args, taskQueue } = pending.command;
    const fn = queue.activities[activityType!];
    if (!fn) throw new Error(`no activity ${activityType} on ${taskQueue}`);
    this.current = {
      attempt: nth,
      activityType: activityType!,
      scheduledTimestampMs: pending.scheduledAt,
      currentAttemptScheduledTimestampMs: scheduledAt,
      workflowExecution: { workflowId: run.workflowId, runId: run.runId },
      workflowType: run.type,
    };
    try {
      return { result: { completed: { result: toPayload(await fn(...(args ?? []).map(fromPayload))) } } };
    } catch (thrown) {
      return { failed: failedWith(thrown) };
    } finally {
      this.current = null;
    }
  }

  /** Tries again as the retry policy says. */
  private tryAgain({ run, pending, nth }: Attempt, { failure, type, delayMs }: Failed): void {
    const { retryPolicy, scheduleToCloseTimeout } = pending.command;
    const now = this.server.now();
    const initial = ms(retryPolicy?.initialInterval) || 1000;
    const longest = ms(retryPolicy?.maximumInterval) || initial * 100;
    const wait = delayMs ?? Math.min(initial * (retryPolicy?.backoffCoefficient || 2) ** (nth - 1), longest);
    const deadline = ms(scheduleToCloseTimeout);
    const most = retryPolicy?.maximumAttempts ?? 0;
    const final =
      type === null ||
      pending.cancelAsked ||
      (retryPolicy?.nonRetryableErrorTypes ?? []).includes(type) ||
      (most > 0 && nth >= most) ||
      (deadline > 0 && now + wait >= pending.scheduledAt + deadline);
    if (final) this.fail(run, pending, failure);
    else this.enqueue({ run, pending, nth: nth + 1, scheduledAt: now + wait });
  }

  private fail(run: Run, pending: Pending, cause: Failure): void {
    this.resolve(run, pending, { failed: { failure: activityFailure(pending, cause) } });
  }
  private resolve(run: Run, pending: Pending, result: Result): void {
    if (pending.done) return;
    pending.done = true;
    run.activities.delete(pending.seq);
    this.server.push(run, { resolveActivity: { seq: pending.seq, result } }, 2);
  }
}

function timedOut(heartbeat: boolean): Failed {
  return {
    failure: timeoutFailure(heartbeat ? TimeoutType.TIMEOUT_TYPE_HEARTBEAT : TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE),
    type: heartbeat ? 'TemporalTimeout:Heartbeat' : 'TemporalTimeout:StartToClose',
    delayMs: null,
  };
}
function failedWith(thrown: unknown): Failed {
  const application = thrown instanceof ApplicationFailure ? thrown : null;
  const delay = application?.nextRetryDelay;
  return {
    failure: toFailure(thrown),
    type: application?.nonRetryable ? null : (application?.type ?? (thrown as Error).name),
    delayMs: delay === undefined || delay === null ? null : msToNumber(delay),
  };
}
