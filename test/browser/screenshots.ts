import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { projectPath } from '../../platform/paths.ts';
import { CHROMIUM, launch } from '../web/browser.ts';
import { BUILT, startObservatory } from './stack.ts';

/**
 * Takes docs/screenshots: every page on desktop (French) and phone (English), from two nights of the real stack, the first with clouds
 * and a pause, the second under way. `node scripts/screenshots.mjs [--out DIR] [name…]`; needs the build and Chromium (CHROMIUM_PATH). About four minutes.
 */
const FIRST = { id: 'night-of-clouds', seconds: 100, shots: ['L', 'R', 'G', 'B'].map((filter) => ({ filter, exposure_seconds: 2, quantity: 3 })) };
const SECOND = { id: 'night-under-way', seconds: 420, shots: ['L', 'R', 'G', 'B'].map((filter) => ({ filter, exposure_seconds: 5, quantity: 12 })) };
const FRAMES_WANTED = 8;

if (CHROMIUM === null || !BUILT) process.exit(1);
const { values, positionals } = parseArgs({ options: { out: { type: 'string', default: projectPath('docs', 'screenshots') } }, allowPositionals: true });
const say = (line: string): void => void process.stderr.write(`${line}\n`);
mkdirSync(values.out, { recursive: true });
const observatory = await startObservatory({}, { name: 'Newton 250 f/4', camera: { width: 1504, height: 1504 } });
const browser = await launch();
try {
  const { api, stack } = observatory;
  const startMs = Date.now() + 7_000;
  await observatory.book(FIRST.id, startMs, FIRST.seconds, FIRST.shots);
  await observatory.book(SECOND.id, startMs + FIRST.seconds * 1_000, SECOND.seconds, SECOND.shots);
  const until = async (id: string, done: (booking: Awaited<ReturnType<typeof observatory.booking>>) => boolean): Promise<void> => {
    while (!done(await observatory.booking(id))) await new Promise((resolve) => setTimeout(resolve, 500));
  };
  await until(FIRST.id, (b) => b.images_captured >= 3);
  await fetch(`${stack.simulatorControlUrl}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'cloud', percent: 75, for_seconds: 8 }),
  });
  await until(FIRST.id, (b) => b.images_captured >= 6);
  await api.call('POST', `/api/bookings/${FIRST.id}/pause`, {});
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  await api.call('POST', `/api/bookings/${FIRST.id}/resume`, {});
  await until(SECOND.id, (b) => b.images_captured >= FRAMES_WANTED);

  const user = await observatory.token('user', 'guest-8');
  const admin = await observatory.token('admin', 'ops');
  const guest = await observatory.guest(SECOND.id);
  const night = (page: Page): Promise<void> => page.locator('[data-tool="night"]').click();
  const pages: Record<string, { url: string; wait?: number; prepare?: (page: Page) => Promise<void> }> = {
    home: { url: stack.apiUrl },
    control: { url: guest.url },
    'control-night': { url: guest.url, prepare: night },
    demo: { url: `${stack.apiUrl}/demo`, wait: 18_000 },
    observations: { url: `${stack.apiUrl}/observations#token=${user}` },
    report: { url: `${stack.apiUrl}/report/${FIRST.id}#token=${user}` },
    admin: { url: `${stack.apiUrl}/admin#token=${admin}` },
    book: {
      url: `${stack.apiUrl}/book#token=${user}`,
      prepare: async (page) => {
        await page.locator('[data-item="search"]').fill('M 81');
        await page.locator('.hits li').first().click();
        await page.waitForTimeout(1_500);
      },
    },
    help: { url: `${stack.apiUrl}/help` },
  };
  for (const [name, { url, wait, prepare }] of Object.entries(pages)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    for (const phone of [false, true]) {
      const context = await browser.newContext({
        viewport: phone ? { width: 390, height: 844 } : { width: 1440, height: 960 },
        isMobile: phone,
        hasTouch: phone,
        locale: phone ? 'en-GB' : 'fr-FR',
      });
      const page = await context.newPage();
      await page.goto(url);
      await page.waitForTimeout(wait ?? 3_500);
      await prepare?.(page);
      await page.waitForTimeout(1_000);
      await page.screenshot({ path: `${values.out}/${name}-${phone ? 'phone' : 'desktop'}.jpg`, type: 'jpeg', quality: 78 });
      await context.close();
      say(`${name} ${phone ? 'phone' : 'desktop'}`);
    }
  }
} finally {
  await browser.close();
  await observatory.stop();
}
