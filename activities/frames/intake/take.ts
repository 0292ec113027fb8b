import { join } from 'node:path';
import type { FrameType } from '../../../domain/contracts/image.ts';
import type { Telescope } from '../../../domain/contracts/telescope.ts';
import type { Database } from '../../../platform/database.ts';
import { toError } from '../../../platform/errors.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Frame } from '../../../prisma/client/client.ts';
import { metadataOf } from '../../../frames/metadata.ts';
import { safeName, type FrameStore } from '../../../frames/store/store.ts';
import { findOwner, ownedBy, rtShotOf } from '../attribution.ts';
import { archivedColumns, type Known, type PlannedShot } from './columns.ts';
import type { FrameCopies, Place } from './copies.ts';
import { MountFailure, type Mount } from './mount.ts';
import type { MountState } from './mount-child.ts';
import { mapPath } from './paths.ts';
import { pictureNumbers, type FramePictures } from './pictures.ts';
import type { Quiet } from './quiet.ts';
import type { Refusal, Refusals } from './refusals.ts';
import type { Scope } from './scope.ts';

/** How a look at a frame ends: it is at its end, its file is waited for, or the next drain looks again. */
export type End = 'done' | 'wait' | 'later';
/** What a step gives to the next one, or how this look at the frame ends. */
type Next<T> = { go: T } | { end: End };
const after = async <A, B>(next: Next<A>, step: (it: A) => Promise<Next<B>>): Promise<Next<B>> =>
  'end' in next ? next : step(next.go);

/** A frame that is looked at. */
export interface Look {
  telescope: Telescope;
  row: Frame;
  scope: Scope;
}
interface Located extends Look {
  /** Since the frame was heard of, when this look began. */
  ageMs: number;
  mapped: Place;
  seen: Exclude<MountState, { state: 'absent' }>;
}
interface Whole extends Located {
  seen: Extract<MountState, { state: 'whole' }>;
}
type Claim = Awaited<ReturnType<typeof findOwner>>;
type Owned = Whole & Claim;

interface TakeDeps {
  db: Database;
  logger: Logger;
  store: FrameStore;
  mount: Mount;
  maxBytes: number;
  timing: { attributeMs: number; settleMs: number };
}
interface TakeParts {
  copies: FrameCopies;
  pictures: FramePictures;
  refusals: Refusals;
  quiet: Quiet;
}

/** Broken in a way that a file which is still being written, or whose permission is still being set, shows too. */
export const MAY_GROW = new Set(['empty', 'not_fits', 'truncated', 'bad_header', 'corrupt', 'no_image', 'unreadable']);
/** Compressed files tell nothing of their length: they rest this long. */
const GZIP_RESTS_MS = 2_000;

/** One frame from the name of its file to its row in the archive. Failures of the machine are thrown; failures of the file end in its row. */
export class FrameTake {
  constructor(
    private readonly deps: TakeDeps,
    private readonly parts: TakeParts,
  ) {}

  /** The archived row, or how this look ended. */
  async take(look: Look): Promise<Frame | End> {
    const located = await this.locate(look, Date.now() - look.row.seenAt.getTime());
    const whole = await after(located, (it) => this.whole(it));
    const owned = await after(whole, (it) => this.own(it));
    const copied = await after(owned, (it) => this.copy(it));
    const taken = await after(copied, (it) =>
      this.parts.copies.alone(it.prepared.copied.sha256, async () =>
        after(await this.single(it), (one) => this.archive(one)),
      ),
    );
    return 'end' in taken ? taken.end : taken.go;
  }

  private async refuse({ telescope, row }: Look, refusal: Refusal): Promise<{ end: End }> {
    return { end: await this.parts.refusals.refuse(telescope, row, refusal) };
  }

