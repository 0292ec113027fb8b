import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstImage, FitsError, openSource, scanHdus } from '../../frames/fits/index.ts';
import { runPass } from '../../frames/pass/pass.ts';
import { pythonWith } from '../support/python.ts';

/**
 * Files of every kind that astropy writes, those that come inside the packages of others, and Debian's eso-midas-testdata where it is
 * installed (or unpacked at MIDAS_TEST_DATA); with astropy's numbers for each.
 */
const SCRIPT = `
import glob, json, os, sys, warnings
import numpy as np
from astropy.io import fits
warnings.simplefilter('ignore')
out = sys.argv[1] + os.sep
rng = np.random.default_rng(3)
def put(name, *hdus): fits.HDUList(list(hdus)).writeto(out + name, overwrite=True)
def plain(name, data): put(name, fits.PrimaryHDU(data))
u16 = rng.integers(0, 65535, (50, 67)).astype('u2')
plain('u16.fits', u16)
plain('i16.fits', rng.integers(-30000, 30000, (50, 67)).astype('i2'))
plain('u8.fits', rng.integers(0, 255, (50, 67)).astype('u1'))
plain('i8.fits', rng.integers(-128, 127, (50, 67)).astype('i1'))
plain('i32.fits', rng.integers(-2**31, 2**31 - 1, (50, 67)).astype('i4'))
plain('u32.fits', rng.integers(0, 2**32 - 1, (50, 67)).astype('u4'))
plain('i64.fits', rng.integers(-2**40, 2**40, (50, 67)).astype('i8'))
cube = rng.normal(100, 5, (3, 50, 67)).astype('f4'); cube[0, 3, 4] = np.nan; cube[1, 2, 2] = np.inf
plain('f32cube.fits', cube)
plain('f64.fits', rng.normal(1, 5, (51, 67)))
plain('line.fits', rng.normal(0, 1, 500))
ties = np.zeros((200, 300), 'f4'); ties[::3] = rng.normal(0, 1e-3, (67, 300)); ties[0, 0] = 1e30
plain('ties.fits', ties)
plain('u16.fits.gz', u16)
blank = fits.PrimaryHDU(np.arange(100, dtype='i2').reshape(10, 10)); blank.header['BLANK'] = 5; blank.header['BSCALE'] = 2.0; blank.header['BZERO'] = 7.5
put('blank.fits', blank)
big = rng.normal(1000, 30, (150, 200))
for kind in ('RICE_1', 'GZIP_1', 'GZIP_2'):
    for name, data in (('u16', big.astype('u2')), ('i32', big.astype('i4')), ('u8', big.astype('u1'))):
        put(f'{kind}_{name}.fits', fits.PrimaryHDU(), fits.CompImageHDU(data, compression_type=kind, tile_shape=(37, 51)))
    for q in (1, 2, -1):
        b = big.astype('f4'); b[5:9] = 0; b[20, 20] = np.nan
        put(f'{kind}_f32_{q}.fits', fits.PrimaryHDU(), fits.CompImageHDU(b, compression_type=kind, quantize_method=q, quantize_level=16, dither_seed=7, tile_shape=(10, 200)))
put('lossless.fits', fits.PrimaryHDU(), fits.CompImageHDU(big, compression_type='GZIP_2', quantize_level=0))
put('tilecube.fits', fits.PrimaryHDU(), fits.CompImageHDU(np.stack([big, big * 2, big * 3]).astype('i2'), compression_type='RICE_1'))
put('mef.fits', fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column('x', 'E', array=np.arange(5.))]), fits.ImageHDU(u16, name='SCI'))
packages = os.path.dirname(os.path.dirname(np.__file__))
files = sorted(glob.glob(out + '*')) + sorted(f for e in ('fits', 'fit', 'fits.gz', 'fz') for f in glob.glob(packages + '/**/*.' + e, recursive=True))
midas = os.environ.get('MIDAS_TEST_DATA', '/usr/lib/eso-midas')
files += sorted(f for e in ('fits', 'fit', 'tfits', 'mt') for f in glob.glob(midas + '/**/*.' + e, recursive=True))
for f in files:
    ref = None
    try:
        with fits.open(f) as hdus:
            pictures = []
            for i, hdu in enumerate(hdus):
                if not isinstance(hdu, (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)) or isinstance(hdu, fits.GroupsHDU) or hdu.data is None or hdu.data.size == 0 or hdu.data.ndim < 2: continue
                pictures.append((min(hdu.data.shape[-2:]) < 2, i, hdu))
            for _, i, hdu in sorted(pictures, key=lambda p: p[:2]):
                d = np.asarray(hdu.data).astype('f8'); g = d[np.isfinite(d)]
                if g.size:
                    m = np.median(g); ref = [i, g.min(), g.max(), g.mean(), m, np.median(abs(g - m)), int(d.size - g.size)]
                else: ref = [i, 0, 0, 0, 0, 0, d.size]
                break
    except Exception: ref = None
    first = None
    if ref is None:
        # What lies behind the first image may be foreign to astropy: the first HDU by itself.
        try:
            with open(f, 'rb') as stream: d = np.atleast_2d(fits.PrimaryHDU.readfrom(stream).data).astype('f8')
            m = np.median(d); first = [0, d.min(), d.max(), d.mean(), m, np.median(abs(d - m)), 0]
            if not np.isfinite(first).all(): first = None
        except Exception: first = None
    print(json.dumps({'file': f, 'ref': None if ref is None else [float(v) for v in ref], 'first': None if first is None else [float(v) for v in first]}))
`;

describe('beside astropy', () => {
  const python = pythonWith('astropy', 'numpy');
  const scenario = python ? test : test.skip;
  scenario(
    'every file gives its numbers, or a reason',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'nocturne-peers-'));
      try {
        const lines = execFileSync(python!, ['-c', SCRIPT, folder], {
          encoding: 'utf8',
          maxBuffer: 1 << 26,
          timeout: 120_000,
        })
          .trim()
          .split('\n');
        const wrong: unknown[] = [];
        let equal = 0;
        for (const line of lines) {
          const { file, ref, first } = JSON.parse(line) as {
            file: string;
            ref: number[] | null;
            first: number[] | null;
          };
          let ours: number[] | null = null;
          let reason = '';
          try {
            const source = openSource(file);
            try {
              const image = firstImage(scanHdus(source));
              const { min, max, mean, median, mad, nonfinite } = runPass(source, image).stats;
              ours = [image.index, min, max, mean, median, mad, nonfinite];
            } finally {
              source.close();
            }
          } catch (thrown) {
            if (!(thrown instanceof FitsError)) throw thrown;
            reason = thrown.code;
          }
          const same = (theirs: number[]): boolean => {
            const range = theirs[2]! - theirs[1]!;
            return ours!.every(
              (v, i) =>
                Math.abs(v - theirs[i]!) <=
                Math.max(1e-9 * range, 1e-4 * Math.max(1e-12, Math.abs(v), Math.abs(theirs[i]!))),
            );
          };
          if (
            ref === null
              ? ours === null || (first !== null && same(first))
              : ours === null
                ? reason === 'unsupported'
                : same(ref)
          )
            equal++;
          else wrong.push({ file: file.split('/').pop(), ours, ref, reason });
        }
        if (process.env.NOCTURNE_LONG === '1')
          console.info(`${lines.length} files, ${equal} equal to astropy or refused with a reason`);
        expect(wrong).toEqual([]);
        expect(equal).toBeGreaterThanOrEqual(33);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    180_000,
  );
});
