import { CancellationScope, proxyActivities, sleep } from '@temporalio/workflow';
import { left } from '../../workflows/session/waiting.ts';

const { look } = proxyActivities<{ look(): Promise<string> }>({
  taskQueue: 'nobody',
  scheduleToStartTimeout: '1 second',
  startToCloseTimeout: '20 seconds',
  cancellationType: 'ABANDON',
});

/** Leaves a look that nobody takes, and goes on until its time has run out. */
export async function leaving(): Promise<string> {
  const scope = new CancellationScope();
  const seen = scope
    .run(() => left(look))
    .then(
      () => 'seen',
      () => 'left',
    );
  await sleep(100);
  scope.cancel();
  const how = await seen;
  await sleep(2_000);
  return how;
}
