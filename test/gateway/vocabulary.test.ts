import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../gateway/protocol/requests.ts';
import { loadDialect } from '../../gateway/robotarget/dialect.ts';
import { projectRoot } from '../../platform/paths.ts';

const FOLDERS = [
  'activities',
  'api',
  'bench',
  'clients',
  'domain',
  'frames',
  'gateway',
  'platform',
  'prisma',
  'scripts',
  'simulator',
  'web',
  'worker',
  'workflows',
];
const CODE = /\.(ts|mjs|cjs|js|php|html|prisma|sql)$/;

function* files(folder: string): Generator<string> {
  for (const entry of readdirSync(join(projectRoot, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== 'vendor') yield* files(path);
    else if (entry.isFile() && CODE.test(entry.name)) yield path;
  }
}

describe('reserved vocabulary', () => {
  test('the methods of the dialect are written in its data file and nowhere else', () => {
    const reserved = [...new Set(Object.values(loadDialect().commands).map((command) => command.method))].filter(
      (method) => !COMMANDS.has(method),
    );
    expect(reserved.length).toBeGreaterThan(9);
    const names = new RegExp(
      reserved.map((method) => method.replace(/^RemoteOpenRoboTarget/, '')).join('\\b|') + '\\b',
    );
    const found: string[] = [];
    let read = 0;
    for (const folder of FOLDERS)
      for (const path of files(folder)) {
        read++;
        for (const [i, line] of readFileSync(join(projectRoot, path), 'utf8').split('\n').entries())
          if (line.includes('RemoteOpenRoboTarget') && names.test(line)) found.push(`${path}:${i + 1}`);
      }
    expect(read).toBeGreaterThan(200);
    expect(found.filter((place) => !/\.test\.ts:/.test(place))).toEqual([]);
  });
});
