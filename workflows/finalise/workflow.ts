import {
  ActivityFailure,
  proxyActivities,
  setCurrentDetails,
  setWorkflowOptions,
  startChild,
  upsertSearchAttributes,
  type ActivityOptions,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { PRIORITY } from '../../domain/priority.ts';
import { FAILURE } from '../../domain/failures.ts';
import type {
  FinaliseActivities,
  FinaliseInput,
  FinaliseResult,
  FrameActivities,
  FrameCounts,
  SessionActivities,
  ShotDone,
} from '../../domain/ports.ts';
import type { WebhookType } from '../../domain/contracts/webhook.ts';
import type { Outcome } from '../../domain/phases.ts';
import { QUEUE_FINALISE, QUEUE_SESSION, SEARCH_ATTRIBUTES, framesQueue, shotsWorkflowId } from '../../domain/queues.ts';
import { REASONS, type Reason } from '../../domain/reasons.ts';
import { lateFrames } from './late.ts';
import { SHORT_PATIENCE, shotsDone } from './shots.ts';

setWorkflowOptions({ versioningBehavior: 'PINNED' }, finalise);

const hopeless = [FAILURE.invalid, FAILURE.notFound];
const steady = { initialInterval: '1 second', maximumInterval: '2 minutes', nonRetryableErrorTypes: hopeless } as const;
/** Our own rows: until they are written. */
const rows: ActivityOptions = { startToCloseTimeout: '1 minute', retry: steady };
/** Copying and packing may wait for a share that is away; after a day the report says what is missing, and the reconcile Schedule goes on. */
const long: ActivityOptions = {
  startToCloseTimeout: '2 hours',
  scheduleToCloseTimeout: '24 hours',
  heartbeatTimeout: '30 seconds',
  retry: steady,
};

const ledger = proxyActivities<Pick<FinaliseActivities, 'settle' | 'buildReport'>>(rows);
const archive = proxyActivities<Pick<FinaliseActivities, 'buildArchive'>>(long);
const records = proxyActivities<Pick<SessionActivities, 'recordTransition' | 'recordLog' | 'alertOperator'>>({
  ...rows,
  taskQueue: QUEUE_SESSION,
});

const EVENTS: Record<Outcome, WebhookType> = {
  completed: 'session.completed',
  cancelled: 'session.cancelled',
  aborted: 'session.aborted',
  weathered_out: 'session.weathered_out',
  failed: 'session.failed',
};

/**
 * Wraps a session up on its own queue: every frame gets its end, then archive, settlement, report and the final phase. Each step is idempotent,
 * so running it again changes nothing; none of them can hold up another booking.
 */
export async function finalise(input: FinaliseInput): Promise<FinaliseResult> {
  const { bookingId, telescopeId } = input;
  const ids = { bookingId, telescopeId };
  upsertSearchAttributes([
    { key: SEARCH_ATTRIBUTES.bookingId, value: bookingId },
    { key: SEARCH_ATTRIBUTES.telescopeId, value: telescopeId },
    { key: SEARCH_ATTRIBUTES.phase, value: 'finalising' },
  ]);

  const frames = proxyActivities<Pick<FrameActivities, 'reconcileFrames'>>({
    ...long,
    taskQueue: framesQueue(telescopeId),
  });
  const reconcile = (shotsDone: ShotDone[] | null, final: boolean): Promise<FrameCounts> =>
    attempt(
      input,
      'frames',
      () =>
        frames.reconcileFrames.executeWithOptions({ summary: final ? 'reconcile frames' : 'frames so far' }, [
          { ...ids, shotsDone, final },
        ]),
      NO_FRAMES,
    );
  const listed = await shotsDone(input, SHORT_PATIENCE, (page) => reconcile(page, false));
  const counts = await reconcile(listed, true);
  const stored = await attempt(
    input,
    'archive',
    () => archive.buildArchive.executeWithOptions({ summary: 'archive' }, [ids]),
    { archivePath: '', files: 0, bytes: 0 },
  );
  // What the session believed is checked against what has arrived: a night without a frame is not complete.
  const none = counts !== NO_FRAMES && counts.archived + counts.rejected + counts.pending === 0;
  const frameless = input.outcome === 'completed' && none;
  const outcome: Outcome = frameless ? 'failed' : input.outcome;
  const reason: Reason | null = frameless ? 'no_frames' : input.reason;
  const settled = await ledger.settle.executeWithOptions({ summary: 'ledger and settlement' }, [
    { ...ids, spans: input.spans, outcome, slot: input.slot },
  ]);
  const { reportPath } = await ledger.buildReport.executeWithOptions({ summary: 'report' }, [
    { ...ids, outcome, reason },
  ]);

  const at = new Date(Date.now()).toISOString();
  const message = reason ? REASONS[reason] : { en: 'The session is over.', fr: 'La session est terminée.' };
  await records.recordTransition.executeWithOptions({ summary: outcome }, [
    {
      ...ids,
      transition: input.transition,
      at,
      phase: outcome,
      holdCause: null,
      reason,
      outcome,
      generation: 0,
      next: null,
      log: {
        level: outcome === 'failed' ? 'ERROR' : 'INFO',
        event: outcome,
        message: `${message.en} ${counts.archived} of ${counts.captured} frames are archived.`,
        messageFr: `${message.fr} ${counts.archived} images sur ${counts.captured} sont archivées.`,
        data: { frames: counts },
      },
      notify: {
        type: EVENTS[outcome],
        data: {
          reason,
          frames: counts,
          settlement_id: settled.settlementId,
          credits_refund: settled.refund,
          slot: input.slot,
        },
      },
    },
  ]);
  if (listed === null && input.targetGuid) await askLater(input);
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.phase, value: outcome }]);
  setCurrentDetails(
    `### ${bookingId}: ${outcome}\n\n- frames: ${counts.archived} archived, ${counts.rejected} rejected, ${counts.missing} missing\n- archive: ${stored.files} files, ${stored.bytes} bytes\n- refund: ${settled.refund}`,
  );
  return { outcome, reason, frames: counts, reportPath, archivePath: stored.archivePath };
}

