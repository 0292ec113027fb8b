import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createArchiveActivities } from '../../activities/frames/archive.ts';
import { matchingCalibration, streamArchive } from '../../frames/archive.ts';
import { crc32 } from '../../frames/store/crc32.ts';
import { ZipLayout, type ZipEntry } from '../../frames/store/zip.ts';
import { createLogger } from '../../platform/logger.ts';
import { cameraFrame, guid, startWorld, TELESCOPE, type World } from './support.ts';

// Threads and child processes start from source here, which takes long on a busy machine.
jest.setTimeout(120_000);

let world: World;
let folder: string;
beforeAll(async () => {
  world = await startWorld();
  folder = mkdtempSync(join(tmpdir(), 'nocturne-zip-'));
}, 60_000);
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function bytesOf(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe('archive', () => {
  test('manifest, checksums and ZIP of a session; calibration that fits comes along, calibration that does not stays', async () => {
    await world.booking('z1');
    await world.shoot(
      'z1',
      'light é.fit',
      cameraFrame({
        seed: 1,
        cards: [
          ['RTSHOT', guid(1)],
          ['INSTRUME', 'QHY600'],
        ],
      }),
      guid(1),
    );
    const calibration = (kind: string, seed: number, temperature: number) => {
      const bytes = cameraFrame({ seed, stars: 0, cards: [['INSTRUME', 'QHY600']] });
      return Buffer.from(
        bytes
          .toString('latin1')
          .replace("IMAGETYP= 'LIGHT   '", `IMAGETYP= '${kind.padEnd(8)}'`)
          .replace(/CCD-TEMP= +-10/, `CCD-TEMP=${String(temperature).padStart(21)}`),
        'latin1',
      );
    };
    await world.shoot('lib', 'dark_fits.fit', calibration('DARK', 2, -10), guid(2), { record: false, type: 2 });
    await world.shoot('lib', 'dark_warm.fit', calibration('DARK', 3, 5), guid(3), { record: false, type: 2 });
    await world.frames.drainFrames({ bookingId: 'z1', telescopeId: TELESCOPE });

    const archive = createArchiveActivities({
      db: world.db,
      config: { OBSERVATIONS_STORAGE_PATH: world.storage },
      logger: createLogger('test', 'silent'),
    });
    const built = await archive.buildArchive({ bookingId: 'z1', telescopeId: TELESCOPE });
    expect(built).toMatchObject({ files: 1, archivePath: join(world.storage, 'bookings', 'z1') });
    expect(execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: built.archivePath, encoding: 'utf8' })).toBe(
      'light é.fit: OK\n',
    );
    expect(JSON.parse(readFileSync(join(built.archivePath, 'manifest.json'), 'utf8'))).toMatchObject({
      booking_id: 'z1',
      files: [{ name: 'light é.fit', type: 'LIGHT', exposure_seconds: 2 }],
      absent: [],
    });

    const download = (await streamArchive({ db: world.db, storagePath: world.storage }, 'z1'))!;
    const whole = await bytesOf(download.stream());
    expect(whole.length).toBe(download.size);
    const path = join(folder, download.filename);
    writeFileSync(path, whole);
    const listing = execFileSync(
      'python3',
      [
        '-c',
        'import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip()); print("\\n".join(z.namelist()))',
        path,
      ],
      {
        encoding: 'utf8',
      },
    )
      .trim()
      .split('\n');
    expect(listing).toEqual([
      'None',
      'z1/manifest.json',
      'z1/SHA256SUMS',
      'z1/light é.fit',
      'z1/calibration/dark/dark_fits.fit',
    ]);

    const half = Math.floor(download.size / 2);
    const again = (await streamArchive({ db: world.db, storagePath: world.storage }, 'z1'))!;
    expect(again.etag).toBe(download.etag);
    const joined = Buffer.concat([
      await bytesOf(download.stream({ start: 0, end: half })),
      await bytesOf(again.stream({ start: half + 1, end: download.size - 1 })),
    ]);
    expect(joined.equals(whole)).toBe(true);
  });

  test('calibration is matched by camera, binning, gain, offset; darks by exposure and 1 °C, bias by 1 °C, flats by filter', async () => {
    const frame = (id: string, over: Record<string, unknown>) => ({
      id,
      telescopeId: 'lib',
      sourceKey: id,
      sourcePath: id,
      filename: id,
      state: 'archived',
      type: 'LIGHT',
      filter: 'Ha',
      exposure: 300,
      temperature: -10,
      binning: 1,
      gain: 100,
      offset: 50,
      metadata: { INSTRUME: 'QHY600' },
      ...over,
    });
    await world.db.frame.createMany({
      data: [
        frame('light', { bookingId: 'cal' }),
        frame('dark', { type: 'DARK', temperature: -10.9 }),
        frame('dark-warm', { type: 'DARK', temperature: -8.9 }),
        frame('dark-short', { type: 'DARK', exposure: 60 }),
        frame('dark-gain', { type: 'DARK', gain: 0 }),
        frame('dark-bin', { type: 'DARK', binning: 2 }),
        frame('dark-camera', { type: 'DARK', metadata: { INSTRUME: 'ASI' } }),
        frame('dark-trash', { type: 'DARK', trashedAt: new Date() }),
        frame('dark-old', { type: 'DARK', seenAt: new Date(Date.now() - 400 * 86_400_000) }),
        frame('bias', { type: 'BIAS', exposure: 0, temperature: -9.5 }),
        frame('bias-offset', { type: 'BIAS', exposure: 0, offset: 10 }),
        frame('flat', { type: 'FLAT', exposure: 2, temperature: 15 }),
        frame('flat-L', { type: 'FLAT', exposure: 2, filter: 'L' }),
        frame('light-lib', {}),
      ],
    });
    const lights = await world.db.frame.findMany({ where: { id: 'light' } });
    expect((await matchingCalibration(world.db, 'lib', lights)).map((row) => row.id).toSorted()).toEqual([
      'bias',
      'dark',
      'flat',
    ]);
    expect(await matchingCalibration(world.db, 'lib', [])).toEqual([]);
  });

  test('no booking, or a booking without frames, has no ZIP', async () => {
    await world.booking('z2');
    expect(await streamArchive({ db: world.db, storagePath: world.storage }, 'z2')).toBeNull();
    expect(await streamArchive({ db: world.db, storagePath: world.storage }, 'nobody')).toBeNull();
  });

  test('300 sparse frames of 120 MB (36 GB): constant memory, the end of the archive is right, a range inside is right', async () => {
    const size = 120_000_960;
    const paths = [0, 1, 2].map((i) => {
      const path = join(folder, `sparse${i}`);
      const fd = openSync(path, 'w');
      ftruncateSync(fd, size);
      writeSync(fd, Buffer.from(`frame ${i}`), 0, 7, 1000);
      closeSync(fd);
      return path;
    });
    const crcs = paths.map((path) => {
      const bytes = readFileSync(path);
      return crc32(bytes);
    });
    const entries: ZipEntry[] = Array.from({ length: 300 }, (_, i) => ({
      name: `s/f${i}.fit`,
      size,
      crc32: crcs[i % 3]!,
      modified: new Date('2026-01-15T00:00:00Z'),
      content: { path: paths[i % 3]! },
    }));
    const layout = new ZipLayout(entries);
    expect(layout.size).toBeGreaterThan(300 * size);
    const tail = await bytesOf(layout.stream(layout.size - 65_536 * 2));
    const { size: expected } = layout;
    const index = join(folder, 'huge.zip');
    const fd = openSync(index, 'w');
    ftruncateSync(fd, expected);
    writeSync(fd, tail, 0, tail.length, expected - tail.length);
    closeSync(fd);
    const offset = execFileSync(
      'python3',
      [
        '-c',
        'import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); i=z.infolist()[299]; print(len(z.infolist()), i.header_offset, i.file_size, i.CRC)',
        index,
      ],
      { encoding: 'utf8' },
    )
      .trim()
      .split(' ')
      .map(Number);
    expect([offset[0], offset[2], offset[3]]).toEqual([300, size, crcs[299 % 3]]);
    const header = await bytesOf(layout.stream(offset[1], offset[1]! + 29));
    expect(header.readUInt32LE(0)).toBe(0x04034b50);
    const before = process.memoryUsage.rss();
    const long = process.env.NOCTURNE_LONG === '1';
    const limit = long ? expected : 500_000_000;
    const half = Math.floor(limit / 2);
    const out = join(folder, 'whole.zip');
    const written = openSync(out, 'w');
    ftruncateSync(written, limit);
    let peak = 0;
    const empty = Buffer.alloc(1 << 20);
    /** Reads a range; what is not empty goes into the file at its place, so that 36 GB need no disk. */
    const take = async (start: number, secondHalf: ReturnType<typeof createHash>): Promise<number> => {
      let at = start;
      for await (const part of layout.stream(start, limit - 1)) {
        const bytes = part as Buffer;
        if (!bytes.equals(empty.subarray(0, bytes.length))) writeSync(written, bytes, 0, bytes.length, at);
        if (at + bytes.length > half) secondHalf.update(bytes.subarray(Math.max(0, half - at)));
        at += bytes.length;
        peak = Math.max(peak, process.memoryUsage.rss());
      }
      return at;
    };
    const [whole, resumed] = [createHash('sha256'), createHash('sha256')];
    expect(await take(0, whole)).toBe(limit);
    expect(await take(half, resumed)).toBe(limit);
    closeSync(written);
    expect(resumed.digest('hex')).toBe(whole.digest('hex'));
    expect(peak - before).toBeLessThan(100 * 1024 * 1024);
    if (!long) return;
    console.info(`${(expected / 1e9).toFixed(1)} GB streamed with ${Math.round((peak - before) / 1e6)} MB more memory`);
    const tested = execFileSync(
      'python3',
      ['-c', 'import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); print(len(z.infolist()), z.testzip())', out],
      { encoding: 'utf8' },
    );
    expect(tested.trim()).toBe('300 None');
  }, 3_600_000);
});
