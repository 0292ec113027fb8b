import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { Snapshot } from '../../domain/contracts/snapshot.ts';
import { CHROMIUM, seeText, type Opened } from './browser.ts';
import { BOOKING_ID } from './fixtures.ts';
import type { PageServer } from './server.ts';
import { pagesInChromium } from './stage.ts';

const BASE = `/api/bookings/${BOOKING_ID}`;
const [AUTH, EVENTS, SNAPSHOT] = ['POST /broadcasting/auth', `GET ${BASE}/events`, `GET ${BASE}/snapshot`] as const;
const CHIP = '[data-section="header"] [data-item~="connection"]';
const CONSOLE = '[data-section="logs"] [data-item~="console"]';

/** A phone whose connection broke asks little, and shows nothing old. */
(CHROMIUM ? describe : describe.skip)('a page that comes back', () => {
  const stage = pagesInChromium();
  let server: PageServer;
  let opened: Opened;
  beforeEach(async () => {
    ({ server } = stage);
    opened = await stage.visit(`/control/${BOOKING_ID}#token=guest`);
    await live(opened.page);
  });

  /** The page is live and has asked for everything that it wants: half a second without a question. */
  const live = async (page: Page): Promise<void> => {
    await page.locator(`${CHIP}[data-tone="good"]`).waitFor();
    for (let known = -1; known !== server.requests.length;) {
      known = server.requests.length;
      await page.waitForTimeout(500);
    }
  };
  const asked = (since: number): string[] =>
    server.requests.slice(since).filter((one) => [AUTH, EVENTS, SNAPSHOT].some((known) => known === one));
  /** What it asks from the moment that its socket is cut off, after `changed`, until `seen` shows and nothing is under way. */
  const cutOff = async (changed: () => void, seen: (page: Page) => Promise<unknown>): Promise<string[]> => {
    const before = server.requests.length;
    changed();
    server.dropSockets();
    await seen(opened.page);
    await live(opened.page);
    return asked(before);
  };
  /** A line of the log that the socket never brings. */
  const lose = (message: string): void =>
    void server.push(
      'log.appended',
      {
        at: new Date().toISOString(),
        level: 'WARNING',
        source: 'session',
        event: 'x',
        message,
        message_fr: null,
        data: {},
      },
      { lost: true },
    );
  const read = (message: string) => (page: Page) => seeText(page, CONSOLE, message);

  test('asks two questions: one for all its channels, and one for what it missed', async () => {
    expect(await cutOff(() => ['one', 'two'].forEach(lose), read('two'))).toEqual([AUTH, EVENTS]);
    expect(opened.faults).toEqual([]);
  }, 60_000);

  test('a session that has changed meanwhile needs no third', async () => {
    const pause = (): void => {
      Object.assign(server.night, { phase: 'holding', holdCause: 'user', reason: 'user_pause' });
      server.push('session.changed', { phase: 'holding' }, { lost: true });
    };
    const paused = (page: Page): Promise<unknown> => seeText(page, '[data-item="phase"]', 'Paused');
    expect(await cutOff(pause, paused)).toEqual([AUTH, EVENTS]);
  }, 60_000);

  test('where the state channel is refused the snapshot is asked for', async () => {
    const before = server.requests.length;
    server.refuseChannels(503, /\.state$/);
    lose('one');
    server.dropSockets();
    await read('one')(opened.page);
    while (!asked(before).includes(SNAPSHOT)) await opened.page.waitForTimeout(20);
    expect(asked(before).slice(0, 3)).toEqual([AUTH, EVENTS, SNAPSHOT]);
    expect(await opened.page.locator(`${CHIP}[data-tone="good"]`).count()).toBe(0);
    server.refuseChannels(null);
    await live(opened.page);
  }, 60_000);

  test('a snapshot that does not know the events, or is a part, stands for none', async () => {
    for (const [message, over] of [
      ['early', { seq: 0 }],
      ['cut', { partial: true }],
    ] as const) {
      server.bringOnJoining(over);
      expect([message, await cutOff(() => lose(message), read(message))]).toEqual([message, [AUTH, EVENTS, SNAPSHOT]]);
    }
  }, 60_000);

  test('loses nothing to a snapshot that was cut for the socket: a long plan stays whole, as far as it has come', async () => {
    const { page } = opened;
    const lines = page.locator('[data-item~="plan"] li');
    const answer = await fetch(`${server.url}${BASE}/snapshot`, { headers: { authorization: 'Bearer guest' } });
    const { plan, progress } = (await answer.json()) as Snapshot;
    const done = plan.map((line, i) => (i === plan.length - 1 ? 7 : line.done));
    server.push('plan.progress', { ...progress, done });
    await seeText(page, '[data-item~="plan"] li:last-child', '7/15');
    const before = await lines.allTextContents();
    const credits = { charged: 31, used: 31, refund: null };
    server.pushSnapshot({ partial: true, telescope: null, plan: plan.slice(0, 1), credits });
    await seeText(page, '[data-section="header"] [data-item~="credits"]', '31 charged');
    expect(await lines.allTextContents()).toEqual(before);
    await seeText(page, '[data-section="camera"] [data-item~="camera-temperature"]', '−10.1 °C');
  }, 60_000);

  test('whose key has ended meanwhile says so, and not that the network is away', async () => {
    server.endKeys();
    server.dropSockets();
    await seeText(opened.page, CHIP, 'Access denied');
  }, 60_000);
});
