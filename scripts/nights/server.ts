import { ApplicationFailure, DefaultFailureConverter, defaultPayloadConverter, type Payload } from '@temporalio/common';
import { msToNumber } from '@temporalio/common/lib/time.js';
import proto, { type coresdk as core, type google, type temporal } from '@temporalio/proto';
import { Agenda } from './agenda.ts';
import type { ActivityInfo } from '../../simulator/stand-in/script.ts';
import type { Pending, Run, Settled } from './run.ts';
import type { Sandbox } from './sandbox.ts';

const { coresdk } = proto;
const { TimeoutType, RetryState, StartChildWorkflowExecutionFailedCause } = {
  ...proto.temporal.api.enums.v1,
  ...coresdk.child_workflow,
};
const { ActivityCancellationType } = coresdk.workflow_commands;
const converter = new DefaultFailureConverter();

type Command = core.workflow_commands.IWorkflowCommand;
type Job = core.workflow_activation.IWorkflowActivationJob;
type Failure = temporal.api.failure.v1.IFailure;
type ScheduleActivity = core.workflow_commands.IScheduleActivity;

export type ActivityFunction = (...args: unknown[]) => Promise<unknown>;
/** Who polls a queue. */
export interface Poller {
  activities: Record<string, ActivityFunction>;
  /** Nobody polls in [from, to); what was taken before and is not answered by then is lost. */
  away?: readonly { from: number; to: number }[];
  /** Virtual milliseconds from an activity's effect to its answer. */
  latencyMs?: (activityType: string, at: number) => number;
}

/** So many things in one instant are a loop. */
const MOST_IN_ONE_INSTANT = 20_000;
const EVENTS_AT_START = 3;
/** Temporal suggests to continue as new from here on (server setting limit.historyCount.suggestContinueAsNew). */
const SUGGESTED_EVENTS = 4096;

/**
 * A Temporal server in virtual time for real workflow code in the SDK's own sandbox: it feeds activations, obeys commands and keeps an agenda
 * ordered by (instant, order of asking), so that the same input gives the same run to the millisecond. Instants are Unix milliseconds.
 * Activities are plain functions that happen at one instant; nothing may wait for anything real in them.
 */
export class VirtualServer {
  now: number;
  /** The activity that is being executed; null between two. */
  current: ActivityInfo | null = null;
  /** Called with what workflow code logs (`log.warn`, `log.error`). */
  onLog: ((at: number, level: string, message: string) => void) | null = null;
  /** Nobody takes workflow tasks in these spans; what happens meanwhile comes in one task afterwards. */
  workersAway: readonly { from: number; to: number }[] = [];
  private runs = 0;
  private asked = 0;
  private readonly agenda = new Agenda();
  private readonly byId = new Map<string, Run>();
  private readonly queues = new Map<string, Poller>();

  /** `name` makes the run ids, from which the sandbox seeds its random numbers. */
  constructor(
    private readonly sandbox: Sandbox,
    private readonly name: string,
    start: number,
  ) {
    this.now = start;
  }

  poll(queue: string, poller: Poller): void {
    this.queues.set(queue, poller);
  }
  /** Calls `act` at that instant, or now when it has passed. */
  schedule(at: number, act: () => Promise<void> | void): void {
    this.agenda.put(Math.max(at, this.now), act);
  }
  /**
   * Lives until nothing is left to happen, or until `limit` when no workflow is open then.
   * @throws Error when virtual time runs past `limit` with an open workflow, when it stands still, and with what a workflow task failed of.
   */
  async run(limit: number): Promise<void> {
    let here = 0;
    for (let item = this.agenda.take(); item; item = this.agenda.take()) {
      if (item.at > limit) {
        const open = [...this.byId.values()].filter((run) => !run.closed).map((run) => run.workflowId);
        if (open.length === 0) return;
        throw new Error(`virtual time ran past ${new Date(limit).toISOString()}; still open: ${open.join(', ')}`);
      }
      here = item.at === this.now ? here + 1 : 0;
      if (here > MOST_IN_ONE_INSTANT)
        throw new Error(`virtual time stands still at ${new Date(this.now).toISOString()}`);
      this.now = item.at;
      await item.act();
    }
  }
  /** Frees the sandbox of runs that never closed. */
  async dispose(): Promise<void> {
    for (const run of this.byId.values()) if (!run.closed) await run.vm.dispose();
  }

  /** How a workflow ended; null while it is open, undefined when there is none. */
  result(workflowId: string): Settled | null | undefined {
    return this.byId.get(workflowId)?.closed;
  }
  /** Events in the history of the newest run. */
  historyLength(workflowId: string): number {
    return this.byId.get(workflowId)?.history ?? 0;
  }
  isOpen(workflowId: string): boolean {
    return this.result(workflowId) === null;
  }

