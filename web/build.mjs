import { build } from 'esbuild';
import { appendFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { basename, dirname, join } from 'node:path';
import sharp from 'sharp';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));

/** What fitsjs-ng asks for in parts of it that no page uses (sky maps, files on a disk). */
const UNUSED = ['@fxpineau/moc-wasm', 'node:*'];

/**
 * The embedded component is one script; its quick look, with the FITS library, is fetched from the frame's own server when a guest opens it. A script
 * from another origin has no address of its own to start from (HTML: muted errors), so the address is whole.
 */
const quickLookApart = {
  name: 'quick-look-apart',
  setup: (build) => {
    build.onResolve({ filter: /\/quicklook\.ts$/ }, () => ({ path: 'quick-look', namespace: 'apart' }));
    build.onLoad({ filter: /.*/, namespace: 'apart' }, () => ({
      contents:
        "export const openQuickLook = async (root, url, ...rest) => (await import(new URL('/assets/quicklook.js', new URL(url, location.href)).href)).openQuickLook(root, url, ...rest);",
    }));
  },
};

/**
 * Bundles the pages into `dist/web`: HTML as it stands in web/pages, `assets/` with one script per page and a style sheet, named by their content,
 * the service worker `sw.js`, manifest and icons. Nothing is loaded from another host. Scripts and style sheets lie there
 * compressed as well (`.br`, `.gz`), for the server to hand out.
 * @param {{ outdir?: string, minify?: boolean }} [options]
 */
export async function buildWeb({ outdir = join(here, '..', 'dist', 'web'), minify = true } = {}) {
  await rm(outdir, { recursive: true, force: true });
  await mkdir(join(outdir, 'assets'), { recursive: true });
  const common = {
    bundle: true,
    minify,
    target: ['es2022'],
    legalComments: 'linked',
    logLevel: 'warning',
    loader: { '.html': 'text' },
    external: UNUSED,
  };
  await buildPageParts(outdir, common);
  await buildEmbedded(outdir, common);
  await build({ ...common, format: 'iife', entryPoints: [join(here, 'client/sw.ts')], outfile: join(outdir, 'sw.js') });
  await cp(join(here, 'public'), outdir, { recursive: true });
  await icons(join(outdir, 'assets'));
  const hashed = await hashedNames(join(outdir, 'assets'));
  // What is named outside the pages built here keeps one name for ever.
  await writeFile(join(outdir, 'assets/quicklook.js'), `export * from './${hashed('quicklook.js')}';\n`);
  await cp(join(outdir, 'assets', hashed('site.css')), join(outdir, 'assets/site.css'));
  await writePages(outdir, hashed);
  await pack(join(outdir, 'assets'));
}

/** A script for each page, what they share in chunks, and their style. */
async function buildPageParts(outdir, common) {
  const pages = (await readdir(join(here, 'client/pages'))).filter((name) => name.endsWith('.ts'));
  const named = { outdir: join(outdir, 'assets'), entryNames: '[name]-[hash]', chunkNames: 'chunk-[hash]' };
  await build({
    ...common,
    ...named,
    format: 'esm',
    splitting: true,
    entryPoints: [...pages.map((name) => `pages/${name}`), 'control/sections/images/quicklook.ts'].map((name) => ({
      in: join(here, 'client', name),
      out: basename(name, '.ts'),
    })),
  });
  await build({ ...common, ...named, entryPoints: [join(here, 'client/styles/site.css')] });
}

/** The components for pages of others: one script and one style sheet. */
async function buildEmbedded(outdir, common) {
  await build({
    ...common,
    format: 'iife',
    plugins: [quickLookApart],
    entryPoints: [join(here, 'client/embed.ts')],
    outfile: join(outdir, 'assets/telescope-control.js'),
  });
  const style = join(outdir, 'assets/telescope-control.css');
  await build({ ...common, entryPoints: [join(here, 'client/styles/embed.css')], outfile: style });
  // The booking form's rules hold inside its element alone, since its classes are those of our pages.
  const form = await build({
    ...common,
    entryPoints: [join(here, 'client/styles/booking-form.css')],
    write: false,
    outdir: join(outdir, 'assets'),
    legalComments: 'none',
  });
  await appendFile(style, `@scope (.booking-form) {${form.outputFiles[0].text}}\n`);
}

/** The pages themselves, each in the common frame. */
async function writePages(outdir, hashed) {
  const layout = await readFile(join(here, 'pages/layout.html'), 'utf8');
  for (const name of (await readdir(join(here, 'pages'))).filter(
    (file) => file.endsWith('.html') && file !== 'layout.html',
  )) {
    const page = await readFile(join(here, 'pages', name), 'utf8');
    const title = /<!-- title: (.*?) -->/.exec(page)?.[1] ?? 'nocturne';
    await writeFile(
      join(outdir, name),
      layout
        .replaceAll('{{title}}', title)
        .replaceAll('{{script}}', hashed(name.replace('.html', '.js')))
        .replace('{{style}}', hashed('site.css'))
        .replace('{{page}}', name.replace('.html', ''))
        .replace('{{main}}', page.replace(/<!-- title: .*? -->\n?/, '')),
    );
  }
}

/** From a name without its hash to the one that was written; the hash is of the content, so a name means the same for ever. */
async function hashedNames(folder) {
  const names = await readdir(folder);
  return (plain) => {
    const [, stem, ending] = /^(.*)(\.\w+)$/.exec(plain);
    const found = names.find(
      (name) =>
        name.startsWith(`${stem}-`) &&
        /^-[A-Z2-7]{8}$/.test(name.slice(stem.length, -ending.length)) &&
        name.endsWith(ending),
    );
    if (!found) throw new Error(`${plain} was not built`);
    return found;
  };
}

/** Phones take PNG icons only: from the one drawing, on its own ground. */
async function icons(folder) {
  const drawing = await readFile(join(here, 'public/assets/icon.svg'));
  for (const side of [180, 192, 512])
    await sharp(drawing, { density: 600 })
      .resize(side, side)
      .flatten({ background: '#05070f' })
      .png()
      .toFile(join(folder, `icon-${side}.png`));
}

/** What is not worth the bytes of the header stays as it is. */
const LEAST_BYTES = 1_000;
async function pack(folder) {
  for (const name of (await readdir(folder)).filter((file) => /\.(js|css|svg)$/.test(file))) {
    const content = await readFile(join(folder, name));
    if (content.length < LEAST_BYTES) continue;
    await writeFile(join(folder, `${name}.br`), brotliCompressSync(content));
    await writeFile(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await buildWeb({ minify: !process.argv.includes('--readable') });
