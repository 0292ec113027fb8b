import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsageError } from '../platform/errors.ts';
import { EXIT_USAGE } from '../platform/process.ts';

/**
 * Starts, watches and ends the processes of a stack; each leads its own process group and has a life line, a pipe as its stdin. When the pipe ends,
 * even by SIGKILL of ours, our processes stop by themselves (platform/process.ts) and a nanny ends the others.
 */
export interface ChildSpec {
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  logFile: string;
  /** Foreign programs that know nothing of the life line run under a nanny that ends them with this signal. */
  nanny?: 'INT' | 'TERM';
  /** Seconds it gets to stop by itself. */
  graceSeconds?: number;
  /** Resolves when it can be used; called again after each restart. */
  ready?: () => Promise<void>;
  beforeStart?: () => void;
}

/** Runs "$@", writes its pid to descriptor 4, and ends it when stdin ends: first with signal $1, after $2 seconds for good. Portable sh. */
const NANNY = `sig=$1; grace=$2; shift 2
exec 3<&0
"$@" </dev/null 3<&- 4>&- &
child=$!
echo "$child" >&4
exec 4>&-
( while read -r _ <&3; do :; done
  kill -s "$sig" "$child" 2>/dev/null
  i=0
  while [ "$i" -lt $((grace * 5)) ] && kill -0 "$child" 2>/dev/null; do sleep 0.2; i=$((i + 1)); done
  kill -s KILL "$child" 2>/dev/null ) &
watcher=$!
exec 3<&-
trap '' INT TERM HUP
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
kill -s KILL "$watcher" 2>/dev/null
exit "$code"`;

const pidFile = (spec: ChildSpec): string => `${spec.logFile.replace(/\.log$/, '')}.pid`;

interface Running {
  spec: ChildSpec;
  child: ChildProcess;
  startedAt: number;
  failures: number;
  exited: Promise<void>;
}

export class Supervisor {
  private readonly running = new Map<string, Running>();
  private stopping = false;
  private readonly report: (line: string) => void;
  private readonly onFinal: (thrown: Error) => void;
  /** @param onFinal a process of ours ended with exit code 2 after its start: it can never work as it is set, and is not started again */
  constructor(report: (line: string) => void, onFinal: (thrown: Error) => void = () => undefined) {
    this.report = report;
    this.onFinal = onFinal;
  }

  /** Process id of the program itself, not of its nanny; null when it does not run. */
  pid(name: string): number | null {
    const me = this.running.get(name);
    if (!me?.child.pid || me.child.exitCode !== null || me.child.signalCode !== null) return null;
    if (!me.spec.nanny) return me.child.pid;
    try {
      return Number(readFileSync(pidFile(me.spec), 'utf8')) || null;
    } catch {
      return null;
    }
  }
  logFile(name: string): string | null {
    return this.running.get(name)?.spec.logFile ?? null;
  }

  /**
   * Starts a child and waits until it is ready; a child that dies later is started again with growing pauses.
   * @throws UsageError with its own words when it ends with exit code 2
   */
  async start(spec: ChildSpec): Promise<void> {
    let starting = true;
    const final = new Promise<never>((_resolve, reject) => {
      this.finals.set(spec.name, (thrown) => (starting ? reject(thrown) : this.onFinal(thrown)));
    });
    this.launch(spec, 0);
    const ready = spec.ready?.() ?? Promise.resolve();
    try {
      await Promise.race([ready, final]);
    } finally {
      starting = false;
      ready.catch(() => undefined);
    }
  }
  private readonly finals = new Map<string, (thrown: Error) => void>();

