import type { Clock, Timer } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { OpenShotDone } from '../robotarget/open.ts';
import type { StoredGrant } from './grants.ts';
import type { Journal } from './journal.ts';
import type { Records, StateFile } from './state-file.ts';
import type { Targets } from './targets.ts';

/** After a new file Voyager's record of it appears within seconds; asked again at these times until it does. */
const ASK_AFTER_MS = [250, 1_000, 2_500, 5_000, 10_000, 30_000];
const KEPT_TARGETS = 50;

/**
 * Journals every record of Voyager's shot-done list once: after each new file, and after every reconnect, so that frames taken while
 * nobody listened are found again (issue: journal). Reads the targets of the grants on disk, nobody else's.
 */
export class ShotWatch {
  /** Shot-done GUIDs by target. */
  private readonly known: Records<string[]>;
  private timers: Timer[] = [];
  private asking = new Map<string, Promise<void>>();
  private stopped = false;

  constructor(
    state: StateFile,
    private readonly deps: {
      targets: Targets;
      journal: Journal;
      grants: () => StoredGrant[];
      clock: Clock;
      logger: Logger;
    },
  ) {
    this.known = state.part('shots');
  }

  /** A file was written; `fileName` is compared with what the records say. */
  onFrame(file: string): void {
    const name = baseName(file);
    let found = false;
    const ask = (index: number): void => {
      const delayMs = ASK_AFTER_MS[index];
      if (delayMs === undefined || found || this.stopped) return;
      const timer = this.deps.clock.setTimeout(
        () => {
          this.timers = this.timers.filter((t) => t !== timer);
          this.readAll().then(
            (records) => {
              found = records.some(
                (record) => baseName(record.filename || record.path) === name || baseName(record.path) === name,
              );
              ask(index + 1);
            },
            () => ask(index + 1),
          );
        },
        delayMs - (ASK_AFTER_MS[index - 1] ?? 0),
      );
      this.timers.push(timer);
    };
    ask(0);
  }

  /** All records of all granted targets; new ones are in the journal when this resolves. */
  async readAll(): Promise<OpenShotDone[]> {
    const records: OpenShotDone[] = [];
    for (const grant of this.deps.grants()) {
      if (!grant.targetGuid) continue;
      const read = await this.deps.targets.shotsDone(grant.targetGuid);
      if (!read.ok) continue;
      records.push(...read.items);
      await this.take(grant.targetGuid, grant.bookingId, read.items);
    }
    return records;
  }

  /** Journals what is new of one target's list, one caller at a time. */
  async take(targetGuid: string, bookingId: string, records: readonly OpenShotDone[]): Promise<void> {
    const before = this.asking.get(targetGuid) ?? Promise.resolve();
    const mine = before.then(() => this.takeNow(targetGuid, bookingId, records));
    this.asking.set(
      targetGuid,
      mine.catch(() => undefined),
    );
    await mine;
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) timer.cancel();
  }

  private async takeNow(targetGuid: string, bookingId: string, records: readonly OpenShotDone[]): Promise<void> {
    const known = new Set(this.known.get(targetGuid));
    const fresh = records.filter((r) => r.guid && !r.deleted && !known.has(r.guid));
    if (fresh.length === 0) return;
    await Promise.all(
      fresh.map((r) =>
        this.deps.journal.append(
          'shot_done',
          {
            guid: r.guid,
            shot_guid: r.shotGuid,
            target_guid: targetGuid,
            filename: r.filename,
            path: r.path,
            at: r.at,
            hfd: r.hfd,
            star_index: r.starIndex,
          },
          bookingId,
        ),
      ),
    );
    this.known.set(targetGuid, [...known, ...fresh.map((r) => r.guid)]);
    for (const old of this.known.keys().slice(0, -KEPT_TARGETS)) this.known.delete(old);
  }
}

const baseName = (path: string): string => path.split(/[\\/]/).at(-1)!.toLowerCase();
