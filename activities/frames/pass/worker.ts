import { parentPort, type MessagePort } from 'node:worker_threads';
import { FitsError } from '../fits/index.ts';
import { runJob, type FrameJob, type FrameJobAnswer } from './jobs.ts';

/** Body of a worker thread: one job after another. */
const port: MessagePort = parentPort!;

async function answer(id: number, job: FrameJob): Promise<FrameJobAnswer> {
  try {
    return { id, ok: true, result: await runJob(job) };
  } catch (thrown) {
    return { id, ok: false, code: thrown instanceof FitsError ? thrown.code : 'failed', message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

port.on('message', ({ id, job }: { id: number; job: FrameJob }) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  void answer(id, job).then((result) => port.postMessage(result));
});
