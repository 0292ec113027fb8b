import { parseArgs } from 'node:util';
import { OUTBOX_TYPES } from '../domain/contracts/webhook.ts';
import { createDatabase, type Database } from '../platform/database.ts';
import { UsageError, toError } from '../platform/errors.ts';
import { OUTBOX_STATES, outboxState, outboxWhere, replayOutbox, type OutboxState } from '../platform/outbox.ts';
import { loadSettings } from '../platform/settings/load.ts';
import { withStack } from '../stack/stack-file.ts';

const USAGE = `Usage: npm run webhooks -- list   [--state ${OUTBOX_STATES.join('|')}] [--booking ID] [--type TYPE] [--limit N] [--json]
       npm run webhooks -- show   ID [--json]
       npm run webhooks -- replay ID… | --dead | --booking ID [--type TYPE] [--json]
  list    the newest webhooks first (50 unless --limit says otherwise)
  show    one webhook with every attempt
  replay  delivers again: the same id, sequence and body, for another 24 h of attempts
The database is that of DATABASE_URL, else that of the stack that runs from DATA_DIR. Types: ${OUTBOX_TYPES.join(', ')}.
`;

interface Options {
  state?: string | undefined;
  booking?: string | undefined;
  type?: string | undefined;
  limit: string;
  dead: boolean;
  json: boolean;
}

/** The database of the environment, else that of the stack that runs from the data folder. @throws UsageError when there is neither. */
function databaseUrl(): string {
  const { config } = loadSettings({}, withStack().env);
  if (!config.DATABASE_URL)
    throw new UsageError('DATABASE_URL is not set and nothing runs here; set it, or start the demo with npm start.');
  return config.DATABASE_URL;
}

type Row = Awaited<ReturnType<Database['outbox']['findMany']>>[number];
type Line = Record<string, string | number | null>;
const toLine = (row: Row): Line => ({
  id: row.id,
  state: outboxState(row),
  type: row.type,
  booking_id: row.bookingId,
  sequence: row.sequence,
  attempts: row.attempts,
  created_at: row.createdAt.toISOString(),
  next_attempt_at: outboxState(row) === 'waiting' ? row.nextAttemptAt.toISOString() : null,
  last_error: row.lastError,
});
function print(values: readonly Line[], json: boolean): void {
  for (const value of values)
    console.log(
      json
        ? JSON.stringify(value)
        : Object.values(value)
            .map((v) => v ?? '-')
            .join('  '),
    );
}

/** @throws UsageError naming the option that is none */
function checked({ state, type, limit }: Options): number {
  if (state !== undefined && !(OUTBOX_STATES as readonly string[]).includes(state))
    throw new UsageError(`--state: "${state}" is none of ${OUTBOX_STATES.join(', ')}.`);
  if (type !== undefined && !(OUTBOX_TYPES as readonly string[]).includes(type))
    throw new UsageError(`--type: "${type}" is none of ${OUTBOX_TYPES.join(', ')}.`);
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1 || most > 10_000)
    throw new UsageError(`--limit: "${limit}" is not a number from 1 to 10000.`);
  return most;
}

async function list(db: Database, { state, booking, type, json }: Options, take: number): Promise<number> {
  const where = outboxWhere({
    channel: 'webhook',
    bookingId: booking,
    type,
    state: state as OutboxState | undefined,
  });
  const rows = await db.outbox.findMany({ where, orderBy: [{ createdAt: 'desc' }, { sequence: 'desc' }], take });
  print(rows.map(toLine), json);
  return 0;
}

async function show(db: Database, ids: string[], { json }: Options): Promise<number> {
  if (ids.length !== 1) throw new UsageError('show: give one id, as list prints it.');
  const row = await db.outbox.findUnique({ where: { id: ids[0]! } });
  if (!row) throw new UsageError(`There is no webhook ${ids[0]}.`);
  print([toLine(row)], json);
  const attempts = await db.delivery.findMany({ where: { outboxId: row.id }, orderBy: { at: 'asc' } });
  print(
    attempts.map((a) => ({
      attempt: a.attempt,
      at: a.at.toISOString(),
      status: a.status,
      error: a.error,
      duration_ms: a.durationMs,
    })),
    json,
  );
  return 0;
}

async function replay(db: Database, ids: string[], { booking, type, dead, json }: Options): Promise<number> {
  if (ids.length === 0 && booking === undefined && !dead)
    throw new UsageError('replay: give ids, --booking ID or --dead.');
  const wanted = {
    channel: 'webhook' as const,
    bookingId: booking,
    type,
    ...(dead ? { state: 'dead' as const } : {}),
  };
  const where = { ...outboxWhere(wanted), ...(ids.length > 0 ? { id: { in: ids } } : {}) };
  const count = await replayOutbox(db, 'command', where, new Date());
  if (json) console.log(JSON.stringify({ replayed: count }));
  else console.log(`${count} queued again.`);
  return count < ids.length ? 1 : 0;
}

async function run(db: Database, command: string | undefined, ids: string[], options: Options): Promise<number> {
  const limit = checked(options);
  if (command === 'list') return list(db, options, limit);
  if (command === 'show') return show(db, ids, options);
  if (command === 'replay') return replay(db, ids, options);
  throw new UsageError(
    `${command === undefined ? 'Say what to do' : `There is no command "${command}"`}.\n${USAGE.trimEnd()}`,
  );
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      dead: { type: 'boolean', default: false },
      state: { type: 'string' },
      booking: { type: 'string' },
      type: { type: 'string' },
      limit: { type: 'string', default: '50' },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const db = createDatabase(databaseUrl());
  try {
    return await run(db, positionals[0], positionals.slice(1), values);
  } finally {
    await db.$disconnect();
  }
}

try {
  process.exitCode = await main();
} catch (thrown) {
  const error = toError(thrown);
  process.stderr.write(`${error.message}\n`);
  process.exitCode =
    thrown instanceof UsageError || (thrown as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') ? 2 : 1;
}
