import { PRIORITY } from '../../domain/priority.ts';
import type { Client } from '@temporalio/client';
import { LATE_FRAMES_WORKFLOW, SIGNALS } from '../../domain/messages.ts';
import { FINAL_PHASES } from '../../domain/phases.ts';
import { QUEUE_FINALISE, lateFramesWorkflowId } from '../../domain/queues.ts';
import type { Database } from '../../platform/database.ts';
import { signalSession } from '../../platform/sessions.ts';
import { settledOnLess } from '../finalise/unsettled.ts';

const FINAL: string[] = [...FINAL_PHASES];

/** Frames that wait in the journal of a session, and more of the gateway's record than a night was settled on. */
export async function collectLate({
  db,
  temporal,
  now,
}: {
  db: Database;
  temporal: Client;
  now: () => number;
}): Promise<{ nudged: string[] }> {
  const waiting = await db.$queryRaw<
    { booking_id: string; telescope_id: string; phase: string; epoch: number; n: number }[]
  >`
    SELECT j.booking_id, j.telescope_id, s.phase, max(j.epoch)::int AS epoch, max(j.n)::int AS n
    FROM journal j JOIN sessions s ON s.booking_id = j.booking_id
    WHERE j.kind = 'frame' AND j.delivered_at IS NULL AND j.at < ${new Date(now() - 60_000)}
    GROUP BY 1, 2, 3 LIMIT 100`;
  const nudged: string[] = [];
  for (const row of waiting) {
    if (row.phase === 'finalising') continue;
    const { booking_id: bookingId, telescope_id: telescopeId } = row;
    if (FINAL.includes(row.phase)) await settleLate(temporal, bookingId, telescopeId);
    else {
      const upTo = { epoch: row.epoch, n: row.n };
      if ((await signalSession(temporal, bookingId, SIGNALS.framesWaiting, { upTo })) === 'gone') continue;
    }
    nudged.push(bookingId);
  }
  for (const { bookingId, telescopeId } of await settledOnLess(db, now())) {
    await settleLate(temporal, bookingId, telescopeId);
    nudged.push(bookingId);
  }
  return { nudged };
}

/** Frames, record and settlement of a session that is over, once more; one at a time per booking. */
export async function settleLate(temporal: Client, bookingId: string, telescopeId: string): Promise<void> {
  await temporal.workflow.start(LATE_FRAMES_WORKFLOW, {
    priority: PRIORITY.finalising,
    workflowId: lateFramesWorkflowId(bookingId),
    taskQueue: QUEUE_FINALISE,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ bookingId, telescopeId }],
  });
}
