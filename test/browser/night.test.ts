import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { VOLATILE_EVENTS } from '../../domain/event-types.ts';
import { FINAL_PHASES } from '../../domain/phases.ts';
import { CHROMIUM, WHOLE_CHROMIUM, axe, launch, open, seeText, type Opened } from '../web/browser.ts';
import { bladeOutput, embeddingPolicy, startForeignSite, type ForeignSite } from './foreign.ts';
import { PHP, startPhpSite, type PhpSite } from './php.ts';
import { startPushService, type PushService } from './push.ts';
import { BUILT, startObservatory, type Observatory } from './stack.ts';

jest.setTimeout(180_000);

const item = (section: string, name: string): string => `[data-section="${section}"] [data-item~="${name}"]`;
const live = `${item('header', 'connection')}[data-tone="good"]`;
const NIGHT = 'a-whole-night';
const STOPPED = 'a-stopped-night';
/** More than the slot has room for: the night lasts until its end. The last exposures are long, so that a longer night has few frames more. */
const SHOTS = [
  { filter: 'L', exposure_seconds: 4, quantity: 10 },
  { filter: 'Ha', exposure_seconds: 4, quantity: 8 },
  { filter: 'OIII', exposure_seconds: 20, quantity: 20 },
];
const LONG = process.env.NOCTURNE_LONG === '1';
const PLANNED = 38;
const STOPPED_SECONDS = 32;
const NIGHT_SECONDS = 110;

/** As much of a service worker's world as a test touches. */
interface ServiceWorkerScope {
  clients: { matchAll: () => Promise<object[]>; openWindow: (url: string) => Promise<null> };
  registration: ServiceWorkerRegistration;
  NotificationEvent: new (type: string, init: { notification: Notification }) => Event;
  dispatchEvent(event: Event): boolean;
  setTimeout(done: (value: unknown) => void, ms: number): void;
}
/** What a page took, written down by the page itself: the number of its first snapshot, and that of each stored event since. */
interface Taken {
  base: number | null;
  seqs: number[];
}
interface Witness {
  taken: Taken;
  /** Every text of the receipt line. */
  said: string[];
}
const witness = (volatile: string[]): void => {
  const taken: Taken = { base: null, seqs: [] };
  const said: string[] = [];
  Object.assign(globalThis, { taken, said } satisfies Witness);
  new MutationObserver(() => {
    const text = document.querySelector('[data-item="receipt"]')?.textContent ?? '';
    if (text !== '' && text !== said.at(-1)) said.push(text);
    // Kept over a reload, as the tab keeps it.
    const reason = document.querySelector('[data-item="reason"]')?.textContent ?? '';
    const reasons = sessionStorage.getItem('witness.reasons') ?? '';
    if (reason !== '' && !reasons.endsWith(reason)) sessionStorage.setItem('witness.reasons', `${reasons}\n${reason}`);
  }).observe(document, { subtree: true, childList: true, characterData: true });
  document.addEventListener(
    'nocturne:snapshot',
    (event) => (taken.base ??= (event as CustomEvent<{ seq: number }>).detail.seq),
  );
  document.addEventListener('nocturne:event', (event) => {
    const { seq, type } = (event as CustomEvent<{ seq: number; type: string }>).detail;
    if (!volatile.includes(type)) taken.seqs.push(seq);
  });
};
const takenBy = (page: Page): Promise<Taken> => page.evaluate(() => (globalThis as unknown as Witness).taken);
const saidBy = (page: Page): Promise<string[]> => page.evaluate(() => (globalThis as unknown as Witness).said);

/** Asks again until it is so; a server that is down meanwhile is asked again too. */
async function until(so: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  for (const end = Date.now() + timeoutMs; !(await so().catch(() => false));) {
    if (Date.now() > end) throw new Error(`not so after ${timeoutMs} ms: ${so.toString()}`);
    await setTimeout(100);
  }
}

const BROWSERS = CHROMIUM !== null && WHOLE_CHROMIUM !== null;
const scenario = PHP ? test : test.skip;

