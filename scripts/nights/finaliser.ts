import { imagingSpans } from '../../activities/finalise/settlement.ts';
import type { LedgerInterval } from '../../domain/contracts/ledger.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { stableId } from '../../domain/ids.ts';
import { secondsByClass, type LedgerSpan } from '../../domain/ledger.ts';
import { patienceOf } from '../../domain/night-ledger.ts';
import type { Outcome } from '../../domain/phases.ts';
import { planDoneAtMs } from '../../domain/plan-progress.ts';
import type { FinaliseActivities } from '../../domain/ports.ts';
import type { StandIn } from '../../simulator/stand-in/stand-in.ts';
import type { Faults } from './faults.ts';
import type { NightFrames } from './frames.ts';
import type { NightPlan } from './plan.ts';
import type { Rows } from './rows.ts';
import { NightCredits } from './credits.ts';
import { delivered, gatewayRecord, settleNight } from './settlement.ts';

/** What of a night its wrapping-up reads. */
interface Night {
  readonly plan: NightPlan;
  readonly bookingId: string;
  readonly telescope: Pick<Telescope, 'policy' | 'weather'>;
  readonly observatory: StandIn;
  readonly faults: Faults;
  readonly rows: Rows;
  readonly frameRows: NightFrames;
}

/** How a night is wrapped up: archive, settlement and report, as the real activities do it and without their files. */
export class Finaliser {
  ledger: LedgerInterval[] = [];
  readonly settlements = new Map<string, { refund: number }>();
  readonly credits: NightCredits;
  reports = 0;

  constructor(
    private readonly night: Night,
    private readonly now: () => number,
  ) {
    this.credits = new NightCredits(night.plan.credits);
  }

  private need(): void {
    this.night.faults.needDatabase(this.now());
  }
  private settle(
    spans: readonly LedgerSpan[],
    outcome: Outcome | null,
    before = false,
  ): Awaited<ReturnType<FinaliseActivities['settle']>> {
    const frames = [...this.night.frameRows.rows.values()].map((f) => ({
      state: f.state,
      capturedAt: new Date(f.startedAt),
      exposure: f.exposureSeconds,
    }));
    const ended = this.night.rows.transitions.find((t) => t.sessionEndedAt)?.sessionEndedAt;
    const { ledger, settled, body } = settleNight(
      {
        slot: {
          start: this.night.rows.booking.startsAt.toISOString(),
          end: this.night.rows.booking.endsAt.toISOString(),
        },
        bookedAt: this.night.plan.bookedAt,
        endedAt: ended ? Date.parse(ended) : null,
        spans,
        imaging: imagingSpans(frames),
        outcome,
        before,
        rule: this.night.telescope.policy.refund,
        patience: patienceOf(this.night.telescope),
        credits: this.night.plan.credits,
        doneAtMs: this.doneAtMs(),
        delivered: delivered([...this.night.frameRows.rows.values()], this.night.rows.booking.shots),
      },
      (from, to) => gatewayRecord(this.night.observatory, this.night.faults, from, to),
    );
    this.ledger = ledger;
    const settlementId = stableId('settlement', this.night.bookingId, JSON.stringify(settled));
    const { lines, credits_refund: refund } = body;
    this.credits.settle(settled, before);
    this.settlements.set(settlementId, { refund });
    return { settlementId, seconds: secondsByClass(ledger), lines, refund };
  }
  private doneAtMs(): number | null {
    const kept = [...this.night.frameRows.rows.values()].filter(({ state }) => state !== 'missing');
    const frames = kept.map(({ shotGuid, startedAt, exposureSeconds }) => ({
      shotGuid,
      filter: null,
      binning: null,
      type: 'LIGHT',
      exposure: exposureSeconds,
      capturedAt: new Date(startedAt),
    }));
    return planDoneAtMs(this.night.rows.plannedLines(), frames);
  }
  activities(): FinaliseActivities {
    return {
      buildArchive: async () => {
        this.need();
        this.night.faults.needStore(this.now());
        return { archivePath: this.night.bookingId, files: this.night.frameRows.rows.size, bytes: 0 };
      },
      settle: async ({ spans, outcome, before }) => {
        this.need();
        return this.settle(spans, outcome, before);
      },
      resettle: async () => {
        this.need();
        if (this.settlements.size === 0) return;
        const known = this.ledger.filter((i) => i.class !== 'imaging');
        this.settle(
          known,
          this.night.rows.transitions.at(-1)?.outcome ?? null,
          !this.night.rows.transitions.some((t) => t.sessionEndedAt),
        );
      },
      buildReport: async () => {
        this.need();
        this.reports += 1;
        return { reportPath: `${this.night.bookingId}/report.json` };
      },
      rebuildReport: async () => {
        this.need();
        return { reportPath: `${this.night.bookingId}/report.json` };
      },
    };
  }
}
