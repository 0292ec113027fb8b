import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { projectPath } from '../../platform/paths.ts';
import { freePort } from '../../stack/ports.ts';
import { highTarget } from '../../stack/targets.ts';
import { LARAVEL, startSite, type Site } from '../laravel/site.ts';
import { CHROMIUM, launch, open, seeText, type Opened } from '../web/browser.ts';
import { NGINX, startNginx, type Proxy } from './nginx.ts';
import { BUILT, startObservatory, TELESCOPE, type Observatory } from './stack.ts';

jest.setTimeout(240_000);

const item = (section: string, name: string): string => `[data-section="${section}"] [data-item~="${name}"]`;
const live = `${item('header', 'connection')}[data-tone="good"]`;

/** More than these tests see: the night goes on until it is stopped. */
const PLANNED = 100;

(CHROMIUM && BUILT && LARAVEL ? describe : describe.skip)('a guest’s night on the example site, in Chromium', () => {
  let folder: string;
  let observatory: Observatory;
  let site: Site;
  let browser: Browser;
  let laptop: Opened;
  let proxy: Proxy | null = null;
  let phone: Opened;
  let sky: Parameters<typeof highTarget>[0];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nocturne-site-night-'));
    const [port, proxyPort] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${port}`;
    const secret = `whsec_${randomBytes(24).toString('base64')}`;
    [observatory, browser] = await Promise.all([
      startObservatory({
        WEBHOOK_URL: `${url}/nocturne/webhooks`,
        WEBHOOK_SECRET: secret,
        CORS_ORIGINS: url,
        EMBED_ORIGINS: url,
        ...(NGINX ? { PUBLIC_URL: `http://observe.test:${proxyPort}` } : {}),
      }),
      launch(),
    ]);
    const { stack, api } = observatory;
    site = await startSite(folder, port, {
      VOYAGER_PROXY_URL: stack.apiUrl,
      VOYAGER_PROXY_API_KEY: stack.apiKey,
      NOCTURNE_WEBHOOK_SECRET: secret,
      NOCTURNE_APP_SECRET: stack.app.secret,
      NOCTURNE_TELESCOPE: TELESCOPE,
    });
    if (NGINX) proxy = await startNginx(proxyPort, stack.apiUrl);
    sky = (await api.call<{ site: typeof sky }>('GET', `/api/telescopes/${TELESCOPE}`)).site;
  }, 120_000);
  afterAll(async () => {
    for (const one of [laptop, phone]) await one?.close().catch(() => undefined);
    await browser?.close();
    await Promise.all([site?.stop(), proxy?.stop()]);
    await observatory?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** `NOCTURNE_SCREENSHOTS=1` keeps the picture as docs/screenshots/site-NAME.jpg. */
  const keep = async (page: Page, name: string): Promise<void> => {
    if (process.env.NOCTURNE_SCREENSHOTS !== '1') return;
    await page.screenshot({ path: projectPath('docs', 'screenshots', `site-${name}.jpg`), type: 'jpeg', quality: 80 });
  };
  /** Types a plan into the embedded form: a slot that begins in the minute that runs. */
  async function plan(page: Page): Promise<void> {
    const nowMs = Date.now();
    const target = highTarget(sky, nowMs, nowMs + 900_000);
    await page.locator('[x-model="form.name"]').fill(target.name);
    await page.locator('[x-model="form.ra"]').fill(String(target.ra_hours));
    await page.locator('[x-model="form.dec"]').fill(String(target.dec_degrees));
    await page.locator('[x-model="form.zone"]').selectOption('local');
    await page.locator('[x-model="form.start"]').fill(new Date(nowMs).toISOString().slice(0, 16));
    await page.locator('[x-model="form.start"]').dispatchEvent('change');
    await page.locator('[x-model\\.number="form.hours"]').fill('0.25');
    await page.locator('[x-model\\.number="shot.exposure_seconds"]').first().fill('4');
    await page.locator('[x-model\\.number="shot.quantity"]').first().fill(String(PLANNED));
  }

  test('registers and books with pretend credits', async () => {
    laptop = await open(browser, site.url, {
      hosts: [observatory.stack.apiUrl, ...(proxy ? [proxy.url] : [])],
      timezone: 'UTC',
    });
    const { page } = laptop;
    const form = page.locator('[data-site="register"]');
    await form.locator('[name="name"]').fill('Ada Guest');
    await form.locator('[name="email"]').fill('ada@example.org');
    await form.locator('[name="password"]').fill('correct horse');
    await form.locator('button').click();
    await seeText(page, '[data-site="credits"]', '100 credits');
    await page.getByRole('link', { name: 'Book a night' }).first().click();
    await plan(page);
    await keep(page, 'book-desktop');
    await page.locator('[data-item="submit"]:enabled').click({ timeout: 20_000 });
    await page.locator('[data-book="cost"] .good').filter({ hasText: /\S/ }).waitFor({ timeout: 20_000 });
  });

  test('watches the night come in live: phase and frames over the stream, with a token and channels of the site’s making', async () => {
    const { page } = laptop;
    await page.locator('.brand').click();
    await page.locator('[data-nocturne="observations"] a').first().click();
    await page.locator(live).waitFor({ timeout: 30_000 });
    await seeText(page, item('header', 'phase'), 'Observing', 60_000);
    await page
      .locator(`${item('images', 'gallery')} li`)
      .first()
      .waitFor({ timeout: 60_000 });
    // The site's own line, of which the frame's `plan.progress` alone knows the filters.
    await seeText(page, '[data-site="progress"]', `of ${PLANNED} frames (L `, 60_000);
    await keep(page, 'night-desktop');
    expect(laptop.faults).toEqual([]);
  });

  test('signs in on the phone as well: a pause there, a resume on the laptop, both pages follow', async () => {
    phone = await open(browser, site.url, { hosts: [observatory.stack.apiUrl], phone: true, timezone: 'UTC' });
    const form = phone.page.locator('[data-site="login"]');
    await form.locator('[name="email"]').fill('ada@example.org');
    await form.locator('[name="password"]').fill('correct horse');
    await form.locator('button').click();
    await phone.page.locator('[data-nocturne="observations"] a').first().click();
    await phone.page.locator(live).waitFor({ timeout: 30_000 });
    await phone.page.locator(`${item('controls', 'pause')}:enabled`).click();
    await seeText(phone.page, item('controls', 'receipt'), 'Pause: confirmed by the telescope', 30_000);
    await seeText(laptop.page, item('header', 'phase'), 'Paused');
    await keep(phone.page, 'night-phone');
    await laptop.page.locator(`${item('controls', 'resume')}:enabled`).click();
    await seeText(laptop.page, item('controls', 'receipt'), 'Resume: confirmed by the telescope', 30_000);
    await seeText(phone.page, item('header', 'phase'), 'Observing');
  });

  test('downloads a frame: the bytes are those that the archive names', async () => {
    const { page } = laptop;
    const address = await page
      .locator(`${item('images', 'gallery')} .tile-get`)
      .first()
      .getAttribute('href');
    const response = await fetch(new URL(address!, observatory.stack.apiUrl));
    const file = Buffer.from(await response.arrayBuffer());
    expect(response.status).toBe(200);
    expect(file.subarray(0, 9).toString()).toBe('SIMPLE  =');
    const id = /bookings\/([^/]+)/.exec(address!)![1];
    const { data } = await observatory.api.call<{ data: { sha256: string | null }[] }>(
      'GET',
      `/api/bookings/${id}/images`,
    );
    expect(data.map(({ sha256 }) => sha256)).toContain(createHash('sha256').update(file).digest('hex'));
  });

  (NGINX ? describe : describe.skip)('through a real nginx', () => {
    test('another device, by plain http and through nginx as our pages say: live, pause, stop', async () => {
      const { api } = observatory;
      const { data } = await api.call<{ data: [{ id: string }] }>('GET', '/api/bookings?per_page=1');
      const [{ id }] = data;
      const { token } = await observatory.guest(id);
      const other = await open(browser, `${proxy!.url}/control/${id}#token=${token}`, { timezone: 'UTC' });
      const { page, faults } = other;
      await page.locator(live).waitFor({ timeout: 30_000 });
      expect(await page.evaluate(() => isSecureContext)).toBe(false);
      const receipt = item('controls', 'receipt');
      await page.locator(item('controls', 'pause')).click();
      await seeText(page, receipt, 'Pause: confirmed by the telescope', 30_000);
      if (process.env.NOCTURNE_LONG === '1') {
        await page.locator(item('controls', 'resume')).click();
        await seeText(page, receipt, 'Resume: confirmed by the telescope', 60_000);
      }
      await page.locator(item('header', 'abort')).click();
      await page.locator('[data-item="abort-confirm"]').click();
      await seeText(page, receipt, 'Stop: confirmed by the telescope', 30_000);
      expect(faults).toEqual([]);
      await other.close();
    });

    test('a weak tag, which is what compression makes of ours, is taken by If-Match', async () => {
      const { stack } = observatory;
      const startMs = Date.now() + 2_400_000;
      await observatory.book('tagged', startMs, 600, [{ filter: 'L', exposure_seconds: 4, quantity: 4 }]);
      const headers = { 'x-api-key': stack.apiKey, 'accept-encoding': 'gzip', 'content-type': 'application/json' };
      const address = `${proxy!.local}/api/bookings/tagged`;
      const read = await fetch(address, { headers });
      const tag = read.headers.get('etag')!;
      expect([read.headers.get('content-encoding'), tag.slice(0, 3)]).toEqual(['gzip', 'W/"']);
      const change = (match: string): Promise<Response> =>
        fetch(address, {
          method: 'PATCH',
          headers: { ...headers, 'if-match': match },
          body: JSON.stringify({ constraints: { min_altitude_degrees: 15 } }),
        });
      expect((await change(tag)).status).toBe(200);
      expect((await change(tag)).status).toBe(412);
    });
  });

  test('a stopped night: the site’s own report says so, with what was taken, what is returned and the archive', async () => {
    const { page } = laptop;
    if (!NGINX) {
      await page.locator(item('header', 'abort')).click();
      await page.locator('[data-item="abort-confirm"]').click();
    }
    await seeText(page, item('header', 'phase'), 'Stopped', 60_000);
    await page.getByRole('link', { name: 'Report', exact: true }).click();
    const outcome = page.locator('[data-report="outcome"]');
    for (const end = Date.now() + 90_000; (await outcome.count()) === 0; await page.reload())
      if (Date.now() > end) throw new Error(`no report: ${await page.locator('[data-nocturne="report"]').innerText()}`);
    expect(await outcome.innerText()).toMatch(/stopped/i);
    const [archived, planned] = (await page.locator('[data-report="images"]').innerText()).split(' / ').map(Number);
    expect(archived).toBeGreaterThan(0);
    expect(planned).toBe(PLANNED);
    expect(await page.locator('[data-report="refund"]').innerText()).toMatch(/\d/);
    await keep(page, 'report-desktop');
    const archive = await fetch((await page.locator('[data-report="download"]').getAttribute('href'))!);
    expect([archive.status, archive.headers.get('content-type')]).toEqual([200, 'application/zip']);
    await archive.body?.cancel();
    expect([...laptop.faults, ...phone.faults]).toEqual([]);
  });
});
