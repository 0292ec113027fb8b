import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pino from 'pino';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { OutboxDelivery } from '../../activities/notify/delivery.ts';
import { Printer } from '../../api/bookings/print.ts';
import type { OutboxType } from '../../domain/contracts/webhook.ts';
import { MESSAGES } from '../../domain/messages/table.ts';
import { enqueueOutbox } from '../../platform/outbox.ts';
import { freePort } from '../../stack/ports.ts';
import { KEY, body as bookingBody, config, insertBooking, startApi, type RunningApi } from '../api/harness.ts';
import { startPostgres } from '../support/postgres.ts';
import { CHROMIUM, launch, open, seeText } from '../web/browser.ts';
import { newNight, report } from '../web/fixtures.ts';
import { startMailServer, type MailServer } from '../notify/world.ts';
import { operatorsEvening } from './passkeys.ts';

let api: RunningApi;
let mail: MailServer;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let browser: Browser | null = null;
const store = mkdtempSync(join(tmpdir(), 'nocturne-links-'));
const HOUR = 3_600_000;
const hoursAhead = (n: number): string => new Date(Date.now() + n * HOUR).toISOString();
const TARGET = (bookingBody().target as { name: string }).name;

beforeAll(async () => {
  const [database, smtp, port] = await Promise.all([startPostgres(), startMailServer(), freePort()]);
  [postgres, mail] = [database, smtp];
  const settings = {
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    SMTP_URL: smtp.url,
    MAIL_FROM: 'nocturne@example.org',
    SUPPORT_EMAIL: 'help@example.org',
    OBSERVATIONS_STORAGE_PATH: store,
    TELEGRAM_BOT_TOKEN: '1:secret',
  };
  api = await startApi(postgres.url, { config: config(settings), now: Date.now, port });
  if (CHROMIUM) browser = await launch();
  const person = (ref: string, email: string): { ref: string; display_name: string; email: string } => ({
    ref,
    display_name: 'Ada',
    email,
  });
  await insertBooking(
    api,
    'live',
    { start: hoursAhead(-1), end: hoursAhead(2) },
    person('u-live', 'live@example.org'),
    'running',
  );
  await insertBooking(
    api,
    'over',
    { start: hoursAhead(-9), end: hoursAhead(-7) },
    person('u-over', 'over@example.org'),
    'completed',
  );
  await api.db.user.updateMany({ data: { locale: 'en' } });
  const night = report(newNight());
  await api.db.report.create({
    data: { bookingId: 'over', body: { ...night, summary: { ...night.summary, booking_id: 'over', target: TARGET } } },
  });
  await archivedFrame('over');
}, 90_000);
afterAll(async () => {
  await browser?.close();
  await api.stop();
  await Promise.all([mail.stop(), postgres.stop()]);
  rmSync(store, { recursive: true, force: true });
}, 60_000);
beforeEach(() => {
  mail.letters = [];
});

/** A frame whose file lies in the store, so that the ZIP has something to give. */
async function archivedFrame(bookingId: string): Promise<void> {
  const bytes = Buffer.alloc(2_880, 32);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const archivePath = `bookings/${bookingId}/one.fit`;
  for (const path of [archivePath, `objects/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`]) {
    mkdirSync(dirname(join(store, path)), { recursive: true });
    writeFileSync(join(store, path), bytes);
  }
  await api.db.frame.create({
    data: {
      id: randomUUID(),
      telescopeId: 't1',
      bookingId,
      sourceKey: 'one',
      sourcePath: '',
      filename: 'one.fit',
      type: 'light',
      state: 'archived',
      announced: true,
      archivePath,
      sha256,
      sizeBytes: bytes.length,
      capturedAt: new Date(),
      archivedAt: new Date(),
    },
  });
}
/** The letter of a type to the guest of a booking. */
async function letter(bookingId: string, type: OutboxType): Promise<MailServer['letters'][number]['mail']> {
  const before = mail.letters.length;
  await api.db.$transaction((tx) =>
    enqueueOutbox(tx, {
      key: randomUUID(),
      type,
      bookingId,
      telescopeId: 't1',
      data: { expires_at: hoursAhead(400), images: 1, images_captured: 1 },
      channels: ['email'],
    }),
  );
  await deliver();
  expect(mail.letters).toHaveLength(before + 1);
  return mail.letters.at(-1)!.mail;
}
async function deliver(): Promise<void> {
  const one = new OutboxDelivery({ db: api.db, config: api.config, logger: pino({ level: 'silent' }) });
  while ((await one.deliverDue()) > 0);
}
const hrefs = (html: unknown): string[] =>
  [...String(html).matchAll(/href="([^"]+)"/g)].map((match) =>
    (match[1] ?? '').replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
  );
