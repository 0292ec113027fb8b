import { describe, expect, test } from '@jest/globals';
import { buildView, type ViewInput } from '../../web/client/control/view.ts';
import { CHROMIUM, pass, seeText, type Opened } from './browser.ts';
import { BOOKING_ID, newNight, snapshot, telescopeState } from './fixtures.ts';
import { pagesInChromium } from './stage.ts';

/** The pages say only what is known: nothing is green, live or done without fresh evidence. */
const NOW = Date.parse('2026-11-23T02:00:00Z');
function input(more: Partial<ViewInput> = {}): ViewInput {
  const night = newNight(NOW);
  return {
    snapshot: snapshot(night, null, NOW),
    telescope: telescopeState(night, NOW),
    telescopeAtMs: NOW,
    stats: null,
    nowMs: NOW,
    pageNowMs: NOW,
    locale: 'en',
    zone: 'site',
    lastBinning: null,
    ...more,
  };
}

describe('a running session of whose telescope nothing is heard', () => {
  const good = (view: ReturnType<typeof buildView>): string[] =>
    Object.entries(view).flatMap(([name, value]) =>
      (name.endsWith('Tone') && name !== 'filterTone' && value === 'good') ||
      (typeof value === 'string' && /^(Safe|Observing|connected|on|Guiding)$/.test(value))
        ? [`${name}: ${value}`]
        : [],
    );
  test('fresh data: it says so', () => {
    expect(buildView(input())).toMatchObject({ phaseLabel: 'Observing', connectedTone: 'good', weatherLabel: 'Safe' });
  });
  for (const [what, view] of [
    ['sixteen seconds without a report', buildView(input({ pageNowMs: NOW + 16_000 }))],
    ['110 seconds without a report', buildView(input({ pageNowMs: NOW + 110_000 }))],
    ['no state of the telescope at all', buildView(input({ telescope: null }))],
  ] as const)
    test(`${what}: the headline says that there is no news, and nothing is good`, () => {
      expect(view).toMatchObject({
        phase: 'unheard',
        phaseLabel: 'No news',
        connectedTone: 'dim',
        weatherLabel: 'unknown',
      });
      expect(view.phaseSay).toContain('what it does now is not known');
      expect(good(view)).toEqual([]);
    });
  test('the gateway is named where it is silent, Voyager where the gateway says so', () => {
    expect(buildView(input({ pageNowMs: NOW + 110_000 })).alert).toContain(
      'nothing from the observatory’s gateway for 111 s',
    );
    const deaf = input();
    Object.assign(deaf.telescope!, { stale: true });
    Object.assign(deaf.telescope!.connection, { connected: false, reason: 'no data from Voyager for 20 s' });
    expect(buildView(deaf)).toMatchObject({
      phaseLabel: 'No news',
      connectedText: 'disconnected',
      weatherLabel: 'Safe',
    });
    expect(buildView(deaf).alert).toContain('nothing from Voyager for 20 s');
  });
  test('in French', () => {
    expect(buildView(input({ pageNowMs: NOW + 110_000, locale: 'fr' }))).toMatchObject({
      phaseLabel: 'Sans nouvelles',
      phaseSay: expect.stringContaining('ne dit plus rien depuis 1 min 51 ;') as unknown,
    });
  });
});

describe('where it points', () => {
  test('the position is of epoch J2000, as the target beside it; one of the date is named as such', () => {
    expect(buildView(input()).ra).toBe('20h58m46.9s');
    const ofDate = input();
    Object.assign(ofDate.telescope!.mount, { ra_j2000_hours: null, dec_j2000_degrees: null });
    expect(buildView(ofDate).ra).toBe('20h59m24.0s (JNow)');
  });
  test('Voyager counts from the meridian: negative is the time until the flip, positive is past it', () => {
    const at = (seconds: number): string => {
      const one = input();
      one.telescope!.mount.time_to_flip_seconds = seconds;
      return buildView(one).flip;
    };
    expect([at(-4_820), at(4_820)]).toEqual(['1 h 20', '—']);
  });
});

