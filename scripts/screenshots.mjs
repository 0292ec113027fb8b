/** Takes docs/screenshots of real nights with Chromium (test/browser/screenshots.ts): `node scripts/screenshots.mjs [page…]`. */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', 'test/browser/screenshots.ts', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
