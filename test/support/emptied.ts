import { setTimeout } from 'node:timers/promises';
import type { Database } from '../../platform/database.ts';

/**
 * Leaves these tables and those that hang on them without a row. What an api still writes of the test before may have locked them the other way
 * round: then PostgreSQL ends one of the two, and it is asked again.
 */
export async function emptied(db: Database, tables: string): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      await db.$executeRawUnsafe(`TRUNCATE ${tables} CASCADE`);
      return;
    } catch (thrown) {
      if (tries === 10 || !String(thrown).includes('40P01')) throw thrown;
      await setTimeout(50);
    }
}
