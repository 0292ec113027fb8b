import { setTimeout as sleep } from 'node:timers/promises';
import type { Telescope } from '../../../domain/contracts/telescope.ts';
import type { FrameCounts, ShotDone } from '../../../domain/ports.ts';
import type { Database } from '../../../platform/database.ts';
import type { Logger } from '../../../platform/logger.ts';
import { findTelescope } from '../../../platform/telescopes.ts';
import type { Frame } from '../../../prisma/client/client.ts';
import { eachLimited } from '../../../frames/limited.ts';
import type { FramePool } from '../../../frames/pass/pool.ts';
import type { FrameStore } from '../../../frames/store/store.ts';
import { announceRest } from '../announce.ts';
import type { Caller } from '../caller.ts';
import { storeOrAlert } from '../store-alert.ts';
import { FrameCopies } from './copies.ts';
import type { Mount } from './mount.ts';
import { mapPath } from './paths.ts';
import { FramePictures } from './pictures.ts';
import { Quiet } from './quiet.ts';
import { Refusals } from './refusals.ts';
import { closeStrays, frameCounts } from './rows.ts';
import { liveScope, openRows, pastScope, type Scope } from './scope.ts';
import { FrameSearch } from './search.ts';
import { reopen, takeChanged } from './second-look.ts';
import { FrameTake, type End } from './take.ts';

/** Milliseconds; tests shorten them. */
export interface IntakeTiming {
  /** A frame that nobody's list knows yet is asked for again this long after it was heard of. */
  attributeMs: number;
  /** A file that is broken and has not changed for this long is taken for broken. */
  settleMs: number;
  /** A drain waits this long for files that are still being written or not there yet. */
  patienceMs: number;
  /** The last reconciliation waits this long for a file that is absent while its folder answers. */
  absentMs: number;
  /** … and this long for a folder that does not answer. */
  unreachableMs: number;
  /** A drain looks for new frames at least this long: as long as sessions are not nudged again (gateway/telescope/session-signals.ts). */
  lingerMs: number;
  pollMs: number;
}
export const DEFAULT_TIMING: IntakeTiming = {
  attributeMs: 6_000,
  settleMs: 10_000,
  patienceMs: 90_000,
  absentMs: 30_000,
  unreachableMs: 10 * 60_000,
  lingerMs: 2_500,
  pollMs: 100,
};

export interface IntakeDeps {
  db: Database;
  logger: Logger;
  store: FrameStore;
  mount: Mount;
  pool: FramePool;
  maxBytes: number;
  timing: IntakeTiming;
}

/** Frames under way at once: two for the processors, one that waits for the disk. */
const LANES = 3;

/** A drain ends when nothing is left, or when no file came for this long; it looks for new frames at least `lingerMs`. */
interface Patience {
  patienceMs: number;
  lingerMs?: number;
}

/** Takes in the frames of telescopes: each step is written down before the next, and may run again after any kill. */
export class FrameIntake {
  private readonly search: FrameSearch;
  private readonly pictures: FramePictures;
  private readonly refusals: Refusals;
  private readonly frames: FrameTake;
  private readonly live: Scope;
  private readonly quiet = new Quiet();
  private readonly turns = new Map<string, Promise<unknown>>();
  constructor(private readonly deps: IntakeDeps) {
    const { quiet } = this;
    const pictures = (this.pictures = new FramePictures(deps));
    const copies = new FrameCopies(deps, pictures);
    const refusals = (this.refusals = new Refusals(deps, copies, quiet));
    this.search = new FrameSearch(deps);
    this.frames = new FrameTake(deps, { copies, pictures, refusals, quiet });
    this.live = liveScope(deps.db);
  }

  /** Everything that the journal knows of a telescope's frames, until nothing is left or only files that do not come. */
  drain(bookingId: string, telescopeId: string, caller: Caller): Promise<FrameCounts> {
    return this.inTurn(telescopeId, caller, async () => {
      await this.drainNow(await this.telescope(telescopeId), this.live, caller, this.deps.timing);
      return frameCounts(this.deps.db, bookingId);
    });
  }

  /** Events, the shot-done list and the folder brought together; with `final` every frame of the booking gets its end. */
  reconcile(
    input: { bookingId: string; telescopeId: string; shotsDone: ShotDone[] | null; final: boolean },
    caller: Caller,
  ): Promise<FrameCounts> {
    const { db, timing } = this.deps;
    const patience = { patienceMs: input.final ? timing.settleMs * 2 : 0 };
    return this.inTurn(input.telescopeId, caller, async () => {
      const telescope = await this.telescope(input.telescopeId);
      if (input.shotsDone) await this.search.learn(input.telescopeId, input.bookingId, input.shotsDone);
      await this.drainNow(telescope, this.live, caller, patience);
      await this.search.addFromList(telescope, input.bookingId, input.shotsDone);
      await this.search.addFromFolder(telescope, input.bookingId, caller);
      if (input.final) {
        await reopen(this.deps, telescope, input.bookingId);
        await takeChanged(this.deps, telescope, input.bookingId, caller);
      }
      await this.drainNow(telescope, this.live, caller, patience);
      if (input.final) {
        await this.conclude(telescope, input.bookingId, caller);
        await closeStrays(db, input.telescopeId, input.bookingId, Math.max(timing.attributeMs, timing.absentMs));
        await announceRest(db, input.bookingId, input.telescopeId);
      }
      return frameCounts(db, input.bookingId);
    });
  }

