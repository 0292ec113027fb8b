import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  opendirSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join, relative, isAbsolute } from 'node:path';
import { PathFinder } from './find-path.ts';
import { crc32 } from '../../../frames/store/crc32.ts';
import { isAbsence } from '../../../frames/store/presence.ts';
import {
  asImage,
  findImage,
  FitsError,
  imageHeader,
  openSource,
  READ,
  sampleData,
  scanHdus,
  type DataSample,
  type FitsErrorCode,
} from '../../../frames/fits/index.ts';

/**
 * Everything that touches a mount runs in this child process: a dead mount blocks only its one thread, and the parent may kill it. One request at a
 * time, with answers and progress over IPC.
 */
export type MountRequest =
  | { op: 'probe'; path: string; root: string; maxBytes: number }
  | { op: 'copy'; from: string; root: string; to: string; maxBytes: number; sync: boolean }
  | { op: 'list'; folder: string; root: string; changedAfterMs: number }
  | { op: 'reachable'; root: string };

export type MountState =
  | { state: 'absent'; rootReachable: boolean }
  | {
      state: 'whole';
      size: number;
      mtimeMs: number;
      header: Record<string, unknown>;
      hasImage: boolean;
      trailing: number;
      /** Pages of the image's data; null without an image. */
      sample: DataSample | null;
    }
  | { state: 'broken'; size: number; mtimeMs: number; code: FitsErrorCode; message: string };
export interface CopyResult {
  bytes: number;
  sha256: string;
  crc32: number;
  /** Milliseconds of the copy with its hash, and of the fsync alone. */
  copyMs: number;
  syncMs: number;
}
export interface ListedFile {
  path: string;
  size: number;
  mtimeMs: number;
}
export type MountAnswer = MountState | CopyResult | ListedFile[] | boolean;
export type MountMessage =
  | { id: number; progress: true }
  | { id: number; ok: true; answer: MountAnswer }
  | {
      id: number;
      ok: false;
      code: FitsErrorCode | 'changed' | 'outside' | 'failed';
      errno: string | null;
      message: string;
    };

const CHUNK = 4 << 20;

class MountError extends Error {
  readonly code: 'changed' | 'outside';
  constructor(code: 'changed' | 'outside', message: string) {
    super(message);
    this.code = code;
  }
}

const finder = new PathFinder();

/** The real path of what Windows means by this one, which must lie under the mapped root even after symbolic links. */
function inside(path: string, root: string): string {
  const real = realpathSync(finder.find(path, root));
  const rest = relative(realpathSync(root), real);
  if (rest.startsWith('..') || isAbsolute(rest))
    throw new MountError('outside', 'the file lies outside of the mapped folder');
  return real;
}

/** A share is there when its folder holds something: the place of one that is not mounted is an empty folder. */
function reachable(root: string): boolean {
  try {
    const folder = opendirSync(root);
    try {
      return folder.readSync() !== null;
    } finally {
      folder.closeSync();
    }
  } catch {
    return false;
  }
}

function probe(path: string, root: string, maxBytes: number): MountState {
  let stat;
  let real: string;
  try {
    real = inside(path, root);
    stat = statSync(real);
  } catch (thrown) {
    if (isAbsence(thrown)) return { state: 'absent', rootReachable: reachable(root) };
    throw thrown;
  }
  if (!stat.isFile())
    return { state: 'broken', size: stat.size, mtimeMs: stat.mtimeMs, code: 'unreadable', message: 'is not a file' };
  const seen = { size: stat.size, mtimeMs: stat.mtimeMs };
  if (stat.size > maxBytes)
    return {
      state: 'broken',
      ...seen,
      code: 'too_large',
      message: `${stat.size} bytes, more than the ${maxBytes} that MAX_IMAGE_SIZE_MB allows`,
    };
  try {
    const source = openSource(real, maxBytes);
    try {
      const scan = scanHdus(source);
      const image = findImage(scan, imageOf);
      if (image)
        return {
          state: 'whole',
          ...seen,
          header: imageHeader(scan, image),
          hasImage: true,
          trailing: scan.trailing,
          sample: sampleData(source, image),
        };
      return {
        state: 'whole',
        ...seen,
        header: scan.hdus[0]!.header.toJSON(),
        hasImage: scan.hdus.some((hdu) => hdu.header.get('ZIMAGE') === true),
        trailing: scan.trailing,
        sample: null,
      };
    } finally {
      source.close();
    }
  } catch (thrown) {
    if (!(thrown instanceof FitsError)) throw thrown;
    const cause = thrown.cause as NodeJS.ErrnoException | undefined;
    if (cause?.code && PASSING.has(cause.code)) throw cause;
    return { state: 'broken', ...seen, code: thrown.code, message: thrown.message };
  }
}
/** Errors that pass: the share is away, another program holds the file open (EBUSY or ETXTBSY), or the system is short of something. */
const PASSING = new Set([
  'EBUSY',
  'ETXTBSY',
  'EAGAIN',
  'EINTR',
  'ENOENT',
  'EIO',
  'ESTALE',
  'ENOTCONN',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ECONNRESET',
  'ENODEV',
  'ENXIO',
  'ETIMEDOUT',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
]);

