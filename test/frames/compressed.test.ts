import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstImage, FitsError, openPixels, openSource, scanHdus } from '../../frames/fits/index.ts';
import { hcompressDecode } from '../../frames/fits/hcompress.ts';
import { plioDecode } from '../../frames/fits/plio.ts';
import { pythonWith } from '../support/python.ts';

/** Files that astropy writes with cfitsio's compressors, and what it reads in them: extremes, and sums that name each place. */
const SCRIPT = `
import json, sys, warnings
import numpy as np
from astropy.io import fits
warnings.simplefilter('ignore')
out, rng = sys.argv[1], np.random.default_rng(5)
def put(name, data, **how):
    path = f'{out}/{name}.fits'
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data, **how)]).writeto(path, overwrite=True)
    back = fits.getdata(path, 1).astype('f8').ravel()
    print(json.dumps([name, back.min(), back.max(), back.sum(), float((back * (np.arange(back.size) % 9973)).sum()), back.size]))
y, x = np.mgrid[0:213, 0:309]
field = 1000 + rng.normal(0, 20, (213, 309)) + 8000 * np.exp(-((x - 100)**2 + (y - 80)**2) / 30)
for kind, data in (('u2', field), ('i2', field - 3000), ('i4', field * 5000 - 2e6), ('u1', field / 50)):
    for tile in ((16, 309), (213, 309), (37, 50), (16, 5)):
        put(f'hcompress_{kind}_{tile[0]}x{tile[1]}', data.astype(kind), compression_type='HCOMPRESS_1', tile_shape=tile)
put('hcompress_lossy', field.astype('i2'), compression_type='HCOMPRESS_1', hcomp_scale=4.0, tile_shape=(31, 309))
put('hcompress_float', field.astype('f4'), compression_type='HCOMPRESS_1', tile_shape=(16, 309))
put('hcompress_zero', np.zeros((64, 64), 'i2'), compression_type='HCOMPRESS_1', tile_shape=(64, 64))
put('hcompress_noise', rng.integers(-32768, 32767, (64, 64)).astype('i2'), compression_type='HCOMPRESS_1', tile_shape=(64, 64))
mask = (rng.random((213, 309)) > .97).astype('i2') * rng.integers(1, 30000, (213, 309)).astype('i2')
put('plio_sparse', mask, compression_type='PLIO_1')
put('plio_tiles', mask, compression_type='PLIO_1', tile_shape=(37, 51))
put('plio_steps', (x // 7 + y).astype('i2'), compression_type='PLIO_1')
put('plio_large', ((x > 3) * (y // 2) * 70000).astype('i4'), compression_type='PLIO_1')
put('plio_bytes', (x % 5).astype('u1'), compression_type='PLIO_1')
`;

type Numbers = [min: number, max: number, sum: number, placed: number, pixels: number];
function numbersOf(path: string): Numbers {
  const source = openSource(path);
  try {
    const image = firstImage(scanHdus(source));
    const reader = openPixels(source, image);
    const pixels = image.width * image.height;
    const found: Numbers = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, pixels];
    for (let from = 0; from < pixels; from += 1_000)
      for (const [i, value] of reader.physical(from, Math.min(1_000, pixels - from)).entries()) {
        found[0] = Math.min(found[0], value);
        found[1] = Math.max(found[1], value);
        found[2] += value;
        found[3] += value * ((from + i) % 9973);
      }
    return found;
  } finally {
    source.close();
  }
}

describe('HCOMPRESS_1 and PLIO_1', () => {
  const python = pythonWith('astropy', 'numpy');
  const scenario = python ? test : test.skip;
  scenario(
    'every pixel as cfitsio wrote it, in tiles of every shape, lossless and lossy',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'nocturne-compressed-'));
      try {
        const lines = execFileSync(python!, ['-c', SCRIPT, folder], { encoding: 'utf8', timeout: 120_000 });
        const theirs = lines
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as [string, ...Numbers]);
        expect(theirs).toHaveLength(25);
        for (const [name, ...numbers] of theirs) {
          const ours = numbersOf(join(folder, `${name}.fits`));
          // astropy rounds quantised pixels to 32-bit floats; whole numbers are equal to the last.
          if (name === 'hcompress_float')
            for (const [i, number] of numbers.entries()) expect(Math.abs(ours[i]! / number - 1)).toBeLessThan(1e-6);
          else expect([name, ...ours]).toEqual([name, ...numbers]);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    120_000,
  );

  const head = (rows: number, columns: number, planes: number): Buffer => {
    const bytes = Buffer.alloc(25);
    bytes.writeUInt16BE(0xdd99);
    for (const [i, n] of [rows, columns, 1].entries()) bytes.writeInt32BE(n, 2 + 4 * i);
    bytes.fill(planes, 22);
    return bytes;
  };
  const pixels = (): Int32Array => new Int32Array(64);
  test.each<[string, () => void]>([
    ['no such stream', () => hcompressDecode(Buffer.from('not a tile of this kind, but long'), pixels(), 8, 8)],
    ['another size', () => hcompressDecode(head(8, 9, 0), pixels(), 8, 8)],
    ['more bit planes than pixels can have', () => hcompressDecode(head(8, 8, 200), pixels(), 8, 8)],
    ['cut in its bit planes', () => hcompressDecode(head(8, 8, 12), pixels(), 8, 8)],
    ['a list without a head', () => plioDecode(Buffer.from([0, 1]), pixels(), 64)],
    ['a list that is cut', () => plioDecode(Buffer.from([0, 0, 0, 0, 0, 9, 0x40, 4]), pixels(), 64)],
    ['no instruction', () => plioDecode(Buffer.from([0, 0, 0, 0, 0, 4, 0x90, 4]), pixels(), 64)],
  ])('a broken tile is corrupt: %s', (_, work) => {
    let code = 'none';
    try {
      work();
    } catch (thrown) {
      code = thrown instanceof FitsError ? thrown.code : String(thrown);
    }
    expect(code).toBe('corrupt');
  });
});
