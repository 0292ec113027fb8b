import { parentPort, workerData } from 'node:worker_threads';
import { ACTIVITY_NAMES, playNight } from './night.ts';
import { planNight } from './plan.ts';
import { openSandbox } from './sandbox.ts';

/** A thread that plays the nights it is sent, one at a time, in a sandbox of its own. */
const { code, seed } = workerData as { code: string; seed: number };
const port = parentPort!;
const sandbox = await openSandbox(code, ACTIVITY_NAMES);
port.on('message', ({ night }: { night: number }) => {
  playNight(sandbox, planNight(seed, night)).then(
    (result) => port.postMessage({ result }),
    (thrown: unknown) =>
      port.postMessage({ night, error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) }),
  );
});
port.postMessage({ ready: true });
