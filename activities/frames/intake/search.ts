import type { Telescope } from '../../../domain/contracts/telescope.ts';
import type { JournalKinds } from '../../../domain/journal.ts';
import type { Database } from '../../../platform/database.ts';
import { toError } from '../../../platform/errors.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Prisma } from '../../../prisma/client/client.ts';
import type { ShotDone } from '../../../domain/ports.ts';
import { findOwner, pathOf, planIndex, rtShotOf, setTag, tagsOf, type ShotDoneRecord } from '../attribution.ts';
import type { Caller } from '../caller.ts';
import { eachLimited } from '../../../frames/limited.ts';
import { metadataOf } from '../../../frames/metadata.ts';
import type { Mount } from './mount.ts';
import { IMPORTED, namedFrame } from './rows.ts';
import { comparable, mapPath, splitPath } from './paths.ts';

const DAY_MS = 86_400_000;
const STRANGERS = 50_000;
/** Journal epoch of records that came from Voyager's list and not from a gateway; gateways count from 1. */
const LIST_EPOCH = 0;

/** Where a file lies, and for whom it is looked at. */
interface Among {
  telescope: Telescope;
  bookingId: string;
  /** The folder as Voyager names it, and as it is mounted under its root. */
  place: { folder: string; local: string; root: string };
  mayBeOurs: (name: string, header: Record<string, unknown>) => boolean;
}

/** Frames that no event told of: Voyager's own list of what was taken, and the folders that the booking's frames lie in. */
export class FrameSearch {
  private readonly deps: { db: Database; mount: Mount; maxBytes: number; logger: Logger };
  /** Files beside a booking's frames that nothing marks as its own, with their RTSHOT: not read again until a record names them. */
  private readonly strangers = new Map<string, { stamp: string; marks: Record<string, unknown> }>();
  constructor(deps: { db: Database; mount: Mount; maxBytes: number; logger: Logger }) {
    this.deps = deps;
  }

