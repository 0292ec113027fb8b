import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';
import { FAQ } from '../../web/client/i18n/faq.ts';

const read = (name: string): string => readFileSync(projectPath('docs', name), 'utf8');
const GUIDES = readdirSync(projectPath('docs')).flatMap((name) => /^(.+)\.fr\.md$/.exec(name)?.[1] ?? []);
/** What two languages must have alike: chapters by depth, questions, lines of tables and lists, pictures, commands, links to other pages. */
function shape(text: string): object {
  return {
    chapters: [...text.matchAll(/^#+/gm)].map((found) => found[0].length),
    questions: [...text.matchAll(/^\*\*[^*]+\?\*\*/gm)].length,
    rows: [...text.matchAll(/^(?:\||- |\d+\. )/gm)].length,
    pictures: [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map((found) => found[1]),
    commands: [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map((found) => found[1]!.replaceAll(/ +#.*/g, '')),
    links: [...text.matchAll(/[^!]\[[^\]]+\]\(([^)#]+)/g)]
      .map((found) => found[1]!.replace(/\.(fr|en)\.md$/, '.md'))
      .sort(),
  };
}

describe('guides in two languages', () => {
  test('the guides say the same in both languages: chapters, questions, pictures', () => {
    expect(GUIDES.length).toBeGreaterThan(0);
    for (const name of GUIDES)
      expect([name, shape(read(`${name}.fr.md`))]).toEqual([name, shape(read(`${name}.en.md`))]);
    expect((shape(read('guide.en.md')) as { pictures: string[] }).pictures.length).toBeGreaterThan(4);
  });

  test("every question of the page's help is answered in the guide as well", () => {
    for (const locale of ['fr', 'en'] as const) {
      const page = read(`guide.${locale}.md`);
      expect(FAQ.map((one) => `**${one[locale].q}** ${one[locale].a}`).filter((text) => !page.includes(text))).toEqual(
        [],
      );
    }
  });
});
