import proto from '@temporalio/proto';

type History = proto.temporal.api.history.v1.IHistory;
type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;
const { EventType } = proto.temporal.api.enums.v1;

/** An event that no workflow of ours asks for: none cancels a workflow outside of itself. */
const TOUCHSTONE = EventType.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED;

/** What a workflow task has asked for stands right behind it; updates that it took are told without its number. */
function isOfTask(event: HistoryEvent): boolean {
  if (event.workflowExecutionUpdateAcceptedEventAttributes || event.workflowExecutionUpdateCompletedEventAttributes)
    return true;
  return Object.values(event).some(
    (value: unknown) => typeof value === 'object' && value !== null && 'workflowTaskCompletedEventId' in value,
  );
}

/**
 * The history of a workflow that sleeps, up to what its last task has asked for, and one event more for which no code asks. A replay alone takes no
 * notice of a command that the last task asks for beyond its history, since it might be a new one. With the event the SDK's core must say that
 * nothing is left for it (`nothingIsLeft`); whatever else it says names the command that is.
 * @returns null before the first task is done
 */
export function atRest(history: History): History | null {
  const events = history.events ?? [];
  const task = events.findLastIndex((event) => event.workflowTaskCompletedEventAttributes);
  if (task === -1) return null;
  let end = task + 1;
  while (end < events.length && isOfTask(events[end]!)) end += 1;
  const last = events[end - 1]!;
  const touchstone: HistoryEvent = {
    eventId: last.eventId!.add(1),
    eventTime: last.eventTime ?? null,
    eventType: TOUCHSTONE,
    requestCancelExternalWorkflowExecutionInitiatedEventAttributes: {
      workflowTaskCompletedEventId: events[task]!.eventId!,
      workflowExecution: { workflowId: 'nobody' },
    },
  };
  return { ...history, events: [...events.slice(0, end), touchstone] };
}

/** Whether a replay of `atRest` found the last task to ask for what its history has and no more. */
export const nothingIsLeft = (error: Error | undefined): boolean =>
  error !== undefined &&
  /No command scheduled for event HistoryEvent\(id: \d+, RequestCancelExternalWorkflowExecutionInitiated\)/.test(
    error.message,
  );
