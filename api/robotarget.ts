import { WorkflowFailedError } from '@temporalio/client';
import type { Receipt, ReceiptState } from '../domain/contracts/control.ts';
import type { Telescope } from '../domain/contracts/telescope.ts';
import { QUEUE_SESSION } from '../domain/ids.ts';
import { COMMAND_WORKFLOW } from '../domain/messages.ts';
import type { RoboTargetRequest, RoboTargetResult } from '../domain/ports.ts';
import { toError } from '../platform/errors.ts';
import { openReceipt } from '../platform/receipts.ts';
import { requireScope, type Identity } from './auth.ts';
import { withDeadline } from './bookings/sessions.ts';
import type { Deps } from './deps.ts';
import { Problem } from './errors.ts';
import { settleReceipt } from './receipts.ts';

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** One read or write of RoboTarget, without who asks and where. */
export type RoboTargetCall = DistributiveOmit<RoboTargetRequest, 'telescopeId' | 'commandId' | 'requestedBy'>;

const isRead = (call: RoboTargetCall): boolean => call.op === 'list' || call.op === 'get';
const STATE: Record<RoboTargetResult['outcome'], ReceiptState> = {
  done: 'confirmed',
  refused: 'refused',
  unknown: 'unknown',
};

/** RoboTarget objects are touched by hand only while no slot runs or is nearer than the turnaround. @throws Problem `conflict`. */
async function refuseWhileTaken(deps: Deps, telescope: Telescope): Promise<void> {
  const now = deps.now();
  const soon = new Date(now + telescope.policy.turnaround_minutes * 60_000);
  const near = await deps.db.booking.findFirst({
    where: { telescopeId: telescope.id, occupies: true, startsAt: { lte: soon }, endsAt: { gt: new Date(now) } },
    orderBy: { startsAt: 'asc' },
  });
  if (near)
    throw new Problem(
      'conflict',
      `Booking ${near.id} has the telescope from ${near.startsAt.toISOString()} to ${near.endsAt.toISOString()}.`,
      {
        conflict: { booking_id: near.id, start: near.startsAt.toISOString(), end: near.endsAt.toISOString() },
      },
    );
}

/**
 * Runs one RoboTarget command as a small workflow on the telescope's queue: durable, allow-listed and gated there.
 * @throws Problem 409 while a booking has the telescope, 503 when nobody answers.
 */
export async function runRoboTarget(
  deps: Deps,
  who: Identity,
  telescope: Telescope,
  commandId: string,
  call: RoboTargetCall,
  waitMs = 15_000,
): Promise<{ result: RoboTargetResult | null; receipt: Receipt }> {
  const read = isRead(call);
  if (!read) {
    requireScope(who, 'robotarget:write');
    await refuseWhileTaken(deps, telescope);
    await deps.db.$transaction((tx) =>
      openReceipt(tx, {
        commandId,
        kind: 'robotarget',
        bookingId: null,
        telescopeId: telescope.id,
        requestedBy: who.name,
        data: { op: call.op, object: call.object, ...('guid' in call ? { guid: call.guid } : {}) },
        at: new Date(deps.now()),
      }),
    );
  }
  const request: RoboTargetRequest = { ...call, telescopeId: telescope.id, commandId, requestedBy: who.name };
  const base: Receipt = {
    command_id: commandId,
    kind: 'robotarget',
    state: 'accepted',
    telescope_id: telescope.id,
    at: new Date(deps.now()).toISOString(),
  };
  try {
    const handle = await withDeadline(deps, () =>
      deps.temporal.workflow.start(COMMAND_WORKFLOW, {
        taskQueue: QUEUE_SESSION,
        workflowId: `command-${commandId}`,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [{ telescopeId: telescope.id, request }],
        staticSummary: `${call.op} ${call.object}`,
      }),
    ).catch((thrown: unknown) => {
      if ((thrown as { name?: string }).name === 'WorkflowExecutionAlreadyStartedError')
        return deps.temporal.workflow.getHandle(`command-${commandId}`);
      throw thrown;
    });
    const result = (await withDeadline(deps, () => handle.result(), waitMs)) as RoboTargetResult;
    if (read) return { result, receipt: { ...base, state: STATE[result.outcome] } };
    const receipt = await settleReceipt(deps, commandId, STATE[result.outcome], result.reason, result.message);
    return { result, receipt };
  } catch (thrown) {
    if (thrown instanceof WorkflowFailedError) {
      const message = toError(thrown.cause).message;
      if (!read) await settleReceipt(deps, commandId, 'unknown', 'gateway_away', message);
      throw new Problem(
        'gateway_away',
        `The telescope’s gateway did not carry it out: ${message}`,
        { command_id: commandId },
        { 'retry-after': '5' },
      );
    }
    const error = toError(thrown);
    const timeout = /deadline|DEADLINE_EXCEEDED/i.test(
      `${error.message} ${(error.cause as Error | undefined)?.message ?? ''}`,
    );
    if (timeout && !read) return { result: null, receipt: base };
    deps.logger.warn({ err: error.message, op: call.op }, 'robotarget command without an answer');
    throw timeout
      ? new Problem('gateway_away', 'The telescope’s gateway has not answered in time.', {}, { 'retry-after': '5' })
      : new Problem('temporal_away', 'The workflow service does not answer.', {}, { 'retry-after': '5' });
  }
}
