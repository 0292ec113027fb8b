import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { migrate } from '../../platform/migrate.ts';
import { projectPath } from '../../platform/paths.ts';
import { startPostgres } from '../../stack/own-postgres.ts';

let server: Awaited<ReturnType<typeof startPostgres>>;
let client: Client;
beforeAll(async () => {
  server = await startPostgres();
  client = new Client({ connectionString: server.url });
  client.on('error', () => undefined);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await server.stop();
});

interface Column {
  table: string;
  column: string;
  type: string;
  nullable: boolean;
}
const SQL_TYPES: Record<string, string> = {
  String: 'text',
  Int: 'int4',
  BigInt: 'int8',
  Float: 'float8',
  Boolean: 'bool',
  Json: 'jsonb',
  Bytes: 'bytea',
  DateTime: 'timestamptz',
};

/** Tables and columns as prisma/schema.prisma has them: enough of its grammar for what we use. */
function modelled(): { columns: Column[]; keys: Record<string, string[]>; indexes: Record<string, string[]> } {
  const schema = readFileSync(projectPath('prisma', 'schema.prisma'), 'utf8').replace(/^\s*\/\/.*$/gm, '');
  const models = [...schema.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)];
  const names = new Set(models.map((m) => m[1]!));
  const columns: Column[] = [];
  const keys: Record<string, string[]> = {};
  const indexes: Record<string, string[]> = {};
  for (const [, , body] of models) {
    const table = /@@map\("(\w+)"\)/.exec(body!)![1]!;
    const fieldColumns = new Map<string, string>();
    for (const [, name, type, mark, rest] of body!.matchAll(/^ {2}(\w+)\s+(\w+)(\[\]|\?)?(.*)$/gm)) {
      if (names.has(type!)) continue;
      const column = /@map\("(\w+)"\)/.exec(rest!)?.[1] ?? name!;
      fieldColumns.set(name!, column);
      columns.push({ table, column, type: `${mark === '[]' ? '_' : ''}${SQL_TYPES[type!]}`, nullable: mark === '?' });
      if (/@id\b/.test(rest!)) keys[table] = [column];
    }
    const compound = /@@id\(\[([^\]]+)\]\)/.exec(body!);
    const fields = (list: string): string[] => list.split(',').map((f) => fieldColumns.get(f.trim())!);
    if (compound) keys[table] = fields(compound[1]!);
    indexes[table] = [...body!.matchAll(/@@(?:index|unique)\(\[([^\]]+)\]/g)]
      .map((m) => fields(m[1]!).join(','))
      .sort();
  }
  return { columns, keys, indexes };
}

const order = (a: Column, b: Column): number => `${a.table}.${a.column}`.localeCompare(`${b.table}.${b.column}`);

describe('the hand-written migrations and prisma/schema.prisma', () => {
  test('have the same tables and columns, with the same types', async () => {
    const { rows } = await client.query<Column>(
      `SELECT table_name AS "table", column_name AS "column", udt_name AS "type", is_nullable = 'YES' AS "nullable"
         FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> '_prisma_migrations'`,
    );
    const lists = modelled().columns;
    // Prisma's lists are nullable for PostgreSQL or not, as the migration likes: both are read as a list.
    const plain = (columns: Column[]): Column[] =>
      columns.map((c) => (c.type.startsWith('_') ? { ...c, nullable: false } : c)).sort(order);
    expect(plain(rows)).toEqual(plain(lists));
  });
  test('have the same primary keys', async () => {
    const { rows } = await client.query<{ table: string; columns: string[] }>(
      `SELECT c.relname AS "table", array_agg(a.attname::text ORDER BY k.n) AS columns
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace s ON s.oid = c.relnamespace
         CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE i.indisprimary AND s.nspname = 'public' AND c.relname <> '_prisma_migrations' GROUP BY c.relname`,
    );
    expect(Object.fromEntries(rows.map((r) => [r.table, r.columns]))).toEqual(modelled().keys);
  });
  test('every index of the schema stands in the database', async () => {
    const { rows } = await client.query<{ table: string; columns: string }>(
      `SELECT c.relname AS "table", string_agg(a.attname::text, ',' ORDER BY k.n) AS columns
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace s ON s.oid = c.relnamespace
         CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE s.nspname = 'public' GROUP BY c.relname, i.indexrelid`,
    );
    const have = new Set(rows.map((r) => `${r.table}(${r.columns})`));
    const missing = Object.entries(modelled().indexes).flatMap(([table, list]) =>
      list.map((columns) => `${table}(${columns})`).filter((name) => !have.has(name)),
    );
    expect(missing).toEqual([]);
  });
  test('a second run changes nothing, and the books agree with the file', async () => {
    expect(await migrate(server.url)).toEqual({ applied: [] });
  });
});

describe('no two bookings of one telescope overlap', () => {
  const book = (id: string, telescope: string, from: string, to: string, occupies = true): Promise<unknown> =>
    client.query(
      `INSERT INTO bookings (id, telescope_id, starts_at, ends_at, blocked_until, occupies, user_ref, target, shots, constraints, credits, body_hash)
       VALUES ($1, $2, $3, $4, $4, $5, 'u', '{}', '[]', '{}', '{}', '')`,
      [id, telescope, from, to, occupies],
    );

  test('an overlap is refused by the constraint that the API names in its answer', async () => {
    await book('first', 't1', '2026-01-15T22:00:00Z', '2026-01-15T23:00:00Z');
    await expect(book('second', 't1', '2026-01-15T22:59:59Z', '2026-01-15T23:30:00Z')).rejects.toMatchObject({
      code: '23P01',
      constraint: 'bookings_no_overlap',
    });
  });
  test('back to back, another telescope, and a slot that was given up are allowed', async () => {
    await book('third', 't1', '2026-01-15T23:00:00Z', '2026-01-15T23:30:00Z');
    await book('fourth', 't2', '2026-01-15T22:00:00Z', '2026-01-15T23:00:00Z');
    await book('fifth', 't1', '2026-01-15T22:10:00Z', '2026-01-15T22:20:00Z', false);
    expect((await client.query('SELECT count(*)::int AS n FROM bookings')).rows[0]).toEqual({ n: 4 });
  });
  test('of twenty at once exactly one gets the slot', async () => {
    const tries = Array.from({ length: 20 }, async (_, i) => {
      const own = new Client({ connectionString: server.url });
      await own.connect();
      try {
        await own.query(
          `INSERT INTO bookings (id, telescope_id, starts_at, ends_at, blocked_until, user_ref, target, shots, constraints, credits, body_hash)
           VALUES ($1, 't3', '2026-02-01T20:00Z', '2026-02-01T21:00Z', '2026-02-01T21:05Z', 'u', '{}', '[]', '{}', '{}', '')`,
          [`race-${i}`],
        );
        return 'won';
      } catch (thrown) {
        return (thrown as { code: string }).code;
      } finally {
        await own.end();
      }
    });
    const outcomes = await Promise.all(tries);
    expect(outcomes.filter((o) => o === 'won')).toHaveLength(1);
    // Refused by the constraint, or as a deadlock where two had waited for each other; the api has its writers take turns (lockSlots).
    expect(outcomes.filter((outcome) => !['won', '23P01', '40P01'].includes(outcome))).toEqual([]);
  });
});
