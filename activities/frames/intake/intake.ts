import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { uptime } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import type { Telescope } from '../../../domain/contracts/telescope.ts';
import { FRAME_TYPES, type FrameType } from '../../../domain/contracts/image.ts';
import type { JournalKinds } from '../../../domain/journal.ts';
import { stableId } from '../../../domain/ids.ts';
import type { Database } from '../../../platform/database.ts';
import { toError } from '../../../platform/errors.ts';
import type { Logger } from '../../../platform/logger.ts';
import { findTelescope } from '../../../platform/telescopes.ts';
import type { Frame, Prisma } from '../../../prisma/client/client.ts';
import type { FrameCounts, ShotDone } from '../../ports.ts';
import { announceCaptured, announceMeasured, announceRest, logFrame } from '../announce.ts';
import { findOwner, planIndex, pathOf, rtShotOf, setTag, type ShotDoneRecord } from '../attribution.ts';
import { FitsError } from '../fits/index.ts';
import { capturedAt, metadataOf, type FrameMetadata } from '../metadata.ts';
import type { PreviewResult } from '../pass/jobs.ts';
import type { FramePool } from '../pass/pool.ts';
import { alertOperator } from '../../session/records.ts';
import { reasonText } from '../reasons.ts';
import { safeName, statOrNull, syncFile, type FrameStore } from '../store/store.ts';
import { MountFailure, type Mount } from './mount.ts';
import type { CopyResult, MountState } from './mount-child.ts';
import { comparable, mapPath, splitPath, stemOf } from './paths.ts';

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
  /** A drain looks for new frames at least this long: as long as sessions are not nudged again (gateway/telescope/signals.ts). */
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

/** What the caller's activity lends: a sign of life, and word that it shall stop. */
export interface Caller {
  heartbeat(detail: unknown): void;
  readonly signal: AbortSignal | null;
}

interface PlannedShot {
  filter?: string;
  exposure_seconds?: number;
  binning?: number;
  gain?: number | null;
  offset?: number | null;
}

/** How a frame stands after one look at it. */
type Step = 'done' | 'wait' | 'later';

/** What is known of a frame when its copy stands. */
interface Known extends Awaited<ReturnType<typeof findOwner>> {
  prepared: Prepared;
  metadata: FrameMetadata;
  plan: PlannedShot | null;
  shotDoneGuid: string | null;
  header: Record<string, unknown>;
}

/** A whole file on the store's disk, fsynced, with its picture; nobody's name is on it yet. */
interface Prepared {
  staging: string;
  copied: CopyResult;
  /** Null where none was wanted; the error where the pixels cannot be read. */
  picture: PreviewResult | FitsError | null;
}

const DAY_MS = 86_400_000;
/** `sourceKey` of rows that an import wrote begins so. */
export const IMPORTED = 'import/';
/** Frames under way at once: two for the processors, one that waits for the disk. */
const LANES = 3;
const STRANGERS = 50_000;
/** Kept free on the store's disk, so that the database beside it can go on. */
const RESERVE_BYTES = 256 * 1024 * 1024;
/**
 * Parts of copies from before this machine's last start are not continued: after a power cut a part can have its length and not its bytes.
 */
const BOOT = bootId();
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return String(Math.round((Date.now() - uptime() * 1000) / 600_000));
  }
}
/** Broken in a way that a file which is still being written, or whose permission is still being set, shows too. */
const MAY_GROW = new Set(['empty', 'not_fits', 'truncated', 'bad_header', 'corrupt', 'no_image', 'unreadable']);

/** Takes in the frames of telescopes: each step is written down before the next, and may run again after any kill. */
export class FrameIntake {
  private readonly deps: IntakeDeps;
  private readonly turns = new Map<string, Promise<unknown>>();
  /** Size and time of a file that was not whole, with the instant since when it has not changed. */
  private readonly waiting = new Map<string, { size: number; mtimeMs: number; since: number }>();
  /** Files beside a booking's frames that nothing marks as its own, with their RTSHOT: not read again until a record names them. */
  private readonly strangers = new Map<string, { stamp: string; RTSHOT: unknown }>();
  /** Files that we may not look at. */
  private readonly denied = new Set<string>();
  /** Bytes of copies that are being written now; their room is spoken for. */
  private underWayBytes = 0;
  /** Contents that are on their way into the store. */
  private readonly taking = new Map<string, Promise<unknown>>();
  /** Copies made while it is still asked whose frame it is, by frame; `stamp` tells when the file has changed since. */
  private readonly copies = new Map<string, { stamp: string; work: Promise<Prepared> }>();
  constructor(deps: IntakeDeps) {
    this.deps = deps;
  }

  /** Everything that the journal knows of a telescope's frames, until nothing is left or only files that do not come. */
  drain(bookingId: string, telescopeId: string, caller: Caller): Promise<FrameCounts> {
    return this.inTurn(telescopeId, caller, async () => {
      const { patienceMs, lingerMs } = this.deps.timing;
      await this.drainNow(await this.telescope(telescopeId), caller, patienceMs, null, lingerMs);
      return this.counts(bookingId);
    });
  }

  /** Events, the shot-done list and the folder brought together; with `final` every frame of the booking gets its end. */
  reconcile(input: { bookingId: string; telescopeId: string; shotsDone: ShotDone[] | null; final: boolean }, caller: Caller): Promise<FrameCounts> {
    return this.inTurn(input.telescopeId, caller, async () => {
      const telescope = await this.telescope(input.telescopeId);
      if (input.shotsDone) await this.learn(input.telescopeId, input.bookingId, input.shotsDone);
      await this.drainNow(telescope, caller, input.final ? this.deps.timing.settleMs * 2 : 0);
      await this.addFromList(telescope, input.bookingId, input.shotsDone);
      await this.addFromFolder(telescope, input.bookingId, caller);
      if (input.final) await this.reopen(telescope, input.bookingId);
      await this.drainNow(telescope, caller, input.final ? this.deps.timing.settleMs * 2 : 0);
      if (input.final) {
        await this.conclude(telescope, input.bookingId, caller);
        await announceRest(this.deps.db, input.bookingId, input.telescopeId);
      }
      return this.counts(input.bookingId);
    });
  }