  /** Where the file is, and what was seen of it. */
  private async locate(look: Look, ageMs: number): Promise<Next<Located>> {
    const { mount, maxBytes, logger } = this.deps;
    const { telescope, row } = look;
    const { denied } = this.parts.quiet;
    const mapped = mapPath(row.sourcePath, telescope.path_map);
    if (!mapped)
      return this.refuse(look, { code: 'path_unmapped', message: `no path_map entry fits ${row.sourcePath}` });
    let seen: MountState;
    try {
      seen = await mount.probe(mapped.path, mapped.root, maxBytes);
    } catch (thrown) {
      if (thrown instanceof MountFailure && thrown.code === 'outside')
        return this.refuse(look, { code: 'outside', message: thrown.message });
      if (thrown instanceof MountFailure && thrown.errno !== null) denied.add(row.id);
      logger.warn({ frame: row.id, err: toError(thrown).message }, 'frame cannot be looked at');
      return this.waitForFile(look);
    }
    denied.delete(row.id);
    if (seen.state !== 'absent') return { go: { ...look, ageMs, mapped, seen } };
    const kept = await this.parts.copies.alreadyKept(row);
    if (!kept) return this.waitForFile(look);
    seen = await mount.probe(kept.path, kept.root, maxBytes);
    return seen.state === 'absent' ? this.waitForFile(look) : { go: { ...look, ageMs, mapped: kept, seen } };
  }
  /** The file is not there; whose it is may be known by its path already. */
  private async waitForFile({ telescope, row }: Look): Promise<{ end: End }> {
    if (row.bookingId) return { end: 'wait' };
    const { owner } = await this.findOwner(telescope, row, {});
    if (owner) await this.deps.db.frame.update({ where: { id: row.id }, data: ownedBy(owner) });
    return { end: 'wait' };
  }

  /** A whole file with an image, or why not. */
  private async whole(located: Located): Promise<Next<Whole>> {
    const { seen, mapped, row, scope } = located;
    const { settleMs } = this.deps.timing;
    const settled = (state: number | string, ms = settleMs): boolean =>
      this.parts.quiet.settled(row.id, seen.size, state, ms);
    if (seen.state === 'broken') {
      const { code, message } = seen;
      if (code === 'too_large') return this.refuse(located, { code, message });
      if (MAY_GROW.has(code) && !settled(seen.mtimeMs)) return { end: 'wait' };
      return this.refuse(located, { code, message, file: mapped });
    }
    if (/\.gz$/i.test(mapped.path) && !settled(seen.mtimeMs, Math.min(GZIP_RESTS_MS, settleMs))) return { end: 'wait' };
    // A copy by Windows has its length before its data: such a file rests until nothing of it changes any more.
    if (scope.arriving && seen.sample?.blank && !settled(`${seen.mtimeMs} ${seen.sample.stamp}`))
      return { end: 'wait' };
    if (seen.hasImage) return { go: { ...located, seen } };
    const message = 'no HDU of the file holds an image';
    return this.refuse(located, { code: 'no_image', message, header: seen.header, file: mapped });
  }

  /** Whose it is, with which of the three proofs. */
  private async own(whole: Whole): Promise<Next<Owned>> {
    const { row, seen, ageMs } = whole;
    const { attributeMs } = this.deps.timing;
    const calibration = row.type !== 'LIGHT';
    let claim = await this.claim(whole);
    if (!claim.owner && !calibration && ageMs < attributeMs) {
      // Voyager's record of a frame follows its file by some tenths of a second: the copy is made meanwhile.
      await this.parts.copies.prepare(whole, true).catch(() => undefined);
      claim = await this.claim(whole);
    }
    if (claim.owner || calibration) return { go: { ...whole, ...claim } };
    if (ageMs < attributeMs) return { end: 'wait' };
    await this.parts.copies.forget(row.id);
    await this.deps.db.frame.updateMany({
      where: { id: row.id, state: 'pending' },
      data: { state: 'unassigned', shotDoneGuid: rtShotOf(seen.header) ?? row.shotDoneGuid },
    });
    return { end: 'later' };
  }
  private async claim({ telescope, row, seen }: Whole): Promise<Claim> {
    const found = await this.findOwner(telescope, row, seen.header);
    if (!row.bookingId) return found;
    const { bookingId, shotGuid, shotDoneGuid, shotIndex } = row;
    return { owner: { bookingId, shotGuid, shotDoneGuid, shotIndex, by: 'shot_done_list' }, record: found.record };
  }
  private findOwner(telescope: Telescope, row: Frame, header: Record<string, unknown>): Promise<Claim> {
    const { sourcePath, seenAt, shotDoneGuid } = row;
    return findOwner(this.deps.db, telescope, { sourcePath, seenAt, shotDoneGuid, header });
  }

