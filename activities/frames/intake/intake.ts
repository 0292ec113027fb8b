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
import type { FrameCounts, ShotDone } from '../../../domain/ports.ts';
import { announceCaptured, announceRest, logFrame } from '../announce.ts';
import { findOwner, rtShotOf, type ShotDoneRecord } from '../attribution.ts';
import { FitsError } from '../../../frames/fits/index.ts';
import { capturedAt, metadataOf, type FrameMetadata } from '../../../frames/metadata.ts';
import type { PreviewResult } from '../../../frames/pass/jobs.ts';
import type { FramePool } from '../../../frames/pass/pool.ts';
import { alertOperator } from '../../session/records.ts';
import { reasonText } from '../../../frames/reasons.ts';
import { safeName, statOrNull, syncFile, type FrameStore } from '../../../frames/store/store.ts';
import { storeOrAlert } from '../store-alert.ts';
import { MountFailure, type Mount } from './mount.ts';
import type { CopyResult, MountState } from './mount-child.ts';
import { eachLimited } from '../../../frames/limited.ts';
import { IMPORTED, scopeOf, type Past } from './past.ts';
import { skeletonSql } from './path-sql.ts';
import { comparable, mapPath, splitPath } from './paths.ts';
import { FramePictures, pictureNumbers } from './pictures.ts';
import { FrameSearch } from './search.ts';
import type { Caller } from '../caller.ts';

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