const codeOf = (url: string): string => new URLSearchParams(new URL(url).hash.slice(1)).get('link')!;
type Answer = Promise<{ status: number; body: Record<string, unknown>; headers: Headers }>;
const exchange = (code: string, device: string): Answer =>
  api.json('POST', '/api/links/exchange', { code, device }, { key: null });
const DEVICE = 'device-of-the-guest-1';
const OTHER = 'device-of-a-friend-22';

describe('a link in a letter', () => {
  test('is exchanged for a session token: the first device may do what a guest may, another one only look', async () => {
    const url = hrefs((await letter('live', 'session.started')).html).find((one) => one.includes('/control/'))!;
    const first = await exchange(codeOf(url), DEVICE);
    expect([first.status, first.body.scopes, first.body.view_only]).toEqual([
      200,
      ['session:view', 'session:control', 'session:abort'],
      false,
    ]);
    const friend = await exchange(codeOf(url), OTHER);
    expect([friend.body.scopes, friend.body.view_only]).toEqual([['session:view'], true]);
    expect((await exchange(codeOf(url), DEVICE)).body.view_only).toBe(false);
    const seen = await api.fetch('/api/bookings/live/snapshot', { token: String(friend.body.token) });
    expect(seen.status).toBe(200);
    const steered = await api.json('POST', '/api/bookings/live/pause', {}, { token: String(friend.body.token) });
    expect(steered.status).toBe(403);
  });

  test('is ended with all that it opened', async () => {
    const url = hrefs((await letter('live', 'session.paused')).html).find((one) => one.includes('/control/'))!;
    const own = String((await exchange(codeOf(url), DEVICE)).body.token);
    const friend = String((await exchange(codeOf(url), OTHER)).body.token);
    expect((await api.json('DELETE', '/api/bookings/live/links', undefined, { token: friend })).status).toBe(403);
    const ended = await api.json('DELETE', '/api/bookings/live/links', undefined, { token: own });
    expect(ended.body.revoked).toBeGreaterThan(0);
    expect((await api.fetch('/api/bookings/live/snapshot', { token: friend })).status).toBe(401);
    // Whoever asked stays.
    expect((await api.fetch('/api/bookings/live/snapshot', { token: own })).status).toBe(200);
    expect([(await exchange(codeOf(url), DEVICE)).body.code, (await exchange(codeOf(url), OTHER)).status]).toEqual([
      'token_revoked',
      401,
    ]);
  });

  test('that is too old, forged or of a person who was erased opens nothing', async () => {
    const url = hrefs((await letter('live', 'session.resumed')).html).find((one) => one.includes('/control/'))!;
    const code = codeOf(url);
    const forged = code.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    expect((await exchange(forged, DEVICE)).body.code).toBe('unauthenticated');
    await api.db.link.updateMany({ data: { expiresAt: new Date(Date.now() - 1) } });
    expect((await exchange(code, DEVICE)).body.code).toBe('token_expired');
    await insertBooking(
      api,
      'gone',
      { start: hoursAhead(30), end: hoursAhead(31) },
      { ref: 'u-gone', email: 'gone@example.org' },
    );
    const theirs = hrefs((await letter('gone', 'session.prepared')).html).find((one) => one.includes('/control/'))!;
    expect((await api.json('DELETE', '/api/users/u-gone')).status).toBe(200);
    expect((await exchange(codeOf(theirs), DEVICE)).body.code).toBe('token_revoked');
  });
});

