import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { Pool as Database } from 'pg';
import { ensureSession } from '../api/bookings/sessions.ts';
import type { Deps } from '../api/deps.ts';
import { Telescope, type TelescopeInput } from '../domain/contracts/telescope.ts';
import { sessionWorkflowId } from '../domain/queues.ts';
import { SIGNALS, type ControlSignal } from '../domain/messages.ts';
import { createLogger } from '../platform/logger.ts';
import { UsageError } from '../platform/errors.ts';
import { buildId } from '../platform/build.ts';
import { setCurrentVersion } from '../platform/deployment.ts';
import { projectPath } from '../platform/paths.ts';
import { freePort } from '../stack/ports.ts';
import { SIMULATED_SEQUENCE_GUID, memoryEnvironment, nodeFlags } from '../stack/processes.ts';
import { answers, waitUntil } from '../stack/supervisor.ts';
import { startPostgres } from '../stack/own-postgres.ts';
import { startTemporal } from '../stack/own-temporal.ts';
import { startPairs } from './sessions-pairs.ts';
import { StubTelescopes } from './sessions-telescopes.ts';

const HELP = `npm run bench:sessions -- [--json] [--quick] [--only PART]
What sessions cost: the compiled worker as it runs in service, the dev server of Temporal and a PostgreSQL, each on a free port.
  asleep     worker's memory with 2,000 sessions that wait for their preparation, less that with 1,000; its cache emptied and garbage collected before each
  active     200 sessions on 200 telescopes behind a stub activity worker, a check each 30 s for 4 minutes: the greatest lateness of any check
  overhead   speed of sessions against a bare workflow with as many activities, timers, signals and upserts: median of five interleaved pairs
  --json     one line of JSON, as the last of stdout
  --only     one of the three parts: asleep, active, overhead
  --quick    200 sessions asleep, 20 active for 75 s, three small pairs: shows that it works, its figures say little
Takes about 12 minutes; figures count only while nothing else is busy on the machine.`;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const PARTS = ['asleep', 'active', 'overhead'] as const;
const SCALE = values.quick
  ? { asleep: 200, active: 20, activeSeconds: 75, pairs: 3, perPair: 4 }
  : { asleep: 2_000, active: 200, activeSeconds: 240, pairs: 5, perPair: 24 };
