import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { projectPath } from '../../platform/paths.ts';
import { CHROMIUM, launch } from '../web/browser.ts';
import { Film } from './film.ts';
import { BUILT, startObservatory } from './stack.ts';

/**
 * Records docs/screenshots/night.fr.webp and night.en.webp: a guest's night from the booking to the report, one real night of the whole stack filmed in
 * both languages at once. `npm run screencast [-- --out DIR]`; needs the build and Chromium (CHROMIUM_PATH). About five minutes.
 */
const ID = 'night-on-film';
const SLOT_SECONDS = 130;
const LRGB = ['L', 'R', 'G', 'B'].map((filter) => ({ filter, exposure_seconds: 4, quantity: 5 }));
const LIVE = '[data-section="header"] [data-item="connection"][data-tone="good"]';
const LANGUAGES = ['fr', 'en'] as const;
type Language = (typeof LANGUAGES)[number];

/** What the film says, in a guest's words. */
const SAID = {
  book: {
    fr: 'Choisissez votre cible : la courbe montre quand elle est haute.',
    en: 'Choose your target: the curve shows when it stands high.',
  },
  before: {
    fr: 'Avant l’heure : tout se prépare, la page compte.',
    en: 'Before it starts: all is made ready, the page counts down.',
  },
  night: {
    fr: 'La nuit commence toute seule. Chaque image arrive sous vos yeux.',
    en: 'The night begins by itself. Each picture comes in before your eyes.',
  },
  clouds: { fr: 'Des nuages : la séance attend, et dit pourquoi.', en: 'Clouds: the session waits, and says why.' },
  clear: { fr: 'Le ciel se dégage : elle reprend d’elle-même.', en: 'The sky clears: it goes on by itself.' },
  pause: { fr: 'Une pause ? Elle est confirmée par le télescope.', en: 'A pause? The telescope confirms it.' },
  report: {
    fr: 'Au matin : vos images, où le temps est passé, ce qui vous est rendu.',
    en: 'In the morning: your pictures, where the time went, what you get back.',
  },
} as const satisfies Record<string, Record<Language, string>>;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
if (CHROMIUM === null || !BUILT) {
  say(CHROMIUM === null ? 'No Chromium was found: set CHROMIUM_PATH to one.' : 'Nothing is built yet: npm run build.');
  process.exit(1);
}
const { values } = parseArgs({
  options: { out: { type: 'string', default: projectPath('docs', 'screenshots') } },
});
mkdirSync(values.out, { recursive: true });
const observatory = await startObservatory({}, { name: 'Newton 250 f/4', camera: { width: 1504, height: 1128 } });
const browser = await launch();
try {
  const { api, stack } = observatory;
  const films = await Promise.all(
    LANGUAGES.map(async (language) => {
      const context = await browser.newContext({
        viewport: { width: 1440, height: 960 },
        locale: language === 'fr' ? 'fr-FR' : 'en-GB',
      });
      const page = await context.newPage();
      return { language, page, film: new Film(page) };
    }),
  );
  /** The same scene in each language at the same time. */
  const scene = async (
    name: keyof typeof SAID,
    seconds: number,
    acting?: (page: Page) => Promise<void>,
  ): Promise<void> => {
    await Promise.all(films.map(({ film, language }) => film.scene(SAID[name][language], seconds * 1000, acting)));
    say(name);
  };
  const open = (url: string, ready: (page: Page) => Promise<unknown>): Promise<unknown> =>
    Promise.all(
      films.map(async ({ page }) => {
        // Its own blank page between, since an address that differs in its fragment alone opens nothing anew.
        await page.goto('about:blank');
        await page.goto(url);
        await ready(page);
      }),
    );
  const until = async (done: (booking: Awaited<ReturnType<typeof observatory.booking>>) => boolean): Promise<void> => {
    while (!done(await observatory.booking(ID))) await new Promise((resolve) => setTimeout(resolve, 300));
  };

  const user = await observatory.token('user', 'guest-8');
  await open(`${stack.apiUrl}/book#token=${user}`, (page) => page.locator('[data-item="search"]').waitFor());
  await scene('book', 6, async (page) => {
    await page.waitForTimeout(1_000);
    await page.locator('[data-item="search"]').fill('M 81');
    await page.waitForTimeout(700);
    await page.locator('.hits li').first().click();
    await page.locator('[data-item="curve"] canvas').waitFor();
    await page.mouse.wheel(0, 250);
  });

  await observatory.book(ID, Date.now() + 25_000, SLOT_SECONDS, LRGB);
  const guest = await observatory.guest(ID);
  await open(guest.url, (page) => page.locator(LIVE).waitFor());
  await scene('before', 4);
  await until((b) => b.images_captured >= 1);
  await scene('night', 9);
  await until((b) => b.images_captured >= 4);
  await fetch(`${stack.simulatorControlUrl}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'cloud', percent: 75, for_seconds: 12 }),
  });
  await until((b) => b.phase === 'holding');
  await scene('clouds', 4);
  await until((b) => b.phase === 'running');
  await scene('clear', 4);
  await api.call('POST', `/api/bookings/${ID}/pause`, {});
  await until((b) => b.phase === 'holding');
  await scene('pause', 3);
  await api.call('POST', `/api/bookings/${ID}/resume`, {});
  await until((b) => b.phase === 'completed');
  await open(`${stack.apiUrl}/report/${ID}#token=${user}`, (page) =>
    page.waitForFunction(() => document.querySelectorAll('[data-report] canvas').length >= 2),
  );
  await scene('report', 7, async (page) => {
    await page.waitForTimeout(2_000);
    for (let i = 0; i < 8; i++) {
      await page.mouse.wheel(0, 220);
      await page.waitForTimeout(400);
    }
  });
  for (const { film, language } of films) {
    const path = `${values.out}/night.${language}.webp`;
    const { bytes, frames, quality } = await film.write(path);
    say(
      `${path}: ${film.seconds.toFixed(0)} s, ${frames} frames, ${(bytes / 1e6).toFixed(2)} MB at quality ${quality}`,
    );
  }
} finally {
  await browser.close();
  await observatory.stop();
}