  async start(o: { workflowId: string; type: string; queue: string; args: readonly unknown[] }): Promise<void> {
    await this.begin({ ...o, payloads: o.args.map(toPayload), parent: null });
  }
  /** A signal; false when no open workflow takes it. */
  signal(workflowId: string, name: string, body: unknown): boolean {
    const run = this.open(workflowId);
    if (!run) return false;
    this.push(run, { signalWorkflow: { signalName: name, input: [toPayload(body)], identity: 'nights' } }, 1);
    return true;
  }
  /** Asks for cancellation, as an operator does in Temporal's UI. */
  cancel(workflowId: string): boolean {
    const run = this.open(workflowId);
    if (!run) return false;
    this.push(run, { cancelWorkflow: { reason: 'asked' } }, 1);
    return true;
  }
  update(workflowId: string, name: string, body: unknown, settled: (result: Settled) => void): void {
    const run = this.open(workflowId);
    if (!run) return settled({ ok: false, error: new Error(`no open workflow ${workflowId}`) });
    const id = `update-${++this.asked}`;
    run.updates.set(id, settled);
    this.push(
      run,
      {
        doUpdate: {
          id,
          protocolInstanceId: id,
          name,
          input: [toPayload(body)],
          runValidator: true,
          meta: { identity: 'nights', updateId: id },
        },
      },
      0,
    );
  }
  /** A query gets an activation of its own and leaves no event behind. */
  query(workflowId: string, name: string): Promise<unknown> {
    const run = this.open(workflowId);
    if (!run) return Promise.reject(new Error(`no open workflow ${workflowId}`));
    const id = `query-${++this.asked}`;
    return new Promise((resolve, reject) => {
      run.queries.set(id, (r) => (r.ok ? resolve(r.value) : reject(r.error)));
      this.activate(run, [{ queryWorkflow: { queryId: id, queryType: name, arguments: [] } }]).catch(reject);
    });
  }
  private open(workflowId: string): Run | null {
    const run = this.byId.get(workflowId);
    return run && !run.closed ? run : null;
  }

  private async begin(o: {
    workflowId: string;
    type: string;
    queue: string;
    payloads: Payload[];
    parent: Run['parent'];
  }): Promise<Run> {
    const runId = `${this.name}-${String(++this.runs).padStart(4, '0')}`;
    const run: Run = {
      workflowId: o.workflowId,
      runId,
      type: o.type,
      queue: o.queue,
      vm: await this.sandbox.createWorkflow({
        info: {
          workflowId: o.workflowId,
          runId,
          workflowType: o.type,
          searchAttributes: {},
          typedSearchAttributes: undefined,
          taskQueue: o.queue,
          namespace: 'virtual',
          firstExecutionRunId: runId,
          attempt: 1,
          historyLength: EVENTS_AT_START,
          historySize: 0,
          continueAsNewSuggested: false,
          startTime: new Date(this.now),
          runStartTime: new Date(this.now),
          taskTimeoutMs: 10_000,
          currentBuildId: '',
          unsafe: { now: () => this.now, isReplaying: false, isReplayingHistoryEvents: false },
        },
        randomnessSeed: [...Buffer.from(runId)],
        now: this.now,
        showStackTraceSources: false,
      }),
      jobs: [],
      scheduled: false,
      history: 1,
      timers: new Set(),
      activities: new Map(),
      parent: o.parent,
      updates: new Map(),
      queries: new Map(),
      closed: null,
    };
    this.byId.set(o.workflowId, run);
    this.push(
      run,
      {
        initializeWorkflow: {
          workflowType: o.type,
          workflowId: o.workflowId,
          arguments: o.payloads,
          randomnessSeed: 1 as unknown as Long,
          attempt: 1,
          startTime: stamp(this.now),
        },
      },
      0,
    );
    return run;
  }