  /** Its content on the store's disk, with its picture. */
  private async copy(owned: Owned): Promise<Next<Look & Known>> {
    const { row, owner, seen } = owned;
    const { header } = seen;
    const shotDoneGuid = (owner?.shotDoneGuid ?? rtShotOf(header))?.toLowerCase() ?? null;
    const plan = owner ? await this.planned(owner.bookingId, owner.shotIndex) : null;
    const source = owner ? { ...owned, row: { ...row, bookingId: owner.bookingId } } : owned;
    try {
      const prepared = await this.parts.copies.prepare(source, owner !== null);
      return { go: { ...owned, prepared, metadata: metadataOf(header), plan, shotDoneGuid, header } };
    } catch (thrown) {
      if (!(thrown instanceof MountFailure) || thrown.errno === 'ENOSPC') throw thrown;
      this.deps.logger.warn({ frame: row.id, err: thrown.message }, 'frame copy failed, it will be continued');
      if (thrown.code === 'changed') await this.parts.copies.forget(row.id);
      return { end: 'wait' };
    }
  }
  private async planned(bookingId: string, shotIndex: number | null): Promise<PlannedShot | null> {
    if (shotIndex === null) return null;
    const booking = await this.deps.db.booking.findUnique({ where: { id: bookingId }, select: { shots: true } });
    const shots = (booking?.shots ?? []) as PlannedShot[];
    return shots[shotIndex] ?? null;
  }

  /** The only row of its exposure in the booking: one with the same content may be archived already. */
  private async single(known: Look & Known): Promise<Next<Look & Known>> {
    const { row, scope, owner, shotDoneGuid } = known;
    const { copied } = known.prepared;
    const twin = await this.deps.db.frame.findFirst({
      where: {
        telescopeId: row.telescopeId,
        bookingId: owner?.bookingId ?? null,
        id: { not: row.id },
        state: 'archived',
        sha256: copied.sha256,
        ...scope.sameExposure(row, shotDoneGuid),
      },
      select: { id: true },
    });
    if (!twin) return { go: known };
    await this.parts.refusals.double(row, twin.id, copied);
    return { end: 'later' };
  }

  /** The copy in its place in the archive, and the row that says so. */
  private async archive(known: Look & Known): Promise<Next<Frame>> {
    const { db, store } = this.deps;
    const { copies, pictures, quiet } = this.parts;
    const { telescope, row, owner, metadata } = known;
    const { copied, staging, picture } = known.prepared;
    await db.frame.updateMany({
      where: { id: row.id, state: 'pending' },
      data: { sha256: copied.sha256, sizeBytes: BigInt(copied.bytes) },
    });
    const object = await store.adopt(staging, copied.sha256, copied.bytes, copied.crc32).catch((thrown: unknown) => {
      copies.drop(row.id);
      throw thrown;
    });
    const heard = row.type as FrameType;
    const type = row.sourceKey.startsWith('event/') ? heard : (metadata.type ?? heard);
    const folder = owner
      ? store.bookingFolder(owner.bookingId)
      : join(store.root, 'calibration', safeName(telescope.id), type.toLowerCase());
    if (row.archivePath && row.sha256 && row.sha256 !== copied.sha256) await copies.giveUp(row.archivePath, row.sha256);
    const named = await store.name(folder, row.filename, object);
    const jpg = await pictureNumbers(db, telescope.id, row);
    quiet.forget(row.id);
    copies.drop(row.id);
    // What another worker has made of the row meanwhile stands.
    await db.frame.updateMany({
      where: { id: row.id, state: 'pending' },
      data: {
        ...archivedColumns(known, jpg),
        ...pictures.columns(row, picture),
        type,
        archivePath: store.relative(named),
        archivedAt: new Date(),
      },
    });
    const taken = await db.frame.findUniqueOrThrow({ where: { id: row.id } });
    return taken.state === 'archived' ? { go: taken } : { end: 'later' };
  }
}
