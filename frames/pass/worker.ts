import { parentPort, type MessagePort } from 'node:worker_threads';
import { FitsError } from '../fits/index.ts';
import { isAbsence } from '../store/presence.ts';
import { runJob, type FrameJob, type FrameJobAnswer } from './jobs.ts';

/** Body of a worker thread: one job after another. */
const port: MessagePort = parentPort!;

async function answer(id: number, job: FrameJob): Promise<FrameJobAnswer> {
  try {
    return { id, ok: true, result: await runJob(job) };
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    // A file that cannot be opened for another reason than that it is not there says nothing about the file.
    const closed = thrown instanceof FitsError && thrown.cause !== undefined && !isAbsence(thrown.cause);
    if (thrown instanceof FitsError && !closed) return { id, ok: false, code: thrown.code, message };
    // What the disk answers may be otherwise next time; everything else lies in the file.
    const disk = closed || typeof (thrown as NodeJS.ErrnoException).errno === 'number';
    return {
      id,
      ok: false,
      code: disk ? 'failed' : 'unsupported',
      message: disk ? message : `its pixels cannot be worked on: ${message}`,
    };
  }
}

port.on('message', ({ id, job }: { id: number; job: FrameJob }) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  void answer(id, job).then((result) => port.postMessage(result));
});
