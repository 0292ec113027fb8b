import type { LedgerInterval } from '../../domain/contracts/ledger.ts';
import type { RefundRule } from '../../domain/contracts/telescope.ts';
import { clearPeriods, recordedSpans, silentSpans, type GatewayRecord } from '../../domain/gateway-record.ts';
import { toHundredths } from '../../domain/credits.ts';
import { afterThePlan, buildLedger, secondsByClass, type LedgerSpan } from '../../domain/ledger.ts';
import { nightLedger, type Patience } from '../../domain/night-ledger.ts';
import { asBody, settleByRule, type NightFacts, type Settled } from '../../domain/settle.ts';
import type { Outcome } from '../../domain/phases.ts';
import { within } from '../../simulator/stand-in/script.ts';
import type { StandIn } from '../../simulator/stand-in/stand-in.ts';
import type { Faults } from './faults.ts';

/** The gateway samples so often; a change of the weather has a line of its own. */
const SAMPLE_MS = 10_000;

/** What the gateway wrote down of [fromMs, toMs): nothing while its process was dead; what PostgreSQL could not take followed from the disk. */
export function gatewayRecord(standIn: StandIn, faults: Faults, fromMs: number, toMs: number): GatewayRecord {
  const alive = (at: number): boolean => !faults.during(at, 'gateway_away');
  const samples: GatewayRecord['samples'][number][] = [];
  for (let atMs = Math.ceil(fromMs / SAMPLE_MS) * SAMPLE_MS; atMs < toMs; atMs += SAMPLE_MS) {
    if (!alive(atMs)) continue;
    const { state, reason } = standIn.sky.at(atMs);
    samples.push({
      atMs,
      data: {
        stale: !standIn.gateway.linkUp(atMs),
        voyager_status: within(standIn.script.voyagerError, atMs) ? 'ERROR' : 'RUN',
        emergency: standIn.gateway.silent(atMs) ? 'suspend' : null,
        running: within(standIn.script.foreignRuns, atMs) ? 'foreign' : 'ours',
        weather: { state, reason } as never,
      },
    });
  }
  const notes = standIn.sky.changes
    .filter((atMs) => atMs < toMs && alive(atMs))
    .map((atMs) => ({ atMs, what: 'weather', detail: standIn.sky.at(atMs).state as string }));
  return { samples, notes };
}

export interface SettledNight {
  slot: { start: string; end: string };
  bookedAt: number;
  /** When the session was over; null when it never began. */
  endedAt: number | null;
  spans: readonly LedgerSpan[];
  imaging: readonly LedgerSpan[];
  outcome: Outcome | null;
  before: boolean;
  rule: RefundRule;
  patience: Patience;
  credits: number;
  /** When the plan's last exposure had ended, in milliseconds since 1970; null while some of it was left. */
  doneAtMs: number | null;
  delivered: Pick<NightFacts, 'goodFrames' | 'goodSeconds' | 'takenFrames' | 'plannedFrames' | 'plannedSeconds'>;
}

/** As activities/finalise/settlement.ts has it, from the same rules and without its database. */
export function settleNight(
  night: SettledNight,
  record: (fromMs: number, toMs: number) => GatewayRecord,
): { ledger: LedgerInterval[]; settled: Settled; body: ReturnType<typeof asBody> } {
  const { slot, spans, imaging, outcome, before, rule, credits } = night;
  const known = [...spans, ...imaging];
  const fromMs = Math.max(Date.parse(slot.start), night.bookedAt);
  const toMs = Math.min(Date.parse(slot.end), night.endedAt ?? Infinity);
  const found =
    before || toMs <= fromMs ? buildLedger(slot, known) : withRecord(night, record(fromMs, toMs), fromMs, toMs);
  const ledger = afterThePlan(found, before ? null : night.doneAtMs);
  const seconds = secondsByClass(ledger);
  const facts = { outcome, seconds, ...night.delivered, before, minutesBefore: null, moonlight: 0 };
  const settled = settleByRule(rule, facts, toHundredths(credits));
  return { ledger, settled, body: asBody(settled) };
}

function withRecord(night: SettledNight, record: GatewayRecord, fromMs: number, toMs: number): LedgerInterval[] {
  const recorded = {
    spans: recordedSpans(record, fromMs, toMs),
    silent: silentSpans(record, fromMs, toMs),
    clear: clearPeriods(record, fromMs, toMs),
  };
  return nightLedger(night.slot, night, recorded, night.patience);
}

/** What came of the plan, from the same rows. */
export function delivered(
  frames: readonly { state: string; exposureSeconds: number }[],
  shots: readonly { quantity: number; exposure_seconds: number }[],
): SettledNight['delivered'] {
  const good = frames.filter(({ state }) => state === 'archived');
  const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
  return {
    goodFrames: good.length,
    goodSeconds: sum(good.map((frame) => frame.exposureSeconds)),
    takenFrames: frames.length,
    plannedFrames: sum(shots.map((shot) => shot.quantity)),
    plannedSeconds: sum(shots.map((shot) => shot.quantity * shot.exposure_seconds)),
  };
}
