/**
 * `node scripts/run.mjs NAME …`: builds what is stale, then runs dist/scripts/NAME.js in this very process, so that signals to npm's child reach it.
 * A package or an image has no sources, and nothing is stale there.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [name = '', ...rest] = process.argv.slice(2);
if (Number(process.versions.node.split('.')[0]) < 20) {
  process.stderr.write(`nocturne needs Node 20 or newer; this is ${process.version}.\n`);
  process.exit(2);
}
try {
  if (existsSync(join(root, 'tsconfig.build.json'))) await (await import('./build.mjs')).build();
} catch (thrown) {
  process.stderr.write(`Build failed: ${thrown.message}\n`);
  process.exit(1);
}
const entry = join(root, 'dist', 'scripts', `${name}.js`);
if (!existsSync(entry)) {
  process.stderr.write(`There is no command "${name}".\n`);
  process.exit(2);
}
process.argv = [process.argv[0], entry, ...rest];
await import(pathToFileURL(entry).href);
