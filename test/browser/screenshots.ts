import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { projectPath } from '../../platform/paths.ts';
import { CHROMIUM, launch } from '../web/browser.ts';
import { BUILT, startObservatory } from './stack.ts';

/**
 * Takes docs/screenshots: every page on desktop (French) and phone (English), from two nights of the real stack, the first with clouds
 * and a pause, the second under way; and the two pictures of the README, docs/images/control.png and report.png, in English.
 * `node scripts/screenshots.mjs [--out DIR] [--images DIR] [name…]`; needs the build and Chromium (CHROMIUM_PATH). About eight minutes.
 */
const LRGB = ['L', 'R', 'G', 'B'];
const FIRST = {
  id: 'night-of-clouds',
  seconds: 190,
  shots: LRGB.map((filter) => ({ filter, exposure_seconds: 4, quantity: 6 })),
};
const SECOND = {
  id: 'night-under-way',
  seconds: 900,
  shots: [...LRGB, ...LRGB, ...LRGB].map((filter) => ({ filter, exposure_seconds: 5, quantity: 4 })),
};
const THIRD = {
  id: 'night-to-come',
  seconds: 1_800,
  shots: ['Ha', 'OIII'].map((filter) => ({ filter, exposure_seconds: 60, quantity: 12 })),
};
const LIVE = '[data-section="header"] [data-item="connection"][data-tone="good"]';
/** Frames of the second night before it is shown, so that the gallery is full. */
const FRAMES_WANTED = 20;

