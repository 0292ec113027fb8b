import { ActivityFailure, log, proxyActivities, setCurrentDetails, setWorkflowOptions, upsertSearchAttributes, type ActivityOptions } from '@temporalio/workflow';
import { FAILURE } from '../../activities/failures.ts';
import type { FinaliseActivities, FinaliseInput, FinaliseResult, FrameActivities, FrameCounts, SessionActivities, ShotDone, TelescopeActivities } from '../../activities/ports.ts';
import type { WebhookType } from '../../domain/contracts/event.ts';
import type { Outcome } from '../../domain/phases.ts';
import { QUEUE_SESSION, framesQueue, telescopeQueue } from '../../domain/queues.ts';
import { REASONS } from '../../domain/reasons.ts';
import { ATTRIBUTES } from '../session/attributes.ts';

setWorkflowOptions({ versioningBehavior: 'PINNED' }, finalise);

const hopeless = [FAILURE.invalid, FAILURE.notFound];
const steady = { initialInterval: '1 second', maximumInterval: '2 minutes', nonRetryableErrorTypes: hopeless } as const;
/** Our own rows: until they are written. */
const rows: ActivityOptions = { startToCloseTimeout: '1 minute', retry: steady };
/** Copying and packing may wait for a share that is away; after a day the report says what is missing, and the reconcile Schedule goes on. */
const long: ActivityOptions = { startToCloseTimeout: '2 hours', scheduleToCloseTimeout: '24 hours', heartbeatTimeout: '30 seconds', retry: steady };

const ledger = proxyActivities<Pick<FinaliseActivities, 'settle' | 'buildReport'>>(rows);
const archive = proxyActivities<Pick<FinaliseActivities, 'buildArchive'>>(long);
const records = proxyActivities<Pick<SessionActivities, 'recordTransition' | 'recordLog' | 'alertOperator'>>({ ...rows, taskQueue: QUEUE_SESSION });

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
    { key: ATTRIBUTES.bookingId, value: bookingId },
    { key: ATTRIBUTES.telescopeId, value: telescopeId },
    { key: ATTRIBUTES.phase, value: 'finalising' },
  ]);

  const frames = proxyActivities<Pick<FrameActivities, 'reconcileFrames'>>({ ...long, taskQueue: framesQueue(telescopeId) });
  const reconcile = (shotsDone: ShotDone[] | null, final: boolean): Promise<FrameCounts> =>
    attempt(input, 'frames', () => frames.reconcileFrames.executeWithOptions({ summary: final ? 'reconcile frames' : 'frames so far' }, [{ ...ids, shotsDone, final }]), NO_FRAMES);
  let shotsDone = await shotsOf(input, 0);
  for (let offset = SHOTS_PER_PAGE; shotsDone?.length === SHOTS_PER_PAGE; offset += SHOTS_PER_PAGE) {
    await reconcile(shotsDone, false);
    shotsDone = await shotsOf(input, offset);
  }
  const counts = await reconcile(shotsDone, true);
  const stored = await attempt(input, 'archive', () => archive.buildArchive.executeWithOptions({ summary: 'archive' }, [ids]), { archivePath: '', files: 0, bytes: 0 });
  const settled = await ledger.settle.executeWithOptions({ summary: 'ledger and settlement' }, [{ ...ids, spans: input.spans, outcome: input.outcome }]);
  const { reportPath } = await ledger.buildReport.executeWithOptions({ summary: 'report' }, [{ ...ids, outcome: input.outcome, reason: input.reason }]);

  const at = new Date(Date.now()).toISOString();
  const message = input.reason ? REASONS[input.reason] : { en: 'The session is over.', fr: 'La session est terminée.' };
  await records.recordTransition.executeWithOptions({ summary: input.outcome }, [
    {
      ...ids,
      transition: input.transition,
      at,
      phase: input.outcome,
      holdCause: null,
      reason: input.reason,
      outcome: input.outcome,
      generation: 0,
      next: null,
      log: {
        level: input.outcome === 'failed' ? 'ERROR' : 'INFO',
        event: input.outcome,
        message: `${message.en} ${counts.archived} of ${counts.captured} frames are archived.`,
        messageFr: `${message.fr} ${counts.archived} images sur ${counts.captured} sont archivées.`,
        data: { frames: counts },
      },
      notify: {
        type: EVENTS[input.outcome],
        data: { reason: input.reason, frames: counts, settlement_id: settled.settlementId, credits_refund: settled.refund, slot: input.slot },
      },
    },
  ]);
  upsertSearchAttributes([{ key: ATTRIBUTES.phase, value: input.outcome }]);
  setCurrentDetails(
    `### ${bookingId}: ${input.outcome}\n\n- frames: ${counts.archived} archived, ${counts.rejected} rejected, ${counts.missing} missing\n- archive: ${stored.files} files, ${stored.bytes} bytes\n- refund: ${settled.refund}`,
  );
  return { outcome: input.outcome, frames: counts, reportPath, archivePath: stored.archivePath };
}

/** Some 350 bytes each: a page stays far under the 2 MB that a payload may have, a night of 7,200 frames would not. */
const SHOTS_PER_PAGE = 2_000;
const NO_FRAMES: FrameCounts = { captured: 0, archived: 0, rejected: 0, missing: 0, pending: 0 };

/** A page of Voyager's own list of what was taken; null while the observatory is away, and the events and the folder must do. */
async function shotsOf(input: FinaliseInput, offset: number): Promise<ShotDone[] | null> {
  if (!input.targetGuid) return null;
  const reads = proxyActivities<Pick<TelescopeActivities, 'listShotsDone'>>({
    taskQueue: telescopeQueue(input.telescopeId),
    scheduleToStartTimeout: '60 seconds',
    startToCloseTimeout: '30 seconds',
    retry: { initialInterval: '1 second', maximumAttempts: 3, nonRetryableErrorTypes: hopeless },
  });
  try {
    return await reads.listShotsDone.executeWithOptions({ summary: 'shots done' }, [
      { telescopeId: input.telescopeId, targetGuid: input.targetGuid, offset, limit: SHOTS_PER_PAGE },
    ]);
  } catch (thrown) {
    if (!(thrown instanceof ActivityFailure)) throw thrown;
    log.warn('the shot-done list cannot be read; events and folder decide', { error: thrown.cause?.message });
    return null;
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
    await records.alertOperator({ bookingId: input.bookingId, telescopeId: input.telescopeId, key: `finalise/${what}`, at, reason: 'internal_error', message });
    return otherwise;
  }
}
