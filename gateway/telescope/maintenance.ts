import { z } from 'zod';
import { Instant } from '../../domain/contracts/common.ts';
import type { Records, StateFile } from './state-file.ts';

/** Windows in which somebody works at the telescope, as the api and the database have them. */
export const MaintenanceWindows = z.object({ windows: z.array(z.object({ from: Instant, to: Instant })).max(1_000) });
export type MaintenanceWindow = z.infer<typeof MaintenanceWindows>['windows'][number];

/**
 * What this gateway knows of maintenance: nothing starts inside a window. On disk, since a person may be in the dome while PostgreSQL, the api
 * and this process's memory are gone.
 */
export class KnownMaintenance {
  private readonly records: Records<MaintenanceWindow[]>;
  private told = 0;
  constructor(
    state: Pick<StateFile, 'part'>,
    private readonly now: () => number,
  ) {
    this.records = state.part('maintenance');
  }
  get current(): boolean {
    const nowMs = this.now();
    return (this.records.get('windows') ?? []).some((w) => nowMs >= Date.parse(w.from) && nowMs < Date.parse(w.to));
  }
  /** To be taken before a list is read: a list that is older than one that came meanwhile is left. */
  get version(): number {
    return this.told;
  }
  set(windows: MaintenanceWindow[], asOf = this.told): void {
    if (asOf !== this.told) return;
    this.told += 1;
    if (JSON.stringify(windows) !== JSON.stringify(this.records.get('windows') ?? []))
      this.records.set('windows', windows);
  }
}
