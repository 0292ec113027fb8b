import { describe, expect, test } from '@jest/globals';
import { SHORTCUTS } from '../../web/client/control/shortcuts.ts';
import { CHROMIUM, seeText, type Opened } from './browser.ts';
import { BOOKING_ID, imageSummary } from './fixtures.ts';
import { pagesInChromium } from './stage.ts';

/** The component as a page of others meets it: by the names of the owner's roadmap (3.1), which its own markup may use too. */
const STATE = [
  'connection',
  'voyagerStatus',
  'sequence',
  'equipment',
  'currentShot',
  'progress',
  'socket',
  'images',
  'logs',
  'stats',
];
const METHODS = [
  'init',
  'connectWebSocket',
  'loadInitialData',
  'startPolling',
  'handleRealtimeData',
  'sendCommand',
  'refreshPreview',
  'pauseSequence',
  'resumeSequence',
  'abortSession',
];

test('each shortcut has a key of its own, and the roadmap’s are among them', () => {
  const keys = SHORTCUTS.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys).toEqual(expect.arrayContaining([' ', 'r', 'a', 'p', 'l', 'f']));
});

(CHROMIUM ? describe : describe.skip)('telescopeControl in Chromium', () => {
  const stage = pagesInChromium();
  const watch = async (): Promise<Opened> => {
    const one = await stage.visit(`/control/${BOOKING_ID}#token=guest`);
    await one.page.locator('[data-item="connection"][data-tone="good"]').waitFor({ timeout: 10_000 });
    await one.page.locator('[data-item="gallery"] li').first().waitFor();
    return one;
  };
  /** The component's own object, as Alpine hands it out. */
  const look = (one: Opened, names: string[]): Promise<Record<string, unknown>> =>
    one.page.evaluate((names) => {
      const { Alpine } = window as unknown as { Alpine: { $data(el: Element): Record<string, unknown> } };
      const component = Alpine.$data(document.querySelector('.telescope-control')!);
      return Object.fromEntries(
        names.map((name) => {
          const value = component[name];
          return [name, typeof value === 'function' ? 'function' : (JSON.parse(JSON.stringify(value)) as unknown)];
        }),
      );
    }, names);

  test('has the state and the methods that the roadmap names, with what they are meant to hold', async () => {
    const one = await watch();
    const state = await look(one, STATE);
    expect(Object.keys(state)).toEqual(STATE);
    expect(state).toMatchObject({
      connection: 'live',
      socket: 'live',
      voyagerStatus: 'RUN',
      sequence: { name: expect.any(String) as unknown },
      equipment: { mount: true, camera: true, focuser: true },
      currentShot: { status: 'EXPOSE' },
      progress: expect.any(Number) as unknown,
      stats: { total_exposure_seconds: expect.any(Number) as unknown },
    });
    const images = state.images as { filename: string }[];
    const logs = state.logs as { message: string }[];
    expect(images).toHaveLength(20);
    expect(images[0]!.filename).toMatch(/\.fit$/);
    expect(logs.length).toBeGreaterThan(0);
    expect(logs[0]!.message).toEqual(expect.any(String));
    expect(await look(one, METHODS)).toEqual(Object.fromEntries(METHODS.map((name) => [name, 'function'])));
    expect(one.faults).toEqual([]);
  });

  test('its lists follow the night: who shows them sees each new frame and each new line', async () => {
    const one = await watch();
    await one.page.evaluate(() => {
      const p = document.createElement('p');
      p.id = 'follower';
      p.setAttribute('x-text', "images[0].filename + ' · ' + logs[logs.length - 1].message");
      document.querySelector('.telescope-control')!.append(p);
    });
    stage.server.push('image.captured', imageSummary(25, stage.server.night));
    stage.server.push('log.appended', {
      at: new Date().toISOString(),
      level: 'INFO',
      source: 'session',
      event: 'x',
      message: 'Dither done.',
      message_fr: null,
      data: {},
    });
    await seeText(one.page, '#follower', /_025\.fit · Dither done\./);
    expect(one.faults).toEqual([]);
  });

  test('the help lists every shortcut that there is, on the page and in the dialog', async () => {
    const one = await watch();
    await one.page.keyboard.press('?');
    await seeText(one.page, 'dialog[open]', 'Keyboard shortcuts');
    const inDialog = await one.page.locator('dialog[open] kbd').allInnerTexts();
    expect(inDialog).toEqual(SHORTCUTS.map(({ key }) => (key === ' ' ? 'Space' : key.toUpperCase())));
    await one.page.goto(`${stage.server.url}/help`);
    await one.page.locator('kbd').first().waitFor();
    expect(await one.page.locator('kbd').allInnerTexts()).toEqual(inDialog);
  });
});
