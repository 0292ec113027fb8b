import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { temporal } from '@temporalio/proto';
import { DefaultLogger, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { finaliseWorkflowId, sessionWorkflowId } from '../../domain/queues.ts';
import { projectPath } from '../../platform/paths.ts';
import { atRest, nothingIsLeft } from '../../scripts/release/at-rest.ts';
import type { Stage } from './night.ts';
import { VirtualTemporal } from './virtual-temporal.ts';

export type History = temporal.api.history.v1.IHistory;
const folder = projectPath('workflows', '__histories__');

/** Keeps a history as a fixture of the replay gate: JSON, gzipped. Only on purpose (NOCTURNE_RECORD=1). */
export function recordHistory(name: string, history: History): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${name}.json.gz`, gzipSync(historyToJSON(history), { level: 9 }));
}
/**
 * The time-skipping server writes a broken history when an activity completes in the moment in which its cancellation is asked for: a started
 * workflow task that never ends. Such a history says nothing of our code and the SDK cannot read it.
 */
export function isWellFormed(history: History): boolean {
  const events = history.events ?? [];
  return events.every((event, i) => {
    const next = events[i + 1];
    if (!event.workflowTaskStartedEventAttributes || !next) return true;
    return Boolean(
      next.workflowTaskCompletedEventAttributes ??
      next.workflowTaskFailedEventAttributes ??
      next.workflowTaskTimedOutEventAttributes,
    );
  });
}

/** The recorded histories by name, as the JSON that the SDK replays. */
export function recordedHistories(): { name: string; json: unknown }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json.gz'))
    .sort()
    .map((file) => ({
      name: file.slice(0, -'.json.gz'.length),
      json: JSON.parse(gunzipSync(readFileSync(`${folder}/${file}`)).toString('utf8')) as unknown,
    }));
}

/** The SDK replays one history after another and mostly waits for its own threads: so many go side by side. */
const LANES = 3;

/** Replays histories with the workflow code of today; the error of each that does not pass, by its workflow id. */
export async function replayAll(
  bundle: WorkflowBundleWithSourceMap,
  histories: { workflowId: string; history: unknown }[],
): Promise<{ replayed: number; failed: Record<string, string> }> {
  const failed: Record<string, string> = {};
  let replayed = 0;
  const waiting = histories.values();
  async function* each(): AsyncGenerator<{ workflowId: string; history: never }> {
    for (const one of waiting) yield one as { workflowId: string; history: never };
  }
  const lane = async (): Promise<void> => {
    for await (const result of Worker.runReplayHistories({ workflowBundle: bundle, replayName: 'gate' }, each())) {
      replayed += 1;
      if (result.error) failed[result.workflowId] = result.error.message;
    }
  };
  await Promise.all(Array.from({ length: Math.min(LANES, histories.length) }, lane));
  return { replayed, failed };
}
/**
 * Replays histories of workflows that sleep, and looks whether the last task of each asks for what its history has and no more; the error of each
 * that does not pass.
 */
export async function replayAsleep(
  bundle: WorkflowBundleWithSourceMap,
  asleep: { workflowId: string; history: unknown }[],
): Promise<{ replayed: number; failed: Record<string, string> }> {
  const { replayed, failed } = await replayAll(
    bundle,
    asleep.map(({ workflowId, history }) => ({ workflowId, history: atRest(historyFromJSON(history)) })),
  );
  for (const { workflowId } of asleep) {
    const message = failed[workflowId];
    if (nothingIsLeft(message === undefined ? undefined : new Error(message))) delete failed[workflowId];
    else failed[workflowId] ??= 'the last task asks for a cancellation';
  }
  return { replayed, failed };
}
/** So many nights of a suite are replayed by `npm test`, spread over all of them; `npm run verify` and a recording take each. */
const DAILY_REPLAYS = 6;

/**
 * Replays what the nights of a suite have left behind, each session's first run (`latest`: its last) and the finalisations; keeps the sessions' as
 * fixtures when NOCTURNE_RECORD says what stands before their names, so that older ones stay.
 */
export async function replayNights(
  stage: Stage,
  latest = false,
): Promise<{ replayed: number; failed: Record<string, string> }> {
  // The virtual server has replayed its runs as they went, and a night in which one asked for something else did not end.
  if (stage.temporal instanceof VirtualTemporal) return { replayed: stage.temporal.replays, failed: {} };
  const record = process.env.NOCTURNE_RECORD;
  const { workflow } = stage.env.client;
  const histories: { workflowId: string; history: History }[] = [];
  const all = record !== undefined || process.env.NOCTURNE_LONG === '1';
  const stride = all ? 1 : Math.ceil(stage.nights.length / DAILY_REPLAYS);
  for (const night of stage.nights.filter((_, n) => n % stride === 0)) {
    const session = await workflow
      .getHandle(sessionWorkflowId(night.id), latest ? undefined : night.firstRunId!)
      .fetchHistory()
      .catch(() => null);
    const finalise = await workflow
      .getHandle(finaliseWorkflowId(night.id))
      .fetchHistory()
      .catch(() => null);
    if (session && isWellFormed(session)) {
      histories.push({ workflowId: sessionWorkflowId(night.id), history: session });
      if (record) recordHistory(`${record}.${night.id}`, session);
    }
    if (finalise && isWellFormed(finalise)) {
      histories.push({ workflowId: finaliseWorkflowId(night.id), history: finalise });
      if (record && night.id === 'quiet') recordHistory(`${record}.finalise`, finalise);
    }
  }
  return replayAll(stage.bundle, histories);
}
export const quietLogger = new DefaultLogger('ERROR');