  /** Gives a run something to do; all that comes at one instant comes in one workflow task. */
  private push(run: Run, job: Job, events: number): void {
    if (run.closed) return;
    run.jobs.push(job);
    run.history += events;
    if (run.scheduled) return;
    run.scheduled = true;
    const back = this.workersAway.find((s) => this.now >= s.from && this.now < s.to)?.to;
    this.schedule(back ?? this.now, async () => {
      run.scheduled = false;
      if (run.closed) return;
      const jobs = run.jobs.sort((a, b) => rank(a) - rank(b));
      run.jobs = [];
      run.history += 2;
      await this.activate(run, jobs);
      run.history += 1;
    });
  }
  private async activate(run: Run, jobs: Job[]): Promise<void> {
    const completion = await run.vm.activate(
      coresdk.workflow_activation.WorkflowActivation.fromObject({
        runId: run.runId,
        timestamp: stamp(this.now),
        isReplaying: false,
        historyLength: run.history,
        continueAsNewSuggested: run.history >= SUGGESTED_EVENTS,
        jobs,
        availableInternalFlags: [1, 2, 3, 4, 5],
      }),
    );
    for (const call of await run.vm.getAndResetSinkCalls()) {
      const [message, attributes] = call.args as [string, { error?: string } | undefined];
      if (
        call.ifaceName === '__temporal_logger' &&
        call.fnName !== 'trace' &&
        call.fnName !== 'debug' &&
        call.fnName !== 'info'
      )
        this.onLog?.(this.now, call.fnName, attributes?.error ? `${message}: ${attributes.error}` : message);
    }
    const failure = completion.failed?.failure;
    if (failure)
      throw new Error(
        `workflow task of ${run.workflowId} failed: ${failure.message ?? ''}\n${failure.stackTrace ?? ''}`,
      );
    for (const command of completion.successful?.commands ?? []) await this.obey(run, command);
  }

  /** @throws Error on a command that this server does not know, so that workflow code never gets less than it asked for. */
  private async obey(run: Run, c: Command): Promise<void> {
    run.history += 1;
    if (c.startTimer) return this.timer(run, c.startTimer);
    if (c.cancelTimer) return void run.timers.delete(c.cancelTimer.seq!);
    if (c.scheduleActivity) return this.scheduleActivity(run, c.scheduleActivity);
    if (c.requestCancelActivity) return this.cancelActivity(run, c.requestCancelActivity.seq!);
    if (c.startChildWorkflowExecution) return this.child(run, c.startChildWorkflowExecution);
    if (c.respondToQuery) return this.answerQuery(run, c.respondToQuery);
    if (c.updateResponse) return this.answerUpdate(run, c.updateResponse);
    if (c.completeWorkflowExecution) {
      const { result } = c.completeWorkflowExecution;
      return this.close(
        run,
        { ok: true, value: result ? fromPayload(result) : undefined },
        { completed: { result: result ?? null } },
      );
    }
    if (c.failWorkflowExecution) {
      const failure = c.failWorkflowExecution.failure!;
      return this.close(run, { ok: false, error: fromFailure(failure) }, { failed: { failure } });
    }
    if (c.cancelWorkflowExecution) {
      const failure = { message: 'Workflow cancelled', canceledFailureInfo: {} };
      return this.close(run, { ok: false, error: fromFailure(failure) }, { cancelled: { failure } });
    }
    if (c.continueAsNewWorkflowExecution) return this.continueAsNew(run, c.continueAsNewWorkflowExecution);
    if (c.upsertWorkflowSearchAttributes || c.setPatchMarker || c.modifyWorkflowProperties) return;
    throw new Error(
      `${run.workflowId} sent a command that the virtual server does not know: ${Object.keys(c).join(', ')}`,
    );
  }

  private timer(run: Run, c: core.workflow_commands.IStartTimer): void {
    const seq = c.seq!;
    run.timers.add(seq);
    this.schedule(this.now + ms(c.startToFireTimeout), () => {
      if (run.timers.delete(seq)) this.push(run, { fireTimer: { seq } }, 1);
    });
  }
  private answerQuery(run: Run, c: core.workflow_commands.IQueryResult): void {
    run.history -= 1;
    const settle = run.queries.get(c.queryId!);
    run.queries.delete(c.queryId!);
    settle?.(
      c.succeeded
        ? { ok: true, value: fromPayload(c.succeeded.response!) }
        : { ok: false, error: fromFailure(c.failed!) },
    );
  }
  private answerUpdate(run: Run, c: core.workflow_commands.IUpdateResponse): void {
    if (c.accepted) return;
    const settle = run.updates.get(c.protocolInstanceId!);
    run.updates.delete(c.protocolInstanceId!);
    settle?.(
      c.completed ? { ok: true, value: fromPayload(c.completed) } : { ok: false, error: fromFailure(c.rejected!) },
    );
  }