(CHROMIUM ? describe : describe.skip)('live, in Chromium', () => {
  const stage = pagesInChromium();
  const chip = '[data-section="header"] [data-item~="connection"]';
  const visit = (path: string, clock = false): Promise<Opened> => stage.visit(path, { clock });

  for (const status of [503, 429])
    test(`channels refused with ${status}: never "Live", polled meanwhile, and asked again until they are granted`, async () => {
      stage.server.refuseChannels(status);
      const { page } = await visit(`/control/${BOOKING_ID}#token=guest`, true);
      await page.locator(`${chip}:not([data-tone="good"])`).waitFor();
      await pass(page, 11);
      await seeText(page, chip, 'Updated every 10 s');
      stage.server.night.done = 25;
      await pass(page, 10);
      await seeText(page, '[data-section="sequence"] [data-item~="shots"]', '25 / 50');
      stage.server.refuseChannels(null);
      await pass(page, 30);
      await page.locator(`${chip}[data-tone="good"]`).waitFor();
      await seeText(page, chip, 'Live');
    }, 90_000);

  test('a channel that this key may not join is asked for once for each socket; one whose question failed, again and again', async () => {
    stage.server.refuseChannels(403, /^presence-/);
    const { page } = await visit(`/control/${BOOKING_ID}#token=guest`, true);
    await page.locator(`${chip}[data-tone="good"]`).waitFor();
    await pass(page, 5);
    const askedOnComingBack = async (): Promise<number> => {
      const before = stage.server.requests.length;
      const asked = (): number => stage.server.requests.slice(before).filter((one) => one.endsWith('/auth')).length;
      stage.server.dropSockets();
      while (asked() === 0) await pass(page, 1);
      await pass(page, 15);
      return asked();
    };
    expect(await askedOnComingBack()).toBe(1);
    stage.server.refuseChannels(503, /^presence-/);
    expect(await askedOnComingBack()).toBeGreaterThan(3);
  }, 90_000);

  test('the booking form says that nothing was booked where nobody takes the request, and never that it was', async () => {
    const { page } = await visit('/book#token=guest');
    await page.locator('[data-item="search"]').fill('andromeda gal');
    await seeText(page, '.hits', 'M 31');
    await page.keyboard.press('Enter');
    await seeText(page, '[data-book="cost"]', 'This observation is possible.');
    await page.locator('[data-item="submit"]').click();
    await seeText(page, '.banner[role="alert"]', 'nothing is booked');
    await page.evaluate(() => addEventListener('nocturne:booking', (event) => event.preventDefault()));
    await page.locator('[data-item="submit"]').click();
    await seeText(page, '[role="status"].good', 'Nothing is booked yet: the booking site confirms');
  }, 60_000);

  test('a socket that stands but brings nothing is not "Live"', async () => {
    const { page } = await visit(`/control/${BOOKING_ID}#token=guest`, true);
    await page.locator(`${chip}[data-tone="good"]`).waitFor();
    stage.server.mute(true);
    await pass(page, 26);
    await page.locator(`${chip}:not([data-tone="good"])`).waitFor();
    stage.server.mute(false);
    await pass(page, 5);
    await page.locator(`${chip}[data-tone="good"]`).waitFor();
  }, 90_000);

  test('a telescope that is not heard changes the headline and its light, on the guest’s page and on the admin board', async () => {
    const { page } = await visit(`/control/${BOOKING_ID}#token=guest`);
    await seeText(page, '[data-item="phase"]', 'Observing');
    stage.server.night.gatewaySilentSeconds = 110;
    stage.server.pushSnapshot();
    await seeText(page, '[data-item="phase"]', 'No news');
    await page.locator('.phase[data-phase="unheard"]').waitFor();
    await seeText(page, '[data-item="reason"]', 'Nothing has come from the telescope for');
    const { page: board } = await visit('/admin#token=guest');
    await seeText(board, '[data-item="board"]', 'No news');
    const text = await board.locator('[data-item="board"]').innerText();
    expect(text).not.toMatch(/Safe|Running/);
    expect(await board.locator('[data-item="board"] [data-tone="good"]').count()).toBe(0);
  }, 60_000);
});
