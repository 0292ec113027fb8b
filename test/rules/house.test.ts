import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';
import { counts, differences, measure, readList } from '../../scripts/sizes.mjs';

const read = (...path: string[]): string => readFileSync(projectPath(...path), 'utf8');

describe('sizes of files and functions', () => {
  test('nothing is larger than the rules allow but what the list names, and the list names nothing else', () => {
    expect(differences(measure(), readList())).toEqual([]);
  }, 60_000);

  test('the list of what may be larger only shrinks', () => {
    let before: string;
    try {
      const commits = execFileSync('git', ['log', '-2', '--format=%H', '--', 'scripts/sizes.json'], {
        cwd: projectPath(),
        encoding: 'utf8',
      }).split('\n');
      const base = commits[1] || commits[0];
      if (!base) return;
      before = execFileSync('git', ['show', `${base}:scripts/sizes.json`], { cwd: projectPath(), encoding: 'utf8' });
    } catch {
      // Without the history (an archive of the source) there is nothing to compare with.
      return;
    }
    const [now, then] = [counts(readList()), counts(readList(before))];
    console.log('larger than the rules allow:', now);
    for (const [rule, n] of Object.entries(now)) expect([rule, n <= (then[rule] ?? 0)]).toEqual([rule, true]);
  });

  test('a function that is too long and not in the list is named', () => {
    expect(differences({ 'max-lines a.ts': 301 }, {})).toEqual(['max-lines a.ts: 301 is too large; divide it']);
    expect(differences({ 'max-lines a.ts': 320 }, { 'max-lines a.ts': 310 })).toHaveLength(1);
    expect(differences({}, { 'max-lines a.ts': 310 })).toHaveLength(1);
  });
});

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
      stack: ['domain', 'platform'],
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

/** `name in object` is true of `constructor` too. */
test('whether an object has what somebody named is asked of Object.hasOwn; the left of `in` is a word of ours', () => {
  const files = execFileSync('git', ['ls-files', '*.ts'], { cwd: projectPath(), encoding: 'utf8' })
    .split('\n')
    .filter((path) => /^(activities|api|domain|frames|gateway|platform|web|worker|workflows)\//.test(path))
    .filter((path) => path !== '' && !path.endsWith('.test.ts'));
  const IN = /(?<![\w'`])([\w.\])]+) in (?!\[)[\w(]/g;
  const asked = (text: string): string[] => {
    const code = text
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/`[^`]*`|'(?:[^'\\\n]|\\.)*'|"[^"\n]*"/g, "''")
      .replace(/\/\/.*|\/(?![*/])(?:[^/\n\\]|\\.)+\/[a-z]*(?=[,.);\s])/g, '');
    return [...code.matchAll(IN)]
      .filter(({ index }) => !/(for \(|\[)[^)\]]*$/.test(code.slice(Math.max(0, code.lastIndexOf('\n', index)), index)))
      .map(([found]) => found);
  };
  expect(asked("if (!(shot.filter in telescope.filters)) return; // in a comment\n const x = 'in a text';")).toEqual([
    'shot.filter in t',
  ]);
  expect(asked("type A = { [K in keyof B]: C }; for (const a in b) x; if ('end' in next) y;")).toEqual([]);
  const found = files.flatMap((path) => asked(read(path)).map((code) => `${path}: ${code}`));
  expect(found).toEqual([]);
});
