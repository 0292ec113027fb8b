/** Records docs/screenshots/night.{fr,en}.webp from a real night with Chromium (test/browser/screencast.ts): `npm run screencast`. */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const HELP = `npm run screencast -- [--out DIR]
Films a guest's night, from the booking to the report, in French and English at once: one real night of the whole stack. About five minutes.
  --out DIR   where night.fr.webp and night.en.webp go (docs/screenshots)
Needs the build (npm run build) and Chromium (CHROMIUM_PATH).`;
if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
  console.log(HELP);
  process.exit(0);
}
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', 'test/browser/screencast.ts', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
