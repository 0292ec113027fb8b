import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { z } from 'zod';
import { BookingRequest } from '../../domain/contracts/booking.ts';
import { Telescope } from '../../domain/contracts/telescope.ts';
import { QUERIES, SIGNALS } from '../../domain/messages.ts';
import { projectPath } from '../../platform/paths.ts';
import { resolveTemporal } from '../../stack/temporal-cli.ts';

const read = (path: string): string => readFileSync(projectPath(path), 'utf8');
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'clients/laravel/README.md',
  'clients/typescript/README.md',
  ...readdirSync(projectPath('docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
interface Snippet {
  page: string;
  language: string;
  text: string;
}
const SNIPPETS: Snippet[] = PAGES.flatMap((page) =>
  [...read(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    page,
    language: match[1]!,
    text: match[2]!,
  })),
);
const of = (...languages: string[]): [string, Snippet][] =>
  SNIPPETS.filter(({ language }) => languages.includes(language)).map((snippet) => [
    `${snippet.page}: ${snippet.text.trim().split('\n')[0]!.slice(0, 60)}`,
    snippet,
  ]);
const faultOf = (command: string, args: string[], input: string): string => {
  const { status, stdout, stderr } = spawnSync(command, args, { input, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}`;
};
const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
/** A page writes … where something of the reader's own stands. */
const filledIn = (text: string): string => text.replaceAll('…', 'x');

describe('every snippet of the pages', () => {
  const CHECKED = ['', 'sh', 'bash', 'json', 'php', 'blade', 'js', 'ts', 'html', 'env', 'nginx'];
  test('is in a language that is checked here', () => {
    expect(SNIPPETS.filter(({ language }) => !CHECKED.includes(language))).toEqual([]);
  });

  test.each(of('sh', 'bash'))('parses as shell: %s', (_name, { text }) => {
    expect(faultOf('bash', ['-n'], text)).toBe('');
  });

  test.each(of('js', 'ts'))('parses as TypeScript: %s', (_name, { text }) => {
    expect(faultOf(projectPath('node_modules/.bin/esbuild'), ['--loader=ts', '--format=esm'], filledIn(text))).toBe('');
  });

  test.each(of('html'))('has expressions that parse: %s', (_name, { text }) => {
    const expressions = [...text.matchAll(/(?:x-data|@[\w:]+)="([^"]*)"/g)].map((match) => match[1]!);
    expect(expressions).not.toEqual([]);
    for (const expression of expressions)
      expect(faultOf(projectPath('node_modules/.bin/esbuild'), ['--loader=ts'], `(${expression})`)).toBe('');
  });

  (has('php', '-v') ? describe : describe.skip)('with PHP', () => {
    test.each(of('php'))('parses: %s', (_name, { text }) => {
      expect(faultOf('php', ['-l'], `<?php\n${filledIn(text)}`)).toBe('');
    });
  });

  test.each(of('blade'))('names components, options and files that there are: %s', (_name, { text }) => {
    const components = [...text.matchAll(/<x-nocturne::([\w-]+)/g)].map((match) =>
      match[1]!
        .split('-')
        .map((word) => word[0]!.toUpperCase() + word.slice(1))
        .join(''),
    );
    expect(
      components.filter((name) => !existsSync(projectPath(`clients/laravel/src/View/Components/${name}.php`))),
    ).toEqual([]);
    const assets = [...text.matchAll(/\/assets\/([\w-]+)\.(?:js|css)/g)].map((match) => match[1]!);
    expect(assets.filter((name) => !read('web/build.mjs').includes(name))).toEqual([]);
  });

  test.each(of('env'))('sets variables that the package reads: %s', (_name, { text }) => {
    const config = read('clients/laravel/config/nocturne.php');
    expect(text.split('\n').filter((line) => line && !config.includes(`'${line.split('=')[0]}'`))).toEqual([]);
  });

  test.each(of('json'))('is what the schema takes: %s', (_name, { text }) => {
    const given = JSON.parse(text) as unknown[];
    expect(given.map((one) => Telescope.strict().safeParse(one).error)).toEqual([undefined]);
  });

  test('bodies that are sent by curl are what the route takes', () => {
    const bodies = of('sh', 'bash').flatMap(([, { page, text }]) =>
      [...text.matchAll(/curl [^\n]*\/api\/(\w+)\/[^\n]* -d '([\s\S]*?)\n}'/g)].map((match) => ({
        page,
        route: match[1]!,
        body: `${match[2]!.replaceAll(/'\$(\w+)'/g, (_all, name: string) => ({ TELESCOPE: 'demo', AT: '2026-11-23T22:00:00Z', END: '2026-11-23T22:30:00Z' })[name] ?? name)}\n}`,
      })),
    );
    const schemas: Record<string, z.ZodObject> = { bookings: BookingRequest };
    expect(bodies.length).toBeGreaterThan(0);
    for (const { page, route, body } of bodies)
      expect([page, schemas[route]!.strict().safeParse(JSON.parse(body)).error]).toEqual([page, undefined]);
  });

  test('artisan commands are those of the package', () => {
    const folder = 'clients/laravel/src/Console';
    const there = readdirSync(projectPath(folder)).flatMap(
      (name) => /\$signature = '(nocturne:\w+)/.exec(read(join(folder, name)))?.[1] ?? [],
    );
    const told = PAGES.flatMap((page) => [...read(page).matchAll(/artisan (nocturne:\w+)/g)].map((m) => m[1]!));
    expect(told.length).toBeGreaterThan(3);
    expect(told.filter((name) => !there.includes(name))).toEqual([]);
  });
});

describe('commands of Temporal that the pages tell', () => {
  const told = [
    ...new Set(
      PAGES.flatMap((page) =>
        [...read(page).matchAll(/`temporal ([^`]+)`|^temporal ((?:[^\n]*\\\n)*[^\n]*)/gm)].map((match) =>
          (match[1] ?? match[2])!.replaceAll('\\|', '|').replaceAll('\\\n', ' ').split(' | ')[0]!.trim(),
        ),
      ),
    ),
  ];
  const wordsOf = (line: string): string[] => {
    const words = line.split(/\s+/);
    const end = words.findIndex((word) => !/^[a-z-]+$/.test(word) || word.startsWith('--'));
    return end === -1 ? words : words.slice(0, end);
  };
  const withoutValues = (line: string): string => line.replaceAll(/'[^']*'/g, "''");

  test('name signals, queries and bodies that there are', () => {
    expect(told.length).toBeGreaterThan(15);
    for (const line of told) {
      const signal = /^workflow signal .*--name (\w+)/.exec(line)?.[1];
      if (signal) expect(Object.keys(SIGNALS)).toContain(signal);
      const query = /^workflow query .*--type (\w+)/.exec(line)?.[1];
      if (query) expect(Object.keys(QUERIES)).toContain(query);
      const input = /--input '([^']*)'/.exec(line)?.[1];
      if (input) expect(() => void JSON.parse(input)).not.toThrow();
    }
  });

  test('are known to the program, with each of their options', async () => {
    const cli = await resolveTemporal('temporal', { ways: ['variable', 'path', 'cache'] }).catch(() => null);
    if (!cli) {
      console.warn('SKIPPED: Temporal’s program is not here yet.');
      return;
    }
    const helps = new Map<string, string>();
    const { stdout: everywhere } = spawnSync(cli.path, ['options'], { encoding: 'utf8' });
    const unknown = told.flatMap((line) => {
      const words = wordsOf(line).join(' ');
      if (!helps.has(words)) {
        const { status, stdout } = spawnSync(cli.path, [...words.split(' '), '--help'], { encoding: 'utf8' });
        helps.set(words, status === 0 ? stdout : '');
      }
      const help = helps.get(words)!;
      if (!help.includes(`temporal ${words}`)) return [`temporal ${words}`];
      const options = withoutValues(line).match(/--[a-z][a-z-]*/g) ?? [];
      return options
        .filter((option) => !`${help}${everywhere}`.includes(option))
        .map((option) => `temporal ${words} ${option}`);
    });
    expect(unknown).toEqual([]);
  });

  test('a fault that was mended needs the same on both pages', () => {
    const row = (page: string): string =>
      /^\| go on after a fault in the code was mended \| (.*) \|$/m.exec(read(page))?.[1] ?? 'is not there';
    expect(row('docs/operations.md')).toBe(row('docs/operator-runbook.md'));
  });
});
