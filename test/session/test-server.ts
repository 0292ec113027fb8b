import { existsSync } from 'node:fs';
import { projectPath } from '../../platform/paths.ts';

/** The time-skipping server's binary in the project's cache. */
export function testServerPath(): string {
  const path = projectPath('.cache', 'temporal', 'temporal-test-server');
  if (!existsSync(path)) throw new Error(`no time-skipping server at ${path}`);
  return path;
}
