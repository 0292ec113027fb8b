import { ActivityFailure, ApplicationFailure, proxyActivities, TimeoutFailure } from '@temporalio/workflow';
import { FAILURE } from '../../domain/failures.ts';
import type { RoboTargetRequest, RoboTargetResult, TelescopeActivities } from '../../domain/ports.ts';
import { telescopeQueue } from '../../domain/queues.ts';

/**
 * One RoboTarget request of the drop-in routes, on the telescope's queue. Reads may be tried again; a write is sent once, and a missing answer is
 * `unknown`.
 */
export async function telescopeCommand(input: {
  telescopeId: string;
  request: RoboTargetRequest;
}): Promise<RoboTargetResult> {
  const reading = input.request.op === 'list' || input.request.op === 'get';
  const { roboTarget } = proxyActivities<Pick<TelescopeActivities, 'roboTarget'>>({
    taskQueue: telescopeQueue(input.telescopeId),
    scheduleToStartTimeout: '15 seconds',
    startToCloseTimeout: '30 seconds',
    retry: {
      initialInterval: '500 milliseconds',
      maximumAttempts: reading ? 3 : 1,
      nonRetryableErrorTypes: [FAILURE.invalid, FAILURE.notFound, FAILURE.refused],
    },
  });
  try {
    return await roboTarget.executeWithOptions({ summary: `${input.request.op} ${input.request.object}` }, [
      input.request,
    ]);
  } catch (thrown) {
    if (!(thrown instanceof ActivityFailure)) throw thrown;
    const cause = thrown.cause;
    if (cause instanceof TimeoutFailure)
      return {
        outcome: 'unknown',
        reason: cause.timeoutType === 'SCHEDULE_TO_START' ? 'gateway_away' : 'no_answer',
        message: cause.message,
        items: [],
      };
    if (cause instanceof ApplicationFailure && cause.type === FAILURE.notConnected)
      return { outcome: 'unknown', reason: 'voyager_away', message: cause.message, items: [] };
    throw thrown;
  }
}
