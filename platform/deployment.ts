import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { QUEUE_FINALISE, QUEUE_SESSION } from '../domain/queues.ts';
import { DEPLOYMENT_NAME } from './build.ts';

/**
 * Which version of the worker gets the sessions. Only a deployer changes it (`npm run release`, and `npm start` for its own build), never a worker:
 * an old one that starts again would take the sessions back to old code.
 */
const Status = proto.temporal.api.enums.v1.WorkerDeploymentVersionStatus;
const NOT_FOUND = 5;
/**
 * A workflow task at this attempt has failed before. Each signal that comes in begins the count anew, so it seldom grows further. One that ran out of
 * time is slow at first, as all are while new workers replay every session at once.
 */
const ATTEMPTS = { failed: 2, timedOut: 4 };
const DESCRIBED_AT_ONCE = 20;
/** Among so many the last failure of a workflow task is looked for. */
const NEWEST_EVENTS = 20;

type Timestamp = { seconds?: { toString(): string } | null } | null | undefined;
const ms = (at: Timestamp): number => Number(at?.seconds?.toString() ?? 0) * 1000;

export interface Version {
  buildId: string;
  state: 'current' | 'ramping' | 'draining' | 'drained' | 'inactive';
  /** When it last got or lost work, in milliseconds since 1970. */
  changedAtMs: number;
}
export interface Deployment {
  current: string | null;
  ramping: { buildId: string; percent: number } | null;
  /** Newest first. */
  versions: Version[];
}

const STATES: Record<number, Version['state']> = {
  [Status.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT]: 'current',
  [Status.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING]: 'ramping',
  [Status.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING]: 'draining',
  [Status.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED]: 'drained',
};

/** The versions that Temporal has heard of; none before the first worker. */
export async function describeDeployment(client: Client): Promise<Deployment> {
  const { namespace } = client.options;
  try {
    const { workerDeploymentInfo: info } = await client.connection.workflowService.describeWorkerDeployment({
      namespace,
      deploymentName: DEPLOYMENT_NAME,
    });
    const { currentDeploymentVersion, rampingDeploymentVersion, rampingVersionPercentage } = info?.routingConfig ?? {};
    const ramping = rampingDeploymentVersion?.buildId;
    const versions = (info?.versionSummaries ?? []).map((one) => ({
      buildId: one.deploymentVersion?.buildId ?? '',
      state: STATES[one.status ?? 0] ?? 'inactive',
      createdMs: ms(one.createTime),
      changedAtMs: Math.max(ms(one.createTime), ms(one.routingUpdateTime), ms(one.lastDeactivationTime)),
    }));
    return {
      current: currentDeploymentVersion?.buildId || null,
      ramping: ramping ? { buildId: ramping, percent: rampingVersionPercentage ?? 0 } : null,
      versions: versions
        .sort((a, b) => b.createdMs - a.createdMs)
        .map(({ buildId, state, changedAtMs }) => ({ buildId, state, changedAtMs })),
    };
  } catch (thrown) {
    if ((thrown as { code?: number }).code !== NOT_FOUND) throw thrown;
    return { current: null, ramping: null, versions: [] };
  }
}

