import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { projectPath } from './paths.ts';

/** All workers of ours are versions of one Worker Deployment. */
export const DEPLOYMENT_NAME = 'nocturne';
export const bundlePath = (): string => projectPath('dist', 'workflow-bundle.js');

/** Package version and the start of the bundle's sha256: another build of the workflow code is another version. */
export function buildId(): string {
  const { version } = JSON.parse(readFileSync(projectPath('package.json'), 'utf8')) as { version: string };
  const hash = existsSync(bundlePath())
    ? createHash('sha256').update(readFileSync(bundlePath())).digest('hex').slice(0, 12)
    : 'source';
  return `${version}+${hash}`;
}
