import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { firstImage, openSource, scanHdus } from '../frames/fits/index.ts';
import { projectPath } from '../platform/paths.ts';
import { pythonWith } from '../test/support/python.ts';
import { starFieldFits } from '../test/support/synthetic.ts';
import { answerHelp } from '../scripts/help.ts';

/**
 * Preview of one frame, warm, beside astropy + numpy + Pillow in the same run, half of it before ours and half after, since a shared
 * machine's speed drifts. `preview_ms` is the whole job of a worker thread (read,
 * header, exact median and MAD, stretch, 1600 px JPEG, thumbnail); `preview_archive_ms` the copy with sha256 by the mount's child process
 * and then the job on the copy; fsync is reported apart, since it measures the disk. Measured in a process of its own that runs the compiled code as the worker does.
 */
const WIDTH = 9576;
const HEIGHT = 6388;

const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
};
const round = (value: number): number => Math.round(value * 10) / 10;

answerHelp(`npm run bench:preview -- [--json] [--file FILE] [--runs N]
Preview of one 61-megapixel frame, beside astropy, numpy and Pillow in the same run.`);
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    file: { type: 'string' },
    runs: { type: 'string', default: '7' },
  },
});
const runs = Math.max(1, Number(values.runs));
const own = projectPath('.cache', 'bench', `frame-${WIDTH}x${HEIGHT}-v1.fits`);
if (!values.file && !existsSync(own)) {
  mkdirSync(dirname(own), { recursive: true });
  writeFileSync(
    own,
    starFieldFits({
      width: WIDTH,
      height: HEIGHT,
      seed: 61,
      stars: 12_000,
      fwhm: 3.6,
      beta: 3,
      hotPixels: 3_000,
      noise: 130,
    }),
  );
}
const file = values.file ?? own;
const source = openSource(file);
const image = firstImage(scanHdus(source));
source.close();

const { build } = (await import(pathToFileURL(projectPath('scripts', 'build.mjs')).href)) as {
  build: () => Promise<void>;
};
await build();
const folder = mkdtempSync(projectPath('.cache', 'bench-'));
const loadBefore = loadavg()[0]!;
const python = pythonWith('astropy', 'numpy', 'PIL');
const astropyMs: number[] = [];
const astropyRuns = (count: number): void => {
  if (!python) return;
  const script = projectPath('bench', 'preview_astropy.py');
  const told = JSON.parse(
    execFileSync(python, [script, file, String(count), join(folder, 'a.jpg')], { encoding: 'utf8', timeout: 300_000 }),
  ) as { ms: number[] };
  astropyMs.push(...told.ms);
};
try {
  astropyRuns(Math.ceil(runs / 2));
  const url = (path: string): string => pathToFileURL(path).href;
  const pool = url(projectPath('dist', 'frames', 'pass', 'pool.js'));
  const mount = url(projectPath('dist', 'activities', 'frames', 'intake', 'mount.js'));
  const measured = JSON.parse(
    execFileSync(
      process.execPath,
      [
        '--max-semi-space-size=2',
        projectPath('bench', 'preview', 'measure.mjs'),
        JSON.stringify({ pool, mount, file, folder, runs }),
      ],
      {
        encoding: 'utf8',
        timeout: 300_000,
        env: { ...process.env, NODE_OPTIONS: '', MALLOC_ARENA_MAX: '2' },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    ),
  ) as Record<'previewMs' | 'archiveMs' | 'copies' | 'syncs' | 'starsMs' | 'quicklookMs' | 'jsMs', number[]> & {
    peakRss: number;
  };
  const { previewMs, archiveMs, copies, syncs, starsMs, quicklookMs, jsMs, peakRss } = measured;

  astropyRuns(Math.ceil(runs / 2));
  const ratio = (ours: number[]): number | null =>
    python ? Math.round((median(ours) / median(astropyMs)) * 1000) / 1000 : null;
  const result = {
    megapixels: round((image.width * image.height) / 1e6),
    preview_ms: { median: round(median(previewMs)), min: round(Math.min(...previewMs)) },
    preview_js_ms: { median: round(median(jsMs)), min: round(Math.min(...jsMs)) },
    preview_quicklook_ms: { median: round(median(quicklookMs)) },
    preview_archive_ms: { median: round(median(archiveMs)) },
    copy_hash_ms: { median: round(median(copies)) },
    fsync_ms: { median: round(median(syncs)) },
    stars_ms: { median: round(median(starsMs)) },
    rss_mb: Math.round(peakRss / 1e6),
    astropy_ms: python ? { median: round(median(astropyMs)), min: round(Math.min(...astropyMs)) } : null,
    ratio_to_astropy: ratio(previewMs),
    ratio_js_to_astropy: ratio(jsMs),
    ratio_archive_to_astropy: ratio(archiveMs),
    goals: {
      ratio_to_astropy: 0.25,
      ratio_js_to_astropy: 0.45,
      ratio_archive_to_astropy: 0.75,
      stars_ms: 250,
      rss_mb: 200,
    },
    load_before: Math.round(loadBefore * 100) / 100,
    load_after: Math.round(loadavg()[0]! * 100) / 100,
  };
  process.stdout.write(
    values.json
      ? `${JSON.stringify(result)}\n`
      : `${Object.entries(result)
          .map(
            ([name, value]) =>
              `${name}: ${typeof value === 'object' && value !== null ? JSON.stringify(value) : value}`,
          )
          .join('\n')}\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
