import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { cameraFrame, guid, startWorld, TELESCOPE, WINDOWS_ROOT, type World } from './support.ts';

// Threads and child processes start from source here, which takes long on a busy machine.
jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 60_000);
afterAll(async () => {
  await world.stop();
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const framesOf = (bookingId: string) => world.db.frame.findMany({ where: { bookingId }, orderBy: { filename: 'asc' } });
const drain = (bookingId: string) => world.frames.drainFrames({ bookingId, telescopeId: TELESCOPE });
const reconcile = (bookingId: string, final = true) =>
  world.frames.reconcileFrames({ bookingId, telescopeId: TELESCOPE, shotsDone: null, final });

describe('frame intake', () => {
  test('three frames by RTSHOT: byte-identical copies, previews, events in order, one webhook each', async () => {
    await world.booking('b1');
    const bytes = [1, 2, 3].map((n) => cameraFrame({ seed: n, cards: [['RTSHOT', guid(n)]] }));
    for (const [i, file] of bytes.entries()) await world.shoot('b1', `M42_${i + 1}.fit`, file, guid(i + 1));
    expect(await drain('b1')).toEqual({ captured: 3, archived: 3, rejected: 0, missing: 0, pending: 0 });

    const rows = await framesOf('b1');
    expect(
      rows.map((r) => [r.filename, r.state, r.previewed, r.announced, r.measured, r.filter, r.exposure, r.shotIndex]),
    ).toEqual([1, 2, 3].map((n) => [`M42_${n}.fit`, 'archived', true, true, true, 'Ha', 2, 0]));
    for (const [i, row] of rows.entries()) {
      const stored = readFileSync(join(world.storage, row.archivePath!));
      expect(stored.equals(bytes[i]!)).toBe(true);
      expect(row.sha256).toBe(sha256(bytes[i]!));
      expect(
        statSync(join(world.storage, 'objects', row.sha256!.slice(0, 2), row.sha256!.slice(2, 4), row.sha256!)).ino,
      ).toBe(statSync(join(world.storage, row.archivePath!)).ino);
      const picture = await sharp(join(world.storage, row.previewPath!)).metadata();
      expect([picture.format, picture.width, picture.height]).toEqual(['jpeg', 120, 90]);
      expect([row.voyagerHfd, row.starIndex]).toEqual([4.25, 7.5]);
      expect(row.histogram.reduce((a, b) => a + b, 0)).toBe(120 * 90);
    }
    const events = await world.db.event.findMany({ where: { bookingId: 'b1' }, orderBy: { seq: 'asc' } });
    expect(
      events.filter((e) => e.type === 'image.captured').map((e) => (e.data as { filename: string }).filename),
    ).toEqual(['M42_1.fit', 'M42_2.fit', 'M42_3.fit']);
    expect(events.filter((e) => e.type === 'image.measured')).toHaveLength(3);
    expect(events.findLast((e) => e.type === 'plan.progress')!.data).toMatchObject({
      shots_done: 3,
      by_filter: [{ filter: 'Ha', done: 3 }],
    });
    expect((events[0]!.data as { preview_url: string }).preview_url).toBe(
      `/api/bookings/b1/images/${rows[0]!.id}/preview.jpg`,
    );
    expect(
      await world.db.outbox.count({ where: { bookingId: 'b1', type: 'image.captured', channel: 'webhook' } }),
    ).toBe(3);
    expect((await world.db.session.findUniqueOrThrow({ where: { bookingId: 'b1' } })).imagesCaptured).toBe(3);
  });

  test('a second drain changes nothing', async () => {
    const before = await world.db.event.count({ where: { bookingId: 'b1' } });
    expect((await drain('b1')).archived).toBe(3);
    expect(await world.db.event.count({ where: { bookingId: 'b1' } })).toBe(before);
  });

  test('a file of another camera without RTSHOT belongs to the booking by its path in the shot-done list', async () => {
    await world.booking('b2');
    const bytes = cameraFrame({ seed: 9 });
    await world.shoot('b2', 'autre caméra é.fits', bytes, guid(20));
    expect(await drain('b2')).toMatchObject({ archived: 1, pending: 0 });
    const [row] = await framesOf('b2');
    expect([row!.shotDoneGuid, sha256(readFileSync(join(world.storage, row!.archivePath!)))]).toEqual([
      guid(20),
      sha256(bytes),
    ]);
  });

  test('frames of others, focus frames and test frames are nobody’s: not copied, not counted, not announced', async () => {
    await world.booking('b3');
    await world.shoot('b3', 'foreign.fit', cameraFrame({ seed: 30, cards: [['RTSHOT', guid(999)]] }), guid(30), {
      record: false,
    });
    await world.shoot('b3', 'sync.fit', cameraFrame({ seed: 31, cards: [['RTSHOT', guid(31)]] }), guid(31), {
      voyType: 'SYNC',
    });
    await world.shoot('b3', 'test.fit', cameraFrame({ seed: 32 }), guid(32), { voyType: 'TEST' });
    expect(await drain('b3')).toEqual({ captured: 0, archived: 0, rejected: 0, missing: 0, pending: 0 });
    const rows = await world.db.frame.findMany({
      where: { filename: { in: ['foreign.fit', 'sync.fit', 'test.fit'] } },
      orderBy: { filename: 'asc' },
    });
    expect(rows.map((r) => [r.filename, r.state, r.reason, r.bookingId, r.archivePath])).toEqual([
      ['foreign.fit', 'unassigned', null, null, null],
      ['sync.fit', 'skipped', 'voyager_sync', null, null],
      ['test.fit', 'skipped', 'voyager_test', null, null],
    ]);
  });

  test('an unassigned frame is taken in once the shot-done list knows it', async () => {
    await world.journal('shot_done', {
      guid: guid(999),
      shot_guid: guid(1),
      target_guid: (await world.db.session.findUniqueOrThrow({ where: { bookingId: 'b3' } })).targetGuid!,
      filename: 'foreign.fit',
      path: `${WINDOWS_ROOT}\\b3\\foreign.fit`,
      at: new Date().toISOString(),
      hfd: null,
      star_index: null,
    });
    expect(await drain('b3')).toMatchObject({ captured: 1, archived: 1 });
  });

  test('a cut file and a file that is no FITS are rejected with their reason and put aside; the frame after them is taken', async () => {
    await world.booking('b4');
    const whole = cameraFrame({ seed: 40, cards: [['RTSHOT', guid(40)]] });
    await world.shoot('b4', 'a_cut.fit', whole.subarray(0, whole.length - 5760), guid(40));
    await world.shoot('b4', 'b_text.fit', Buffer.from('no frame at all'.repeat(500)), guid(41));
    await world.shoot('b4', 'c_good.fit', cameraFrame({ seed: 42, cards: [['RTSHOT', guid(42)]] }), guid(42));
    expect(await drain('b4')).toEqual({ captured: 3, archived: 1, rejected: 2, missing: 0, pending: 0 });
    const rows = await framesOf('b4');
    expect(rows.map((r) => [r.filename, r.state, r.reason])).toEqual([
      ['a_cut.fit', 'rejected', 'truncated'],
      ['b_text.fit', 'rejected', 'not_fits'],
      ['c_good.fit', 'archived', null],
    ]);
    expect(readdirSync(join(world.storage, 'quarantine'))).toHaveLength(2);
    const lines = await world.db.timeline.findMany({ where: { bookingId: 'b4' } });
    expect(lines.map((l) => l.event)).toEqual(['frame_rejected', 'frame_rejected']);
  });

  test('a file that is still being written is waited for', async () => {
    await world.booking('b5');
    const whole = cameraFrame({ seed: 50, cards: [['RTSHOT', guid(50)]] });
    await world.shoot('b5', 'slow.fit', whole.subarray(0, 6000), guid(50));
    const drained = drain('b5');
    for (const part of [0.4, 0.7, 1]) {
      await sleep(200);
      writeFileSync(join(world.share, 'b5', 'slow.fit'), whole.subarray(0, Math.round(whole.length * part)));
    }
    expect(await drained).toMatchObject({ archived: 1, rejected: 0 });
    expect((await framesOf('b5'))[0]!.sha256).toBe(sha256(whole));
  });

  test('the same name with another content is another frame; the same file told of twice is not', async () => {
    await world.booking('b6');
    const first = cameraFrame({ seed: 60, cards: [['RTSHOT', guid(60)]] });
    const second = cameraFrame({ seed: 61, cards: [['RTSHOT', guid(61)]] });
    await world.shoot('b6', 'same.fit', first, guid(60));
    await drain('b6');
    await world.journal('frame', {
      file: `${WINDOWS_ROOT}\\b6\\same.fit`,
      type: 0,
      voy_type: 'SHOT',
      seq_target: 'M42',
    });
    expect(await drain('b6')).toMatchObject({ captured: 1, archived: 1 });
    await world.shoot('b6', 'same.fit', second, guid(61));
    expect(await drain('b6')).toMatchObject({ captured: 2, archived: 2 });
    expect(new Set((await framesOf('b6')).map((r) => r.archivePath))).toEqual(
      new Set(['bookings/b6/same.fit', 'bookings/b6/same_2.fit']),
    );
  });

  test('a path that is not mapped, climbs out or leaves by a symbolic link is refused', async () => {
    await world.booking('b7');
    const { targetGuid, shotGuids } = {
      targetGuid: (await world.db.session.findUniqueOrThrow({ where: { bookingId: 'b7' } })).targetGuid!,
      shotGuids: [guid(1)],
    };
    const outside = join(world.folder, 'secret.fit');
    writeFileSync(outside, cameraFrame({ seed: 70 }));
    const { symlinkSync } = await import('node:fs');
    symlinkSync(outside, join(world.share, 'link.fit'));
    symlinkSync(world.folder, join(world.share, 'linked'));
    const paths = [
      'D:\\Other\\x.fit',
      `${WINDOWS_ROOT}\\..\\secret.fit`,
      `${WINDOWS_ROOT}\\link.fit`,
      `${WINDOWS_ROOT}\\linked\\secret.fit`,
    ];
    for (const [i, file] of paths.entries()) {
      await world.journal('frame', { file, type: 0, voy_type: 'SHOT', seq_target: null });
      await world.journal('shot_done', {
        guid: guid(700 + i),
        shot_guid: shotGuids[0]!,
        target_guid: targetGuid,
        filename: file.split('\\').pop()!,
        path: file,
        at: new Date().toISOString(),
        hfd: null,
        star_index: null,
      });
    }
    expect(await drain('b7')).toMatchObject({ rejected: 4, archived: 0 });
    expect(
      (await world.db.frame.findMany({ where: { bookingId: 'b7' }, orderBy: { reason: 'asc' } })).map((r) => r.reason),
    ).toEqual(['outside', 'outside', 'path_unmapped', 'path_unmapped']);
  });

  test('reconciliation: one event lost, one file gone, one file that nobody told of; each frame has its end', async () => {
    const { targetGuid, shotGuids } = await world.booking('b8');
    await world.shoot('b8', 'seen.fit', cameraFrame({ seed: 80, cards: [['RTSHOT', guid(80)]] }), guid(80));
    await drain('b8');
    writeFileSync(join(world.share, 'b8', 'lost_event.fit'), cameraFrame({ seed: 81, cards: [['RTSHOT', guid(81)]] }));
    writeFileSync(
      join(world.share, 'b8', 'tagged.fit'),
      cameraFrame({ seed: 82, cards: [['RTTAG', 'stellar_booking_b8']] }),
    );
    writeFileSync(join(world.share, 'b8', 'somebodys.fit'), cameraFrame({ seed: 83 }));
    const shot = (n: number, filename: string) => ({
      guid: guid(n),
      shotGuid: shotGuids[0]!,
      at: new Date().toISOString(),
      filename,
      path: `${WINDOWS_ROOT}\\b8\\${filename}`,
      hfd: 3.5,
      starIndex: 5,
      exposureSeconds: 2,
      binning: 1,
      filterIndex: 4,
    });
    const counts = await world.frames.reconcileFrames({
      bookingId: 'b8',
      telescopeId: TELESCOPE,
      shotsDone: [shot(80, 'seen.fit'), shot(81, 'lost_event.fit'), shot(84, 'gone.fit')],
      final: true,
    });
    expect(counts).toEqual({ captured: 4, archived: 3, rejected: 0, missing: 1, pending: 0 });
    expect((await framesOf('b8')).map((r) => [r.filename, r.state, r.reason])).toEqual([
      ['gone.fit', 'missing', 'file_absent'],
      ['lost_event.fit', 'archived', null],
      ['seen.fit', 'archived', null],
      ['tagged.fit', 'archived', null],
    ]);
    expect(targetGuid).toHaveLength(36);
  });

  test('the mount is gone for a while (five minutes in the long form): drains end with the frame pending, and it is taken when the mount is back', async () => {
    await world.booking('b9');
    await world.shoot('b9', 'late.fit', cameraFrame({ seed: 90, cards: [['RTSHOT', guid(90)]] }), guid(90));
    renameSync(world.share, `${world.share}.away`);
    const back = Date.now() + (process.env.NOCTURNE_LONG === '1' ? 300_000 : 2_500);
    do expect(await drain('b9')).toEqual({ captured: 1, archived: 0, rejected: 0, missing: 0, pending: 1 });
    while (Date.now() < back);
    const drained = drain('b9');
    await sleep(300);
    renameSync(`${world.share}.away`, world.share);
    expect(await drained).toMatchObject({ archived: 1, pending: 0 });
  }, 600_000);

  test('the mount stays away: the last reconciliation says so and ends', async () => {
    await world.booking('b10');
    await world.shoot('b10', 'never.fit', cameraFrame({ seed: 91, cards: [['RTSHOT', guid(91)]] }), guid(91));
    renameSync(world.share, `${world.share}.away`);
    try {
      expect(await reconcile('b10')).toEqual({ captured: 1, archived: 0, rejected: 0, missing: 1, pending: 0 });
    } finally {
      renameSync(`${world.share}.away`, world.share);
    }
    expect((await framesOf('b10')).map((r) => r.reason)).toEqual(['storage_unreachable']);
  });

  test('a frame larger than MAX_IMAGE_SIZE_MB is refused where it lies', async () => {
    await world.booking('b11');
    await world.shoot(
      'b11',
      'huge.fit',
      cameraFrame({ width: 800, height: 800, seed: 92, cards: [['RTSHOT', guid(92)]] }),
      guid(92),
    );
    const strict = world.start({}, 1);
    expect(await strict.drainFrames({ bookingId: 'b11', telescopeId: TELESCOPE })).toMatchObject({ rejected: 1 });
    expect((await framesOf('b11')).map((r) => [r.reason, r.archivePath])).toEqual([['too_large', null]]);
    expect(existsSync(join(world.share, 'b11', 'huge.fit'))).toBe(true);
  });

  test('fifteen frames make one digest, the rest another at the end', async () => {
    await world.booking('b12');
    for (let i = 0; i < 17; i++)
      await world.shoot(
        'b12',
        `f${String(i).padStart(2, '0')}.fit`,
        cameraFrame({ width: 40, height: 40, stars: 1, seed: 100 + i, cards: [['RTSHOT', guid(1000 + i)]] }),
        guid(1000 + i),
      );
    expect(await drain('b12')).toMatchObject({ archived: 17 });
    await reconcile('b12');
    const digests = await world.db.outbox.findMany({
      where: { bookingId: 'b12', type: 'images.digest', channel: 'webhook' },
      orderBy: { sequence: 'asc' },
    });
    expect(digests.map((d) => (d.data as { images_captured: number; images: unknown[] }).images.length)).toEqual([
      15, 2,
    ]);
  });
});
