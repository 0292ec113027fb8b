import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isAbsence } from '../../../frames/store/presence.ts';
import { comparable } from './paths.ts';

/**
 * A file of Windows on a disk that tells case and accents apart. Where Voyager's spelling does not exist, the one name that differs in nothing else
 * is the file.
 */
export class PathFinder {
  private readonly listed = new Map<string, { mtimeMs: number; names: Map<string, string | null> }>();

  /** The path as the disk spells it; the path itself where nothing like it stands. */
  find(path: string, root: string): string {
    if (stands(path)) return path;
    let at = root;
    for (const part of relative(root, path).split('/')) {
      const exact = join(at, part);
      const next = stands(exact) ? exact : this.alike(at, part);
      if (next === null) return path;
      at = next;
    }
    return at;
  }

  /** The one entry of a folder that Windows takes for this name; null where there is none or there are several. */
  private alike(folder: string, name: string): string | null {
    const found = this.names(folder).get(comparable(name));
    return found === undefined || found === null ? null : join(folder, found);
  }

  /** Names of a folder by what they are compared by; read again when the folder has changed, and while it is young. */
  private names(folder: string): Map<string, string | null> {
    const { mtimeMs } = statSync(folder);
    const known = this.listed.get(folder);
    if (known?.mtimeMs === mtimeMs) return known.names;
    const names = new Map<string, string | null>();
    for (const name of readdirSync(folder)) {
      const key = comparable(name);
      names.set(key, names.has(key) ? null : name);
    }
    if (this.listed.size >= MOST_FOLDERS) this.listed.clear();
    if (Date.now() - mtimeMs > SETTLED_MS) this.listed.set(folder, { mtimeMs, names });
    return names;
  }
}
const MOST_FOLDERS = 100;
/** Shares tell times in steps of up to two seconds (FAT): within them a folder can change and keep its time. */
const SETTLED_MS = 3_000;

function stands(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (thrown) {
    if (isAbsence(thrown)) return false;
    throw thrown;
  }
}
