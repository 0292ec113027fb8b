import { isDeepStrictEqual } from 'node:util';
import type { Database } from '../../platform/database.ts';
import type { Journal } from '../../prisma/client/client.ts';
import type { JournalEntry } from '../../domain/journal.ts';

/**
 * Where entries stand in table `journal`. Two gateways without a lease, or a restored folder, can count the same epoch: such an entry gets the next
 * free number, and those after it move as far.
 */
export class JournalPlaces {
  /** By epoch: how far entries are moved. */
  private readonly moved = new Map<number, number>();

  constructor(
    private readonly db: Database,
    private readonly telescopeId: string,
  ) {}

  /** `fresh`: entries to write, under free numbers; `all`: these and the ones that stand already. */
  async find(entries: readonly JournalEntry[]): Promise<{ fresh: JournalEntry[]; all: JournalEntry[] }> {
    const found = { fresh: [] as JournalEntry[], all: [] as JournalEntry[] };
    for (const epoch of new Set(entries.map((entry) => entry.epoch))) {
      const ofEpoch = entries.filter((entry) => entry.epoch === epoch);
      const { fresh, all } = await this.inEpoch(epoch, ofEpoch);
      found.fresh.push(...fresh);
      found.all.push(...all);
    }
    return found;
  }

  private async inEpoch(
    epoch: number,
    entries: readonly JournalEntry[],
  ): Promise<{ fresh: JournalEntry[]; all: JournalEntry[] }> {
    const { db, telescopeId } = this;
    const placed = (): JournalEntry[] =>
      entries.map((entry) => ({ ...entry, n: entry.n + (this.moved.get(epoch) ?? 0) }));
    const wanted = placed();
    const taken = await db.journal.findMany({
      where: { telescopeId, epoch, n: { in: wanted.map((entry) => entry.n) } },
      select: { n: true },
    });
    if (taken.length === 0) return { fresh: wanted, all: wanted };
    const rows = await db.journal.findMany({
      where: {
        telescopeId,
        epoch,
        at: { in: [...new Set(entries.map((entry) => entry.at))].map((at) => new Date(at)) },
      },
    });
    const standing = new Map<number, number>();
    for (const [i, entry] of entries.entries()) {
      const row = rows.find((candidate) => isSame(candidate, entry));
      if (row) standing.set(i, row.n);
    }
    const isTaken = new Set(taken.map((row) => row.n));
    const first = entries.findIndex((_, i) => !standing.has(i));
    if (wanted.some((entry, i) => !standing.has(i) && isTaken.has(entry.n))) {
      const { _max } = await db.journal.aggregate({ where: { telescopeId, epoch }, _max: { n: true } });
      this.moved.set(epoch, Math.max(_max.n ?? 0, ...wanted.map((entry) => entry.n)) + 1 - entries[first]!.n);
    }
    const final = placed();
    return {
      fresh: final.filter((_, i) => !standing.has(i)),
      all: final.map((entry, i) => ({ ...entry, n: standing.get(i) ?? entry.n })),
    };
  }
}

const isSame = (row: Journal, entry: JournalEntry): boolean =>
  row.kind === entry.kind &&
  row.at.getTime() === Date.parse(entry.at) &&
  row.bookingId === entry.bookingId &&
  isDeepStrictEqual(row.data, JSON.parse(JSON.stringify(entry.data)));
