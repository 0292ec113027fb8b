import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { FINAL_PHASES } from '../../domain/phases.ts';
import { finaliseWorkflowId, sessionWorkflowId } from '../../domain/queues.ts';
import type { Database } from '../../platform/database.ts';

const { EventType, PendingActivityState } = proto.temporal.api.enums.v1;
const HANDED_OUT: readonly unknown[] = [
  EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
  EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
];

/** Whether a session that is not over still has something to do at this instant: a task that no worker has done, or an activity that is due. */
export async function anythingDue(db: Database, temporal: Client): Promise<boolean> {
  const open = await db.session.findMany({
    where: { phase: { notIn: [...FINAL_PHASES] } },
    select: { bookingId: true, phase: true },
  });
  const ids = open.flatMap(({ bookingId, phase }) => [
    sessionWorkflowId(bookingId),
    ...(phase === 'finalising' ? [finaliseWorkflowId(bookingId)] : []),
  ]);
  return (await Promise.all(ids.map((id) => isDue(temporal, id)))).some(Boolean);
}

async function isDue(temporal: Client, workflowId: string): Promise<boolean> {
  try {
    const handle = temporal.workflow.getHandle(workflowId);
    const { raw, status } = await handle.describe();
    if (status.name !== 'RUNNING') return false;
    // One that waits to be tried again is due later; one that has been begun, the workers know.
    const due = (raw.pendingActivities ?? []).some(
      ({ state, attempt, lastFailure }) =>
        state === PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED && !lastFailure && (attempt ?? 1) <= 1,
    );
    return due || HANDED_OUT.includes((await handle.fetchHistory()).events?.at(-1)?.eventType);
  } catch (thrown) {
    if (thrown instanceof WorkflowNotFoundError) return false;
    throw thrown;
  }
}
