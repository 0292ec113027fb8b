import type { FrameActivities, FrameCounts } from '../../domain/ports.ts';
import type { StandIn } from '../../simulator/stand-in/stand-in.ts';
import type { Faults } from './faults.ts';

const SECOND = 1000;

export interface FrameRow {
  guid: string;
  shotGuid: string;
  state: 'archived' | 'rejected' | 'missing';
  reason: string | null;
  startedAt: number;
  exposureSeconds: number;
  /** Taken in after the settlement. */
  late: boolean;
}
/** The row that a file of each fate becomes. */
const BECOMES = {
  archived: { state: 'archived', reason: null },
  absent: { state: 'missing', reason: 'file_absent' },
  damaged: { state: 'rejected', reason: 'corrupt' },
} as const;

/** The frames of one night: exposures at the observatory, the gateway's journal of them, and our rows. */
export class NightFrames {
  readonly rows = new Map<string, FrameRow>();
  private readonly journalled = new Set<string>();
  private readonly unseen: string[] = [];
  private shotListRead = false;
  private seen = 0;
  private told = 0;

  constructor(
    private readonly observatory: StandIn,
    private readonly faults: Faults,
    private readonly now: () => number,
    private readonly isSettled: () => boolean,
  ) {}

  /** How many frames the gateway knows, when they are more than it last told; else null. */
  toTell(now: number): number | null {
    this.observatory.advance(now);
    this.journal();
    this.catchUp(now);
    if (this.journalled.size === this.told) return null;
    this.told = this.journalled.size;
    return this.told;
  }
  private journal(): void {
    for (; this.seen < this.observatory.taken.length; this.seen++) {
      const frame = this.observatory.taken[this.seen]!;
      const end = frame.startedAt + frame.exposureSeconds * SECOND;
      const lost = this.faults.hit(
        'frame_event_lost',
        this.faults.of('frame_event_lost').some((f) => frame.nth % 4 === f.nth),
      );
      if (lost) continue;
      if (this.faults.journalArrives(end) && this.observatory.gateway.linkUp(end)) this.journalled.add(frame.guid);
      else this.unseen.push(frame.guid);
    }
  }
  /** Back at Voyager the gateway reads the shot-done list for what it has missed. */
  private catchUp(now: number): void {
    if (this.faults.journalArrives(now) && this.observatory.gateway.linkUp(now))
      for (const guid of this.unseen.splice(0)) this.journalled.add(guid);
  }
  /** Frames that lie in the folder or the journal and have no row yet. */
  late(): number {
    this.journal();
    return this.observatory.taken.filter(
      (t) => !this.rows.has(t.guid) && (this.journalled.has(t.guid) || this.fate(t.nth) !== 'absent'),
    ).length;
  }

  /** What becomes of the nth exposure's file. */
  private fate(nth: number): 'archived' | 'absent' | 'damaged' {
    if (
      this.faults.hit(
        'frame_absent',
        this.faults.of('frame_absent').some((f) => nth % 5 === f.nth),
      )
    )
      return 'absent';
    if (
      this.faults.hit(
        'frame_damaged',
        this.faults.of('frame_damaged').some((f) => nth % 7 === f.nth),
      )
    )
      return 'damaged';
    return 'archived';
  }
  private take(guids: ReadonlySet<string>, final: boolean): FrameCounts {
    for (const t of this.observatory.taken) {
      if (!guids.has(t.guid) || this.rows.has(t.guid)) continue;
      const fate = this.fate(t.nth);
      if (fate === 'absent' && !final) continue;
      this.rows.set(t.guid, {
        guid: t.guid,
        shotGuid: t.shotGuid,
        ...BECOMES[fate],
        startedAt: t.startedAt,
        exposureSeconds: t.exposureSeconds,
        late: this.isSettled(),
      });
    }
    const rows = [...this.rows.values()];
    const count = (state: FrameRow['state']): number => rows.filter((r) => r.state === state).length;
    const known = [...guids].filter((guid) => !this.rows.has(guid)).length;
    return {
      captured: rows.length + known,
      archived: count('archived'),
      rejected: count('rejected'),
      missing: count('missing'),
      pending: known,
    };
  }
  /** Somebody could tell of an exposure: its event, the folder, or Voyager's list, which nobody could read while the link was down to the end. */
  isTold(taken: { guid: string; nth: number }): boolean {
    return this.shotListRead || this.journalled.has(taken.guid) || this.fate(taken.nth) !== 'absent';
  }
  activities(): FrameActivities {
    return {
      drainFrames: async () => {
        this.faults.needDatabase(this.now());
        this.faults.needStore(this.now());
        this.observatory.advance(this.now());
        this.journal();
        return this.take(this.journalled, false);
      },
      reconcileFrames: async ({ shotsDone, final }) => {
        this.faults.needDatabase(this.now());
        this.faults.needStore(this.now());
        this.observatory.advance(this.now());
        this.journal();
        if (shotsDone) this.shotListRead = true;
        const inFolder = this.observatory.taken.filter((t) => this.fate(t.nth) !== 'absent').map((t) => t.guid);
        return this.take(new Set([...this.journalled, ...(shotsDone ?? []).map((s) => s.guid), ...inFolder]), final);
      },
    };
  }
}
