import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEFAULT_TIMING } from '../../activities/frames/intake/intake.ts';
import { Mount } from '../../activities/frames/intake/mount.ts';
import { MARKER } from '../../frames/store/presence.ts';
import { metadataOf } from '../../frames/metadata.ts';
import { importFolder } from '../../activities/frames/import.ts';
import { FramePool } from '../../frames/pass/pool.ts';
import { FrameStore } from '../../frames/store/store.ts';
import { createLogger } from '../../platform/logger.ts';
import { projectPath } from '../../platform/paths.ts';
import { findTelescope } from '../../platform/telescopes.ts';
import { cameraFrame, startWorld, TELESCOPE, type World } from './support.ts';

// Threads and child processes start from source here, which takes long on a busy machine.
jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 120_000);
afterAll(async () => {
  await world.stop();
});

test('a folder of old frames becomes a past session; a second run does nothing twice; a broken file is named', async () => {
  const folder = join(world.folder, 'old nights', 'M 31');
  mkdirSync(join(folder, 'Ha'), { recursive: true });
  const frames = [1, 2].map((n) =>
    cameraFrame({
      seed: n,
      cards: [
        ['OBJECT', 'M 31'],
        ['OBJCTRA', '00 42 44.3'],
        ['OBJCTDEC', '+41 16 09'],
        ['DATE-OBS', `2024-10-0${n}T22:00:00.500`],
      ],
    }),
  );
  writeFileSync(join(folder, 'Ha', 'a.fits'), frames[1]!);
  writeFileSync(join(folder, 'Ha', 'b.fits'), frames[0]!);
  writeFileSync(join(folder, 'c.fits'), frames[0]!.subarray(0, 4000));
  const mount = new Mount(1);
  const pool = new FramePool(1);
  try {
    const telescope = (await findTelescope(world.db, TELESCOPE))!;
    const deps = {
      db: world.db,
      logger: createLogger('test', 'silent'),
      store: new FrameStore(world.storage),
      mount,
      pool,
      maxBytes: 1e9,
      timing: { ...DEFAULT_TIMING, settleMs: 200, pollMs: 50, attributeMs: 100 },
    };
    const seen: string[] = [];
    const run = () =>
      importFolder(deps, {
        folder,
        telescope,
        bookingId: 'old-1',
        progress: (done, all, what) => void seen.push(`${what} ${done}/${all}`),
      });
    expect(await run()).toMatchObject({
      bookingId: 'old-1',
      files: 3,
      captured: 3,
      archived: 2,
      rejected: 1,
      missing: 0,
      pending: 0,
    });
    expect(seen).toContain('headers 3/3');
    const rows = await world.db.frame.findMany({
      where: { bookingId: 'old-1', state: 'archived' },
      orderBy: { capturedAt: 'asc' },
    });
    expect(rows.map((r) => [r.filename, r.capturedAt?.toISOString(), r.previewed, r.measured])).toEqual([
      ['b.fits', '2024-10-01T22:00:00.500Z', true, true],
      ['a.fits', '2024-10-02T22:00:00.500Z', true, true],
    ]);
    expect(readFileSync(join(world.storage, rows[0]!.archivePath!)).equals(frames[0]!)).toBe(true);
    const session = await world.db.session.findUniqueOrThrow({
      where: { bookingId: 'old-1' },
      include: { booking: true },
    });
    expect([
      session.phase,
      session.imagesCaptured,
      session.booking.occupies,
      session.booking.startsAt.toISOString(),
      session.booking.target,
    ]).toEqual([
      'completed',
      2,
      false,
      '2024-10-01T22:00:00.500Z',
      { name: 'M 31', ra_hours: 0.712306, dec_degrees: 41.26917, pa_degrees: 0 },
    ]);
    expect(await world.db.outbox.count({ where: { bookingId: 'old-1' } })).toBe(0);
    expect(await run()).toMatchObject({ captured: 3, archived: 2, rejected: 1 });
    await expect(
      importFolder(deps, { folder: join(world.folder, 'nothing'), telescope, progress: () => undefined }),
    ).rejects.toThrow('cannot be read');
    const bare = join(world.folder, 'bare');
    mkdirSync(bare);
    writeFileSync(join(bare, 'x.fits'), cameraFrame({ seed: 9 }));
    await expect(importFolder(deps, { folder: bare, telescope, progress: () => undefined })).rejects.toThrow(
      'give --ra and --dec',
    );
    expect(
      await importFolder(deps, {
        folder: bare,
        telescope,
        position: { raHours: 5.5, decDegrees: -5 },
        progress: () => undefined,
      }),
    ).toMatchObject({ archived: 1 });
  } finally {
    await Promise.all([mount.close(), pool.close()]);
  }
});

