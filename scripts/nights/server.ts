import proto, { type coresdk as core } from '@temporalio/proto';
import { Activities, type Executed, type Poller } from './activities.ts';
import { Agenda } from './agenda.ts';
import { Commands } from './commands.ts';
import { type Long, stamp, toPayload } from './payloads.ts';
import { type Birth, type Run, type Server, type Settled, workflowInfo } from './run.ts';
import type { Sandbox } from './sandbox.ts';
import { ServerClock } from './server-clock.ts';

const { coresdk } = proto;

type Job = core.workflow_activation.IWorkflowActivationJob;

/** So many things in one instant are a loop. */
const MOST_IN_ONE_INSTANT = 20_000;
/** Temporal suggests to continue as new from here on (server setting limit.historyCount.suggestContinueAsNew). */
const SUGGESTED_EVENTS = 4096;

/**
 * A Temporal server in virtual time for real workflow code in the SDK's own sandbox; its agenda is ordered by (Unix millisecond, order of asking),
 * so the same input gives the same run. Activities are plain functions of one instant that wait for nothing real.
 */
export class VirtualServer {
  now: number;
  /** Called with what workflow code logs (`log.warn`, `log.error`). */
  onLog: ((at: number, level: string, message: string) => void) | null = null;
  /** Nobody takes workflow tasks in these spans; what happens meanwhile comes in one task afterwards. */
  workersAway: readonly { from: number; to: number }[] = [];
  /** What workflows take for the time; true where nobody has set it. */
  clock = new ServerClock();
  private runs = 0;
  /** Things that have happened in this instant. */
  private here = 0;
  private asked = 0;
  private readonly agenda = new Agenda();
  private readonly byId = new Map<string, Run>();
  private readonly activities: Activities;
  private readonly commands: Commands;

  /** `name` makes the run ids, from which the sandbox seeds its random numbers. */
  constructor(
    private readonly sandbox: Sandbox,
    private readonly name: string,
    start: number,
  ) {
    this.now = start;
    const server: Server = {
      now: () => this.now,
      schedule: (at, act) => this.schedule(at, act),
      afterByClock: (ms, act) => this.schedule(this.clock.whenItShows(this.clock.shows(this.now) + ms, this.now), act),
      push: (run, job, events) => this.push(run, job, events),
      begin: (birth) => this.begin(birth),
      isOpen: (workflowId) => this.isOpen(workflowId),
    };
    this.activities = new Activities(server);
    this.commands = new Commands(server, this.activities);
  }

  poll(queue: string, poller: Poller): void {
    this.activities.poll(queue, poller);
  }
  /** The activity that is being executed; null between two. */
  get current(): Executed | null {
    return this.activities.current;
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
    for (let at = this.next; at !== null; at = this.next) {
      if (at > limit) {
        const open = [...this.byId.values()].filter((run) => !run.closed).map((run) => run.workflowId);
        if (open.length === 0) return;
        throw new Error(`virtual time ran past ${new Date(limit).toISOString()}; still open: ${open.join(', ')}`);
      }
      await this.step();
    }
  }
  /** When the next thing happens; null when nothing is left to happen. */
  get next(): number | null {
    return this.agenda.next;
  }
  /** Lets the next thing happen; throws as `run` does. */
  async step(): Promise<void> {
    const item = this.agenda.take();
    if (!item) return;
    this.here = item.at === this.now ? this.here + 1 : 0;
    if (this.here > MOST_IN_ONE_INSTANT)
      throw new Error(`virtual time stands still at ${new Date(this.now).toISOString()}`);
    this.now = item.at;
    await item.act();
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

  /** Starts a workflow and gives the id of its run. */
  async start(o: { workflowId: string; type: string; queue: string; args: readonly unknown[] }): Promise<string> {
    return (await this.begin({ ...o, payloads: o.args.map(toPayload), parent: null })).runId;
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

  private async begin(o: Birth): Promise<Run> {
    const runId = `${this.name}-${String(++this.runs).padStart(4, '0')}`;
    const run: Run = {
      workflowId: o.workflowId,
      runId,
      type: o.type,
      queue: o.queue,
      vm: await this.sandbox.createWorkflow({
        info: workflowInfo(o, runId, () => this.clock.shows(this.now)),
        randomnessSeed: [...Buffer.from(runId)],
        now: this.clock.shows(this.now),
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
          startTime: stamp(this.clock.shows(this.now)),
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
        timestamp: stamp(this.clock.shows(this.now)),
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
    for (const command of completion.successful?.commands ?? []) await this.commands.obey(run, command);
  }
}

/** Order of jobs inside one activation, as the SDK's core sorts them (sdk-core, worker/workflow/mod.rs). */
function rank(job: Job): number {
  if (job.initializeWorkflow) return 0;
  if (job.signalWorkflow || job.doUpdate) return 3;
  return 4;
}
