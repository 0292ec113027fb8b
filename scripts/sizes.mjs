/**
 * The sizes that keep rooms small: lines of a file and of a function, parameters, complexity, nested ternaries. What is larger stands in
 * scripts/sizes.json with its measure; the list may only shrink. `--shrink` takes out what has become small and lowers what has shrunk.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const listFile = join(root, 'scripts', 'sizes.json');

/** The list of what may be larger: `rule file name` → lines, parameters, complexity or number of ternaries. */
export const readList = (text = readFileSync(listFile, 'utf8')) => JSON.parse(text);

/** What is larger than the rules allow now, in the form of the list. Functions without a name count together, by their largest. */
export function measure() {
  const { stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules', 'oxlint', 'bin', 'oxlint'), '-c', 'sizes.oxlintrc.json', '--format', 'json'],
    { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  const found = {};
  for (const { code, message, filename } of JSON.parse(stdout).diagnostics) {
    const rule = code.replace(/^eslint\((.*)\)$/, '$1');
    const name = /[`'](.+?)[`']/.exec(message)?.[1] ?? '';
    const value = Number(/\((\d+)\)|complexity of (\d+)/.exec(message)?.slice(1).find(Boolean) ?? 1);
    const key = [rule, filename, name].filter(Boolean).join(' ');
    found[key] = rule === 'no-nested-ternary' ? (found[key] ?? 0) + 1 : Math.max(found[key] ?? 0, value);
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What breaks the list: too large and not in it, larger than it says, or in it without need. */
export function differences(found, list) {
  const lines = [];
  for (const [key, value] of Object.entries(found))
    if (!Object.hasOwn(list, key)) lines.push(`${key}: ${value} is too large; divide it`);
    else if (value > list[key]) lines.push(`${key}: ${value}, grown from ${list[key]}; divide it`);
  for (const key of Object.keys(list))
    if (!Object.hasOwn(found, key)) lines.push(`${key}: no longer needed; npm run sizes -- --shrink`);
  return lines;
}

/** How many entries each rule has. */
export function counts(list) {
  const by = {};
  for (const key of Object.keys(list)) by[key.split(' ')[0]] = (by[key.split(' ')[0]] ?? 0) + 1;
  return by;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv.includes('--help')) {
    console.log('npm run sizes [-- --shrink]: what is larger than the rules of size and its exceptions allow.');
    process.exit(0);
  }
  const found = measure();
  const list = readList();
  if (process.argv.includes('--shrink')) {
    const kept = Object.fromEntries(
      Object.entries(list)
        .filter(([key]) => Object.hasOwn(found, key))
        .map(([key, value]) => [key, Math.min(value, found[key])]),
    );
    writeFileSync(listFile, `${JSON.stringify(kept, null, 2)}\n`);
  }
  const lines = differences(found, readList());
  for (const line of lines) console.log(line);
  console.log(
    Object.entries(counts(readList()))
      .map(([rule, n]) => `${rule} ${n}`)
      .join(', '),
  );
  process.exitCode = lines.length > 0 ? 1 : 0;
}
