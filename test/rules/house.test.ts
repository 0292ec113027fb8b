import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';

const read = (...path: string[]): string => readFileSync(projectPath(...path), 'utf8');

describe('walls between the floors', () => {
  interface Wall {
    files: string[];
    rules: { 'no-restricted-imports'?: ['error', { patterns: { regex?: string; group?: string[] }[] }] };
  }
  const walls = (JSON.parse(read('.oxlintrc.json')) as { overrides: Wall[] }).overrides.filter(
    (override) => override.rules['no-restricted-imports'],
  );
  /** Folders with code of ours; nobody may import tests and benchmarks, which import whatever they like. */
  const floors = readdirSync(projectPath(), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .filter((name) => execFileSync('git', ['ls-files', `${name}/*.ts`], { cwd: projectPath() }).length > 0)
    .filter((name) => name !== 'clients' && name !== 'prisma');

  test('every floor but tests and benchmarks has one', () => {
    expect(walls.map((wall) => wall.files[0]!.replace('/**', '')).sort()).toEqual(
      floors.filter((name) => name !== 'test' && name !== 'bench').sort(),
    );
  });

  test('every wall either names another floor or lets it through on purpose', () => {
    const MAY: Record<string, string[]> = {
      domain: [],
      web: ['domain'],
      workflows: ['domain'],
      platform: ['domain'],
      gateway: ['domain', 'platform'],
      frames: ['domain', 'platform'],
      simulator: ['domain', 'platform', 'gateway', 'frames'],
      api: ['domain', 'platform', 'frames', 'web'],
      activities: ['domain', 'platform', 'frames'],
      worker: ['domain', 'platform', 'frames', 'activities', 'workflows'],
      scripts: floors.filter((name) => !['test', 'bench', 'scripts'].includes(name)),
    };
    for (const wall of walls) {
      const floor = wall.files[0]!.replace('/**', '');
      const regex = new RegExp(wall.rules['no-restricted-imports']![1].patterns[0]!.regex!);
      const open = floors.filter((other) => other !== floor && !regex.test(`../../${other}/x.ts`));
      expect([floor, open.sort()]).toEqual([floor, MAY[floor]!.sort()]);
    }
  });

  test('a circle of imports counts type imports too', () => {
    expect(JSON.parse(read('.oxlintrc.json')).rules['import/no-cycle']).toEqual(['error', { ignoreTypes: false }]);
  });
});
