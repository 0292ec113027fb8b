import { isOlder, type Grant, type GrantState } from '../../domain/grant.ts';
import type { GrantRows } from '../../gateway/telescope/grant-rows.ts';
import { Records } from '../../gateway/telescope/state-file.ts';

/** A gateway's state folder that is none, and that an old copy can be put over. */
export class MemoryState {
  private readonly parts = new Map<string, Map<string, unknown>>();

  part<T>(name: string): Records<T> {
    const records = this.parts.get(name) ?? new Map<string, unknown>();
    this.parts.set(name, records);
    return new Records<T>(records as Map<string, T>, () => {});
  }
  async flush(): Promise<void> {}
  /** As a backup of the folder keeps it. */
  copy(): ReadonlyMap<string, ReadonlyMap<string, unknown>> {
    return new Map([...this.parts].map(([name, records]) => [name, new Map(records)]));
  }
  restore(old: ReturnType<MemoryState['copy']>): void {
    for (const [name, records] of this.parts) {
      records.clear();
      for (const [key, value] of old.get(name) ?? []) records.set(key, value);
    }
  }
}

/** What PostgreSQL keeps of grants, as gateway/telescope/grant-rows.ts writes and reads it. */
export class GrantCopies implements Pick<GrantRows, 'slotOf' | 'known' | 'copy'> {
  private readonly rows = new Map<string, { grant: Grant; state: GrantState }>();
  constructor(private readonly slot: (bookingId: string) => { start: number; end: number } | null) {}

  async slotOf(bookingId: string): Promise<{ start: number; end: number } | null> {
    return this.slot(bookingId);
  }
  async known(bookingIds: readonly string[]): Promise<{ grant: Grant; state: GrantState }[]> {
    return [...this.rows.values()].filter(
      ({ grant, state }) => state === 'active' || bookingIds.includes(grant.bookingId),
    );
  }
  /** What PostgreSQL could not take waits at the gateway and comes later; here it stands at once. */
  copy(grant: Grant, state: GrantState): void {
    const known = this.rows.get(grant.bookingId);
    if (!known || !isOlder(grant, known.grant)) this.rows.set(grant.bookingId, { grant, state });
  }
}
