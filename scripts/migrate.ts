import { loadConfig, required } from '../platform/config.ts';
import { migrate } from '../platform/migrate.ts';

/** `npm run migrate`: brings the database of DATABASE_URL up to this version; a second run changes nothing. */
try {
  const { applied } = await migrate(required(loadConfig(), 'DATABASE_URL'));
  console.log(applied.length === 0 ? 'the database is up to date' : `applied ${applied.join(', ')}`);
} catch (thrown) {
  console.error((thrown as Error).message);
  process.exitCode = (thrown as Error).name === 'UsageError' ? 2 : 1;
}
