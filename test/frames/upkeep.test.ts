import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FrameStore, scrubFrames } from '../../activities/frames/index.ts';
import { createKeepingActivities } from '../../activities/frames/keeping.ts';
import { LOSSES_ACCEPTED } from '../../activities/frames/upkeep.ts';
import { streamArchive } from '../../frames/archive.ts';
import { MARKER } from '../../frames/store/presence.ts';
import { createLogger } from '../../platform/logger.ts';
import { cameraFrame, guid, startWorld, TELESCOPE, type World } from './support.ts';

// Threads and child processes start from source here, which takes long on a busy machine.
jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 120_000);
afterAll(async () => {
  await world.stop();
});

test('the scrub finds a bit that turned, makes a lost name again, and is done once', async () => {
  await world.booking('u1');
  const files = [1, 2, 3].map((n) => cameraFrame({ seed: n, cards: [['RTSHOT', guid(n)]] }));
  for (const [i, bytes] of files.entries()) await world.shoot('u1', `u${i}.fit`, bytes, guid(i + 1));
  await world.frames.drainFrames({ bookingId: 'u1', telescopeId: TELESCOPE });
  const rows = await world.db.frame.findMany({ where: { bookingId: 'u1' }, orderBy: { filename: 'asc' } });
  rmSync(join(world.storage, rows[0]!.archivePath!));
  const broken = Buffer.from(files[1]!);
  broken[5000]! ^= 1;
  writeFileSync(join(world.storage, rows[1]!.archivePath!), broken);

  const deps = { db: world.db, store: new FrameStore(world.storage), logger: createLogger('test', 'silent') };
  expect(await scrubFrames(deps, 60_000)).toMatchObject({ checked: 3, restored: 1, damaged: [rows[1]!.id] });
  expect(readFileSync(join(world.storage, rows[0]!.archivePath!)).equals(files[0]!)).toBe(true);
  expect((await world.db.frame.findUniqueOrThrow({ where: { id: rows[1]!.id } })).reason).toBe('damaged');
  expect(await world.db.timeline.count({ where: { bookingId: 'u1', event: 'frame_damaged' } })).toBe(1);
  expect(await scrubFrames(deps, 60_000)).toMatchObject({ checked: 0, restored: 0, damaged: [] });

  // A month later every frame is read again, unless only new ones are asked for; a damaged one is always read again.
  await world.db.frame.updateMany({
    where: { bookingId: 'u1' },
    data: { scrubbedAt: new Date(Date.now() - 31 * 86_400_000) },
  });
  await world.db.frame.update({ where: { id: rows[2]!.id }, data: { scrubbedAt: null } });
  expect(await scrubFrames(deps, 60_000, undefined, true)).toMatchObject({ checked: 2, damaged: [rows[1]!.id] });
  expect(await scrubFrames(deps, 60_000)).toMatchObject({ checked: 1 });
});