/** Repeats until Temporal takes it: a version is known from its workers' first polls on. @throws the server's error after `timeoutMs` */
async function insist(change: () => Promise<unknown>, timeoutMs: number): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; ;) {
    try {
      await change();
      return;
    } catch (thrown) {
      if (Date.now() > deadline) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

/** Makes a version the current one: sessions go over to it at their next event, and new ones begin with it. */
export const setCurrentVersion = (client: Client, buildId: string, timeoutMs = 20_000): Promise<void> =>
  insist(
    () =>
      client.connection.workflowService.setWorkerDeploymentCurrentVersion({
        namespace: client.options.namespace,
        deploymentName: DEPLOYMENT_NAME,
        buildId,
        ignoreMissingTaskQueues: true,
        identity: 'nocturne',
      }),
    timeoutMs,
  );

/** Gives a share of the sessions to a version, the same ones at each event; 0 takes all of them back to the current one. */
export const setRamp = (client: Client, buildId: string, percent: number, timeoutMs = 20_000): Promise<void> =>
  insist(
    () =>
      client.connection.workflowService.setWorkerDeploymentRampingVersion({
        namespace: client.options.namespace,
        deploymentName: DEPLOYMENT_NAME,
        buildId: percent > 0 ? buildId : '',
        percentage: percent,
        ignoreMissingTaskQueues: true,
        identity: 'nocturne',
      }),
    timeoutMs,
  );

/** The version that was the current one before: the one that lost its work last. */
export const previousVersion = ({ versions }: Deployment): string | null =>
  versions
    .filter(({ state }) => state === 'draining' || state === 'drained')
    .toSorted((a, b) => b.changedAtMs - a.changedAtMs)[0]?.buildId ?? null;

/** Versions that a worker has polled for within the last two minutes, on the queues of workflows. */
export async function polledVersions(client: Client): Promise<Set<string>> {
  const { namespace } = client.options;
  const found = new Set<string>();
  for (const name of [QUEUE_SESSION, QUEUE_FINALISE]) {
    const { pollers } = await client.connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name },
      taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    });
    for (const { lastAccessTime, deploymentOptions } of pollers ?? [])
      if (deploymentOptions?.buildId && ms(lastAccessTime) > Date.now() - 120_000) found.add(deploymentOptions.buildId);
  }
  return found;
}

/**
 * Workflows that a version cannot carry: ended by a failure under it since a time, or open with a workflow task that it fails again and again.
 * @returns their ids
 */
export async function failuresOf(client: Client, buildId: string, sinceMs: number): Promise<Set<string>> {
  const failed = new Set<string>();
  const ended = `TemporalWorkerDeploymentVersion = '${DEPLOYMENT_NAME}:${buildId}' AND ExecutionStatus IN ('Failed', 'TimedOut') AND CloseTime > '${new Date(sinceMs).toISOString()}'`;
  for await (const { workflowId } of client.workflow.list({ query: ended })) failed.add(workflowId);
  let page: Promise<void>[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query: `ExecutionStatus = 'Running'` })) {
    page.push(isStuck(client, { workflowId, runId }, buildId).then((stuck) => void (stuck && failed.add(workflowId))));
    if (page.length < DESCRIBED_AT_ONCE) continue;
    await Promise.all(page);
    page = [];
  }
  await Promise.all(page);
  return failed;
}
async function isStuck(
  client: Client,
  execution: { workflowId: string; runId: string },
  buildId: string,
): Promise<boolean> {
  const { pendingWorkflowTask, workflowExecutionInfo } = await client.connection.workflowService
    .describeWorkflowExecution({ namespace: client.options.namespace, execution })
    .catch((thrown: unknown) => {
      // Gone since it was listed. Whatever else kept it from us says nothing of how it is.
      if ((thrown as { code?: number }).code !== NOT_FOUND) throw thrown;
      return { pendingWorkflowTask: null, workflowExecutionInfo: null };
    });
  const attempt = pendingWorkflowTask?.attempt ?? 0;
  const at = workflowExecutionInfo?.versioningInfo;
  const version = (at?.versionTransition?.deploymentVersion ?? at?.deploymentVersion)?.buildId;
  if (attempt < ATTEMPTS.failed || version !== buildId) return false;
  return attempt >= ATTEMPTS.timedOut || !(await ranOutOfTime(client, execution));
}
/** Whether the last task that came to nothing was too slow, and did not fail. Attempts after the first leave no event. */
async function ranOutOfTime(client: Client, execution: { workflowId: string; runId: string }): Promise<boolean> {
  const { history } = await client.connection.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution,
    maximumPageSize: NEWEST_EVENTS,
  });
  const last = history?.events?.find(
    (e) => e.workflowTaskFailedEventAttributes ?? e.workflowTaskTimedOutEventAttributes,
  );
  return !!last?.workflowTaskTimedOutEventAttributes;
}
