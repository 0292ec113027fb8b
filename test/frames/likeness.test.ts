import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { firstImage, openSource, scanHdus } from '../../frames/fits/index.ts';
import { runPass } from '../../frames/pass/pass.ts';
import { renderPreview } from '../../frames/pass/preview.ts';
import { pythonWith } from '../support/python.ts';
import { starFieldFits } from '../support/synthetic.ts';

/**
 * Writes a float and an RGB form of the given star field with astropy, makes the picture of every form with astropy, numpy and Pillow
 * (median and MAD by sorting, box mean, AutoSTF, linked over channels), and leaves it as PNG.
 */
const SCRIPT = `
import sys
import numpy as np
from astropy.io import fits
from PIL import Image
folder = sys.argv[1] + '/'
field = fits.getdata(folder + 'mono.fits')
fits.writeto(folder + 'float.fits', (field / 65535).astype('f4'))
rgb = np.stack([np.clip(field * g, 0, 65535) for g in (1.0, 0.8, 0.6)]).astype('u2')
fits.writeto(folder + 'rgb.fits', rgb)
mosaic = field.copy()
mosaic[0::2, 1::2] = (mosaic[0::2, 1::2] * 0.8).astype('u2'); mosaic[1::2, 0::2] = (mosaic[1::2, 0::2] * 0.8).astype('u2')
mosaic[1::2, 1::2] = (mosaic[1::2, 1::2] * 0.6).astype('u2')
card = fits.PrimaryHDU(mosaic); card.header['BAYERPAT'] = 'RGGB'; card.writeto(folder + 'colour.fits')
def mtf(m, x): return np.where(x <= 0, 0, np.where(x >= 1, 1, (m - 1) * x / ((2 * m - 1) * x - m)))
def box(a, f):
    h, w = a.shape[0] // f, a.shape[1] // f
    return a[:h * f, :w * f].reshape(h, f, w, f).mean(axis=(1, 3), dtype='f8')
for name in ('mono', 'float', 'rgb', 'colour'):
    data, header = fits.getdata(folder + name + '.fits', header=True)
    data = data.astype('f8')
    unit = 1.0 if name == 'float' else 65535.0
    longest = max(data.shape[-2:])
    if name == 'colour':
        f = max(1, round(longest / 2 / 1600))
        r, g1, g2, b = data[0::2, 0::2], data[0::2, 1::2], data[1::2, 0::2], data[1::2, 1::2]
        planes = [r, np.stack([g1, g2]), b]
        small = [box(r, f), (box(g1, f) + box(g2, f)) / 2, box(b, f)]
    else:
        f = max(1, round(longest / 1600))
        planes = list(data) if data.ndim == 3 else [data]
        small = [box(p, f) for p in planes]
    medians = [np.median(p) / unit for p in planes]
    mads = [np.median(np.abs(p / unit - m)) for p, m in zip(planes, medians)]
    c0 = np.mean([max(0, m - 2.8 * 1.4826 * d) for m, d in zip(medians, mads)])
    m = float(mtf(0.25, np.float64(np.mean(medians) - c0)))
    picture = [np.round(255 * mtf(m, (s / unit - c0) / (1 - c0))).astype('u1')[::-1] for s in small]
    Image.fromarray(picture[0] if len(picture) == 1 else np.dstack(picture)).save(folder + name + '.png')
print('done')
`;

describe('the preview looks as astropy, numpy and Pillow make it', () => {
  const python = pythonWith('astropy', 'numpy', 'PIL');
  const scenario = python ? test : test.skip;
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nocturne-likeness-'));
    if (!python) return;
    writeFileSync(
      join(folder, 'mono.fits'),
      starFieldFits({ width: 2602, height: 1702, seed: 8, stars: 900, fwhm: 3.6, beta: 3, noise: 130 }),
    );
    execFileSync(python, ['-c', SCRIPT, folder], { timeout: 120_000 });
  }, 150_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  scenario.each(['mono', 'float', 'rgb', 'colour'])(
    '%s: PSNR at least 30 dB, JPEG and all',
    async (name) => {
      const source = openSource(join(folder, `${name}.fits`));
      const image = firstImage(scanHdus(source));
      const { preview } = await renderPreview(image, runPass(source, image), 'auto');
      source.close();
      const [ours, theirs] = await Promise.all(
        [preview, readFileSync(join(folder, `${name}.png`))].map((bytes) =>
          sharp(bytes).toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true }),
        ),
      );
      // A picture over 1,600 pixels is reduced once more for the JPEG; theirs is brought to the same size by Pillow's twin in libvips.
      const other =
        theirs!.info.width === ours!.info.width
          ? theirs!
          : await sharp(join(folder, `${name}.png`))
              .resize(ours!.info.width, ours!.info.height)
              .toColourspace('srgb')
              .removeAlpha()
              .raw()
              .toBuffer({ resolveWithObject: true });
      expect([other.info.width, other.info.height, other.info.channels]).toEqual([
        ours!.info.width,
        ours!.info.height,
        ours!.info.channels,
      ]);
      let sum = 0;
      for (let i = 0; i < ours!.data.length; i++) sum += (ours!.data[i]! - other.data[i]!) ** 2;
      const psnr = 10 * Math.log10(255 ** 2 / (sum / ours!.data.length));
      if (process.env.NOCTURNE_LONG === '1') console.info(`${name}: PSNR ${psnr.toFixed(1)} dB`);
      expect(psnr).toBeGreaterThanOrEqual(30);
    },
    60_000,
  );
});
