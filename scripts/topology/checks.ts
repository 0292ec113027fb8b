import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Database } from '../../platform/database.ts';
import { effectsIn, type Effect } from '../chaos/points.ts';
import type { Receiver } from './receiver.ts';
import type { Observatory, Stage } from './stage.ts';
import type { Viewer } from './viewers.ts';

/** What is wrong, in words, and the figures that were looked at. */
export interface Look {
  problems: string[];
  figures: Record<string, number>;
}
type Entry = Effect & { at: number; kind: string; client: number | null };
export const effectsOf = ({ place }: Pick<Observatory, 'place'>): Entry[] =>
  effectsIn(join(place.simulatorDir, 'effects.jsonl')) as Entry[];

const sha256 = (path: string): string | null => {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return null;
  }
};
/** Frames that a Voyager took for its sequences, as it wrote them. */
function framesTaken(one: Observatory): { filename: string; source: string }[] {
  return effectsOf(one)
    .filter(({ effect, params }) => effect === 'exposure.done' && params.voy_type === 'SHOT')
    .map(({ params }) => {
      const parts = String(params.file).split('\\');
      const root = one.settings.SIM_WINDOWS_ROOT!.split('\\').length;
      return { filename: parts.at(-1)!, source: join(one.place.simulatorDir, 'fits', ...parts.slice(root)) };
    });
}

/** Every frame that a Voyager wrote is archived once, byte for byte. */
export async function lookAtFrames(stage: Stage, db: Database): Promise<Look> {
  const look: Look = { problems: [], figures: { taken: 0, archived: 0 } };
  for (const one of stage.observatories) {
    const rows = await db.frame.findMany({ where: { telescopeId: one.id, type: 'LIGHT', bookingId: { not: null } } });
    const taken = framesTaken(one);
    for (const { filename, source } of taken) {
      look.figures.taken!++;
      const mine = rows.filter((row) => row.filename === filename);
      if (mine.length !== 1) look.problems.push(`${one.id}: ${filename} has ${mine.length} rows`);
      const [row] = mine;
      if (!row) continue;
      if (row.state !== 'archived') look.problems.push(`${one.id}: ${filename} is ${row.state} (${row.reason ?? ''})`);
      const [first, kept] = [source, join(stage.places.data, 'observations', row.archivePath ?? '')].map(sha256);
      if (first === null || kept !== first || row.sha256 !== first)
        look.problems.push(`${one.id}: what is archived of ${filename} is not the file that Voyager wrote`);
      else look.figures.archived!++;
    }
    const paths = rows.flatMap(({ archivePath }) => archivePath ?? []);
    if (new Set(paths).size !== paths.length) look.problems.push(`${one.id}: one place in the archive for two frames`);
    if (rows.length > taken.length) look.problems.push(`${one.id}: more rows than frames`);
  }
  return look;
}

/** Nobody but one gateway commanded a telescope at a time, and nothing had its effect twice. */
export function lookAtCommands(stage: Stage): Look {
  const look: Look = { problems: [], figures: { commands: 0, connections: 0, repeated_with_effect: 0 } };
  for (const one of stage.observatories) {
    const open = new Set<number>();
    let newest = 0;
    for (const { effect, params, kind, client, repeated_effect: repeated } of effectsOf(one)) {
      if (effect === 'client.connected') {
        open.add(Number(params.client));
        look.figures.connections!++;
        if (open.size > 1) look.problems.push(`${one.id}: ${open.size} gateways were connected at once`);
      }
      if (effect === 'client.closed') open.delete(Number(params.client));
      if (kind === 'command' && client !== null) {
        look.figures.commands!++;
        if (client < newest) look.problems.push(`${one.id}: two gateways commanded it in turns`);
        newest = Math.max(newest, client);
      }
      if (repeated) look.figures.repeated_with_effect!++;
    }
  }
  if (look.figures.repeated_with_effect! > 0)
    look.problems.push(`${look.figures.repeated_with_effect} commands had the same effect twice`);
  return look;
}

