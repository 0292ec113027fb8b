import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { Receipt, ReceiptState } from '../../domain/contracts/control.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { COMMAND_WORKFLOW } from '../../domain/messages.ts';
import type { RoboTargetRequest, RoboTargetResult } from '../../domain/ports.ts';
import { PRIORITY } from '../../domain/priority.ts';
import { QUEUE_SESSION, commandWorkflowId } from '../../domain/queues.ts';
import type { RoboTargetReads, RoboTargetRow } from '../../domain/robotarget-window.ts';
import { toError } from '../../platform/errors.ts';
import { openReceipt } from '../../platform/receipts.ts';
import { requireScope, type Identity } from '../auth.ts';
import { withDeadline } from '../bookings/sessions.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { settleReceipt } from '../bookings/receipts.ts';
import { refuseDisturbance, type RoboTargetCall, type RoboTargetRead } from './slot.ts';

const isRead = (call: RoboTargetCall): call is RoboTargetRead => call.op === 'list' || call.op === 'get';
/** Where a request waits; what disables goes first. */
const placeOf = ({ op }: Pick<RoboTargetCall, 'op'>) => ({
  taskQueue: QUEUE_SESSION,
  ...(op === 'disable' ? { priority: PRIORITY.stop } : {}),
});

const WAIT_MS = 15_000;
/** Reads that only prepare the judgement of a write are not waited for as long. */
const LOOK_MS = 5_000;
const STATE: Record<RoboTargetResult['outcome'], ReceiptState> = {
  done: 'confirmed',
  refused: 'refused',
  unknown: 'unknown',
};

interface Command {
  commandId: string;
  call: RoboTargetCall;
  /** How long the answer is waited for. */
  waitMs?: number;
}
interface Answer {
  result: RoboTargetResult | null;
  receipt: Receipt;
}

/**
 * Runs one RoboTarget command as a small workflow on the telescope's queue: durable, allow-listed and gated there.
 * @throws Problem 409 where a write would disturb a slot, 503 when nobody answers.
 */
export async function runRoboTarget(
  deps: Deps,
  who: Identity,
  telescope: Telescope,
  { commandId, call, waitMs = WAIT_MS }: Command,
): Promise<Answer> {
  const read = isRead(call);
  if (!isRead(call)) {
    requireScope(who, 'robotarget:write');
    await refuseDisturbance(deps, telescope, call, readsOf(deps, who, telescope));
    await openWrite(deps, who, telescope, { commandId, call });
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
    const handle = await startCommand(deps, request);
    const result = (await withDeadline(deps, () => handle.result(), waitMs)) as RoboTargetResult;
    if (read) return { result, receipt: { ...base, state: STATE[result.outcome] } };
    const receipt = await settleReceipt(deps, commandId, STATE[result.outcome], result.reason, result.message);
    return { result, receipt };
  } catch (thrown) {
    if (thrown instanceof WorkflowFailedError) return notCarriedOut(deps, thrown, commandId, read);
    const timeout = isTimeout(thrown);
    if (timeout && !read) return { result: null, receipt: base };
    deps.logger.warn({ err: toError(thrown).message, op: call.op }, 'robotarget command without an answer');
    throw timeout
      ? new Problem('gateway_away', 'The telescope’s gateway has not answered in time.', {}, { 'retry-after': '5' })
      : new Problem('temporal_away', 'The workflow service does not answer.', {}, { 'retry-after': '5' });
  }
}

/** The receipt of a write, before it is sent. */
async function openWrite(
  deps: Deps,
  who: Identity,
  telescope: Telescope,
  { commandId, call }: { commandId: string; call: Exclude<RoboTargetCall, RoboTargetRead> },
): Promise<void> {
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

/** Starts the command's workflow; one that runs already or has run well is the same command. */
async function startCommand(deps: Deps, request: RoboTargetRequest): Promise<WorkflowHandle> {
  const workflowId = commandWorkflowId(request.commandId);
  return withDeadline(deps, () =>
    deps.temporal.workflow.start(COMMAND_WORKFLOW, {
      ...placeOf(request),
      workflowId,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [{ telescopeId: request.telescopeId, request }],
      staticSummary: `${request.op} ${request.object}`,
    }),
  ).catch((thrown: unknown) => {
    if ((thrown as { name?: string }).name === 'WorkflowExecutionAlreadyStartedError')
      return deps.temporal.workflow.getHandle(workflowId);
    throw thrown;
  });
}

/** @throws Problem always: the gateway's own words */
async function notCarriedOut(
  deps: Deps,
  failed: WorkflowFailedError,
  commandId: string,
  read: boolean,
): Promise<never> {
  const message = toError(failed.cause).message;
  if (!read) await settleReceipt(deps, commandId, 'unknown', 'gateway_away', message);
  throw new Problem(
    'gateway_away',
    `The telescope’s gateway did not carry it out: ${message}`,
    { command_id: commandId },
    { 'retry-after': '5' },
  );
}
function isTimeout(thrown: unknown): boolean {
  const error = toError(thrown);
  return /deadline|DEADLINE_EXCEEDED/i.test(`${error.message} ${(error.cause as Error | undefined)?.message ?? ''}`);
}

/** RoboTarget as it is now. @throws Problem or Error where it does not answer */
function readsOf(deps: Deps, who: Identity, telescope: Telescope): RoboTargetReads {
  const rows = async (call: RoboTargetRead): Promise<RoboTargetRow[]> => {
    const { result } = await runRoboTarget(deps, who, telescope, {
      commandId: randomUUID(),
      call,
      waitMs: LOOK_MS,
    });
    if (result?.outcome !== 'done') throw new Error(result?.message ?? 'no answer');
    return result.items;
  };
  return {
    target: async (guid) => (await rows({ op: 'get', object: 'target', guid }))[0] ?? null,
    shot: async (guid) => (await rows({ op: 'get', object: 'shot', guid }))[0] ?? null,
    targetsOfSet: (setGuid) => rows({ op: 'list', object: 'target', parentGuid: setGuid }),
  };
}
