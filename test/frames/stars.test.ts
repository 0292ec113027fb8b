import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { bufferSource, firstImage, scanHdus } from '../../frames/fits/index.ts';
import { writeFits16 } from '../../frames/fits/writer.ts';
import { findStars } from '../../frames/pass/stars.ts';
import { pythonWith } from '../support/python.ts';
import { generator, moffatHalfFluxDiameter, starFieldFits, type FieldOptions } from '../support/synthetic.ts';

const stars = (file: Buffer, sigma?: number, kernel?: 'wasm' | 'js') => {
  const source = bufferSource(file);
  return findStars(source, firstImage(scanHdus(source)), {
    ...(sigma ? { sigma } : {}),
    ...(kernel ? { kernel } : {}),
  })!;
};
const field = (options: Partial<FieldOptions>): FieldOptions => ({
  width: 1000,
  height: 800,
  seed: 1,
  stars: 300,
  fwhm: 3.6,
  beta: 3,
  noise: 40,
  faintest: 150,
  ...options,
});

describe('star metrics', () => {
  test.each([
    [3, 3, 11],
    [3.6, 3, 12],
    [3.6, 2.5, 13],
    [5, 4.7, 14],
    [6.5, 3.5, 15],
  ])('half-flux diameter within 2 %% of the injected one: FWHM %f, β %f, seed %i', (fwhm, beta, seed) => {
    const { hfd } = stars(starFieldFits(field({ fwhm, beta, seed, stars: 120, faintest: 600 })));
    expect(Math.abs(hfd! / moffatHalfFluxDiameter(fwhm, beta) - 1)).toBeLessThan(0.02);
  });

  test('a sky without stars has none; hot pixels are none either', () => {
    expect(stars(starFieldFits(field({ stars: 0 }))).count).toBe(0);
    expect(stars(starFieldFits(field({ stars: 0, hotPixels: 500 }))).count).toBeLessThan(3);
  });

  test.each(['a', 'b'])('a short exposure with a handful of stars has no half-flux diameter, frame %s', (name) => {
    const found = stars(gunzipSync(readFileSync(new URL(`./files/few-stars-${name}.fits.gz`, import.meta.url))));
    expect(found.hfd).toBeNull();
    expect(found.eccentricity).toBeNull();
  });

  test('with enough stars the hot pixels beside them change nothing, though the sky is a whole number', () => {
    const truth = moffatHalfFluxDiameter(3, 3);
    for (const hotPixels of [0, 40]) {
      const { hfd } = stars(
        starFieldFits(
          field({
            width: 500,
            height: 500,
            seed: 31,
            stars: 12,
            fwhm: 3,
            sky: 502,
            noise: 1.3,
            faintest: 300,
            hotPixels,
          }),
        ),
      );
      expect(Math.abs(hfd! / truth - 1)).toBeLessThan(0.05);
    }
  });

  test('faint hot pixels are no stars where the sky lies between two levels', () => {
    const pixels = new Uint16Array(400 * 400);
    const random = generator(7);
    // Levels 500 and 501 in equal number: the sky is 500.5, its noise half a level.
    for (let i = 0; i < pixels.length; i++) pixels[i] = 500 + (random() < 0.5 ? 1 : 0);
    for (let h = 0; h < 200; h++) pixels[(11 + 19 * Math.floor(h / 20)) * 400 + 11 + 19 * (h % 20)] = 506;
    expect(stars(writeFits16(400, 400, [pixels], [])).count).toBe(0);
  });

  test('both kernels find the same', () => {
    const file = starFieldFits(field({ width: 701, seed: 5, hotPixels: 50 }));
    expect(stars(file, 5, 'js')).toEqual(stars(file, 5, 'wasm'));
  });

  test('sky and noise are those of the field, with a gradient, too', () => {
    const found = stars(starFieldFits(field({ sky: 2500, noise: 40 })));
    expect(Math.abs(found.background - 2500)).toBeLessThan(5);
    expect(Math.abs(found.noise / 40 - 1)).toBeLessThan(0.05);
  });

  const python = pythonWith('sep', 'astropy');
  const scenario = python ? test : test.skip;
  scenario(
    'beside SEP: at least 0.9 of its stars at 8 σ and 0.7 at 5 σ, over densities and shapes',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'nocturne-sep-'));
      try {
        const fields = [
          field({ seed: 21, stars: 100 }),
          field({ seed: 22, stars: 1200 }),
          field({ seed: 23, fwhm: 2.4 }),
          field({ seed: 24, fwhm: 6 }),
        ].map((options) => starFieldFits(options));
        const paths = fields.map((bytes, i) => {
          const path = join(folder, `${i}.fits`);
          writeFileSync(path, bytes);
          return path;
        });
        const script = `
import sep, sys, json
from astropy.io import fits
for f in sys.argv[1:]:
    d = fits.getdata(f).astype('f4'); b = sep.Background(d); s = d - b.back()
    print(json.dumps([len(sep.extract(s, t, err=b.globalrms)) for t in (8, 5)]))
`;
        const theirs = execFileSync(python!, ['-c', script, ...paths], { encoding: 'utf8' })
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as [number, number]);
        for (const [i, bytes] of fields.entries()) {
          expect(stars(bytes, 8).count).toBeGreaterThanOrEqual(0.9 * theirs[i]![0]);
          expect(stars(bytes, 5).count).toBeGreaterThanOrEqual(0.7 * theirs[i]![1]);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );
});
