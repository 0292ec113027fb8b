import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  beginAfterRestore,
  checkFiles,
  connectedTo,
  ensureDatabase,
  findBackup,
  openBackup,
  restoreDatabase,
  restoreFiles,
  standingFiles,
  type OpenBackup,
} from '../platform/backup/restore.ts';
import { UsageError } from '../platform/errors.ts';
import { endWith } from '../platform/process.ts';
import { loadSettings } from '../platform/settings/load.ts';
import { freePort } from '../stack/ports.ts';
import { clearStaleLock, initPostgres, postgresCommand, postgresUrl, waitForPostgres } from '../stack/postgres.ts';
import { loadSecrets } from '../stack/secrets.ts';
import { withStack } from '../stack/stack-file.ts';
import { answerHelp, readOptions } from './help.ts';

answerHelp(`npm run restore -- FOLDER [--only database|files] [--force] [--json]
Brings back a backup, or the newest of a folder of backups: the database that DATABASE_URL names (made where it is missing), else the embedded one of
DATA_DIR; and the gateways' state below DATA_DIR. Every file is checked against its checksum before anything is touched, and every table is counted and
compared before it counts. Refuses while a program is connected to the database, and a target that is not empty.
--only   the database or the files alone, for a gateway on another machine
--force  overwrites what stands: it is lost
docs/backup.md says what to do after it.`);

interface Target {
  url: string;
  release: () => Promise<void>;
}

/** Makes room for the embedded database. @throws UsageError while it runs */
function clearEmbedded(dataDir: string, force: boolean): void {
  const folder = join(dataDir, 'postgres');
  clearStaleLock(folder);
  if (existsSync(join(folder, 'postmaster.pid')))
    throw new UsageError(`The database in ${folder} runs: stop it first. Nothing was changed.`);
  if (force) rmSync(folder, { recursive: true, force: true });
}

/** The database that is named, or the embedded one, started for as long as this takes. */
async function target(databaseUrl: string | undefined, dataDir: string): Promise<Target> {
  if (databaseUrl) {
    await ensureDatabase(databaseUrl);
    return { url: databaseUrl, release: async () => undefined };
  }
  const folder = join(dataDir, 'postgres');
  mkdirSync(dataDir, { recursive: true });
  const password = loadSecrets(dataDir).postgres_password;
  await initPostgres(folder, password);
  const port = await freePort();
  const { command, args, ...user } = await postgresCommand(folder, port);
  const server = spawn(command, args, { ...user, cwd: '/', stdio: 'ignore' });
  const ended = new Promise<void>((done) => server.once('exit', () => done()));
  process.once('exit', () => void server.kill('SIGINT'));
  const release = async (): Promise<void> => {
    server.kill('SIGINT');
    await ended;
  };
  await waitForPostgres(port, password).catch(async (thrown: unknown) => {
    await release();
    throw thrown;
  });
  return { url: postgresUrl(port, password), release };
}

async function restoreInto(backup: OpenBackup, { url }: Target, force: boolean): Promise<string[]> {
  const others = await connectedTo(url);
  if (others > 0)
    throw new UsageError(
      `Stop our processes first: ${others} connections to the database are open. Nothing was changed.`,
    );
  const { rows, migrated } = await restoreDatabase(backup, { url, overwrite: force });
  await beginAfterRestore(url);
  return [
    `${rows} rows of ${backup.manifest.tables.length} tables are back; every count and checksum is that of the backup.`,
    ...(migrated.length > 0 ? [`Brought up to this version: ${migrated.join(', ')}.`] : []),
  ];
}

async function main(): Promise<void> {
  const { values, positionals } = readOptions({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      force: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const { only, force } = values;
  if (positionals.length !== 1) throw new UsageError('Name one backup: npm run restore -- FOLDER');
  if (only !== undefined && only !== 'database' && only !== 'files')
    throw new UsageError(`--only takes database or files, not "${only}".`);
  const { env, stack } = withStack();
  if (stack)
    throw new UsageError('The stack runs here: stop it first (Ctrl-C where npm start runs). Nothing was changed.');
  const { config } = loadSettings({}, env);
  const dataDir = resolve(config.DATA_DIR);
  const backup = await openBackup(await findBackup(resolve(positionals[0]!)), config.BACKUP_PASSPHRASE);
  const standing = only === 'database' ? [] : standingFiles(backup, dataDir);
  if (standing.length > 0 && !force)
    throw new UsageError(
      `${dataDir} is not empty (${standing[0]}${standing.length > 1 ? ` and ${standing.length - 1} more` : ''}). Restore into an empty one, or give --force.`,
    );
  await checkFiles(backup);
  if (only !== 'files' && !config.DATABASE_URL) clearEmbedded(dataDir, force);
  const lines: string[] = [];
  // First, since they hold the secret of the embedded database.
  if (only !== 'database') lines.push(`${await restoreFiles(backup, dataDir, force)} files of gateways are back.`);
  if (only !== 'files') {
    const database = await target(config.DATABASE_URL, dataDir);
    try {
      lines.push(...(await restoreInto(backup, database, force)));
    } finally {
      await database.release();
    }
  }
  if (values.json)
    console.log(JSON.stringify({ folder: backup.folder, made_at: backup.manifest.made_at, done: lines }));
  else console.log([`From ${backup.folder}, made ${backup.manifest.made_at}:`, ...lines].join('\n'));
}

main().then(() => process.exit(0), endWith);
