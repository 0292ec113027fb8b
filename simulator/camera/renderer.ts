import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { RenderRequest, RenderResult } from './render.ts';
import type { Job, JobAnswer } from './render-worker.ts';

/** From source the thread needs the loader that strips types (a development dependency); compiled it needs nothing. */
const loaderUrl = (): string =>
  new URL('./index.mjs', pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm/api'))).href;

/** Drawing in another thread, started with the first frame. */
export class Renderer {
  private worker: Worker | null = null;
  private next = 0;
  private readonly waiting = new Map<
    number,
    { resolve: (result: RenderResult | null) => void; reject: (error: Error) => void }
  >();

  get busy(): boolean {
    return this.waiting.size > 0;
  }

  async render(request: RenderRequest): Promise<RenderResult> {
    return (await this.run({ id: ++this.next, kind: 'render', request }))!;
  }
  /** null where the file holds nothing that can be shown. */
  preview(path: string, longest: number): Promise<RenderResult | null> {
    return this.run({ id: ++this.next, kind: 'preview', path, longest });
  }
  private run(job: Job): Promise<RenderResult | null> {
    this.worker ??= this.start();
    return new Promise((resolve, reject) => {
      this.waiting.set(job.id, { resolve, reject });
      this.worker!.ref();
      this.worker!.postMessage(job, []);
    });
  }
  private start(): Worker {
    const limits = { resourceLimits: { maxYoungGenerationSizeMb: 4 } };
    const source = new URL('./render-worker.ts', import.meta.url).href;
    const worker = import.meta.url.endsWith('.js')
      ? new Worker(new URL('./render-worker.js', import.meta.url), limits)
      : new Worker(
          `import(${JSON.stringify(loaderUrl())}).then(({ register }) => { register(); return import(${JSON.stringify(source)}); })`,
          { ...limits, eval: true },
        );
    worker.on('message', (answer: JobAnswer) => {
      const waiter = this.waiting.get(answer.id);
      this.waiting.delete(answer.id);
      if (this.waiting.size === 0) worker.unref();
      if ('error' in answer) waiter?.reject(new Error(`camera: ${answer.error}`));
      else waiter?.resolve(answer.result);
    });
    const fail = (error: Error): void => {
      this.worker = null;
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    };
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('camera: the drawing thread has ended')));
    worker.unref();
    return worker;
  }
  async stop(): Promise<void> {
    const worker = this.worker;
    if (!worker) return;
    const gone = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    worker.postMessage({ id: ++this.next, kind: 'stop' } satisfies Job, []);
    worker.ref();
    const late = setTimeout(() => void worker.terminate(), 3_000);
    await gone;
    clearTimeout(late);
  }
}
