import type { Booking, Target } from '../../domain/contracts/booking.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { formatDec, formatRa } from '../../domain/coordinates.ts';
import { sessionWorkflowId } from '../../domain/queues.ts';
import { laravelStatus, type HoldCause, type Outcome, type Phase } from '../../domain/phases.ts';
import { reasonText, type Locale, type Reason } from '../../domain/reasons.ts';
import { altAz } from '../../domain/sky.ts';
import type { Booking as BookingRow, Session, User } from '../../prisma/client/client.ts';
import { constraintsOf, creditsOf, shotsOf, targetOf, voyagerShotsOf } from '../../platform/booking-columns.ts';

export interface FullBooking {
  booking: BookingRow;
  session: Session | null;
  user: User | null;
}

const roundTo = (value: number, decimals: number): number => Math.round(value * 10 ** decimals) / 10 ** decimals;

/** Degrees, to a tenth; null where nobody said where the telescope stands. */
const altitudeAt = (telescope: Telescope | null, target: Target, at: Date): number | null =>
  telescope?.site ? roundTo(altAz(telescope.site, target.ra_hours, target.dec_degrees, at).altitudeDegrees, 1) : null;

/** Who booked, as far as the reader may know. */
function userOf({ booking, user }: FullBooking, person: boolean): Booking['user'] {
  const locale = (user?.locale ?? 'fr') as Locale;
  if (!person) return { ref: 'guest', locale };
  return {
    ref: booking.userRef,
    ...(user?.displayName ? { display_name: user.displayName } : {}),
    ...(user?.email ? { email: user.email } : {}),
    locale,
  };
}
function targetView({ booking }: FullBooking, telescope: Telescope | null): Booking['target'] {
  const target = targetOf(booking);
  return {
    name: target.name,
    ra_hours: target.ra_hours,
    dec_degrees: target.dec_degrees,
    pa_degrees: target.pa_degrees,
    ra_text: formatRa(target.ra_hours),
    dec_text: formatDec(target.dec_degrees),
    altitude_at_start_degrees: altitudeAt(telescope, target, booking.startsAt),
  };
}

/** The phase of a row whose workflow may not have written one yet. */
export const phaseOf = (session: { phase: string } | null): Phase => (session?.phase ?? 'scheduled') as Phase;

/** Where the session stands, and why. */
function standingOf(session: Session | null, locale: Locale) {
  const phase = phaseOf(session);
  const reason = (session?.reason ?? null) as Reason | null;
  return {
    phase,
    hold_cause: (session?.holdCause ?? null) as HoldCause | null,
    reason,
    reason_text: reason ? reasonText(reason, locale) : null,
    ...laravelStatus(phase),
    outcome: (session?.outcome ?? null) as Outcome | null,
  };
}
/** What the session has made so far: RoboTarget's objects, its times, its frames. */
function doneBy(session: Session | null) {
  return {
    voyager_set_guid: session?.setGuid ?? null,
    voyager_target_guid: session?.targetGuid ?? null,
    voyager_shots: voyagerShotsOf(session),
    session_started_at: session?.sessionStartedAt?.toISOString() ?? null,
    session_ended_at: session?.sessionEndedAt?.toISOString() ?? null,
    images_captured: session?.imagesCaptured ?? 0,
    session_stats: (session?.sessionStats ?? null) as Record<string, unknown> | null,
  };
}

/** A booking as every route answers it. `person` false leaves out who it is (spectators). */
export function toBooking(
  full: FullBooking,
  telescope: Telescope | null,
  view: { person: boolean; locale: Locale },
): Booking {
  const { booking, session } = full;
  return {
    id: booking.id,
    telescope_id: booking.telescopeId,
    workflow_id: sessionWorkflowId(booking.id),
    start: booking.startsAt.toISOString(),
    end: booking.endsAt.toISOString(),
    user: userOf(full, view.person),
    target: targetView(full, telescope),
    shots: shotsOf(booking),
    constraints: constraintsOf(booking),
    credits: creditsOf(booking),
    rebooked_from: booking.rebookedFrom,
    generation: booking.generation,
    ...standingOf(session, view.locale),
    ...doneBy(session),
    created_at: booking.createdAt.toISOString(),
    updated_at: new Date(Math.max(booking.updatedAt.getTime(), session?.updatedAt.getTime() ?? 0)).toISOString(),
  };
}

/** Changes when the booking itself is amended, not with each frame: what `If-Match` compares. */
export const bookingEtag = (row: { id: string; version: number }): string => `"${row.id}.${row.version}"`;

/** Language of sentences: `Accept-Language`, else the guest's own. */
export const localeOf = (acceptLanguage: string | undefined, fallback: Locale = 'fr'): Locale => {
  const first = /^\s*(fr|en)\b/i.exec(acceptLanguage ?? '')?.[1]?.toLowerCase();
  return (first as Locale | undefined) ?? fallback;
};
