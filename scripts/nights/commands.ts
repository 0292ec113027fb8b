import proto, { type coresdk as core } from '@temporalio/proto';
import type { Activities } from './activities.ts';
import { fromFailure, fromPayload, ms } from './payloads.ts';
import type { Run, Server, Settled } from './run.ts';

const { StartChildWorkflowExecutionFailedCause } = proto.coresdk.child_workflow;
type Command = core.workflow_commands.IWorkflowCommand;

/** What workflow code asks of the virtual server, command by command. */
export class Commands {
  constructor(
    private readonly server: Server,
    private readonly activities: Activities,
  ) {}

  /** @throws Error on a command that this server does not know, so that workflow code never gets less than it asked for. */
  async obey(run: Run, c: Command): Promise<void> {
    run.history += 1;
    if (c.startTimer) return this.timer(run, c.startTimer);
    if (c.cancelTimer) return void run.timers.delete(c.cancelTimer.seq!);
    if (c.scheduleActivity) return this.activities.schedule(run, c.scheduleActivity);
    if (c.requestCancelActivity) return this.activities.cancel(run, c.requestCancelActivity.seq!);
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
    this.server.afterByClock(ms(c.startToFireTimeout), () => {
      if (run.timers.delete(seq)) this.server.push(run, { fireTimer: { seq } }, 1);
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
    if (this.server.isOpen(c.workflowId!)) {
      const failed = {
        workflowId: c.workflowId!,
        workflowType: c.workflowType!,
        cause:
          StartChildWorkflowExecutionFailedCause.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS,
      };
      return this.server.push(run, { resolveChildWorkflowExecutionStart: { seq, failed } }, 1);
    }
    const child = await this.server.begin({
      workflowId: c.workflowId!,
      type: c.workflowType!,
      queue: c.taskQueue!,
      payloads: c.input ?? [],
      parent: { run, seq },
    });
    this.server.push(run, { resolveChildWorkflowExecutionStart: { seq, succeeded: { runId: child.runId } } }, 1);
  }
  private async close(run: Run, how: Settled, asChild: core.child_workflow.IChildWorkflowResult): Promise<void> {
    run.closed = how;
    await run.vm.dispose();
    for (const settle of run.updates.values())
      settle({ ok: false, error: new Error(`${run.workflowId} closed before it answered`) });
    if (run.parent)
      this.server.push(run.parent.run, { resolveChildWorkflowExecution: { seq: run.parent.seq, result: asChild } }, 1);
  }
  private async continueAsNew(run: Run, c: core.workflow_commands.IContinueAsNewWorkflowExecution): Promise<void> {
    run.closed = { ok: true, value: 'continued as new' };
    await run.vm.dispose();
    const next = await this.server.begin({
      workflowId: run.workflowId,
      type: c.workflowType || run.type,
      queue: c.taskQueue || run.queue,
      payloads: c.arguments ?? [],
      parent: run.parent,
    });
    for (const job of run.jobs) if (job.signalWorkflow) this.server.push(next, job, 1);
  }
}