(BROWSERS && BUILT ? describe : describe.skip)('nights watched in Chromium, on the real stack', () => {
  let observatory: Observatory;
  let browser: Browser;
  /** The whole browser, where the device lives that is told by push. */
  let wholeBrowser: Browser;
  /** A site that may embed us, and one that may not. */
  let friend: ForeignSite;
  let stranger: ForeignSite;
  let guest: { url: string; token: string };
  let startMs: number;
  /** The guest's laptop, and the same guest's phone. */
  let laptop: Opened;
  let phone: Opened;
  /** The page whose device is told by push, and the push service that tells it. */
  let subscriber: Opened;
  let push: PushService;
  let phpSite: PhpSite | null;
  const opened: Opened[] = [];
  const visit = async (url: string, options?: Parameters<typeof open>[2]): Promise<Opened> => {
    const one = await open(browser, url, options);
    opened.push(one);
    return one;
  };
  const watch = async (url: string, options?: Parameters<typeof open>[2]): Promise<Opened> =>
    visit(url, { ...options, init: [witness, [...VOLATILE_EVENTS]] });
  const receipt = item('controls', 'receipt');
  const frames = (page: Page): Promise<number> => page.locator(`${item('images', 'gallery')} li`).count();
  const phaseOf = async (id: string): Promise<string> => (await observatory.booking(id)).phase;
  const endMs = async (): Promise<number> => Date.parse((await observatory.booking(NIGHT)).end);
  /** A slow machine gets a longer night: what a test looks at must still go on. */
  const nightGoesOn = async (seconds: number): Promise<void> => {
    if ((await endMs()) - Date.now() > seconds * 1_000) return;
    await observatory.api.call('POST', `/api/bookings/${NIGHT}/extend`, { minutes: 2, credits_charged: 0 });
  };

  beforeAll(async () => {
    [friend, stranger, push, phpSite] = await Promise.all([
      startForeignSite(),
      startForeignSite(),
      startPushService(),
      PHP ? startPhpSite() : null,
    ]);
    const friends = [friend.origin, ...(phpSite ? [phpSite.origin] : [])].join(',');
    [observatory, browser] = await Promise.all([
      startObservatory({ CORS_ORIGINS: friends, EMBED_ORIGINS: friends, NODE_EXTRA_CA_CERTS: push.certificate }),
      launch(),
    ]);
    const stoppedMs = Date.now() + 7_000;
    await observatory.book(STOPPED, stoppedMs, STOPPED_SECONDS, [{ filter: 'L', exposure_seconds: 2, quantity: 6 }]);
  }, 90_000);
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close().catch(() => undefined)));
    await Promise.all([browser?.close(), wholeBrowser?.close()]);
    await observatory?.stop();
    await Promise.all([friend?.stop(), stranger?.stop(), push?.stop(), phpSite?.stop()]);
  }, 60_000);

  test('abort, with confirmation: sent, then confirmed; the session ends and the page says how', async () => {
    const watcher = await watch((await observatory.guest(STOPPED)).url);
    const { page } = watcher;
    await seeText(page, item('header', 'phase'), 'Observing', 25_000);
    await page.keyboard.press('a');
    await page.getByRole('button', { name: 'Keep observing' }).click();
    await page.locator(item('header', 'abort')).click();
    await page.locator('[data-item="abort-confirm"]').click();
    await seeText(page, receipt, 'Stop: confirmed by the telescope', 15_000);
    await seeText(page, item('header', 'phase'), 'Stopped', 25_000);
    await seeText(page, item('header', 'reason'), 'Stopped by the guest.');
    await seeText(page, item('header', 'report'), 'See the report');
    expect(await page.locator(item('controls', 'stop')).isDisabled()).toBe(true);
    await watcher.close();
  });

  test('before H: countdown, what is prepared, what comes next; controls say why not yet', async () => {
    // The stopped session has left its slot, and what is left of it can be booked again.
    startMs = Date.now() + 8_000;
    await observatory.book(NIGHT, startMs, NIGHT_SECONDS, SHOTS);
    guest = await observatory.guest(NIGHT);
    laptop = await watch(guest.url);
    const { page } = laptop;
    await page.locator(live).waitFor();
    await seeText(page, item('header', 'countdown'), /Starts in\s*00:\d\d/);
    await seeText(page, item('header', 'next'), /Next: .+/);
    expect(await page.locator(item('controls', 'pause')).isDisabled()).toBe(true);
    expect(await page.locator(item('controls', 'pause')).getAttribute('title')).toBe(
      'This is possible only during the slot.',
    );
  });

  test('at H the page follows by itself: phase, exposure ring, frames with their pictures, log lines, nothing polled', async () => {
    const { page } = laptop;
    await seeText(page, item('header', 'phase'), 'Observing', Math.max(5_000, startMs - Date.now() + 20_000));
    await page
      .locator(`${item('images', 'gallery')} li`)
      .first()
      .waitFor({ timeout: 30_000 });
    const polled: string[] = [];
    page.on('request', (request) => {
      if (/\/(events|snapshot)\b/.test(request.url())) polled.push(request.url());
    });
    const before = await frames(page);
    await page.waitForFunction((n) => document.querySelectorAll('[data-item="gallery"] li').length > n, before, {
      timeout: 20_000,
    });
    await page.waitForFunction(() =>
      [...document.querySelectorAll<HTMLImageElement>('[data-item="gallery"] img')].some((img) => img.naturalWidth > 0),
    );
    await page.waitForFunction(
      () => (document.querySelector<HTMLImageElement>('[data-item="preview"] img')?.naturalWidth ?? 0) > 0,
    );
    await seeText(page, item('telescope', 'status'), 'Running');
    await seeText(page, item('camera', 'camera-temperature'), /−\d+\.\d °C/);
    await seeText(page, item('weather', 'safety'), 'Safe');
    await seeText(page, item('logs', 'console'), 'RoboTarget');
    expect(await page.locator('.panel.stale').count()).toBe(0);
    // A frame changes the snapshot, which the page asks for once; between frames it asks for nothing.
    expect(polled.length).toBeLessThanOrEqual(2 * ((await frames(page)) - before + 1));
  });

  test('the phone joins: both pages count two viewers and follow a pause, sent and confirmed; a second pause is refused with its reason, to the one who asked', async () => {
    phone = await watch(
      `${observatory.stack.apiUrl}/control/${NIGHT}#token=${await observatory.token('booking', NIGHT)}`,
      { phone: true },
    );
    await phone.page.locator(live).waitFor();
    await seeText(laptop.page, item('header', 'viewers'), '2 watching');
    await seeText(phone.page, item('header', 'viewers'), '2 watching');
    await laptop.page.keyboard.press('Space');
    await seeText(laptop.page, receipt, 'Pause: confirmed by the telescope', 15_000);
    await seeText(laptop.page, item('header', 'phase'), 'Paused');
    await seeText(phone.page, item('header', 'phase'), 'Paused');
    expect(await saidBy(laptop.page)).toEqual(
      expect.arrayContaining(['Pause: sent to the telescope', 'Pause: confirmed by the telescope']),
    );
    // As from a page that has not heard of the pause yet: the button is gone by now, its method is not.
    await phone.page.evaluate(() => {
      const { Alpine } = globalThis as unknown as {
        Alpine: { $data(el: Element): { pauseSequence(): Promise<void> } };
      };
      return Alpine.$data(document.querySelector('.telescope-control')!).pauseSequence();
    });
    await seeText(phone.page, receipt, 'Pause: refused — The session is paused already.');
    expect((await saidBy(laptop.page)).join()).not.toContain('refused');
  });

  test('resume by the space bar, and every other shortcut', async () => {
    const { page } = laptop;
    await page.locator(`${item('controls', 'resume')}:enabled`).waitFor();
    await page.keyboard.press('Space');
    await seeText(page, receipt, 'Resume: confirmed by the telescope', 15_000);
    await seeText(page, item('header', 'phase'), 'Observing');
    await page.keyboard.press('p');
    await page.locator(item('preview', 'preview')).waitFor({ state: 'hidden' });
    await page.keyboard.press('p');
    await page.locator(item('preview', 'preview')).waitFor();
    await page.keyboard.press('l');
    await page.locator(item('logs', 'console')).waitFor({ state: 'hidden' });
    await page.keyboard.press('l');
    const asked = page.waitForRequest((request) => request.url().endsWith('/snapshot'));
    await page.keyboard.press('r');
    await asked;
    await page.keyboard.press('?');
    await seeText(page, 'dialog[open]', 'Keyboard shortcuts');
    await page.keyboard.press('Escape');
    await page.keyboard.press('f');
    await page.waitForFunction(() => document.fullscreenElement !== null);
    await page.evaluate(() => document.exitFullscreen());
  });

  scenario(
    'in a page that PHP renders from the guide’s own code, with a token that PHP asked for: live, obedient, under that page’s policy',
    async () => {
      await nightGoesOn(60);
      const { apiUrl, apiKey } = observatory.stack;
      phpSite!.serve({ url: apiUrl, key: apiKey, bookingId: NIGHT, locale: 'fr' });
      const html = await (await fetch(phpSite!.origin)).text();
      expect(html).toContain("locale: 'fr'");
      expect(html).not.toContain(apiKey);
      const embedded = await visit(phpSite!.origin, { hosts: [apiUrl], init: [witness, [...VOLATILE_EVENTS]] });
      const { page } = embedded;
      await seeText(page, live, 'En direct', 20_000);
      await seeText(page, item('header', 'phase'), 'En cours');
      expect(await page.locator('[data-section]').count()).toBe(12);
      // Live: what came over the stream after joining, not what was loaded.
      const { rev } = await page.evaluate(
        () =>
          new Promise<{ rev: number }>((resolve) =>
            document.addEventListener(
              'nocturne:event',
              (event) => resolve((event as CustomEvent<{ rev: number }>).detail),
              { once: true },
            ),
          ),
      );
      expect(rev === undefined || rev > 0).toBe(true);
      await page.waitForFunction(
        () => (document.querySelector<HTMLImageElement>('[data-item="preview"] img')?.naturalWidth ?? 0) > 0,
      );
      await page.locator(item('controls', 'pause')).click();
      await seeText(page, receipt, 'Pause : confirmée par le télescope', 15_000);
      await page.locator(item('controls', 'resume')).click();
      await seeText(page, receipt, 'Reprendre : confirmée par le télescope', 15_000);
      expect(await page.locator(item('controls', 'push')).isVisible()).toBe(false);
      expect(new URL((await page.locator('dialog a[data-i18n="help.faq"]').first().getAttribute('href'))!).origin).toBe(
        apiUrl,
      );
      expect(embedded.faults).toEqual([]);
      await embedded.close();
    },
  );

  test('web push: leave is asked, the subscription with our VAPID key reaches the api, the button stands pressed', async () => {
    wholeBrowser = await launch(WHOLE_CHROMIUM);
    subscriber = await open(wholeBrowser, guest.url, { permissions: ['notifications'] });
    opened.push(subscriber);
    const { page } = subscriber;
    await page.locator(live).waitFor({ timeout: 15_000 });
    // The browser maker's push service is not here; ours hands out the subscription and takes the messages.
    await page.evaluate((handedOut) => {
      let current: PushSubscription | null = null;
      PushManager.prototype.getSubscription = () => Promise.resolve(current);
      PushManager.prototype.subscribe = (options) => {
        const key = String.fromCharCode(...new Uint8Array(options!.applicationServerKey as ArrayBuffer));
        Object.assign(globalThis, {
          applicationServerKey: btoa(key).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
        });
        current = {
          toJSON: () => handedOut,
          unsubscribe: () => Promise.resolve(((current = null), true)),
        } as unknown as PushSubscription;
        return Promise.resolve(current);
      };
    }, push.subscription);
    const sent = page.waitForResponse((response) => response.url().endsWith('/api/push/subscriptions'));
    await page.locator(item('controls', 'push')).click();
    const answer = await sent;
    expect(answer.ok()).toBe(true);
    expect(answer.request().postDataJSON()).toEqual({ booking_id: NIGHT, ...push.subscription, locale: 'en' });
    await page.locator(`${item('controls', 'push')}[aria-pressed="true"]`).waitFor();
  });

  test('phone and laptop sleep, the api dies and comes back, the network goes and comes: both pages have every event, once', async () => {
    await nightGoesOn(60);
    const asleep = await phone.page.context().newCDPSession(phone.page);
    await asleep.send('Page.setWebLifecycleState', { state: 'frozen' });
    await laptop.page.context().setOffline(true);
    // The browser's own switch leaves open sockets open, and what they bring would count as heard; this closes them.
    expect(observatory.stack.supervisor.kill('api')).toBeGreaterThan(0);
    await seeText(laptop.page, item('header', 'connection'), 'Offline');
    // The api is back, and things have happened that neither page has heard of.
    const heard = (await takenBy(laptop.page)).seqs.at(-1) ?? 0;
    await until(async () => (await observatory.storedAfter(guest.token, NIGHT, heard)).length >= 3, 40_000);
    await laptop.page.context().setOffline(false);
    await laptop.page.locator(live).waitFor({ timeout: 30_000 });
    await asleep.send('Page.setWebLifecycleState', { state: 'active' });
    await phone.page.locator(live).waitFor({ timeout: 30_000 });
    await seeText(phone.page, item('header', 'viewers'), '2 watching', 15_000);
    for (const { page } of [laptop, phone]) {
      const { base } = await takenBy(page);
      let stored: number[] = [];
      let taken: number[] = [];
      await until(async () => {
        taken = (await takenBy(page)).seqs;
        stored = await observatory.storedAfter(guest.token, NIGHT, base!);
        return taken.at(-1) === stored.at(-1);
      }, 15_000).catch(() => undefined);
      expect(taken.length).toBeGreaterThan(10);
      expect(taken).toEqual(stored);
    }
  });

  test('a reload goes on where it was: the token stays in the tab, the frames stand in the gallery', async () => {
    await nightGoesOn(20);
    const { page } = laptop;
    const before = await frames(page);
    await page.reload();
    await page.locator(live).waitFor({ timeout: 15_000 });
    await page.waitForFunction((n) => document.querySelectorAll('[data-item="gallery"] li').length >= n, before);
    expect(await page.evaluate(() => location.hash)).toBe('');
  });

  test('on the phone: no sideways scrolling, three decks, pinch and double tap enlarge the preview', async () => {
    await nightGoesOn(20);
    const { page } = phone;
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
    const expectScale = (wanted: number): Promise<unknown> =>
      page.waitForFunction(
        (scale) =>
          Math.abs(
            Number(
              /scale\(([\d.]+)\)/.exec(
                document.querySelector<HTMLElement>('[data-item="preview"] img')!.style.transform,
              )?.[1] ?? 1,
            ) - scale,
          ) < 0.01,
        wanted,
        { timeout: 5_000 },
      );
    await page.locator(item('preview', 'preview')).scrollIntoViewIfNeeded();
    const box = (await page.locator(item('preview', 'preview')).boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 3];
    const touch = await page.context().newCDPSession(page);
    const send = (
      type: 'touchStart' | 'touchMove' | 'touchEnd',
      points: [number, number][],
      seconds: number,
    ): Promise<unknown> =>
      touch.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: points.map(([px, py], id) => ({ x: px, y: py, id })),
        timestamp: seconds,
      });
    const doubleTap = (at: number): Promise<unknown> =>
      Promise.all(
        [0, 0.15].flatMap((later) => [
          send('touchStart', [[x, y]], at + later),
          send('touchEnd', [], at + later + 0.05),
        ]),
      );
    const now = Date.now() / 1_000;
    await doubleTap(now);
    await expectScale(2.5);
    await doubleTap(now + 2);
    await expectScale(1);
    const fingers = (apart: number): [number, number][] => [
      [x - apart, y],
      [x + apart, y],
    ];
    await send('touchStart', fingers(20), now + 4);
    for (let step = 1; step <= 6; step++) await send('touchMove', fingers(20 + step * 8), now + 4 + step / 20);
    await send('touchEnd', [], now + 4.5);
    await expectScale(3.4);
    await page.locator('.preview-tools button').nth(1).tap();
    await page.getByRole('button', { name: 'Conditions' }).tap();
    await page.waitForFunction(
      () => Math.abs(document.querySelector('[data-deck="sky"]')!.getBoundingClientRect().left) < 30,
    );
  });

  test('the live page, full of data, has no serious finding of axe-core either, in the dark and in red light', async () => {
    await nightGoesOn(20);
    const { page } = laptop;
    const found = await axe(page);
    await page.keyboard.press('n');
    found.push(...(await axe(page)));
    await page.keyboard.press('n');
    expect(found).toEqual([]);
  });

  test('as the Alpine component in a page of another origin: live with a token where the site is on the list, refused where not', async () => {
    await nightGoesOn(20);
    const { apiUrl } = observatory.stack;
    for (const site of [friend, stranger])
      site.serve({
        policy: embeddingPolicy(apiUrl),
        html: `<!doctype html><html lang="fr"><head><title>Laravel</title></head><body>${bladeOutput({ url: apiUrl, bookingId: NIGHT, token: guest.token, locale: 'fr' })}<script src="/alpine.js" defer></script></body></html>`,
      });
    const allowed = await visit(friend.origin, { hosts: [apiUrl] });
    await seeText(allowed.page, live, 'En direct', 20_000);
    await allowed.page
      .locator(`${item('images', 'gallery')} li`)
      .first()
      .waitFor();
    await allowed.page.waitForFunction(() =>
      [...document.querySelectorAll<HTMLImageElement>('[data-item="gallery"] img')].some((img) => img.naturalWidth > 0),
    );
    expect(await allowed.page.locator('[data-section]').count()).toBe(12);
    // That page is white and set in nothing: the component brings its own ground and letters, and leaves the page its own.
    const ground = await allowed.page.evaluate(() => {
      const of = (el: Element): CSSStyleDeclaration => getComputedStyle(el);
      const own = of(document.querySelector('.telescope-control')!);
      return {
        background: own.backgroundColor,
        color: own.color,
        font: own.fontFamily.includes('system-ui'),
        page: of(document.documentElement).colorScheme,
      };
    });
    expect(ground).toEqual({ background: 'rgb(5, 7, 15)', color: 'rgb(232, 237, 255)', font: true, page: 'normal' });
    await allowed.page.locator('.tile-open').first().click();
    await allowed.page.locator('[data-item="quick-look"]').click();
    await allowed.page.locator('.quicklook canvas').first().waitFor();
    await allowed.page.keyboard.press('Escape');
    expect(allowed.faults).toEqual([]);
    await allowed.close();
    const refused = await visit(stranger.origin, { hosts: [apiUrl] });
    await seeText(refused.page, '.banner', 'serveur', 20_000);
    expect(await refused.page.locator(live).count()).toBe(0);
    expect(refused.faults.filter((fault) => /CORS|Access-Control/.test(fault)).length).toBeGreaterThan(0);
    refused.faults.length = 0;
    await refused.close();
  });

  test('our own page in a frame: shown by the site on the list, blocked elsewhere', async () => {
    for (const [site, shown] of [
      [friend, true],
      [stranger, false],
    ] as const) {
      site.serve({
        policy: `default-src 'none'; frame-src ${observatory.stack.apiUrl}`,
        html: `<!doctype html><title>Laravel</title><iframe src="${guest.url}"></iframe>`,
      });
      const one = await visit(site.origin, { hosts: [observatory.stack.apiUrl] });
      const frame = one.page.frameLocator('iframe').locator('[data-section="header"]');
      if (shown) await frame.waitFor({ timeout: 15_000 });
      else {
        await until(() => Promise.resolve(one.faults.some((fault) => fault.includes('frame-ancestors'))), 10_000);
        expect(await frame.count()).toBe(0);
        one.faults.length = 0;
      }
      await one.close();
    }
  });

  test('every page of the real stack in both languages and both themes, without a fault', async () => {
    const user = await observatory.token('user', 'guest-8');
    const admin = await observatory.token('admin', 'ops');
    const pages: [string, [string, string]][] = [
      ['/', ['Essayer la démo', 'Try the demo']],
      [`/control/${STOPPED}#token=${await observatory.token('booking', STOPPED)}`, ['Interrompue', 'Stopped']],
      [`/report/${STOPPED}#token=${user}`, ['Où est passé le temps', 'Where the time went']],
      [`/observations#token=${user}`, ['Mes observations', 'My observations']],
      [`/admin#token=${admin}`, ['Télescopes en direct', 'Telescopes, live']],
      [`/book#token=${user}`, ['Réserver une nuit', 'Book a night']],
      ['/demo', ['Images capturées', 'Captured frames']],
      ['/help', ['Questions fréquentes', 'Frequent questions']],
    ];
    const found: string[] = [];
    const judged = LONG ? pages.map(([path]) => path) : ['/', '/help'];
    for (const [path, [french, english]] of pages) {
      const one = await visit(observatory.stack.apiUrl + path, { locale: 'fr-FR' });
      await seeText(one.page, 'main', french, 15_000);
      // Daily axe judges what no other test has it judge: a judgement costs seconds.
      if (judged.includes(path)) found.push(...(await axe(one.page)).map((f) => `${path} ${f}`));
      await one.page.locator('[data-tool="locale"]').click();
      await seeText(one.page, 'main', english);
      expect(await one.page.evaluate(() => document.documentElement.lang)).toBe('en');
      await one.page.locator('[data-tool="night"]').click();
      // Daily the live page stands for all in red light.
      if (LONG) found.push(...(await axe(one.page)).map((f) => `${path} in red light: ${f}`));
      found.push(...one.faults.map((f) => `${path} ${f}`));
      await one.close();
    }
    expect(found).toEqual([]);
  });

  test('the end: the page says so, links to the report, and the report has every frame with its file', async () => {
    const { page } = laptop;
    // What stood under the phase, all night: what the guest did and what is so, never somebody else's target.
    const reasons = (): Promise<string> => page.evaluate(() => sessionStorage.getItem('witness.reasons') ?? '');
    await page
      .locator(item('header', 'report'))
      .waitFor({ timeout: Math.max(10_000, (await endMs()) - Date.now() + 45_000) });
    // The link stands there while the night is still being wrapped up.
    await until(async () => (FINAL_PHASES as readonly string[]).includes(await phaseOf(NIGHT)), 45_000);
    const { images_captured: captured } = await observatory.booking(NIGHT);
    expect(captured).toBeGreaterThan(3);
    expect(await reasons()).toContain('The telescope is observing for you.');
    expect(await reasons()).not.toMatch(/another target|no answer|went wrong/i);
    await page.locator(item('header', 'report')).click();
    await seeText(page, '[data-report="summary"] [data-item="images"]', `${captured} of ${PLANNED} planned`, 20_000);
    await page.waitForFunction((n) => document.querySelectorAll('[data-report="gallery"] li').length === n, captured);
    expect(await page.locator('[data-report] canvas').count()).toBeGreaterThanOrEqual(2);
    await page.locator('[data-item="scrub"]').fill('600');
    await seeText(page, '.moment', /\d\d:\d\d:\d\d/);
    // On paper: dark on white, graphs redrawn, without what one can only click.
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe(
      'rgb(255, 255, 255)',
    );
    expect(await page.locator('[data-item="scrub"]').isVisible()).toBe(false);
    expect((await page.pdf()).subarray(0, 5).toString()).toBe('%PDF-');
    await page.emulateMedia({ media: 'screen' });
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    const href = await page.locator('[data-report="gallery"] .tile-get').first().getAttribute('href');
    const file = Buffer.from(await (await fetch(new URL(href!, observatory.stack.apiUrl))).arrayBuffer());
    const report = await page.evaluate(
      async (path) =>
        (
          await fetch(path, {
            headers: {
              authorization: `Bearer ${sessionStorage.getItem(`nocturne.token.booking.${path.split('/')[3]}`)}`,
            },
          })
        ).json(),
      `/api/bookings/${NIGHT}/report`,
    );
    expect(
      (report as { images: { frames: { sha256: string }[] } }).images.frames.map((frame) => frame.sha256),
    ).toContain(createHash('sha256').update(file).digest('hex'));
    const zip = await page.locator('[data-report="summary"] [data-item="zip"]').getAttribute('href');
    const archive = await fetch(new URL(zip!, observatory.stack.apiUrl));
    expect([archive.status, archive.headers.get('content-type')]).toEqual([200, 'application/zip']);
    await archive.body?.cancel();
    // A night that was made longer ends two minutes later.
  }, 360_000);

  test('the end reaches the subscribed device: sent by the worker, sealed for it alone, shown by the service worker; a second press ends that', async () => {
    const { page } = subscriber;
    const { apiUrl } = observatory.stack;
    const message = await push.message((m) => m.payload.type === 'session.completed', 30_000);
    expect(message.payload).toMatchObject({
      booking_id: NIGHT,
      title: expect.stringMatching(/^Session completed: your report/) as unknown,
      url: `/report/${NIGHT}`,
    });
    expect(message.payload.body).toMatch(/\w/);
    expect(message.vapid).toMatchObject({
      sub: 'mailto:ops@example.org',
      key: await page.evaluate(() => (globalThis as unknown as { applicationServerKey: string }).applicationServerKey),
    });
    expect(push.problems).toEqual([]);
    const worker = await page.context().newCDPSession(page);
    const registered = new Promise<string>((resolve) =>
      worker.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        const own = registrations.find((registration) => registration.scopeURL.startsWith(apiUrl));
        if (own) resolve(own.registrationId);
      }),
    );
    await worker.send('ServiceWorker.enable');
    const registrationId = await registered;
    const frame = { type: 'image.captured', booking_id: NIGHT, title: 'New image', body: '', url: `/control/${NIGHT}` };
    const shown = (): Promise<{ title: string; body: string; tag: string; data: unknown }[]> =>
      page.evaluate(async () =>
        (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, body, tag, data }) => ({
          title,
          body,
          tag,
          data: data as unknown,
        })),
      );
    /**
     * Delivered until exactly these titles are shown. Chromium forgets a notification that is asked for before its desktop has taken it, so the
     * look comes a moment later, and what was forgotten is delivered again.
     */
    const delivered = (messages: object[], wanted: string[]): Promise<void> =>
      until(async () => {
        await page.evaluate(async () => {
          for (const known of await (await navigator.serviceWorker.ready).getNotifications()) known.close();
        });
        for (const data of messages)
          await worker.send('ServiceWorker.deliverPushMessage', {
            origin: apiUrl,
            registrationId,
            data: JSON.stringify(data),
          });
        await setTimeout(100);
        const titles = (await shown()).map(({ title }) => title).toSorted();
        return JSON.stringify(titles) === JSON.stringify(wanted);
      }, 10_000);
    await delivered([message.payload, frame, frame], [frame.title, message.payload.title]);
    // The two frames are one notification: the newest alone.
    expect((await shown()).toSorted((a, b) => a.title.localeCompare(b.title))).toEqual([
      { title: 'New image', body: '', tag: `frame ${NIGHT}`, data: { url: `/control/${NIGHT}` } },
      {
        title: message.payload.title,
        body: message.payload.body,
        tag: '',
        data: { url: `/report/${NIGHT}`, link: expect.stringMatching(/^#link=[\w.-]+$/) as unknown as string },
      },
    ]);
    // Pressed when no tab of the night is left: a new one opens with the key that the device kept. The press needs a hand; the window is asked for here.
    const pressed = async (): Promise<string> =>
      page
        .context()
        .serviceWorkers()
        .at(0)!
        .evaluate(async () => {
          const scope = globalThis as unknown as ServiceWorkerScope;
          scope.clients.matchAll = () => Promise.resolve([]);
          const opened = new Promise<string>(
            (resolve) => (scope.clients.openWindow = (url) => (resolve(url), Promise.resolve(null))),
          );
          const reports = async (): Promise<Notification[]> =>
            (await scope.registration.getNotifications()).filter((known) =>
              (known.data as { url: string }).url.startsWith('/report/'),
            );
          let [notification] = await reports();
          // What the page sees already, the worker may see some milliseconds later.
          for (let look = 0; !notification && look < 50; look++) {
            await new Promise((resolve) => scope.setTimeout(resolve, 100));
            [notification] = await reports();
          }
          if (!notification) throw new Error('nothing is shown');
          scope.dispatchEvent(new scope.NotificationEvent('notificationclick', { notification }));
          return opened;
        });
    const reopened = await pressed();
    const anew = await page.context().newPage();
    await anew.goto(reopened);
    await anew.locator('[data-item="scrub"]').waitFor();
    expect(anew.url()).toBe(`${apiUrl}/report/${NIGHT}`);
    await anew.close();
    await delivered([message.payload], [message.payload.title]);
    const ended = page.waitForResponse((response) => response.request().method() === 'DELETE');
    await page.locator(item('controls', 'push')).click();
    expect((await ended).status()).toBe(204);
    await page.locator(`${item('controls', 'push')}[aria-pressed="false"]`).waitFor();
    // Unsubscribed, the device keeps no key: what was still shown opens the page that asks for the link.
    expect(await pressed()).toBe(`${apiUrl}/report/${NIGHT}`);
    await wholeBrowser.close();
  });

  test('scripts and style sheets leave the api compressed, as the client takes them, and the same either way', async () => {
    const address = `${observatory.stack.apiUrl}/assets/telescope-control.js`;
    const got = await Promise.all(
      ['identity', 'gzip', 'gzip, deflate, br'].map(async (accepted) => {
        const response = await fetch(address, { headers: { 'accept-encoding': accepted } });
        return {
          encoding: response.headers.get('content-encoding'),
          vary: response.headers.get('vary')?.includes('accept-encoding'),
          type: response.headers.get('content-type'),
          sha256: createHash('sha256')
            .update(Buffer.from(await response.arrayBuffer()))
            .digest('hex'),
        };
      }),
    );
    expect(got.map(({ encoding }) => encoding)).toEqual([null, 'gzip', 'br']);
    expect(new Set(got.map(({ sha256, vary, type }) => `${sha256} ${vary} ${type}`)).size).toBe(1);
  });

  test('no page had a script error, broke the content security policy or asked another host', () => {
    expect(opened.flatMap((one) => one.faults)).toEqual([]);
  });
});
