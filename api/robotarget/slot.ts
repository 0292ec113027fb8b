import type { RoboTargetRequest } from '../../domain/ports.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { overlaps, type RoboTargetReads, windowsMadeRunnable } from '../../domain/robotarget-window.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { voyagerShotsOf } from '../../platform/booking-columns.ts';

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** One read or write of RoboTarget, without who asks and where. */
export type RoboTargetCall = DistributiveOmit<RoboTargetRequest, 'telescopeId' | 'commandId' | 'requestedBy'>;
export type RoboTargetRead = Extract<RoboTargetCall, { op: 'list' | 'get' }>;
export type RoboTargetWrite = Exclude<RoboTargetCall, RoboTargetRead>;

/** A slot that runs or begins within the turnaround, and the objects of its session. */
interface Near {
  bookingId: string;
  start: Date;
  end: Date;
  guids: Set<string>;
}

/**
 * An edit by hand is refused only where it could run or stop something within a slot that runs, or within the turnaround before it: on
 * objects of that session, and where it makes something runnable that is not bound to another time. Other nights' objects are free.
 * @throws Problem `conflict` naming the slot
 */
export async function refuseDisturbance(
  deps: Deps,
  telescope: Telescope,
  call: RoboTargetWrite,
  reads: RoboTargetReads,
): Promise<void> {
  const turnaroundMs = telescope.policy.turnaround_minutes * 60_000;
  const slots = await slotsNear(deps, telescope.id, turnaroundMs);
  const theirs = slots.find((slot) => touches(call, slot.guids));
  if (theirs) throw conflict(theirs, 'This object belongs to its session.');
  if (slots.length === 0) return;
  const windows = await windowsMadeRunnable(call, reads).catch(() => null);
  for (const slot of slots) {
    const [fromMs, toMs] = [slot.start.getTime() - turnaroundMs, slot.end.getTime()];
    if (windows === null) throw conflict(slot, 'RoboTarget could not be read, so nobody knows what this would start.');
    if (windows.some((window) => overlaps(window, fromMs, toMs)))
      throw conflict(slot, 'This would let a target run that is not bound to another time (C_DateStart, C_DateEnd).');
  }
}

async function slotsNear(deps: Deps, telescopeId: string, turnaroundMs: number): Promise<Near[]> {
  const now = deps.now();
  const near = await deps.db.booking.findMany({
    where: {
      telescopeId,
      occupies: true,
      startsAt: { lte: new Date(now + turnaroundMs) },
      endsAt: { gt: new Date(now) },
    },
    orderBy: { startsAt: 'asc' },
    take: 5,
    include: { session: true },
  });
  return near.map(({ id, startsAt, endsAt, session }) => {
    const shots = voyagerShotsOf(session) ?? [];
    const guids = [session?.setGuid, session?.targetGuid, ...shots.map((shot) => shot.guid)];
    return {
      bookingId: id,
      start: startsAt,
      end: endsAt,
      guids: new Set(guids.flatMap((guid) => (guid ? [guid.toLowerCase()] : []))),
    };
  });
}

/** Is it an object of the session, or one within its set or target? */
function touches(call: RoboTargetWrite, guids: ReadonlySet<string>): boolean {
  const body = 'body' in call ? call.body : {};
  return [call.guid, body.RefGuidSet, body.RefGuidTarget].some(
    (guid) => typeof guid === 'string' && guids.has(guid.toLowerCase()),
  );
}

function conflict(slot: Near, why: string): Problem {
  const [start, end] = [slot.start.toISOString(), slot.end.toISOString()];
  return new Problem('conflict', `Booking ${slot.bookingId} has the telescope from ${start} to ${end}. ${why}`, {
    conflict: { booking_id: slot.bookingId, start, end },
  });
}