  private async child(run: Run, c: core.workflow_commands.IStartChildWorkflowExecution): Promise<void> {
    const seq = c.seq!;
    if (this.open(c.workflowId!)) {
      const failed = {
        workflowId: c.workflowId!,
        workflowType: c.workflowType!,
        cause:
          StartChildWorkflowExecutionFailedCause.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS,
      };
      return this.push(run, { resolveChildWorkflowExecutionStart: { seq, failed } }, 1);
    }
    const child = await this.begin({
      workflowId: c.workflowId!,
      type: c.workflowType!,
      queue: c.taskQueue!,
      payloads: c.input ?? [],
      parent: { run, seq },
    });
    this.push(run, { resolveChildWorkflowExecutionStart: { seq, succeeded: { runId: child.runId } } }, 1);
  }
  private async close(run: Run, how: Settled, asChild: core.child_workflow.IChildWorkflowResult): Promise<void> {
    run.closed = how;
    await run.vm.dispose();
    for (const settle of run.updates.values())
      settle({ ok: false, error: new Error(`${run.workflowId} closed before it answered`) });
    if (run.parent)
      this.push(run.parent.run, { resolveChildWorkflowExecution: { seq: run.parent.seq, result: asChild } }, 1);
  }
  private async continueAsNew(run: Run, c: core.workflow_commands.IContinueAsNewWorkflowExecution): Promise<void> {
    run.closed = { ok: true, value: 'continued as new' };
    await run.vm.dispose();
    const next = await this.begin({
      workflowId: run.workflowId,
      type: c.workflowType || run.type,
      queue: c.taskQueue || run.queue,
      payloads: c.arguments ?? [],
      parent: run.parent,
    });
    for (const job of run.jobs) if (job.signalWorkflow) this.push(next, job, 1);
  }

  // ── activities ──────────────────────────────────────────────────────────────────────────────────────────────────

  private scheduleActivity(run: Run, command: ScheduleActivity): void {
    const pending: Pending = {
      command,
      seq: command.seq!,
      scheduledAt: this.now,
      running: false,
      cancelAsked: false,
      done: false,
      attempt: 0,
    };
    run.activities.set(pending.seq, pending);
    const deadline = ms(command.scheduleToCloseTimeout);
    if (deadline > 0)
      this.schedule(this.now + deadline, () =>
        this.resolve(run, pending, {
          failed: { failure: activityFailure(pending, timeoutFailure(TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE)) },
        }),
      );
    this.enqueue(run, pending, 1, this.now);
  }
  /** Puts an attempt into its queue: taken when somebody polls, timed out when nobody does in time. */
  private enqueue(run: Run, pending: Pending, attempt: number, at: number): void {
    this.schedule(at, () => {
      if (pending.done || run.closed) return;
      pending.attempt = attempt;
      const { taskQueue, scheduleToStartTimeout } = pending.command;
      const queue = this.queues.get(taskQueue!);
      if (!queue) throw new Error(`nobody ever polls queue ${taskQueue}`);
      const away = queue.away?.find((span) => this.now >= span.from && this.now < span.to);
      if (!away) return this.execute(run, pending, attempt, queue);
      const patience = ms(scheduleToStartTimeout);
      if (patience > 0)
        this.schedule(this.now + patience, () => {
          if (!pending.running && pending.attempt === attempt)
            this.resolve(run, pending, {
              failed: { failure: activityFailure(pending, timeoutFailure(TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START)) },
            });
        });
      this.schedule(away.to, () => {
        if (!pending.done && !run.closed && pending.attempt === attempt)
          return this.execute(run, pending, attempt, queue, at);
      });
    });
  }
  private async execute(
    run: Run,
    pending: Pending,
    attempt: number,
    queue: Poller,
    scheduledAt = this.now,
  ): Promise<void> {
    const { activityType, arguments: args, startToCloseTimeout, heartbeatTimeout } = pending.command;
    const fn = queue.activities[activityType!];
    if (!fn) throw new Error(`no activity ${activityType} on ${pending.command.taskQueue}`);
    pending.running = true;
    const began = this.now;
    let result: core.activity_result.IActivityResolution;
    let thrown: unknown;
    this.current = {
      attempt,
      activityType: activityType!,
      scheduledTimestampMs: pending.scheduledAt,
      currentAttemptScheduledTimestampMs: scheduledAt,
    };
    try {
      result = { completed: { result: toPayload(await fn(...(args ?? []).map(fromPayload))) } };
    } catch (error) {
      thrown = error;
      result = {};
    } finally {
      this.current = null;
    }
    const takes = queue.latencyMs?.(activityType!, began) ?? 0;
    const limits = [ms(startToCloseTimeout), ms(heartbeatTimeout)].filter((limit) => limit > 0);
    const died = queue.away?.some((span) => span.from > began && span.from <= began + takes);
    const tooLong = ms(startToCloseTimeout) > 0 && takes > ms(startToCloseTimeout);
    const overdue = tooLong ? ms(startToCloseTimeout) : null;
    const silence = died ? Math.min(...limits) : overdue;
    this.schedule(began + (silence ?? takes), () => {
      if (pending.done || run.closed || pending.attempt !== attempt) return;
      pending.running = false;
      if (silence !== null) {
        const heartbeat = died && ms(heartbeatTimeout) > 0;
        return this.attemptFailed(
          run,
          pending,
          attempt,
          timeoutFailure(heartbeat ? TimeoutType.TIMEOUT_TYPE_HEARTBEAT : TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE),
          heartbeat ? 'TemporalTimeout:Heartbeat' : 'TemporalTimeout:StartToClose',
          null,
        );
      }
      if (thrown === undefined) return this.resolve(run, pending, result);
      const application = thrown instanceof ApplicationFailure ? thrown : null;
      const type = application?.nonRetryable ? null : (application?.type ?? (thrown as Error).name);
      const delay = application?.nextRetryDelay;
      this.attemptFailed(
        run,
        pending,
        attempt,
        converter.errorToFailure(thrown, defaultPayloadConverter),
        type,
        delay === undefined || delay === null ? null : msToNumber(delay),
      );
    });
  }
  /** Tries again as the retry policy says; `type` null means never. */
  private attemptFailed(
    run: Run,
    pending: Pending,
    attempt: number,
    failure: Failure,
    type: string | null,
    delayMs: number | null,
  ): void {
    const { retryPolicy, scheduleToCloseTimeout } = pending.command;
    const initial = ms(retryPolicy?.initialInterval) || 1000;
    const longest = ms(retryPolicy?.maximumInterval) || initial * 100;
    const wait = delayMs ?? Math.min(initial * (retryPolicy?.backoffCoefficient || 2) ** (attempt - 1), longest);
    const deadline = ms(scheduleToCloseTimeout);
    const most = retryPolicy?.maximumAttempts ?? 0;
    const final =
      type === null ||
      pending.cancelAsked ||
      (retryPolicy?.nonRetryableErrorTypes ?? []).includes(type) ||
      (most > 0 && attempt >= most) ||
      (deadline > 0 && this.now + wait >= pending.scheduledAt + deadline);
    if (final) return this.resolve(run, pending, { failed: { failure: activityFailure(pending, failure) } });
    this.enqueue(run, pending, attempt + 1, this.now + wait);
  }
  private cancelActivity(run: Run, seq: number): void {
    const pending = run.activities.get(seq);
    if (!pending) return;
    pending.cancelAsked = true;
    const waits = pending.command.cancellationType === ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
    if (waits && pending.running) return;
    this.resolve(run, pending, {
      cancelled: { failure: activityFailure(pending, { message: 'Activity cancelled', canceledFailureInfo: {} }) },
    });
  }
  private resolve(run: Run, pending: Pending, result: core.activity_result.IActivityResolution): void {
    if (pending.done) return;
    pending.done = true;
    run.activities.delete(pending.seq);
    this.push(run, { resolveActivity: { seq: pending.seq, result } }, 2);
  }
}

