import { duration, number } from '../core/format.ts';
import type { TelescopeState } from '../core/types.ts';
import type { Booking } from '../../../domain/contracts/booking.ts';
import { withoutEvidence } from '../../../domain/evidence.ts';
import { linkIn } from '../i18n/observatory.ts';
import { reasonIn, translate, type Locale } from '../i18n/index.ts';

/** A telescope's line on the operators' board. */
export interface BoardLine {
  id: string;
  name: string;
  tone: string;
  status: string;
  weather: string;
  booking: string;
  href: string;
  /** Where Voyager's own log of the session is; empty without one. */
  log: string;
  exposure: string;
  note: string;
  age: string;
}
const TONES: Partial<Record<string, string>> = { RUN: 'good', ERROR: 'danger', WARNING: 'warn' };

/** @param seen the state that came last, and when by the page's clock */
export function boardLine(
  telescope: { id: string; name: string },
  seen: { state: TelescopeState | null; atMs: number } | null,
  booking: Booking | null,
  { nowMs, locale }: { nowMs: number; locale: Locale },
): BoardLine {
  const say = (key: string): string => translate(locale, key);
  const since = seen ? (nowMs - seen.atMs) / 1000 : 0;
  const state = seen?.state ? withoutEvidence(seen.state, since) : null;
  const heard = state?.connection.connected === true;
  const age = state ? (state.connection.last_message_age_seconds ?? 0) + since : null;
  const unheard = seen?.state?.connection.connected === false ? 'header.disconnected' : 'header.unheard';
  const known = state !== null && state.weather.reason !== 'weather_unknown';
  return {
    ...telescope,
    tone: heard ? (TONES[state.voyager.status] ?? 'calm') : 'danger',
    status: say(heard ? `voyager.${state.voyager.status}` : unheard),
    weather: known ? say(`weather.${state.weather.state}`) : say('ui.unknown'),
    booking: booking
      ? `${booking.target.name} · ${heard ? '' : `${say('phase.unheard')} · `}${say(`phase.${booking.phase}`)}`
      : say('admin.free'),
    href: booking ? `/control/${encodeURIComponent(booking.id)}` : '',
    log: booking ? `/api/bookings/${encodeURIComponent(booking.id)}/logs?source=voyager&per_page=50` : '',
    exposure: exposureText(state, locale),
    note: noteOf(state, booking, locale),
    age: ageText(age, locale),
  };
}

/** What an operator wants to know first: why it waits, why the link is down, what Voyager complained of. */
function noteOf(state: TelescopeState | null, booking: Booking | null, locale: Locale): string {
  const link = state?.connection.reason ?? null;
  return [
    booking?.reason ? reasonIn(locale, booking.reason) : '',
    linkIn(locale, link) || (link ?? ''),
    state?.voyager.status === 'ERROR' ? (state.voyager.last_error ?? '') : '',
  ]
    .filter(Boolean)
    .join(' · ');
}
function exposureText(state: TelescopeState | null, locale: Locale): string {
  const e = state?.exposure;
  return e && e.status !== 'IDLE'
    ? `${e.filter ?? ''} ${number(e.elapsed_seconds, locale)}/${number(e.total_seconds, locale)} s`
    : '—';
}
function ageText(age: number | null, locale: Locale): string {
  if (age === null) return translate(locale, 'ui.age.none');
  return age < 5 ? translate(locale, 'ui.age.now') : translate(locale, 'ui.age', { age: duration(age) });
}
