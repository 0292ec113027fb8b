import { closeSync, constants, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
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

const GZIP_MEMORY_LIMIT = 192 * 1024 * 1024;

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
      const packed = Buffer.alloc(stat.size);
      const n = fdSource(fd, stat.size).read(packed, 0, stat.size);
      closeSync(fd);
      return inflated(packed.subarray(0, n), Math.min(maxBytes, packed.length * 1100 + 2880));
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

function inflated(packed: Buffer, maxBytes: number): ByteSource {
  let plain: Buffer;
  try {
    plain = gunzipSync(packed, { maxOutputLength: Math.min(maxBytes, 2 ** 31 - 1) });
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException;
    if (error.code === 'ERR_BUFFER_TOO_LARGE')
      throw new FitsError('too_large', `inflates to more than ${maxBytes} bytes`);
    throw new FitsError('corrupt', `gzip: ${error.code ?? error.message}`);
  }
  if (plain.length === 0) throw new FitsError('empty', 'the gzip file holds nothing');
  if (plain.length <= GZIP_MEMORY_LIMIT) return bufferSource(plain);
  const spill = join(tmpdir(), `fits-${randomUUID()}`);
  const fd = openSync(spill, 'wx+', 0o600);
  rmSync(spill);
  for (let at = 0; at < plain.length;) at += writeSync(fd, plain, at, Math.min(1 << 24, plain.length - at), at);
  return fdSource(fd, plain.length);
}
