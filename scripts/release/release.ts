import type { Client } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  describeDeployment,
  failuresOf,
  polledVersions,
  previousVersion,
  setCurrentVersion,
  setRamp,
} from '../../platform/deployment.ts';
import { UsageError, toError } from '../../platform/errors.ts';

export interface Watch {
  /** How long the new version's sessions are watched after each step. */
  seconds: number;
  everyMs: number;
}
export interface Outcome {
  /** false: taken back, because sessions failed under the new version. */
  stands: boolean;
  current: string | null;
  ramping: { buildId: string; percent: number } | null;
  /** Workflow ids that failed under the new version and did not before. */
  failed: string[];
}
type Report = (line: string) => void;

/** @throws UsageError when no worker of the version polls within `waitMs`: promoted, it would take the sessions and nobody would carry them */
export async function requireWorkers(client: Client, buildId: string, waitMs: number): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!(await polledVersions(client)).has(buildId)) {
    if (Date.now() > deadline)
      throw new UsageError(`No worker of version ${buildId} polls; start one beside the others first.`);
    await sleep(500);
  }
}

/** A worker that was killed costs one attempt of a step and is past at the next look; a build that cannot carry on is not. */
const LOOKS = 2;
/**
 * Watches the version for a time, and on while something fails that was seen only once.
 * @returns the workflows that fail under it and did not `before`; at once when there is one
 * @throws Error when Temporal did not answer the last look: nobody then knows how the version is
 */
async function watchVersion(
  client: Client,
  buildId: string,
  watch: Watch,
  since: { ms: number; before: ReadonlySet<string> },
): Promise<string[]> {
  const deadline = Date.now() + watch.seconds * 1000;
  const looks = new Map<string, number>();
  for (let late = 0; ;) {
    const over = Date.now() > deadline;
    const look = await failuresOf(client, buildId, since.ms).catch((thrown: unknown) => {
      if (!over) return null;
      const why = `${buildId} stands, but nobody knows how it is: Temporal did not answer (${toError(thrown).message}).`;
      throw new Error(`${why} Look with release -- status, or go back with release -- rollback.`, { cause: thrown });
    });
    const seen = [...(look ?? [])].filter((id) => !since.before.has(id));
    for (const id of seen) looks.set(id, (looks.get(id) ?? 0) + 1);
    const failed = seen.filter((id) => looks.get(id)! >= LOOKS);
    if (failed.length > 0 || (over && seen.length === 0)) return failed;
    // Something else fails at every look: that is no build to keep.
    if (over && ++late > LOOKS) return seen;
    await sleep(watch.everyMs);
  }
}

const outcome = async (client: Client, failed: string[]): Promise<Outcome> => {
  const { current, ramping } = await describeDeployment(client);
  return { stands: failed.length === 0, current, ramping, failed };
};

/** Gives the version its share of the sessions, and takes it away again when sessions fail under it. */
export async function ramp(
  client: Client,
  to: { buildId: string; percent: number; watch: Watch },
  report: Report,
): Promise<Outcome> {
  const { buildId, percent, watch } = to;
  const since = { ms: Date.now(), before: await failuresOf(client, buildId, Date.now()) };
  await setRamp(client, buildId, percent);
  report(percent > 0 ? `${percent} % of the sessions go to ${buildId}.` : 'All sessions go to the current version.');
  if (percent === 0) return outcome(client, []);
  const failed = await watchVersion(client, buildId, watch, since);
  if (failed.length > 0) {
    await setRamp(client, buildId, 0);
    report(`Taken back: ${failed.join(', ')} failed under ${buildId}.`);
  }
  return outcome(client, failed);
}

/** Makes the version the current one, and the one before again when sessions fail under it. */
export async function promote(client: Client, to: { buildId: string; watch: Watch }, report: Report): Promise<Outcome> {
  const { buildId, watch } = to;
  const { current: before } = await describeDeployment(client);
  const since = { ms: Date.now(), before: await failuresOf(client, buildId, Date.now()) };
  await setCurrentVersion(client, buildId);
  report(`${buildId} is the current version.`);
  if (before === null || before === buildId) return outcome(client, []);
  const failed = await watchVersion(client, buildId, watch, since);
  if (failed.length > 0) {
    await setCurrentVersion(client, before);
    report(`Taken back to ${before}: ${failed.join(', ')} failed under ${buildId}.`);
  }
  return outcome(client, failed);
}

/** Ends a ramp, else goes back to the version that was the current one before. @throws UsageError when nobody runs that one */
export async function rollback(client: Client, buildId: string | undefined, report: Report): Promise<Outcome> {
  const deployment = await describeDeployment(client);
  if (deployment.ramping && buildId === undefined) {
    await setRamp(client, deployment.ramping.buildId, 0);
    report(`All sessions go to ${deployment.current ?? 'no version'}.`);
    return outcome(client, []);
  }
  const to = buildId ?? previousVersion(deployment);
  if (to === null) throw new UsageError('There is no version to go back to.');
  if (!(await polledVersions(client)).has(to))
    throw new UsageError(`No worker of version ${to} polls: start one first, or nobody would carry the sessions.`);
  await setCurrentVersion(client, to);
  report(`${to} is the current version again.`);
  return outcome(client, []);
}
