import { Lease } from '../../gateway/telescope/lease.ts';
import { LEASE_MS, type LeaseStore } from '../../gateway/telescope/lease-store.ts';
import { ManualClock } from '../../platform/clock.ts';
import { createLogger } from '../../platform/logger.ts';
import type { Span } from '../../simulator/stand-in/script.ts';
import type { Faults } from './faults.ts';

const SECOND = 1000;
const BEFORE_MS = 60 * SECOND;
const AFTER_MS = 120 * SECOND;
const GAP_MS = 1_000;
/** At the return of PostgreSQL the other one may have the lease a beat before a gateway that went on without it sees so. */
const BEAT_MS = 2 * SECOND;

type Who = 'ours' | 'second';
/** Who owned the telescope, from the product's own lease. */
export interface Owners {
  /** Nobody: nothing that moves may be sent, and the telescope's queue has no poller. */
  nobody: Span[];
  /** Both at once for longer than a beat. */
  both: Span[];
}
export const UNDISPUTED: Owners = { nobody: [], both: [] };

/** The row of `leases`, by the statements of gateway/telescope/lease-store.ts. */
function leaseRow(now: () => number): (isCut: () => boolean) => LeaseStore {
  let row: { holder: string; epoch: number; expiresAt: number } | null = null;
  return (isCut) => {
    const ask = (): void => {
      if (isCut()) throw new Error('the database does not answer');
    };
    return {
      async acquire(_telescope, holder, floor) {
        ask();
        if (row && row.expiresAt + GAP_MS >= now() && row.holder !== holder) return { heldBy: row.holder };
        row = { holder, epoch: Math.max(row?.epoch ?? 0, floor) + 1, expiresAt: now() + LEASE_MS };
        return row.epoch;
      },
      async renew(_telescope, holder, epoch) {
        ask();
        if (row?.holder !== holder || row.epoch !== epoch || row.expiresAt <= now()) return false;
        row.expiresAt = now() + LEASE_MS;
        return true;
      },
      async release(_telescope, holder, epoch) {
        ask();
        if (row?.holder === holder && row.epoch === epoch) row.expiresAt = now() - GAP_MS - 1;
      },
      async close() {},
    };
  };
}

/** Neighbouring seconds as spans. */
function spansOf(seconds: readonly number[], least = 0): Span[] {
  const spans: Span[] = [];
  for (const at of seconds) {
    const last = spans.at(-1);
    if (last?.to === at) last.to = at + SECOND;
    else spans.push({ from: at, to: at + SECOND });
  }
  return spans.filter(({ from, to }) => to - from > least);
}

/**
 * Somebody starts a second gateway for the telescope, which takes itself for the only one as ours does. In a third of these nights it loses
 * PostgreSQL for a while, in another third both do.
 */
export async function ownersOf(faults: Faults): Promise<Owners> {
  const [fault] = faults.of('second_gateway');
  if (!fault) return UNDISPUTED;
  const span = faults.spanOf(fault);
  const third = (span.to - span.from) / 3;
  const cut = { from: span.from + third, to: span.to - third };
  const clock = new ManualClock(span.from - BEFORE_MS);
  const now = (): number => clock.now();
  const isCut = (who: Who): boolean =>
    // Ours cut off alone cannot know of the other one (docs/safety.md, what does not hold): that is not played.
    faults.during(now(), 'database_away', 'gateway_no_database') ||
    (now() >= cut.from && now() < cut.to && (fault.nth === 3 || (fault.nth === 2 && who === 'second')));
  const row = leaseRow(now);
  const lease = (holder: Who): Lease =>
    new Lease({
      telescopeId: 't1',
      holder,
      store: row(() => isCut(holder)),
      sole: true,
      // Ours served nights before this one; the second is new.
      floorEpoch: holder === 'ours' ? 1 : 0,
      clock,
      logger: createLogger('nights', 'silent'),
      onOwned: () => {},
      onLost: () => {},
    });
  const [ours, second] = [lease('ours'), lease('second')];
  const [nobody, both]: [number[], number[]] = [[], []];
  ours.start();
  let begun = false;
  for (; now() < span.to + AFTER_MS;) {
    if (!begun && now() >= span.from) second.start();
    begun = now() >= span.from;
    if (now() >= span.to) await second.stop();
    clock.advance(SECOND);
    // A beat asks the row at most twice.
    for (let i = 0; i < 6; i++) await Promise.resolve();
    const owners = [ours, second].filter((one) => one.owns()).length;
    if (owners === 0 && now() > span.from) nobody.push(now());
    if (owners === 2) both.push(now());
  }
  await ours.stop();
  return { nobody: spansOf(nobody), both: spansOf(both, BEAT_MS) };
}
