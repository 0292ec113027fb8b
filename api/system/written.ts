import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectPath } from '../../platform/paths.ts';

/** What stands in a written contract for what each installation sets itself. */
export const PLACES = { server: 'https://server.invalid', key: 'key-of-nobody' } as const;
export type Contract = 'openapi.json' | 'asyncapi.json';
/** Where the build leaves the two contracts, so that a process that starts need not make them. */
export const contractFile = (name: Contract): string => projectPath('dist', name);

/** A contract as the build has written it; null where the code that runs is not the build's, or lacks it. */
export function writtenContract(name: Contract, place: string, value: string): string | null {
  if (!fileURLToPath(import.meta.url).startsWith(join(projectPath('dist'), '/'))) return null;
  try {
    const text = readFileSync(contractFile(name), 'utf8');
    return text.replaceAll(place, JSON.stringify(value).slice(1, -1));
  } catch {
    return null;
  }
}
