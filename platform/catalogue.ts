import { readFileSync } from 'node:fs';
import { Catalogue } from '../domain/catalogue/index.ts';
import { projectPath } from './paths.ts';

let read: Catalogue | null = null;
/** The project's offline catalogue, read from its file once. */
export const catalogue = (): Catalogue =>
  (read ??= new Catalogue(readFileSync(projectPath('domain', 'catalogue', 'objects.txt'), 'utf8')));
