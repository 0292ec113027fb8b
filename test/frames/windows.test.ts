import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mapPath } from '../../activities/frames/intake/paths.ts';
import { objectGuid } from '../../domain/ids.ts';
import { cameraFrame, guid, startWorld, TELESCOPE, WINDOWS_ROOT, type World } from './support.ts';

// Threads and child processes start from source here, which takes long on a busy machine.
jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 120_000);
afterAll(async () => {
  await world.stop();
});
const framesOf = (bookingId: string) => world.db.frame.findMany({ where: { bookingId }, orderBy: { filename: 'asc' } });
const reconcile = (bookingId: string) =>
  world.frames.reconcileFrames({ bookingId, telescopeId: TELESCOPE, shotsDone: null, final: true });

describe('a copy by Windows, whose length stands before its data', () => {
  /** The file as Explorer leaves it in the middle: full length, the rest of the data zero. */
  const half = (whole: Buffer): Buffer => {
    const bytes = Buffer.from(whole);
    bytes.fill(0, 2880 + Math.floor((bytes.length - 2880) / 2));
    return bytes;
  };

  test('is waited for, and taken when its data stand', async () => {
    await world.booking('w1');
    const whole = cameraFrame({ width: 300, height: 200, seed: 5, cards: [['RTSHOT', guid(5)]] });
    const frames = world.start({ settleMs: 1_500 });
    await world.shoot('w1', 'slow.fit', half(whole), guid(5));
    const drained = frames.drainFrames({ bookingId: 'w1', telescopeId: TELESCOPE });
    await sleep(700);
    const path = join(world.share, 'w1', 'slow.fit');
    expect(await world.db.frame.count({ where: { filename: 'slow.fit', state: 'archived' } })).toBe(0);
    writeFileSync(path, whole);
    expect(await drained).toMatchObject({ archived: 1 });
    const [row] = await framesOf('w1');
    expect(readFileSync(join(world.storage, row!.archivePath!)).equals(whole)).toBe(true);
  });

  test('that stood still too long is compared at the end and taken again, under its own name', async () => {
    await world.booking('w2');
    const whole = cameraFrame({ width: 300, height: 200, seed: 6, cards: [['RTSHOT', guid(6)]] });
    await world.shoot('w2', 'stalled.fit', half(whole), guid(6));
    expect(await world.frames.drainFrames({ bookingId: 'w2', telescopeId: TELESCOPE })).toMatchObject({ archived: 1 });
    const [before] = await framesOf('w2');
    const path = join(world.share, 'w2', 'stalled.fit');
    writeFileSync(path, whole);
    // Explorer gives the copy the time of its source at the end.
    utimesSync(path, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
    expect(await reconcile('w2')).toMatchObject({ captured: 1, archived: 1 });
    const [after] = await framesOf('w2');
    expect(after).toMatchObject({ id: before!.id, archivePath: before!.archivePath, previewed: true });
    expect(after!.sha256).not.toBe(before!.sha256);
    expect(readFileSync(join(world.storage, after!.archivePath!)).equals(whole)).toBe(true);
    expect(
      await world.db.outbox.count({ where: { bookingId: 'w2', type: 'image.captured', channel: 'webhook' } }),
    ).toBeLessThanOrEqual(1);
  });
});

describe('one notion of the same path', () => {
  test('event, list and disk spell a path in three ways', async () => {
    await world.booking('w3');
    const bytes = cameraFrame({ seed: 7 });
    const event = `${WINDOWS_ROOT}\\w3\\F N\u00e9buleuse M42_Ha.fit`;
    mkdirSync(join(world.share, 'W3'));
    // Decomposed accents and other case on the disk.
    writeFileSync(join(world.share, 'W3', 'f Ne\u0301buleuse m42_ha.FIT'), bytes);
    await world.journal('frame', { file: event, type: 0, voy_type: 'SHOT', seq_target: 'M42' });
    await world.journal('shot_done', {
      guid: guid(7),
      shot_guid: objectGuid('w3', 0, 'shot/0'),
      target_guid: objectGuid('w3', 0, 'target'),
      filename: 'F NE\u0301BULEUSE M42_HA.FIT',
      path: `${WINDOWS_ROOT.toLowerCase()}\\w3\\F NE\u0301BULEUSE M42_HA.FIT`,
      at: new Date().toISOString(),
      hfd: 3,
      star_index: 5,
    });
    expect(await world.frames.drainFrames({ bookingId: 'w3', telescopeId: TELESCOPE })).toMatchObject({
      archived: 1,
      pending: 0,
    });
    const [row] = await framesOf('w3');
    expect(readFileSync(join(world.storage, row!.archivePath!)).equals(bytes)).toBe(true);
  });

  test('a record that comes later recalls a frame whose path it spells otherwise', async () => {
    await world.booking('w4');
    mkdirSync(join(world.share, 'w4'));
    writeFileSync(join(world.share, 'w4', 'Z\u00e9ro.fit'), cameraFrame({ seed: 8 }));
    const file = `${WINDOWS_ROOT}\\w4\\Z\u00e9ro.fit`;
    await world.journal('frame', { file, type: 0, voy_type: 'SHOT', seq_target: 'M42' });
    await sleep(500);
    await world.frames.drainFrames({ bookingId: 'w4', telescopeId: TELESCOPE });
    expect(await world.db.frame.findFirst({ where: { sourcePath: file } })).toMatchObject({ state: 'unassigned' });
    await world.journal('shot_done', {
      guid: guid(8),
      shot_guid: objectGuid('w4', 0, 'shot/0'),
      target_guid: objectGuid('w4', 0, 'target'),
      filename: 'ZE\u0301RO.FIT',
      path: `${WINDOWS_ROOT}\\w4\\ZE\u0301RO.FIT`.replaceAll('\\', '/'),
      at: new Date().toISOString(),
      hfd: 3,
      star_index: 5,
    });
    expect(await world.frames.drainFrames({ bookingId: 'w4', telescopeId: TELESCOPE })).toMatchObject({ archived: 1 });
  });

  test('a name in bytes that are no UTF-8 hides no other file of its folder', async () => {
    await world.booking('w7');
    await world.shoot('w7', 'told.fit', cameraFrame({ seed: 71, cards: [['RTSHOT', guid(71)]] }), guid(71));
    await world.frames.drainFrames({ bookingId: 'w7', telescopeId: TELESCOPE });
    const folder = join(world.share, 'w7');
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/N`), Buffer.of(0xe9), Buffer.from('buleuse.fit')]), 'x');
    writeFileSync(join(folder, 'untold.fit'), cameraFrame({ seed: 72, cards: [['RTSHOT', guid(72)]] }));
    await world.journal('shot_done', {
      guid: guid(72),
      shot_guid: objectGuid('w7', 0, 'shot/0'),
      target_guid: objectGuid('w7', 0, 'target'),
      filename: 'another name.fit',
      path: '',
      at: new Date().toISOString(),
      hfd: null,
      star_index: null,
    });
    expect(await reconcile('w7')).toMatchObject({ archived: 2 });
  });
  test('a mapped root is found in either spelling of its accents', () => {
    expect(mapPath('C:\\Ae\u0301ro\\a.fit', [{ from: 'c:\\A\u00e9ro', to: '/mnt' }])?.path).toBe('/mnt/a.fit');
  });

  test('no row is open when its session is settled, though its file never came and nobody claims it', async () => {
    const { startsAt } = await world.db.booking.findUniqueOrThrow({ where: { id: 'w4' } });
    await world.journal(
      'frame',
      { file: `${WINDOWS_ROOT}\\w4\\nowhere.fit`, type: 0, voy_type: 'SHOT', seq_target: 'M42' },
      new Date(startsAt.getTime() + 5_000),
    );
    await reconcile('w4');
    expect(await world.db.frame.count({ where: { state: 'pending' } })).toBe(0);
    expect(await world.db.frame.findFirst({ where: { filename: 'nowhere.fit' } })).toMatchObject({
      state: 'unassigned',
      reason: 'file_absent',
      bookingId: null,
    });
  });
});

test('a share whose place is an empty folder is away, not empty of frames; what was missed is taken when it is back', async () => {
  await world.booking('w5');
  await world.shoot('w5', 'kept.fit', cameraFrame({ seed: 9, cards: [['RTSHOT', guid(9)]] }), guid(9));
  renameSync(world.share, `${world.share}.away`);
  mkdirSync(world.share);
  expect(await reconcile('w5')).toMatchObject({ missing: 1 });
  expect(await framesOf('w5')).toMatchObject([{ reason: 'storage_unreachable' }]);
  renameSync(world.share, `${world.share}.empty`);
  renameSync(`${world.share}.away`, world.share);
  expect(await reconcile('w5')).toMatchObject({ archived: 1, missing: 0 });
});

test('a target named like another booking’s tag takes nothing', async () => {
  await world.booking('w6');
  mkdirSync(join(world.share, 'w6'));
  for (const [name, keyword] of [
    ['named.fit', 'OBJECT'],
    ['noted.fit', 'NOTES'],
    ['tagged.fit', 'RTSETTAG'],
  ] as const) {
    writeFileSync(join(world.share, 'w6', name), cameraFrame({ seed: 10, cards: [[keyword, 'stellar_booking_w6']] }));
    await world.journal('frame', {
      file: `${WINDOWS_ROOT}\\w6\\${name}`,
      type: 0,
      voy_type: 'SHOT',
      seq_target: 'stellar_booking_w6',
    });
  }
  await sleep(500);
  await world.frames.drainFrames({ bookingId: 'w6', telescopeId: TELESCOPE });
  expect((await framesOf('w6')).map((row) => row.filename)).toEqual(['tagged.fit']);
});
