import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { bufferSource, firstImage, openPixels, scanHdus } from '../../frames/fits/index.ts';
import { writeFits16, type WritableValue } from '../../frames/fits/writer.ts';
import { createKernel, LEVELS } from '../../frames/pass/kernel.ts';
import { createStarKernel } from '../../frames/pass/star-kernel.ts';
import { runPass } from '../../frames/pass/pass.ts';
import { renderPreview } from '../../frames/pass/preview.ts';
import { quicklookFits } from '../../frames/pass/quicklook.ts';
import { autoStretch, mtf } from '../../frames/pass/stretch.ts';
import { generator } from '../support/synthetic.ts';

const open = (file: Buffer) => {
  const source = bufferSource(file);
  return { source, image: firstImage(scanHdus(source)) };
};
const pass = (file: Buffer, kernel: 'wasm' | 'js' = 'wasm') => {
  const { source, image } = open(file);
  return { image, result: runPass(source, image, { kernel }) };
};
const same = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

describe('kernels give the same bits in WebAssembly and JavaScript', () => {
  const widths = [1, 2, 3, 5, 7, 8, 9, 16, 31, 1000, 1001];
  const ways = [
    [null, [1]],
    [null, [7, 2, 3]],
    [0, [9, 3]],
    [1, [1, 2, 6, 3]],
  ] as const;
  test.each(widths.flatMap((width) => ways.map(([parity, runs]) => [width, parity, runs] as const)))(
    'row kernel, width %i, parity %p, rows %j',
    (width, parity, runs) => {
      const rows = runs.reduce((sum, n) => sum + n, 0);
      const random = generator(width + rows);
      const [a, b] = [createKernel(width, rows, 'wasm'), createKernel(width, rows, 'js')];
      for (let i = 0; i < a.band.length; i++) a.band[i] = b.band[i] = Math.floor(random() * 256);
      // By the definition: a pixel's level is its signed value + 32,768, rows in turns from `parity` on.
      const counts = Array.from({ length: 4 }, () => new Uint32Array(LEVELS));
      const columns = [new Uint32Array(width), new Uint32Array(width)];
      for (let r = 0; r < rows; r++)
        for (let x = 0; x < width; x++) {
          const level = Buffer.from(a.band.buffer, a.band.byteOffset).readInt16BE((r * width + x) * 2) + 32_768;
          const set = parity === null ? 0 : (parity + r) & 1;
          counts[set * 2 + (x & 1)]![level]! += 1;
          columns[set]![x]! += level;
        }
      for (const kernel of [a, b])
        for (let i = 0, at = 0; i < runs.length; at += runs[i++]!)
          kernel.addRows(at, runs[i]!, parity === null ? null : (((parity + at) & 1) as 0 | 1));
      expect([a.name, b.name]).toEqual(['wasm', 'js']);
      for (const kernel of [a, b])
        for (const set of [0, 1] as const) {
          expect(same(kernel.sums[set], columns[set]!)).toBe(true);
          for (const column of [0, 1] as const)
            expect(same(kernel.histogram(set, column), counts[set * 2 + column]!)).toBe(true);
        }
    },
  );

  test.each([1, 5, 8, 17, 64, 999])('star kernel, width %i', (width) => {
    const random = generator(width + 7);
    const [a, b] = [createStarKernel(width, 3, 'wasm'), createStarKernel(width, 3, 'js')];
    for (let i = 0; i < a.band.length; i++) a.band[i] = b.band[i] = Math.floor(random() * 256);
    for (let i = 0; i < width; i++) a.sky[i] = b.sky[i] = Math.floor(random() * 65_536) - 32_768;
    for (const threshold of [500, 20_000, -100]) {
      const counts = [a, b].map((kernel) => {
        for (const slot of [0, 1, 2]) kernel.prepare(slot, slot, 3);
        return kernel.filter(0, 1, 2, threshold);
      });
      expect(counts[0]).toBe(counts[1]);
      expect([...a.hits.subarray(0, counts[0])]).toEqual([...b.hits.subarray(0, counts[1])]);
      for (const slot of [0, 1, 2]) expect(same(a.rows[slot]!, b.rows[slot]!)).toBe(true);
    }
  });
});

