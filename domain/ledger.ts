import { LEDGER_CLASSES, type LedgerClass, type LedgerInterval } from './contracts/ledger.ts';

/**
 * Where every second of a slot went (docs/credits.md). Half-open intervals in whole seconds that cover the slot without gap or overlap;
 * where causes overlap the class that stands earlier in LEDGER_CLASSES takes the second.
 */

/** A span of time with its class; instants are ISO 8601, `end` null means up to the slot's end. */
export interface LedgerSpan {
  class: LedgerClass;
  start: string;
  end: string | null;
  cause: string | null;
}

const rank = new Map<LedgerClass, number>(LEDGER_CLASSES.map((name, i) => [name, i]));
const floorSecond = (iso: string): number => Math.floor(Date.parse(iso) / 1000);
const iso = (second: number): string => new Date(second * 1000).toISOString();

/**
 * The ledger of [start, end): spans are cut to the slot and to whole seconds (both ends rounded down, so that neighbours stay neighbours),
 * the strongest cause wins, the stronger of two equals is the one given first, and what nobody claims is `other`.
 * @throws RangeError when the slot is empty or an instant is not a time.
 */
export function buildLedger(slot: { start: string; end: string }, spans: readonly LedgerSpan[]): LedgerInterval[] {
  const from = floorSecond(slot.start);
  const to = floorSecond(slot.end);
  if (!Number.isFinite(from) || !Number.isFinite(to) || to <= from)
    throw new RangeError(`ledger: slot ${slot.start} to ${slot.end} is empty`);
  const cut = spans
    .map((span, order) => {
      const start = Math.max(from, floorSecond(span.start));
      const end = Math.min(to, span.end === null ? to : floorSecond(span.end));
      if (Number.isNaN(start) || Number.isNaN(end))
        throw new RangeError(`ledger: span ${span.start} to ${span.end} is not a time`);
      return { start, end, class: span.class, cause: span.cause, rank: rank.get(span.class)!, order };
    })
    .filter((span) => span.end > span.start);

  const starts = [...cut].sort((a, b) => a.start - b.start);
  const edges = [...new Set([from, to, ...cut.flatMap((span) => [span.start, span.end])])].sort((a, b) => a - b);
  const intervals: { start: number; end: number; class: LedgerClass; cause: string | null }[] = [];
  let open: typeof cut = [];
  let next = 0;
  for (let i = 0; i + 1 < edges.length; i++) {
    const start = edges[i]!;
    const end = edges[i + 1]!;
    open = open.filter((span) => span.end > start);
    while (next < starts.length && starts[next]!.start <= start) open.push(starts[next++]!);
    const winner = open.reduce<(typeof cut)[number] | null>(
      (best, span) =>
        best === null || span.rank < best.rank || (span.rank === best.rank && span.order < best.order) ? span : best,
      null,
    );
    const last = intervals.at(-1);
    const name = winner?.class ?? 'other';
    const cause = winner?.cause ?? null;
    if (last && last.class === name && last.cause === cause) last.end = end;
    else intervals.push({ start, end, class: name, cause });
  }
  return intervals.map((i) => ({ start: iso(i.start), end: iso(i.end), class: i.class, cause: i.cause }));
}

/** Overhead after the plan's last exposure is nobody's: nothing was left to point, focus or guide for. */
export function afterThePlan(ledger: readonly LedgerInterval[], doneAtMs: number | null): LedgerInterval[] {
  if (doneAtMs === null) return [...ledger];
  const done = iso(Math.ceil(doneAtMs / 1000));
  return ledger.flatMap((interval): LedgerInterval[] => {
    if (interval.class !== 'overhead' || interval.end <= done) return [interval];
    const after = { start: interval.start > done ? interval.start : done, end: interval.end };
    const before = interval.start < done ? [{ ...interval, end: done }] : [];
    return [...before, { ...after, class: 'other', cause: null }];
  });
}

/** Seconds per class, each class named, zero where nothing fell on it. */
export function secondsByClass(intervals: readonly LedgerInterval[]): Record<LedgerClass, number> {
  const seconds = Object.fromEntries(LEDGER_CLASSES.map((name) => [name, 0])) as Record<LedgerClass, number>;
  for (const interval of intervals) seconds[interval.class] += floorSecond(interval.end) - floorSecond(interval.start);
  return seconds;
}
