import { condition, proxyActivities } from '@temporalio/workflow';

export * from '../../workflows/index.ts';

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