function imageOf(hdu: Parameters<typeof asImage>[0]): ReturnType<typeof asImage> {
  try {
    return asImage(hdu);
  } catch (thrown) {
    if (thrown instanceof FitsError && thrown.code === 'unsupported') return null;
    throw thrown;
  }
}

/**
 * Copies with sha256 on the way and continues the part of an interrupted copy. The part's name holds the source's size and time, so a changed
 * source never joins an old part.
 */
function copy(id: number, request: MountRequest & { op: 'copy' }): CopyResult {
  const started = performance.now();
  const from = openSync(inside(request.from, request.root), READ);
  let to: number | null = null;
  try {
    const before = fstatSync(from);
    if (!before.isFile()) throw new FitsError('unreadable', 'is not a file');
    if (before.size > request.maxBytes) throw new FitsError('too_large', `${before.size} bytes, more than allowed`);
    to = openSync(request.to, openFlags());
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(1, before.size)));
    let at = 0;
    let crc = 0;
    const resumeFrom = Math.min(fstatSync(to).size, before.size);
    while (at < resumeFrom) {
      const n = readSync(to, buffer, 0, Math.min(buffer.length, resumeFrom - at), at);
      if (n === 0) break;
      hash.update(buffer.subarray(0, n));
      crc = crc32(buffer.subarray(0, n), crc);
      at += n;
      send({ id, progress: true });
    }
    while (at < before.size) {
      const n = readSync(from, buffer, 0, Math.min(buffer.length, before.size - at), at);
      if (n === 0)
        throw new MountError('changed', `the file became shorter while it was copied: ${at} of ${before.size} bytes`);
      for (let written = 0; written < n;) written += writeSync(to, buffer, written, n - written, at + written);
      hash.update(buffer.subarray(0, n));
      crc = crc32(buffer.subarray(0, n), crc);
      at += n;
      send({ id, progress: true });
    }
    const after = fstatSync(from);
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs)
      throw new MountError('changed', 'the file changed while it was copied');
    const copied = performance.now();
    if (request.sync) fsyncSync(to);
    return {
      bytes: at,
      sha256: hash.digest('hex'),
      crc32: crc,
      copyMs: copied - started,
      syncMs: performance.now() - copied,
    };
  } finally {
    closeSync(from);
    if (to !== null) closeSync(to);
  }
}
const openFlags = (): number => 0o100 | 0o2;

const FITS_NAME = /\.(fits?|fts)(\.(gz|fz))?$/i;
const MAX_DEPTH = 8;

function list(folder: string, root: string, changedAfterMs: number): ListedFile[] {
  const out: ListedFile[] = [];
  const walk = (at: string, depth: number): void => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH) walk(path, depth + 1);
      else if (entry.isFile() && FITS_NAME.test(entry.name)) {
        // None where the file has just gone, or its name is in bytes that are no UTF-8.
        const stat = statSync(path, { throwIfNoEntry: false });
        if (stat && stat.mtimeMs >= changedAfterMs) out.push({ path, size: stat.size, mtimeMs: stat.mtimeMs });
      }
    }
  };
  walk(inside(folder, root), 0);
  return out.sort((a, b) => a.mtimeMs - b.mtimeMs || (a.path < b.path ? -1 : 1));
}

function send(message: MountMessage): void {
  process.send?.(message);
}

function answerTo(id: number, request: MountRequest): MountAnswer {
  switch (request.op) {
    case 'probe':
      return probe(request.path, request.root, request.maxBytes);
    case 'copy':
      return copy(id, request);
    case 'list':
      return list(request.folder, request.root, request.changedAfterMs);
    default:
      return reachable(request.root);
  }
}

process.on('message', ({ id, request }: { id: number; request: MountRequest }) => {
  try {
    send({ id, ok: true, answer: answerTo(id, request) });
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException;
    const code = thrown instanceof FitsError || thrown instanceof MountError ? thrown.code : 'failed';
    send({ id, ok: false, code, errno: code === 'failed' ? (error.code ?? null) : null, message: error.message });
  }
});
process.on('disconnect', () => process.exit(0));