describe('a disk that is not there', () => {
  const deps = () => ({ db: world.db, store: new FrameStore(world.storage), logger: createLogger('test', 'silent') });
  const keeping = (days = 0) =>
    createKeepingActivities({
      db: world.db,
      logger: createLogger('test', 'silent'),
      now: () => Date.now() + days * 86_400_000,
      config: {
        OBSERVATIONS_STORAGE_PATH: world.storage,
        S3_ENDPOINT: undefined,
        S3_BUCKET: undefined,
        S3_REGION: undefined,
        S3_ACCESS_KEY_ID: undefined,
        S3_SECRET_ACCESS_KEY: undefined,
        FRAMES_KEEP_DAYS: 1,
        FRAMES_DELETE_WITHOUT_COPY: true,
      },
    });
  const shoot = async (id: string, count: number, first: number): Promise<void> => {
    await world.booking(id);
    for (let i = 0; i < count; i++)
      await world.shoot(
        id,
        `${id}-${i}.fit`,
        cameraFrame({ seed: first + i, cards: [['RTSHOT', guid(first + i)]] }),
        guid(first + i),
      );
  };
  const unread = (id: string) => world.db.frame.updateMany({ where: { bookingId: id }, data: { scrubbedAt: null } });
  /** What an unmounted disk leaves: an empty folder in the store's place. */
  const unmount = (): void => {
    renameSync(world.storage, `${world.storage}.away`);
    mkdirSync(world.storage);
  };
  const mount = (): void => {
    rmSync(world.storage, { recursive: true, force: true });
    renameSync(`${world.storage}.away`, world.storage);
  };

  test('is an outage: nothing is judged, deleted, taken in or written there, and the operator hears of it once', async () => {
    await shoot('away', 6, 200);
    expect(await world.frames.drainFrames({ bookingId: 'away', telescopeId: TELESCOPE })).toMatchObject({
      archived: 6,
    });
    await shoot('later', 2, 220);
    await unread('away');
    await world.db.frame.updateMany({ where: { bookingId: 'away' }, data: { trashedAt: new Date(0) } });
    unmount();
    try {
      await expect(scrubFrames(deps(), 60_000)).rejects.toThrow('store_away');
      await expect(keeping(60).expireFrames()).rejects.toThrow('store_away');
      await expect(keeping().forecastDisk()).rejects.toThrow('store_away');
      await expect(world.frames.drainFrames({ bookingId: 'later', telescopeId: TELESCOPE })).rejects.toThrow(
        'store_away',
      );
      await world.db.frame.updateMany({ where: { bookingId: 'away' }, data: { trashedAt: null } });
      await expect(streamArchive({ db: world.db, storagePath: world.storage }, 'away')).rejects.toThrow('store_away');
      expect(readdirSync(world.storage)).toEqual([]);
    } finally {
      mount();
    }
    const rows = await world.db.frame.findMany({ where: { bookingId: 'away' } });
    expect(rows.every((row) => row.state === 'archived' && row.reason === null && row.purgedAt === null)).toBe(true);
    const alerts = await world.db.outbox.findMany({ where: { channel: 'operator', bookingId: null } });
    expect(alerts.map((row) => (row.data as { reason: string }).reason)).toContain('store_away');
    // Once an hour at most for each telescope, and the hour may have turned meanwhile.
    expect(alerts.length).toBeLessThanOrEqual(4);
    expect(await world.frames.drainFrames({ bookingId: 'later', telescopeId: TELESCOPE })).toMatchObject({
      archived: 2,
    });
    expect(await scrubFrames(deps(), 60_000)).toMatchObject({ damaged: [], stopped: false });
  });

  test('a verdict is taken back when the frame is whole', async () => {
    await world.db.frame.updateMany({
      where: { bookingId: 'away' },
      data: { reason: 'damaged', scrubbedAt: new Date(Date.now() - 7_200_000) },
    });
    expect(await scrubFrames(deps(), 60_000, undefined, true)).toMatchObject({ checked: 6, revised: 6, damaged: [] });
    expect(await world.db.frame.count({ where: { bookingId: 'away', reason: null } })).toBe(6);
    expect(await world.db.timeline.count({ where: { bookingId: 'away', event: 'frame_whole' } })).toBe(6);
    const archive = await streamArchive({ db: world.db, storagePath: world.storage }, 'away');
    expect(archive?.files).toBe(8);
    archive?.stream().destroy();
  });

  test('a part of the store that is away stops the pass; losses that the operator accepts are marked', async () => {
    await unread('away');
    const [objects, bookings] = ['objects', 'bookings'].map((name) => join(world.storage, name)) as [string, string];
    for (const path of [objects, bookings]) renameSync(path, `${path}.away`);
    expect(await scrubFrames(deps(), 60_000, undefined, true)).toMatchObject({
      checked: 6,
      damaged: [],
      stopped: true,
    });
    expect(await world.db.frame.count({ where: { bookingId: 'away', reason: 'damaged' } })).toBe(0);
    expect(await world.db.outbox.count({ where: { data: { path: ['reason'], equals: 'frames_lost' } } })).toBe(2);
    writeFileSync(join(world.storage, LOSSES_ACCEPTED), '');
    expect((await scrubFrames(deps(), 60_000, undefined, true)).damaged).toHaveLength(6);
    for (const path of [objects, bookings]) {
      rmSync(path, { recursive: true, force: true });
      renameSync(`${path}.away`, path);
    }
    await world.db.frame.updateMany({ where: { bookingId: 'away' }, data: { scrubbedAt: new Date(0) } });
    expect(await scrubFrames(deps(), 60_000, undefined, true)).toMatchObject({ revised: 6 });
  });

  test('an error that is not "no such file" judges nothing', async () => {
    await unread('away');
    const [row] = await world.db.frame.findMany({ where: { bookingId: 'away' } });
    const path = join(world.storage, row!.archivePath!);
    // A folder in the place of the file: it is there, and cannot be read (EISDIR).
    renameSync(path, `${path}.kept`);
    mkdirSync(path);
    try {
      expect(await scrubFrames(deps(), 60_000, undefined, true)).toMatchObject({
        checked: 6,
        unjudged: 1,
        damaged: [],
      });
    } finally {
      rmSync(path, { recursive: true });
      renameSync(`${path}.kept`, path);
    }
  });

  test('a store of an older version is known by its contents', async () => {
    rmSync(join(world.storage, MARKER));
    expect(await scrubFrames(deps(), 60_000)).toMatchObject({ damaged: [] });
    expect(existsSync(join(world.storage, MARKER))).toBe(true);
  });
});
