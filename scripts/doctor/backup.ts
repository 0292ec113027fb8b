import { listBackups } from '../../platform/backup/manifest.ts';
import type { Config } from '../../platform/config.ts';
import { toError } from '../../platform/errors.ts';
import { warning, type Finding } from './finding.ts';
import { backupFinding } from './findings.ts';

export async function checkBackup(config: Config): Promise<Finding[]> {
  const folder = config.BACKUP_PATH;
  try {
    return [
      backupFinding(
        folder,
        (await listBackups(folder)).map(({ manifest }) => manifest),
        Date.now(),
      ),
    ];
  } catch (thrown) {
    return [warning('backup', toError(thrown).message, 'Set BACKUP_PATH to a folder that this user may read.')];
  }
}