  /**
   * Takes in rows of one booking that were written beforehand (an imported folder), with that folder's mapping; nobody is told of each
   * frame. Ends when each has its end.
   */
  takePast(telescope: Telescope, bookingId: string, caller: Caller, each: (row: Frame) => void): Promise<FrameCounts> {
    return this.inTurn(`${telescope.id}/${bookingId}`, caller, async () => {
      await this.drainNow(telescope, caller, this.deps.timing.settleMs * 2, { bookingId, each });
      for (const row of await this.deps.db.frame.findMany({ where: { bookingId, state: 'pending' } })) await this.miss(row, 'file_absent');
      return this.counts(bookingId);
    });
  }

  async counts(bookingId: string): Promise<FrameCounts> {
    const groups = await this.deps.db.frame.groupBy({ by: ['state'], where: { bookingId }, _count: { _all: true } });
    const of = (state: string): number => groups.find((g) => g.state === state)?._count._all ?? 0;
    const [archived, rejected, missing, pending] = [of('archived'), of('rejected'), of('missing'), of('pending')];
    return { captured: archived + rejected + missing + pending, archived, rejected, missing, pending };
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

  private async drainNow(telescope: Telescope, caller: Caller, patienceMs: number, past: Past | null = null, lingerMs = 0): Promise<void> {
    const { db, timing } = this.deps;
    const started = Date.now();
    // Patience begins when every file has been looked at once: a slow share takes nothing of it.
    let lastProgress: number | null = null;
    const settled = new Set<string>();
    for (;;) {
      caller.signal?.throwIfAborted();
      if (!past) {
        await this.discover(telescope.id);
        await this.recall(telescope.id);
      }
      const rows = await db.frame.findMany({
        where: {
          telescopeId: telescope.id,
          ...scopeOf(past),
          OR: [{ state: 'pending' }, { state: 'archived', bookingId: past ? past.bookingId : { not: null }, announced: false }],
        },
        orderBy: [{ seenAt: 'asc' }, { sourceKey: 'asc' }],
      });
      const open = rows.filter((row) => !settled.has(row.id));
      let waits = false;
      let announced: Promise<void> = Promise.resolve();
      const takeIn = async (row: Frame, previous: Promise<void>): Promise<void> => {
        const step = await this.step(telescope, row, previous, past);
        caller.heartbeat({ frame: row.id, step });
        if (step === 'wait') waits = true;
        else lastProgress = Date.now();
        if (step !== 'wait') settled.add(row.id);
      };
      await eachLimited(open, LANES, (row) => {
        const previous = announced;
        const mine = takeIn(row, previous);
        announced = previous.then(() => mine);
        announced.catch(() => undefined);
        return mine;
      });
      lastProgress ??= Date.now();
      if (open.length > 0 && !waits) continue;
      const measured = await this.measureSome(telescope.id, caller, past);
      if (measured) continue;
      if (waits ? Date.now() - lastProgress >= patienceMs : Date.now() - started >= lingerMs) return;
      await sleep(timing.pollMs, undefined, caller.signal ? { signal: caller.signal } : {});
    }
  }

  /** Rows for frames that the journal names and nobody has begun. */
  private async discover(telescopeId: string): Promise<void> {
    const { db } = this.deps;
    const rows = await db.$queryRaw<{ epoch: number; n: number; at: Date; data: JournalKinds['frame'] }[]>`
      SELECT j.epoch, j.n, j.at, j.data FROM journal j
      LEFT JOIN frames f ON f.telescope_id = j.telescope_id AND f.source_key = 'event/' || j.epoch || '/' || j.n
      WHERE j.telescope_id = ${telescopeId} AND j.kind = 'frame' AND f.id IS NULL AND j.at > now() - interval '30 days'
      ORDER BY j.epoch, j.n LIMIT 1000`;
    if (rows.length === 0) return;
    await db.frame.createMany({
      skipDuplicates: true,
      data: rows.map((row) => {
        const sourceKey = `event/${row.epoch}/${row.n}`;
        const kept = row.data.voy_type === 'SYNC' || row.data.voy_type === 'TEST';
        return {
          id: stableId('frame', telescopeId, sourceKey),
          telescopeId,
          sourceKey,
          sourcePath: row.data.file,
          filename: splitPath(row.data.file).name,
          type: FRAME_TYPES[row.data.type] ?? 'LIGHT',
          voyType: row.data.voy_type,
          state: kept ? 'skipped' : 'pending',
          reason: kept ? `voyager_${row.data.voy_type!.toLowerCase()}` : null,
          seenAt: row.at,
        };
      }),
    });
    await db.journal.updateMany({
      where: { telescopeId, kind: 'frame', deliveredAt: null, OR: rows.map(({ epoch, n }) => ({ epoch, n })) },
      data: { deliveredAt: new Date() },
    });
  }

  /** Frames that were nobody's are looked at again once the shot-done list knows them as a booking's. */
  private async recall(telescopeId: string): Promise<void> {
    await this.deps.db.$executeRaw`
      UPDATE frames f SET state = 'pending' FROM journal j, sessions s
      WHERE f.telescope_id = ${telescopeId} AND f.state = 'unassigned' AND f.seen_at > now() - interval '7 days'
        AND j.telescope_id = f.telescope_id AND j.kind = 'shot_done' AND j.at > now() - interval '8 days'
        AND (lower(j.data->>'guid') = f.shot_done_guid OR (f.shot_done_guid IS NULL AND lower(j.data->>'path') = lower(f.source_path)))
        AND s.telescope_id = f.telescope_id AND lower(s.target_guid) = lower(j.data->>'target_guid')`;
  }

  /** Takes one frame as far as it goes now. Failures of the machine are thrown; failures of the file end in its row. */
  private async step(telescope: Telescope, row: Frame, previous: Promise<void>, past: Past | null): Promise<Step> {
    let frame = row;
    if (frame.state !== 'archived') {
      const taken = await this.take(telescope, frame, past);
      if (typeof taken === 'string') return taken;
      frame = taken;
    }
    if (!frame.bookingId || frame.announced) return 'done';
    if (!frame.previewed && !frame.reason) frame = await this.preview(telescope, frame);
    await previous.catch(() => undefined);
    if (past) {
      await this.deps.db.frame.update({ where: { id: frame.id }, data: { announced: true } });
      past.each(frame);
    } else await announceCaptured(this.deps.db, frame.id);
    return 'done';
  }

  private async take(telescope: Telescope, row: Frame, past: Past | null): Promise<Step | Frame> {
    const { db, mount, maxBytes, timing } = this.deps;
    const age = Date.now() - row.seenAt.getTime();
    let mapped = mapPath(row.sourcePath, telescope.path_map);
    if (!mapped) return this.refuse(telescope, row, {}, 'path_unmapped', `no path_map entry fits ${row.sourcePath}`, null);
    let seen: MountState;
    try {
      seen = await mount.probe(mapped.path, mapped.root, maxBytes);
    } catch (thrown) {
      if (thrown instanceof MountFailure && thrown.code === 'outside') return this.refuse(telescope, row, {}, 'outside', thrown.message, null);
      if (thrown instanceof MountFailure && (thrown.errno === 'EACCES' || thrown.errno === 'EPERM')) this.denied.add(row.id);
      this.deps.logger.warn({ frame: row.id, err: toError(thrown).message }, 'frame cannot be looked at');
      await this.attributeByPath(telescope, row);
      return 'wait';
    }
    this.denied.delete(row.id);
    if (seen.state === 'absent') {
      const kept = await this.alreadyKept(row);
      if (kept) {
        mapped = kept;
        seen = await mount.probe(kept.path, kept.root, maxBytes);
      }
    }
    if (seen.state === 'absent') {
      await this.attributeByPath(telescope, row);
      return 'wait';
    }
    if (seen.state === 'broken') {
      if (seen.code === 'too_large') return this.refuse(telescope, row, {}, seen.code, seen.message, null);
      if (MAY_GROW.has(seen.code) && !this.settled(row.id, seen.size, seen.mtimeMs)) return 'wait';
      return this.refuse(telescope, row, {}, seen.code, seen.message, mapped);
    }
    if (/\.gz$/i.test(mapped.path) && !this.settled(row.id, seen.size, seen.mtimeMs, Math.min(2_000, timing.settleMs))) return 'wait';
    if (!seen.hasImage) return this.refuse(telescope, row, seen.header, 'no_image', 'no HDU of the file holds an image', mapped);

    const calibrationType = row.type !== 'LIGHT';
    const claim = async (): ReturnType<typeof findOwner> =>
      row.bookingId
        ? {
            owner: { bookingId: row.bookingId, shotGuid: row.shotGuid, shotDoneGuid: row.shotDoneGuid, shotIndex: row.shotIndex, by: 'shot_done_list' },
            record: await this.recordOf(telescope, row, seen.header),
          }
        : findOwner(db, telescope, { sourcePath: row.sourcePath, seenAt: row.seenAt, shotDoneGuid: row.shotDoneGuid, header: seen.header });
    let { owner, record } = await claim();
    if (!owner && !calibrationType && age < timing.attributeMs) {
      // Voyager's record of a frame follows its file by some tenths of a second: the copy is made meanwhile.
      await this.prepare(telescope, row, mapped, seen, true).catch(() => undefined);
      ({ owner, record } = await claim());
    }
    const metadata = metadataOf(seen.header);
    const calibration = calibrationType && !owner;
    if (!owner && !calibration) {
      if (age < timing.attributeMs) return 'wait';
      await this.forget(row.id);
      await db.frame.updateMany({ where: { id: row.id, state: 'pending' }, data: { state: 'unassigned', shotDoneGuid: rtShotOf(seen.header) ?? row.shotDoneGuid } });
      return 'later';
    }

    const shotDoneGuid = (owner?.shotDoneGuid ?? rtShotOf(seen.header))?.toLowerCase() ?? null;
    const plan = owner ? await this.planned(owner.bookingId, owner.shotIndex) : null;
    let prepared: Prepared;
    try {
      prepared = await this.prepare(telescope, owner ? { ...row, bookingId: owner.bookingId } : row, mapped, seen, owner !== null);
    } catch (thrown) {
      if (!(thrown instanceof MountFailure) || thrown.errno === 'ENOSPC') throw thrown;
      this.deps.logger.warn({ frame: row.id, err: thrown.message }, 'frame copy failed, it will be continued');
      if (thrown.code === 'changed') await this.forget(row.id);
      return 'wait';
    }
    return this.alone(prepared.copied.sha256, () => this.archive(telescope, row, past, { prepared, owner, record, metadata, plan, shotDoneGuid, header: seen.header }));
  }

  /** Where the store has the content of a frame already: its copy stood when a process died, and the file has gone since. */
  private async alreadyKept(row: Frame): Promise<{ path: string; root: string } | null> {
    const { store } = this.deps;
    if (!row.sha256) return null;
    const path = store.objectPath(row.sha256);
    return (await statOrNull(path))?.size === Number(row.sizeBytes) ? { path, root: store.root } : null;
  }

  /** The way from a copy to an archived frame; for one content at a time, so that two rows for the same exposure see each other. */
  private async archive(telescope: Telescope, row: Frame, past: Past | null, known: Known): Promise<Step | Frame> {
    const { db } = this.deps;
    const { owner, record, metadata, plan, shotDoneGuid, header } = known;
    const { copied, staging, picture } = known.prepared;
    const twin = await this.twin(row, owner?.bookingId ?? null, shotDoneGuid, copied.sha256, past !== null);
    if (twin) {
      await this.forget(row.id);
      await db.frame.updateMany({
        where: { id: row.id, state: 'pending' },
        data: { state: 'skipped', bookingId: null, reason: `same_as_${twin.id}`, sha256: copied.sha256, sizeBytes: BigInt(copied.bytes) },
      });
      return 'later';
    }
    const { store } = this.deps;
    await db.frame.updateMany({ where: { id: row.id, state: 'pending' }, data: { sha256: copied.sha256, sizeBytes: BigInt(copied.bytes) } });
    const object = await store.adopt(staging, copied.sha256, copied.bytes, copied.crc32).catch((thrown: unknown) => {
      // The copy is not where it was made; the next attempt makes another.
      this.copies.delete(row.id);
      throw thrown;
    });
    const type: FrameType = row.sourceKey.startsWith('event/') ? (row.type as FrameType) : (metadata.type ?? (row.type as FrameType));
    const folder = owner ? store.bookingFolder(owner.bookingId) : join(store.root, 'calibration', safeName(telescope.id), type.toLowerCase());
    const named = await store.name(folder, row.filename, object);
    const jpg = await this.pictureNumbers(telescope.id, row);
    const hfd = jpg?.hfd ?? record?.hfd ?? null;
    this.waiting.delete(row.id);
    this.copies.delete(row.id);
    // What another worker has made of the row meanwhile stands.
    await db.frame.updateMany({
      where: { id: row.id, state: 'pending' },
      data: {
        state: 'archived',
        type,
        reason: null,
        ...this.pictureData(row, picture),
        bookingId: owner?.bookingId ?? null,
        shotGuid: owner?.shotGuid ?? null,
        shotDoneGuid,
        shotIndex: owner?.shotIndex ?? null,
        filter: metadata.filter ?? jpg?.filter ?? plan?.filter ?? null,
        exposure: metadata.exposure ?? jpg?.exposure_seconds ?? plan?.exposure_seconds ?? null,
        temperature: metadata.temperature,
        binning: metadata.binning ?? jpg?.binning ?? plan?.binning ?? null,
        gain: metadata.gain ?? plan?.gain ?? null,
        offset: metadata.offset ?? plan?.offset ?? null,
        hfd: hfd ?? metadata.hfd,
        hfdSource: hfd !== null ? 'voyager' : metadata.hfd !== null ? 'header' : null,
        voyagerHfd: hfd,
        starIndex: jpg?.star_index ?? record?.star_index ?? null,
        metadata: header as Prisma.InputJsonObject,
        archivePath: store.relative(named),
        sizeBytes: BigInt(copied.bytes),
        sha256: copied.sha256,
        capturedAt: capturedAt(metadata, row.seenAt, row.sourceKey.startsWith('event/')),
        archivedAt: new Date(),
      },
    });
    const taken = await db.frame.findUniqueOrThrow({ where: { id: row.id } });
    return taken.state === 'archived' ? taken : 'later';
  }

  private async alone<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.taking.get(key) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(work);
    this.taking.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.taking.get(key) === mine) this.taking.delete(key);
    }
  }

  /**
   * The copy of a whole file on the store's disk, with its hash, fsynced, and its picture, both read while the bytes are still in memory.
   * Made once per state of the file, however often it is asked for.
   * @throws MountFailure when the source cannot be read or has changed; Error `disk_low`
   */
  private prepare(telescope: Telescope, row: Frame, mapped: { path: string; root: string }, seen: { size: number; mtimeMs: number }, pictured: boolean): Promise<Prepared> {
    const stamp = `${row.id}\n${row.sourcePath}\n${seen.size}\n${seen.mtimeMs}`;
    const known = this.copies.get(row.id);
    if (known?.stamp === stamp) return known.work;
    const work = this.copyAndLook(telescope, row, mapped, seen.size, stamp, pictured);
    this.copies.set(row.id, { stamp, work });
    work.catch(() => {
      if (this.copies.get(row.id)?.work === work) this.copies.delete(row.id);
    });
    return work;
  }

  private async copyAndLook(telescope: Telescope, row: Frame, mapped: { path: string; root: string }, size: number, stamp: string, pictured: boolean): Promise<Prepared> {
    const { store, mount, maxBytes } = this.deps;
    await this.guardSpace(row, size);
    const staging = await store.staging(`${stamp}\n${BOOT}`);
    let copied: CopyResult;
    this.underWayBytes += size;
    try {
      copied = await mount.copy(mapped.path, mapped.root, staging, maxBytes, false);
    } catch (thrown) {
      if (thrown instanceof MountFailure && thrown.code === 'changed') await rm(staging, { force: true });
      throw thrown;
    } finally {
      this.underWayBytes -= size;
    }
    // The frame itself comes first: a picture that fails for another reason than the file is tried again once the frame stands.
    // A copy that cannot be opened has been taken into the store by another worker.
    const look = async (): Promise<Prepared['picture']> =>
      this.look(telescope, row.id, staging).then(
        (picture) => (picture instanceof FitsError && picture.code === 'unreadable' ? null : picture),
        (thrown: unknown) => {
          this.deps.logger.warn({ frame: row.id, err: toError(thrown).message }, 'no preview yet');
          return null;
        },
      );
    const [picture] = await Promise.all([pictured ? look() : null, syncFile(staging)]);
    return { staging, copied, picture };
  }

  /** What was prepared of a frame that is not taken goes. */
  private async forget(frameId: string): Promise<void> {
    const prepared = await this.copies.get(frameId)?.work.catch(() => null);
    this.copies.delete(frameId);
    if (prepared) await rm(prepared.staging, { force: true });
    await rm(this.deps.store.derivedFolder(frameId), { recursive: true, force: true });
  }

  /**
   * The operator hears of it once per session.
   * @throws Error when the store's disk could not take the frame and what is made of it; the activity is tried again later, nothing is lost
   */
  private async guardSpace(row: Frame, bytes: number): Promise<void> {
    const free = await this.deps.store.freeBytes();
    if (free >= (this.underWayBytes + bytes) * 1.2 + RESERVE_BYTES) return;
    const message = `${Math.floor(free / 1e6)} MB free in the frame store, a frame of ${Math.ceil(bytes / 1e6)} MB waits`;
    const { bookingId, telescopeId } = row;
    if (bookingId) await alertOperator(this.deps.db, { bookingId, telescopeId, key: 'disk_low', at: new Date().toISOString(), reason: 'disk_low', message: `${message}.` });
    throw new Error(`disk_low: ${message}`);
  }

  /** True once a file has kept its size and time for the settling time. */
  private settled(id: string, size: number, mtimeMs: number, settleMs = this.deps.timing.settleMs): boolean {
    const known = this.waiting.get(id);
    if (!known || known.size !== size || known.mtimeMs !== mtimeMs) {
      this.waiting.set(id, { size, mtimeMs, since: Date.now() });
      return false;
    }
    return Date.now() - known.since >= settleMs;
  }

  private async attributeByPath(telescope: Telescope, row: Frame): Promise<void> {
    if (row.bookingId) return;
    const { owner } = await findOwner(this.deps.db, telescope, { sourcePath: row.sourcePath, seenAt: row.seenAt, shotDoneGuid: row.shotDoneGuid, header: {} });
    if (owner)
      await this.deps.db.frame.update({
        where: { id: row.id },
        data: { bookingId: owner.bookingId, shotGuid: owner.shotGuid, shotDoneGuid: owner.shotDoneGuid?.toLowerCase() ?? null, shotIndex: owner.shotIndex },
      });
  }

  private async recordOf(telescope: Telescope, row: Frame, header: Record<string, unknown>): Promise<ShotDoneRecord | null> {
    return (await findOwner(this.deps.db, telescope, { sourcePath: row.sourcePath, seenAt: row.seenAt, shotDoneGuid: row.shotDoneGuid, header })).record;
  }

  /**
   * Another row of the same booking for the same exposure: same shot-done record, or the same content under the same path. Of an imported
   * folder every copy of a content is the same exposure.
   */
  private async twin(row: Frame, bookingId: string | null, shotDoneGuid: string | null, sha256: string, past: boolean): Promise<{ id: string } | null> {
    const same: Prisma.FrameWhereInput = past ? {} : { OR: [...(shotDoneGuid ? [{ shotDoneGuid }] : []), { sourcePath: row.sourcePath }] };
    return this.deps.db.frame.findFirst({
      where: { telescopeId: row.telescopeId, bookingId, id: { not: row.id }, state: 'archived', sha256, ...same },
      select: { id: true },
    });
  }

  private async planned(bookingId: string, shotIndex: number | null): Promise<PlannedShot | null> {
    if (shotIndex === null) return null;
    const booking = await this.deps.db.booking.findUnique({ where: { id: bookingId }, select: { shots: true } });
    const shots = (booking?.shots ?? []) as PlannedShot[];
    return shots[shotIndex] ?? null;
  }

  /** Numbers of the NewJPGReady that belongs to a frame, by file name. */
  private async pictureNumbers(telescopeId: string, row: Frame): Promise<JournalKinds['jpg'] | null> {
    const rows = await this.deps.db.journal.findMany({
      where: { telescopeId, kind: 'jpg', at: { gte: new Date(row.seenAt.getTime() - 600_000), lte: new Date(row.seenAt.getTime() + 600_000) } },
      orderBy: [{ epoch: 'desc' }, { n: 'desc' }],
      take: 500,
    });
    const stem = stemOf(row.sourcePath);
    const exact = rows.find((r) => stemOf((r.data as unknown as JournalKinds['jpg']).file) === stem);
    return exact ? (exact.data as unknown as JournalKinds['jpg']) : null;
  }

  /** A file that is no frame: it goes to quarantine, its row says why, the night goes on. */
  private async refuse(
    telescope: Telescope,
    row: Frame,
    header: Record<string, unknown>,
    code: string,
    message: string,
    mapped: { path: string; root: string } | null,
  ): Promise<Step> {
    const { db, mount, store, maxBytes, timing } = this.deps;
    let bookingId = row.bookingId;
    let shot: Partial<Pick<Frame, 'shotGuid' | 'shotDoneGuid' | 'shotIndex'>> = {};
    if (!bookingId) {
      const { owner } = await findOwner(db, telescope, { sourcePath: row.sourcePath, seenAt: row.seenAt, shotDoneGuid: row.shotDoneGuid, header });
      if (!owner && Date.now() - row.seenAt.getTime() < timing.attributeMs) return 'wait';
      bookingId = owner?.bookingId ?? null;
      if (owner) shot = { shotGuid: owner.shotGuid, shotDoneGuid: owner.shotDoneGuid?.toLowerCase() ?? null, shotIndex: owner.shotIndex };
    }
    let archivePath: string | null = null;
    let sha256: string | null = null;
    let sizeBytes: bigint | null = null;
    if (mapped) {
      const staging = await store.staging(`refused\n${row.id}\n${process.pid}`);
      try {
        await rm(staging, { force: true });
        const copied = await mount.copy(mapped.path, mapped.root, staging, maxBytes, false);
        archivePath = store.relative(await store.quarantine(staging, row.id, copied.sha256, row.filename));
        sha256 = copied.sha256;
        sizeBytes = BigInt(copied.bytes);
      } catch (thrown) {
        await rm(staging, { force: true });
        this.deps.logger.warn({ frame: row.id, err: toError(thrown).message }, 'a refused file could not be put aside');
      }
    }
    await this.forget(row.id);
    this.waiting.delete(row.id);
    const text = reasonText(code);
    await db.$transaction(async (tx) => {
      const { count } = await tx.frame.updateMany({
        where: { id: row.id, state: 'pending' },
        data: { state: 'rejected', reason: code, bookingId, ...shot, sha256, sizeBytes, metadata: { error: message, quarantine: archivePath } },
      });
      if (count === 0) return;
      await logFrame(
        tx,
        { ...row, bookingId },
        {
          level: 'WARNING',
          event: 'frame_rejected',
          message: `Frame ${row.filename} was not taken: ${text.en}.`,
          messageFr: `L'image ${row.filename} n'a pas été retenue : ${text.fr}.`,
          data: { reason: code, detail: message },
          at: row.seenAt,
        },
      );
    });
    return 'done';
  }

  private async preview(telescope: Telescope, row: Frame): Promise<Frame> {
    const picture = await this.look(telescope, row.id, this.deps.store.path(row.archivePath!));
    return this.deps.db.frame.update({ where: { id: row.id }, data: this.pictureData(row, picture) });
  }

  private derived(frameId: string): { preview: string; thumbnail: string; quicklook: string } {
    const folder = this.deps.store.derivedFolder(frameId);
    return { preview: join(folder, 'preview.jpg'), thumbnail: join(folder, 'thumbnail.jpg'), quicklook: join(folder, 'quicklook.fits') };
  }

  /** Preview, thumbnail, quick look and statistics of a file; the error where its pixels cannot be read. */
  private async look(telescope: Telescope, frameId: string, path: string): Promise<PreviewResult | FitsError> {
    try {
      return await this.deps.pool.run({ kind: 'preview', path, ...this.derived(frameId), orientation: telescope.frame_orientation, bayer: telescope.camera.bayer });
    } catch (thrown) {
      if (!(thrown instanceof FitsError)) throw thrown;
      this.deps.logger.warn({ frame: frameId, err: thrown.message }, 'frame has no preview');
      return thrown;
    }
  }

  private pictureData(row: Frame, picture: PreviewResult | FitsError | null): Prisma.FrameUncheckedUpdateManyInput {
    if (!picture) return {};
    if (picture instanceof FitsError) return { reason: picture.code, measured: true };
    const { store } = this.deps;
    const { preview, thumbnail, quicklook } = this.derived(row.id);
    return {
      previewed: true,
      previewedAt: new Date(),
      previewPath: store.relative(preview),
      thumbnailPath: store.relative(thumbnail),
      quicklookPath: store.relative(quicklook),
      stats: picture.stats,
      histogram: picture.histogram,
    };
  }

  /** Measures the two oldest frames that wait for it. Returns whether there was one. */
  private async measureSome(telescopeId: string, caller: Caller, past: Past | null): Promise<boolean> {
    const { db, pool, store } = this.deps;
    const rows = await db.frame.findMany({
      where: { telescopeId, state: 'archived', measured: false, announced: true, bookingId: { not: null }, ...scopeOf(past) },
      orderBy: [{ seenAt: 'asc' }, { sourceKey: 'asc' }],
      take: 2,
    });
    await Promise.all(
      rows.map(async (row) => {
        const metrics =
          row.type === 'LIGHT'
            ? await pool.run({ kind: 'stars', path: store.path(row.archivePath!) }).then(
                (r) => r.metrics,
                (thrown: unknown) => {
                  if (!(thrown instanceof FitsError)) throw thrown;
                  this.deps.logger.warn({ frame: row.id, err: thrown.message }, 'frame cannot be measured');
                  return null;
                },
              )
            : null;
        const jpg = await this.pictureNumbers(telescopeId, row);
        const voyagerHfd = jpg?.hfd ?? row.voyagerHfd;
        const measured = metrics?.hfd ?? null;
        const stats = row.stats as Prisma.JsonObject | null;
        const updated = await db.frame.update({
          where: { id: row.id },
          data: {
            measured: true,
            stars: metrics?.count ?? null,
            voyagerHfd,
            starIndex: jpg?.star_index ?? row.starIndex,
            hfd: measured ?? voyagerHfd ?? row.hfd,
            hfdSource: measured !== null ? 'measured' : voyagerHfd !== null ? 'voyager' : row.hfdSource,
            ...(stats && metrics ? { stats: { ...stats, background: metrics.background, eccentricity: metrics.eccentricity } } : {}),
          },
        });
        if (!past) await announceMeasured(db, updated);
        caller.heartbeat({ frame: row.id, step: 'measured' });
      }),
    );
    return rows.length > 0;
  }

  /** Writes Voyager's list into the journal's terms, so that attribution sees what the list says even if no event did. */
  private async learn(telescopeId: string, bookingId: string, shots: ShotDone[]): Promise<void> {
    const { db } = this.deps;
    const session = await db.session.findUnique({ where: { bookingId }, select: { targetGuid: true } });
    const targetGuid = session?.targetGuid;
    if (!targetGuid || shots.length === 0) return;
    const since = new Date(Math.min(...shots.map((shot) => Date.parse(shot.at))) - 2 * DAY_MS);
    const records = await db.journal.findMany({ where: { telescopeId, kind: 'shot_done', at: { gte: since } }, select: { data: true } });
    const known = new Set(records.map((row) => (row.data as unknown as ShotDoneRecord).guid.toLowerCase()));
    const fresh = shots.filter((shot) => !known.has(shot.guid.toLowerCase()));
    if (fresh.length === 0) return;
    const last = await db.journal.aggregate({ where: { telescopeId, epoch: LIST_EPOCH }, _max: { n: true } });
    await db.journal.createMany({
      skipDuplicates: true,
      data: fresh.map((shot, i) => ({
        telescopeId,
        epoch: LIST_EPOCH,
        n: (last._max.n ?? 0) + 1 + i,
        kind: 'shot_done',
        at: new Date(shot.at),
        bookingId,
        deliveredAt: new Date(),
        data: {
          guid: shot.guid,
          shot_guid: shot.shotGuid,
          target_guid: targetGuid,
          filename: shot.filename,
          path: shot.path,
          at: shot.at,
          hfd: shot.hfd,
          star_index: shot.starIndex,
        } satisfies JournalKinds['shot_done'] as unknown as Prisma.InputJsonObject,
      })),
    });
  }

  /** A row for each exposure that the list has and no event told of. */
  private async addFromList(telescope: Telescope, bookingId: string, listed: ShotDone[] | null): Promise<void> {
    if (!listed) return;
    const { db } = this.deps;
    const frames = await db.frame.findMany({
      where: {
        telescopeId: telescope.id,
        OR: [{ bookingId }, { bookingId: null, seenAt: { gte: new Date(Date.now() - 7 * DAY_MS) } }],
        sourceKey: { not: { startsWith: IMPORTED } },
      },
      select: { id: true, state: true, bookingId: true, shotDoneGuid: true, sourcePath: true },
    });
    const indexOf = await planIndex(db, bookingId);
    for (const shot of listed) {
      const guid = shot.guid.toLowerCase();
      const place = { shotGuid: shot.shotGuid, shotIndex: indexOf(shot.shotGuid) };
      const path = pathOf({ path: shot.path, filename: shot.filename });
      const known = frames.find((f) => f.shotDoneGuid?.toLowerCase() === guid);
      if (known) {
        if (known.state === 'unassigned') await db.frame.update({ where: { id: known.id }, data: { state: 'pending', bookingId, ...place } });
        continue;
      }
      const unclaimed = frames.find((f) => !f.shotDoneGuid && comparable(f.sourcePath) === comparable(path));
      if (unclaimed) {
        if (unclaimed.bookingId === bookingId || unclaimed.state === 'unassigned' || unclaimed.state === 'pending')
          await db.frame.update({
            where: { id: unclaimed.id },
            data: { shotDoneGuid: guid, ...place, bookingId, ...(unclaimed.state === 'unassigned' ? { state: 'pending' } : {}) },
          });
        continue;
      }
      const sourceKey = `shot_done/${guid}`;
      await db.frame.createMany({
        skipDuplicates: true,
        data: [
          {
            id: stableId('frame', telescope.id, sourceKey),
            telescopeId: telescope.id,
            bookingId,
            sourceKey,
            sourcePath: path,
            filename: splitPath(path).name,
            type: 'LIGHT',
            voyType: 'SHOT',
            ...place,
            shotDoneGuid: guid,
            state: 'pending',
            seenAt: new Date(shot.at),
          },
        ],
      });
    }
  }

  /** Files in the folders of this booking's frames that neither event nor list told of; RTSHOT must say that they are its own. */
  private async addFromFolder(telescope: Telescope, bookingId: string, caller: Caller): Promise<void> {
    const { db, mount, maxBytes } = this.deps;
    const frames = await db.frame.findMany({
      where: { telescopeId: telescope.id, OR: [{ bookingId }, { seenAt: { gte: new Date(Date.now() - 7 * DAY_MS) } }], sourceKey: { not: { startsWith: IMPORTED } } },
      select: { sourcePath: true, bookingId: true, seenAt: true },
    });
    const own = frames.filter((f) => f.bookingId === bookingId);
    const first = own.reduce((min, f) => Math.min(min, f.seenAt.getTime()), Number.POSITIVE_INFINITY);
    const known = new Set(frames.map((f) => comparable(mapPath(f.sourcePath, telescope.path_map)?.path ?? f.sourcePath)));
    const folders = new Map<string, string>();
    for (const { sourcePath } of own) folders.set(splitPath(sourcePath).folder, sourcePath);
    for (const [folder, sample] of folders) {
      const mapped = mapPath(sample, telescope.path_map);
      if (!mapped) continue;
      const local = splitPath(mapped.path).folder;
      const files = await mount.list(local, mapped.root, first - 3_600_000).catch(() => []);
      const mayBeOurs = await this.marksOf(telescope, bookingId, first);
      await eachLimited(files, 2, async (file) => {
        caller.heartbeat({ folder: file.path });
        caller.signal?.throwIfAborted();
        if (known.has(comparable(file.path))) return;
        const stamp = `${file.size}/${file.mtimeMs}`;
        const stranger = this.strangers.get(`${bookingId}\n${file.path}`);
        if (stranger?.stamp === stamp && !mayBeOurs(splitPath(file.path.replaceAll('/', '\\')).name, stranger)) return;
        const seen = await mount.probe(file.path, mapped.root, maxBytes).catch(() => null);
        if (seen?.state !== 'whole') return;
        const sourcePath = `${folder}\\${file.path.slice(local.length + 1).replaceAll('/', '\\')}`;
        if (!mayBeOurs(splitPath(sourcePath).name, seen.header)) {
          if (this.strangers.size >= STRANGERS) this.strangers.clear();
          this.strangers.set(`${bookingId}\n${file.path}`, { stamp, RTSHOT: seen.header.RTSHOT });
          return;
        }
        const { owner } = await findOwner(db, telescope, { sourcePath, seenAt: new Date(file.mtimeMs), shotDoneGuid: null, header: seen.header });
        if (owner?.bookingId !== bookingId) return;
        const sourceKey = `file/${file.path}/${Math.round(file.mtimeMs)}`;
        await db.frame.createMany({
          skipDuplicates: true,
          data: [
            {
              id: stableId('frame', telescope.id, sourceKey),
              telescopeId: telescope.id,
              bookingId,
              sourceKey,
              sourcePath,
              filename: splitPath(sourcePath).name,
              type: metadataOf(seen.header).type ?? 'LIGHT',
              voyType: null,
              shotGuid: owner.shotGuid,
              shotDoneGuid: owner.shotDoneGuid?.toLowerCase() ?? null,
              shotIndex: owner.shotIndex,
              state: 'pending',
              seenAt: new Date(file.mtimeMs),
            },
          ],
        });
      });
    }
  }

  /**
   * Whether a file can be this booking's at all, without asking the database for each of thousands: its RTSHOT or name stands in the
   * journal's records, or the booking's tag in its header. Who it belongs to is then decided as for every frame.
   */
  private async marksOf(telescope: Telescope, bookingId: string, sinceMs: number): Promise<(name: string, header: Record<string, unknown>) => boolean> {
    const since = new Date((Number.isFinite(sinceMs) ? sinceMs : Date.now()) - 2 * DAY_MS);
    const [booking, records] = await Promise.all([
      this.deps.db.booking.findUnique({ where: { id: bookingId }, select: { userRef: true } }),
      this.deps.db.journal.findMany({ where: { telescopeId: telescope.id, kind: 'shot_done', at: { gte: since } }, select: { data: true } }),
    ]);
    const tag = setTag(telescope, bookingId, booking?.userRef ?? '');
    const [guids, names] = [new Set<string>(), new Set<string>()];
    for (const { data } of records) {
      const record = data as unknown as ShotDoneRecord;
      guids.add(record.guid.toLowerCase());
      names.add(splitPath(pathOf(record)).name.toLowerCase());
    }
    return (name, header) => guids.has(rtShotOf(header) ?? '') || names.has(name.toLowerCase()) || Object.values(header).includes(tag);
  }

  /** A file that was cut when it was refused may be whole by now: the last reconciliation looks once more. */
  private async reopen(telescope: Telescope, bookingId: string): Promise<void> {
    const { db, mount, maxBytes } = this.deps;
    for (const row of await db.frame.findMany({ where: { bookingId, state: 'rejected', reason: { in: [...MAY_GROW] } } })) {
      const mapped = mapPath(row.sourcePath, telescope.path_map);
      const seen = mapped ? await mount.probe(mapped.path, mapped.root, maxBytes).catch(() => null) : null;
      if (seen?.state === 'whole' && seen.hasImage) await db.frame.update({ where: { id: row.id }, data: { state: 'pending', reason: null } });
    }
  }

  /** Gives every frame of the booking that is still open its end. */
  private async conclude(telescope: Telescope, bookingId: string, caller: Caller): Promise<void> {
    const { db, mount, timing } = this.deps;
    const started = Date.now();
    for (;;) {
      const open = await db.frame.findMany({ where: { bookingId, state: 'pending' }, orderBy: { seenAt: 'asc' } });
      if (open.length === 0) return;
      let unreachable = false;
      for (const row of open) {
        caller.heartbeat({ frame: row.id, step: 'concluding' });
        caller.signal?.throwIfAborted();
        const mapped = mapPath(row.sourcePath, telescope.path_map);
        const reachable = mapped !== null && (await mount.reachable(mapped.root));
        const waited = Date.now() - started;
        if (waited < (reachable ? timing.absentMs : timing.unreachableMs)) {
          unreachable ||= !reachable;
          continue;
        }
        await this.miss(row, !reachable ? 'storage_unreachable' : this.denied.has(row.id) ? 'unreadable' : 'file_absent');
      }
      await this.drainNow(telescope, caller, 0);
      await sleep(unreachable ? Math.max(1_000, timing.pollMs) : timing.pollMs, undefined, caller.signal ? { signal: caller.signal } : {});
    }
  }

  private async miss(row: Frame, code: string): Promise<void> {
    const text = reasonText(code);
    await this.deps.db.$transaction(async (tx) => {
      const { count } = await tx.frame.updateMany({ where: { id: row.id, state: 'pending' }, data: { state: 'missing', reason: code } });
      if (count === 0) return;
      await logFrame(tx, row, {
        level: 'ERROR',
        event: 'frame_missing',
        message: `Frame ${row.filename} is missing: ${text.en}.`,
        messageFr: `L'image ${row.filename} manque : ${text.fr}.`,
        data: { reason: code },
        at: row.seenAt,
      });
    });
  }
}

/** A folder of the past: only its booking's rows, and whom to tell of each. */
interface Past {
  bookingId: string;
  each: (row: Frame) => void;
}
/** Rows that a drain looks at. An import's rows are its own, however young their frames: their paths are not Voyager's. */
const scopeOf = (past: Past | null): Prisma.FrameWhereInput =>
  past ? { bookingId: past.bookingId } : { seenAt: { gte: new Date(Date.now() - 30 * DAY_MS) }, sourceKey: { not: { startsWith: IMPORTED } } };

/** Journal epoch of records that came from Voyager's list and not from a gateway; gateways count from 1. */
const LIST_EPOCH = 0;

/** Runs `work` over the items in order, at most `limit` at a time; the first failure is thrown after all have come to rest. */
async function eachLimited<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const errors: unknown[] = [];
  const lane = async (): Promise<void> => {
    while (next < items.length && errors.length === 0) {
      try {
        await work(items[next++]!);
      } catch (thrown) {
        errors.push(thrown);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (errors.length > 0) throw errors[0];
}
