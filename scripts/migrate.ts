import { required } from '../platform/config.ts';
import { UsageError, toError } from '../platform/errors.ts';
import { migrate } from '../platform/migrate.ts';
import { endWith } from '../platform/process.ts';
import { loadSettings } from '../platform/settings/load.ts';
import { withStack } from '../stack/stack-file.ts';

const HELP = `npm run migrate: brings the database of DATABASE_URL up to this version; a second run changes nothing.
Every other setting is checked before, so that a deployment stops here and not later. Without DATABASE_URL it is the database of the stack that
runs here (npm start).`;

/** PostgreSQL away, or its password wrong, is told in one line without a stack. */
async function main(): Promise<void> {
  if (process.argv.includes('--help')) return void process.stdout.write(`${HELP}\n`);
  const { config } = loadSettings({ required: ['DATABASE_URL'] }, withStack().env);
  const { applied } = await migrate(required(config, 'DATABASE_URL')).catch((thrown: unknown) => {
    process.stderr.write(`The database cannot be brought up to date: ${toError(thrown).message}\n`);
    process.exit(1);
  });
  console.log(applied.length === 0 ? 'the database is up to date' : `applied ${applied.join(', ')}`);
}

for (const argument of process.argv.slice(2))
  if (argument !== '--help') endWith(new UsageError(`"${argument}" is not an option.\n${HELP}`));
main().catch(endWith);