  /**
   * Takes in rows of one booking that were written beforehand (an imported folder), with that folder's mapping; nobody is told of each
   * frame. Ends when each has its end.
   */
  takePast(telescope: Telescope, bookingId: string, caller: Caller, each: (row: Frame) => void): Promise<FrameCounts> {
    const { db, timing } = this.deps;
    return this.inTurn(`${telescope.id}/${bookingId}`, caller, async () => {
      const scope = pastScope(db, bookingId, each);
      await this.drainNow(telescope, scope, caller, { patienceMs: timing.settleMs * 2 });
      for (const row of await db.frame.findMany({ where: { bookingId, state: 'pending' } }))
        await this.refusals.miss(row, 'file_absent');
      return frameCounts(db, bookingId);
    });
  }

  /** One drain per telescope at a time in this process; what another process does meanwhile is harmless, every step being repeatable. */
  private async inTurn<T>(telescopeId: string, caller: Caller, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(telescopeId) ?? Promise.resolve();
    const alive = setInterval(() => caller.heartbeat({ waiting: telescopeId }), 2_000);
    const mine = before
      .catch(() => undefined)
      .then(() => {
        caller.signal?.throwIfAborted();
        return work();
      });
    this.turns.set(telescopeId, mine);
    try {
      return await mine;
    } finally {
      clearInterval(alive);
      if (this.turns.get(telescopeId) === mine) this.turns.delete(telescopeId);
    }
  }

  private async telescope(id: string): Promise<Telescope> {
    const found = await findTelescope(this.deps.db, id);
    if (!found) throw new Error(`no telescope ${id}`);
    return found;
  }

  private async drainNow(telescope: Telescope, scope: Scope, caller: Caller, patience: Patience): Promise<void> {
    const { db, timing, store } = this.deps;
    const started = Date.now();
    // Patience begins when every file has been looked at once: a slow share takes nothing of it.
    let lastProgress: number | null = null;
    const settled = new Set<string>();
    for (;;) {
      caller.signal?.throwIfAborted();
      await storeOrAlert(db, store, telescope.id);
      await scope.find(telescope.id);
      const open = (await openRows(db, telescope.id, scope)).filter((row) => !settled.has(row.id));
      let waits = false;
      await this.lookAtAll(telescope, open, scope, (row, end) => {
        caller.heartbeat({ frame: row.id, step: end });
        if (end === 'wait') waits = true;
        else lastProgress = Date.now();
        if (end !== 'wait') settled.add(row.id);
      });
      lastProgress ??= Date.now();
      if (open.length > 0 && !waits) continue;
      if (await this.pictures.measureSome(telescope.id, caller, scope)) continue;
      const enough = waits
        ? Date.now() - lastProgress >= patience.patienceMs
        : Date.now() - started >= (patience.lingerMs ?? 0);
      if (enough) return;
      await pause(timing.pollMs, caller);
    }
  }
  /** Looks once at each row, some at a time; they are told of in their order. */
  private async lookAtAll(
    telescope: Telescope,
    rows: Frame[],
    scope: Scope,
    seen: (row: Frame, end: End) => void,
  ): Promise<void> {
    let announced: Promise<void> = Promise.resolve();
    await eachLimited(rows, LANES, (row) => {
      const previous = announced;
      const mine = this.step(telescope, row, scope, previous).then((end) => seen(row, end));
      announced = previous.then(() => mine);
      announced.catch(() => undefined);
      return mine;
    });
  }

  /** Takes one frame as far as it goes now; it is told of when those before it have been. */
  private async step(telescope: Telescope, row: Frame, scope: Scope, previous: Promise<void>): Promise<End> {
    let frame = row;
    if (frame.state !== 'archived') {
      const taken = await this.frames.take({ telescope, row, scope });
      if (typeof taken === 'string') return taken;
      frame = taken;
    }
    if (!frame.bookingId) return 'done';
    if (!frame.previewed && !frame.reason) frame = await this.pictures.make(telescope, frame);
    if (frame.announced) return 'done';
    await previous.catch(() => undefined);
    await scope.announce(frame);
    return 'done';
  }

  /** Gives every frame of the booking that is still open its end. */
  private async conclude(telescope: Telescope, bookingId: string, caller: Caller): Promise<void> {
    const { db, timing } = this.deps;
    const started = Date.now();
    for (;;) {
      const open = await db.frame.findMany({ where: { bookingId, state: 'pending' }, orderBy: { seenAt: 'asc' } });
      if (open.length === 0) return;
      let unreachable = false;
      for (const row of open) {
        caller.heartbeat({ frame: row.id, step: 'concluding' });
        caller.signal?.throwIfAborted();
        const reachable = await this.reachable(telescope, row);
        const waitMs = reachable ? timing.absentMs : timing.unreachableMs;
        if (Date.now() - started >= waitMs) await this.refusals.miss(row, this.whyMissing(row, reachable));
        else unreachable ||= !reachable;
      }
      await this.drainNow(telescope, this.live, caller, { patienceMs: 0 });
      await pause(unreachable ? Math.max(1_000, timing.pollMs) : timing.pollMs, caller);
    }
  }
  private async reachable(telescope: Telescope, row: Frame): Promise<boolean> {
    const mapped = mapPath(row.sourcePath, telescope.path_map);
    return mapped !== null && (await this.deps.mount.reachable(mapped.root));
  }
  private whyMissing(row: Frame, reachable: boolean): string {
    if (!reachable) return 'storage_unreachable';
    return this.quiet.denied.has(row.id) ? 'unreadable' : 'file_absent';
  }
}

const pause = (ms: number, { signal }: Caller): Promise<void> => sleep(ms, undefined, signal ? { signal } : {});
