import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { randomBytes } from 'node:crypto';
import type { Executed, Poller } from '../../scripts/nights/activities.ts';
import { mixedBuilds } from '../../scripts/nights/builds.ts';
import { ACTIVITY_NAMES } from '../../scripts/nights/night.ts';
import type { Settled } from '../../scripts/nights/run.ts';
import { openSandbox, type Sandbox } from '../../scripts/nights/sandbox.ts';
import { VirtualServer } from '../../scripts/nights/server.ts';
import { quiet, type StageTemporal, type Step } from './temporal.ts';

/** A run is taken over, and so replayed from its beginning, at every so many tasks. */
const TASKS_A_REPLAY = 20;
type Fn = (...args: unknown[]) => Promise<unknown>;

/**
 * The virtual server of the nights (docs/nights.md) as a stage's Temporal: the real workflow code in the SDK's own sandbox, the real activities
 * with their database. Every run is replayed now and then, and must ask for the same again.
 */
export class VirtualTemporal implements StageTemporal {
  private readonly queues = new Set<string>();
  private readonly scripts = new Map<string, Promise<void>>();
  private readonly waiting = new Set<() => void>();
  /** Who waits for something to come of it. */
  private watchers = 0;
  /** Steps and activities under way, while which time stands still. */
  private under = 0;
  private pumping = false;
  private wake: (() => void) | null = null;
  private broken: Error | null = null;

  private constructor(
    private readonly sandbox: ReturnType<typeof mixedBuilds>,
    private readonly server: VirtualServer,
  ) {}

  static async open({ code }: WorkflowBundleWithSourceMap): Promise<VirtualTemporal> {
    const builds: Sandbox[] = [await openSandbox(code, ACTIVITY_NAMES), await openSandbox(code, ACTIVITY_NAMES)];
    const sandbox = mixedBuilds(builds, ({ number, build }) =>
      number > 0 && number % TASKS_A_REPLAY === 0 ? 1 - build : build,
    );
    return new VirtualTemporal(sandbox, new VirtualServer(sandbox, randomBytes(6).toString('hex'), Date.now()));
  }
  /** How often a run has been replayed. */
  get replays(): number {
    return this.sandbox.moves;
  }
  async nowMs(): Promise<number> {
    return this.server.now;
  }
  handle(workflowId: string): WorkflowHandle {
    const signal = async (name: string, ...args: unknown[]): Promise<void> => {
      if (!this.server.signal(workflowId, name, args[0]))
        throw new WorkflowNotFoundError('workflow execution already completed', workflowId, undefined);
      this.go();
    };
    const executeUpdate = (name: string, { args }: { args: unknown[] }): Promise<unknown> => {
      const answer = new Promise((resolve, reject) =>
        this.server.update(workflowId, name, args[0], (settled) =>
          settled.ok ? resolve(settled.value) : reject(settled.error),
        ),
      );
      this.go();
      return answer;
    };
    const query = (name: string): Promise<unknown> => this.server.query(workflowId, name);
    return { signal, executeUpdate, query, result: () => this.result(workflowId) } as unknown as WorkflowHandle;
  }
  async start(type: string, o: Parameters<StageTemporal['start']>[1]): Promise<string> {
    const runId = await this.server.start({ workflowId: o.workflowId, type, queue: o.taskQueue, args: o.args });
    this.go();
    return runId;
  }
  async work(queue: string, activities: object, afterSeconds = 0): Promise<() => Promise<void>> {
    const poller: Poller = {
      activities: inContext(activities, () => this.server.current!),
      // Frames of a test may wait for what the session answers in the same instant.
      beside: (execution) => void this.hold(execution),
      away: afterSeconds > 0 ? [{ from: 0, to: this.server.now + afterSeconds * 1000 }] : [],
    };
    this.server.poll(queue, poller);
    return async () => undefined;
  }
  async workflows(queue: string, activities: object): Promise<void> {
    await this.work(queue, activities);
  }
  async begin(name: string, steps: readonly Step[]): Promise<void> {
    let before: Promise<unknown> = Promise.resolve();
    const each = steps.map(
      ({ at, do: act }) =>
        new Promise<void>((resolve, reject) => {
          this.server.schedule(at, () => {
            before = this.hold(before.then(act));
            before.then(() => resolve(), reject);
          });
        }),
    );
    const all = Promise.all(each).then(() => undefined);
    all.catch(() => undefined);
    this.scripts.set(name, all);
    this.go();
  }
  async done(name: string): Promise<unknown> {
    return this.passing(() => this.scripts.get(name)!);
  }
  async close(): Promise<void> {
    await this.server.dispose();
    await this.sandbox.destroy();
  }

  private result(workflowId: string): Promise<unknown> {
    return this.passing(async () => {
      for (;;) {
        const settled: Settled | null | undefined = this.server.result(workflowId);
        if (settled?.ok) return settled.value;
        if (settled) throw settled.error;
        if (settled === undefined) throw new WorkflowNotFoundError('no such workflow', workflowId, undefined);
        if (this.broken) throw this.broken;
        if (!this.pumping && this.server.next === null) throw new Error(`nothing is left to happen to ${workflowId}`);
        await new Promise<void>((resolve) => this.waiting.add(resolve));
      }
    });
  }
  /** Lets time pass until the wait is over. */
  private async passing<T>(wait: () => Promise<T>): Promise<T> {
    this.watchers += 1;
    this.go();
    try {
      return await wait();
    } finally {
      this.watchers -= 1;
    }
  }
  private async hold(execution: Promise<unknown>): Promise<unknown> {
    this.under += 1;
    try {
      return await execution;
    } finally {
      this.under -= 1;
      this.go();
    }
  }
  /** What is due is done at once; what comes later, while somebody waits. */
  private go(): void {
    this.wake?.();
    if (this.pumping) return;
    this.pumping = true;
    void this.pump()
      .catch((thrown: unknown) => {
        this.broken = thrown as Error;
      })
      .finally(() => {
        this.pumping = false;
        for (const tell of this.waiting) tell();
        this.waiting.clear();
      });
  }
  private async pump(): Promise<void> {
    for (;;) {
      const { next } = this.server;
      const due = next !== null && next <= this.server.now;
      if (!due && this.under > 0) await new Promise<void>((resolve) => (this.wake = resolve));
      else if (due || (next !== null && this.watchers > 0)) await this.server.step();
      else return;
      for (const tell of this.waiting) tell();
      this.waiting.clear();
    }
  }
}

/** Activities with the context that a worker gives them. */
function inContext(activities: object, current: () => Executed): Record<string, Fn> {
  const logger = quiet;
  return Object.fromEntries(
    Object.entries(activities as Record<string, Fn>).map(([name, fn]) => [
      name,
      (...args: unknown[]) => new MockActivityEnvironment(current(), { logger }).run(fn as never, ...(args as never[])),
    ]),
  );
}
