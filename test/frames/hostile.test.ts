import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createArchiveActivities } from '../../activities/frames/archive.ts';
import { streamArchive } from '../../frames/archive.ts';
import { writeFits16 } from '../../frames/fits/writer.ts';
import { importFolder } from '../../activities/frames/import.ts';
import { DEFAULT_TIMING } from '../../activities/frames/intake/intake.ts';
import { Mount } from '../../activities/frames/intake/mount.ts';
import { mapPath } from '../../activities/frames/intake/paths.ts';
import { capturedAt, metadataOf } from '../../frames/metadata.ts';
import { FramePool } from '../../frames/pass/pool.ts';
import { crc32 } from '../../frames/store/crc32.ts';
import { FrameStore } from '../../frames/store/store.ts';
import { createLogger } from '../../platform/logger.ts';
import { findTelescope } from '../../platform/telescopes.ts';
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
const rowsOf = (bookingId: string) => world.db.frame.findMany({ where: { bookingId }, orderBy: { filename: 'asc' } });
const drain = (bookingId: string) => world.frames.drainFrames({ bookingId, telescopeId: TELESCOPE });
const logger = createLogger('test', 'silent');

describe('more than one at work', () => {
  test('two workers drain the same telescope at once: every frame once, measured and without a false reason, nothing said twice', async () => {
    await world.booking('h1');
    const other = world.start();
    for (let i = 0; i < 6; i++)
      await world.shoot(
        'h1',
        `w${i}.fit`,
        cameraFrame({ width: 700, height: 500, seed: 20 + i, cards: [['RTSHOT', guid(100 + i)]] }),
        guid(100 + i),
      );
    await Promise.allSettled([drain('h1'), other.drainFrames({ bookingId: 'h1', telescopeId: TELESCOPE })]);
    // A step that lost against the other worker is tried again, as Temporal does.
    expect(await drain('h1')).toEqual({ captured: 6, archived: 6, rejected: 0, missing: 0, pending: 0 });
    expect((await rowsOf('h1')).map((r) => [r.state, r.reason, r.previewed, r.measured, r.hfdSource])).toEqual(
      Array.from({ length: 6 }, () => ['archived', null, true, true, 'measured']),
    );
    const events = await world.db.event.findMany({ where: { bookingId: 'h1' } });
    expect(events.filter((e) => e.type === 'image.captured')).toHaveLength(6);
    expect(readdirSync(join(world.storage, 'bookings', 'h1'))).toHaveLength(6);
  });

  test('two events of one file in the same drain are one frame', async () => {
    await world.booking('h2');
    const file = `${WINDOWS_ROOT}\\h2\\twice.fit`;
    await world.journal('frame', { file, type: 0, voy_type: 'SHOT', seq_target: 'M42' });
    await world.shoot('h2', 'twice.fit', cameraFrame({ seed: 40, cards: [['RTSHOT', guid(120)]] }), guid(120));
    expect(await drain('h2')).toEqual({ captured: 1, archived: 1, rejected: 0, missing: 0, pending: 0 });
    expect((await world.db.frame.findMany({ where: { sourcePath: file } })).map((r) => r.state).toSorted()).toEqual([
      'archived',
      'skipped',
    ]);
  });

  test('an import of tonight’s folder takes nothing away from the session that runs, and the running drain leaves the import alone; a copy in the folder is kept once', async () => {
    await world.booking('h3');
    const position = { raHours: 5.5, decDegrees: -5 };
    const now = new Date().toISOString().slice(0, 19);
    const frame = cameraFrame({
      seed: 50,
      cards: [
        ['RTSHOT', guid(130)],
        ['DATE-OBS', now],
      ],
    });
    const folder = join(world.share, 'h3');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.fit'), frame);
    writeFileSync(join(folder, 'b copy.fit'), frame);
    const telescope = (await findTelescope(world.db, TELESCOPE))!;
    const [mount, pool] = [new Mount(1), new FramePool(1)];
    const timing = { ...DEFAULT_TIMING, settleMs: 200, pollMs: 50, attributeMs: 100 };
    try {
      const deps = { db: world.db, logger, store: new FrameStore(world.storage), mount, pool, maxBytes: 1e9, timing };
      // A row of an import that was cut off, as young as tonight's frames.
      await world.db.frame.create({
        data: {
          id: 'cut-import',
          telescopeId: TELESCOPE,
          sourceKey: 'import/other/x.fit',
          sourcePath: '/elsewhere/x.fit',
          filename: 'x.fit',
          type: 'LIGHT',
          state: 'pending',
        },
      });
      expect(
        await importFolder(deps, { folder, telescope, bookingId: 'h3-old', position, progress: () => undefined }),
      ).toMatchObject({ files: 2, archived: 1, copies: 1 });
    } finally {
      await Promise.all([mount.close(), pool.close()]);
    }
    await world.shoot('h3', 'a.fit', frame, guid(130));
    expect(await drain('h3')).toEqual({ captured: 1, archived: 1, rejected: 0, missing: 0, pending: 0 });
    expect(await world.db.outbox.count({ where: { bookingId: 'h3-old' } })).toBe(0);
    expect((await world.db.frame.findUniqueOrThrow({ where: { id: 'cut-import' } })).state).toBe('pending');
  });

  test('a worker thread that dies is replaced and its job begun once more; over a job that kills its second thread, too, the file is named', async () => {
    const pool = new FramePool(1);
    const path = join(world.folder, 'large.fit');
    writeFileSync(path, cameraFrame({ width: 3000, height: 2000, seed: 60 }));
    const kill = async (): Promise<void> => {
      type Member = { worker: { terminate(): Promise<number> }; busy: unknown };
      const busy = (): Member | undefined => (Reflect.get(pool, 'members') as Member[]).find((member) => member.busy);
      for (let n = 0; n < 2_000 && !busy(); n++) await sleep(5);
      await busy()!.worker.terminate();
    };
    try {
      await pool.warm();
      const once = pool.run({ kind: 'stars', path });
      await kill();
      expect((await once).metrics!.count).toBeGreaterThan(0);
      const twice = pool.run({ kind: 'stars', path });
      const refused = twice.catch((thrown: unknown) => thrown);
      const behind = pool.run({ kind: 'stars', path });
      await kill();
      await kill();
      expect(await refused).toMatchObject({ name: 'FitsError', code: 'unsupported' });
      expect((await behind).metrics!.count).toBeGreaterThan(0);
    } finally {
      await pool.close();
    }
  });
});

