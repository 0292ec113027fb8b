import type { CommandOutcome, Grant } from '../../domain/ports.ts';
import { type GrantState, isOlder } from '../../domain/grant.ts';
import { objectGuid } from '../../domain/ids.ts';
import { reasonText, type Reason } from '../../domain/reasons.ts';
import type { GrantRows } from './grant-rows.ts';
import { done, refused } from './outcomes.ts';
import type { Records, StateFile } from './state-file.ts';

export interface StoredGrant extends Grant {
  state: GrantState;
  updatedAt: string;
}
const KEEP_MS = 7 * 86_400_000;
/** Late records of a session are of interest for so long after its slot. */
const WATCHED_AFTER_MS = 3_600_000;

/**
 * Who may move the telescope and until when, on this gateway's own disk (docs/safety.md, 5). The higher generation wins, then the higher revision;
 * a longer slot without a newer revision needs the booking row's consent.
 */
export class Grants {
  private readonly grants: Records<StoredGrant>;

  constructor(
    private readonly state: Pick<StateFile, 'part' | 'flush'>,
    private readonly now: () => number,
    private readonly rows: Pick<GrantRows, 'slotOf' | 'known' | 'copy'> | null = null,
  ) {
    this.grants = state.part('grant');
  }

  find(bookingId: string): StoredGrant | null {
    return this.grants.get(bookingId);
  }
  active(): StoredGrant[] {
    return this.grants.all().filter((g) => g.state === 'active');
  }
  /** Active grants whose slot holds this instant. */
  current(nowMs = this.now()): StoredGrant[] {
    return this.active().filter((g) => Date.parse(g.start) <= nowMs && nowMs < Date.parse(g.end));
  }
  /**
   * Grants whose slot runs, begins within a minute or ended less than an hour ago. Also those that were given back meanwhile: Voyager's record of the
   * last frame may come after its session's end.
   */
  watched(nowMs = this.now()): StoredGrant[] {
    return this.grants.all().filter((g) => {
      const endMs = g.state === 'active' ? Date.parse(g.end) : Math.min(Date.parse(g.end), Date.parse(g.updatedAt));
      return Date.parse(g.start) - 60_000 <= nowMs && nowMs < endMs + WATCHED_AFTER_MS;
    });
  }
  currentBooking(): string | null {
    return this.current()[0]?.bookingId ?? null;
  }
  ofTarget(targetGuid: string): StoredGrant | null {
    return this.grants.all().find((g) => g.targetGuid?.toLowerCase() === targetGuid.toLowerCase()) ?? null;
  }
  /** The booking whose set of RoboTarget's this is. */
  ofSet(setGuid: string): StoredGrant | null {
    return (
      this.grants.all().find((g) => objectGuid(g.bookingId, g.generation, 'set') === setGuid.toLowerCase()) ?? null
    );
  }

  /** Takes a grant that an activity brings; on this disk when it resolves. */
  async bring(grant: Grant): Promise<CommandOutcome> {
    const reason = this.register(grant, (await this.rows?.slotOf(grant.bookingId)) ?? null);
    if (reason) return refused(reason, reasonText(reason, 'en'));
    await this.state.flush();
    this.rows?.copy(grant, 'active');
    return done();
  }
  /**
   * Takes over what an earlier owner of this telescope left in PostgreSQL: what is newer there, and that a session has given back since. Returns what
   * could not be taken, and why.
   */
  async adopt(): Promise<{ bookingId: string; reason: Reason }[]> {
    const left: { bookingId: string; reason: Reason }[] = [];
    const ours = this.active().map((g) => g.bookingId);
    for (const { grant, state } of (await this.rows?.known(ours)) ?? []) {
      const { bookingId } = grant;
      const known = this.find(bookingId);
      if (known && isOlder(grant, known)) continue;
      if (state !== 'active') {
        if (known) this.grants.set(bookingId, { ...known, state, updatedAt: this.stamp() });
        continue;
      }
      if (known && !isOlder(known, grant)) continue;
      const reason = this.register(grant, await this.rows!.slotOf(bookingId));
      if (reason) left.push({ bookingId, reason });
    }
    return left;
  }

  /**
   * Null when it stands now, else why not.
   * @param slot the booking row's own slot as PostgreSQL has it; null when it cannot be asked
   */
  register(grant: Grant, slot: { start: number; end: number } | null): Reason | null {
    const known = this.find(grant.bookingId);
    if (known) {
      if (isOlder(grant, known)) return 'superseded';
      if (grant.generation === known.generation && known.state !== 'active')
        return known.state === 'over' && widensTo(known, grant, slot) ? this.put(grant) : 'session_over';
    }
    const start = Date.parse(grant.start);
    const end = Date.parse(grant.end);
    const widerThanKnown =
      known !== null &&
      known.generation === grant.generation &&
      (start < Date.parse(known.start) || end > Date.parse(known.end));
    if (widerThanKnown && !slot && !isOlder(known, grant)) return 'superseded';
    if (slot && (start < slot.start - 1_000 || end > slot.end + 1_000)) return 'superseded';
    return this.put(grant);
  }

  /** Null when this grant gives the right to act now; a newer generation or another slot on disk outranks what an old worker brings. */
  check(grant: Pick<Grant, 'bookingId' | 'generation'>, nowMs = this.now()): Reason | null {
    const known = this.find(grant.bookingId);
    if (!known) return 'outside_slot';
    if (known.generation !== grant.generation) return 'superseded';
    if (known.state !== 'active') return 'session_over';
    if (nowMs < Date.parse(known.start)) return 'outside_slot';
    if (nowMs >= Date.parse(known.end)) return 'slot_over';
    return null;
  }

  end(bookingId: string, state: Exclude<GrantState, 'active'>): void {
    const known = this.find(bookingId);
    if (!known) return;
    if (known.state !== state) this.grants.set(bookingId, { ...known, state, updatedAt: this.stamp() });
    this.rows?.copy(known, state);
  }

  private put(grant: Grant): null {
    const stored: StoredGrant = {
      bookingId: grant.bookingId,
      telescopeId: grant.telescopeId,
      generation: grant.generation,
      ...(grant.revision === undefined ? {} : { revision: grant.revision }),
      start: grant.start,
      end: grant.end,
      targetGuid: grant.targetGuid,
      state: 'active',
      updatedAt: this.stamp(),
    };
    const known = this.find(grant.bookingId);
    if (known && JSON.stringify({ ...known, updatedAt: '' }) === JSON.stringify({ ...stored, updatedAt: '' }))
      return null;
    const oldest = this.now() - KEEP_MS;
    for (const old of this.grants.all())
      if (old.state !== 'active' && Date.parse(old.updatedAt) <= oldest) this.grants.delete(old.bookingId);
    this.grants.set(grant.bookingId, stored);
    return null;
  }
  private stamp(): string {
    return new Date(this.now()).toISOString();
  }
}

/** A slot that ran out here is taken up again only where a newer revision, or the booking row itself, is longer now. */
const widensTo = (known: StoredGrant, grant: Grant, slot: { start: number; end: number } | null): boolean =>
  Date.parse(grant.end) > Date.parse(known.end) &&
  (slot === null ? isOlder(known, grant) : Date.parse(grant.end) <= slot.end + 1_000);
