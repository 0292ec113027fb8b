import { copyFile, mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isHashed } from './pages.ts';

const KEPT_DAYS = 30;

/**
 * Copies the assets of this build beside those of the builds before it, so that a page that was opened before a deploy still finds its parts. What no
 * build of the last 30 days had goes.
 */
export async function keepAssets(root: string, kept: string, now = new Date()): Promise<void> {
  await mkdir(kept, { recursive: true });
  const assets = join(root, 'assets');
  for (const name of (await readdir(assets)).filter(isHashed)) {
    const copy = join(kept, name);
    // Its time says when a build last had it; a half-written copy of a process that died is written again.
    const known = await stat(copy).catch(() => null);
    if (known?.size !== (await stat(join(assets, name))).size) await copyFile(join(assets, name), copy);
    await utimes(copy, now, now);
  }
  for (const name of await readdir(kept)) {
    const { mtimeMs } = await stat(join(kept, name));
    if (now.getTime() - mtimeMs > KEPT_DAYS * 86_400_000) await rm(join(kept, name), { force: true });
  }
}
