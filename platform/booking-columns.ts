import type { BookingRequest, VoyagerShot } from '../domain/contracts/booking.ts';
import type { PlannedLine } from '../domain/plan-progress.ts';
import type { Booking, Session } from '../prisma/client/client.ts';

/**
 * The columns of JSON of a booking and of its session, with the types in which they are written. The api checks a plan before it is stored
 * (domain/contracts/booking.ts), so nothing is checked again here.
 */
type Plan = Pick<BookingRequest, 'target' | 'shots' | 'constraints' | 'credits'>;

export const targetOf = ({ target }: Pick<Booking, 'target'>): Plan['target'] => target as unknown as Plan['target'];
export const shotsOf = ({ shots }: Pick<Booking, 'shots'>): Plan['shots'] =>
  Array.isArray(shots) ? (shots as unknown as Plan['shots']) : [];
export const constraintsOf = ({ constraints }: Pick<Booking, 'constraints'>): Plan['constraints'] =>
  constraints as unknown as Plan['constraints'];
export const creditsOf = ({ credits }: Pick<Booking, 'credits'>): Plan['credits'] =>
  credits as unknown as Plan['credits'];
/** What a guest has ordered: where, what, within which limits, for how much. */
export const planOf = (row: Pick<Booking, keyof Plan>): Plan => ({
  target: targetOf(row),
  shots: shotsOf(row),
  constraints: constraintsOf(row),
  credits: creditsOf(row),
});

/** The shots as they stand in Voyager; null before they were made. */
export const voyagerShotsOf = (session: Pick<Session, 'voyagerShots'> | null): VoyagerShot[] | null =>
  Array.isArray(session?.voyagerShots) ? (session.voyagerShots as unknown as VoyagerShot[]) : null;
/** Exposures that RoboTarget has counted so far, by the GUID of their shot. */
export const doneOf = (session: Pick<Session, 'progress'> | null): Record<string, number> =>
  (session?.progress as { done?: Record<string, number> } | null)?.done ?? {};
/** The plan line by line, each with its shot in Voyager. */
export const linesOf = (
  booking: Pick<Booking, 'shots'>,
  session: Pick<Session, 'voyagerShots'> | null,
): PlannedLine[] => {
  const made = voyagerShotsOf(session);
  return shotsOf(booking).map(({ filter, exposure_seconds, quantity, binning, type }, i) => ({
    guid: made?.[i]?.guid ?? null,
    filter,
    exposure_seconds,
    quantity,
    binning,
    type,
  }));
};
/** Exposures counted so far by shot: at the last check, else when the shots were read back. */
export const countedOf = (session: Pick<Session, 'voyagerShots' | 'progress'> | null): Record<string, number> => ({
  ...Object.fromEntries((voyagerShotsOf(session) ?? []).map(({ guid, done }) => [guid, done])),
  ...doneOf(session),
});
