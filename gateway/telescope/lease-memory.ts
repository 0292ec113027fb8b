import type { LeaseMemory } from './lease.ts';
import type { Records, StateFile } from './state-file.ts';

const KEPT_NAMES = 20;

/** What this gateway knows of other owners, on its disk. */
export class KeptLeaseMemory implements LeaseMemory {
  private readonly seen: Records<true>;
  private readonly own: Records<true>;
  constructor(state: StateFile) {
    this.seen = state.part('contested');
    this.own = state.part('lease-name');
  }
  get contested(): boolean {
    return this.seen.get('another') === true;
  }
  set contested(contested: boolean) {
    if (contested === this.contested) return;
    if (contested) this.seen.set('another', true);
    else this.seen.delete('another');
  }
  get names(): readonly string[] {
    return this.own.keys();
  }
  remember(name: string): void {
    this.own.set(name, true);
    for (const old of this.own.keys().slice(0, -KEPT_NAMES)) this.own.delete(old);
  }
}
