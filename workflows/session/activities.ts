import { proxyActivities, type ActivityInterfaceFor, type ActivityOptions } from '@temporalio/workflow';
import type {
  FinaliseActivities,
  FrameActivities,
  SessionActivities,
  TelescopeActivities,
} from '../../domain/ports.ts';
import { FAILURE } from '../../domain/failures.ts';
import { PRIORITY } from '../../domain/priority.ts';
import { QUEUE_FINALISE, framesQueue, telescopeQueue } from '../../domain/queues.ts';

/** Activities in groups by risk; the options of a group are its reason (docs/safety.md, 14). */

const hopeless = [FAILURE.invalid, FAILURE.notFound];

/** Rows in our own database: idempotent by key, so they are tried until they succeed; a night does not wait for them. */
const projection: ActivityOptions = {
  startToCloseTimeout: '20 seconds',
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '30 seconds',
    nonRetryableErrorTypes: hopeless,
  },
};
export const records =
  proxyActivities<
    Pick<
      SessionActivities,
      'loadBooking' | 'recordTransition' | 'recordReceipt' | 'recordLog' | 'recordCheck' | 'alertOperator'
    >
  >(projection);

/** A row that the night can go on without: read now or not at all. */
export const recordsSoon = proxyActivities<Pick<SessionActivities, 'loadBooking'>>({
  startToCloseTimeout: '20 seconds',
  scheduleToCloseTimeout: '30 seconds',
  retry: { initialInterval: '1 second', nonRetryableErrorTypes: hopeless },
});

/** Arithmetic over the sky and the plan: quick or not at all; the night goes on by a simpler rule without it. */
export const planning = proxyActivities<Pick<SessionActivities, 'planRemainder'>>({
  startToCloseTimeout: '20 seconds',
  scheduleToCloseTimeout: '60 seconds',
  retry: { initialInterval: '1 second', nonRetryableErrorTypes: hopeless },
});

/** What is left to do for a booking that ended before its slot: nothing to archive, but the credits and the report. */
export const settling = proxyActivities<Pick<FinaliseActivities, 'settle' | 'buildReport'>>({
  ...projection,
  priority: PRIORITY.finalising,
  taskQueue: QUEUE_FINALISE,
});

/** Queue frames.<telescope>: long copies that heartbeat with their position and resume from it; repeatable without end. */
export const frames = (telescopeId: string): ActivityInterfaceFor<Pick<FrameActivities, 'drainFrames'>> =>
  proxyActivities<FrameActivities>({
    taskQueue: framesQueue(telescopeId),
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: '20 seconds',
    retry: { initialInterval: '2 seconds', maximumInterval: '1 minute', nonRetryableErrorTypes: hopeless },
  });

/** Reading the telescope: harmless, so it may be tried again, and is simply not waited for any more when a control arrives. */
const reading: ActivityOptions = {
  startToCloseTimeout: '20 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 1.5, maximumAttempts: 3, nonRetryableErrorTypes: hopeless },
};
/** A physical command: sent once. No answer means unknown, which is read back and never sent again blindly. */
const command: ActivityOptions = {
  scheduleToStartTimeout: '15 seconds',
  startToCloseTimeout: '30 seconds',
  retry: { maximumAttempts: 1 },
};
/** Objects by deterministic GUID: reads back before it writes, so a repeat is safe and resumes what a crash left. */
const objects: ActivityOptions = {
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '25 seconds',
  retry: { initialInterval: '2 seconds', maximumAttempts: 5, nonRetryableErrorTypes: hopeless },
};
/** Stop ladder: always allowed and idempotent, confirmed from telemetry inside. */
const stopping: ActivityOptions = {
  priority: PRIORITY.stop,
  scheduleToStartTimeout: '15 seconds',
  startToCloseTimeout: '90 seconds',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1 second', maximumAttempts: 2 },
};
/** What must be put back whatever happens (borrowed targets, grants, objects): tried for a day while the observatory is away. */
const restoring: ActivityOptions = {
  scheduleToCloseTimeout: '24 hours',
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '2 minutes',
  retry: { initialInterval: '2 seconds', maximumInterval: '1 minute', nonRetryableErrorTypes: hopeless },
};

/**
 * Looks that leave no event behind: repeated by the server, at the delay that each attempt names. A watch that fails is followed by a plain look;
 * one that is not wanted any more ends after its next look (gateway/activities).
 */
const watching: ActivityOptions = {
  startToCloseTimeout: '20 seconds',
  scheduleToStartTimeout: '20 seconds',
  cancellationType: 'ABANDON',
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 1.5,
    maximumInterval: '10 seconds',
    nonRetryableErrorTypes: [...hopeless, 'TemporalTimeout:StartToClose'],
  },
};

type Reads = Pick<TelescopeActivities, 'checkSite' | 'readObjects' | 'observe' | 'listShotsDone'>;
type Commands = Pick<
  TelescopeActivities,
  'registerGrant' | 'enableTarget' | 'disableTarget' | 'borrowSky' | 'startRoboTarget'
>;
type Restores = Pick<TelescopeActivities, 'returnSky' | 'revokeGrant' | 'releaseLatch' | 'removeObjects'>;

export interface TelescopeProxies {
  reads: ActivityInterfaceFor<Reads>;
  watching: ActivityInterfaceFor<Pick<TelescopeActivities, 'watch'>>;
  commands: ActivityInterfaceFor<Commands>;
  objects: ActivityInterfaceFor<Pick<TelescopeActivities, 'ensureObjects'>>;
  stopping: ActivityInterfaceFor<Pick<TelescopeActivities, 'stopTarget'>>;
  restoring: ActivityInterfaceFor<Restores>;
}

/** The telescope's activities on its own queue; `scheduleToStartMs` says how long a read may wait for a gateway that is away. */
export function telescope(telescopeId: string, scheduleToStartMs = 60_000): TelescopeProxies {
  const taskQueue = telescopeQueue(telescopeId);
  const waiting = { taskQueue, scheduleToStartTimeout: scheduleToStartMs };
  return {
    reads: proxyActivities<Reads>({
      ...reading,
      cancellationType: 'ABANDON',
      ...waiting,
    }),
    watching: proxyActivities<Pick<TelescopeActivities, 'watch'>>({ ...watching, taskQueue }),
    commands: proxyActivities<Commands>({ ...command, taskQueue }),
    objects: proxyActivities<Pick<TelescopeActivities, 'ensureObjects'>>({ ...objects, ...waiting }),
    stopping: proxyActivities<Pick<TelescopeActivities, 'stopTarget'>>({ ...stopping, taskQueue }),
    restoring: proxyActivities<Restores>({ ...restoring, taskQueue }),
  };
}