describe('statistics', () => {
  test.each([1, 2, 5, 1000, 4001])('exact against sorting, %i pixels', (n) => {
    const random = generator(n);
    const levels = Uint16Array.from({ length: n }, () => Math.floor(random() * 3000));
    const { result } = pass(writeFits16(n, 1, [levels], []));
    const middle = (v: number[]): number => {
      const s = v.toSorted((a, b) => a - b);
      return (s[(n - 1) >> 1]! + s[n >> 1]!) / 2;
    };
    const values = [...levels];
    const median = middle(values);
    expect(result.stats).toMatchObject({
      min: Math.min(...values),
      max: Math.max(...values),
      median,
      mad: middle(values.map((v) => Math.abs(v - median))),
      nonfinite: 0,
    });
    expect(result.stats.mean).toBeCloseTo(values.reduce((s, v) => s + v, 0) / n, 9);
    expect(result.histogram.reduce((s, v) => s + v, 0)).toBe(n);
  });

  test('both kernels and the slow way agree on a frame', () => {
    const random = generator(4);
    const levels = Uint16Array.from({ length: 173 * 91 }, () => 1000 + Math.floor(random() * 500));
    const file = writeFits16(173, 91, [levels], []);
    const slow = writeFits16(173, 91, [levels], [['BLANK', -32_768]]);
    const [a, b, c] = [pass(file, 'wasm').result, pass(file, 'js').result, pass(slow).result];
    expect(b).toEqual(a);
    expect(c.stats).toEqual(a.stats);
    expect(c.histogram).toEqual(a.histogram);
    expect([...c.reduced.channels[0]!]).toEqual([...a.reduced.channels[0]!]);
  });

  test.each([
    ['mono', 4799, 333, 1, []],
    ['a colour sensor', 4801, 333, 1, [['BAYERPAT', 'GRBG']]],
    ['RGB planes', 4800, 120, 3, []],
  ] as const)('both kernels give the same whole result over several bands: %s', (_, width, height, planes, cards) => {
    const random = generator(planes + width);
    const pixels = Array.from({ length: planes }, () =>
      Uint16Array.from({ length: width * height }, () => Math.floor(random() * 65_536)),
    );
    const file = writeFits16(width, height, pixels, [...cards] as [string, WritableValue][]);
    const [a, b] = [pass(file, 'wasm').result, pass(file, 'js').result];
    expect(a.reduced.factor).toBeGreaterThan(1);
    for (const [i, channel] of a.reduced.channels.entries()) expect(same(b.reduced.channels[i]!, channel)).toBe(true);
    expect({ ...b, reduced: null }).toEqual({ ...a, reduced: null });
  });

  test.each([
    [7, 5],
    [64, 48],
    [3, 7001],
    [6999, 2],
  ])('a colour sensor of %i × %i: the fast and the slow way give the same boxes', (width, height) => {
    const random = generator(width);
    const levels = Uint16Array.from({ length: width * height }, () => 1 + Math.floor(random() * 60_000));
    const cards: [string, WritableValue][] = [['BAYERPAT', 'GBRG']];
    const [fast, slow] = [
      pass(writeFits16(width, height, [levels], cards)).result,
      pass(writeFits16(width, height, [levels], [...cards, ['BLANK', -32_768]])).result,
    ];
    for (const [i, channel] of slow.reduced.channels.entries())
      expect([...fast.reduced.channels[i]!]).toEqual([...channel]);
  });

  test('saturated pixels are counted at SATURATE, else at the highest level near the end of the range', () => {
    const levels = Uint16Array.from([65_532, 65_532, 1000, 900, 60_000, 800]);
    expect(pass(writeFits16(6, 1, [levels], [])).result.stats.saturated).toBe(2);
    expect(pass(writeFits16(6, 1, [levels], [['SATURATE', 60_000]])).result.stats.saturated).toBe(3);
    expect(pass(writeFits16(3, 1, [Uint16Array.from([10, 20, 30])], [])).result.stats.saturated).toBe(0);
  });
});

