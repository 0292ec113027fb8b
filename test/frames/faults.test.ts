import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createFrameActivities } from '../../activities/frames/index.ts';
import { createLogger } from '../../platform/logger.ts';
import { projectPath } from '../../platform/paths.ts';
import { generator } from '../support/synthetic.ts';
import { MARKER } from '../../frames/store/presence.ts';
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

const drain = (bookingId: string) => world.frames.drainFrames({ bookingId, telescopeId: TELESCOPE });

/** Starts a drain in a process of its own and kills it `afterMs` after it has begun; true when it was killed before it was done. */
async function drainAndKill(bookingId: string, afterMs: number): Promise<boolean> {
  const loader = pathToFileURL(projectPath('node_modules/tsx/dist/loader.mjs')).href;
  const child = spawn(
    process.execPath,
    ['--import', loader, projectPath('test/frames/drain-process.ts'), world.url, world.storage, bookingId, TELESCOPE],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  let killed = false;
  child.stdout.on('data', (data: Buffer) => {
    if (!data.toString().includes('draining')) return;
    setTimeout(() => {
      killed = child.exitCode === null;
      child.kill('SIGKILL');
    }, afterMs);
  });
  await new Promise((resolve) => child.once('exit', resolve));
  return killed;
}

describe('faults', () => {
  test('SIGKILL in the middle of a drain, several times: every frame once, byte for byte, nothing said twice', async () => {
    await world.booking('k1');
    const files = Array.from({ length: 8 }, (_, i) =>
      cameraFrame({ width: 900, height: 700, seed: 300 + i, cards: [['RTSHOT', guid(3000 + i)]] }),
    );
    for (const [i, bytes] of files.entries()) await world.shoot('k1', `k${i}.fit`, bytes, guid(3000 + i));
    const random = generator(7);
    let kills = 0;
    const times = process.env.NOCTURNE_LONG === '1' ? 20 : 3;
    for (let i = 0; i < times; i++) if (await drainAndKill('k1', 150 + Math.round(random() * 900))) kills++;
    expect(kills).toBeGreaterThan(0);
    expect(await drain('k1')).toEqual({ captured: 8, archived: 8, rejected: 0, missing: 0, pending: 0 });
    const rows = await world.db.frame.findMany({ where: { bookingId: 'k1' }, orderBy: { filename: 'asc' } });
    expect(rows.map((r) => [r.announced, r.previewed, r.measured])).toEqual(
      Array.from({ length: 8 }, () => [true, true, true]),
    );
    for (const [i, row] of rows.entries())
      expect(readFileSync(join(world.storage, row.archivePath!)).equals(files[i]!)).toBe(true);
    expect(readdirSync(join(world.storage, 'bookings', 'k1'))).toHaveLength(8);
    const events = await world.db.event.findMany({ where: { bookingId: 'k1' }, orderBy: { seq: 'asc' } });
    expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => i + 1));
    expect(['image.captured', 'image.measured'].map((type) => events.filter((e) => e.type === type).length)).toEqual([
      8, 8,
    ]);
    expect(
      await world.db.outbox.count({ where: { bookingId: 'k1', type: 'image.captured', channel: 'webhook' } }),
    ).toBe(8);
    expect(await world.db.session.findUniqueOrThrow({ where: { bookingId: 'k1' } })).toMatchObject({
      imagesCaptured: 8,
    });
  }, 180_000);

  test('ten frames at once are announced in their order, and all are announced before the last is measured', async () => {
    await world.booking('k2');
    for (let i = 0; i < 10; i++)
      await world.shoot(
        'k2',
        `t${i}.fit`,
        cameraFrame({ width: i % 2 ? 200 : 1500, height: 800, seed: 400 + i, cards: [['RTSHOT', guid(4000 + i)]] }),
        guid(4000 + i),
      );
    expect(await drain('k2')).toMatchObject({ archived: 10 });
    const events = await world.db.event.findMany({ where: { bookingId: 'k2' }, orderBy: { seq: 'asc' } });
    const captured = events.filter((e) => e.type === 'image.captured');
    expect(captured.map((e) => (e.data as { filename: string }).filename)).toEqual(
      Array.from({ length: 10 }, (_, i) => `t${i}.fit`),
    );
    expect(captured.at(-1)!.seq).toBeLessThan(events.filter((e) => e.type === 'image.measured').at(-1)!.seq);
  }, 60_000);

  test('a file replaced after the event is taken as it stands, and the hash is that of the copy', async () => {
    await world.booking('k3');
    await world.shoot('k3', 'r.fit', cameraFrame({ seed: 500, cards: [['RTSHOT', guid(5000)]] }), guid(5000));
    const later = cameraFrame({ seed: 501, cards: [['RTSHOT', guid(5000)]] });
    writeFileSync(join(world.share, 'k3', 'r.fit'), later);
    expect(await drain('k3')).toMatchObject({ archived: 1 });
    const row = await world.db.frame.findFirstOrThrow({ where: { bookingId: 'k3' } });
    expect(row.sha256).toBe(createHash('sha256').update(later).digest('hex'));
    expect(
      createHash('sha256')
        .update(readFileSync(join(world.storage, row.archivePath!)))
        .digest('hex'),
    ).toBe(row.sha256);
  });

  test('thousands of other files in the folder do not hold up the reconciliation', async () => {
    await world.booking('k4');
    await world.shoot('k4', 'mine.fit', cameraFrame({ seed: 600, cards: [['RTSHOT', guid(6000)]] }), guid(6000));
    mkdirSync(join(world.share, 'k4', 'old'));
    const count = process.env.NOCTURNE_LONG === '1' ? 10_000 : 1_000;
    const other = cameraFrame({ width: 20, height: 20, stars: 0 });
    for (let i = 0; i < count; i++) writeFileSync(join(world.share, 'k4', 'old', `o${i}.fit`), other);
    const counts = await world.frames.reconcileFrames({
      bookingId: 'k4',
      telescopeId: TELESCOPE,
      shotsDone: null,
      final: true,
    });
    expect(counts).toEqual({ captured: 1, archived: 1, rejected: 0, missing: 0, pending: 0 });
    expect(await world.db.frame.count({ where: { sourcePath: { contains: 'old' } } })).toBe(0);
  }, 120_000);

  test('a file that is cut while it is copied is not taken so; it is taken once it is whole again', async () => {
    await world.booking('k6');
    const [width, height] = [9000, 6000];
    const header = cameraFrame({ width: 8, height: 8, stars: 0, cards: [['RTSHOT', guid(8000)]] }).subarray(0, 2880);
    const promised = Buffer.from(
      header
        .toString('latin1')
        .replace(/NAXIS1  = +8/, `NAXIS1  =${String(width).padStart(21)}`)
        .replace(/NAXIS2  = +8/, `NAXIS2  =${String(height).padStart(21)}`),
      'latin1',
    );
    const size = 2880 + Math.ceil((width * height * 2) / 2880) * 2880;
    const path = join(world.share, 'k6', 'cut.fit');
    await world.shoot('k6', 'cut.fit', promised, guid(8000));
    // Pixels, not blanks: a blank file waits as one that is still being written.
    const noise = randomBytes(1 << 20);
    for (let at = 2880; at < size; at += noise.length) appendFileSync(path, noise.subarray(0, size - at));
    const service = world.start({ patienceMs: 20_000, settleMs: 15_000 }, 1024);
    const staging = join(world.storage, 'staging');
    const drained = service.drainFrames({ bookingId: 'k6', telescopeId: TELESCOPE });
    const begun = (): boolean =>
      existsSync(staging) && readdirSync(staging).some((name) => statSync(join(staging, name)).size > 0);
    for (let n = 0; n < 20_000 && !begun(); n++) await sleep(1);
    truncateSync(path, size / 2);
    await sleep(1_500);
    expect(
      await world.db.frame.findFirstOrThrow({ where: { sourcePath: `${WINDOWS_ROOT}\\k6\\cut.fit` } }),
    ).toMatchObject({ state: 'pending' });
    truncateSync(path, size);
    expect(await drained).toMatchObject({ archived: 1, rejected: 0, pending: 0 });
    const row = await world.db.frame.findFirstOrThrow({ where: { bookingId: 'k6' } });
    expect(Number(row.sizeBytes)).toBe(size);
    expect(row.sha256).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'));
    expect(readdirSync(staging)).toEqual([]);
  }, 120_000);

  test('a file that we may not read is rejected with that reason, and taken when the permission is mended', async () => {
    await world.booking('k7');
    const bytes = cameraFrame({ seed: 810, cards: [['RTSHOT', guid(8100)]] });
    await world.shoot('k7', 'closed.fit', bytes, guid(8100));
    const hidden = join(world.share, 'k7', 'hidden');
    const path = join(world.share, 'k7', 'closed.fit');
    mkdirSync(hidden);
    writeFileSync(join(hidden, 'h.fit'), cameraFrame({ seed: 811, cards: [['RTSHOT', guid(8101)]] }));
    const file = `${WINDOWS_ROOT}\\k7\\hidden\\h.fit`;
    const target_guid = (await world.db.session.findUniqueOrThrow({ where: { bookingId: 'k7' } })).targetGuid!;
    await world.journal('frame', { file, type: 0, voy_type: 'SHOT', seq_target: 'M42' });
    await world.journal('shot_done', {
      guid: guid(8101),
      shot_guid: guid(1),
      target_guid,
      filename: 'h.fit',
      path: file,
      at: new Date().toISOString(),
      hfd: null,
      star_index: null,
    });
    chmodSync(path, 0);
    chmodSync(hidden, 0);
    // Whatever file mode this process gives: another user gets as far as these two.
    for (const open of [world.share, join(world.share, 'k7')]) chmodSync(open, 0o755);
    // Root may read everything, so the drain runs as somebody else then.
    const storage = join(world.folder, 'store-nobody');
    const scratch = join(world.folder, 'scratch');
    for (const folder of [storage, scratch]) mkdirSync(folder);
    writeFileSync(join(storage, MARKER), '');
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    if (nobody.uid) {
      for (const folder of [storage, scratch]) chownSync(folder, nobody.uid, nobody.gid);
      chmodSync(world.folder, 0o755);
    }
    const loader = pathToFileURL(projectPath('node_modules/tsx/dist/loader.mjs')).href;
    const run = (final: boolean): number | null =>
      spawnSync(
        process.execPath,
        [
          '--import',
          loader,
          projectPath('test/frames/drain-process.ts'),
          world.url,
          storage,
          'k7',
          TELESCOPE,
          ...(final ? ['final'] : []),
        ],
        {
          stdio: ['ignore', 'ignore', 'inherit'],
          env: { PATH: process.env.PATH, TMPDIR: scratch, HOME: scratch, NODE_OPTIONS: '' },
          ...nobody,
        },
      ).status;
    const states = async (): Promise<unknown[]> =>
      (
        await world.db.frame.findMany({
          where: { bookingId: 'k7' },
          orderBy: [{ filename: 'asc' }, { sourcePath: 'asc' }],
        })
      ).map((row) => [row.sourcePath.split('\\').slice(-2).join('/'), row.state, row.reason]);
    expect(run(false)).toBe(0);
    expect(await states()).toContainEqual(['k7/closed.fit', 'rejected', 'unreadable']);
    chmodSync(path, 0o644);
    expect(run(true)).toBe(0);
    expect(await states()).toEqual([
      ['k7/closed.fit', 'archived', null],
      ['hidden/h.fit', 'missing', 'unreadable'],
    ]);
    chmodSync(hidden, 0o755);
  }, 120_000);

  test('a full disk: the frame waits, nothing is lost, and it is taken when there is room again', async () => {
    const storage = join(world.folder, 'small');
    mkdirSync(storage);
    if (
      process.getuid?.() !== 0 ||
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', storage]).status !== 0
    ) {
      console.warn('SKIPPED: a full disk needs a mount of its own (root)');
      return;
    }
    writeFileSync(join(storage, MARKER), '');
    const service = createFrameActivities({
      db: world.db,
      config: { OBSERVATIONS_STORAGE_PATH: storage, MAX_IMAGE_SIZE_MB: 64 },
      logger: createLogger('test', 'silent'),
    });
    try {
      await world.booking('k5');
      await world.shoot('k5', 'full.fit', cameraFrame({ seed: 700, cards: [['RTSHOT', guid(7000)]] }), guid(7000));
      await expect(service.drainFrames({ bookingId: 'k5', telescopeId: TELESCOPE })).rejects.toThrow('disk_low');
      expect(
        await world.db.frame.findFirstOrThrow({ where: { sourcePath: `${WINDOWS_ROOT}\\k5\\full.fit` } }),
      ).toMatchObject({ state: 'pending' });
      expect(
        await world.db.outbox.count({ where: { bookingId: 'k5', type: 'error.occurred', channel: 'operator' } }),
      ).toBe(1);
      spawnSync('mount', ['-o', 'remount,size=600m', storage]);
      expect(await service.drainFrames({ bookingId: 'k5', telescopeId: TELESCOPE })).toMatchObject({
        archived: 1,
        pending: 0,
      });
      const row = await world.db.frame.findFirstOrThrow({ where: { bookingId: 'k5' } });
      expect(statSync(join(storage, row.archivePath!)).size).toBe(Number(row.sizeBytes));
    } finally {
      await service.close();
      spawnSync('umount', ['-l', storage]);
    }
  }, 60_000);
});
