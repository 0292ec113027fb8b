import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pool as Database } from 'pg';
import { SIGNALS, type ControlSignal } from '../domain/messages.ts';
import { sessionWorkflowId } from '../domain/queues.ts';
import { UsageError } from '../platform/errors.ts';
import { startPostgres } from '../stack/own-postgres.ts';
import { waitUntil } from '../stack/supervisor.ts';
import { startPairs } from './sessions-pairs.ts';
import { addTelescope, settled, startSessions, telescopeOf } from './sessions-rows.ts';
import { StubTelescopes } from './sessions-telescopes.ts';
import { startDevServer, startWorker, type DevServer, type WorkerProcess } from './sessions-worker.ts';

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
