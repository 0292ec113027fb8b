import proto, { type coresdk as core } from '@temporalio/proto';
import type { Activation, Completion, Sandbox, SandboxedRun } from './sandbox.ts';

const { coresdk } = proto;
const { WorkflowActivation: Activated } = coresdk.workflow_activation;
const { Success } = coresdk.workflow_completion;

type Birth = Parameters<Sandbox['createWorkflow']>[0];
/** One task of a run as its history has it: what was asked, as bytes, and what the workflow answered. */
interface Task {
  asked: Uint8Array;
  answered: Uint8Array;
  patches: string[];
}
/** Which build takes a task: the one that has the run, or another one, which first replays the run from its beginning. */
export type Taker = (task: { runId: string; workflowType: string; number: number; build: number }) => number;

const commandsOf = (completion: Completion): core.workflow_commands.IWorkflowCommand[] =>
  completion.successful?.commands ?? [];
/** The commands alone, as bytes, so that two answers are equal when their histories are. */
const bytesOf = (completion: Completion): Uint8Array =>
  Success.encode(Success.fromObject({ commands: commandsOf(completion) })).finish();
const isQuery = (activation: Activation): boolean => (activation.jobs ?? []).some((job) => job.queryWorkflow);

/**
 * Several builds of the workflow code as one sandbox, between which runs go to and fro as between two workers in a roll-out. A run that another
 * build takes is replayed by it, task by task, with the times and results of its first life; each task must ask for the same, the last one too.
 */
export function mixedBuilds(builds: readonly Sandbox[], taker: Taker): Sandbox & { moves: number } {
  const mixed = {
    moves: 0,
    createWorkflow: async (birth: Birth): Promise<SandboxedRun> => {
      let build = taker({ ...about(birth), number: 0, build: 0 });
      let vm = await builds[build]!.createWorkflow(birth);
      const history: Task[] = [];
      const moveTo = async (next: number): Promise<void> => {
        await vm.dispose();
        vm = await builds[next]!.createWorkflow(birth);
        await replay(vm, history, `${about(birth).workflowType} ${about(birth).runId}: build ${next} after ${build}`);
        build = next;
        mixed.moves += 1;
      };
      return {
        activate: async (activation) => {
          if (isQuery(activation)) return vm.activate(activation);
          const next = taker({ ...about(birth), number: history.length, build });
          if (history.length > 0 && next !== build) await moveTo(next);
          const asked = Activated.encode(Activated.fromObject(activation)).finish();
          const completion = await vm.activate(activation);
          const patches = commandsOf(completion).flatMap((command) => command.setPatchMarker?.patchId ?? []);
          history.push({ asked, answered: bytesOf(completion), patches });
          return completion;
        },
        getAndResetSinkCalls: () => vm.getAndResetSinkCalls(),
        dispose: () => vm.dispose(),
      };
    },
    destroy: async () => {
      for (const one of builds) await one.destroy();
    },
  };
  return mixed;
}

const about = ({ info }: Birth): { runId: string; workflowType: string } => ({
  runId: info.runId as string,
  workflowType: info.workflowType as string,
});

/** @throws Error when a task asks for anything else than it did in the run's first life. */
async function replay(vm: SandboxedRun, history: readonly Task[], what: string): Promise<void> {
  for (const [number, { asked, answered, patches }] of history.entries()) {
    const activation = Activated.decode(asked);
    activation.isReplaying = true;
    // The core tells of the markers of a task before the task.
    activation.jobs.unshift(
      ...patches.map((patchId) =>
        coresdk.workflow_activation.WorkflowActivationJob.fromObject({ notifyHasPatch: { patchId } }),
      ),
    );
    const completion = await vm.activate(activation);
    const failure = completion.failed?.failure?.message;
    if (failure !== undefined)
      throw new Error(`${what}: task ${number + 1} of ${history.length} fails in replay: ${failure}`);
    if (!same(completion, answered))
      throw new Error(
        `${what}: non-determinism in task ${number + 1} of ${history.length}: ${difference(completion, answered)}`,
      );
    await vm.getAndResetSinkCalls();
  }
}

/** A marker that the history has is not asked for once more where the core has told of it. */
const withoutMarkers = (completion: Completion): Completion => ({
  ...completion,
  successful: { commands: commandsOf(completion).filter((command) => !command.setPatchMarker) },
});
const recorded = (answered: Uint8Array): Completion => ({ successful: Success.decode(answered) });
const same = (completion: Completion, answered: Uint8Array): boolean =>
  Buffer.from(bytesOf(withoutMarkers(completion))).equals(bytesOf(withoutMarkers(recorded(answered))));

/** What a command carries beside its kind. */
const isKind = (key: string): boolean => key !== 'userMetadata' && key !== 'eventGroupMarkers';
/** The first command that is another one, by kind, for people. */
function difference(completion: Completion, answered: Uint8Array): string {
  const kinds = (one: Completion): string[] =>
    commandsOf(withoutMarkers(one)).map(
      (command) => command.scheduleActivity?.activityType ?? Object.keys(command).find(isKind) ?? 'nothing',
    );
  const [then, now] = [kinds(recorded(answered)), kinds(completion)];
  const at = then.findIndex((kind, i) => kind !== now[i]);
  const place = at === -1 ? Math.min(then.length, now.length) : at;
  return `${then[place] ?? 'nothing'} then, ${now[place] ?? 'nothing'} now`;
}
