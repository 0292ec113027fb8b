import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';

const CLIENT = projectPath('web', 'client');
const css = readdirSync(CLIENT, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.css'))
  .map((name) => readFileSync(join(CLIENT, name), 'utf8'))
  .join('\n');
const motions = new Map([...css.matchAll(/@keyframes (\w+) \{([\s\S]*?)\n\}/g)].map((found) => [found[1]!, found[2]!]));
const shown = [...css.matchAll(/animation: (\w+) ([^;]+);/g)].map((found) => ({
  name: found[1]!,
  how: found[2]!,
}));

describe('the theme', () => {
  test('every animation of the roadmap is there, and all of them stand still for whoever wants no motion', () => {
    expect([...motions.keys()].sort()).toEqual(['birth', 'nebula', 'orbit', 'pulsar']);
    expect([...new Set(shown.map(({ name }) => name))].sort()).toEqual([...motions.keys()].sort());
    const still = /@media \(prefers-reduced-motion: reduce\) \{\s*\*,\s*\*::before,\s*\*::after \{([\s\S]*?)\}/.exec(
      css,
    );
    expect(still?.[1]).toMatch(/animation-duration: 0\.001ms !important/);
    expect(still?.[1]).toMatch(/animation-iteration-count: 1 !important/);
  });

  test('what turns all night moves by opacity and transform alone', () => {
    const endless = shown.filter(({ how }) => how.includes('infinite')).map(({ name }) => name);
    expect([...new Set(endless)].sort()).toEqual(['orbit', 'pulsar']);
    for (const name of endless) {
      const moved = [...motions.get(name)!.matchAll(/^\s+([a-z-]+):/gm)].map((found) => found[1]!);
      expect([name, moved.filter((one) => one !== 'opacity' && one !== 'transform')]).toEqual([name, []]);
    }
  });

  test('what is active glows in the colour of its state', () => {
    const glows = (selector: string): boolean =>
      [...css.matchAll(/([^{}]+)\{([^{}]*)\}/g)].some(
        ([, of, rules]) =>
          of!.includes(selector) && /(?:text-shadow|box-shadow):[^;]*var\(--(?:tone|accent|good)/.test(rules!),
      );
    for (const active of ['.phase-orb', '.status-orb', '.verdict-orb', '.frost.on', '.lights li.on'])
      expect([active, glows(active)]).toEqual([active, true]);
  });
});
