import type { Duration } from '@temporalio/common';
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';
import { QUEUE_SESSION } from '../domain/queues.ts';

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
    args: [],
  },
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow },
});
/** UTC; by day in Europe and the Americas, when observatories sleep and the disk is free. */
const daily = (hour: number, minute: number): ScheduleOptions['spec'] => ({
  calendars: [{ hour, minute }],
  jitter: '10 minutes',
});
/** What is periodic; ids are fixed, so a second worker finds them and brings them up to date. */
export const SCHEDULES: ScheduleOptions[] = [
  schedule('reconcile', 'reconcile', { intervals: [{ every: '1 minute' }] }, '10 minutes', '1 minute'),
  schedule('forecast', 'forecast', { intervals: [{ every: '1 hour' }] }, '30 minutes', '10 minutes'),
  schedule('retention', 'retention', daily(11, 17), '1 hour', '1 day'),
  schedule('keep-frames', 'keepFrames', daily(11, 47), '12 hours', '1 day'),
  schedule('backup', 'backup', daily(12, 37), '6 hours', '1 day'),
  schedule('read-back', 'readBack', { intervals: [{ every: '6 hours' }] }, '1 hour', '1 hour'),
  schedule('health', 'health', daily(8, 7), '1 hour', '12 hours'),
];

/** Creates the Schedules, or brings those that stand up to this version; repeating it changes nothing. */
export async function ensureSchedules(client: Client): Promise<void> {
  for (const options of SCHEDULES) {
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
