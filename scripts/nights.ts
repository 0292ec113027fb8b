import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { UsageError, toError } from '../platform/errors.ts';
import { workflowCode } from '../worker/options.ts';
import { ACTIVITY_NAMES, playNight, type NightResult } from './nights/night.ts';
import { planNight, playsOnRealServer } from './nights/plan.ts';
import { openSandbox } from './nights/sandbox.ts';
import { replayCommand, summarise } from './nights/summary.ts';

const HELP = `npm run nights -- [options]: whole nights with faults in virtual time, from booking to report, with the real workflow code.

  --json              one JSON summary on stdout
  --count N           nights 0 to N-1 of the seed (100)
  --seed S            seed of weather, faults and people (1)
  --night K           plays night K alone and prints its timeline
  --each              the summary lists every night with its digests
  --threads N         threads to play on (2, or 1 on a single core); the digest does not depend on it
  --server virtual    the virtual server (default), or
  --server real       Temporal's time-skipping test server, one night after another, some seconds each; nights with faults that it cannot
                      play (nobody polls, slow answers) are left out; with --night only that one
Progress goes to stderr. Exit code 0 when every invariant held in every night, 1 when one broke: the output names the night and the command
that plays it again.`;

interface Options {
  json: boolean;
  count: number;
  seed: number;
  night: number | null;
  each: boolean;
  threads: number;
  server: 'virtual' | 'real';
}
/** A thread of Node 20 does not strip types; run from source the nights are played one after another. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const say = (line: string): void => void process.stderr.write(`${line}\n`);

function options(): Options {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      count: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      night: { type: 'string' },
      each: { type: 'boolean', default: false },
      threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
      server: { type: 'string', default: 'virtual' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    process.exit(0);
  }
  const number = (name: string, text: string, least: number): number => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new UsageError(`--${name}: "${text}" is not a whole number of at least ${least}.`);
    return value;
  };
  if (values.server !== 'virtual' && values.server !== 'real')
    throw new UsageError(`--server: "${values.server}" is neither virtual nor real.`);
  return {
    json: values.json,
    count: number('count', values.count, 1),
    seed: number('seed', values.seed, 0),
    night: values.night === undefined ? null : number('night', values.night, 0),
    each: values.each,
    threads: number('threads', values.threads, 1),
    server: values.server,
  };
}

/** The bundle of the build, or one made now when run from source. */
async function bundleCode(): Promise<string> {
  const code = workflowCode();
  if ('workflowBundle' in code) return readFileSync(code.workflowBundle.codePath, 'utf8');
  const { DefaultLogger, bundleWorkflowCode } = await import('@temporalio/worker');
  return (await bundleWorkflowCode({ workflowsPath: code.workflowsPath, logger: new DefaultLogger('ERROR') })).code;
}

type FromThread = { ready: true } | { result: NightResult } | { night: number; error: string };

/** Plays nights on several threads; each takes the next when it has done with one. */
async function onThreads(
  code: string,
  opts: Options,
  nights: readonly number[],
  told: (result: NightResult) => void,
): Promise<NightResult[]> {
  const waiting = [...nights];
  const results = new Map<number, NightResult>();
  const play = async (): Promise<void> => {
    const worker = new Worker(new URL('./nights/worker.js', import.meta.url), {
      workerData: { code, seed: opts.seed },
    });
    try {
      await new Promise<void>((resolve, reject) => {
        worker.on('error', reject);
        worker.on('exit', (exit) => reject(new Error(`a thread ended with ${exit}`)));
        worker.on('message', (message: FromThread) => {
          if ('error' in message)
            return reject(
              new Error(`night ${message.night}: ${message.error}\n${replayCommand(opts.seed, message.night)}`),
            );
          if ('result' in message) {
            results.set(message.result.night, message.result);
            told(message.result);
          }
          const next = waiting.shift();
          if (next === undefined) resolve();
          // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
          else worker.postMessage({ night: next });
        });
      });
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(opts.threads, nights.length) }, play));
  return nights.map((night) => results.get(night)!);
}

async function main(): Promise<void> {
  const opts = options();
  const code = await bundleCode();
  const began = Date.now();
  let nights = opts.night === null ? Array.from({ length: opts.count }, (_, i) => i) : [opts.night];
  let played = 0;
  const told = (result: NightResult): void => {
    played += 1;
    for (const violation of result.violations)
      say(`night ${result.night} of seed ${opts.seed}: ${violation}\n  ${replayCommand(opts.seed, result.night)}`);
    if (played % 50 === 0 || played === nights.length)
      say(`${played} of ${nights.length} nights, ${((Date.now() - began) / 1000).toFixed(1)} s`);
  };

  let results: NightResult[] = [];
  if (opts.server === 'real') {
    const { playOnRealServer } = await import('./nights/real.ts');
    const unplayable = nights.filter((night) => !playsOnRealServer(planNight(opts.seed, night)));
    if (opts.night !== null && unplayable.length > 0)
      throw new UsageError(
        `--night: night ${opts.night} of seed ${opts.seed} holds a fault that a real server cannot play.`,
      );
    nights = nights.filter((night) => !unplayable.includes(night));
    results = await playOnRealServer(
      code,
      nights.map((night) => planNight(opts.seed, night)),
      told,
    );
  } else if (opts.threads === 1 || nights.length === 1 || FROM_SOURCE) {
    const sandbox = await openSandbox(code, ACTIVITY_NAMES);
    for (const night of nights) {
      const result = await playNight(sandbox, planNight(opts.seed, night));
      told(result);
      results.push(result);
    }
  } else results = await onThreads(code, opts, nights, told);

  const summary = summarise(results, {
    seed: opts.seed,
    server: opts.server,
    elapsedMs: Date.now() - began,
    each: opts.each,
  });
  if (opts.night !== null && !opts.json)
    process.stdout.write(`${results[0]!.timeline.join('\n')}\n${results[0]!.phases.join(' → ')}\n`);
  if (opts.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else
    process.stdout.write(
      `${summary.count} nights of seed ${summary.seed} in ${summary.elapsed_s} s: ${describe(summary.by_final_phase)}; ${summary.violations.length} violations; digest ${summary.digest}\n`,
    );
  process.exit(summary.violations.length > 0 ? 1 : 0);
}
const describe = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, n]) => `${n} ${name}`)
    .join(', ');

try {
  await main();
} catch (thrown) {
  say(
    thrown instanceof UsageError
      ? `${thrown.message}\nnpm run nights -- --help lists the options.`
      : (toError(thrown).stack ?? toError(thrown).message),
  );
  process.exit(thrown instanceof UsageError ? 2 : 1);
}
