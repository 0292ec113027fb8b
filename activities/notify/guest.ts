import { timezoneOf } from '../../domain/contracts/telescope.ts';
import type { Preferences } from '../../domain/contracts/preferences.ts';
import type { MessageFacts } from '../../domain/messages/facts.ts';
import type { GuestChannel, GuestMessage } from '../../domain/messages/message.ts';
import { quietUntil } from '../../domain/quiet-hours.ts';
import type { Locale } from '../../domain/reasons.ts';
import { targetOf } from '../../platform/booking-columns.ts';
import { LINK_LIFE_MS, makeLink } from '../../platform/links.ts';
import { loadPreferences } from '../../platform/preferences.ts';
import { findTelescope } from '../../platform/telescopes.ts';
import type { Booking, User } from '../../prisma/client/client.ts';
import { notSent, type Delivered, type DeliveryDeps, type Row } from './outcome.ts';

/** The booking of a message and its guest, read when it is sent: addresses are kept nowhere else. */
export interface Guest {
  booking: Booking;
  user: User | null;
  preferences: Preferences;
  facts: Omit<MessageFacts, 'locale'>;
}

export async function guestOf(deps: DeliveryDeps, row: Row): Promise<Guest | null> {
  const { db } = deps;
  const booking = row.booking_id ? await db.booking.findUnique({ where: { id: row.booking_id } }) : null;
  if (!booking) return null;
  const [user, telescope, preferences] = await Promise.all([
    db.user.findUnique({ where: { ref: booking.userRef } }),
    findTelescope(db, booking.telescopeId),
    loadPreferences(db, booking.userRef),
  ]);
  return {
    booking,
    user: user && !user.erasedAt ? user : null,
    preferences,
    facts: {
      target: targetOf(booking).name,
      telescope: telescope?.name ?? booking.telescopeId,
      start: booking.startsAt,
      end: booking.endsAt,
      timezone: timezoneOf(telescope),
      data: row.data,
    },
  };
}

export const localeOf = (text: string | null | undefined): Locale => (text === 'en' ? 'en' : 'fr');

/** Why this message does not go to this guest on this channel now; null when it does. */
export function refusal(
  deps: DeliveryDeps,
  row: Row,
  message: GuestMessage,
  guest: Guest,
  channel: GuestChannel,
): Delivered | null {
  const { preferences } = guest;
  if (deps.config.LARAVEL_CHANNELS.includes(channel) || preferences.laravel.includes(channel))
    return notSent('the Laravel app tells the guest on this channel');
  const chosen = preferences.channels[channel];
  if (!message.always && (!chosen.on || chosen.off.includes(row.type))) return notSent('switched off by the guest');
  const now = deps.now?.() ?? Date.now();
  if (message.goodMinutes !== undefined && now - row.queued_at.getTime() > message.goodMinutes * 60_000)
    return notSent(`too late: it is true for ${message.goodMinutes} minutes`);
  if (message.quiet === 'pass') return null;
  const until = quietUntil(preferences.quiet_hours, preferences.timezone ?? guest.facts.timezone, new Date(now));
  if (!until) return null;
  return message.quiet === 'moment'
    ? notSent('quiet hours of the guest')
    : { ok: false, status: null, error: 'quiet hours of the guest', heldUntil: until };
}

export type GuestPage = 'control' | 'report' | 'preferences';

/** May do what a guest may do in their session; whom a letter was forwarded to may only look. */
const GUEST_SCOPES = ['session:view', 'session:control', 'session:abort'] as const;
const VIEWER_SCOPES = ['session:view'] as const;

/**
 * The address behind a guest's button: Laravel's own page where GUEST_URL_TEMPLATE says so, else ours with a link in the fragment, where no
 * server's log and no referrer sees it. Null where neither address is known.
 */
export async function pageUrl(
  deps: DeliveryDeps,
  row: Row,
  guest: Pick<Guest, 'booking'>,
  page: GuestPage,
  viewOnly = false,
): Promise<string | null> {
  const { config, db } = deps;
  const id = encodeURIComponent(guest.booking.id);
  if (config.GUEST_URL_TEMPLATE)
    return config.GUEST_URL_TEMPLATE.replaceAll('{booking_id}', id).replaceAll('{page}', page);
  if (!config.PUBLIC_URL) return null;
  const url = new URL(`/${page}/${id}`, config.PUBLIC_URL);
  if (!config.GATEWAY_SECRET) return url.toString();
  const life = Math.max(row.queued_at.getTime(), guest.booking.endsAt.getTime()) + LINK_LIFE_MS;
  const code = await makeLink(db, config.GATEWAY_SECRET, {
    key: `${row.id}${viewOnly ? '/view' : ''}`,
    bookingId: guest.booking.id,
    scopes: viewOnly ? VIEWER_SCOPES : GUEST_SCOPES,
    expiresAt: new Date(life),
  });
  url.hash = `link=${code}`;
  return url.toString();
}
