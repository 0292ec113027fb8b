import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { CHROMIUM, buildPages, launch, open, seeText, type OpenOptions, type Opened } from './browser.ts';
import { BOOKING_ID } from './fixtures.ts';
import { startPageServer, type PageServer } from './server.ts';

/** How pages are handed out, by the routes of the api: across a deploy, to browsers that keep nothing, and where there is nothing. */
let first: Awaited<ReturnType<typeof buildPages>>;
let next: Awaited<ReturnType<typeof buildPages>>;
let server: PageServer;
const CONTROL = `/control/${BOOKING_ID}`;
const partsOf = (root: string): string[] =>
  [...readFileSync(join(root, 'control.html'), 'utf8').matchAll(/(?:src|href)="(\/assets\/[^"]+\.(?:js|css))"/g)].map(
    ([, path]) => path!,
  );
beforeAll(async () => {
  first = await buildPages();
  next = await buildPages({ minify: false });
}, 120_000);
afterAll(() => {
  first?.remove();
  next?.remove();
});
beforeEach(async () => {
  server = await startPageServer({ webRoot: first.root });
});
afterEach(async () => {
  await server.stop();
});

describe('what a browser may keep', () => {
  test('a part with the hash of its content for ever, a page and whatever has one name for ever never unasked', async () => {
    const parts = partsOf(first.root);
    expect(parts).toHaveLength(2);
    const kept = async (path: string): Promise<string | null> =>
      (await fetch(server.url + path)).headers.get('cache-control');
    for (const part of parts) expect(await kept(part)).toBe('public, max-age=31536000, immutable');
    for (const path of [CONTROL, '/assets/telescope-control.js', '/assets/quicklook.js', '/sw.js'])
      expect(await kept(path)).toBe('no-cache');
  });
  test('after a deploy the parts of the pages that are still open are there', async () => {
    const parts = partsOf(first.root);
    await server.deploy(next.root);
    expect(partsOf(next.root)).not.toEqual(parts);
    for (const part of [...parts, ...partsOf(next.root)]) expect((await fetch(server.url + part)).status).toBe(200);
  });
});

describe('an address at which there is nothing', () => {
  const ask = (path: string, accept: string): Promise<Response> => fetch(server.url + path, { headers: { accept } });
  test('is a page for who shows pages, and a problem document for all others', async () => {
    const page = await ask('/contrl/b-1042', 'text/html,application/xhtml+xml');
    expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    const problem = await ask('/contrl/b-1042', 'application/json');
    expect([problem.status, problem.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
  });
  for (const path of ['/assets/%', '/assets/%2e%2e%2findex.html', '/assets/none.js', '/%', '/assets/'])
    test(`${path} is not found, and nothing worse`, async () => {
      expect((await ask(path, '*/*')).status).toBe(404);
    });
});

(CHROMIUM ? describe : describe.skip)('in Chromium', () => {
  let browser: Browser;
  let opened: Opened[];
  const visit = async (path: string, options?: OpenOptions): Promise<Opened> => {
    const one = await open(browser, server.url + path, options);
    opened.push(one);
    return one;
  };
  const live = '[data-section="header"] [data-item="connection"][data-tone="good"]';
  beforeAll(async () => {
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
  });
  beforeEach(() => {
    opened = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((one) => one.close()));
  });

  test('an open page takes the new version by itself, but not under a question that is open', async () => {
    const { page, faults } = await visit(`${CONTROL}#token=guest`);
    await page.locator(live).waitFor();
    const version = (): Promise<string | null> =>
      page.evaluate(() => document.querySelector('script[type="module"]')!.getAttribute('src'));
    const before = await version();
    await page.keyboard.press('a');
    await page.locator('dialog[open]').waitFor();
    await server.deploy(next.root);
    const looked = page.waitForResponse((response) => response.url() === server.url + CONTROL);
    server.dropSockets();
    await looked;
    // Twice the time after which a page asks itself again.
    await page.waitForTimeout(4_500);
    expect(await version()).toBe(before);
    await page.locator('[data-item="abort-keep"]').click();
    await page.waitForFunction(
      (old) => document.querySelector('script[type="module"]')?.getAttribute('src') !== old,
      before,
      { timeout: 15_000 },
    );
    await page.locator(live).waitFor();
    await seeText(page, '[data-item="target"]', 'NGC 7000');
    expect(faults).toEqual([]);
  }, 90_000);

  test('a good link that is put into the address of an open page opens it', async () => {
    const { page } = await visit(CONTROL);
    await seeText(page, '.banner', 'Open this page through the link');
    await page.evaluate(() => (location.hash = '#token=guest'));
    await page.locator(live).waitFor();
    expect(await page.evaluate(() => location.hash)).toBe('');
  });

  test('where the viewer has blocked site data the page works, through a reload too', async () => {
    const { page, faults } = await visit(`${CONTROL}#token=guest`, {
      init: [
        () => {
          const get = (): never => {
            throw new DOMException('Access is denied for this document.', 'SecurityError');
          };
          for (const name of ['sessionStorage', 'localStorage', 'caches']) Object.defineProperty(window, name, { get });
          Object.defineProperty(navigator, 'serviceWorker', { get });
        },
        [],
      ],
    });
    await page.locator(live).waitFor();
    await page.locator('[data-tool="locale"]').click();
    await seeText(page, '[data-item="phase"]', 'En cours');
    await page.reload();
    await page.locator(live).waitFor();
    expect(faults).toEqual([]);
  });

  test('an unknown address says in a guest’s words that there is nothing, and where else to go', async () => {
    const { page, faults } = await visit('/contrl/b-1042', { locale: 'fr-FR' });
    await seeText(page, 'h1', 'Il n’y a rien à cette adresse');
    expect(await page.locator('main a').first().getAttribute('href')).toBe('/observations');
    expect(faults).toEqual([]);
  });

  test('an address with a stray percent sign is a page that says what is wrong, not a blank one', async () => {
    const { page, faults } = await visit('/control/%E0%A4%A');
    await seeText(page, '.banner', 'Open this page through the link');
    expect(faults).toEqual([]);
  });
});
