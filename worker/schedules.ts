import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';
import { QUEUE_SESSION } from '../domain/ids.ts';

/** What is periodic; ids are fixed, so a second worker finds them and brings them up to date. */
const SCHEDULES: ScheduleOptions[] = [
  {
    scheduleId: 'nocturne-reconcile',
    spec: { intervals: [{ every: '1 minute' }] },
    action: { type: 'startWorkflow', workflowType: 'reconcile', workflowId: 'reconcile', taskQueue: QUEUE_SESSION, workflowExecutionTimeout: '10 minutes', args: [] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
  },
  {
    scheduleId: 'nocturne-retention',
    spec: { calendars: [{ hour: 11, minute: 17, comment: 'when observatories sleep' }], jitter: '10 minutes' },
    action: { type: 'startWorkflow', workflowType: 'retention', workflowId: 'retention', taskQueue: QUEUE_SESSION, workflowExecutionTimeout: '1 hour', args: [] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
  },
];

/** Creates the Schedules, or brings those that stand up to this version; repeating it changes nothing. */
export async function ensureSchedules(client: Client): Promise<void> {
  for (const options of SCHEDULES) {
    try {
      await client.schedule.create(options);
    } catch (thrown) {
      if (!(thrown instanceof ScheduleAlreadyRunning)) throw thrown;
      await client.schedule
        .getHandle(options.scheduleId)
        .update((before) => ({ ...before, spec: options.spec, action: options.action as never, policies: { ...before.policies, ...options.policies } }));
    }
  }
}
