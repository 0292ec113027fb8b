/**
 * The measured process of `npm run bench:preview`: plain JavaScript over the compiled frames part, as it runs in service, so that neither
 * a TypeScript loader nor the making of the test frame counts in its memory. Argument: JSON {pool, mount, file, folder, runs}; prints JSON.
 */
import { rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const { pool: poolUrl, mount: mountUrl, file, folder, runs } = JSON.parse(process.argv[2]);
const { FramePool } = await import(poolUrl);
const { Mount } = await import(mountUrl);
const pool = new FramePool(1);
const mount = new Mount(1);
let peakRss = 0;
const watch = setInterval(() => (peakRss = Math.max(peakRss, process.memoryUsage.rss())), 10);

async function timed(count, work) {
  const out = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await work(i);
    out.push(performance.now() - started);
  }
  return out;
}
const preview = (path, kernel, quicklook = false) =>
  pool.run({
    kind: 'preview',
    path,
    preview: join(folder, 'p.jpg'),
    thumbnail: join(folder, 't.jpg'),
    quicklook: quicklook ? join(folder, 'q.fits') : null,
    orientation: 'auto',
    bayer: null,
    kernel,
  });
const copies = [];
const archive = async () => {
  const to = join(folder, 'copy.fits');
  rmSync(to, { force: true });
  copies.push((await mount.copy(file, dirname(file), to, statSync(file).size, false)).copyMs);
  await preview(to, 'wasm');
};
try {
  await timed(4, () => preview(file, 'wasm'));
  const previewMs = await timed(runs, () => preview(file, 'wasm'));
  await archive();
  const archiveMs = await timed(runs, archive);
  const syncs = [];
  for (let i = 0; i < 2; i++) {
    const to = join(folder, `sync${i}.fits`);
    syncs.push((await mount.copy(file, dirname(file), to, statSync(file).size, true)).syncMs);
    rmSync(to);
  }
  const stars = () => pool.run({ kind: 'stars', path: file });
  await timed(2, stars);
  const starsMs = await timed(runs, stars);
  const quicklookMs = await timed(Math.min(3, runs), () => preview(file, 'wasm', true));
  clearInterval(watch);
  await timed(4, () => preview(file, 'js'));
  const jsMs = await timed(runs, () => preview(file, 'js'));
  process.stdout.write(JSON.stringify({ previewMs, archiveMs, copies, syncs, starsMs, quicklookMs, jsMs, peakRss }));
} finally {
  clearInterval(watch);
  await Promise.all([pool.close(), mount.close()]);
}
