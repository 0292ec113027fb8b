import { FINAL_PHASES } from '../../domain/phases.ts';
import type { Database } from '../../platform/database.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';

const DAY_MS = 86_400_000;

const listed = (groups: { name: string; n: number }[]): string =>
  groups.length === 0
    ? 'none'
    : groups
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map((g) => `${g.name} ${g.n}`)
        .join(', ');
const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** What operators want to know of the last day and the next: a sentence a line. */
async function linesOf(db: Database, nowMs: number): Promise<string[]> {
  const since = new Date(nowMs - DAY_MS);
  const [ended, soon, holding, frames, waiting, dead, alerts] = await Promise.all([
    db.session.groupBy({
      by: ['phase'],
      where: { phase: { in: [...FINAL_PHASES] }, updatedAt: { gte: since }, booking: { endsAt: { gte: since } } },
      _count: { _all: true },
    }),
    db.booking.count({
      where: { occupies: true, startsAt: { gte: new Date(nowMs), lt: new Date(nowMs + DAY_MS) } },
    }),
    db.session.findMany({ where: { phase: 'holding' }, select: { bookingId: true, reason: true }, take: 10 }),
    db.frame.groupBy({
      by: ['state'],
      where: { seenAt: { gte: since }, state: { in: ['archived', 'rejected', 'missing', 'pending'] } },
      _count: { _all: true },
    }),
    db.outbox.count({ where: { deliveredAt: null, deadAt: null } }),
    db.outbox.count({ where: { unsent: false, deadAt: { gte: since } } }),
    db.timeline.count({ where: { event: 'operator_alert', at: { gte: since } } }),
  ]);
  return [
    `Sessions that ended in the last day: ${listed(ended.map((g) => ({ name: g.phase, n: g._count._all })))}.`,
    `Sessions that begin in the next day: ${soon}.`,
    ...holding.map((s) => `${s.bookingId} holds: ${s.reason ?? 'no reason given'}.`),
    `Frames of the last day: ${listed(frames.map((g) => ({ name: g.state, n: g._count._all })))}.`,
    `Messages: ${waiting} waiting, ${dead} given up in the last day.`,
    `${plural(alerts, 'alert')} in the last day.`,
  ];
}

/** Writes the letter of health of the day; a second one of the same day is the same letter. */
export async function tellHealth(db: Database, nowMs: number): Promise<{ lines: string[] }> {
  const lines = await linesOf(db, nowMs);
  const day = new Date(nowMs).toISOString().slice(0, 10);
  await db.$transaction((tx) =>
    enqueueOutbox(tx, {
      key: `health/${day}`,
      type: 'operator.health',
      bookingId: null,
      telescopeId: null,
      data: {
        audience: 'operator',
        reason: `health of ${day}`,
        message: lines.join('\n'),
        severity: 'info',
        at: new Date(nowMs).toISOString(),
      },
      channels: ['operator'],
    }),
  );
  return { lines };
}
