import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { firstImage, openSource, scanHdus } from '../activities/frames/fits/index.ts';
import type * as MountModule from '../activities/frames/intake/mount.ts';
import type * as PoolModule from '../activities/frames/pass/pool.ts';
import { projectPath } from '../platform/paths.ts';
import { pythonWith } from '../test/support/python.ts';
import { starFieldFits } from '../test/support/synthetic.ts';

/**
 * Preview of one frame, warm, beside astropy + numpy + Pillow in the same run. `preview_ms` is the whole job of a worker thread (read,
 * header, exact median and MAD, stretch, 1600 px JPEG, thumbnail); `preview_archive_ms` the copy with sha256 by the mount's child process
 * and then the job on the copy; fsync is reported apart, since it measures the disk.
 */
const WIDTH = 9576;
const HEIGHT = 6388;

const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
};
const round = (value: number): number => Math.round(value * 10) / 10;

async function timed(runs: number, work: (i: number) => Promise<void>): Promise<number[]> {
  const out: number[] = [];
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    await work(i);
    out.push(performance.now() - started);
  }
  return out;
}

/** The frames part as it runs in service: compiled. From source where the build fails, which costs memory for the loader. */
async function framesCode(): Promise<typeof PoolModule & typeof MountModule> {
  const load = async (root: string, extension: string): Promise<typeof PoolModule & typeof MountModule> => {
    const url = (path: string): string => pathToFileURL(projectPath(root, `activities/frames/${path}${extension}`)).href;
    return { ...((await import(url('pass/pool'))) as typeof PoolModule), ...((await import(url('intake/mount'))) as typeof MountModule) };
  };
  try {
    const { build } = (await import(pathToFileURL(projectPath('scripts', 'build.mjs')).href)) as { build: () => Promise<void> };
    await build();
    return await load('dist', '.js');
  } catch (thrown) {
    process.stderr.write(`not compiled, measuring the source: ${(thrown as Error).message}\n`);
    return load('.', '.ts');
  }
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, file: { type: 'string' }, runs: { type: 'string', default: '7' } } });
const runs = Math.max(1, Number(values.runs));
const own = projectPath('.cache', 'bench', `frame-${WIDTH}x${HEIGHT}-v1.fits`);
if (!values.file && !existsSync(own)) {
  mkdirSync(dirname(own), { recursive: true });
  writeFileSync(own, starFieldFits({ width: WIDTH, height: HEIGHT, seed: 61, stars: 12_000, fwhm: 3.6, beta: 3, hotPixels: 3_000, noise: 130 }));
}
const file = values.file ?? own;
const source = openSource(file);
const image = firstImage(scanHdus(source));
source.close();

const { FramePool, Mount } = await framesCode();
mkdirSync(projectPath('.cache'), { recursive: true });
const folder = mkdtempSync(projectPath('.cache', 'bench-'));
const pool = new FramePool(1);
const mount = new Mount(1);
/** Of this process with its worker thread, while it makes previews, archives and measures stars. */
let peakRss = 0;
const watch = setInterval(() => (peakRss = Math.max(peakRss, process.memoryUsage.rss())), 20);
try {
  const preview = (path: string, kernel: 'wasm' | 'js', quicklook = false) =>
    pool
      .run({
        kind: 'preview',
        path,
        preview: join(folder, 'p.jpg'),
        thumbnail: join(folder, 't.jpg'),
        quicklook: quicklook ? join(folder, 'q.fits') : null,
        orientation: 'auto',
        bayer: null,
        kernel,
      })
      .then(() => undefined);
  await timed(4, () => preview(file, 'wasm'));
  const previewMs = await timed(runs, () => preview(file, 'wasm'));
  const syncs: number[] = [];
  const copies: number[] = [];
  const root = dirname(file);
  const archive = async (): Promise<void> => {
    const to = join(folder, 'copy.fits');
    rmSync(to, { force: true });
    const copied = await mount.copy(file, root, to, statSync(file).size, false);
    copies.push(copied.copyMs);
    await preview(to, 'wasm');
  };
  await archive();
  const archiveMs = await timed(runs, archive);
  for (let i = 0; i < 2; i++) {
    const to = join(folder, `sync${i}.fits`);
    syncs.push((await mount.copy(file, root, to, statSync(file).size, true)).syncMs);
    rmSync(to);
  }
  const stars = () => pool.run({ kind: 'stars', path: file }).then(() => undefined);
  await timed(2, stars);
  const starsMs = await timed(runs, stars);
  clearInterval(watch);
  const quicklookMs = await timed(Math.min(3, runs), () => preview(file, 'wasm', true));
  await preview(file, 'js');
  const jsMs = await timed(Math.min(5, runs), () => preview(file, 'js'));

  const python = pythonWith('astropy', 'numpy', 'PIL');
  const astropy = python
    ? (
        JSON.parse(
          execFileSync(python, [projectPath('bench', 'preview_astropy.py'), file, String(Math.min(5, runs)), join(folder, 'a.jpg')], { encoding: 'utf8', timeout: 300_000 }),
        ) as { ms: number[] }
      ).ms
    : null;
  const astropyMs = astropy ? median(astropy) : null;
  const result = {
    megapixels: round((image.width * image.height) / 1e6),
    preview_ms: { median: round(median(previewMs)), min: round(Math.min(...previewMs)) },
    preview_js_ms: { median: round(median(jsMs)) },
    preview_quicklook_ms: { median: round(median(quicklookMs)) },
    preview_archive_ms: { median: round(median(archiveMs)) },
    copy_hash_ms: { median: round(median(copies)) },
    fsync_ms: { median: round(median(syncs)) },
    stars_ms: { median: round(median(starsMs)) },
    rss_mb: Math.round(peakRss / 1e6),
    astropy_ms: astropyMs === null ? null : { median: round(astropyMs) },
    ratio_to_astropy: astropyMs === null ? null : Math.round((median(previewMs) / astropyMs) * 1000) / 1000,
    ratio_js_to_astropy: astropyMs === null ? null : Math.round((median(jsMs) / astropyMs) * 1000) / 1000,
    ratio_archive_to_astropy: astropyMs === null ? null : Math.round((median(archiveMs) / astropyMs) * 1000) / 1000,
  };
  process.stdout.write(
    values.json
      ? `${JSON.stringify(result)}\n`
      : `${Object.entries(result)
          .map(([name, value]) => `${name}: ${typeof value === 'object' && value !== null ? JSON.stringify(value) : value}`)
          .join('\n')}\n`,
  );
} finally {
  clearInterval(watch);
  await Promise.all([pool.close(), mount.close()]);
  rmSync(folder, { recursive: true, force: true });
}
