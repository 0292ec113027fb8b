import { createHash, type Hash } from 'node:crypto';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { connectPg } from '../database.ts';
import { toError } from '../errors.ts';

/** Text of a value must not depend on a server's or a session's settings, or checksums differ between machines. */
const PLAIN = `SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; SET extra_float_digits = 1;
  SET bytea_output = 'hex'; SET client_encoding = 'UTF8'; SET search_path = public`;
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export interface TableShape {
  name: string;
  columns: string[];
  /** ORDER BY of its key, the same on every machine. */
  order: string;
}

/** A connection whose texts are the same everywhere. The caller ends it. */
export async function connectPlain(url: string): Promise<pg.Client> {
  const client = await connectPg(url, () => undefined);
  await client.query(PLAIN);
  return client;
}

/** Our tables, those that others point to first; migrations' own list is not among them. */
export async function tablesOf(client: pg.Client): Promise<TableShape[]> {
  const { rows } = await client.query<{ name: string; columns: string[]; keys: string[] | null; points_to: string[] }>(`
    SELECT c.relname AS name,
      (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
      (SELECT array_agg(quote_ident(a.attname) || CASE WHEN a.attcollation <> 0 THEN ' COLLATE "C"' ELSE '' END ORDER BY array_position(i.indkey::int2[], a.attnum))
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary) AS keys,
      ARRAY(SELECT f.confrelid::regclass::text FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid) AS points_to
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> '_prisma_migrations' ORDER BY c.relname`);
  const left = new Map(rows.map((row) => [row.name, row]));
  const sorted: TableShape[] = [];
  while (left.size > 0) {
    const free = [...left.values()].filter(({ points_to }) => !points_to.some((name) => left.has(name)));
    if (free.length === 0) throw new Error(`Tables point to each other in a circle: ${[...left.keys()].join(', ')}`);
    for (const { name, columns, keys } of free) {
      sorted.push({ name, columns, order: (keys ?? columns.map((c) => `${quoted(c)}::text COLLATE "C"`)).join(', ') });
      left.delete(name);
    }
  }
  return sorted;
}

/** Counts rows and takes the checksum of a table's text while it flows by; COPY writes a line end inside a value as \\n. */
export class Tally extends Transform {
  rows = 0;
  bytes = 0;
  private readonly hash: Hash = createHash('sha256');
  override _transform(chunk: Buffer, _encoding: string, done: (err: null, chunk: Buffer) => void): void {
    this.hash.update(chunk);
    this.bytes += chunk.length;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) this.rows++;
    done(null, chunk);
  }
  digest(): string {
    return this.hash.digest('hex');
  }
}

/** A table's text, row by row in the order of its key. */
export function readTable(client: pg.Client, { name, columns, order }: TableShape): Readable {
  const list = columns.map(quoted).join(', ');
  return client.query(copyTo(`COPY (SELECT ${list} FROM ${quoted(name)} ORDER BY ${order}) TO STDOUT`));
}
export async function digestOf(client: pg.Client, shape: TableShape): Promise<{ rows: number; sha256: string }> {
  const tally = new Tally();
  tally.resume();
  await pipeline(readTable(client, shape), tally);
  return { rows: tally.rows, sha256: tally.digest() };
}
/** @throws Error naming the table when PostgreSQL refuses a row */
export async function fillTable(
  client: pg.Client,
  { name, columns }: Pick<TableShape, 'name' | 'columns'>,
  text: [NodeJS.ReadableStream, ...NodeJS.ReadWriteStream[]],
): Promise<void> {
  const into = client.query(copyFrom(`COPY ${quoted(name)} (${columns.map(quoted).join(', ')}) FROM STDIN`));
  await pipeline([...text, into]).catch((thrown: unknown) => {
    throw new Error(`Table ${name}: ${toError(thrown).message}`, { cause: thrown });
  });
}

export async function sequencesOf(client: pg.Client): Promise<{ name: string; value: string; called: boolean }[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' ORDER BY relname`,
  );
  const found: { name: string; value: string; called: boolean }[] = [];
  for (const { name } of rows) {
    const state = await client.query<{ value: string; called: boolean }>(
      `SELECT last_value::text AS value, is_called AS called FROM ${quoted(name)}`,
    );
    found.push({ name, ...state.rows[0]! });
  }
  return found;
}

/** Migrations that the database has, in order; none of an empty one. */
export async function migrationsOf(client: pg.Client): Promise<string[]> {
  const table = await client.query<{ name: string | null }>(
    `SELECT to_regclass('public._prisma_migrations')::text AS name`,
  );
  if (!table.rows[0]!.name) return [];
  const { rows } = await client.query<{ migration_name: string }>(
    `SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY migration_name COLLATE "C"`,
  );
  return rows.map((row) => row.migration_name);
}
