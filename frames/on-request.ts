import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../platform/database.ts';
import { findTelescope } from '../platform/telescopes.ts';
import type { Frame } from '../prisma/client/client.ts';
import { FramePool } from './pass/pool.ts';
import { requireStore } from './store/presence.ts';
import { FrameStore, statOrNull } from './store/store.ts';
import { ensureTimelapse } from './timelapse.ts';

/** Too many pictures are being made already; ask again in some seconds. */
export class Busy extends Error {
  override name = 'Busy';
}

/** Disk that full-size pictures may hold; the longest unused go first. */
const CACHE_BYTES = 1_000_000_000;
/** Requests that may wait for the one that is being drawn. */
const MOST_WAITING = 4;
/** The drawing thread ends when nobody has asked for this long. */
const IDLE_MS = 30_000;

/** Pictures that are made when somebody asks for them, and kept a while: full-size previews, one at a time, and timelapses. */
export class PicturesOnRequest {
  private readonly db: Database;
  private readonly store: FrameStore;
  private readonly cacheBytes: number;
  private readonly making = new Map<string, Promise<string>>();
  private last: Promise<unknown> = Promise.resolve();
  private pool: FramePool | null = null;
  private idle: NodeJS.Timeout | null = null;
  constructor(db: Database, storagePath: string, cacheBytes = CACHE_BYTES) {
    this.db = db;
    this.store = new FrameStore(storagePath);
    this.cacheBytes = cacheBytes;
  }

  /**
   * Path of the full-size JPEG of an archived frame.
   * @throws Busy · StoreAway · FitsError when the file cannot be read
   */
  async fullSize(row: Pick<Frame, 'id' | 'sha256' | 'archivePath' | 'telescopeId'>): Promise<string> {
    const path = join(this.folder, `${row.id}-${row.sha256!.slice(0, 12)}.jpg`);
    if (await statOrNull(path)) {
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      return path;
    }
    return this.once(path, async () => {
      await requireStore(this.store);
      const telescope = await findTelescope(this.db, row.telescopeId);
      await mkdir(this.folder, { recursive: true });
      this.pool ??= new FramePool(1);
      await this.pool.run({
        kind: 'full',
        path: this.store.path(row.archivePath!),
        to: path,
        orientation: telescope?.frame_orientation ?? 'auto',
        bayer: telescope?.camera.bayer ?? null,
      });
      await this.evict(path);
      return path;
    });
  }

  /** Path of the timelapse of a booking's frames; null with fewer than two. @throws Busy */
  async timelapse(bookingId: string): Promise<string | null> {
    const path = await this.once(
      `timelapse/${bookingId}`,
      async () => (await ensureTimelapse(this.db, this.store, bookingId)) ?? '',
    );
    return path === '' ? null : path;
  }

  async close(): Promise<void> {
    if (this.idle) clearTimeout(this.idle);
    await this.pool?.close();
    this.pool = null;
  }

  private get folder(): string {
    return join(this.store.root, 'cache', 'full');
  }

  /** One at a time; who asks for what is being made waits for that. */
  private once(key: string, make: () => Promise<string>): Promise<string> {
    const under = this.making.get(key);
    if (under) return under;
    if (this.making.size > MOST_WAITING) return Promise.reject(new Busy('too many pictures are being made'));
    if (this.idle) clearTimeout(this.idle);
    const mine = this.last
      .catch(() => undefined)
      .then(make)
      .finally(() => {
        this.making.delete(key);
        if (this.making.size > 0) return;
        this.idle = setTimeout(() => void this.close(), IDLE_MS);
        this.idle.unref();
      });
    this.making.set(key, mine);
    this.last = mine;
    return mine;
  }

  private async evict(kept: string): Promise<void> {
    const files = await Promise.all(
      (await readdir(this.folder)).map(async (name) => {
        const path = join(this.folder, name);
        const found = await stat(path).catch(() => null);
        return { path, bytes: found?.size ?? 0, usedMs: found?.mtimeMs ?? 0 };
      }),
    );
    let total = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of files.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (total <= this.cacheBytes) return;
      if (file.path === kept) continue;
      await rm(file.path, { force: true });
      total -= file.bytes;
    }
  }
}
