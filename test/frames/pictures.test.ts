import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { createArchiveActivities } from '../../activities/frames/archive.ts';
import { bufferSource, firstImage, scanHdus } from '../../frames/fits/index.ts';
import { writeFits16, type WritableValue } from '../../frames/fits/writer.ts';
import { PicturesOnRequest } from '../../frames/on-request.ts';
import { fullPicture, renderFull } from '../../frames/pass/full.ts';
import { runPass } from '../../frames/pass/pass.ts';
import { autoStretch, stretch } from '../../frames/pass/stretch.ts';
import { TIMELAPSE_FRAMES } from '../../frames/timelapse.ts';
import { createLogger } from '../../platform/logger.ts';
import { generator } from '../support/synthetic.ts';
import { cameraFrame, guid, startWorld, TELESCOPE, type World } from './support.ts';

// Threads and child processes start from source here, which takes long on a busy machine.
jest.setTimeout(120_000);

describe('full size', () => {
  const both = (width: number, height: number, planes: number, cards: [string, WritableValue][]) => {
    const random = generator(width + planes);
    const pixels = Array.from({ length: planes }, () =>
      Uint16Array.from({ length: width * height }, () => 1000 + Math.floor(random() * 400)),
    );
    const source = bufferSource(writeFits16(width, height, pixels, cards));
    const image = firstImage(scanHdus(source));
    const pass = runPass(source, image, { side: Math.max(width, height) });
    return {
      full: fullPicture(source, image, pass, 'auto'),
      whole: stretch(pass.reduced, autoStretch(pass.levels), pass.low, pass.high, true),
      reduced: pass.reduced.factor,
    };
  };
  test.each([
    ['mono', 101, 67, 1, []],
    ['RGB planes', 64, 48, 3, []],
  ] as const)('%s: the same pixels as the stretch of the unreduced frame', (_, width, height, planes, cards) => {
    const { full, whole, reduced } = both(width, height, planes, [...cards]);
    expect([reduced, full.width, full.height, full.channels]).toEqual([1, width, height, planes]);
    expect(Buffer.from(full.pixels).equals(Buffer.from(whole.pixels))).toBe(true);
  });
  test('a colour sensor gives one pixel per cell, as the preview does', () => {
    const { full, whole } = both(120, 90, 1, [['BAYERPAT', 'GRBG']]);
    expect([full.width, full.height, full.channels]).toEqual([60, 45, 3]);
    expect(Buffer.from(full.pixels).equals(Buffer.from(whole.pixels))).toBe(true);
  });
});

test('a strip longer than a JPEG may be, and a single column, have a picture of full size, too', async () => {
  const draw = async (width: number, height: number) => {
    const source = bufferSource(
      writeFits16(width, height, [new Uint16Array(width * height).map((_, i) => 1000 + (i % 97))], []),
    );
    const image = firstImage(scanHdus(source));
    const { jpeg, ...size } = await renderFull(source, image, runPass(source, image), 'auto');
    expect(await sharp(jpeg).metadata()).toMatchObject(size);
    return [size.width, size.height];
  };
  expect([await draw(70_000, 3), await draw(1, 70_001), await draw(1, 1)]).toEqual([
    [35_000, 1],
    [1, 35_000],
    [1, 1],
  ]);
});

