import { bundleWorkflowCode } from '@temporalio/worker';
import { writeFile } from 'node:fs/promises';
import { bundlePath } from '../platform/build.ts';
import { workflowsPath } from './options.ts';

/** Bundles the workflow code once, at build time, into dist/workflow-bundle.js; returns where. */
export async function buildBundle(outFile = bundlePath()): Promise<string> {
  const { code } = await bundleWorkflowCode({ workflowsPath: workflowsPath() });
  await writeFile(outFile, code);
  return outFile;
}
