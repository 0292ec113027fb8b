import { join } from 'node:path';
import type { Telescope } from '../../../domain/contracts/telescope.ts';
import type { JournalKinds } from '../../../domain/journal.ts';
import type { Database } from '../../../platform/database.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Frame, Prisma } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { FitsError } from '../../../frames/fits/index.ts';
import type { PreviewResult } from '../../../frames/pass/jobs.ts';
import type { FramePool } from '../../../frames/pass/pool.ts';
import type { FrameStore } from '../../../frames/store/store.ts';
import { requireStore } from '../../../frames/store/presence.ts';
import { stemOf } from './paths.ts';
import type { Scope } from './scope.ts';

interface PictureDeps {
  db: Database;
  logger: Logger;
  store: FrameStore;
  pool: FramePool;
}

/** Previews and star metrics: what is seen and measured of a frame once its bytes are safe. */
export class FramePictures {
  private readonly deps: PictureDeps;
  constructor(deps: PictureDeps) {
    this.deps = deps;
  }

  /** Makes the picture of an archived frame and writes it down. A frame that is not there is the scrub's affair. @throws StoreAway */
  async make(telescope: Telescope, row: Frame): Promise<Frame> {
    await requireStore(this.deps.store);
    const picture = await this.look(telescope, row.id, this.deps.store.path(row.archivePath!));
    if (picture instanceof FitsError && picture.code === 'unreadable') {
      await requireStore(this.deps.store);
      return row;
    }
    return this.deps.db.frame.update({ where: { id: row.id }, data: this.columns(row, picture) });
  }

  private derived(frameId: string): { preview: string; thumbnail: string; quicklook: string } {
    const folder = this.deps.store.derivedFolder(frameId);
    return {
      preview: join(folder, 'preview.jpg'),
      thumbnail: join(folder, 'thumbnail.jpg'),
      quicklook: join(folder, 'quicklook.fits'),
    };
  }

  /** Preview, thumbnail, quick look and statistics of a file; the error where its pixels cannot be read. */
  async look(telescope: Telescope, frameId: string, path: string): Promise<PreviewResult | FitsError> {
    try {
      return await this.deps.pool.run({
        kind: 'preview',
        path,
        ...this.derived(frameId),
        orientation: telescope.frame_orientation,
        bayer: telescope.camera.bayer,
      });
    } catch (thrown) {
      if (!(thrown instanceof FitsError)) throw thrown;
      this.deps.logger.warn({ frame: frameId, err: thrown.message }, 'frame has no preview');
      return thrown;
    }
  }

  /** What a frame's row has of its picture. */
  columns(row: Frame, picture: PreviewResult | FitsError | null): Prisma.FrameUncheckedUpdateManyInput {
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
  async measureSome(telescopeId: string, caller: Caller, scope: Scope): Promise<boolean> {
    const { db, pool, store } = this.deps;
    const rows = await db.frame.findMany({
      where: {
        telescopeId,
        state: 'archived',
        measured: false,
        announced: true,
        bookingId: { not: null },
        ...scope.rows(),
      },
      orderBy: [{ seenAt: 'asc' }, { sourceKey: 'asc' }],
      take: 2,
    });
    await Promise.all(
      rows.map(async (row) => {
        const metrics =
          row.type === 'LIGHT'
            ? await pool.run({ kind: 'stars', path: store.path(row.archivePath!) }).then(
                (r) => r.metrics,
                async (thrown: unknown) => {
                  if (!(thrown instanceof FitsError)) throw thrown;
                  await requireStore(store);
                  this.deps.logger.warn({ frame: row.id, err: thrown.message }, 'frame cannot be measured');
                  return null;
                },
              )
            : null;
        const jpg = await pictureNumbers(db, telescopeId, row);
        const voyagerHfd = jpg?.hfd ?? row.voyagerHfd;
        const stats = row.stats as Prisma.JsonObject | null;
        const updated = await db.frame.update({
          where: { id: row.id },
          data: {
            measured: true,
            stars: metrics?.count ?? null,
            voyagerHfd,
            starIndex: jpg?.star_index ?? row.starIndex,
            ...sharpnessOf(metrics?.hfd ?? null, voyagerHfd, row),
            ...(stats && metrics
              ? { stats: { ...stats, background: metrics.background, eccentricity: metrics.eccentricity } }
              : {}),
          },
        });
        await scope.announceMeasured(updated);
        caller.heartbeat({ frame: row.id, step: 'measured' });
      }),
    );
    return rows.length > 0;
  }
}

/** Our own measure, else Voyager's, else what the row had. */
function sharpnessOf(measured: number | null, voyager: number | null, row: Frame): Pick<Frame, 'hfd' | 'hfdSource'> {
  if (measured !== null) return { hfd: measured, hfdSource: 'measured' };
  return voyager === null ? { hfd: row.hfd, hfdSource: row.hfdSource } : { hfd: voyager, hfdSource: 'voyager' };
}

/** Numbers of the NewJPGReady that belongs to a frame, by file name. */
export async function pictureNumbers(
  db: Database,
  telescopeId: string,
  row: Frame,
): Promise<JournalKinds['jpg'] | null> {
  const rows = await db.journal.findMany({
    where: {
      telescopeId,
      kind: 'jpg',
      at: { gte: new Date(row.seenAt.getTime() - 600_000), lte: new Date(row.seenAt.getTime() + 600_000) },
    },
    orderBy: [{ epoch: 'desc' }, { n: 'desc' }],
    take: 500,
  });
  const stem = stemOf(row.sourcePath);
  const exact = rows.find((r) => stemOf((r.data as unknown as JournalKinds['jpg']).file) === stem);
  return exact ? (exact.data as unknown as JournalKinds['jpg']) : null;
}
