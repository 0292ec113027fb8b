import { parseArgs } from 'node:util';
import { cpus, loadavg } from 'node:os';
import { queryOf, readFigures, type Range } from '../api/admin/figures.ts';
import { Prisma } from '../prisma/client/client.ts';
import { createDatabase, type Database } from '../platform/database.ts';
import { startPostgres } from '../stack/own-postgres.ts';

const HELP = `npm run bench:analytics -- [--json] [--explain] [--sessions N] [--frames N] [--runs N]
How long the analytics take over years of sessions: a PostgreSQL of its own, N sessions (100,000) with N frames in all (5,000,000), each settled.
  --json   one line of JSON, as the last of stdout: p50 and p95 in ms over a year and over all, and the scans of the plan
  --explain  the plans with their times and buffers, on stderr`;
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    sessions: { type: 'string', default: '100000' },
    frames: { type: 'string', default: '5000000' },
    runs: { type: 'string', default: '40' },
    explain: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const YEARS = 3;
const TELESCOPES = 20;
const AT_ONCE = 2_000;
const DAY_MS = 86_400_000;
/** The newest sessions, which run or wait, are counted at once. */
const NOT_KEPT = 200;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Nights of the last three years on twenty telescopes, each with its ledger, frames, settlement and report. */
async function fill(db: Database, sessions: number, frames: number): Promise<void> {
  const each = Math.max(1, Math.round(frames / sessions));
  // Each booking's credits are held under a lock of its own until the statement ends, so not all at once.
  for (let from = 1; from <= sessions; from += AT_ONCE)
    await db.$executeRaw`
      INSERT INTO bookings (id, telescope_id, starts_at, ends_at, blocked_until, occupies, user_ref, target, shots, constraints, credits, body_hash)
      SELECT 'b' || i, 't' || i % ${TELESCOPES}, t, t + interval '1 hour', t + interval '1 hour', false, 'u' || i % 5000, '{}', '[]', '{}',
        '{"charged": 12.5, "price": {"amount_minor": 2500, "currency": "EUR"}}', ''
      FROM generate_series(${from}::int, ${Math.min(sessions, from + AT_ONCE - 1)}::int) i,
        LATERAL (SELECT now() - i * (${YEARS} * interval '365 days' / ${sessions}::int) AS t) x`;
  await db.$executeRaw`
    INSERT INTO sessions (booking_id, telescope_id, workflow_id, phase, outcome, session_started_at, session_ended_at)
    SELECT id, telescope_id, id, o, o, starts_at, ends_at FROM bookings,
      LATERAL (SELECT (ARRAY['completed','completed','completed','completed','weathered_out','cancelled','failed'])[1 + abs(hashtext(id)) % 7] AS o) x`;
  await db.$executeRaw`
    INSERT INTO ledger_intervals (booking_id, starts_at, ends_at, class, cause)
    SELECT id, starts_at + n * interval '10 minutes', starts_at + (n + 1) * interval '10 minutes',
      (ARRAY['overhead','imaging','imaging','unsafe','imaging','other'])[1 + n], CASE WHEN n = 3 THEN (ARRAY['weather_unsafe','voyager_away','equipment_error'])[1 + abs(hashtext(id)) % 3] END
    FROM bookings, generate_series(0, 5) n`;
  await db.$executeRaw`
    INSERT INTO settlements (id, booking_id, rule, lines, charged_hundredths, refund_hundredths, digest)
    SELECT 's' || id, id, 'by-the-second', '[]', 1250, abs(hashtext(id)) % 1250, '' FROM bookings`;
  await db.$executeRaw`
    INSERT INTO frames (id, telescope_id, booking_id, source_key, source_path, filename, type, filter, exposure, state, histogram, captured_at)
    SELECT id || '-' || n, telescope_id, id, id || '-' || n, '', n || '.fit', 'LIGHT', 'L', 60, CASE WHEN n % 20 = 0 THEN 'rejected' ELSE 'archived' END, '{}',
      starts_at + n * interval '1 minute'
    FROM bookings, generate_series(1, ${each}::int) n`;
  await db.$executeRaw`ANALYZE`;
  say('figures are kept …');
  await db.$executeRaw`INSERT INTO session_figures SELECT * FROM session_figures_now`;
  await db.$executeRaw`
    DELETE FROM session_figures WHERE booking_id IN (SELECT booking_id FROM session_figures ORDER BY starts_at DESC LIMIT ${NOT_KEPT})`;
  await db.$executeRaw`
    UPDATE sessions s SET figured_at = now() WHERE EXISTS (SELECT 1 FROM session_figures f WHERE f.booking_id = s.booking_id)`;
  // In years of nights the index of what is not kept never holds more than a day's sessions; here it held them all.
  await db.$executeRaw`REINDEX INDEX sessions_not_figured`;
  await db.$executeRaw`VACUUM ANALYZE`;
}