describe('files that are not what they seem', () => {
  test('a pipe and a folder with a frame’s name are refused without waiting; the frame behind them is taken', async () => {
    await world.booking('h4');
    mkdirSync(join(world.share, 'h4', 'folder.fit'), { recursive: true });
    execFileSync('mkfifo', [join(world.share, 'h4', 'pipe.fit')]);
    const { targetGuid } = {
      targetGuid: (await world.db.session.findUniqueOrThrow({ where: { bookingId: 'h4' } })).targetGuid!,
    };
    for (const [i, filename] of ['folder.fit', 'pipe.fit'].entries()) {
      const file = `${WINDOWS_ROOT}\\h4\\${filename}`;
      const record = {
        guid: guid(140 + i),
        shot_guid: guid(1),
        target_guid: targetGuid,
        filename,
        path: file,
        at: new Date().toISOString(),
        hfd: null,
        star_index: null,
      };
      await world.journal('frame', { file, type: 0, voy_type: 'SHOT', seq_target: null });
      await world.journal('shot_done', record);
    }
    await world.shoot('h4', 'real.fit', cameraFrame({ seed: 70, cards: [['RTSHOT', guid(145)]] }), guid(145));
    expect(await drain('h4')).toEqual({ captured: 3, archived: 1, rejected: 2, missing: 0, pending: 0 });
    expect((await rowsOf('h4')).map((r) => [r.filename, r.reason])).toEqual([
      ['folder.fit', 'unreadable'],
      ['pipe.fit', 'unreadable'],
      ['real.fit', null],
    ]);
  });

  test('a form of FITS that is not read is archived without picture and with that reason; the frame behind it is whole', async () => {
    await world.booking('h5');
    const card = (text: string): string => text.padEnd(80);
    const block = (...cards: string[]): Buffer => {
      const text = [...cards, 'END'].map(card).join('');
      return Buffer.from(text.padEnd(Math.ceil(text.length / 2880) * 2880), 'latin1');
    };
    const table = [
      'BITPIX  = 8',
      'NAXIS   = 2',
      'NAXIS1  = 8',
      'NAXIS2  = 4',
      'PCOUNT  = 0',
      'GCOUNT  = 1',
      'TFIELDS = 1',
      "TTYPE1  = 'COMPRESSED_DATA'",
      "TFORM1  = '1PB(3)'",
    ];
    const image = ['ZIMAGE  = T', 'ZBITPIX = 16', 'ZNAXIS  = 2', 'ZNAXIS1 = 64', 'ZNAXIS2 = 4', "ZCMPTYPE= 'JPEG_XL'"];
    const packed = Buffer.concat([
      block('SIMPLE  = T', 'BITPIX  = 8', 'NAXIS   = 0', `RTSHOT  = '${guid(150)}'`),
      block("XTENSION= 'BINTABLE'", ...table, ...image),
      Buffer.alloc(2880),
    ]);
    await world.shoot('h5', 'a.fits.fz', packed, guid(150));
    await world.shoot('h5', 'b.fit', cameraFrame({ seed: 71, cards: [['RTSHOT', guid(151)]] }), guid(151));
    expect(await drain('h5')).toMatchObject({ archived: 2, rejected: 0 });
    expect((await rowsOf('h5')).map((r) => [r.filename, r.previewed, r.announced, r.reason])).toEqual([
      ['a.fits.fz', false, true, 'unsupported'],
      ['b.fit', true, true, null],
    ]);
  });

  test('header words that no database or browser likes go through: numbers beyond all, names of JavaScript’s own, bytes of no text', async () => {
    await world.booking('h8');
    const bytes = cameraFrame({
      seed: 75,
      cards: [
        ['RTSHOT', guid(155)],
        ['AAA', 1],
        ['BBB', 1],
        ['CCC', 'x'],
      ],
    });
    const swap = (keyword: string, card: string | Buffer): void =>
      void Buffer.from(card).copy(bytes, bytes.indexOf(`${keyword.padEnd(8)}=`));
    swap('AAA', 'AAA     =                1E999 / beyond'.padEnd(80));
    swap('BBB', 'HIERARCH __proto__ = (1, 2)'.padEnd(80));
    swap(
      'CCC',
      Buffer.concat([Buffer.from("CCC     = 'a\0b"), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from("'".padEnd(60))]),
    );
    await world.shoot('h8', 'odd.fit', bytes, guid(155));
    expect(await drain('h8')).toMatchObject({ archived: 1, rejected: 0 });
    expect((await rowsOf('h8'))[0]).toMatchObject({ previewed: true, measured: true, metadata: { AAA: null } });
  });

  test('a rejected frame that is replaced by a good one: with an event the new one counts, without one the last reconciliation takes it; neither twice', async () => {
    await world.booking('h6');
    const good = [
      cameraFrame({ seed: 80, cards: [['RTSHOT', guid(160)]] }),
      cameraFrame({ seed: 81, cards: [['RTSHOT', guid(161)]] }),
    ];
    for (const [i, bytes] of good.entries())
      await world.shoot('h6', `m${i}.fit`, bytes.subarray(0, bytes.length - 5760), guid(160 + i));
    expect(await drain('h6')).toMatchObject({ rejected: 2, archived: 0 });
    for (const [i, bytes] of good.entries()) writeFileSync(join(world.share, 'h6', `m${i}.fit`), bytes);
    await world.journal('frame', { file: `${WINDOWS_ROOT}\\h6\\m0.fit`, type: 0, voy_type: 'SHOT', seq_target: 'M42' });
    expect(await drain('h6')).toMatchObject({ archived: 1, rejected: 2 });
    const counts = await world.frames.reconcileFrames({
      bookingId: 'h6',
      telescopeId: TELESCOPE,
      shotsDone: null,
      final: true,
    });
    expect(counts).toEqual({ captured: 2, archived: 2, rejected: 0, missing: 0, pending: 0 });
    for (const [i, row] of (await rowsOf('h6')).entries())
      expect(readFileSync(join(world.storage, row.archivePath!)).equals(good[i]!)).toBe(true);
    // What was refused stays aside.
    expect(readdirSync(join(world.storage, 'quarantine')).filter((name) => /_m[01]\.fit$/.test(name))).toHaveLength(2);
  });

  test.each([
    ['C:\\Voyager\\FITS\\a b\\é.fit', '/mnt/a b/é.fit'],
    ['c:/VOYAGER/fits/x.fit', '/mnt/x.fit'],
    ['\\\\?\\C:\\Voyager\\FITS\\long.fit', '/mnt/long.fit'],
    ['\\\\NAS\\frames\\x.fit', '/nas/x.fit'],
    ['\\\\?\\UNC\\nas\\Frames\\x.fit', '/nas/x.fit'],
    ['C:\\Voyager\\FITS\\deep\\x.fit', '/deep/x.fit'],
    ['/data/x.fit', '/linux/x.fit'],
    ['C:\\Voyager\\FITS', null],
    ['C:\\Voyager\\FITSX\\x.fit', null],
    ['C:\\Voyager\\FITS\\..\\..\\Windows\\x.fit', null],
    ['C:\\Voyager\\FITS/../x.fit', null],
    ['C:\\Voyager\\FITS\\.\\x.fit', null],
    ['\\Voyager\\FITS\\x.fit', null],
    ['\\\\C:\\Voyager\\FITS\\x.fit', null],
    ['\\\\.\\C:\\Voyager\\FITS\\x.fit', null],
    ['C:\\Voyager\\FITS\\x\0.fit', null],
    ['', null],
  ])('%j lies at %j', (path, expected) => {
    const map = [
      { from: 'C:\\Voyager\\FITS', to: '/mnt' },
      { from: 'C:\\Voyager\\FITS\\deep\\', to: '/deep' },
      { from: '\\\\nas\\frames', to: '/nas' },
      { from: '/data', to: '/linux' },
    ];
    expect(mapPath(path, map)?.path ?? null).toBe(expected);
  });

  test.each([
    ['agrees', '2026-03-01T22:00:03', true, '2026-03-01T22:00:03.000Z'],
    ['is three minutes off', '2026-03-01T22:03:00', true, '2026-03-01T22:03:00.000Z'],
    ['is the zone’s time, an hour ahead', '2026-03-01T23:00:02', true, '2026-03-01T22:00:05.000Z'],
    ['is the zone’s time, seven hours behind', '2026-03-01T15:00:02', true, '2026-03-01T22:00:05.000Z'],
    ['is another year', '2020-03-01T22:00:02', true, '2026-03-01T22:00:05.000Z'],
    ['is an hour before a file that was found later', '2026-03-01T21:00:00', false, '2026-03-01T21:00:00.000Z'],
    ['is another day than the file that was found', '2026-02-27T21:00:00', false, '2026-03-01T22:00:05.000Z'],
    ['is no date', 'yesterday', true, '2026-03-01T22:00:05.000Z'],
  ])('the instant of a frame whose DATE-OBS %s', (_, date, live, expected) => {
    const metadata = metadataOf({ 'DATE-OBS': date, EXPTIME: 300 });
    expect(capturedAt(metadata, new Date('2026-03-01T22:05:05Z'), live).toISOString()).toBe(expected);
  });
});

