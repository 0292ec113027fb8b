import { resolve } from 'node:path';
import { expireBackups } from '../platform/backup/manifest.ts';
import { makeBackup } from '../platform/backup/make.ts';
import { openBackup, verifyBackup } from '../platform/backup/restore.ts';
import { required } from '../platform/config.ts';
import { endWith } from '../platform/process.ts';
import { loadSettings } from '../platform/settings/load.ts';
import { withStack } from '../stack/stack-file.ts';
import { answerHelp, readOptions } from './help.ts';

answerHelp(`npm run backup [-- --to FOLDER] [--no-verify] [--json]
Saves PostgreSQL as it is at one instant and the gateways' state below DATA_DIR, restores the database on trial into one of its own beside it and
compares every count and checksum. While everything runs; encrypted when BACKUP_PASSPHRASE is set.
--to         the folder of backups; left out: BACKUP_PATH. Backups there that are older than BACKUP_KEEP_DAYS are removed
--no-verify  without the trial
Exit code 1 when the backup could not be tried. docs/backup.md says what it holds and what it does not.`);

async function main(): Promise<number> {
  const { values } = readOptions({
    options: {
      to: { type: 'string' },
      'no-verify': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const { config } = loadSettings({ required: ['DATABASE_URL'] }, withStack().env);
  const databaseUrl = required(config, 'DATABASE_URL');
  const root = resolve(values.to ?? config.BACKUP_PATH);
  const passphrase = config.BACKUP_PASSPHRASE;
  const { folder, manifest } = await makeBackup({ databaseUrl, dataDir: config.DATA_DIR, root, passphrase });
  const unproven = values['no-verify']
    ? 'not asked for'
    : await verifyBackup(await openBackup(folder, passphrase), databaseUrl);
  const removed = await expireBackups(root, config.BACKUP_KEEP_DAYS);
  const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
  const files = manifest.files.length;
  if (values.json)
    console.log(JSON.stringify({ folder, rows, files, encrypted: manifest.seal !== null, unproven, removed }));
  else {
    console.log(`${folder}: ${rows} rows of ${manifest.tables.length} tables, ${files} files of gateways.`);
    console.log(
      unproven === null
        ? 'Restored on trial: every count and checksum is right.'
        : `Not restored on trial: ${unproven}.`,
    );
    if (!manifest.seal)
      console.log(
        'It is not encrypted, and the installation’s own secrets are not in it; set BACKUP_PASSPHRASE for both.',
      );
    for (const old of removed) console.log(`Removed ${old}.`);
  }
  return unproven === null || values['no-verify'] ? 0 : 1;
}

main().then((code) => process.exit(code), endWith);
