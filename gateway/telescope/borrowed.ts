import { join } from 'node:path';
import type { Database } from '../../platform/database.ts';
import type { DatabaseMirror } from './database-mirror.ts';
import { readJson, writeJsonDurably } from './files.ts';

export interface Loan {
  guid: string;
  name: string;
  bookingId: string;
  disabledAt: string;
}

/** Other people's targets that stand disabled for a slot: on disk before they are touched, and in `borrowed_targets` (safety.md 8). */
export class BorrowedSky {
  private readonly path: string;
  private loans: Loan[];
  constructor(
    folder: string,
    private readonly telescopeId: string,
    private readonly db: Database | null,
    private readonly mirror: DatabaseMirror,
    private readonly now: () => number,
  ) {
    this.path = join(folder, 'borrowed.json');
    this.loans = (readJson(this.path) as Loan[] | null) ?? [];
  }
  of(bookingId: string): Loan[] {
    return this.loans.filter((l) => l.bookingId === bookingId);
  }
  all(): readonly Loan[] {
    return this.loans;
  }
  add(bookingId: string, targets: readonly { guid: string; name: string }[]): void {
    const disabledAt = new Date(this.now()).toISOString();
    const fresh = targets.filter((t) => !this.loans.some((l) => l.guid === t.guid)).map((t) => ({ guid: t.guid, name: t.name, bookingId, disabledAt }));
    this.save([...this.loans, ...fresh]);
    for (const loan of fresh) this.copy(loan, null);
  }
  returned(bookingId: string, guid: string): void {
    const loan = this.loans.find((l) => l.bookingId === bookingId && l.guid === guid);
    if (!loan) return;
    this.save(this.loans.filter((l) => l !== loan));
    this.copy(loan, new Date(this.now()));
  }
  /** The next slot began before these were given back: they are that booking's to return now. */
  bequeath(from: string, to: string): void {
    const passed = this.of(from);
    if (passed.length === 0) return;
    this.save(this.loans.map((l) => (l.bookingId === from ? { ...l, bookingId: to } : l)));
    for (const loan of passed) {
      this.copy(loan, new Date(this.now()));
      this.copy({ ...loan, bookingId: to }, null);
    }
  }
  /** What an earlier gateway of this telescope still owed. */
  async adopt(): Promise<void> {
    if (!this.db) return;
    const rows = await this.db.borrowedTarget.findMany({ where: { telescopeId: this.telescopeId, enabledAt: null } });
    const fresh = rows.filter((r) => !this.loans.some((l) => l.guid === r.targetGuid));
    if (fresh.length > 0) this.save([...this.loans, ...fresh.map((r) => ({ guid: r.targetGuid, name: r.name, bookingId: r.bookingId, disabledAt: r.disabledAt.toISOString() }))]);
  }

  private save(loans: Loan[]): void {
    writeJsonDurably(this.path, loans);
    this.loans = loans;
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
