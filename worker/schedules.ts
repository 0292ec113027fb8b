import type { Duration } from '@temporalio/common';
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';
import { PRIORITY } from '../domain/priority.ts';
import { QUEUE_SESSION } from '../domain/queues.ts';
import { quietMinuteUtc } from '../domain/upkeep.ts';

type Action = Extract<ScheduleOptions['action'], { type: 'startWorkflow' }>;
const schedule = (
  name: string,
  workflowType: string,
  spec: ScheduleOptions['spec'],
  longest: Action['workflowExecutionTimeout'],
  catchupWindow: Duration,
): ScheduleOptions => ({
  scheduleId: `nocturne-${name}`,
  spec,
  action: {
    type: 'startWorkflow',
    workflowType,
    workflowId: name,
    taskQueue: QUEUE_SESSION,
    workflowExecutionTimeout: longest,
    // A session that lost its workflow is no upkeep.
    ...(name === 'reconcile' ? {} : { priority: PRIORITY.upkeep }),
    args: [],
  },
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow },
});
/** @param minute of the day in UTC; may be over a day's length */
const daily = (minute: number): ScheduleOptions['spec'] => ({
  calendars: [{ hour: Math.floor(minute / 60) % 24, minute: minute % 60 }],
  jitter: '10 minutes',
});
/** Retention, copies, reading back and backup together, at the most. */
const UPKEEP_MINUTES = 360;
const READ_BACK_EVERY_MINUTES = 360;
/**
 * What is periodic; ids are fixed, so a second worker finds them and brings them up to date. Upkeep keeps away from every served site's dawn.
 * @param longitudesDegrees of the telescopes, east positive
 */
export function schedulesFor(longitudesDegrees: readonly number[]): ScheduleOptions[] {
  const upkeep = quietMinuteUtc(longitudesDegrees, UPKEEP_MINUTES);
  const offset = quietMinuteUtc(longitudesDegrees, 20, READ_BACK_EVERY_MINUTES);
  const readBack = {
    intervals: [{ every: `${READ_BACK_EVERY_MINUTES} minutes`, offset: `${offset} minutes` }],
  } as const;
  return [
    schedule('reconcile', 'reconcile', { intervals: [{ every: '1 minute' }] }, '10 minutes', '1 minute'),
    schedule('forecast', 'forecast', { intervals: [{ every: '1 hour' }] }, '30 minutes', '10 minutes'),
    schedule('retention', 'retention', daily(upkeep), '1 hour', '1 day'),
    schedule('keep-frames', 'keepFrames', daily(upkeep + 30), '12 hours', '1 day'),
    schedule('backup', 'backup', daily(upkeep + 80), '6 hours', '1 day'),
    schedule('read-back', 'readBack', { intervals: [...readBack.intervals] }, '1 hour', '1 hour'),
    schedule('health', 'health', daily(8 * 60 + 7), '1 hour', '12 hours'),
  ];
}

/** Creates the Schedules, or brings those that stand up to this version; repeating it changes nothing. */
export async function ensureSchedules(client: Client, longitudesDegrees: readonly number[]): Promise<void> {
  for (const options of schedulesFor(longitudesDegrees)) {
    try {
      await client.schedule.create(options);
    } catch (thrown) {
      if (!(thrown instanceof ScheduleAlreadyRunning)) throw thrown;
      await client.schedule.getHandle(options.scheduleId).update((before) => ({
        ...before,
        spec: options.spec,
        action: options.action as never,
        policies: { ...before.policies, ...options.policies },
      }));
    }
  }
}
