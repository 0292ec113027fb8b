/** Weight, first content and layout shift of every page, and eight hours of live events on the control page (test/web/figures.ts): `node scripts/page-figures.mjs [--updates N]`. */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'test/web/figures.ts', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;