/** The objects of a PDF that are not the same in another one. */
function differences(one: Buffer, other: Buffer): string {
  const [a, b] = [one, other].map((pdf) => pdf.toString('latin1').split('endobj')) as [string[], string[]];
  const lines = a.flatMap((object, n) =>
    object === b[n] ? [] : [`${n}: ${object.slice(0, 300)} | ${b[n]?.slice(0, 300)}`],
  );
  return `${a.length} objects, ${b.length} objects\n${lines.slice(0, 5).join('\n')}`;
}

describe('without a key', () => {
  const ask = (bookingId: string): Answer => api.json('POST', '/api/links', { booking_id: bookingId }, { key: null });

  test('a new link goes to the booking’s address; the answer is the same whether there is one or not', async () => {
    const [there, nowhere] = [await ask('live'), await ask('no-such-booking')];
    expect([there.status, there.body]).toEqual([202, { state: 'accepted' }]);
    expect([nowhere.status, nowhere.body]).toEqual([there.status, there.body]);
    // Asked again at once: the same answer, and one letter in ten minutes.
    await ask('live');
    await deliver();
    expect(mail.letters.map(({ to, mail: one }) => [to, one.subject])).toEqual([
      ['live@example.org', `Your access link (${TARGET})`],
    ]);
    const row = await api.db.outbox.findFirstOrThrow({ where: { bookingId: 'no-such-booking' } });
    expect([row.unsent, row.lastError]).toEqual([true, 'no address']);
  });

  test('a stranger who asks without end is told to wait', async () => {
    const answers = await Promise.all(Array.from({ length: 15 }, (_, n) => ask(`stranger-${n}`)));
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
    expect(answers.find(({ status }) => status === 429)!.headers.get('retry-after')).toMatch(/^\d+$/);
  });
});

