import { readFileSync, readdirSync, statSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
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
    pictures: [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map((found) =>
      found[1]!.replace(/\.(fr|en)\.webp$/, '.webp'),
    ),
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

  test('each language has its film of a night, of 20 to 40 seconds and no more than 2 MB, in its own guide', async () => {
    for (const locale of ['fr', 'en'] as const) {
      const path = projectPath('docs', 'screenshots', `night.${locale}.webp`);
      expect(read(`guide.${locale}.md`)).toContain(`screenshots/night.${locale}.webp`);
      const { pages, delay } = await sharp(path, { pages: -1 }).metadata();
      expect(pages).toBeGreaterThan(40);
      const seconds = (delay ?? []).reduce((sum, ms) => sum + ms, 0) / 1000;
      expect([seconds >= 20, seconds <= 40, statSync(path).size <= 2_000_000]).toEqual([true, true, true]);
    }
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
