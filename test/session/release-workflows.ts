import { condition, defineSignal, setHandler } from '@temporalio/workflow';

/** A workflow that waits for signals; release-workflows-bad.ts is a build of it that cannot carry on what this one began. */
export const nudge = defineSignal('nudge');
export const finish = defineSignal('finish');

export async function waiting(): Promise<number> {
  let nudged = 0;
  let done = false;
  setHandler(nudge, () => void (nudged += 1));
  setHandler(finish, () => void (done = true));
  await condition(() => done, '30 days');
  return nudged;
}
