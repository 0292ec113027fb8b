import { posix, win32 } from 'node:path';
import type { PathMapping } from '../../../domain/contracts/telescope.ts';

/** Folder and name of a path as Voyager writes it, whichever slash it uses. */
export function splitPath(path: string): { folder: string; name: string } {
  const at = Math.max(path.lastIndexOf('\\'), path.lastIndexOf('/'));
  return { folder: path.slice(0, Math.max(0, at)), name: path.slice(at + 1) };
}

/** For comparing Windows paths: neither slashes, case nor the way in which an accent is written (NFC, NFD) make another file there. */
export const comparable = (path: string): string =>
  path.replaceAll('\\', '/').replace(/\/+/g, '/').normalize('NFC').toLowerCase();

/**
 * What is left of a comparable path where a database compares without knowing letters beyond ASCII: accents and other scripts left out.
 * Paths that are the same have the same skeleton; not all that have it are the same.
 */
export const skeleton = (path: string): string =>
  comparable(path)
    .normalize('NFD')
    .replace(/[^ -~]/g, '');
/** File name without its last extension, for joining a frame with its JPEG. */
export const stemOf = (path: string): string => {
  const { name } = splitPath(path);
  const dot = name.lastIndexOf('.');
  return comparable(dot > 0 ? name.slice(0, dot) : name);
};

const parts = (path: string): string[] => path.split(/[\\/]+/).filter((part) => part !== '');

/** `\\?\C:\…` and `\\?\UNC\server\…`, as Windows programs write long paths, in their ordinary form. */
const ordinary = (path: string): string =>
  path.replace(/^[\\/]{2}\?[\\/](UNC[\\/])?/i, (_, unc?: string) => (unc ? '\\\\' : ''));

/**
 * Where this machine finds a file of Voyager's, by the longest mapped root; drive letters and UNC names compare without case. Null when no root
 * fits or `..` climbs out of it.
 */
export function mapPath(named: string, map: readonly PathMapping[]): { path: string; root: string } | null {
  if (named.includes('\0')) return null;
  const path = ordinary(named);
  const wanted = parts(path);
  let best: { root: string; rest: string[]; depth: number } | null = null;
  for (const { from, to } of map) {
    const root = parts(from);
    if (root.length === 0 || root.length >= wanted.length) continue;
    if (isUnc(from) !== isUnc(path) || isRooted(from) !== isRooted(path)) continue;
    if (!root.every((part, i) => comparable(part) === comparable(wanted[i]!))) continue;
    if (!best || root.length > best.depth) best = { root: to, rest: wanted.slice(root.length), depth: root.length };
  }
  if (!best || best.rest.some((part) => part === '..' || part === '.')) return null;
  return { root: best.root, path: posix.join(best.root, ...best.rest) };
}
const isUnc = (path: string): boolean => /^[\\/]{2}[^\\/]/.test(path);
const isRooted = (path: string): boolean => win32.isAbsolute(path) && !/^[A-Za-z]:/.test(path) && !isUnc(path);