/** Order of jobs inside one activation, as the SDK's core sorts them (sdk-core, worker/workflow/mod.rs). */
function rank(job: Job): number {
  if (job.initializeWorkflow) return 0;
  if (job.signalWorkflow || job.doUpdate) return 3;
  return 4;
}

type Long = NonNullable<core.workflow_activation.IInitializeWorkflow['randomnessSeed']>;
const toPayload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const fromPayload = (payload: temporal.api.common.v1.IPayload): unknown => defaultPayloadConverter.fromPayload(payload);
const fromFailure = (failure: Failure): Error => converter.failureToError(failure, defaultPayloadConverter);
const ms = (d: google.protobuf.IDuration | null | undefined): number =>
  d ? Number(d.seconds ?? 0) * 1000 + (d.nanos ?? 0) / 1e6 : 0;
const stamp = (at: number): { seconds: Long; nanos: number } => ({
  seconds: Math.floor(at / 1000) as unknown as Long,
  nanos: Math.round((at % 1000) * 1e6),
});

function timeoutFailure(timeoutType: temporal.api.enums.v1.TimeoutType): Failure {
  return { message: 'activity timeout', timeoutFailureInfo: { timeoutType } };
}
function activityFailure(pending: Pending, cause: Failure): Failure {
  return {
    message: 'Activity task failed',
    cause,
    activityFailureInfo: {
      activityType: { name: pending.command.activityType ?? '' },
      activityId: pending.command.activityId ?? String(pending.seq),
      retryState: RetryState.RETRY_STATE_UNSPECIFIED,
    },
  };
}
