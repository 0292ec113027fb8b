import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, FrameLocator, Page } from 'playwright-core';
import { CHROMIUM, buildPages, launch, open, seeText, type Opened } from './browser.ts';
import { startPageServer, type PageServer } from './server.ts';

/** Fills the form up to "possible", and sends it. */
async function send(form: Page | FrameLocator): Promise<void> {
  await form.locator('[data-item="search"]').fill('andromeda gal');
  await form.locator('.hits li').first().click();
  await form.locator('[data-book="cost"]').filter({ hasText: 'This observation is possible.' }).waitFor();
  await form.locator('[data-item="submit"]').click();
}
const NOBODY = 'Nobody has received this request: nothing is booked.';
const DONE = '[data-book="cost"] p.good';
const PROBLEM = '[role="alert"]';

(CHROMIUM ? describe : describe.skip)('a plan is handed over, and the guest is told who has it', () => {
  let built: Awaited<ReturnType<typeof buildPages>>;
  let browser: Browser;
  let server: PageServer;
  let opened: Opened | null = null;
  beforeAll(async () => {
    [built, browser] = await Promise.all([buildPages(), launch()]);
    server = await startPageServer({ webRoot: built.root });
  }, 90_000);
  afterEach(async () => {
    await opened?.close();
    opened = null;
  });
  afterAll(async () => {
    await server?.stop();
    await browser?.close();
    built?.remove();
  });
  const visit = async (): Promise<Page> => (opened = await open(browser, `${server.url}/book#token=guest`)).page;

  test('nobody: the form says so, and never that it was sent', async () => {
    const page = await visit();
    await send(page);
    await seeText(page, PROBLEM, NOBODY);
    expect(await page.locator(DONE).innerText()).toBe('');
  });

  test('a listener of nocturne:booking that calls preventDefault has it', async () => {
    const page = await visit();
    await page.evaluate(() => document.addEventListener('nocturne:booking', (event) => event.preventDefault()));
    await send(page);
    await seeText(page, DONE, 'Nothing is booked yet: the booking site confirms.');
  });

  test.each([
    [201, { message: 'Night 7 is yours.' }, DONE, 'Night 7 is yours.'],
    [202, {}, DONE, 'no answer came yet'],
    [402, { message: 'Too few credits.' }, PROBLEM, 'Too few credits.'],
    [500, {}, PROBLEM, 'it is not known whether the request arrived'],
    [0, {}, PROBLEM, 'it is not known whether the request arrived'],
  ])('an address of the booking site that answers %d', async (status, body, where, text) => {
    const page = await visit();
    await page.route('**/site/bookings', (route) =>
      status === 0 ? route.abort() : route.fulfill({ status, json: body }),
    );
    await page.evaluate(() => (document.querySelector<HTMLElement>('[x-data]')!.dataset.action = '/site/bookings'));
    await send(page);
    await seeText(page, where, text);
  });

  test('faults that the booking site names stand beside their fields', async () => {
    const page = await visit();
    const errors = { 'shots.0.filter': ['is not a filter of this telescope'] };
    await page.route('**/site/bookings', (route) => route.fulfill({ status: 422, json: { message: 'No.', errors } }));
    await page.evaluate(() => (document.querySelector<HTMLElement>('[x-data]')!.dataset.action = '/site/bookings'));
    await send(page);
    await seeText(page, '.shot .fault', 'Filter: is not a filter of this telescope');
    await seeText(page, PROBLEM, 'No.');
  });

  test('the page around a frame has it when it says so, and only that page is believed', async () => {
    const page = await visit();
    await page.route('**/around', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: '<iframe src="/book#token=guest" style="width:1300px;height:2000px"></iframe>',
      }),
    );
    await page.goto(`${server.url}/around`);
    const frame = page.frameLocator('iframe');
    await page.evaluate(() => {
      const dispatchForged = (frame: Window, answer: object): boolean =>
        frame.dispatchEvent(
          new MessageEvent('message', {
            data: { ...answer, message: 'forged' },
            source: frame,
            origin: location.origin,
          }),
        );
      addEventListener('message', ({ data, source }: MessageEvent) => {
        const { type, id, booking } = data as { type: string; id: string; booking: { target: { name: string } } };
        if (type !== 'nocturne:booking') return;
        const answer = { type: 'nocturne:booking-received', id, ok: true, message: `${booking.target.name} is noted.` };
        // Not the window around, and not this question: neither is an answer.
        dispatchForged(source as Window, answer);
        (source as Window).postMessage({ ...answer, id: 'another', message: 'another question' }, '*');
        (source as Window).postMessage(answer, '*');
      });
    });
    await send(frame);
    await frame.locator(DONE).filter({ hasText: 'M 31 is noted.' }).waitFor();
  });
});
