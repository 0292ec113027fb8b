import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FIGURES } from '../../domain/definitions.ts';
import { projectPath } from '../../platform/paths.ts';

const read = (path: string): string => readFileSync(projectPath(path), 'utf8');
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(projectPath('docs'))
    .filter((name) => name.endsWith('.md') && name !== 'api.md')
    .map((name) => `docs/${name}`),
];
/** A path of the checkout in code letters: a folder that exists, or a file with an ending. */
const PATH =
  /`((?:activities|api|bench|domain|frames|gateway|platform|scripts|simulator|test|web|worker|workflows)\/(?:[\w./-]*\/)?(?:[\w.-]+\.(?:ts|mjs|json|md|sql|prisma|sh))?)`/g;

describe('docs', () => {
  test.each(PAGES)('%s names files that are there', (page) => {
    const named = [...read(page).matchAll(PATH)].map((match) => match[1]!);
    expect(named.filter((path) => !existsSync(projectPath(path)))).toEqual([]);
  });

  test.each(PAGES)('%s links to pages that are there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)].map((match) => match[1]!);
    expect(links.filter((link) => !existsSync(join(projectPath(dirname(page)), link)))).toEqual([]);
  });

  test('every command that a page tells people to run exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const told = PAGES.flatMap((page) =>
      [...read(page).matchAll(/npm run (?:-s |--silent )?([a-z][a-z-]*(?::[a-z]+)*)(?!:?\{|[a-z:])/g)].map(
        (match) => `${page}: ${match[1]}`,
      ),
    );
    expect(told.length).toBeGreaterThan(20);
    expect(told.filter((line) => !Object.hasOwn(scripts, line.split(': ')[1]!))).toEqual([]);
  });

  test('docs/analytics.md defines each figure in the words that pages, report and API have', () => {
    const page = read('docs/analytics.md');
    const missing = Object.entries(FIGURES).filter(([, { name, is }]) => !page.includes(`| ${name.en} | ${is.en} |`));
    expect(missing.map(([figure]) => figure)).toEqual([]);
  });

  test('the page about people names every table that there is', () => {
    const tables = [...read('prisma/schema.prisma').matchAll(/@@map\("(\w+)"\)/g)].map((match) => match[1]!);
    expect(tables.length).toBeGreaterThan(30);
    const page = read('docs/privacy.md');
    expect(tables.filter((table) => !page.includes(`\`${table}\``))).toEqual([]);
  });

  test('each rule of safety that a comment cites is a layer of docs/safety.md', () => {
    const layers = new Set([...read('docs/safety.md').matchAll(/^## (\d+)\./gm)].map((match) => match[1]));
    expect(layers.size).toBe(15);
    const cited = execFileSync('git', ['grep', '-hoE', 'safety\\.md,? [0-9]+', '--', '*.ts'], {
      cwd: projectPath(),
      encoding: 'utf8',
    });
    const numbers = new Set(cited.match(/\d+/g));
    expect(numbers.size).toBeGreaterThan(8);
    expect([...numbers].filter((number) => !layers.has(number))).toEqual([]);
  });
});
