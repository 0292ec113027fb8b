import type { BackupActivities } from '../domain/backup.ts';
import { expireBackups } from '../platform/backup/manifest.ts';
import { makeBackup } from '../platform/backup/make.ts';
import { openBackup, verifyBackup } from '../platform/backup/restore.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';

type Settings = Pick<Config, 'DATA_DIR' | 'BACKUP_PATH' | 'BACKUP_KEEP_DAYS' | 'BACKUP_PASSPHRASE' | 'DATABASE_URL'>;

/** The daily backup: made, restored on trial, and the old ones removed only after that. */
export function createBackupActivities({
  config,
  logger,
  now = () => new Date(),
}: {
  config: Settings;
  logger: Logger;
  now?: () => Date;
}): BackupActivities {
  return {
    async makeBackup() {
      const databaseUrl = config.DATABASE_URL!;
      const { folder, manifest } = await makeBackup({
        databaseUrl,
        dataDir: config.DATA_DIR,
        root: config.BACKUP_PATH,
        passphrase: config.BACKUP_PASSPHRASE,
        now: now(),
      });
      const unproven = await verifyBackup(await openBackup(folder, config.BACKUP_PASSPHRASE), databaseUrl, now());
      if (unproven !== null) logger.warn({ folder, unproven }, 'the backup could not be restored on trial');
      const removed = await expireBackups(config.BACKUP_PATH, config.BACKUP_KEEP_DAYS, now().getTime());
      const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
      return { folder, rows, files: manifest.files.length, unproven, removed: removed.length };
    },
  };
}
