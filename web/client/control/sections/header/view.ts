import { silentSeconds } from '../../../../../domain/evidence.ts';
import { clock, coordinate, dayAndTime, duration, number, span, UNKNOWN, zoneName } from '../../../core/format.ts';
import { reasonIn } from '../../../i18n/index.ts';
import { linkIn } from '../../../i18n/observatory.ts';
import type { Facts } from '../../facts.ts';
import { binningIn, short, textOr } from '../../wording.ts';

export const headerView = (facts: Facts) => ({
  ...phaseView(facts),
  ...slotView(facts),
  ...creditsView(facts),
  ...connectionView(facts),
  ...alertView(facts),
  telescopeName: facts.snapshot?.telescope_name ?? UNKNOWN,
  targetName: facts.snapshot?.target.name ?? UNKNOWN,
  targetPosition: facts.snapshot
    ? coordinate(`${facts.snapshot.target.ra_text} ${facts.snapshot.target.dec_text}`, facts.locale)
    : '',
  binning: binningIn(facts.binning),
  nextText: nextText(facts),
});

/** The headline; without news from the telescope it says that there is none, and where the booking stands. */
function phaseView({ snapshot: s, phase, unheard, given, since, locale, before, active, over, say }: Facts) {
  const flags = { before, active, over, paused: phase === 'holding' && s?.hold_cause === 'user' };
  const name = phase === 'holding' && s?.hold_cause ? say(`hold.${s.hold_cause}`) : say(`phase.${phase}`);
  if (unheard) {
    const silent = given ? silentSeconds(given, since) : null;
    return {
      ...flags,
      phase: 'unheard',
      phaseLabel: say('phase.unheard'),
      phaseSay: say('phase.unheard.say', {
        since: silent === null ? '' : say('phase.unheard.since', { age: duration(silent) }),
        phase: name,
      }),
      // A reason explains the phase; beside "no news" it would claim to explain what the telescope does.
      reason: '',
    };
  }
  return {
    ...flags,
    phase: phase as string,
    phaseLabel: s ? name : say('ui.loading'),
    phaseSay: s ? say(`phase.${phase}.say`) : '',
    reason: reasonIn(locale, s?.reason),
  };
}

function slotView(facts: Facts) {
  const { snapshot: s, startMs, endMs, nowMs, before, locale, zone } = facts;
  return {
    ...clockView(facts),
    elapsed: span(facts.elapsedSeconds),
    remaining: span(facts.remainingSeconds),
    countdown: before ? span((startMs - nowMs) / 1000) : '',
    slotPercent: endMs > startMs ? Math.max(0, Math.min(100, (100 * (nowMs - startMs)) / (endMs - startMs))) : 0,
    slotText: s
      ? `${dayAndTime(s.start, locale, zone)} – ${clock(s.end, locale, zone, false)} ${zoneName(s.start, locale, zone)}`
      : '',
  };
}

/** The large clock: to the start, to the end, and then when it ended. */
function clockView({ snapshot: s, before, over, startMs, nowMs, remainingSeconds, locale, zone, say }: Facts) {
  if (before) return { clockLabel: say('header.startsIn'), clockValue: span((startMs - nowMs) / 1000) };
  if (over) {
    const ended = clock(s?.session_ended_at ?? s?.end, locale, zone, false);
    return { clockLabel: say('header.ended'), clockValue: ended };
  }
  return { clockLabel: say('header.remaining'), clockValue: span(remainingSeconds) };
}

function creditsView({ snapshot: s, locale, say }: Facts) {
  if (!s) return { credits: UNKNOWN, refund: '', refundWhy: '' };
  const charged = short(s.credits.charged, locale);
  return {
    credits:
      s.credits.refund === null
        ? say('header.creditsCharged', { charged })
        : say('header.creditsOf', { used: short(s.credits.used, locale), charged }),
    refund: s.credits.refund ? say('header.refund', { refund: number(s.credits.refund, locale, 2) }) : '',
    refundWhy: s.credits.explanation?.[locale] ?? '',
  };
}

/** The telescope's link: green for fresh evidence alone, red where the gateway itself says that the link is down. */
function connectionView({ snapshot, over, connected, given, say }: Facts) {
  const is = (text: string, connectedTone: string) => ({ connected, connectedText: text, connectedTone });
  if (snapshot === null || over) return is('', 'dim');
  if (connected) return is(say('header.connected'), 'good');
  return given && !given.connection.connected
    ? is(say('header.disconnected'), 'danger')
    : is(say('header.unheard'), 'dim');
}

function alertView({ telescope: t, over, connected, locale, say }: Facts) {
  const alert = (text: string, alertTone: string) => ({ alert: text, alertTone });
  if (!t) return alert('', '');
  if (t.voyager.emergency) return alert(say('banner.emergency'), 'danger');
  if (!over && !connected)
    return alert([say('banner.gateway'), linkIn(locale, t.connection.reason)].filter(Boolean).join(' · '), 'warn');
  return t.read_only ? alert(say('banner.readonly'), 'info') : alert('', '');
}

function nextText({ snapshot, locale, zone, say }: Facts): string {
  if (!snapshot?.next) return '';
  const { what, at } = snapshot.next;
  const colon = locale === 'fr' ? ' :' : ':';
  return `${say('next.label')}${colon} ${textOr(`next.${what}`, what, locale)} · ${clock(at, locale, zone, false)}`;
}
