import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DefaultLogger, bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { projectPath } from '../../platform/paths.ts';

const FOLDERS = ['workflows', 'domain'];
const sources = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(folder, name));

/** The SDK keeps a stack for each promise of a workflow, for queries that no test asks: two fifths of the time of a replay. */
const WITHOUT_STACKS = 'Error.stackTraceLimit = 0; ';

/**
 * The bundle of a file of workflows, made once for all test files (five seconds of webpack): it is kept in `.cache` under the digest of
 * everything it may contain, so that a changed line of `workflows/`, `domain/` or beside the file makes another.
 */
export async function bundleOf(workflowsPath: string): Promise<WorkflowBundleWithSourceMap> {
  const hash = createHash('sha256').update(workflowsPath);
  const beside = readdirSync(dirname(workflowsPath))
    .filter((name) => name.includes('workflows') && name.endsWith('.ts'))
    .map((name) => join(dirname(workflowsPath), name));
  const contained = [...FOLDERS.flatMap((folder) => sources(projectPath(folder))), ...beside.sort()];
  for (const path of [projectPath('package-lock.json'), ...contained]) hash.update(path).update(readFileSync(path));
  const folder = projectPath('.cache', 'bundles');
  const file = join(folder, `${basename(workflowsPath, '.ts')}-${hash.digest('hex').slice(0, 16)}.js`);
  if (!existsSync(file)) {
    const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${file}.${process.pid}`, code);
    renameSync(`${file}.${process.pid}`, file);
  }
  return { code: WITHOUT_STACKS + readFileSync(file, 'utf8'), sourceMap: 'inline' };
}
