import type { Database } from '../../platform/database.ts';
import type { DatabaseCopies } from './database-copies.ts';
import type { Records, StateFile } from './state-file.ts';

export interface Loan {
  guid: string;
  name: string;
  bookingId: string;
  disabledAt: string;
}

/** Other people's targets that stand disabled for a slot: on disk before they are touched, and in `borrowed_targets` (docs/safety.md, 8). */
export class BorrowedSky {
  private readonly loans: Records<Loan>;
  constructor(
    private readonly state: StateFile,
    private readonly telescopeId: string,
    private readonly db: Database | null,
    private readonly mirror: DatabaseCopies,
    private readonly now: () => number,
  ) {
    this.loans = state.part('loan');
  }
  of(bookingId: string): Loan[] {
    return this.all().filter((l) => l.bookingId === bookingId);
  }
  all(): readonly Loan[] {
    return this.loans.all();
  }
  /** On disk when it resolves. */
  async add(bookingId: string, targets: readonly { guid: string; name: string }[]): Promise<void> {
    const disabledAt = new Date(this.now()).toISOString();
    const fresh = targets
      .filter((t) => !this.loans.get(t.guid))
      .map((t) => ({ guid: t.guid, name: t.name, bookingId, disabledAt }));
    for (const loan of fresh) {
      this.loans.set(loan.guid, loan);
      this.copy(loan, null);
    }
    await this.state.flush();
  }
  returned(bookingId: string, guid: string): void {
    const loan = this.loans.get(guid);
    if (loan?.bookingId !== bookingId) return;
    this.loans.delete(guid);
    this.copy(loan, new Date(this.now()));
  }
  /** The next slot began before these were given back: they are that booking's to return now. */
  bequeath(from: string, to: string): void {
    for (const loan of this.of(from)) {
      this.loans.set(loan.guid, { ...loan, bookingId: to });
      this.copy(loan, new Date(this.now()));
      this.copy({ ...loan, bookingId: to }, null);
    }
  }
  /**
   * What an earlier gateway of this telescope still owed; and what a restored folder still lists although it was given back since is owed no more:
   * its owner may have disabled it meanwhile.
   */
  async adopt(): Promise<void> {
    if (!this.db) return;
    const listed = this.all().map(({ guid }) => guid);
    const rows = await this.db.borrowedTarget.findMany({
      where: { telescopeId: this.telescopeId, OR: [{ enabledAt: null }, { targetGuid: { in: listed } }] },
    });
    for (const { targetGuid, bookingId, enabledAt } of rows) {
      const loan = this.loans.get(targetGuid);
      if (enabledAt && loan?.bookingId === bookingId && enabledAt.getTime() > Date.parse(loan.disabledAt))
        this.loans.delete(targetGuid);
    }
    for (const row of rows)
      if (row.enabledAt === null && !this.loans.get(row.targetGuid))
        this.loans.set(row.targetGuid, {
          guid: row.targetGuid,
          name: row.name,
          bookingId: row.bookingId,
          disabledAt: row.disabledAt.toISOString(),
        });
  }
  private copy(loan: Loan, enabledAt: Date | null): void {
    const { db } = this;
    if (!db) return;
    const id = { telescopeId: this.telescopeId, targetGuid: loan.guid, bookingId: loan.bookingId };
    this.mirror.put(`borrowed/${loan.bookingId}/${loan.guid}`, () =>
      db.borrowedTarget.upsert({
        where: { telescopeId_targetGuid_bookingId: id },
        create: { ...id, name: loan.name, disabledAt: new Date(loan.disabledAt), enabledAt },
        update: { enabledAt },
      }),
    );
  }
}
