/** Records docs/screenshots/night.{fr,en}.webp from a real night with Chromium (test/browser/screencast.ts): `npm run screencast`. */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', 'test/browser/screencast.ts', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
