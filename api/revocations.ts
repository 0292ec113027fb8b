import type { Database } from '../platform/database.ts';
import { Problem } from './errors.ts';
import { Gather } from './gather.ts';

/** A permission is looked up within this time or not given. */
const LOOKUP_MS = 3_000;
export async function lookUp<T>(question: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new Problem(
            'database_away',
            'Whether this credential still stands cannot be looked up; try again shortly.',
            {},
            { 'retry-after': '5' },
          ),
        ),
      LOOKUP_MS,
    );
  });
  return Promise.race([question, late]).finally(() => clearTimeout(timer));
}

async function revokedAmong(db: Database, ids: string[]): Promise<Map<string, true>> {
  const rows = await db.token.findMany({ where: { id: { in: ids }, revokedAt: { not: null } }, select: { id: true } });
  return new Map(rows.map(({ id }) => [id, true]));
}

/** A question that is under way may be shared for this long: a revoked token must be refused within a second. */
const SHARED_FOR_MS = 200;
/**
 * Revoked tokens. While the bus shows that it hears, every replica learns of a revocation at once and memory decides; else the
 * table is asked, so that a revoked token is refused within a second everywhere.
 */
export class Revocations {
  private readonly ids = new Set<string>();
  private readonly asking = new Map<string, { answer: Promise<boolean>; sinceMs: number }>();
  private readonly revoked: Gather<true>;
  private loaded = false;
  constructor(
    private readonly db: Database,
    private readonly busIsTrusted: () => boolean,
    private readonly now: () => number,
  ) {
    this.revoked = new Gather((ids) => revokedAmong(db, ids));
  }
  add(id: string): void {
    this.ids.add(id);
  }
  /** What memory knows; the table may know more. */
  known(id: string): boolean {
    return this.ids.has(id);
  }
  async load(): Promise<void> {
    const rows = await this.db.token.findMany({
      where: { revokedAt: { not: null }, expiresAt: { gt: new Date(this.now()) } },
      select: { id: true },
    });
    for (const row of rows) this.ids.add(row.id);
    this.loaded = true;
  }
  /** Memory has missed something: the next question goes to the table. */
  distrust(): void {
    this.loaded = false;
  }
  /** @throws Problem `database_away` when neither memory nor table can say. */
  async has(id: string): Promise<boolean> {
    if (this.ids.has(id)) return true;
    if (this.busIsTrusted() && this.loaded) return false;
    // A link is shared: those who ask at the same moment share the answer.
    const now = performance.now();
    let asking = this.asking.get(id);
    if (!asking || now - asking.sinceMs > SHARED_FOR_MS) {
      asking = { answer: this.ask(id).finally(() => this.asking.delete(id)), sinceMs: now };
      this.asking.set(id, asking);
    }
    return asking.answer;
  }
  private async ask(id: string): Promise<boolean> {
    const revoked = (await lookUp(this.revoked.get(id))) ?? false;
    if (revoked) this.ids.add(id);
    return revoked;
  }
}