test('npm run import -- DIR --json: progress on stderr, one line on stdout; killed in the middle, the next run goes on where it was', async () => {
  const folder = join(world.folder, 'by command');
  mkdirSync(folder);
  for (let i = 0; i < 5; i++)
    writeFileSync(
      join(folder, `c${i}.fits`),
      cameraFrame({
        width: 1200,
        height: 900,
        seed: 20 + i,
        cards: [
          ['OBJECT', 'M 42'],
          ['RA', 83.82208],
          ['DEC', -5.39111],
          ['DATE-OBS', `2024-11-0${i + 1}T22:00:00`],
        ],
      }),
    );
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: world.url,
    OBSERVATIONS_STORAGE_PATH: join(world.folder, 'store-cli'),
  };
  // A new store beside a database that knows frames already is taken for a disk that is away, unless somebody says so.
  mkdirSync(env.OBSERVATIONS_STORAGE_PATH);
  writeFileSync(join(env.OBSERVATIONS_STORAGE_PATH, MARKER), '');
  const run = async (...more: string[]) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/import.ts', folder, '--json', ...more], {
      cwd: projectPath(),
      env,
    });
  const killed = spawn(process.execPath, ['--import', 'tsx', 'scripts/import.ts', folder, '--json'], {
    cwd: projectPath(),
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  killed.stderr.on('data', (data: Buffer) => {
    if (data.toString().includes('frames: ')) killed.kill('SIGKILL');
  });
  const [code, signal] = (await once(killed, 'exit')) as [number | null, string | null];
  expect([code, signal]).toEqual([null, 'SIGKILL']);
  const half = await world.db.frame.count({
    where: { sourcePath: { startsWith: folder }, state: 'archived', announced: true },
  });
  expect(half).toBeGreaterThan(0);
  const first = await run();
  // It goes on behind what stands; it says how far it is from time to time, not at each frame.
  expect(Number(/frames: (\d) of 5/.exec(first.stderr)?.[1])).toBeGreaterThanOrEqual(half);
  expect(first.stderr).toContain('frames: 5 of 5');
  const told = JSON.parse(first.stdout) as { booking_id: string; archive_path: string; report_path: string };
  expect(told).toMatchObject({ files: 5, archived: 5, copies: 0, rejected: 0, missing: 0 });
  const booking = await world.db.booking.findUniqueOrThrow({ where: { id: told.booking_id } });
  expect(booking.target).toMatchObject({ name: 'M 42', ra_hours: 5.588139, dec_degrees: -5.39111 });
  expect(readdirSync(told.archive_path).toSorted()).toEqual([
    'SHA256SUMS',
    ...[0, 1, 2, 3, 4].map((i) => `c${i}.fits`),
    'manifest.json',
    'report.json',
  ]);
  expect(JSON.parse(readFileSync(told.report_path, 'utf8'))).toMatchObject({
    summary: { outcome: 'completed', ra_text: '05h35m17.3s' },
    files: { count: 5 },
  });
  await expect(run('--ra', 'east')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--ra and --dec go together'),
  });
});

test.each([
  [{ OBJCTRA: '05 35 17.3', OBJCTDEC: '-05 23 28' }, [5.58814, -5.39111]],
  [{ RA: 83.82208, DEC: -5.39111 }, [5.58814, -5.39111]],
  [{ RA: '05:35:17.3', DEC: '-05:23:28' }, [5.58814, -5.39111]],
  [{ RA: '83.82208', DEC: '-5.39111' }, [5.58814, -5.39111]],
  [{ CTYPE1: 'RA---TAN', CTYPE2: 'DEC--TAN', CRVAL1: 83.82208, CRVAL2: -5.39111 }, [5.58814, -5.39111]],
  [{ CTYPE1: 'PIXEL', CTYPE2: 'PIXEL', CRVAL1: 10, CRVAL2: 20 }, null],
  [{ OBJCTRA: 'north', DEC: 12 }, null],
])('position out of %j', (header, expected) => {
  const { position } = metadataOf(header);
  expect(position && [position.raHours, position.decDegrees].map((v) => Math.round(v * 1e5) / 1e5)).toEqual(expected);
});
