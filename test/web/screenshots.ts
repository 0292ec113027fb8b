import { mkdirSync } from 'node:fs';
import { projectPath } from '../../platform/paths.ts';
import { CHROMIUM, buildPages, launch } from './browser.ts';
import { BOOKING_ID } from './fixtures.ts';
import { startPageServer } from './server.ts';

/**
 * Takes docs/screenshots: every page on desktop and phone, from the built pages with sample data.
 * `node scripts/screenshots.mjs [name…]`; needs Chromium (CHROMIUM_PATH).
 */
const PAGES: Record<string, { path: string; wait?: number; night?: boolean }> = {
  home: { path: '/' },
  control: { path: `/control/${BOOKING_ID}#token=guest` },
  'control-night': { path: `/control/${BOOKING_ID}#token=guest`, night: true },
  demo: { path: '/demo', wait: 32_000 },
  observations: { path: '/observations#token=guest' },
  report: { path: `/report/${BOOKING_ID}#token=guest` },
  admin: { path: '/admin#token=guest' },
  book: { path: '/book#token=guest' },
  help: { path: '/help' },
};
if (CHROMIUM === null) process.exit(1);
const wanted = process.argv.slice(2);
const folder = projectPath('docs', 'screenshots');
mkdirSync(folder, { recursive: true });
const built = await buildPages();
const server = await startPageServer({ webRoot: built.root });
const browser = await launch();
try {
  for (const [name, page] of Object.entries(PAGES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    for (const phone of [false, true]) {
      const context = await browser.newContext({
        viewport: phone ? { width: 390, height: 844 } : { width: 1440, height: 960 },
        isMobile: phone,
        hasTouch: phone,
        locale: phone ? 'en-GB' : 'fr-FR',
      });
      const tab = await context.newPage();
      await tab.goto(server.url + page.path);
      await tab.waitForTimeout(page.wait ?? 2_500);
      if (page.night) await tab.locator('[data-tool="night"]').click();
      if (name === 'book') {
        await tab.locator('[data-item="search"]').fill('M 31');
        await tab.locator('.hits li').first().click();
      }
      await tab.waitForTimeout(1_200);
      await tab.screenshot({ path: `${folder}/${name}-${phone ? 'phone' : 'desktop'}.jpg`, type: 'jpeg', quality: 78 });
      await context.close();
      console.log(`${name} ${phone ? 'phone' : 'desktop'}`);
    }
  }
} finally {
  await browser.close();
  await server.stop();
  built.remove();
}
