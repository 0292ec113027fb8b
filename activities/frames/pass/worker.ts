import { parentPort } from 'node:worker_threads';
import { FitsError } from '../fits/index.ts';
import { runJob, type FrameJob, type FrameJobAnswer } from './jobs.ts';

/** Body of a worker thread: one job after another. */
parentPort!.on('message', ({ id, job }: { id: number; job: FrameJob }) => {
  void runJob(job).then(
    (result) => parentPort!.postMessage({ id, ok: true, result } satisfies FrameJobAnswer),
    (thrown: unknown) =>
      parentPort!.postMessage({ id, ok: false, code: thrown instanceof FitsError ? thrown.code : 'failed', message: thrown instanceof Error ? thrown.message : String(thrown) } satisfies FrameJobAnswer),
  );
});
