import { parentPort } from 'node:worker_threads';
import sharp from 'sharp';
import { previewOfFile } from './file-preview.ts';
import { render, type RenderRequest, type RenderResult } from './render.ts';

/** The thread that draws, so that no frame holds up a line on the wire. One job at a time, in order. */
export type Job = { id: number } & (
  | { kind: 'render'; request: RenderRequest }
  | { kind: 'preview'; path: string; longest: number }
  | { kind: 'stop' }
);
export type JobAnswer = { id: number; result: RenderResult | null } | { id: number; error: string };

sharp.concurrency(1);
sharp.cache(false);
let tail = Promise.resolve();
parentPort?.on('message', (job: Job) => {
  if (job.kind === 'stop') {
    parentPort?.close();
    return;
  }
  tail = tail.then(async () => {
    try {
      const result = job.kind === 'render' ? await render(job.request) : await previewOfFile(job.path, job.longest);
      parentPort?.postMessage({ id: job.id, result } satisfies JobAnswer, result?.jpeg ? [result.jpeg.buffer] : []);
    } catch (thrown) {
      parentPort?.postMessage(
        { id: job.id, error: thrown instanceof Error ? thrown.message : String(thrown) } satisfies JobAnswer,
        [],
      );
    }
  });
});