/** Each booking ended as it should, with one settlement, a report, and events without a gap. */
export async function lookAtRows(db: Database, expected: ReadonlyMap<string, string>): Promise<Look> {
  const look: Look = { problems: [], figures: { sessions: expected.size, events: 0, settlements: 0 } };
  for (const [bookingId, phase] of expected) {
    const session = await db.session.findUnique({ where: { bookingId } });
    if (session?.phase !== phase)
      look.problems.push(`${bookingId} is ${session?.phase ?? 'gone'} (${session?.reason ?? ''}), not ${phase}`);
    if (!session?.reportPath) look.problems.push(`${bookingId} has no report`);
    const settlements = await db.settlement.count({ where: { bookingId } });
    if (settlements !== 1) look.problems.push(`${bookingId} has ${settlements} settlements`);
    look.figures.settlements! += settlements;
    const events = await db.event.findMany({ where: { bookingId }, orderBy: { seq: 'asc' }, select: { seq: true } });
    const counter = await db.eventCounter.findUnique({ where: { bookingId } });
    look.figures.events! += events.length;
    if (events.some(({ seq }, i) => seq !== i + 1) || counter?.seq !== events.length)
      look.problems.push(`${bookingId}: its events are not numbered 1 to ${counter?.seq} without a gap`);
  }
  return look;
}

const { EventType, WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;
/** Every history: no task that a build of ours could not replay, no run that failed. @param bad identities of the workers of the bad build */
export async function lookAtHistories(client: Client, bad: ReadonlySet<string>): Promise<Look> {
  const look: Look = { problems: [], figures: { histories: 0, history_events: 0, failed_by_bad_build: 0 } };
  const causes = WorkflowTaskFailedCause as unknown as Record<number, string>;
  for await (const { workflowId, runId, status } of client.workflow.list()) {
    look.figures.histories!++;
    if (['FAILED', 'TIMED_OUT', 'TERMINATED'].includes(status.name))
      look.problems.push(`${workflowId} ended as ${status.name}`);
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const { eventType, workflowTaskFailedEventAttributes: failed } of events ?? []) {
      look.figures.history_events!++;
      if (eventType !== EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED || !failed) continue;
      if (bad.has(failed.identity ?? '')) look.figures.failed_by_bad_build!++;
      else if (failed.cause === WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR)
        look.problems.push(`${workflowId}: a good build could not replay it (${failed.failure?.message ?? ''})`);
      else look.problems.push(`${workflowId}: a task failed, ${causes[failed.cause ?? 0]}: ${failed.failure?.message}`);
    }
  }
  return look;
}

/**
 * Every message came to the shop, those that it refused at first too, and none twice. One whose answer did not come in time is sent again, as its id
 * tells the shop: that is counted and no fault.
 */
export async function lookAtWebhooks(db: Database, receiver: Receiver): Promise<Look> {
  const rows = await db.outbox.findMany({ where: { channel: 'webhook' } });
  const unanswered = await db.delivery.groupBy({ by: ['outboxId'], where: { status: null }, _count: true });
  const mayRepeat = new Map(unanswered.map(({ outboxId, _count: times }) => [outboxId, times]));
  const problems: string[] = [];
  const open = rows.filter(({ deliveredAt }) => deliveredAt === null).length;
  if (open > 0) problems.push(`${open} webhooks were not delivered`);
  const known = new Set(rows.map(({ id }) => id));
  for (const { id } of rows) if (!receiver.taken.has(id)) problems.push(`webhook ${id} never came`);
  let again = 0;
  for (const [id, times] of receiver.taken) {
    if (!known.has(id)) problems.push(`webhook ${id} came and is in no outbox`);
    if (times > 1 + (mayRepeat.get(id) ?? 0)) problems.push(`webhook ${id} was taken ${times} times`);
    again += times - 1;
  }
  const figures = { webhooks: rows.length, webhooks_refused_once: receiver.refused, webhooks_sent_again: again };
  return { problems, figures };
}

/** Who watched knows every event, whatever was restarted. */
export async function lookAtViewers(db: Database, viewers: readonly Viewer[]): Promise<Look> {
  const counters = new Map((await db.eventCounter.findMany()).map(({ bookingId, seq }) => [bookingId, seq]));
  const problems: string[] = [];
  for (const viewer of viewers) {
    await viewer.repair();
    const wanted = counters.get(viewer.bookingId) ?? 0;
    if (viewer.known.size !== wanted)
      problems.push(`a viewer of ${viewer.bookingId} knows ${viewer.known.size} of ${wanted} events`);
  }
  const sum = (of: (viewer: Viewer) => number): number => viewers.reduce((total, viewer) => total + of(viewer), 0);
  return {
    problems,
    figures: {
      viewers: viewers.length,
      live_events: sum((v) => v.live),
      viewer_connections: sum((v) => v.connections),
    },
  };
}