/** Frames under way at once: two for the processors, one that waits for the disk. */
const LANES = 3;
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
  private readonly search: FrameSearch;
  private readonly pictures: FramePictures;
  private readonly turns = new Map<string, Promise<unknown>>();
  /** What was seen of a file that was not whole, with the instant since when it has not changed. */
  private readonly waiting = new Map<string, { stamp: string; since: number }>();
  /** Files of which the system did not say whether they are there, or that we may not look at. */
  private readonly denied = new Set<string>();
  /** Bytes of copies that are being written now; their room is spoken for. */
  private underWayBytes = 0;
  /** Contents that are on their way into the store. */
  private readonly taking = new Map<string, Promise<unknown>>();
  /** Copies made while it is still asked whose frame it is, by frame; `stamp` tells when the file has changed since. */
  private readonly copies = new Map<string, { stamp: string; work: Promise<Prepared> }>();
  constructor(deps: IntakeDeps) {
    this.deps = deps;
    this.search = new FrameSearch(deps);
    this.pictures = new FramePictures(deps);
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
  reconcile(
    input: { bookingId: string; telescopeId: string; shotsDone: ShotDone[] | null; final: boolean },
    caller: Caller,
  ): Promise<FrameCounts> {
    return this.inTurn(input.telescopeId, caller, async () => {
      const telescope = await this.telescope(input.telescopeId);
      if (input.shotsDone) await this.search.learn(input.telescopeId, input.bookingId, input.shotsDone);
      await this.drainNow(telescope, caller, input.final ? this.deps.timing.settleMs * 2 : 0);
      await this.search.addFromList(telescope, input.bookingId, input.shotsDone);
      await this.search.addFromFolder(telescope, input.bookingId, caller);
      if (input.final) {
        await this.reopen(telescope, input.bookingId);
        await this.takeChanged(telescope, input.bookingId, caller);
      }
      await this.drainNow(telescope, caller, input.final ? this.deps.timing.settleMs * 2 : 0);
      if (input.final) {
        await this.conclude(telescope, input.bookingId, caller);
        await this.closeStrays(input.telescopeId, input.bookingId);
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
      for (const row of await this.deps.db.frame.findMany({ where: { bookingId, state: 'pending' } }))
        await this.miss(row, 'file_absent');
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

  private async drainNow(
    telescope: Telescope,
    caller: Caller,
    patienceMs: number,
    past: Past | null = null,
    lingerMs = 0,
  ): Promise<void> {
    const { db, timing } = this.deps;
    const started = Date.now();
    // Patience begins when every file has been looked at once: a slow share takes nothing of it.
    let lastProgress: number | null = null;
    const settled = new Set<string>();
    for (;;) {
      caller.signal?.throwIfAborted();
      await storeOrAlert(db, this.deps.store, telescope.id);
      if (!past) {
        await this.discover(telescope.id);
        await this.recall(telescope.id);
      }
      const rows = await db.frame.findMany({
        where: {
          telescopeId: telescope.id,
          ...scopeOf(past),
          OR: [
            { state: 'pending' },
            { state: 'archived', bookingId: past ? past.bookingId : { not: null }, announced: false },
          ],
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
      const measured = await this.pictures.measureSome(telescope.id, caller, past);
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
    const { db } = this.deps;
    const rows = await db.$queryRaw<{ id: string; source: string; path: string | null; byGuid: boolean }[]>`
      SELECT f.id, f.source_path AS source, j.data->>'path' AS path, f.shot_done_guid IS NOT NULL AS "byGuid" FROM frames f, journal j, sessions s
      WHERE f.telescope_id = ${telescopeId} AND f.state = 'unassigned' AND f.seen_at > now() - interval '7 days'
        AND j.telescope_id = f.telescope_id AND j.kind = 'shot_done' AND j.at > now() - interval '8 days'
        AND (lower(j.data->>'guid') = f.shot_done_guid
          OR (f.shot_done_guid IS NULL AND ${skeletonSql("j.data->>'path'")} = ${skeletonSql('f.source_path')}))
        AND s.telescope_id = f.telescope_id AND lower(s.target_guid) = lower(j.data->>'target_guid')`;
    const named = rows.filter((row) => row.byGuid || comparable(row.path ?? '') === comparable(row.source));
    if (named.length > 0)
      await db.frame.updateMany({
        where: { id: { in: named.map((row) => row.id) }, state: 'unassigned' },
        data: { state: 'pending', reason: null },
      });
  }

  /** Takes one frame as far as it goes now. Failures of the machine are thrown; failures of the file end in its row. */
  private async step(telescope: Telescope, row: Frame, previous: Promise<void>, past: Past | null): Promise<Step> {
    let frame = row;
    if (frame.state !== 'archived') {
      const taken = await this.take(telescope, frame, past);
      if (typeof taken === 'string') return taken;
      frame = taken;
    }
    if (!frame.bookingId) return 'done';
    if (!frame.previewed && !frame.reason) frame = await this.pictures.make(telescope, frame);
    if (frame.announced) return 'done';
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
    if (!mapped)
      return this.refuse(telescope, row, {}, 'path_unmapped', `no path_map entry fits ${row.sourcePath}`, null);
    let seen: MountState;
    try {
      seen = await mount.probe(mapped.path, mapped.root, maxBytes);
    } catch (thrown) {
      if (thrown instanceof MountFailure && thrown.code === 'outside')
        return this.refuse(telescope, row, {}, 'outside', thrown.message, null);
      if (thrown instanceof MountFailure && thrown.errno !== null) this.denied.add(row.id);
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
    if (/\.gz$/i.test(mapped.path) && !this.settled(row.id, seen.size, seen.mtimeMs, Math.min(2_000, timing.settleMs)))
      return 'wait';
    // A copy by Windows has its length before its data: such a file rests until nothing of it changes any more.
    if (!past && seen.sample?.blank && !this.settled(row.id, seen.size, `${seen.mtimeMs} ${seen.sample.stamp}`))
      return 'wait';
    if (!seen.hasImage)
      return this.refuse(telescope, row, seen.header, 'no_image', 'no HDU of the file holds an image', mapped);

    const calibrationType = row.type !== 'LIGHT';
    const claim = async (): ReturnType<typeof findOwner> =>
      row.bookingId
        ? {
            owner: {
              bookingId: row.bookingId,
              shotGuid: row.shotGuid,
              shotDoneGuid: row.shotDoneGuid,
              shotIndex: row.shotIndex,
              by: 'shot_done_list',
            },
            record: await this.recordOf(telescope, row, seen.header),
          }
        : findOwner(db, telescope, {
            sourcePath: row.sourcePath,
            seenAt: row.seenAt,
            shotDoneGuid: row.shotDoneGuid,
            header: seen.header,
          });
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
      await db.frame.updateMany({
        where: { id: row.id, state: 'pending' },
        data: { state: 'unassigned', shotDoneGuid: rtShotOf(seen.header) ?? row.shotDoneGuid },
      });
      return 'later';
    }

    const shotDoneGuid = (owner?.shotDoneGuid ?? rtShotOf(seen.header))?.toLowerCase() ?? null;
    const plan = owner ? await this.planned(owner.bookingId, owner.shotIndex) : null;
    let prepared: Prepared;
    try {
      prepared = await this.prepare(
        telescope,
        owner ? { ...row, bookingId: owner.bookingId } : row,
        mapped,
        seen,
        owner !== null,
      );
    } catch (thrown) {
      if (!(thrown instanceof MountFailure) || thrown.errno === 'ENOSPC') throw thrown;
      this.deps.logger.warn({ frame: row.id, err: thrown.message }, 'frame copy failed, it will be continued');
      if (thrown.code === 'changed') await this.forget(row.id);
      return 'wait';
    }
    return this.alone(prepared.copied.sha256, () =>
      this.archive(telescope, row, past, {
        prepared,
        owner,
        record,
        metadata,
        plan,
        shotDoneGuid,
        header: seen.header,
      }),
    );
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
        data: {
          state: 'skipped',
          bookingId: null,
          reason: `same_as_${twin.id}`,
          sha256: copied.sha256,
          sizeBytes: BigInt(copied.bytes),
        },
      });
      return 'later';
    }
    const { store } = this.deps;
    await db.frame.updateMany({
      where: { id: row.id, state: 'pending' },
      data: { sha256: copied.sha256, sizeBytes: BigInt(copied.bytes) },
    });
    const object = await store.adopt(staging, copied.sha256, copied.bytes, copied.crc32).catch((thrown: unknown) => {
      // The copy is not where it was made; the next attempt makes another.
      this.copies.delete(row.id);
      throw thrown;
    });
    const type: FrameType = row.sourceKey.startsWith('event/')
      ? (row.type as FrameType)
      : (metadata.type ?? (row.type as FrameType));
    const folder = owner
      ? store.bookingFolder(owner.bookingId)
      : join(store.root, 'calibration', safeName(telescope.id), type.toLowerCase());
    if (row.archivePath && row.sha256 && row.sha256 !== copied.sha256) await this.giveUp(row.archivePath, row.sha256);
    const named = await store.name(folder, row.filename, object);
    const jpg = await pictureNumbers(db, telescope.id, row);
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
        ...this.pictures.columns(row, picture),
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
  private prepare(
    telescope: Telescope,
    row: Frame,
    mapped: { path: string; root: string },
    seen: { size: number; mtimeMs: number },
    pictured: boolean,
  ): Promise<Prepared> {
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

  private async copyAndLook(
    telescope: Telescope,
    row: Frame,
    mapped: { path: string; root: string },
    size: number,
    stamp: string,
    pictured: boolean,
  ): Promise<Prepared> {
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
      this.pictures.look(telescope, row.id, staging).then(
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
    if (bookingId)
      await alertOperator(this.deps.db, {
        bookingId,
        telescopeId,
        key: 'disk_low',
        at: new Date().toISOString(),
        reason: 'disk_low',
        message: `${message}.`,
      });
    throw new Error(`disk_low: ${message}`);
  }

  /** True once a file has kept its size, its time (and what else is compared) for the settling time. */
  private settled(id: string, size: number, state: number | string, settleMs = this.deps.timing.settleMs): boolean {
    const stamp = `${size} ${state}`;
    const known = this.waiting.get(id);
    if (known?.stamp !== stamp) {
      this.waiting.set(id, { stamp, since: Date.now() });
      return false;
    }
    return Date.now() - known.since >= settleMs;
  }

  private async attributeByPath(telescope: Telescope, row: Frame): Promise<void> {
    if (row.bookingId) return;
    const { owner } = await findOwner(this.deps.db, telescope, {
      sourcePath: row.sourcePath,
      seenAt: row.seenAt,
      shotDoneGuid: row.shotDoneGuid,
      header: {},
    });
    if (owner)
      await this.deps.db.frame.update({
        where: { id: row.id },
        data: {
          bookingId: owner.bookingId,
          shotGuid: owner.shotGuid,
          shotDoneGuid: owner.shotDoneGuid?.toLowerCase() ?? null,
          shotIndex: owner.shotIndex,
        },
      });
  }

  private async recordOf(
    telescope: Telescope,
    row: Frame,
    header: Record<string, unknown>,
  ): Promise<ShotDoneRecord | null> {
    return (
      await findOwner(this.deps.db, telescope, {
        sourcePath: row.sourcePath,
        seenAt: row.seenAt,
        shotDoneGuid: row.shotDoneGuid,
        header,
      })
    ).record;
  }

  /**
   * Another row of the same booking for the same exposure: same shot-done record, or the same content under the same path. Of an imported
   * folder every copy of a content is the same exposure.
   */
  private async twin(
    row: Frame,
    bookingId: string | null,
    shotDoneGuid: string | null,
    sha256: string,
    past: boolean,
  ): Promise<{ id: string } | null> {
    const same: Prisma.FrameWhereInput = past
      ? {}
      : { OR: [...(shotDoneGuid ? [{ shotDoneGuid }] : []), { sourcePath: row.sourcePath }] };
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
      const { owner } = await findOwner(db, telescope, {
        sourcePath: row.sourcePath,
        seenAt: row.seenAt,
        shotDoneGuid: row.shotDoneGuid,
        header,
      });
      if (!owner && Date.now() - row.seenAt.getTime() < timing.attributeMs) return 'wait';
      bookingId = owner?.bookingId ?? null;
      if (owner)
        shot = {
          shotGuid: owner.shotGuid,
          shotDoneGuid: owner.shotDoneGuid?.toLowerCase() ?? null,
          shotIndex: owner.shotIndex,
        };
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
        data: {
          state: 'rejected',
          reason: code,
          bookingId,
          ...shot,
          sha256,
          sizeBytes,
          metadata: { error: message, quarantine: archivePath },
        },
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

  /** A file that was cut when it was refused, or not there when it was missed, may be whole by now: the last reconciliation looks once more. */
  private async reopen(telescope: Telescope, bookingId: string): Promise<void> {
    const { db, mount, maxBytes } = this.deps;
    for (const row of await db.frame.findMany({
      where: { bookingId, OR: [{ state: 'rejected', reason: { in: [...MAY_GROW] } }, { state: 'missing' }] },
    })) {
      const mapped = mapPath(row.sourcePath, telescope.path_map);
      const seen = mapped ? await mount.probe(mapped.path, mapped.root, maxBytes).catch(() => null) : null;
      if (seen?.state === 'whole' && seen.hasImage)
        await db.frame.update({ where: { id: row.id }, data: { state: 'pending', reason: null } });
    }
  }

  /**
   * Frames whose file holds other pixels now than those that were copied: it was still being written when it was taken. They are taken
   * again; the picture that was announced is replaced.
   */
  private async takeChanged(telescope: Telescope, bookingId: string, caller: Caller): Promise<void> {
    const { db, mount, store, maxBytes } = this.deps;
    const rows = await db.frame.findMany({
      where: {
        bookingId,
        state: 'archived',
        trashedAt: null,
        purgedAt: null,
        sha256: { not: null },
        archivePath: { not: null },
      },
    });
    await eachLimited(rows, 2, async (row) => {
      caller.heartbeat({ frame: row.id, step: 'compared' });
      caller.signal?.throwIfAborted();
      const mapped = mapPath(row.sourcePath, telescope.path_map);
      const source = mapped ? await mount.probe(mapped.path, mapped.root, maxBytes).catch(() => null) : null;
      if (source?.state !== 'whole' || !source.sample || source.sample.blank) return;
      const copy = await mount.probe(store.path(row.archivePath!), store.root, maxBytes).catch(() => null);
      if (copy?.state !== 'whole' || !copy.sample || copy.sample.stamp === source.sample.stamp) return;
      this.deps.logger.warn({ frame: row.id, bookingId }, 'the file of a frame holds other pixels now: taken again');
      await db.frame.update({
        where: { id: row.id },
        data: { state: 'pending', reason: null, previewed: false, measured: false },
      });
    });
  }

  /** What the archive has of a frame goes, before other bytes take its place. */
  private async giveUp(archivePath: string, sha256: string): Promise<void> {
    const { db, store } = this.deps;
    await rm(store.path(archivePath), { force: true });
    const others = await db.frame.count({ where: { sha256, state: 'archived', purgedAt: null } });
    if (others === 0) await store.removeObject(sha256);
  }

  /**
   * Frames of the slot that are nobody's and whose file never came: they are not waited for any longer. A record that names one later
   * makes it a booking's.
   */
  private async closeStrays(telescopeId: string, bookingId: string): Promise<void> {
    const { db, timing } = this.deps;
    const booking = await db.booking.findUnique({ where: { id: bookingId }, select: { startsAt: true, endsAt: true } });
    if (!booking) return;
    await db.frame.updateMany({
      where: {
        telescopeId,
        bookingId: null,
        state: 'pending',
        sourceKey: { not: { startsWith: IMPORTED } },
        seenAt: {
          gte: booking.startsAt,
          lte: new Date(Math.min(booking.endsAt.getTime(), Date.now() - Math.max(timing.attributeMs, timing.absentMs))),
        },
      },
      data: { state: 'unassigned', reason: 'file_absent' },
    });
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
        await this.miss(
          row,
          !reachable ? 'storage_unreachable' : this.denied.has(row.id) ? 'unreadable' : 'file_absent',
        );
      }
      await this.drainNow(telescope, caller, 0);
      await sleep(
        unreachable ? Math.max(1_000, timing.pollMs) : timing.pollMs,
        undefined,
        caller.signal ? { signal: caller.signal } : {},
      );
    }
  }

  private async miss(row: Frame, code: string): Promise<void> {
    const text = reasonText(code);
    await this.deps.db.$transaction(async (tx) => {
      const { count } = await tx.frame.updateMany({
        where: { id: row.id, state: 'pending' },
        data: { state: 'missing', reason: code },
      });
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
