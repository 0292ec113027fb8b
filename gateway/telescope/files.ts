import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes JSON so that after a power cut either the old or the new content stands: temporary file, fsync, rename, fsync of the folder.
 * Synchronous on purpose: what it guards (grants, latches, sent commands) must be on disk before the next line leaves the socket.
 */
export function writeJsonDurably(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  const handle = openSync(temporary, 'w', 0o600);
  try {
    writeSync(handle, JSON.stringify(value));
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The content, or null when there is no such file. @throws Error naming the file when it is not JSON. */
export function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw thrown;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw new Error(`${path} is not JSON: ${(thrown as Error).message}`, { cause: thrown });
  }
}