  private launch(spec: ChildSpec, failures: number): void {
    spec.beforeStart?.();
    mkdirSync(dirname(spec.logFile), { recursive: true });
    if (spec.nanny) rmSync(pidFile(spec), { force: true });
    // Opened here, where the nanny may run as a user that may not write it.
    const pids = spec.nanny ? openSync(pidFile(spec), 'w', 0o600) : null;
    const log = openSync(spec.logFile, 'a');
    const written = fstatSync(log).size;
    const [command, args] = spec.nanny
      ? ['/bin/sh', ['-c', NANNY, 'nanny', spec.nanny, String(spec.graceSeconds ?? 6), spec.command, ...spec.args]]
      : [spec.command, spec.args];
    const child = spawn(command, args, {
      cwd: spec.cwd,
      env: { ...(spec.env ?? process.env), ...(spec.nanny ? {} : { NOCTURNE_SUPERVISED: '1' }) },
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
      detached: true,
      stdio: ['pipe', log, log, ...(pids === null ? [] : (['ignore', pids] as const))],
    });
    closeSync(log);
    if (pids !== null) closeSync(pids);
    child.stdin?.on('error', () => undefined);
    child.unref();
    const exited = new Promise<void>((resolve) => {
      child.once('error', (err) => {
        this.report(`${spec.name}: ${err.message}`);
        resolve();
      });
      child.once('exit', (code, signal) => {
        resolve();
        const me = this.running.get(spec.name);
        if (me?.child !== child) return;
        if (this.stopping || this.held.has(spec.name)) return;
        if (code === EXIT_USAGE && !spec.nanny) {
          this.finals.get(spec.name)?.(
            new UsageError(`The ${spec.name} cannot start:\n${wordsOf(spec.logFile, written)}`),
          );
          return;
        }
        const quick = Date.now() - me.startedAt < 10_000;
        const count = quick ? me.failures + 1 : 1;
        const pauseMs = Math.min(250 * 2 ** (count - 1), 10_000);
        this.report(
          `${spec.name} ended (${signal ?? `code ${code}`}); starting it again${pauseMs > 1000 ? ` in ${pauseMs / 1000} s` : ''}. Log: ${spec.logFile}`,
        );
        setTimeout(() => {
          if (!this.stopping && !this.held.has(spec.name)) this.launch(spec, count);
        }, pauseMs);
      });
    });
    this.running.set(spec.name, { spec, child, startedAt: Date.now(), failures, exited });
  }

  private readonly held = new Set<string>();

  /** Ends one child; it stays down until `start` or `resume`. */
  async stop(name: string): Promise<void> {
    const me = this.running.get(name);
    if (!me) return;
    this.held.add(name);
    await this.end(me);
    if (this.running.get(name) === me) this.running.delete(name);
    this.held.delete(name);
  }

  /** SIGKILL for a program, as a crash would be; it is started again like after any crash. Returns the pid that was killed. */
  kill(name: string): number | null {
    const pid = this.pid(name);
    if (pid) process.kill(pid, 'SIGKILL');
    return pid;
  }

  private async end(me: Running): Promise<void> {
    const { child, spec } = me;
    if (child.exitCode !== null || child.signalCode !== null || !child.pid) return;
    child.ref();
    child.stdin?.end();
    const graceMs = (spec.graceSeconds ?? 6) * 1000 + 500;
    const hard = setTimeout(() => signalGroup(child.pid!, 'SIGKILL'), graceMs);
    await me.exited;
    clearTimeout(hard);
  }

  /** Ends everything in the given order, those of one inner list at once; what is not named comes first. */
  async stopAll(order: string[][]): Promise<void> {
    this.stopping = true;
    const named = new Set(order.flat());
    const rest = [...this.running.keys()].filter((name) => !named.has(name));
    for (const group of [rest, ...order]) {
      const members = group.flatMap((name) => this.running.get(name) ?? []);
      await Promise.all(members.map((me) => this.end(me)));
    }
  }

  /** Processes of our groups that still live; for the count of orphans after a stop. */
  survivors(): number[] {
    return [...this.running.values()].flatMap(({ child }) => (child.pid && groupLives(child.pid) ? [child.pid] : []));
  }
}

/** What a process said to a person: the lines of its log since a length that are none of its JSON log. */
const wordsOf = (logFile: string, since: number): string =>
  readFileSync(logFile)
    .subarray(since)
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() && !line.startsWith('{'))
    .slice(-40)
    .join('\n') || `It says nothing; its log: ${logFile}`;

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    /* the group is gone */
  }
}
function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Calls `stop` once on SIGINT, SIGTERM, SIGHUP, or when our parent is gone (npm killed: its ppid changes). */
export function stopWithParent(stop: (reason: string) => void): () => void {
  let done = false;
  const once = (reason: string): void => {
    if (done) return;
    done = true;
    clearInterval(poll);
    stop(reason);
  };
  const parent = process.ppid;
  const poll = setInterval(() => {
    if (process.ppid !== parent) once('the parent process is gone');
  }, 250);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => once(signal));
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return () => {
    done = true;
    clearInterval(poll);
  };
}

/** Polls until `probe` answers true. @throws Error naming what did not come, with a hint where to look. */
export async function waitUntil(
  what: string,
  probe: () => Promise<boolean>,
  timeoutMs: number,
  hint: string,
  everyMs = 100,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await probe().catch(() => false)) return;
    if (Date.now() > deadline)
      throw new Error(`${what} was not ready within ${Math.round(timeoutMs / 1000)} s. ${hint}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** True when the URL answers 2xx within two seconds. */
export const answers = async (url: string): Promise<boolean> =>
  (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
