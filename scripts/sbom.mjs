/**
 * `npm run -s sbom`: all that production installs, as CycloneDX 1.5 on stdout. npm's own `--omit dev` also leaves out what a tool of
 * development needs as well (it names neither zod nor Temporal's SDK), so the whole list is asked for and reduced here.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { name, version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const bom = JSON.parse(
  execFileSync(
    'npm',
    ['sbom', '--package-lock-only', '--offline', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    },
  ),
);
const own = bom.metadata.component;
const needs = new Map(bom.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
const nameOf = new Map(bom.components.map((one) => [one['bom-ref'], one.name]));
const ours = needs.get(own['bom-ref']).filter((ref) => Object.hasOwn(dependencies, nameOf.get(ref)));
const reached = new Set();
for (const open = [...ours]; open.length > 0;) {
  const ref = open.pop();
  if (reached.has(ref)) continue;
  reached.add(ref);
  open.push(...(needs.get(ref) ?? []));
}
const isDevelopment = (one) => one.name === 'cdx:npm:package:development';
bom.metadata.component = { ...own, name, version };
bom.components = bom.components
  .filter((one) => reached.has(one['bom-ref']))
  .map((one) => ({ ...one, properties: (one.properties ?? []).filter((property) => !isDevelopment(property)) }));
bom.dependencies = [
  { ref: own['bom-ref'], dependsOn: ours },
  ...bom.dependencies.filter(({ ref }) => reached.has(ref)),
];
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);