const NO_FRAMES: FrameCounts = { captured: 0, archived: 0, rejected: 0, missing: 0, pending: 0 };

/** The observatory is away: its list is read when it is back, and what it names beyond the frames known by then follows as late frames. */
async function askLater({ bookingId, telescopeId, targetGuid }: FinaliseInput): Promise<void> {
  try {
    await startChild(lateFrames, {
      workflowId: shotsWorkflowId(bookingId),
      priority: PRIORITY.finalising,
      taskQueue: QUEUE_FINALISE,
      parentClosePolicy: 'ABANDON',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `Voyager’s list of ${bookingId}, when it can be read`,
      args: [{ bookingId, telescopeId, targetGuid }],
    });
  } catch (thrown) {
    if (!(thrown instanceof WorkflowExecutionAlreadyStartedError)) throw thrown;
  }
}

/** A step whose failure must not keep the guest from a report: told to the operator, and the rest goes on. */
async function attempt<T>(input: FinaliseInput, what: string, fn: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await fn();
  } catch (thrown) {
    if (!(thrown instanceof ActivityFailure)) throw thrown;
    const message = `${what}: ${thrown.cause?.message ?? thrown.message}`;
    const at = new Date(Date.now()).toISOString();
    await records.recordLog({
      bookingId: input.bookingId,
      telescopeId: input.telescopeId,
      key: `finalise/${what}`,
      at,
      log: { level: 'ERROR', event: `${what}_failed`, message, messageFr: `Échec : ${message}` },
    });
    await records.alertOperator({
      bookingId: input.bookingId,
      telescopeId: input.telescopeId,
      key: `finalise/${what}`,
      at,
      reason: 'internal_error',
      message,
    });
    return otherwise;
  }
}
