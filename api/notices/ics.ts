import ical, { ICalCalendarMethod, ICalEventBusyStatus, ICalEventStatus, type ICalEventData } from 'ical-generator';
import { isFinal, type Phase } from '../../domain/phases.ts';
import { REASONS, type Locale, type Reason } from '../../domain/reasons.ts';
import type { Booking, Calendar, Session } from '../../prisma/client/client.ts';
import type { Deps } from '../deps.ts';
import { targetOf } from '../../platform/booking-columns.ts';
import { phaseOf } from '../bookings/view.ts';

const DAY_MS = 86_400_000;
/** A feed reaches so far back and has so many bookings at most. */
const BACK_MS = 90 * DAY_MS;
const MOST = 1_000;

const PHASES: Record<Phase, Record<Locale, string>> = {
  scheduled: { fr: 'réservée', en: 'booked' },
  preparing: { fr: 'en préparation', en: 'being prepared' },
  prepared: { fr: 'prête', en: 'ready' },
  starting: { fr: 'démarre', en: 'starting' },
  running: { fr: 'en cours', en: 'observing' },
  holding: { fr: 'en pause', en: 'on hold' },
  finalising: { fr: 'se termine', en: 'finishing' },
  completed: { fr: 'terminée', en: 'completed' },
  weathered_out: { fr: 'perdue par la météo', en: 'lost to the weather' },
  aborted: { fr: 'arrêtée', en: 'stopped' },
  failed: { fr: 'impossible', en: 'failed' },
  cancelled: { fr: 'annulée', en: 'cancelled' },
};
/** Nothing will be observed in that slot any more. */
const OFF: readonly Phase[] = ['cancelled', 'weathered_out', 'failed'];

type Row = Booking & { session: Session | null };

/** The feed as iCalendar (RFC 5545). The event of a booking keeps its UID through every change, and its SEQUENCE grows with each. */
export async function writeCalendar(deps: Deps, calendar: Calendar): Promise<string> {
  const of = { guest: { userRef: calendar.subject }, telescope: { telescopeId: calendar.subject }, operator: {} };
  const rows = await deps.db.booking.findMany({
    where: { ...of[calendar.kind as keyof typeof of], endsAt: { gte: new Date(deps.now() - BACK_MS) } },
    include: { session: true },
    orderBy: { startsAt: 'asc' },
    take: MOST,
  });
  const telescopes = new Map((await deps.telescopes.list()).map((one) => [one.id, one]));
  const locale: Locale = calendar.locale === 'en' ? 'en' : 'fr';
  const feed = ical({
    name: calendar.kind === 'guest' ? 'nocturne' : `nocturne ${calendar.subject}`,
    prodId: { company: 'nocturne', product: 'sessions', language: locale.toUpperCase() },
    method: ICalCalendarMethod.PUBLISH,
    ttl: 900,
  });
  for (const row of rows) {
    const telescope = telescopes.get(row.telescopeId);
    feed.createEvent({
      ...eventOf(row, locale, calendar.kind === 'guest'),
      location: telescope?.name ?? row.telescopeId,
    });
  }
  return feed.toString();
}

/** A session that ended early has left the slot's rest free. */
function endOf({ session, startsAt, endsAt }: Row, phase: Phase): Date {
  const ended = session?.sessionEndedAt;
  return isFinal(phase) && ended && ended < endsAt && ended > startsAt ? ended : endsAt;
}
function eventOf(row: Row, locale: Locale, isGuest: boolean): ICalEventData {
  const phase = phaseOf(row.session);
  const isOff = OFF.includes(phase);
  const reason = row.session?.reason;
  const why = reason && Object.hasOwn(REASONS, reason) ? REASONS[reason as Reason][locale] : '';
  const { name } = targetOf(row);
  const state = PHASES[phase][locale];
  return {
    id: `${row.id}@nocturne`,
    sequence: row.version + (row.session?.transition ?? 0),
    start: row.startsAt,
    end: isOff ? row.endsAt : endOf(row, phase),
    stamp: row.session?.updatedAt ?? row.updatedAt,
    created: row.createdAt,
    lastModified: row.session?.updatedAt ?? row.updatedAt,
    // Of other people's sessions an operator sees the booking, never the person.
    summary: isGuest ? `${name} (${state})` : `${row.id}: ${name} (${state})`,
    description: [why, isGuest ? '' : row.telescopeId].filter(Boolean).join('\n'),
    status: isOff ? ICalEventStatus.CANCELLED : ICalEventStatus.CONFIRMED,
    busystatus: isOff ? ICalEventBusyStatus.FREE : ICalEventBusyStatus.BUSY,
  };
}
