import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { firstImage, FitsError, imageHeader, openSource, scanHdus } from '../frames/fits/index.ts';
import { writeWhole } from '../frames/files.ts';
import { runPass } from '../frames/pass/pass.ts';
import { renderPreview } from '../frames/pass/preview.ts';
import { findStars } from '../frames/pass/stars.ts';

/** What `npm run inspect` says of one file; fields as in docs/commands. */
type Inspection =
  | {
      file: string;
      ok: true;
      hdu: number;
      width: number;
      height: number;
      channels: number;
      bitpix: number;
      header: Record<string, unknown>;
      stats: { min: number; max: number; mean: number; median: number; mad: number; nonfinite: number };
      stars: { count: number; hfd: number | null };
      sha256: string;
    }
  | { file: string; ok: false; error: string };

const USAGE =
  'Usage: npm run inspect -- [--json] [--preview OUT.jpg] FILE…\n  --json     one JSON line per file\n  --preview  writes the stretched preview of one file\n';

function sha256Of(path: string): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 20);
  const fd = openSync(path, 'r');
  try {
    for (let n; (n = readSync(fd, buffer, 0, buffer.length, null)) > 0;) hash.update(buffer.subarray(0, n));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

async function inspect(file: string, preview: string | undefined): Promise<Inspection> {
  try {
    if (!statSync(file).isFile()) throw new FitsError('unreadable', 'is not a file');
    const source = openSource(file);
    try {
      const scan = scanHdus(source);
      const image = firstImage(scan);
      const pass = runPass(source, image);
      const { min, max, mean, median, mad, nonfinite } = pass.stats;
      const stars = findStars(source, image);
      if (preview !== undefined) await writeWhole(preview, (await renderPreview(image, pass, 'auto')).preview);
      return {
        file,
        ok: true,
        hdu: image.index,
        width: image.width,
        height: image.height,
        channels: image.planes,
        bitpix: image.bitpix,
        header: imageHeader(scan, image),
        stats: { min, max, mean, median, mad, nonfinite },
        stars: { count: stars?.count ?? 0, hfd: stars?.hfd ?? null },
        sha256: sha256Of(file),
      };
    } finally {
      source.close();
    }
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException;
    return {
      file,
      ok: false,
      error:
        thrown instanceof FitsError
          ? `${thrown.code}: ${thrown.message}`
          : `${error.code ?? error.name}: ${error.message}`,
    };
  }
}

function plain(result: Inspection): string {
  if (!result.ok) return `${result.file}: ${result.error}`;
  const { stats, stars } = result;
  const number = (v: number | null): string => (v === null ? '-' : String(Math.round(v * 1000) / 1000));
  return [
    `${result.file}: HDU ${result.hdu}, ${result.width} × ${result.height}${result.channels > 1 ? ` × ${result.channels}` : ''}, BITPIX ${result.bitpix}`,
    `  min ${number(stats.min)}  max ${number(stats.max)}  mean ${number(stats.mean)}  median ${number(stats.median)}  MAD ${number(stats.mad)}  not finite ${stats.nonfinite}`,
    `  stars ${stars.count}  HFD ${number(stars.hfd)} px`,
    `  sha256 ${result.sha256}`,
  ].join('\n');
}

async function main(): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        preview: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (thrown) {
    process.stderr.write(`${(thrown as Error).message}\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (positionals.length === 0 || (values.preview !== undefined && positionals.length !== 1)) {
    process.stderr.write(
      positionals.length === 0 ? `No file given.\n${USAGE}` : `--preview takes exactly one file.\n${USAGE}`,
    );
    return 2;
  }
  let failed = false;
  for (const file of positionals) {
    const result = await inspect(file, values.preview);
    failed ||= !result.ok;
    process.stdout.write(`${values.json ? JSON.stringify(result) : plain(result)}\n`);
  }
  return failed ? 1 : 0;
}

process.exitCode = await main();
