import { patched, proxyActivities, setWorkflowOptions, type ActivityOptions } from '@temporalio/workflow';
import { FAILURE } from '../../activities/failures.ts';
import type { FinaliseActivities, FrameActivities, FrameCounts } from '../../activities/ports.ts';
import { QUEUE_FINALISE, framesQueue } from '../../domain/queues.ts';
import { PATCHES } from '../session/patches.ts';

setWorkflowOptions({ versioningBehavior: 'PINNED' }, lateFrames);

/** Frames that came after a session was wrapped up: taken in and archived, then ledger, settlement and report from the rows as they are now. */
export async function lateFrames(input: { bookingId: string; telescopeId: string }): Promise<FrameCounts> {
  const options: ActivityOptions = {
    startToCloseTimeout: '2 hours',
    scheduleToCloseTimeout: '24 hours',
    heartbeatTimeout: '30 seconds',
    retry: { initialInterval: '2 seconds', maximumInterval: '2 minutes', nonRetryableErrorTypes: [FAILURE.invalid, FAILURE.notFound] },
  };
  const frames = proxyActivities<FrameActivities>({ ...options, taskQueue: framesQueue(input.telescopeId) });
  const finish = proxyActivities<Pick<FinaliseActivities, 'buildArchive' | 'resettle' | 'rebuildReport'>>({ ...options, taskQueue: QUEUE_FINALISE });
  await frames.drainFrames(input);
  const counts = await frames.reconcileFrames({ ...input, shotsDone: null, final: true });
  await finish.buildArchive(input);
  if (patched(PATCHES.settleLate)) await finish.resettle(input);
  await finish.rebuildReport(input);
  return counts;
}
