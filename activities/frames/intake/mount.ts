import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { projectPath } from '../../../platform/paths.ts';
import type { CopyResult, ListedFile, MountAnswer, MountMessage, MountRequest, MountState } from './mount-child.ts';

/** Why a mount could not do what was asked; `stalled` when it did not answer before the deadline. */
export class MountFailure extends Error {
  override name = 'MountFailure';
  readonly code: string;
  readonly errno: string | null;
  constructor(code: string, errno: string | null, message: string) {
    super(message);
    this.code = code;
    this.errno = errno;
  }
}

interface Task {
  id: number;
  request: MountRequest;
  stallMs: number;
  resolve(answer: MountAnswer): void;
  reject(error: Error): void;
}
interface Child {
  process: ChildProcess;
  task: Task | null;
  timer: NodeJS.Timeout | null;
}

/**
 * Reads mounts through child processes. A child that makes no progress for `stallMs` is killed and forgotten, and the next request
 * gets a new one: a share that hangs costs its own frames time and nobody else.
 */
export class Mount {
  private readonly size: number;
  private readonly stallMs: number;
  private readonly children: Child[] = [];
  private readonly queue: Task[] = [];
  private nextId = 1;
  private closed = false;
  constructor(size = 2, stallMs = 30_000) {
    this.size = size;
    this.stallMs = stallMs;
  }
  /** What stands at a path now: absent, whole (as long as its headers promise), or broken with what was found. */
  async probe(path: string, root: string, maxBytes: number): Promise<MountState> {
    return (await this.ask({ op: 'probe', path, root, maxBytes })) as MountState;
  }
  /** Copies a file; a part left at `to` is continued. `sync` writes it to the medium before the answer. */
  async copy(from: string, root: string, to: string, maxBytes: number, sync = true): Promise<CopyResult> {
    return (await this.ask({ op: 'copy', from, root, to, maxBytes, sync })) as CopyResult;
  }
  /** FITS files under a folder that changed after an instant, oldest first. */
  async list(folder: string, root: string, changedAfterMs = 0): Promise<ListedFile[]> {
    return (await this.ask({ op: 'list', folder, root, changedAfterMs })) as ListedFile[];
  }
  /** Starts a child process, so that the first frame need not wait for it. */
  async warm(): Promise<void> {
    await this.reachable('/');
  }
  async reachable(root: string): Promise<boolean> {
    return (await this.ask({ op: 'reachable', root }).catch(() => false)) as boolean;
  }
  async close(): Promise<void> {
    this.closed = true;
    for (const task of this.queue.splice(0)) task.reject(new Error('the mount reader is closed'));
    for (const child of this.children.splice(0)) this.end(child, new Error('the mount reader is closed'));
    await Promise.resolve();
  }
  private ask(request: MountRequest): Promise<MountAnswer> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new Error('the mount reader is closed'));
      this.queue.push({ id: this.nextId++, request, stallMs: this.stallMs, resolve, reject });
      this.next();
    });
  }
  private next(): void {
    if (this.queue.length === 0) return;
    let child = this.children.find((c) => !c.task);
    if (!child && this.children.length < this.size) child = this.start();
    if (!child) return;
    const task = this.queue.shift()!;
    child.task = task;
    child.process.ref();
    child.process.channel?.ref();
    this.watch(child);
    child.process.send({ id: task.id, request: task.request }, (error) => {
      if (error) this.lose(child, error);
    });
  }
  private watch(child: Child): void {
    if (child.timer) clearTimeout(child.timer);
    child.timer = setTimeout(
      () => this.lose(child, new MountFailure('stalled', null, `no progress for ${this.stallMs} ms`)),
      this.stallMs,
    );
  }
  private start(): Child {
    const fromSource = fileURLToPath(import.meta.url).endsWith('.ts');
    const file = fileURLToPath(new URL(`./mount-child${fromSource ? '.ts' : '.js'}`, import.meta.url));
    const execArgv = fromSource
      ? ['--import', pathToFileURL(projectPath('node_modules/tsx/dist/loader.mjs')).href]
      : [];
    const child: Child = {
      process: fork(file, [], {
        execArgv: ['--max-old-space-size=64', ...execArgv],
        env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, TZ: 'UTC' },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      }),
      task: null,
      timer: null,
    };
    child.process.on('message', (message: MountMessage) => this.hear(child, message));
    child.process.on('error', (error: Error) => this.lose(child, error));
    child.process.on('exit', (code, signal) =>
      this.lose(child, new MountFailure('failed', null, `the mount reader ended with ${signal ?? code}`)),
    );
    child.process.unref();
    child.process.channel?.unref();
    this.children.push(child);
    return child;
  }
  private hear(child: Child, message: MountMessage): void {
    const { task } = child;
    if (!task || task.id !== message.id) return;
    if ('progress' in message) return this.watch(child);
    if (child.timer) clearTimeout(child.timer);
    child.task = null;
    child.process.unref();
    child.process.channel?.unref();
    if (message.ok) task.resolve(message.answer);
    else task.reject(new MountFailure(message.code, message.errno, message.message));
    this.next();
  }
  private lose(child: Child, error: Error): void {
    const at = this.children.indexOf(child);
    if (at < 0) return;
    this.children.splice(at, 1);
    this.end(child, error);
    this.next();
  }
  private end(child: Child, error: Error): void {
    if (child.timer) clearTimeout(child.timer);
    child.task?.reject(error);
    child.task = null;
    child.process.removeAllListeners();
    child.process.on('error', () => undefined);
    child.process.kill('SIGKILL');
  }
}
