import { clearPeriods, recordedSpans, silentSpans, type GatewayRecord } from '../../domain/gateway-record.ts';
import type { LedgerSpan } from '../../domain/ledger.ts';
import type { Recorded } from '../../domain/night-ledger.ts';
import { isWaitingPhase } from '../../domain/phases.ts';
import type { TelemetrySample } from '../../domain/telemetry.ts';
import type { Database } from '../../platform/database.ts';

/** The part of a slot in which its session was under way. */
export interface Stretch {
  bookingId: string;
  telescopeId: string;
  fromMs: number;
  toMs: number;
}

/** A session whose slot began so long before it did was not there to be asked. */
const LATE_START_MS = 120_000;
/** How far back the line that tells of the weather at the slot's beginning is looked for. */
const BEFORE_MS = 24 * 3_600_000;

/**
 * The gateway's record of a slot, and the time in which the session itself should have begun and had not. `samples` are what this rests on: with more of
 * them later the night is settled anew.
 */
export async function readRecord(db: Database, stretch: Stretch): Promise<Recorded & { samples: number }> {
  const { bookingId, telescopeId, fromMs, toMs } = stretch;
  const [telemetry, journal, late] = await Promise.all([
    db.telemetry.findMany({
      where: { bookingId, at: { gte: new Date(fromMs), lt: new Date(toMs) } },
      orderBy: { at: 'asc' },
      select: { at: true, data: true },
    }),
    db.journal.findMany({
      where: { telescopeId, kind: 'state', at: { gte: new Date(fromMs - BEFORE_MS), lt: new Date(toMs) } },
      orderBy: [{ at: 'asc' }, { epoch: 'asc' }, { n: 'asc' }],
      select: { at: true, data: true },
    }),
    lateStart(db, stretch),
  ]);
  const record: GatewayRecord = {
    samples: telemetry.map(({ at, data }) => ({ atMs: at.getTime(), data: data as unknown as TelemetrySample })),
    notes: journal.map(({ at, data }) => ({
      atMs: at.getTime(),
      ...(data as { what: string; detail: string | null }),
    })),
  };
  return {
    spans: [...recordedSpans(record, fromMs, toMs), ...late],
    silent: silentSpans(record, fromMs, toMs),
    clear: clearPeriods(record, fromMs, toMs),
    samples: record.samples.length,
  };
}

/** A session that stood ready before its slot and began long after: nobody of ours was there. */
async function lateStart(db: Database, { bookingId, fromMs, toMs }: Stretch): Promise<LedgerSpan[]> {
  const changes = { bookingId, type: 'session.changed' };
  const slot = new Date(fromMs);
  const [before, after] = await Promise.all([
    db.event.findFirst({ where: { ...changes, ts: { lt: slot } }, orderBy: { seq: 'desc' } }),
    db.event.findFirst({ where: { ...changes, ts: { gte: slot } }, orderBy: { seq: 'asc' } }),
  ]);
  if (!before || !isWaitingPhase((before.data as { phase: string }).phase)) return [];
  const began = Math.min(after?.ts.getTime() ?? toMs, toMs);
  if (began - fromMs <= LATE_START_MS) return [];
  const end = new Date(began).toISOString();
  return [{ class: 'outage', cause: 'internal_error', start: slot.toISOString(), end }];
}
