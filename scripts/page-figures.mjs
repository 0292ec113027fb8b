/** Weight, first content and layout shift of every page; on the control page the main thread's time for each update, and heap and layout over eight hours of live events (test/web/figures.ts): `node scripts/page-figures.mjs [--updates N]`, one JSON line. */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'test/web/figures.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
