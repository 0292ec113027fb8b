import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { projectPath } from '../../platform/paths.ts';
import { ok, problem, skipped, type Finding } from '../doctor/finding.ts';

const FOLDERS = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  projectPath('.cache', 'fits-venv', 'bin'),
];

/** Where a program is, or null. */
export const program = (name: string): string | null =>
  FOLDERS.filter(Boolean)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path)) ?? null;

/**
 * What a tool says of files: it ran and was content, or not, or it is not here.
 * @param complaint what in its words is a refusal, for a tool that ends with 0 all the same
 */
export function ask(what: string, name: string, args: readonly string[], complaint?: RegExp): Finding {
  const path = program(name);
  if (!path) return skipped(what, `${name} is not installed`);
  const { status, stdout, stderr, error } = spawnSync(path, args, { encoding: 'utf8', timeout: 60_000 });
  const said = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim();
  return status === 0 && !complaint?.test(said)
    ? ok(what, `${name} is content`)
    : problem(what, `${name}: ${said.slice(-2_000)}`, 'Mend the file that it names.');
}

/** Does something with a folder that is gone afterwards. */
export function withFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-deploy-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