async function measured(run: () => Promise<unknown>, runs: number): Promise<{ p50_ms: number; p95_ms: number }> {
  const times: number[] = [];
  for (let i = 0; i < runs + 3; i++) {
    const from = performance.now();
    await run();
    if (i >= 3) times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(times[Math.min(times.length - 1, Math.floor(share * times.length))]! * 10) / 10;
  return { p50_ms: at(0.5), p95_ms: at(0.95) };
}

/** Names of the scans that the plans of a range have. */
async function scans(db: Database, range: Range): Promise<string[]> {
  const rows = await db.$queryRaw<{ 'QUERY PLAN': string }[]>(Prisma.sql`EXPLAIN ${queryOf(range)}`);
  return rows.flatMap((row) => /(\w+ )*Scan (using \w+ )?on \w+/.exec(row['QUERY PLAN'])?.[0] ?? []);
}

async function explain(db: Database, name: string, range: Range): Promise<void> {
  const rows = await db.$queryRaw<{ 'QUERY PLAN': string }[]>(Prisma.sql`EXPLAIN (ANALYZE, BUFFERS) ${queryOf(range)}`);
  say([`${name}:`, ...rows.map((row) => row['QUERY PLAN'])].join('\n'));
}

async function main(): Promise<void> {
  if (values.help) return void process.stdout.write(`${HELP}\n`);
  const [sessions, frames, runs] = [Number(values.sessions), Number(values.frames), Number(values.runs)];
  const postgres = await startPostgres();
  const db = createDatabase(postgres.url, undefined, 4);
  try {
    say(`${sessions} sessions and ${frames} frames are made …`);
    await fill(db, sessions, frames);
    const to = new Date();
    const since = (days: number, telescopeId: string | null = null): Range => ({
      from: new Date(to.getTime() - days * DAY_MS),
      to,
      telescopeId,
    });
    const ranges = { month: since(30), year: since(365), one_telescope: since(365, 't1'), all: since(4 * 365) };
    const settled = await db.settlement.aggregate({ _sum: { refundHundredths: true, chargedHundredths: true } });
    const { sums } = await readFigures(db, { ...ranges.all, to: new Date(to.getTime() + DAY_MS) });
    const sum = (of: (row: (typeof sums)[number]) => number | null): number =>
      sums.reduce((all, row) => all + (of(row) ?? 0), 0);
    const result: Record<string, unknown> = {
      sessions,
      frames: await db.frame.count(),
      sums_exact:
        sum((row) => row.refund) === settled._sum.refundHundredths &&
        sum((row) => row.charged) === settled._sum.chargedHundredths,
      load: loadavg()[0],
      cores: cpus().length,
    };
    for (const [name, range] of Object.entries(ranges)) {
      if (values.explain) await explain(db, name, range);
      result[name] = { ...(await measured(() => readFigures(db, range), runs)), scans: await scans(db, range) };
    }
    process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`);
  } finally {
    await db.$disconnect();
    await postgres.stop();
  }
}
await main();
