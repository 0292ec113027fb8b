import { PrismaPg } from '@prisma/adapter-pg';
import { Client } from 'pg';
import { PrismaClient } from '../prisma/client/client.ts';
import type { Logger } from './logger.ts';

export type Database = PrismaClient;
/** A client inside `$transaction`. */
export type Transaction = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0];
export { PrismaClient };

export function createDatabase(url: string, logger?: Logger, poolSize = 8): Database {
  const adapter = new PrismaPg(
    { connectionString: url, max: poolSize, connectionTimeoutMillis: 5_000, idleTimeoutMillis: 60_000 },
    {
      // Without these two a restart of PostgreSQL would end the Node process.
      onPoolError: (err: Error) => logger?.warn({ err: err.message }, 'database pool'),
      onConnectionError: (err: Error) => logger?.warn({ err: err.message }, 'database connection'),
    },
  );
  return new PrismaClient({ adapter });
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

/**
 * Writers of a telescope's slots come one after the other until their transaction ends. The exclusion constraint alone keeps them apart too, but it
 * lets two that collide wait for each other until PostgreSQL ends one as a deadlock (40P01).
 */
export const lockSlots = (tx: Transaction, telescopeId: string): Promise<unknown> =>
  tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${'slots/' + telescopeId}, 0))`;

/** A bare connection, for LISTEN and for tools; errors end up in `onError`, never in an unhandled event. */
export async function connectPg(url: string, onError: (err: Error) => void): Promise<Client> {
  const client = new Client({ connectionString: url, keepAlive: true, connectionTimeoutMillis: 5_000 });
  client.on('error', onError);
  await client.connect();
  return client;
}
