import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { projectPath } from '../../platform/paths.ts';
import { FitsError } from '../fits/index.ts';
import type {
  FrameJob,
  FrameJobAnswer,
  FrameJobResult,
  FullResult,
  PreviewResult,
  StarsResult,
  WarmResult,
} from './jobs.ts';

interface Waiting {
  id: number;
  job: FrameJob;
  /** Threads that died over this job. */
  deaths: number;
  resolve(result: FrameJobResult): void;
  reject(error: Error): void;
}
interface Member {
  worker: Worker;
  busy: Waiting | null;
  timer: NodeJS.Timeout | null;
}

/**
 * Starts `name` beside this file as a worker thread. Compiled it is plain JavaScript; from source the thread registers the TypeScript
 * loader for itself first, since a loader given on the command line does not reach threads.
 */
function startThread(name: string): Worker {
  const fromSource = fileURLToPath(import.meta.url).endsWith('.ts');
  const file = new URL(`./${name}${fromSource ? '.ts' : '.js'}`, import.meta.url);
  if (!existsSync(file)) throw new Error(`the frame worker ${file.pathname} is missing; the build is incomplete`);
  if (!fromSource) return new Worker(file, { execArgv: [] });
  const loader = pathToFileURL(projectPath('node_modules/tsx/dist/esm/api/index.mjs')).href;
  return new Worker(
    `import(${JSON.stringify(loader)}).then((tsx) => { tsx.register(); return import(${JSON.stringify(file.href)}); });`,
    { eval: true, execArgv: [] },
  );
}

/** How long one frame may take before its thread is given up; a 61-megapixel frame takes a tenth of a second. */
const JOB_DEADLINE_MS = 120_000;

/**
 * At most `size` worker threads for pixel work; previews go before stars, since nobody waits for a measurement. A thread that dies or hangs is
 * replaced and fails its own job alone, with a FitsError.
 */
export class FramePool {
  private readonly size: number;
  private readonly deadlineMs: number;
  private readonly members: Member[] = [];
  private readonly queue: Waiting[] = [];
  private nextId = 1;
  private closed = false;
  constructor(size = 2, deadlineMs = JOB_DEADLINE_MS) {
    this.size = size;
    this.deadlineMs = deadlineMs;
  }
  run(job: FrameJob & { kind: 'preview' }): Promise<PreviewResult>;
  run(job: FrameJob & { kind: 'full' }): Promise<FullResult>;
  run(job: FrameJob & { kind: 'stars' }): Promise<StarsResult>;
  run(job: FrameJob & { kind: 'warm' }): Promise<WarmResult>;
  run(job: FrameJob): Promise<FrameJobResult> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new Error('the frame pool is closed'));
      const waiting: Waiting = { id: this.nextId++, job, deaths: 0, resolve, reject };
      const firstStars = job.kind === 'preview' ? this.queue.findIndex((w) => w.job.kind === 'stars') : -1;
      if (firstStars >= 0) this.queue.splice(firstStars, 0, waiting);
      else this.queue.push(waiting);
      this.next();
    });
  }
  /** Starts every thread and makes it ready; the first frame of a night would otherwise wait a second for that. */
  async warm(): Promise<void> {
    await Promise.all(Array.from({ length: this.size }, () => this.run({ kind: 'warm' })));
  }
  async close(): Promise<void> {
    this.closed = true;
    for (const waiting of this.queue.splice(0)) waiting.reject(new Error('the frame pool is closed'));
    await Promise.all(this.members.splice(0).map((member) => this.end(member, new Error('the frame pool is closed'))));
  }
  private next(): void {
    if (this.queue.length === 0) return;
    let member = this.members.find((m) => !m.busy);
    if (!member && this.members.length < this.size) member = this.start();
    if (!member) return;
    const waiting = this.queue.shift()!;
    member.busy = waiting;
    member.worker.ref();
    member.timer = setTimeout(
      () =>
        void this.replace(
          member,
          new FitsError('unsupported', `its pixels cannot be worked on: no result within ${this.deadlineMs} ms`),
        ),
      this.deadlineMs,
    );
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    member.worker.postMessage({ id: waiting.id, job: waiting.job });
  }
  private start(): Member {
    const worker = startThread('worker');
    const member: Member = { worker, busy: null, timer: null };
    worker.on('message', (answer: FrameJobAnswer) => this.settle(member, answer));
    worker.on('error', (error: Error) => void this.mourn(member, error));
    worker.on('exit', () => void this.mourn(member, new Error('the frame worker ended')));
    worker.unref();
    this.members.push(member);
    return member;
  }
  private settle(member: Member, answer: FrameJobAnswer): void {
    const waiting = member.busy;
    if (!waiting || waiting.id !== answer.id) return;
    if (member.timer) clearTimeout(member.timer);
    member.busy = null;
    member.worker.unref();
    if (answer.ok) waiting.resolve(answer.result);
    else
      waiting.reject(answer.code === 'failed' ? new Error(answer.message) : new FitsError(answer.code, answer.message));
    this.next();
  }
  /** A thread died: its job is begun once more by another, since the machine may have been short of memory; never a third time. */
  private async mourn(member: Member, error: Error): Promise<void> {
    const { busy } = member;
    if (busy && busy.deaths++ === 0 && this.members.includes(member)) {
      member.busy = null;
      this.queue.unshift(busy);
    }
    await this.replace(member, new FitsError('unsupported', `its pixels cannot be worked on: ${error.message}`));
  }
  private async replace(member: Member, error: Error): Promise<void> {
    const at = this.members.indexOf(member);
    if (at < 0) return;
    this.members.splice(at, 1);
    await this.end(member, error);
    this.next();
  }
  private async end(member: Member, error: Error): Promise<void> {
    if (member.timer) clearTimeout(member.timer);
    member.busy?.reject(error);
    member.busy = null;
    member.worker.removeAllListeners();
    member.worker.on('error', () => undefined);
    await member.worker.terminate();
  }
}
