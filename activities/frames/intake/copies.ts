import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { uptime } from 'node:os';
import type { Telescope } from '../../../domain/contracts/telescope.ts';
import type { Database } from '../../../platform/database.ts';
import { toError } from '../../../platform/errors.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Frame } from '../../../prisma/client/client.ts';
import { FitsError } from '../../../frames/fits/index.ts';
import type { PreviewResult } from '../../../frames/pass/jobs.ts';
import { statOrNull, syncFile, type FrameStore } from '../../../frames/store/store.ts';
import { alertOperator } from '../../session/records.ts';
import { MountFailure, type Mount } from './mount.ts';
import type { CopyResult } from './mount-child.ts';
import type { FramePictures } from './pictures.ts';

/** A file under the root it must stay in. */
export interface Place {
  path: string;
  root: string;
}
/** What is copied: the file of a row, as it was seen. */
export interface Source {
  telescope: Telescope;
  row: Frame;
  mapped: Place;
  seen: { size: number; mtimeMs: number };
}
/** A whole file on the store's disk, fsynced, with its picture; nobody's name is on it yet. */
export interface Prepared {
  staging: string;
  copied: CopyResult;
  /** Null where none was wanted; the error where the pixels cannot be read. */
  picture: PreviewResult | FitsError | null;
}

/** Kept free on the store's disk, so that the database beside it can go on. */
const RESERVE_BYTES = 256 * 1024 * 1024;
/** Parts of copies from before this machine's last start are not continued: after a power cut a part can have its length and not its bytes. */
const BOOT = bootId();
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return String(Math.round((Date.now() - uptime() * 1000) / 600_000));
  }
}

interface CopyDeps {
  db: Database;
  logger: Logger;
  store: FrameStore;
  mount: Mount;
  maxBytes: number;
}

/** Copies under way to the store's disk. */
export class FrameCopies {
  /** Bytes of copies that are being written now; their room is spoken for. */
  private underWayBytes = 0;
  /** Contents that are on their way into the store. */
  private readonly taking = new Map<string, Promise<unknown>>();
  /** Copies made while it is still asked whose frame it is, by frame; `stamp` tells when the file has changed since. */
  private readonly copies = new Map<string, { stamp: string; work: Promise<Prepared> }>();
  constructor(
    private readonly deps: CopyDeps,
    private readonly pictures: FramePictures,
  ) {}

  /** One content at a time, so that two rows for the same exposure see each other. */
  async alone<T>(sha256: string, work: () => Promise<T>): Promise<T> {
    const before = this.taking.get(sha256) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(work);
    this.taking.set(sha256, mine);
    try {
      return await mine;
    } finally {
      if (this.taking.get(sha256) === mine) this.taking.delete(sha256);
    }
  }

  /** Where the store has the content of a frame already: its copy stood when a process died, and the file has gone since. */
  async alreadyKept(row: Frame): Promise<Place | null> {
    const { store } = this.deps;
    if (!row.sha256) return null;
    const path = store.objectPath(row.sha256);
    return (await statOrNull(path))?.size === Number(row.sizeBytes) ? { path, root: store.root } : null;
  }

  /**
   * The copy of a whole file on the store's disk, with its hash, fsynced, and its picture, both read while the bytes are still in memory.
   * Made once per state of the file, however often it is asked for.
   * @throws MountFailure when the source cannot be read or has changed; Error `disk_low`
   */
  prepare(source: Source, pictured: boolean): Promise<Prepared> {
    const { row, seen } = source;
    const stamp = `${row.id}\n${row.sourcePath}\n${seen.size}\n${seen.mtimeMs}`;
    const known = this.copies.get(row.id);
    if (known?.stamp === stamp) return known.work;
    const work = this.copyAndLook(source, stamp, pictured);
    this.copies.set(row.id, { stamp, work });
    work.catch(() => {
      if (this.copies.get(row.id)?.work === work) this.copies.delete(row.id);
    });
    return work;
  }
  private async copyAndLook(source: Source, stamp: string, pictured: boolean): Promise<Prepared> {
    const { store, mount, maxBytes } = this.deps;
    const { row, mapped } = source;
    const { size } = source.seen;
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
    const [picture] = await Promise.all([pictured ? this.look(source, staging) : null, syncFile(staging)]);
    return { staging, copied, picture };
  }
  /**
   * The frame itself comes first: a picture that fails for another reason than the file is tried again once the frame stands.
   * A copy that cannot be opened has been taken into the store by another worker.
   */
  private look({ telescope, row }: Source, staging: string): Promise<Prepared['picture']> {
    return this.pictures.look(telescope, row.id, staging).then(
      (picture) => (picture instanceof FitsError && picture.code === 'unreadable' ? null : picture),
      (thrown: unknown) => {
        this.deps.logger.warn({ frame: row.id, err: toError(thrown).message }, 'no preview yet');
        return null;
      },
    );
  }

  /** The copy of a frame is used up, or not where it was made: the next one is made anew. */
  drop(frameId: string): void {
    this.copies.delete(frameId);
  }
  /** What was prepared of a frame that is not taken goes. */
  async forget(frameId: string): Promise<void> {
    const prepared = await this.copies.get(frameId)?.work.catch(() => null);
    this.copies.delete(frameId);
    if (prepared) await rm(prepared.staging, { force: true });
    await rm(this.deps.store.derivedFolder(frameId), { recursive: true, force: true });
  }
  /** What the archive has of a frame goes, before other bytes take its place. */
  async giveUp(archivePath: string, sha256: string): Promise<void> {
    const { db, store } = this.deps;
    await rm(store.path(archivePath), { force: true });
    const others = await db.frame.count({ where: { sha256, state: 'archived', purgedAt: null } });
    if (others === 0) await store.removeObject(sha256);
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
}