describe('made when asked for', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await world.booking('p1');
    for (let i = 0; i < 4; i++)
      await world.shoot(
        'p1',
        `p${i}.fit`,
        cameraFrame({ width: 400, height: 300, seed: 900 + i, cards: [['RTSHOT', guid(9500 + i)]] }),
        guid(9500 + i),
      );
    await world.frames.drainFrames({ bookingId: 'p1', telescopeId: TELESCOPE });
  }, 120_000);
  afterAll(async () => {
    await world.stop();
  });
  const rows = () => world.db.frame.findMany({ where: { bookingId: 'p1' }, orderBy: { capturedAt: 'asc' } });

  test('a full-size picture is made once for all who ask, kept, and the longest unused goes when the cache is full', async () => {
    const [a, b, c] = await rows();
    const pictures = new PicturesOnRequest(world.db, world.storage, 1);
    try {
      const paths = await Promise.all([pictures.fullSize(a!), pictures.fullSize(a!), pictures.fullSize(a!)]);
      expect(new Set(paths).size).toBe(1);
      expect(await sharp(paths[0]).metadata()).toMatchObject({ format: 'jpeg', width: 400, height: 300 });
      const made = statSync(paths[0]).ctimeMs;
      await pictures.fullSize(a!);
      expect(statSync(paths[0]).size).toBeGreaterThan(1000);
      expect(made).toBeGreaterThan(0);
      utimesSync(paths[0], 1, 1);
      const second = await pictures.fullSize(b!);
      expect([existsSync(paths[0]), existsSync(second)]).toEqual([false, true]);
      expect(existsSync(await pictures.fullSize(c!))).toBe(true);
      expect(readdirSync(join(world.storage, 'cache', 'full'))).toHaveLength(1);
    } finally {
      await pictures.close();
    }
  });

  test('more than five at once are turned away', async () => {
    const [row] = await rows();
    const pictures = new PicturesOnRequest(world.db, world.storage);
    try {
      const asked = Array.from({ length: 7 }, (_, i) =>
        pictures.fullSize({ ...row!, id: `${row!.id}-${i}` }).then(
          () => 'made',
          (thrown: Error) => thrown.name,
        ),
      );
      expect((await Promise.all(asked)).toSorted()).toEqual(['Busy', 'Busy', 'made', 'made', 'made', 'made', 'made']);
    } finally {
      await pictures.close();
    }
  });

  test('the timelapse is made with the archive, has a picture per frame, and is made again when a frame has come', async () => {
    const archive = createArchiveActivities({
      db: world.db,
      config: { OBSERVATIONS_STORAGE_PATH: world.storage },
      logger: createLogger('test', 'silent'),
    });
    await archive.buildArchive({ bookingId: 'p1', telescopeId: TELESCOPE });
    const folder = join(world.storage, 'derived', 'timelapse');
    const [name] = readdirSync(folder);
    const meta = await sharp(join(folder, name!), { animated: true }).metadata();
    expect([meta.format, meta.width, meta.pageHeight, meta.pages, meta.delay?.length, meta.loop]).toEqual([
      'webp',
      400,
      300,
      4,
      4,
      0,
    ]);
    await world.shoot(
      'p1',
      'p9.fit',
      cameraFrame({ width: 400, height: 300, seed: 950, cards: [['RTSHOT', guid(9600)]] }),
      guid(9600),
    );
    await world.frames.drainFrames({ bookingId: 'p1', telescopeId: TELESCOPE });
    const pictures = new PicturesOnRequest(world.db, world.storage);
    const path = (await pictures.timelapse('p1'))!;
    expect((await sharp(path, { animated: true }).metadata()).pages).toBe(5);
    expect(readdirSync(folder)).toHaveLength(1);
    await pictures.close();
  });

  test('one frame makes no timelapse; a long night is thinned out evenly', async () => {
    await world.booking('p2');
    await world.shoot('p2', 'one.fit', cameraFrame({ seed: 960, cards: [['RTSHOT', guid(9700)]] }), guid(9700));
    await world.frames.drainFrames({ bookingId: 'p2', telescopeId: TELESCOPE });
    const pictures = new PicturesOnRequest(world.db, world.storage);
    expect(await pictures.timelapse('p2')).toBeNull();
    await world.booking('p3');
    const shade = (i: number): Promise<Buffer> =>
      sharp({ create: { width: 64, height: 48, channels: 3, background: { r: i, g: 255 - i, b: 90 } } })
        .jpeg()
        .toBuffer();
    const jpegs = await Promise.all(Array.from({ length: 200 }, (_, i) => shade(i)));
    mkdirSync(join(world.storage, 'derived', 'p3'), { recursive: true });
    await world.db.frame.createMany({
      data: Array.from({ length: 200 }, (_, i) => {
        const previewPath = join('derived', 'p3', `${i}.jpg`);
        writeFileSync(join(world.storage, previewPath), jpegs[i]!);
        const at = new Date(Date.UTC(2026, 0, 1, 0, 0, i));
        return {
          id: `p3-${i}`,
          telescopeId: TELESCOPE,
          bookingId: 'p3',
          sourceKey: `x/${i}`,
          sourcePath: 'x',
          filename: 'x',
          type: 'LIGHT',
          state: 'archived',
          previewed: true,
          previewPath,
          capturedAt: at,
        };
      }),
    });
    const long = await sharp((await pictures.timelapse('p3'))!, { animated: true }).metadata();
    // Pages that hardly differ are one that is shown longer.
    expect(long.pages).toBeGreaterThan(10);
    expect(long.delay!.reduce((sum, ms) => sum + ms, 0)).toBe((TIMELAPSE_FRAMES - 1) * 150 + 1500);
    await pictures.close();
    rmSync(join(world.storage, 'derived', 'p3'), { recursive: true });
  });
});
