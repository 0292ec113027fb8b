import { proxyActivities, sleep } from '@temporalio/workflow';

/** Wakes the world at each instant at which it does something by itself: an activity holds the server's clock, so what it does happens at that instant. */
export async function nightDriver(first: number): Promise<void> {
  const { act } = proxyActivities<{ act(): Promise<number | null> }>({
    startToCloseTimeout: '1 minute',
    retry: { maximumAttempts: 1 },
  });
  for (let at: number | null = first; at !== null; at = await act()) {
    const ms = at - Date.now();
    if (ms > 0) await sleep(ms);
  }
}
