import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Commands, type Said } from '../../web/client/control/sections/controls/commands.ts';
import type { Receipt, Source } from '../../web/client/core/types.ts';
import { CHROMIUM, seeText, type Opened } from './browser.ts';
import { BOOKING_ID } from './fixtures.ts';
import type { PageServer } from './server.ts';
import { pagesInChromium } from './stage.ts';

/** What a page says of a command, in every case. */

describe('a command to its end', () => {
  const receipt = (state: Receipt['state'], more: Partial<Receipt> = {}): Receipt => ({
    command_id: 'c1',
    kind: 'abort',
    state,
    at: new Date().toISOString(),
    ...more,
  });
  let said: string[];
  const online = (onLine: boolean): void => {
    Object.defineProperty(globalThis, 'navigator', { value: { onLine }, configurable: true });
  };
  const commandsOn = (source: Partial<Source>): Commands => {
    said = [];
    const tell = ({ known, reason }: Said): void => void said.push([known, reason.code].filter(Boolean).join(':'));
    const all = { demo: false, receipt: async () => null, stats: () => Promise.reject(new TypeError()), ...source };
    return new Commands(
      () => all as unknown as Source,
      tell,
      () => void said.push('asks'),
    );
  };
  beforeEach(() => {
    jest.useFakeTimers();
    online(true);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('a receipt that nobody settles is unproven after a minute, not checked for ever', async () => {
    const commands = commandsOn({ command: async () => receipt('unknown', { reason: 'voyager_away' }) });
    await commands.send('abort');
    await jest.advanceTimersByTimeAsync(70_000);
    expect(said).toEqual(['sending', 'unknown:voyager_away', 'unproven:voyager_away']);
  });

  test('what it waits for is said, and its end is found without the stream', async () => {
    let now = receipt('accepted', { reason: 'voyager_emergency' });
    const commands = commandsOn({ command: async () => now, receipt: async () => now });
    await commands.send('abort');
    now = receipt('confirmed');
    await jest.advanceTimersByTimeAsync(5_000);
    expect(said).toEqual(['sending', 'waiting:voyager_emergency', 'confirmed']);
  });

  test('a server that does not answer is tried three times with one key, and the stop is asked about when it is back', async () => {
    const keys: string[] = [];
    let back = false;
    const commands = commandsOn({
      stats: () => (back ? Promise.resolve({} as never) : Promise.reject(new TypeError())),
      command: (_kind, key) => {
        keys.push(key);
        return Promise.reject(new TypeError('Failed to fetch'));
      },
    });
    const sending = commands.send('abort');
    await jest.advanceTimersByTimeAsync(10_000);
    await sending;
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(3);
    expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(said.at(-1)).toBe('unreached');
    back = true;
    await jest.advanceTimersByTimeAsync(20_000);
    expect(said.filter((line) => line === 'asks')).toHaveLength(1);
  });

  test('a server that hangs is said to, while it is still tried', async () => {
    const commands = commandsOn({ command: () => new Promise(() => undefined) });
    void commands.send('pause');
    await jest.advanceTimersByTimeAsync(5_000);
    expect(said).toEqual(['sending', 'trying']);
  });

  test('offline nothing is sent and that is said at once; an older receipt does not say otherwise', async () => {
    online(false);
    const commands = commandsOn({ command: () => Promise.reject(new TypeError('Failed to fetch')) });
    await commands.send('pause');
    commands.heard(receipt('confirmed', { kind: 'pause', at: new Date(Date.now() - 60_000).toISOString() }), 0);
    expect(said).toEqual(['sending', 'notSent']);
  });
});

/** A machine without a network says of itself that it is offline, whatever becomes of a server. */
const ONLINE = Object.values(networkInterfaces()).some((all) => all?.some((one) => !one.internal));

(CHROMIUM ? describe : describe.skip)('over plain http on the local network, in Chromium', () => {
  const item = (section: string, name: string): string => `[data-section="${section}"] [data-item~="${name}"]`;
  const RECEIPT = item('controls', 'receipt');
  const stage = pagesInChromium();
  let server: PageServer;
  let opened: Opened;
  beforeEach(async () => {
    ({ server } = stage);
    // By a name, as from another computer: no secure context.
    const url = server.url.replace('127.0.0.1', 'observe.test');
    opened = await stage.visit(`${url}/control/${BOOKING_ID}#token=guest`);
    await opened.page.locator(`${item('header', 'connection')}[data-tone="good"]`).waitFor({ timeout: 20_000 });
  }, 60_000);
  const sent = (): string[] => server.requests.filter((r) => /^POST .*\/(pause|resume|abort)$/.test(r));
  const stop = async (): Promise<void> => {
    await opened.page.locator(item('header', 'abort')).click();
    await opened.page.locator('[data-item="abort-confirm"]').click();
  };

  test('pause, resume and stop are sent and confirmed', async () => {
    const { page, faults } = opened;
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    await page.locator(item('controls', 'pause')).click();
    await seeText(page, RECEIPT, 'Pause: confirmed by the telescope');
    await page.locator(item('controls', 'resume')).click();
    await seeText(page, RECEIPT, 'Resume: confirmed by the telescope');
    await stop();
    await seeText(page, RECEIPT, 'Stop: confirmed by the telescope');
    expect(sent()).toEqual(['pause', 'resume', 'abort'].map((kind) => `POST /api/bookings/${BOOKING_ID}/${kind}`));
    expect(faults).toEqual([]);
  }, 60_000);

  test('offline: "not sent" at once; back online a pause is forgotten, a stop is asked about and sent only then', async () => {
    const { page } = opened;
    await page.context().setOffline(true);
    await page.locator(item('controls', 'pause')).click();
    await seeText(page, RECEIPT, 'Pause: not sent, your device is offline', 6_000);
    await stop();
    await seeText(page, RECEIPT, 'Stop: not sent, your device is offline', 6_000);
    await page.context().setOffline(false);
    await seeText(page, 'dialog[open]', 'was not sent. Send it now?');
    expect(sent()).toEqual([]);
    await page.getByRole('button', { name: 'No, go on' }).click();
    await page.context().setOffline(true);
    await stop();
    await page.context().setOffline(false);
    await page.getByRole('button', { name: 'Yes, stop' }).click();
    await seeText(page, RECEIPT, 'Stop: confirmed by the telescope');
    expect(sent()).toEqual([`POST /api/bookings/${BOOKING_ID}/abort`]);
  }, 60_000);

  (ONLINE ? describe : describe.skip)('on a machine with a network', () => {
    test('a server that is gone: the page says that nothing answered', async () => {
      await server.stop();
      await stop();
      await seeText(opened.page, RECEIPT, 'the server did not answer, so it was probably not sent', 20_000);
    }, 60_000);
  });
});