describe('one click', () => {
  test('a mail program’s post ends the letters; a program that only opens the link changes nothing', async () => {
    const one = await letter('over', 'session.started');
    const { url } = (one.headers.get('list') as { unsubscribe: { url: string } }).unsubscribe;
    const chosen = async (): Promise<unknown> =>
      (await api.json<{ channels: { email: { on: boolean } } }>('GET', '/api/users/u-over/preferences')).body.channels
        .email.on;
    expect((await fetch(url)).status).toBe(200);
    expect(await chosen()).toBe(true);
    const posted = await fetch(url, {
      method: 'POST',
      body: 'List-Unsubscribe=One-Click',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([posted.status, await chosen()]).toEqual([200, false]);
    expect((await fetch(`${url.slice(0, -2)}xx`, { method: 'POST' })).status).toBe(404);
    await api.db.preference.deleteMany();
  });
});

(CHROMIUM ? describe : describe.skip)('every link of every letter opens what it promises, in Chromium', () => {
  const opened: string[] = [];
  let guest: BrowserContext;
  /** What the guest's browser calls itself: the key of a link is whole for the first device alone. */
  let device = '';
  beforeAll(async () => {
    guest = await browser!.newContext({ locale: 'en-GB' });
  });
  afterAll(() => guest?.close());
  /** In a tab of its own of the guest's browser. */
  const visit = async (url: string, see: (page: Page) => Promise<unknown>): Promise<void> => {
    const page = await guest.newPage();
    try {
      await page.goto(url);
      await see(page);
      device = (await page.evaluate(() => localStorage.getItem('nocturne.device'))) ?? '';
      // The key has left the address.
      expect(page.url()).not.toContain('link=');
    } finally {
      await page.close();
    }
  };
  /** What a page reads first with the key of its link, and what stands in it. */
  const first = (kind: string, subject: string): [path: string, holds: string] | undefined =>
    ({
      control: [`/api/bookings/${subject}/snapshot`, TARGET] as [string, string],
      report: [`/api/bookings/${subject}/report`, TARGET] as [string, string],
      preferences: ['/api/preferences', '"channels"'] as [string, string],
    })[kind];
  /** The way of a page without the page: it is there, its key is exchanged, and the key opens what the page reads first. */
  const follow = async (url: string, [path, holds]: [string, string]): Promise<void> => {
    const { status, body } = await exchange(codeOf(url), device);
    expect([(await fetch(url)).status, status]).toEqual([200, 200]);
    const read = await api.fetch(path, { token: String(body.token) });
    expect([read.status, (await read.text()).includes(holds) ? holds : path]).toEqual([200, holds]);
  };
  const see = async (url: string): Promise<void> => {
    const { pathname } = new URL(url);
    const [, kind = '', subject = ''] = pathname.split('/');
    const reads = first(kind, subject);
    // Daily Chromium opens each kind of page once; of the other letters the links are followed without it.
    if (reads && opened.includes(kind) && process.env.NOCTURNE_LONG !== '1') return follow(url, reads);
    opened.push(kind);
    if (pathname.startsWith('/control/'))
      return visit(url, (page) => seeText(page, '[data-section="header"] [data-item="target"]', TARGET));
    if (pathname.startsWith('/report/'))
      return visit(url, (page) => seeText(page, '[data-report="summary"] h1', TARGET));
    if (pathname.startsWith('/preferences/'))
      return visit(url, (page) => page.locator('[data-item="preferences"] tr[data-type]').first().waitFor());
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/zip']);
    expect(
      Buffer.from(await answer.arrayBuffer())
        .subarray(0, 2)
        .toString(),
    ).toBe('PK');
  };

  test('shows what it promises', async () => {
    const types = Object.entries(MESSAGES).flatMap(([type, one]) =>
      one?.to.includes('email') ? [{ type: type as OutboxType, opens: one.opens }] : [],
    );
    for (const { type, opens } of types) {
      const html = String((await letter(opens === 'control' ? 'live' : 'over', type)).html);
      const links = hrefs(html).filter((url) => !url.startsWith('mailto:'));
      expect(links.length).toBeGreaterThan(opens ? 1 : 0);
      for (const url of links) await see(url);
    }
    expect(new Set(opened)).toEqual(new Set(['control', 'report', 'preferences', 'api']));
  }, 240_000);

  test('the report on paper: the page, and the same file each time', async () => {
    const print = async (locale: string): Promise<Buffer> => {
      const answer = await api.fetch(`/api/bookings/over/report.pdf?locale=${locale}`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/pdf']);
      return Buffer.from(await answer.arrayBuffer());
    };
    const first = await print('fr');
    expect(first.subarray(0, 5).toString()).toBe('%PDF-');
    expect(first.toString('latin1')).not.toContain('sig=');
    const again = await print('fr');
    // Of two files that differ the text says where: their bytes are compressed.
    expect(again.equals(first) ? '' : differences(first, again)).toBe('');
    expect((await print('en')).equals(first)).toBe(false);
  }, 60_000);

  test('a page without a key says how to get one, and the new link opens it', async () => {
    await api.db.outbox.deleteMany({ where: { type: 'link.requested' } });
    const one = await open(browser!, `${api.url}/control/live`, { locale: 'en-GB' });
    await one.page.locator('[data-item="ask-link"]').click();
    await seeText(one.page, '[data-item="asked-link"]', /link arrives there/);
    await deliver();
    const url = hrefs(mail.letters.at(-1)!.mail.html).find((href) => href.includes('/control/live#link='))!;
    await one.page.goto(url);
    await seeText(one.page, '[data-section="header"] [data-item="target"]', TARGET);
    await one.close();
  }, 60_000);

  test('the page of a session can be installed: a manifest of its own, PNG icons, and a first address with a key', async () => {
    const url = hrefs((await letter('live', 'session.resumed')).html).find((href) => href.includes('/control/'))!;
    const one = await open(browser!, url, { locale: 'en-GB' });
    await seeText(one.page, '[data-section="header"] [data-item="target"]', TARGET);
    await one.page.waitForFunction(
      () => document.querySelector<HTMLLinkElement>('link[rel="manifest"]')?.href.includes('/control/live/') === true,
    );
    const devtools = await one.page.context().newCDPSession(one.page);
    const { data, errors } = await devtools.send('Page.getAppManifest');
    const manifest = JSON.parse(data!) as { start_url: string; id: string; icons: { src: string; sizes: string }[] };
    expect([errors, manifest.id]).toEqual([[], '/control/live']);
    for (const { src, sizes } of [...manifest.icons, { src: '/assets/icon-180.png', sizes: '180x180' }]) {
      const icon = await fetch(new URL(src, api.url));
      const png = Buffer.from(await icon.arrayBuffer());
      expect([icon.headers.get('content-type'), `${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`]).toEqual([
        'image/png',
        sizes,
      ]);
    }
    expect(await one.page.locator('link[rel="apple-touch-icon"]').getAttribute('href')).toBe('/assets/icon-180.png');
    // On a home screen, with a storage of its own.
    const installed = await open(browser!, new URL(manifest.start_url, api.url).href, { phone: true });
    await seeText(installed.page, '[data-section="header"] [data-item="target"]', TARGET);
    const scopes = await installed.page.evaluate(() => {
      const token = sessionStorage.getItem('nocturne.token.booking.live') ?? '';
      return (
        JSON.parse(atob((token.slice(4).split('.').at(0) ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as {
          sc: string[];
        }
      ).sc;
    });
    expect(scopes).toContain('session:control');
    // Whoever asks for the manifest without the cookie gets no key.
    expect(await (await fetch(`${api.url}/control/live/manifest.webmanifest`)).json()).toMatchObject({
      start_url: '/control/live',
    });
    await Promise.all([one.close(), installed.close()]);
  }, 60_000);

  test('preferences are chosen on their page and kept', async () => {
    const url = hrefs((await letter('live', 'session.started')).html).find((href) => href.includes('/preferences/'))!;
    const one = await open(browser!, url, { locale: 'en-GB' });
    const { page } = one;
    await page.locator('tr[data-type="session.paused"] input[data-channel="email"]').uncheck();
    await page.locator('[data-item="quiet"]').check();
    await page.locator('[data-item="from"]').fill('23:15');
    await page.locator('[data-chat="telegram"]').fill('4711');
    await page.locator('[data-item="save"]').click();
    await seeText(page, '[data-item="said"]', 'Saved.');
    await page.locator('[data-item="calendar"]').click();
    await seeText(page, '[data-item="calendar-url"]', /\/calendar\/[\w.-]+\.ics$/);
    const { body } = await api.json('GET', '/api/users/u-live/preferences');
    expect(body).toMatchObject({
      quiet_hours: { from: '23:15', to: '08:00' },
      channels: { email: { on: true, off: ['session.paused'] } },
      chats: [{ kind: 'telegram', address: '…4711' }],
    });
    await one.close();
  }, 60_000);
});

test('what Laravel has taken over a guest does not take back; what is about the booking cannot be switched off', async () => {
  const path = '/api/users/u-live/preferences';
  expect((await api.json('PUT', path, { laravel: ['email'] })).status).toBe(200);
  const code = codeOf(hrefs((await letterFor()).html).find((href) => href.includes('#link='))!);
  const token = String((await exchange(code, DEVICE)).body.token);
  const kept = await api.json<{ laravel: string[] }>('PUT', '/api/preferences', { laravel: [] }, { token });
  expect(kept.body.laravel).toEqual(['email']);
  const wrong = await api.json('PUT', path, { channels: { email: { off: ['session.cancelled'] } } }, { key: KEY });
  expect([wrong.status, Object.keys(wrong.body.errors as object)]).toEqual([422, ['channels.email.off']]);
  async function letterFor(): Promise<{ html?: unknown }> {
    await api.json('PUT', path, { laravel: [] });
    const one = await letter('live', 'session.started');
    await api.json('PUT', path, { laravel: ['email'] });
    return one;
  }
}, 60_000);

(CHROMIUM ? test : test.skip)(
  'an operator’s passkey: invited, enrolled, signed out and in again',
  () => operatorsEvening(browser!, api),
  60_000,
);

test('without a browser on the server the PDF is refused with what to do, and nothing is begun', async () => {
  const { printer } = api.deps;
  api.deps.printer = new Printer('/nowhere/chromium', true);
  const refused = await api.json('GET', '/api/bookings/over/report.pdf');
  api.deps.printer = printer;
  expect([refused.status, refused.body.code]).toEqual([501, 'not_installed']);
  expect(refused.body.detail).toContain('CHROMIUM_PATH names /nowhere/chromium, which is not there');
  expect((await api.fetch('/api/bookings/live/report.pdf')).status).toBe(404);
});
