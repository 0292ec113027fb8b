import type { LedgerInterval } from './contracts/ledger.ts';
import type { Telescope } from './contracts/telescope.ts';
import { buildLedger, type LedgerSpan } from './ledger.ts';

/** What others than the session knew of its slot. */
export interface Recorded {
  /** What kept it from observing. */
  spans: readonly LedgerSpan[];
  /** Where nobody knows anything. */
  silent: readonly LedgerSpan[];
  /** Where the gateway saw that nothing was unsafe. */
  clear: readonly Period[];
}
/** Milliseconds since 1970, half open. */
export interface Period {
  fromMs: number;
  toMs: number;
}

/** What a session that is there would have done after its hold: look within the one, and see the weather stay good for the other. */
export interface Patience {
  checkSeconds: number;
  debounceSeconds: number;
}
export const patienceOf = ({ weather, policy }: Pick<Telescope, 'weather' | 'policy'>): Patience => ({
  debounceSeconds: weather.resume_debounce_seconds,
  checkSeconds: policy.check_interval,
});

const iso = (ms: number): string => new Date(ms).toISOString();

/**
 * The seconds of a slot from the session's own word, the exposures and what the gateway wrote down. A hold that nobody of ours was there to end stops
 * where the record shows good sky; what was not exposed from then on is the wait for lasting good weather, and then our outage.
 */
export function nightLedger(
  slot: { start: string; end: string },
  own: { spans: readonly LedgerSpan[]; imaging: readonly LedgerSpan[] },
  { spans: recorded, silent, clear }: Recorded,
  patience: Patience,
): LedgerInterval[] {
  const first = own.spans.find((span) => span.class !== 'other')?.start ?? slot.end;
  const held = own.spans.map((span) => {
    const late = span.class === 'unsafe' ? overheld(slot, span, clear, patience) : [];
    return { spans: late.length > 0 ? without(slot, span, late) : [span], instead: instead(span, late, patience) };
  });
  const all = [...held.flatMap(({ spans }) => spans), ...own.imaging, ...recorded];
  const unknown = [...held.flatMap((h) => h.instead), ...silent.filter((span) => span.end! > first)];
  return buildLedger(slot, [...all, ...whereUnproven(unknown, buildLedger(slot, all))]);
}

const endOf = (span: LedgerSpan, slot: { end: string }): number => Date.parse(span.end ?? slot.end);

/** The periods in which a hold for what is unsafe stood although the record shows none of it, for longer than a session that is there takes to look. */
function overheld(
  slot: { end: string },
  span: LedgerSpan,
  clear: readonly Period[],
  { checkSeconds }: Patience,
): Period[] {
  return clear.flatMap((seen): Period[] => {
    const fromMs = Math.max(Date.parse(span.start), seen.fromMs);
    const toMs = Math.min(endOf(span, slot), seen.toMs);
    return toMs - fromMs > checkSeconds * 1000 ? [{ fromMs, toMs }] : [];
  });
}

/** What stands in the place of such periods. After an emergency nobody waits for the weather. */
function instead({ cause }: LedgerSpan, late: readonly Period[], { debounceSeconds }: Patience): LedgerSpan[] {
  const waitMs = cause === 'voyager_emergency' ? 0 : debounceSeconds * 1000;
  return late.flatMap(({ fromMs, toMs }): LedgerSpan[] => {
    const goodMs = Math.min(fromMs + waitMs, toMs);
    return [
      { class: 'weather_hold', cause: 'weather_debounce', start: iso(fromMs), end: iso(goodMs) },
      { class: 'outage', cause: 'internal_error', start: iso(goodMs), end: iso(toMs) },
    ];
  });
}

/** A span's parts outside of the periods, which are in order of time. */
function without(slot: { end: string }, span: LedgerSpan, periods: readonly Period[]): LedgerSpan[] {
  const parts: LedgerSpan[] = [];
  let at = Date.parse(span.start);
  for (const { fromMs, toMs } of periods) {
    if (toMs <= at || fromMs >= endOf(span, slot)) continue;
    if (fromMs > at) parts.push({ ...span, start: iso(at), end: iso(fromMs) });
    at = toMs;
  }
  if (at < endOf(span, slot)) parts.push({ ...span, start: iso(at), end: span.end });
  return parts;
}

/** The parts of `claims` that fall on seconds which nobody proved: no exposure, no hold, nothing but our word. */
export function whereUnproven(claims: readonly LedgerSpan[], ledger: readonly LedgerInterval[]): LedgerSpan[] {
  const unproven = ledger.filter((i) => i.class === 'overhead' || i.class === 'other');
  return claims.flatMap((span) =>
    unproven.flatMap((i): LedgerSpan[] => {
      const start = span.start > i.start ? span.start : i.start;
      const end = span.end === null || span.end > i.end ? i.end : span.end;
      return start < end ? [{ ...span, start, end }] : [];
    }),
  );
}
