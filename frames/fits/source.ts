import { spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { FitsError } from './errors.ts';

/** Random access to the bytes of a FITS file; every read is bounded by `size`. */
export interface ByteSource {
  readonly size: number;
  /** Reads up to `length` bytes at `position` into the start of `target`; returns how many there were. */
  read(target: Uint8Array, position: number, length: number): number;
  close(): void;
}

export function bufferSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (target, position, length) => {
      const part = bytes.subarray(Math.min(position, bytes.length), Math.min(position + length, bytes.length));
      target.set(part);
      return part.length;
    },
    close: () => undefined,
  };
}

function fdSource(fd: number, size: number, onClose?: () => void): ByteSource {
  return {
    size,
    read: (target, position, length) => {
      const wanted = Math.max(0, Math.min(length, size - position));
      let done = 0;
      while (done < wanted) {
        const n = readSync(fd, target, done, wanted - done, position + done);
        if (n === 0) break;
        done += n;
      }
      return done;
    },
    close: () => {
      closeSync(fd);
      onClose?.();
    },
  };
}

/** Opening for reading that never waits, as a pipe's would for its writer. */
export const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Larger contents are inflated onto the disk. */
const GZIP_MEMORY_LIMIT = 64 * 1024 * 1024;

/**
 * Opens a file for reading, synchronously (callers are worker threads and child processes). A gzip file is inflated first, into
 * memory while small; `maxBytes` bounds what comes out of it, so that a small file cannot ask for a large disk.
 * @throws FitsError empty, too_large, corrupt, unreadable
 */
export function openSource(path: string, maxBytes = 8 * 1024 ** 3): ByteSource {
  let fd: number;
  try {
    fd = openSync(path, READ);
  } catch (thrown) {
    throw new FitsError('unreadable', `cannot be opened: ${(thrown as NodeJS.ErrnoException).code ?? String(thrown)}`, {
      cause: thrown,
    });
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new FitsError('unreadable', 'is not a file');
    if (stat.size === 0) throw new FitsError('empty', 'the file is empty');
    if (stat.size > maxBytes) throw new FitsError('too_large', `${stat.size} bytes, more than the ${maxBytes} allowed`);
    const magic = new Uint8Array(2);
    if (stat.size >= 18 && readSync(fd, magic, 0, 2, 0) === 2 && magic[0] === 0x1f && magic[1] === 0x8b) {
      const source = inflated(fd, stat.size, Math.min(maxBytes, stat.size * 1100 + 2880));
      closeSync(fd);
      return source;
    }
    return fdSource(fd, stat.size);
  } catch (thrown) {
    try {
      closeSync(fd);
    } catch {
      // Already closed.
    }
    throw thrown instanceof FitsError
      ? thrown
      : new FitsError('unreadable', `cannot be read: ${(thrown as NodeJS.ErrnoException).code ?? String(thrown)}`, {
          cause: thrown,
        });
  }
}

/**
 * The content of a gzip file: in memory while small, else inflated onto the disk by a process of its own. A file of megabytes that inflates to
 * gigabytes takes no memory.
 */
function inflated(fd: number, bytes: number, maxBytes: number): ByteSource {
  if (bytes <= GZIP_MEMORY_LIMIT) {
    const packed = Buffer.alloc(bytes);
    const n = fdSource(fd, bytes).read(packed, 0, bytes);
    const plain = inMemory(packed.subarray(0, n), Math.min(maxBytes, GZIP_MEMORY_LIMIT));
    if (plain?.length === 0) throw new FitsError('empty', 'the gzip file holds nothing');
    if (plain) return bufferSource(plain);
    if (maxBytes <= GZIP_MEMORY_LIMIT) throw tooLarge(maxBytes);
  }
  const spill = join(tmpdir(), `fits-${randomUUID()}`);
  const out = openSync(spill, 'wx+', 0o600);
  rmSync(spill);
  try {
    inflateToFile(fd, out, maxBytes);
    return fdSource(out, fstatSync(out).size);
  } catch (thrown) {
    closeSync(out);
    throw thrown;
  }
}

const tooLarge = (maxBytes: number): FitsError => new FitsError('too_large', `inflates to more than ${maxBytes} bytes`);

/** Null when the content is larger than the limit. */
function inMemory(packed: Buffer, limit: number): Buffer | null {
  try {
    return gunzipSync(packed, { maxOutputLength: limit });
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException;
    if (error.code === 'ERR_BUFFER_TOO_LARGE') return null;
    throw new FitsError('corrupt', `gzip: ${error.code ?? error.message}`);
  }
}

const [TOO_LARGE, CORRUPT] = [3, 4];
/** zlib inflates piece by piece only asynchronously, and readers of FITS files are synchronous: so a process does it. */
const INFLATE = `
const { createReadStream, writeSync } = require('node:fs');
const { createGunzip } = require('node:zlib');
let left = Number(process.argv[1]);
createReadStream('', { fd: 3, autoClose: false, start: 0 })
  .on('error', (error) => { process.stderr.write(error.code); process.exit(1); })
  .pipe(createGunzip())
  .on('error', (error) => { process.stderr.write(error.code); process.exit(${CORRUPT}); })
  .on('data', (chunk) => {
    left -= chunk.length;
    if (left < 0) process.exit(${TOO_LARGE});
    for (let at = 0; at < chunk.length;) at += writeSync(4, chunk, at);
  });
`;

function inflateToFile(from: number, to: number, maxBytes: number): void {
  const { status, stderr, error } = spawnSync(process.execPath, ['-e', INFLATE, String(maxBytes)], {
    stdio: ['ignore', 'ignore', 'pipe', from, to],
    env: {},
    encoding: 'utf8',
  });
  if (status === 0) return;
  if (status === TOO_LARGE) throw tooLarge(maxBytes);
  if (status === CORRUPT) throw new FitsError('corrupt', `gzip: ${stderr}`);
  // No room for the content or no process: nothing is known of the file.
  throw new FitsError('unreadable', `cannot be inflated: ${error?.message ?? stderr.slice(-200)}`, {
    cause: error ?? Object.assign(new Error(stderr.slice(-200)), { code: 'EAGAIN' }),
  });
}
