import { proxyActivities, setWorkflowOptions, type ActivityOptions } from '@temporalio/workflow';
import { FAILURE } from '../../domain/failures.ts';
import type { FinaliseActivities, FrameActivities, FrameCounts, ShotDone } from '../../domain/ports.ts';
import { QUEUE_FINALISE, framesQueue } from '../../domain/queues.ts';
import { LONG_PATIENCE, shotsDone } from './shots.ts';

setWorkflowOptions({ versioningBehavior: 'PINNED' }, lateFrames);

/**
 * Frames that came after a session was wrapped up: taken in and archived, then ledger, settlement and report from the rows as they are now. With
 * `targetGuid`: once Voyager's own list can be read, which the wrapping up could not; the counts are null when it never can.
 */
export async function lateFrames(late: {
  bookingId: string;
  telescopeId: string;
  targetGuid?: string | null;
}): Promise<FrameCounts | null> {
  const input = { bookingId: late.bookingId, telescopeId: late.telescopeId };
  const options: ActivityOptions = {
    startToCloseTimeout: '2 hours',
    scheduleToCloseTimeout: '24 hours',
    heartbeatTimeout: '30 seconds',
    retry: {
      initialInterval: '2 seconds',
      maximumInterval: '2 minutes',
      nonRetryableErrorTypes: [FAILURE.invalid, FAILURE.notFound],
    },
  };
  const frames = proxyActivities<FrameActivities>({ ...options, taskQueue: framesQueue(input.telescopeId) });
  const finish = proxyActivities<Pick<FinaliseActivities, 'buildArchive' | 'resettle' | 'rebuildReport'>>({
    ...options,
    taskQueue: QUEUE_FINALISE,
  });
  const reconcile = (page: ShotDone[] | null, final: boolean): Promise<FrameCounts> =>
    frames.reconcileFrames({ ...input, shotsDone: page, final });
  const listed = await shotsDone({ ...input, targetGuid: late.targetGuid ?? null }, LONG_PATIENCE, (page) =>
    reconcile(page, false),
  );
  if (late.targetGuid && listed === null) return null;
  await frames.drainFrames(input);
  const counts = await reconcile(listed, true);
  await finish.buildArchive(input);
  await finish.resettle(input);
  await finish.rebuildReport(input);
  return counts;
}
