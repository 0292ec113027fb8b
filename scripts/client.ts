/** `npm run client`: makes anew what the clients are made of, after a change of routes, schemas or reasons. Tests compare each file with its maker. */
import { writeFileSync } from 'node:fs';
import { openApiOfNobody } from '../api/documents.ts';
import { projectPath } from '../platform/paths.ts';
import { reasonsFile } from './client/laravel.ts';
import { clientSource } from './client/typescript.ts';
import { answerHelp } from './help.ts';

answerHelp('npm run client: writes clients/typescript/nocturne.ts and the reasons of clients/laravel anew.');
const files: [path: string[], text: string][] = [
  [['typescript', 'nocturne.ts'], clientSource(await openApiOfNobody('/'))],
  ...(['en', 'fr'] as const).map((locale): [string[], string] => [
    ['laravel', 'resources', 'lang', locale, 'reasons.php'],
    reasonsFile(locale),
  ]),
];
for (const [path, text] of files) {
  writeFileSync(projectPath('clients', ...path), text);
  process.stdout.write(`clients/${path.join('/')}\n`);
}
