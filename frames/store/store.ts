import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import {
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { crc32 } from './crc32.ts';
import { isAbsence, requireStore } from './presence.ts';
import { RemoteStore } from './remote.ts';

/**
 * The frame store: `objects/aa/bb/<sha256>` holds each content once, `bookings/<id>/<name>` links to it; database paths are relative to the root.
 * Every write throws StoreAway where the disk is not there.
 */
export class FrameStore {
  readonly root: string;
  constructor(root: string) {
    this.root = resolve(root);
  }
  /** Absolute path of a stored (relative) one. */
  path(stored: string): string {
    return resolve(this.root, stored);
  }
  relative(path: string): string {
    return relative(this.root, path);
  }
  objectPath(sha256: string): string {
    return join(this.root, 'objects', sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  }
  bookingFolder(bookingId: string): string {
    return join(this.root, 'bookings', bookingId);
  }
  derivedFolder(frameId: string): string {
    return join(this.root, 'derived', frameId.slice(0, 2), frameId);
  }
  /** A file of our own to copy into, on the store's disk; the same key gives the same file, so that a copy can be continued. */
  async staging(key: string): Promise<string> {
    await requireStore(this);
    const folder = join(this.root, 'staging');
    await mkdir(folder, { recursive: true });
    return join(folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.part`);
  }
  /** Moves a verified staging file to its place by content; a content that stands already is kept. Returns the object's path. */
  async adopt(staging: string, sha256: string, bytes: number, crc: number): Promise<string> {
    await requireStore(this);
    const object = this.objectPath(sha256);
    const known = await statOrNull(object);
    if (known && known.size === bytes) {
      await rm(staging, { force: true });
      return object;
    }
    await mkdir(dirname(object), { recursive: true });
    await rename(staging, object);
    await writeFile(`${object}.crc32`, crcText(crc));
    await syncFolder(dirname(object));
    return object;
  }
  /** CRC-32 of a content for ZIP headers; kept beside the object, computed from `path` where it is not. */
  async crcOf(sha256: string, path: string): Promise<number> {
    const note = `${this.objectPath(sha256)}.crc32`;
    const known = await readFile(note, 'latin1').catch((thrown: unknown) => {
      if (isAbsence(thrown)) return '';
      throw thrown;
    });
    if (/^[0-9a-f]{8}$/.test(known)) return Number.parseInt(known, 16);
    let crc = 0;
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) crc = crc32(chunk as Buffer, crc);
    await writeFile(note, crcText(crc)).catch(() => undefined);
    return crc;
  }
  /** Removes a content that no frame has any more. */
  async removeObject(sha256: string): Promise<void> {
    await requireStore(this);
    await rm(this.objectPath(sha256), { force: true });
    await rm(`${this.objectPath(sha256)}.crc32`, { force: true });
  }
  /** Fetches a content from its copy elsewhere to its place here. @throws RemoteFailure also when the copy is not that content */
  async fetchObject(remote: RemoteStore, sha256: string, bytes: number): Promise<string> {
    const object = this.objectPath(sha256);
    const staging = await this.staging(`remote\n${sha256}`);
    await remote.fetch(RemoteStore.objectKey(sha256), staging, sha256, bytes);
    await syncFile(staging);
    await mkdir(dirname(object), { recursive: true });
    await rename(staging, object);
    await syncFolder(dirname(object));
    return object;
  }
  /**
   * Makes a human-named file again from its content, beside what stands there now, which goes only when the new one stands.
   * @throws NodeJS.ErrnoException when the content is not there
   */
  async restoreNamed(path: string, sha256: string): Promise<void> {
    const part = `${path}.${process.pid}.part`;
    await mkdir(dirname(path), { recursive: true });
    await rm(part, { force: true });
    await link(this.objectPath(sha256), part).catch(() => copyFile(this.objectPath(sha256), part));
    await rename(part, path);
    await rm(part, { force: true });
    await syncFolder(dirname(path));
  }
  /**
   * Gives a content a human name in a folder, by hard link or copy, and returns the path. A name held by another content gets `_2`, `_3` …; the
   * same content is left alone.
   */
  async name(folder: string, filename: string, object: string): Promise<string> {
    await mkdir(folder, { recursive: true });
    const target = await stat(object);
    const clean = safeName(filename);
    const [stem, extension] = splitExtension(clean);
    for (let n = 1; ; n++) {
      const path = join(folder, n === 1 ? clean : `${stem}_${n}${extension}`);
      try {
        await link(object, path);
        await syncFolder(folder);
        return path;
      } catch (thrown) {
        const code = (thrown as NodeJS.ErrnoException).code;
        if (code === 'EEXIST') {
          const there = await stat(path);
          if (there.ino === target.ino && there.dev === target.dev) return path;
          if (there.size === target.size && (await hashFile(path)) === (await hashFile(object))) return path;
        } else if (
          code === 'EMLINK' ||
          code === 'EPERM' ||
          code === 'ENOTSUP' ||
          code === 'ENOSYS' ||
          code === 'EXDEV'
        ) {
          await copyFile(object, `${path}.part`);
          await rename(`${path}.part`, path);
          return path;
        } else throw thrown;
      }
    }
  }
  /** Puts a refused file aside under `quarantine/`, named by its frame and content, never away. */
  async quarantine(staging: string, frameId: string, sha256: string, filename: string): Promise<string> {
    const path = join(this.root, 'quarantine', `${frameId}_${sha256.slice(0, 8)}_${safeName(filename)}`);
    await mkdir(dirname(path), { recursive: true });
    await rename(staging, path);
    return path;
  }
  /** Bytes that can still be written. */
  async freeBytes(): Promise<number> {
    await requireStore(this);
    const { bavail, bsize } = await statfs(this.root);
    return bavail * bsize;
  }
  /** Parts that nobody has written to for a day. */
  async sweepStaging(olderThanMs: number): Promise<number> {
    const folder = join(this.root, 'staging');
    let removed = 0;
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) {
      const found = await statOrNull(join(folder, name));
      if (found && found.mtimeMs < olderThanMs) {
        await unlink(join(folder, name));
        removed++;
      }
    }
    return removed;
  }
}

const crcText = (crc: number): string => (crc >>> 0).toString(16).padStart(8, '0');

/** What stands at a path, or null where nothing does. @throws NodeJS.ErrnoException when the system cannot tell (no descriptor left, a dying disk) */
export async function statOrNull(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (thrown) {
    if (isAbsence(thrown)) return null;
    throw thrown;
  }
}

/** Writes what the system still holds of a file to the medium. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the entries of a folder durable. */
export const syncFolder = (folder: string): Promise<void> => syncFile(folder);

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** A file name that every system can hold: no separators, no control or reserved characters, at most 200 bytes. */
export function safeName(name: string): string {
  const base = Array.from((name.split(/[\\/]/).pop() ?? '').normalize('NFC'), (c) =>
    c < ' ' || c === '\u007f' || '<>:"|?*'.includes(c) ? '_' : c,
  )
    .join('')
    .replace(/[. ]+$/, '');
  let clean = base === '' || /^\.+$/.test(base) ? 'frame.fits' : base;
  if (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(clean)) clean = `_${clean}`;
  const [stem, extension] = splitExtension(clean);
  let short = stem;
  while (Buffer.byteLength(short + extension) > 200) short = short.slice(0, -1);
  return short + extension;
}

function splitExtension(name: string): [string, string] {
  const match = /(\.(?:fits?|fts|xisf)(?:\.(?:gz|fz))?|\.[^.]{1,8})$/i.exec(name);
  return match && match.index > 0 ? [name.slice(0, match.index), match[0]] : [name, ''];
}
