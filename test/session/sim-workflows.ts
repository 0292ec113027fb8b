import {
  ApplicationFailure,
  condition,
  defineSignal,
  proxyActivities,
  setHandler,
  setWorkflowOptions,
} from '@temporalio/workflow';
import type { SessionInput } from '../../domain/messages.ts';
import { session as lived } from '../../workflows/session/workflow.ts';

export * from '../../workflows/index.ts';

const failSignal = defineSignal('simFail');
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, session);

/** The session itself, which a test can let fail: no fault that we know of does so any more in the middle of a night. */
export async function session(input: SessionInput): ReturnType<typeof lived> {
  const failed = new Promise<never>((_, reject) => {
    setHandler(failSignal, () => reject(ApplicationFailure.nonRetryable('the test lets it fail')));
  });
  failed.catch(() => undefined);
  return Promise.race([lived(input), failed]);
}

/** Wakes the test at scripted instants of virtual time: an activity holds the time lock, so what it does happens at that instant. */
export async function simDriver(steps: { at: number; step: number }[]): Promise<void> {
  const { act } = proxyActivities<{ act(step: number): Promise<void> }>({
    startToCloseTimeout: '1 minute',
    retry: { maximumAttempts: 1 },
  });
  for (const { at, step } of steps) {
    const ms = at - Date.now();
    if (ms > 0) await condition(() => false, ms);
    await act(step);
  }
}
