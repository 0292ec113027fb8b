import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parseSync } from '@swc/core';
import { isSafe } from 'redos-detector';
import { projectPath } from '../../platform/paths.ts';

/**
 * Every pattern that a stranger's text can reach takes time in proportion to the text: none of them backtracks without bound. Where requests
 * and wires are read is in these folders; settings are the operator's own and are read once.
 */
const ROOTS = ['api', 'domain', 'platform', 'gateway'];
const OWN = /^platform\/settings\//;
const MAX_STEPS = 20_000;
const MAX_SCORE = 200;

interface Pattern {
  file: string;
  source: string;
  flags: string;
}

function patternsOf(file: string): Pattern[] {
  const found: Pattern[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, pattern, flags } = node as { type?: string; pattern?: string; flags?: string };
    if (type === 'RegExpLiteral') found.push({ file, source: pattern!, flags: flags ?? '' });
    for (const child of Object.values(node)) walk(child);
  };
  walk(parseSync(readFileSync(projectPath(file), 'utf8'), { syntax: 'typescript', target: 'es2022' }));
  return found;
}
const filesOf = (folder: string): string[] =>
  readdirSync(projectPath(folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(projectPath().length + 1));

/** Patterns whose time is not in proportion to the text. */
const slow = (patterns: readonly Pattern[]): string[] =>
  patterns
    .filter(({ source, flags }) => {
      const verdict = isSafe(new RegExp(source, flags), { maxSteps: MAX_STEPS, maxScore: MAX_SCORE });
      return !verdict.safe;
    })
    .map(({ file, source, flags }) => `${file}: /${source}/${flags}`);

test('every pattern of the code that reads requests and wires is linear', () => {
  const patterns = ROOTS.flatMap(filesOf)
    .filter((file) => !OWN.test(file))
    .flatMap(patternsOf);
  expect(patterns.length).toBeGreaterThan(100);
  expect(slow(patterns)).toEqual([]);
}, 240_000);

test('the check sees a pattern that is not', () => {
  const pattern = { file: 'x', source: String.raw`^\s*(\d+)\s*[:\s]\s*(\d+)\s*[:\s]?\s*$`, flags: '' };
  expect(slow([pattern])).toHaveLength(1);
});