if (CHROMIUM === null || !BUILT) process.exit(1);
const { values, positionals } = parseArgs({
  options: {
    out: { type: 'string', default: projectPath('docs', 'screenshots') },
    images: { type: 'string', default: projectPath('docs', 'images') },
  },
  allowPositionals: true,
});
const say = (line: string): void => void process.stderr.write(`${line}\n`);
mkdirSync(values.out, { recursive: true });
mkdirSync(values.images, { recursive: true });
const observatory = await startObservatory(
  { SUPPORT_URL: 'https://example.org/support' },
  { name: 'Newton 250 f/4', camera: { width: 2004, height: 1504 } },
);
const browser = await launch();
try {
  const { api, stack } = observatory;
  const startMs = Date.now() + 7_000;
  await observatory.book(FIRST.id, startMs, FIRST.seconds, FIRST.shots);
  await observatory.book(SECOND.id, startMs + FIRST.seconds * 1_000, SECOND.seconds, SECOND.shots);
  await observatory.book(
    THIRD.id,
    startMs + (FIRST.seconds + SECOND.seconds + 900) * 1_000,
    THIRD.seconds,
    THIRD.shots,
  );
  const until = async (
    id: string,
    done: (booking: Awaited<ReturnType<typeof observatory.booking>>) => boolean,
  ): Promise<void> => {
    while (!done(await observatory.booking(id))) await new Promise((resolve) => setTimeout(resolve, 500));
  };
  await until(FIRST.id, (b) => b.images_captured >= 7);
  await fetch(`${stack.simulatorControlUrl}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'cloud', percent: 75, for_seconds: 12 }),
  });
  await until(FIRST.id, (b) => b.phase === 'holding');
  await until(FIRST.id, (b) => b.phase === 'running');
  await until(FIRST.id, (b) => b.images_captured >= 12);
  await api.call('POST', `/api/bookings/${FIRST.id}/pause`, {});
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  await api.call('POST', `/api/bookings/${FIRST.id}/resume`, {});
  say('first night under way');
  await until(SECOND.id, (b) => b.images_captured >= FRAMES_WANTED);
  say('second night under way');

  const user = await observatory.token('user', 'guest-8');
  const admin = await observatory.token('admin', 'ops');
  const guest = await observatory.guest(SECOND.id);
  const night = (page: Page): Promise<void> => page.locator('[data-tool="night"]').click();
  /** The page stands: its live link, its pictures, and a few points in its graphs. */
  const watched = async (page: Page): Promise<void> => {
    await page.locator(LIVE).waitFor();
    await page.waitForFunction(
      () => (document.querySelector<HTMLImageElement>('[data-item="preview"] img')?.naturalWidth ?? 0) > 0,
    );
    await page.waitForFunction(() => document.querySelectorAll('.graph canvas').length === 2);
    // In the middle of an exposure the ring has something to show.
    await page.waitForFunction(
      () => Number(document.querySelector('[data-item="exposure"]')?.getAttribute('aria-valuenow')) > 35,
      undefined,
      { timeout: 60_000 },
    );
  };
  const reported = async (page: Page): Promise<void> => {
    await page.waitForFunction(() => document.querySelectorAll('[data-report] canvas').length >= 3);
    await page.locator('[data-item="scrub"]').fill('860');
    await page.locator('[data-item="scrub"]').blur();
    await page.waitForFunction(() =>
      [...document.querySelectorAll<HTMLImageElement>('.moment img')].every((img) => img.naturalWidth > 0),
    );
  };
  interface Shot {
    url: string;
    prepare?: (page: Page) => Promise<void>;
  }
  const control: Shot = { url: guest.url, prepare: watched };
  const report: Shot = { url: `${stack.apiUrl}/report/${FIRST.id}#token=${user}`, prepare: reported };
  const pages: Record<string, Shot> = {
    home: { url: stack.apiUrl },
    control,
    'control-night': { url: guest.url, prepare: async (page) => (await night(page), watched(page)) },
    'control-before': { url: (await observatory.guest(THIRD.id)).url, prepare: (page) => page.locator(LIVE).waitFor() },
    demo: { url: `${stack.apiUrl}/demo`, prepare: watchedDemo },
    observations: {
      url: `${stack.apiUrl}/observations#token=${user}`,
      prepare: (page) => page.locator('.card img:visible').first().waitFor(),
    },
    report,
    admin: {
      url: `${stack.apiUrl}/admin#token=${admin}`,
      prepare: (page) => page.locator('[data-item="kpi-images"]').waitFor(),
    },
    book: {
      url: `${stack.apiUrl}/book#token=${user}`,
      prepare: async (page) => {
        await page.locator('[data-item="search"]').fill('M 81');
        await page.locator('.hits li').first().click();
        await page.locator('[data-item="curve"] canvas').waitFor();
      },
    },
    help: { url: `${stack.apiUrl}/help`, prepare: (page) => page.locator('summary').first().click() },
    quicklook: {
      url: guest.url,
      prepare: async (page) => {
        await watched(page);
        await page.locator('.tile-open').first().click();
        await page.locator('[data-item="quick-look"]').click();
        await page.locator('.quicklook canvas').first().waitFor();
      },
    },
  };
  const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
  const take = async (
    path: string,
    { url, prepare }: Shot,
    options: BrowserContextOptions,
    whole = false,
  ): Promise<void> => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForLoadState('networkidle');
    await prepare?.(page);
    // Fonts, fades and the last pictures.
    await page.waitForTimeout(1_500);
    await page.screenshot({ path, ...(path.endsWith('.jpg') ? { type: 'jpeg', quality: 78 } : {}), fullPage: whole });
    await context.close();
    say(path.replace(/^.*\//, ''));
  };
  for (const [name, shot] of Object.entries(pages)) {
    if (!wanted(name)) continue;
    await take(`${values.out}/${name}-desktop.jpg`, shot, { viewport: { width: 1440, height: 900 }, locale: 'fr-FR' });
    await take(`${values.out}/${name}-phone.jpg`, shot, {
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
      locale: 'en-GB',
    });
  }
  const readme = { locale: 'en-GB', colorScheme: 'dark' } as const;
  if (wanted('control.png'))
    await take(`${values.images}/control.png`, control, { ...readme, viewport: { width: 1680, height: 1640 } });
  if (wanted('report.png'))
    await take(`${values.images}/report.png`, report, { ...readme, viewport: { width: 1440, height: 1960 } });
} finally {
  await browser.close();
  await observatory.stop();
}

/** Far enough into the demo that its first frames are there. */
async function watchedDemo(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelectorAll('[data-item="gallery"] li').length >= 4, undefined, {
    timeout: 60_000,
  });
}