test('killed between store and database, and the file gone since: the frame is taken out of the store', async () => {
  await world.booking('h9');
  const bytes = cameraFrame({ seed: 97, cards: [['RTSHOT', guid(180)]] });
  await world.shoot('h9', 'kept.fit', bytes, guid(180));
  const store = new FrameStore(world.storage);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const staging = await store.staging('killed');
  writeFileSync(staging, bytes);
  await store.adopt(staging, sha256, bytes.length, crc32(bytes));
  rmSync(join(world.share, 'h9', 'kept.fit'));
  expect(await drain('h9')).toMatchObject({ archived: 0, pending: 1 });
  await world.db.frame.updateMany({ where: { bookingId: 'h9' }, data: { sha256, sizeBytes: BigInt(bytes.length) } });
  expect(await drain('h9')).toMatchObject({ archived: 1, pending: 0 });
  const [row] = await rowsOf('h9');
  expect([row!.filename, row!.previewed, row!.measured]).toEqual(['kept.fit', true, true]);
  expect(readFileSync(join(world.storage, row!.archivePath!)).equals(bytes)).toBe(true);
});

describe('a store that has lost something', () => {
  test('a frame whose bytes are gone is named in the manifest, and holds up neither archive nor ZIP', async () => {
    await world.booking('h7');
    for (let i = 0; i < 3; i++)
      await world.shoot(
        'h7',
        `l${i}.fit`,
        cameraFrame({ seed: 90 + i, cards: [['RTSHOT', guid(170 + i)]] }),
        guid(170 + i),
      );
    await drain('h7');
    const store = new FrameStore(world.storage);
    const [gone, cut] = await rowsOf('h7');
    rmSync(store.path(gone!.archivePath!));
    rmSync(store.objectPath(gone!.sha256!));
    rmSync(store.path(cut!.archivePath!));
    writeFileSync(store.path(cut!.archivePath!), 'cut');
    const archive = createArchiveActivities({
      db: world.db,
      config: { OBSERVATIONS_STORAGE_PATH: world.storage },
      logger,
    });
    expect(await archive.buildArchive({ bookingId: 'h7', telescopeId: TELESCOPE })).toMatchObject({ files: 2 });
    const manifest = JSON.parse(readFileSync(join(world.storage, 'bookings', 'h7', 'manifest.json'), 'utf8')) as {
      absent: unknown[];
    };
    expect(manifest.absent).toEqual([{ filename: 'l0.fit', state: 'archived', reason: 'damaged' }]);
    const zip = (await streamArchive({ db: world.db, storagePath: world.storage }, 'h7'))!;
    const folder = mkdtempSync(join(tmpdir(), 'nocturne-lost-'));
    try {
      const parts: Buffer[] = [];
      for await (const part of zip.stream()) parts.push(part as Buffer);
      writeFileSync(join(folder, 'a.zip'), Buffer.concat(parts));
      const script =
        'import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), *[n for n in z.namelist() if n.endswith(".fit")])';
      expect(execFileSync('python3', ['-c', script, join(folder, 'a.zip')], { encoding: 'utf8' }).trim()).toBe(
        'None h7/l1.fit h7/l2.fit',
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test('a share that does not answer costs its own request: the reader is killed at the deadline and the next one is served', async () => {
  const mount = new Mount(1, 6_000);
  const root = mkdtempSync(join(tmpdir(), 'nocturne-mount-'));
  try {
    await mount.warm();
    writeFileSync(join(root, 'good.fit'), writeFits16(4, 4, [new Uint16Array(16)], []));
    writeFileSync(join(root, 'large.fit'), cameraFrame({ width: 3000, height: 2000 }));
    const [child] = Reflect.get(mount, 'children') as { process: { pid: number } }[];
    const stuck = mount.copy(join(root, 'large.fit'), root, join(root, 'copy.part'), 1e9, false);
    process.kill(child!.process.pid, 'SIGSTOP');
    const refused = stuck.catch((thrown: unknown) => thrown);
    const behind = mount.probe(join(root, 'good.fit'), root, 1e9);
    expect(await refused).toMatchObject({ name: 'MountFailure', code: 'stalled' });
    expect(await behind).toMatchObject({ state: 'whole', hasImage: true });
  } finally {
    await mount.close();
    rmSync(root, { recursive: true, force: true });
  }
});
