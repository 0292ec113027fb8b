import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { projectPath } from '../../platform/paths.ts';

/**
 * A Python that has these modules: the private one that `scripts/python-peers.sh` makes, else the system's; null where neither has.
 * Tests against other programs skip then, and say so.
 */
export function pythonWith(...modules: string[]): string | null {
  const own = projectPath('.cache', 'fits-venv', 'bin', 'python');
  for (const python of [...(existsSync(own) ? [own] : []), 'python3']) {
    const check = spawnSync(python, ['-c', modules.map((name) => `import ${name}`).join('\n')], {
      stdio: 'ignore',
      timeout: 60_000,
    });
    if (check.status === 0) return python;
  }
  console.warn(`SKIPPED: no Python with ${modules.join(', ')}; run scripts/python-peers.sh`);
  return null;
}