describe('stretch', () => {
  test('the anchor: median 1647, MAD 87 of 65,535 give c0 0.019621 and m 0.016353', () => {
    const { c0, c1, m } = autoStretch([{ median: 1647 / 65_535, mad: 87 / 65_535 }]);
    expect([c0.toFixed(6), c1, m.toFixed(6)]).toEqual(['0.019621', 1, '0.016353']);
  });
  test('the background comes out at a quarter; a bright frame at three quarters', () => {
    const dark = autoStretch([{ median: 0.02, mad: 0.001 }]);
    expect(mtf(dark.m, 0.02 - dark.c0)).toBeCloseTo(0.25, 3);
    const bright = autoStretch([{ median: 0.9, mad: 0.001 }]);
    expect(mtf(bright.m, 0.9 + (1 - bright.c1))).toBeCloseTo(0.75, 3);
  });
  test('all pixels the same: no division by nothing', () => {
    const parameters = autoStretch([{ median: 1, mad: 0 }]);
    expect(Object.values(parameters).every((v) => Number.isFinite(v))).toBe(true);
  });
});

describe('picture', () => {
  const draw = async (
    levels: (x: number, y: number) => number,
    cards: [string, WritableValue][] = [],
    width = 64,
    height = 48,
  ) => {
    const pixels = new Uint16Array(width * height);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pixels[y * width + x] = levels(x, y);
    const { image, result } = pass(writeFits16(width, height, [pixels], cards));
    const { preview } = await renderPreview(image, result, 'auto');
    return sharp(preview).raw().toBuffer({ resolveWithObject: true });
  };

  test('the first stored row is at the bottom, with ROWORDER TOP-DOWN at the top', async () => {
    const noisy = (x: number, y: number): number => (y < 8 ? 20_000 : 1000) + ((x * 7 + y * 3) % 11);
    const bottom = await draw(noisy);
    expect([bottom.data[0]! < 128, bottom.data[(47 * 64 + 5) * bottom.info.channels]! > 200]).toEqual([true, true]);
    const top = await draw(noisy, [['ROWORDER', 'TOP-DOWN']]);
    expect([top.data[0]! > 200, top.data[(47 * 64 + 5) * top.info.channels]! < 128]).toEqual([true, true]);
  });

  test.each([
    ['RGGB', [0, 0]],
    ['BGGR', [1, 1]],
    ['GRBG', [1, 0]],
    ['GBRG', [0, 1]],
  ])('BAYERPAT %s: light on the red pixels alone is red', async (pattern, [rx, ry]) => {
    const red = (x: number, y: number): number =>
      ((x & 1) === rx && (y & 1) === ry ? 30_000 : 1000) + ((x * 5 + y) % 7);
    const { data, info } = await draw(red, [['BAYERPAT', pattern]]);
    expect([info.width, info.height, info.channels]).toEqual([32, 24, 3]);
    const at = (12 * 32 + 16) * 3;
    expect(data[at]! - Math.max(data[at + 1]!, data[at + 2]!)).toBeGreaterThan(60);
  });

  test('XBAYROFF moves the pattern', async () => {
    const { data } = await draw(
      (x, y) => ((x & 1) === 1 && (y & 1) === 0 ? 30_000 : 1000) + ((x * 5 + y) % 7),
      [
        ['BAYERPAT', 'RGGB'],
        ['XBAYROFF', 1],
      ],
    );
    const at = (12 * 32 + 16) * 3;
    expect(data[at]! - Math.max(data[at + 1]!, data[at + 2]!)).toBeGreaterThan(60);
  });

  test('a wide frame is 1,600 pixels at most, its thumbnail 320; the quick look opens again with the means of the boxes', async () => {
    const width = 3301;
    const levels = new Uint16Array(width * 200).map((_, i) => 1000 + (i % 97));
    const { image, result } = pass(writeFits16(width, 200, [levels], [['OBJECT', 'M 1']]));
    const { preview, thumbnail, width: shown } = await renderPreview(image, result, 'auto');
    expect([shown, (await sharp(preview).metadata()).width, (await sharp(thumbnail).metadata()).width]).toEqual([
      1600, 1600, 320,
    ]);
    const look = open(quicklookFits(image, result));
    expect([
      look.image.width,
      look.image.height,
      look.image.header.get('OBJECT'),
      look.image.header.get('BINFACT'),
    ]).toEqual([1650, 100, 'M 1', 2]);
    const first = openPixels(look.source, look.image).physical(0, 1)[0]!;
    const box = [0, 1, width, width + 1].map((i) => levels[i]!);
    expect(Math.abs(first - box.reduce((a, b) => a + b, 0) / 4)).toBeLessThanOrEqual(0.5);
  });
});
