import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('nocturne: no package.json above the running code; the installation is incomplete');
    folder = parent;
  }
  return folder;
}

/** Folder of package.json, the same whether the code runs from source or from dist/. Data files are read from here. */
export const projectRoot: string = findRoot();
export const projectPath = (...parts: string[]): string => join(projectRoot, ...parts);