  /** Writes Voyager's list into the journal's terms, so that attribution sees what the list says even if no event did. */
  async learn(telescopeId: string, bookingId: string, shots: ShotDone[]): Promise<void> {
    const { db } = this.deps;
    const session = await db.session.findUnique({ where: { bookingId }, select: { targetGuid: true } });
    const targetGuid = session?.targetGuid;
    if (!targetGuid || shots.length === 0) return;
    const since = new Date(Math.min(...shots.map((shot) => Date.parse(shot.at))) - 2 * DAY_MS);
    const records = await db.journal.findMany({
      where: { telescopeId, kind: 'shot_done', at: { gte: since } },
      select: { data: true },
    });
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
  async addFromList(telescope: Telescope, bookingId: string, listed: ShotDone[] | null): Promise<void> {
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
        if (known.state === 'unassigned')
          await db.frame.update({ where: { id: known.id }, data: { state: 'pending', bookingId, ...place } });
        continue;
      }
      const unclaimed = frames.find((f) => !f.shotDoneGuid && comparable(f.sourcePath) === comparable(path));
      if (unclaimed) {
        if (unclaimed.bookingId === bookingId || unclaimed.state === 'unassigned' || unclaimed.state === 'pending')
          await db.frame.update({
            where: { id: unclaimed.id },
            data: {
              shotDoneGuid: guid,
              ...place,
              bookingId,
              ...(unclaimed.state === 'unassigned' ? { state: 'pending' } : {}),
            },
          });
        continue;
      }
      await db.frame.createMany({
        skipDuplicates: true,
        data: [
          {
            ...namedFrame(telescope.id, `shot_done/${guid}`, path),
            bookingId,
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
  async addFromFolder(telescope: Telescope, bookingId: string, caller: Caller): Promise<void> {
    const { db, mount, logger } = this.deps;
    const frames = await db.frame.findMany({
      where: {
        telescopeId: telescope.id,
        OR: [{ bookingId }, { seenAt: { gte: new Date(Date.now() - 7 * DAY_MS) } }],
        sourceKey: { not: { startsWith: IMPORTED } },
      },
      select: { sourcePath: true, bookingId: true, seenAt: true },
    });
    const own = frames.filter((f) => f.bookingId === bookingId);
    const first = own.reduce((min, f) => Math.min(min, f.seenAt.getTime()), Number.POSITIVE_INFINITY);
    const known = new Set(
      frames.map((f) => comparable(mapPath(f.sourcePath, telescope.path_map)?.path ?? f.sourcePath)),
    );
    const folders = new Map<string, string>();
    for (const { sourcePath } of own) folders.set(comparable(splitPath(sourcePath).folder), sourcePath);
    if (folders.size === 0) return;
    const mayBeOurs = await this.marksOf(telescope, bookingId, first);
    for (const sample of folders.values()) {
      const { folder } = splitPath(sample);
      const mapped = mapPath(sample, telescope.path_map);
      if (!mapped) continue;
      const local = splitPath(mapped.path).folder;
      const files = await mount.list(local, mapped.root, first - 3_600_000).catch((thrown: unknown) => {
        logger.warn({ folder: local, err: toError(thrown).message }, 'a folder of frames cannot be listed');
        return [];
      });
      const place = { folder, local, root: mapped.root };
      await eachLimited(files, 2, async (file) => {
        caller.heartbeat({ folder: file.path });
        caller.signal?.throwIfAborted();
        if (!known.has(comparable(file.path))) await this.addFile(file, { telescope, bookingId, place, mayBeOurs });
      });
    }
  }

  /** A row for a file that says that it is this booking's. */
  private async addFile(file: { path: string; size: number; mtimeMs: number }, among: Among): Promise<void> {
    const { db, mount, maxBytes } = this.deps;
    const { telescope, bookingId, place, mayBeOurs } = among;
    const stamp = `${file.size}/${file.mtimeMs}`;
    const stranger = this.strangers.get(`${bookingId}\n${file.path}`);
    if (stranger?.stamp === stamp && !mayBeOurs(splitPath(file.path).name, stranger.marks)) return;
    const seen = await mount.probe(file.path, place.root, maxBytes).catch(() => null);
    if (seen?.state !== 'whole') return;
    const sourcePath = `${place.folder}\\${file.path.slice(place.local.length + 1).replaceAll('/', '\\')}`;
    if (!mayBeOurs(splitPath(sourcePath).name, seen.header)) {
      if (this.strangers.size >= STRANGERS) this.strangers.clear();
      this.strangers.set(`${bookingId}\n${file.path}`, { stamp, marks: { RTSHOT: seen.header.RTSHOT } });
      return;
    }
    const { owner } = await findOwner(db, telescope, {
      sourcePath,
      seenAt: new Date(file.mtimeMs),
      shotDoneGuid: null,
      header: seen.header,
    });
    if (owner?.bookingId !== bookingId) return;
    await db.frame.createMany({
      skipDuplicates: true,
      data: [
        {
          ...namedFrame(telescope.id, `file/${file.path}/${Math.round(file.mtimeMs)}`, sourcePath),
          bookingId,
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
  }

  /**
   * Whether a file can be this booking's at all, without asking the database thousands of times: RTSHOT or name in the journal, or the tag in its
   * header. Who it belongs to is decided as for every frame.
   */
  private async marksOf(
    telescope: Telescope,
    bookingId: string,
    sinceMs: number,
  ): Promise<(name: string, header: Record<string, unknown>) => boolean> {
    const since = new Date((Number.isFinite(sinceMs) ? sinceMs : Date.now()) - 2 * DAY_MS);
    const [booking, records] = await Promise.all([
      this.deps.db.booking.findUnique({ where: { id: bookingId }, select: { userRef: true } }),
      this.deps.db.journal.findMany({
        where: { telescopeId: telescope.id, kind: 'shot_done', at: { gte: since } },
        select: { data: true },
      }),
    ]);
    const tag = setTag(telescope, bookingId, booking?.userRef ?? '');
    const [guids, names] = [new Set<string>(), new Set<string>()];
    for (const { data } of records) {
      const record = data as unknown as ShotDoneRecord;
      guids.add(record.guid.toLowerCase());
      names.add(comparable(splitPath(pathOf(record)).name));
    }
    return (name, header) =>
      guids.has(rtShotOf(header) ?? '') || names.has(comparable(name)) || tagsOf(header).has(tag);
  }
}
