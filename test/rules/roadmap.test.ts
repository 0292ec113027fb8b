import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';

const read = (path: string): string => readFileSync(projectPath(path), 'utf8');
/** How many lines each section of the owner's roadmap has: ticks, routes, jobs, methods, items of a list. */
const LINES = Object.fromEntries(
  `1.1:5 1.2:4 1.3:8 1.4:8 1.5:6 1.6:6 2.1:6 2.2:5 2.3:5 2.4:3 2.5:10
  3.1.1:4 3.1.2:5 3.1.3:4 3.1.4:3 3.1.5:6 3.1.6:3 3.1.7:7 3.1.8:5 3.1.9:5 3.1.10:5 3.1.11:5 3.1.12:6 3.2:5 3.3:5
  4.1:12 4.2:5 4.3:7 5.1:5 5.2:5 5.3:6 5.4:5 5.5:3 6.1:8 6.2:5 6.3:4 7.1:12 7.2:6 7.3:7 8.1:4 8.2:4 8.3:4 8.4:6
  mvp:7 config:6 tests:14 support:8 golive:8`
    .split(/\s+/)
    .map((one) => one.split(':') as [string, string]),
);
const page = read('docs/roadmap.md');
const rows = [...page.matchAll(/^\| ((?:\d|mvp|config|tests|support|golive)[\d.]*) .*\|$/gm)].map((row) => ({
  line: row[1]!,
  text: row[0],
}));
/** The test that a row names, in whatever way a file writes its title: a test, a row of a table of tests, a method of PHPUnit. */
function holds(path: string, title: string): boolean {
  const source = read(path);
  if (path.endsWith('.php')) return source.includes(`function ${title}(`);
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote},`));
}

describe('docs/roadmap.md', () => {
  test('has every line of the owner’s roadmap, once, in its order', () => {
    const wanted = Object.entries(LINES).flatMap(([section, count]) => [
      ...(section === '3.1.1' ? ['3.1.0'] : []),
      ...Array.from({ length: Number(count) }, (_, i) => `${section}.${i + 1}`),
    ]);
    expect(rows.map(({ line }) => line)).toEqual(wanted);
  });

  test('names a test for each line, which exists and has that name, or says that it is not built', () => {
    const wrong = rows.flatMap(({ line, text }) => {
      const shown = [...text.matchAll(/`([^`]+(?:\.test\.ts|Test\.php))`: “([^”]+)”/g)];
      if (shown.length === 0 && !text.includes('**Not built**')) return [`${line} names no test`];
      return shown.flatMap(([, path, title]) => {
        if (!existsSync(projectPath(path!))) return [`${line}: ${path} is not there`];
        return holds(path!, title!) ? [] : [`${line}: ${path} has no “${title}”`];
      });
    });
    expect(wrong).toEqual([]);
  });

  test('names every item of the control page that its test looks for', () => {
    const items = /const ITEMS[^{]*\{([\s\S]*?)\n\};/.exec(read('test/web/pages.test.ts'))![1]!;
    const looked = new Set([...items.matchAll(/'([\w-]+)'/g)].map((found) => found[1]!));
    const named = rows
      .filter(({ line }) => /^3\.1\.(?!0)/.test(line))
      .flatMap(({ text }) => [...text.split('|')[2]!.matchAll(/`([\w-]+)`/g)].map((found) => found[1]!));
    expect(named.filter((name) => !looked.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(50);
  });
});
