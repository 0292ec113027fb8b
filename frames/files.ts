import { rename, writeFile } from 'node:fs/promises';

/** Writes beside the name and renames, so that a reader never sees half a file and a repeat replaces it. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  await writeFile(part, bytes);
  await rename(part, path);
}
