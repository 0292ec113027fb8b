import type { Database } from '../platform/database.ts';
import { Problem } from './errors.ts';

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

/**
 * Revoked tokens. While the bus shows that it hears, every replica learns of a revocation at once and memory decides; else the
 * table is asked, so that a revoked token is refused within a second everywhere.
 */
export class Revocations {
  private readonly ids = new Set<string>();
  private loaded = false;
  constructor(
    private readonly db: Database,
    private readonly busIsTrusted: () => boolean,
    private readonly now: () => number,
  ) {}
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
    const row = await lookUp(this.db.token.findUnique({ where: { id }, select: { revokedAt: true } }));
    if (row?.revokedAt) this.ids.add(id);
    return row?.revokedAt !== null && row?.revokedAt !== undefined;
  }
}
