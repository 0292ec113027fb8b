import { PrismaPg } from '@prisma/adapter-pg';
import { Client, type ClientConfig } from 'pg';
import { PrismaClient } from '../prisma/client/client.ts';
import type { Logger } from './logger.ts';

export type Database = PrismaClient;
/** A client inside `$transaction`. */
export type Transaction = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0];
export { PrismaClient };

/** An idle connection is asked after this long whether its other end still stands; the system's default is two hours. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as const;

/** @param queryTimeoutMs a query without an answer for this long fails, and its connection is given up: so a network cut is noticed. */
export function createDatabase(url: string, logger?: Logger, poolSize = 8, queryTimeoutMs?: number): Database {
  const adapter = new PrismaPg(
    {
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 60_000,
      ...KEEP_ALIVE,
      ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
    },
    {
      // Without these two a restart of PostgreSQL would end the Node process.
      onPoolError: (err: Error) => logger?.warn({ err: err.message }, 'database pool'),
      onConnectionError: (err: Error) => logger?.warn({ err: err.message }, 'database connection'),
    },
  );
  // An error says what went wrong and not where in our source: the place costs a stack for each query, and a log needs no path of this machine.
  return new PrismaClient({ adapter, errorFormat: 'minimal' });
}

/** SQLSTATE behind a Prisma error (the driver adapter keeps it), or null. `23P01` is the exclusion constraint. */
export function sqlState(thrown: unknown): string | null {
  let error = thrown as
    | { meta?: { driverAdapterError?: { cause?: { originalCode?: string } } }; code?: string; cause?: unknown }
    | undefined;
  for (let depth = 0; error && depth < 4; depth++) {
    const code =
      error.meta?.driverAdapterError?.cause?.originalCode ?? (error as { originalCode?: string }).originalCode;
    if (code) return code;
    if (typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) && !error.code.startsWith('P'))
      return error.code;
    error = error.cause as typeof error;
  }
  return null;
}

/** Holders of the same key come one after the other until their transaction ends. */
export const lockKey = (tx: Transaction, key: string): Promise<unknown> =>
  tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${key}, 0))`;

/**
 * Writers of a telescope's slots come one after the other until their transaction ends. The exclusion constraint alone keeps them apart too, but it
 * lets two that collide wait for each other until PostgreSQL ends one as a deadlock (40P01).
 */
export const lockSlots = (tx: Transaction, telescopeId: string): Promise<unknown> =>
  tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${'slots/' + telescopeId}, 0))`;

/** A bare connection, for LISTEN and for tools; errors end up in `onError`, never in an unhandled event. */
export async function connectPg(
  url: string,
  onError: (err: Error) => void,
  more: Pick<ClientConfig, 'query_timeout'> = {},
): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000, ...KEEP_ALIVE, ...more });
  client.on('error', onError);
  await client.connect();
  return client;
}

/** Ends a connection whose other end may be gone: `end` alone would wait for an answer that never comes. */
export function cutPg(client: Client): void {
  client.end().catch(() => undefined);
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