const CHECK_SECONDS = 30;
const DAY_MS = 86_400_000;
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const load = (): string => `load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`;
const round = (value: number, decimals: number): number => Math.round(value * 10 ** decimals) / 10 ** decimals;
const median = (sorted: number[]): number => (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;

/**
 * Loaded into the worker process and its workflow thread: on request each thread collects its garbage twice, and the process says how much
 * memory it holds. Each thread has a heap of its own, so each must do it.
 */
const COLLECTOR = `
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
const channel = new BroadcastChannel('collect');
channel.unref();
const collect = () => { gc(); gc(); };
if (isMainThread) {
  process.channel?.unref();
  process.on('message', () => {
    channel.postMessage(null);
    setTimeout(() => { collect(); setTimeout(() => process.send({ rss: process.memoryUsage.rss() }), 1500); }, 1500);
  });
  process.channel?.unref();
} else channel.onmessage = collect;`;

interface DevServer {
  address: string;
  client: Client;
  stop(): Promise<void>;
}
/** Temporal's dev server as `npm start` sets it up, and a client of it. */
async function startDevServer(): Promise<DevServer> {
  const server = await startTemporal({ onDisk: true });
  const connection = Connection.lazy({ address: server.address });
  const stop = async (): Promise<void> => {
    await connection.close();
    await server.stop();
  };
  return { address: server.address, client: new Client({ connection }), stop };
}

interface WorkerProcess {
  child: ChildProcess;
  /** Bytes held after two collections. */
  rss(): Promise<number>;
  stop(): Promise<void>;
}
/** The worker of `npm start`, with its own flags and environment. */
async function startWorker(temporal: DevServer, databaseUrl: string, folder: string): Promise<WorkerProcess> {
  const port = await freePort();
  const flags = [...nodeFlags(384), '--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(COLLECTOR)}`];
  const child = spawn(process.execPath, [...flags, projectPath('dist', 'worker', 'main.js')], {
    cwd: projectPath(),
    env: {
      ...process.env,
      ...memoryEnvironment(process.env),
      NODE_ENV: 'production',
      DATA_DIR: folder,
      OBSERVATIONS_STORAGE_PATH: join(folder, 'observations'),
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: 'default',
      WORKER_PORT: String(port),
      // The queues of the frames are the stub's.
      WORKER_TELESCOPES: 'none',
      SMTP_URL: '',
      WEBHOOK_URL: '',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    process.removeListener('exit', endWithUs);
  };
  try {
    const ready = `http://127.0.0.1:${port}/readyz`;
    await waitUntil('The worker', () => answers(ready), 60_000, 'What it said stands above.');
    await setCurrentVersion(temporal.client, buildId());
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    child,
    stop,
    rss: () =>
      new Promise((resolve, reject) => {
        child.once('message', (message) => resolve((message as { rss: number }).rss));
        child.once('exit', () => reject(new Error('the worker ended')));
        child.send('collect');
      }),
  };
}

interface Row {
  id: string;
  telescopeId: string;
  startsAt: Date;
  endsAt: Date;
}
async function addTelescope(db: Database, telescope: TelescopeInput): Promise<void> {
  await db.query('INSERT INTO telescopes (id, config) VALUES ($1, $2)', [
    telescope.id,
    JSON.stringify(Telescope.parse(telescope)),
  ]);
}
const telescopeOf = (id: string, policy: TelescopeInput['policy']): TelescopeInput => ({
  id,
  name: id,
  host: '127.0.0.1',
  base_sequence_guid: SIMULATED_SEQUENCE_GUID,
  site: { latitude_degrees: 45, longitude_degrees: 0 },
  policy,
  weather: { resume_debounce_seconds: 0 },
});

/** The rows that the api writes before it starts a session, and the start; some at once, as many requests would. */
async function startSessions(db: Database, temporal: DevServer, rows: Row[]): Promise<void> {
  const deps = {
    temporal: temporal.client,
    temporalTimeoutMs: 30_000,
    logger: createLogger('bench', 'silent'),
  } as unknown as Deps;
  for (let at = 0; at < rows.length; at += 20) {
    await Promise.all(
      rows.slice(at, at + 20).map(async ({ id, telescopeId, startsAt, endsAt }) => {
        await db.query(
          `INSERT INTO bookings (id, telescope_id, starts_at, ends_at, blocked_until, user_ref, target, shots, constraints, credits, body_hash) VALUES ($1, $2, $3, $4, $4, 'bench', $5, $6, $7, '{"charged": 10}', $1)`,
          [
            id,
            telescopeId,
            startsAt,
            endsAt,
            JSON.stringify({ name: 'M 45', ra_hours: 3.79, dec_degrees: 24.1, pa_degrees: 0 }),
            JSON.stringify(
              ['L', 'R', 'G', 'B'].map((filter) => ({
                filter,
                exposure_seconds: 300,
                quantity: 12,
                binning: 1,
                type: 'light',
              })),
            ),
            JSON.stringify({ min_altitude_degrees: 30, hour_angle_start_hours: -3, hour_angle_end_hours: 3 }),
          ],
        );
        await db.query(
          `INSERT INTO sessions (booking_id, telescope_id, workflow_id, phase) VALUES ($1, $2, $3, 'scheduled')`,
          [id, telescopeId, sessionWorkflowId(id)],
        );
        if (!(await ensureSession(deps, { id, telescopeId, startsAt }))) throw new Error(`${id} could not be started`);
      }),
    );
  }
}
/** Waits until so many sessions whose id begins so have written their first phase, and nothing more is under way. */
async function settled(db: Database, prefix: string, where: string, count: number): Promise<void> {
  await waitUntil(
    `${count} sessions ${prefix}`,
    async () => {
      const { rows } = await db.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM sessions WHERE booking_id LIKE $1 AND ${where}`,
        [`${prefix}-%`],
      );
      return rows[0]!.n >= count;
    },
    600_000,
    'The worker does not keep up.',
    500,
  );
}

/** Sessions that sleep push all others out of the worker's cache, and when they are cancelled they leave it too. */
async function emptyCache(db: Database, temporal: DevServer, name: string, count: number): Promise<void> {
  const from = Date.now() + 400 * DAY_MS;
  const ids = Array.from({ length: count }, (_, n) => `${name}-${n}`);
  await addTelescope(db, telescopeOf(name, { prepare_lead: 3_600 }));
  await startSessions(
    db,
    temporal,
    ids.map((id, n) => ({
      id,
      telescopeId: name,
      startsAt: new Date(from + n * 7_200_000),
      endsAt: new Date(from + n * 7_200_000 + 3_600_000),
    })),
  );
  await settled(db, name, 'transition > 0', count);
  for (let at = 0; at < ids.length; at += 20) {
    await Promise.all(
      ids.slice(at, at + 20).map((id) => {
        const body: ControlSignal = { commandId: `${id}/cancel`, requestedBy: 'bench' };
        return temporal.client.workflow.getHandle(sessionWorkflowId(id)).signal(SIGNALS.cancel, body);
      }),
    );
  }
  await Promise.all(ids.map((id) => temporal.client.workflow.getHandle(sessionWorkflowId(id)).result()));
}

async function asleep(
  db: Database,
  temporal: DevServer,
  worker: WorkerProcess,
): Promise<{ sessions: number; rss_mb_delta: number }> {
  await addTelescope(db, telescopeOf('asleep', { prepare_lead: 3_600 }));
  const from = Date.now() + 30 * DAY_MS;
  const half = SCALE.asleep / 2;
  const cache = Math.min(half, 160);
  const sizes: number[] = [];
  for (const step of [0, 1]) {
    const began = Date.now();
    const rows = Array.from({ length: half }, (_, i) => {
      const startsAt = new Date(from + (step * half + i) * 7_200_000);
      return {
        id: `asleep-${step * half + i}`,
        telescopeId: 'asleep',
        startsAt,
        endsAt: new Date(startsAt.getTime() + 3_600_000),
      };
    });
    await startSessions(db, temporal, rows);
    await settled(db, 'asleep', 'transition > 0', (step + 1) * half);
    say(`${(step + 1) * half} sessions asleep, ${((Date.now() - began) / half).toFixed(1)} ms each`);
    await emptyCache(db, temporal, `filler${step}`, cache);
    await sleep(3_000);
    sizes.push(await worker.rss());
    say(`worker holds ${(sizes.at(-1)! / 2 ** 20).toFixed(1)} MB with ${(step + 1) * half} sessions asleep`);
  }
  return { sessions: SCALE.asleep, rss_mb_delta: round((sizes[1]! - sizes[0]!) / 2 ** 20, 2) };
}

async function active(
  db: Database,
  temporal: DevServer,
  worker: WorkerProcess,
): Promise<{ sessions: number; check_lateness_s_max: number; while_starting_s_max: number }> {
  const stub = new StubTelescopes(temporal.client, CHECK_SECONDS * 1000);
  const ids = Array.from({ length: SCALE.active }, (_, n) => `active-${n}`);
  for (const id of ids) {
    await addTelescope(db, telescopeOf(id, { prepare_lead: 0, check_interval: CHECK_SECONDS }));
    stub.serve(id);
  }
  const startsAt = new Date(Date.now() - 1_000);
  await startSessions(
    db,
    temporal,
    ids.map((id) => ({ id, telescopeId: id, startsAt, endsAt: new Date(startsAt.getTime() + 7_200_000) })),
  );
  await settled(db, 'active', `phase = 'running'`, SCALE.active);
  await waitUntil(
    'Each session makes checks',
    () => Promise.resolve(stub.report().fewest >= 1),
    120_000,
    'The worker does not keep up.',
    500,
  );
  say(
    `${SCALE.active} sessions run and make checks, ${((Date.now() - startsAt.getTime()) / 1000).toFixed(0)} s after the first was started (${load()})`,
  );
  // Two hundred starts within a minute are an operator's restart, not a night; what they cost is told apart.
  const whileStarting = stub.report().latest;
  stub.startAnew();
  const until = Date.now() + SCALE.activeSeconds * 1000;
  while (Date.now() < until) {
    await sleep(Math.min(30_000, until - Date.now()));
    const { fewest, latest } = stub.report();
    say(
      `at least ${fewest} checks each, latest by ${latest.toFixed(2)} s, worker ${((await worker.rss()) / 2 ** 20).toFixed(0)} MB (${load()})`,
    );
  }
  const { checking, fewest, latest } = stub.report();
  const expected = Math.floor(SCALE.activeSeconds / CHECK_SECONDS) - 1;
  await stub.stop();
  if (checking < SCALE.active || fewest < expected)
    throw new Error(
      `${checking} of ${SCALE.active} sessions make checks, the slowest ${fewest} where ${expected} were due`,
    );
  return {
    sessions: SCALE.active,
    check_lateness_s_max: round(latest, 2),
    while_starting_s_max: round(whileStarting, 2),
  };
}

async function overhead(temporal: DevServer): Promise<number> {
  const pairs = await startPairs(temporal.address, temporal.client);
  try {
    say(`each of a pair: ${JSON.stringify(pairs.load)}, its child ${JSON.stringify(pairs.child)}`);
    await pairs.run('warm', Math.ceil(SCALE.perPair / 2));
    const ratios: number[] = [];
    for (let n = 0; n < SCALE.pairs; n++) {
      const { session, bare } = await pairs.run(`pair${n}`, SCALE.perPair);
      ratios.push(bare / session);
      say(
        `pair ${n + 1}: ${SCALE.perPair} sessions ${session.toFixed(2)} s, bare ${bare.toFixed(2)} s, ratio ${ratios.at(-1)!.toFixed(2)} (${load()})`,
      );
    }
    return round(median(ratios.toSorted((a, b) => a - b)), 2);
  } finally {
    await pairs.stop();
  }
}

async function main(): Promise<void> {
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  if (values.only !== undefined && !(PARTS as readonly string[]).includes(values.only))
    throw new UsageError(`--only: "${values.only}" is none of ${PARTS.join(', ')}.`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
  const { build } = (await import(new URL('../scripts/build.mjs', import.meta.url).href)) as {
    build: () => Promise<unknown>;
  };
  await build();
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-sessions-'));
  const ends: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  const stopAll = async (): Promise<void> => {
    for (let end = ends.pop(); end; end = ends.pop()) await end();
  };
  try {
    // Each part has a server and a database of its own: sessions whose workflows were left behind would be taken over in the midst of the next part.
    const withServer = async <T>(
      work: (db: Database, temporal: DevServer, worker: WorkerProcess) => Promise<T>,
    ): Promise<T> => {
      const postgres = await startPostgres();
      ends.push(() => postgres.stop());
      const db = new Database({ connectionString: postgres.url, max: 10 });
      db.on('error', () => undefined);
      ends.push(() => db.end());
      const temporal = await startDevServer();
      ends.push(() => temporal.stop());
      const worker = await startWorker(temporal, postgres.url, folder);
      ends.push(() => worker.stop());
      const result = await work(db, temporal, worker);
      while (ends.length > 1) await ends.pop()!();
      return result;
    };
    const wanted = (part: (typeof PARTS)[number]): boolean => values.only === undefined || values.only === part;
    const sleeping = wanted('asleep') ? await withServer(asleep) : undefined;
    const running = wanted('active') ? await withServer(active) : undefined;
    let ratio: number | undefined;
    if (wanted('overhead')) {
      const server = await startDevServer();
      ends.push(() => server.stop());
      ratio = await overhead(server);
    }
    const result = { asleep: sleeping, active: running, overhead_ratio_to_bare: ratio };
    process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`);
  } finally {
    await stopAll();
  }
}

main().then(
  () => process.exit(0),
  (thrown: unknown) => {
    const shown = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    say(thrown instanceof UsageError ? thrown.message : shown);
    process.exit(thrown instanceof UsageError ? 2 : 1);
  },
);
