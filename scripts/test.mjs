/**
 * Everything that CI runs: build, types, lint, format, tests; `--long` adds the long forms and the benchmarks. Each step and each test counts
 * once in the last line, `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
if (process.argv.includes('--help')) {
  console.log(
    'npm test: everything that CI runs: build, types, lint, format, tests; the last line counts them. npm run verify adds the long forms and the benchmarks.',
  );
  process.exit(0);
}
const long = process.argv.includes('--long');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const results = join(root, '.cache', 'jest-results.json');
mkdirSync(dirname(results), { recursive: true });
rmSync(results, { force: true });

let passed = 0;
let failed = 0;
let skipped = 0;
const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
    process.exitCode = 1;
  });

/** Runs a program in the checkout; `quiet` keeps its output for the case of failure. */
function run(command, args, { env = {}, quiet = true } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    });
    running.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => (output = (output + chunk).slice(-60_000)));
    child.on('error', (err) => resolve({ code: 1, output: err.message }));
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code: code ?? 1, output: signal ? `${output}\nended by ${signal}` : output });
    });
  });
}

async function step(name, command, args, options) {
  const begin = Date.now();
  const { code, output } = await run(command, args, options);
  const seconds = ((Date.now() - begin) / 1000).toFixed(1);
  if (code === 0) passed++;
  else failed++;
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (code !== 0 && output.trim()) console.log(output.trim().replace(/^/gm, '       '));
  return code === 0;
}

/** One run of jest; its report, or null when it left none. `paths` limits it to those files. */
async function jestReport(paths, workers) {
  rmSync(results, { force: true });
  const { code, output } = await run(
    process.execPath,
    [
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      '--json',
      `--outputFile=${results}`,
      `--maxWorkers=${workers}`,
      '--silent',
      ...(paths.length > 0 ? ['--runTestsByPath', ...paths] : []),
    ],
    {
      env: {
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --no-warnings`.trim(),
        ...(long ? { NOCTURNE_LONG: '1' } : {}),
      },
    },
  );
  try {
    return JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    failed++;
    console.log(`FAILED tests: jest left no result (exit ${code})\n${output.trim()}`);
    return null;
  }
}
const nameOf = (file) => file.name.slice(root.length + 1);
function printFailures(file) {
  if (file.status === 'failed' && file.assertionResults.every((t) => t.status !== 'failed'))
    console.log(`FAILED ${nameOf(file)}: did not run\n${file.message.replace(/^/gm, '       ')}`);
  for (const test of file.assertionResults)
    if (test.status === 'failed')
      console.log(
        `FAILED ${nameOf(file)}: ${test.fullName}\n${test.failureMessages.join('\n').slice(0, 4_000).replace(/^/gm, '       ')}`,
      );
}

/**
 * All tests, one worker more than there are cores, since half of a worker's time is waiting. A file that failed runs once more alone, and the
 * second result counts. What passes only then is named as UNSTEADY with its first failure: it hangs on load or on an outside server and must be
 * mended, but it is no fault of the change.
 */
async function jest() {
  const begin = Date.now();
  const first = await jestReport([], Math.min(3, availableParallelism() + 1));
  if (!first) return;
  const slowest = first.testResults
    .map((file) => ({ name: nameOf(file), s: Math.round((file.endTime - file.startTime) / 1000) }))
    .sort((a, b) => b.s - a.s)
    .slice(0, 12);
  console.log(`slowest files: ${slowest.map(({ name, s }) => `${name} ${s} s`).join(', ')}`);
  const failedFiles = first.testResults.filter((file) => file.status === 'failed');
  const second =
    failedFiles.length > 0
      ? await jestReport(
          failedFiles.map((file) => file.name),
          1,
        )
      : { testResults: [] };
  if (!second) return;
  const again = new Map(second.testResults.map((file) => [file.name, file]));
  let tests = 0;
  let broken = 0;
  for (const file of first.testResults) {
    const final = again.get(file.name) ?? file;
    if (file.status === 'failed') {
      printFailures(file);
      console.log(
        final.status === 'failed'
          ? `${nameOf(file)} failed a second time, alone:`
          : `UNSTEADY ${nameOf(file)}: failed beside others (above), passed alone`,
      );
      if (final.status === 'failed') printFailures(final);
    }
    if (final.status === 'failed' && final.assertionResults.every((t) => t.status !== 'failed')) broken++;
    for (const test of final.assertionResults) {
      if (test.status === 'passed') tests++;
      else if (test.status === 'failed') broken++;
      else {
        skipped++;
        console.log(`skipped ${nameOf(file)}: ${test.fullName}`);
      }
    }
  }
  passed += tests;
  failed += broken;
  console.log(
    `tests: ${tests} passed, ${broken} failed, ${skipped} skipped in ${first.numTotalTestSuites} files (${((Date.now() - begin) / 1000).toFixed(0)} s)`,
  );
}

/** Two lanes, since most of these keep one core busy; types and lint read the database client, which the build makes. */
const building = step('build', process.execPath, ['scripts/build.mjs']);
const [built] = await Promise.all([
  building.then(async (ok) => {
    for (const project of ['tsconfig.json', 'web/client', 'test/web'])
      await step(`types ${project}`, bin('tsc'), ['-p', project]);
    return ok;
  }),
  (async () => {
    await step('format', bin('oxfmt'), ['--check', '.']);
    await step('dead exports', bin('knip'), ['--include', 'exports,types,files', '--no-progress']);
    await building;
    await step('lint', bin('oxlint'), ['--type-aware', '--deny-warnings']);
  })(),
]);
/** Files that appear when what the tests need besides has been installed (.ci/run); without the variable nothing is waited for. */
async function installed() {
  const awaited = (process.env.NOCTURNE_TESTS_WAIT_FOR ?? '').split(':').filter(Boolean);
  const begin = Date.now();
  while (awaited.some((file) => !existsSync(file))) await setTimeout(200);
  if (awaited.length > 0)
    console.log(`waited ${((Date.now() - begin) / 1000).toFixed(0)} s for what was being installed`);
}
if (built) {
  await installed();
  await jest();
} else console.log('the tests did not run, since the build failed');
/** What `npm test` has in a short form, if at all. */
const LONG_FORMS = [
  ['nights', '--json', '--count', '1000', '--seed', '1'],
  ['soak', '--json', '--hours', '48'],
  ['chaos', '--json', '--kills', '30', '--seed', '1'],
  ...['gateway', 'preview', 'frames', 'live', 'sessions'].map((name) => [`bench:${name}`, '--json']),
];
if (long && built)
  for (const [name, ...args] of LONG_FORMS)
    await step([name, ...args].join(' '), 'npm', ['run', '--silent', name, '--', ...args], { quiet: false });

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
