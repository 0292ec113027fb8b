import { describe, expect, test } from '@jest/globals';
import { bytes, clock, duration, number, percent, span } from '../../web/client/core/format.ts';
import { instantsOf, wallTime } from '../../web/client/core/wall-time.ts';
import {
  autoStretch,
  countsOf,
  fromAxis,
  midtonesTransfer,
  rangeOf,
  readFits,
  toAxis,
} from '../../web/client/control/sections/images/quicklook-fits.ts';
import { buildView, type ViewInput } from '../../web/client/control/view.ts';
import { filterTone } from '../../web/client/control/wording.ts';
import { TEXT } from '../../web/client/i18n/text.ts';
import { changesText } from '../../web/client/report/figures.ts';
import { translate } from '../../web/client/i18n/index.ts';
import { planErrors } from '../../api/bookings/rules.ts';
import { BookingRequest } from '../../domain/contracts/booking.ts';
import { Telescope } from '../../domain/contracts/telescope.ts';
import { problemIn } from '../../web/client/i18n/problems.ts';
import { PHASES, HOLD_CAUSES } from '../../domain/phases.ts';
import { LEDGER_CLASSES } from '../../domain/contracts/ledger.ts';
import { newNight, snapshot, telescopeState } from './fixtures.ts';
import { tinyFits } from './server.ts';

const NOW = Date.parse('2026-11-23T02:00:00Z');
function input(
  change: (night: ReturnType<typeof newNight>) => void = () => undefined,
  more: Partial<ViewInput> = {},
): ViewInput {
  const night = newNight(NOW);
  change(night);
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

describe('what the control page shows', () => {
  test('a running session: remaining time, slot in site time, progress', () => {
    const view = buildView(input());
    expect(view).toMatchObject({
      phase: 'running',
      remaining: '1:30:00',
      elapsed: '1:00:00',
      slotText: expect.stringMatching(/22:00 – 00:30 \S+/) as unknown,
      shots: '24 / 50',
      canPause: true,
      canResume: false,
      whyResume: 'The session is not paused.',
    });
    expect(view.slotPercent).toBeCloseTo(40, 5);
    expect(view.plan.map((line) => line.count)).toEqual(['20/20', '4/15', '0/15']);
  });
  test('after a night without a frame nothing is announced any more, and no time is left', () => {
    const lost = buildView(
      input((night) => Object.assign(night, { phase: 'weathered_out', reason: 'weather_no_time_left', done: 0 }), {
        telescope: null,
      }),
    );
    expect(lost).toMatchObject({
      sequenceRemaining: '—',
      previewEmpty: 'No preview was taken.',
      imagesEmpty: 'This session has no frames.',
      statsEmpty: 'This session has no frames.',
    });
    expect(buildView(input()).imagesEmpty).toBe('Frames appear here through the night.');
  });
  test('a plan that goes round its filters has one bar per filter', () => {
    const round = input();
    round.snapshot!.plan = [...round.snapshot!.plan, ...round.snapshot!.plan];
    expect(buildView(round).plan.map((line) => [line.label, line.count])).toEqual(
      buildView(input()).plan.map((line) => {
        const [done, of] = line.count.split('/').map(Number);
        return [line.label.replace(/^\d+/, String(2 * of!)), `${2 * done!}/${2 * of!}`];
      }),
    );
  });
  test('ages grow with the page’s clock, and panels go stale after their limit', () => {
    expect(buildView(input()).age.telescope).toEqual({ text: 'just now', stale: false });
    expect(buildView(input(undefined, { pageNowMs: NOW + 30_000 })).age.telescope).toEqual({
      text: '31 s ago',
      stale: true,
    });
    expect(buildView(input(undefined, { pageNowMs: NOW + 14_000 })).age.weather.stale).toBe(false);
    expect(buildView(input(undefined, { pageNowMs: NOW + 60_000 })).age.weather.stale).toBe(true);
    expect(buildView(input(undefined, { telescope: null })).age.camera).toEqual({ text: 'no data', stale: true });
  });
  test('an exposure goes on between two messages but never past its end', () => {
    expect(buildView(input(undefined, { pageNowMs: NOW + 5_000 })).exposureText).toBe('48 / 120 s');
    const late = input();
    late.telescope!.exposure!.elapsed_seconds = 115;
    expect(buildView({ ...late, pageNowMs: NOW + 14_000 }).exposureText).toBe('120 / 120 s');
  });
  test('what nobody measures is said to be unmeasured, in both languages', () => {
    expect(buildView(input()).weatherSeeing).toBe('not measured');
    expect(buildView(input(undefined, { locale: 'fr' })).weatherSeeing).toBe('non mesuré');
  });
  test('before H it counts down, with pause out of reach', () => {
    const view = buildView(
      input((night) =>
        Object.assign(night, { phase: 'prepared', startMs: NOW + 3_661_000, endMs: NOW + 9_000_000, done: 0 }),
      ),
    );
    expect(view).toMatchObject({
      before: true,
      clockLabel: 'Starts in',
      clockValue: '1:01:01',
      canPause: false,
      whyPause: 'This is possible only during the slot.',
    });
  });
  test('a user pause, in French', () => {
    const view = buildView(
      input((night) => Object.assign(night, { phase: 'holding', holdCause: 'user', reason: 'user_pause' }), {
        locale: 'fr',
      }),
    );
    expect(view).toMatchObject({
      paused: true,
      phaseLabel: 'Pause',
      reason: 'Mise en pause par l’invité.',
      credits: '30 débités',
    });
  });
  test('binning comes from the camera, else from the last frame', () => {
    const bare = input(undefined, { lastBinning: 2 });
    bare.telescope!.camera.binning = null;
    bare.telescope!.preview = null;
    expect(buildView(bare).binning).toBe('2×2');
    expect(buildView(input()).binning).toBe('1×1');
  });
  test('nothing known yet shows dashes, not zeros', () => {
    const view = buildView(input(undefined, { snapshot: null, telescope: null }));
    expect(view).toMatchObject({
      ra: '—',
      cameraTemperature: '—',
      focuserPosition: '—',
      rmsTotal: '—',
      shots: '—',
      canAbort: false,
    });
  });
  test('every phase, hold and ledger class has a text in both languages', () => {
    const keys = [
      ...PHASES.flatMap((p) => [`phase.${p}`, `phase.${p}.say`]),
      ...HOLD_CAUSES.map((h) => `hold.${h}`),
      ...LEDGER_CLASSES.map((c) => `ledger.${c}`),
    ];
    expect(keys.filter((key) => !Object.hasOwn(TEXT, key))).toEqual([]);
    expect(Object.entries(TEXT).filter(([, [fr, en]]) => !fr || !en)).toEqual([]);
  });
});

describe('what the API says of a plan', () => {
  test('is shown in French too: every sentence about a plan that cannot run has one', () => {
    const telescope = Telescope.parse({
      id: 'demo',
      name: 'Demo',
      host: '127.0.0.1',
      base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
      site: { latitude_degrees: 45, longitude_degrees: 5 },
    });
    const plan = {
      telescope_id: 'demo',
      user: { ref: 'u' },
      target: { name: 'M 31', ra_hours: 0.7123, dec_degrees: 41.27 },
      shots: [{ filter: 'L', exposure_seconds: 60, quantity: 1 }],
    };
    const night = { start: '2026-11-22T20:00:00Z', end: '2026-11-22T22:00:00Z' };
    const wrong: object[] = [
      { start: night.end, end: night.start },
      { start: night.start, end: '2026-11-25T22:00:00Z' },
      { ...night, constraints: { hour_angle_start_hours: 3, hour_angle_end_hours: -3 } },
      { ...night, shots: [{ filter: 'X', exposure_seconds: 60, quantity: 1 }] },
      { start: night.start, end: '2026-11-22T20:01:00Z', shots: [{ filter: 'L', exposure_seconds: 90, quantity: 1 }] },
      { start: '2026-11-20T20:00:00Z', end: '2026-11-20T22:00:00Z' },
      { start: '2026-11-21T10:00:00Z', end: '2026-11-21T12:00:30Z' },
      { start: '2026-11-22T11:00:00Z', end: '2026-11-22T13:00:00Z' },
      { ...night, target: { name: 'south', ra_hours: 0, dec_degrees: -80 } },
      { ...night, target: { name: 'Polaris', ra_hours: 12, dec_degrees: 89 } },
    ];
    const said = wrong.flatMap((change) => {
      const parsed = BookingRequest.parse({ ...plan, ...change });
      return Object.values(planErrors(telescope, parsed, Date.parse('2026-11-21T12:00:00Z'))).flat();
    });
    const late = BookingRequest.parse({ ...plan, start: '2026-11-22T23:40:00Z', end: '2026-11-23T03:00:00Z' });
    // High enough at first, but too far west: the limit that it falls below later is not what stands in the way.
    expect(planErrors(telescope, late, Date.parse('2026-11-21T12:00:00Z'))).toEqual({
      target: [
        expect.stringMatching(
          /^M 31 is never between the hour angles -3 and 3 h while it is dark: it reaches \d+\.\d° in this slot$/,
        ),
      ],
    });
    expect(said.length).toBeGreaterThanOrEqual(wrong.length);
    expect(said.filter((text) => problemIn('fr', text) === text)).toEqual([]);
    expect(
      problemIn('fr', 'M 31 is never above 30° and the horizon while it is dark: it reaches 12.4° in this slot'),
    ).toBe('M 31 ne dépasse jamais 30° et l’horizon pendant la nuit : au plus 12,4° dans ce créneau');
    expect(problemIn('en', 'the slot is over')).toBe('the slot is over');
  });
});

describe('numbers and times', () => {
  test('spans, durations, sizes and shares in each language', () => {
    expect([span(59.9), span(3_600), span(200_000)]).toEqual(['00:59', '1:00:00', '2 d 7 h']);
    expect([duration(40), duration(61), duration(7_500)]).toEqual(['40 s', '1 min 01', '2 h 05']);
    expect([bytes(18_100_800, 'fr'), bytes(18_100_800, 'en'), bytes(900, 'en')]).toEqual([
      '18,1 Mo',
      '18.1 MB',
      '900 B',
    ]);
    expect([number(-10.14, 'fr', 1), number(null, 'en'), percent(0.856, 'en'), percent(0.856, 'fr')]).toEqual([
      '−10,1',
      '—',
      '86%',
      '86\u202f%',
    ]);
    expect(clock('2026-11-23T02:00:00Z', 'en', 'America/Santiago')).toBe('23:00:00');
  });
  test('filters have the colour of their light, others share one', () => {
    expect(['Ha', 'oiii', 'L', 'Clear', null].map(filterTone)).toEqual(['ha', 'oiii', 'l', 'other', 'other']);
  });
});

describe('quick look', () => {
  const buffer = (bytes: Buffer): ArrayBuffer =>
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  test('reads size, header and physical values (BZERO applied), the bottom row of the file last', async () => {
    const image = await readFits(buffer(tinyFits()));
    const [plane] = image.planes;
    expect([image.width, image.height, image.planes.length, plane![0], plane![(47 - 24) * 64 + 32]]).toEqual([
      64, 48, 1, 1_000, 60_000,
    ]);
    expect(image.cards).toContainEqual(['OBJECT', 'NGC 7000']);
    expect([image.factor, image.frameHeight, image.topDown]).toEqual([1, 48, false]);
  });
  test('ROWORDER TOP-DOWN leaves the rows as they are, and a cube of three planes is red, green and blue', async () => {
    const mono = tinyFits();
    const header = mono.subarray(0, 2_880).toString('latin1');
    const cards = [
      header.slice(0, 480).replace(/NAXIS   = .{20}/, `NAXIS   = ${'3'.padStart(20)}`),
      `NAXIS3  = ${'3'.padStart(20)}`.padEnd(80),
      "ROWORDER= 'TOP-DOWN'".padEnd(80),
      header.slice(480),
    ];
    const pixels = mono.subarray(2_880, 2_880 + 64 * 48 * 2);
    const image = await readFits(
      buffer(
        Buffer.concat([
          Buffer.from(cards.join('').slice(0, 2_880), 'latin1'),
          pixels,
          pixels,
          pixels,
          Buffer.alloc(2_880),
        ]),
      ),
    );
    expect([image.topDown, image.planes.length, image.planes.map((plane) => plane[24 * 64 + 32])]).toEqual([
      true,
      3,
      [60_000, 60_000, 60_000],
    ]);
  });
  test('the stretch puts the sky at a quarter of the light, and its axis leads there and back', async () => {
    const image = await readFits(buffer(tinyFits()));
    const range = rangeOf(image.planes);
    expect(range).toEqual([1_000, 60_000]);
    const { black, midtones, white } = autoStretch(image.planes, range);
    const median = 1_000 + 320;
    expect(midtonesTransfer(midtones, (median - black) / (white - black))).toBeCloseTo(0.25, 1);
    expect([
      midtonesTransfer(0.25, 0),
      midtonesTransfer(0.25, 0.25),
      midtonesTransfer(0.25, 1),
      midtonesTransfer(0.5, 0.3),
    ]).toEqual([0, 0.5, 1, 0.3]);
    expect(fromAxis(toAxis(4_321, range), range)).toBeCloseTo(4_321, 6);
    expect(countsOf(image.planes, range).reduce((a, b) => a + b)).toBe(64 * 48);
  });
  test('a file cut short and a file that is no FITS are refused in words', async () => {
    await expect(readFits(buffer(tinyFits().subarray(0, 4_000)))).rejects.toThrow('cut short');
    await expect(readFits(buffer(Buffer.alloc(5_760, 32)))).rejects.toThrow('not a FITS file');
  });
});

describe('a clock on the wall', () => {
  const iso = (wall: string, zone: string): string[] =>
    instantsOf(wall, zone).map((ms) => new Date(ms).toISOString().slice(0, 16));
  test.each([
    ['2027-01-15T21:30', 'Europe/Paris', ['2027-01-15T20:30']],
    ['2027-07-15T21:30', 'Europe/Paris', ['2027-07-15T19:30']],
    // Skipped in spring, lived through twice in autumn, and the minutes beside them.
    ['2027-03-28T01:59', 'Europe/Paris', ['2027-03-28T00:59']],
    ['2027-03-28T02:00', 'Europe/Paris', []],
    ['2027-03-28T02:59', 'Europe/Paris', []],
    ['2027-03-28T03:00', 'Europe/Paris', ['2027-03-28T01:00']],
    ['2027-10-31T01:59', 'Europe/Paris', ['2027-10-30T23:59']],
    ['2027-10-31T02:30', 'Europe/Paris', ['2027-10-31T00:30', '2027-10-31T01:30']],
    ['2027-10-31T03:00', 'Europe/Paris', ['2027-10-31T02:00']],
    ['2027-01-01T00:15', 'Australia/Lord_Howe', ['2026-12-31T13:15']],
    ['2027-04-04T01:45', 'Australia/Lord_Howe', ['2027-04-03T14:45', '2027-04-03T15:15']],
    ['2027-06-01T12:00', 'Asia/Kathmandu', ['2027-06-01T06:15']],
    ['', 'UTC', []],
  ])('%s in %s is %p', (wall, zone, instants) => {
    expect(iso(wall, zone)).toEqual(instants);
    for (const at of instants) expect(wallTime(Date.parse(`${at}Z`), zone)).toBe(wall);
  });
});

test('the report’s page says what came since it was first made, and what that gives back, and nothing where nothing came', () => {
  const changes = {
    since: '2026-11-23T06:00:00Z',
    frames: [{ id: 'f', filename: 'f.fit' }],
    exposure_seconds: 300,
    credits_refund_before: 6,
    credits_refund_now: 4.5,
  };
  const text = (of: typeof changes | null): string =>
    changesText(
      of,
      'en',
      (key, values) => translate('en', key, values),
      () => 'Monday 06:00',
    );
  expect(text(changes)).toBe(
    'Since the first report (Monday 06:00): one frame came late, 5 min more exposure. Credits returned: 6.00, now 4.50.',
  );
  expect(text({ ...changes, frames: [...changes.frames, ...changes.frames] })).toContain(': 2 frames came late');
  expect(text({ ...changes, frames: [] })).toBe(
    'Since the first report (Monday 06:00). Credits returned: 6.00, now 4.50.',
  );
  expect(text({ ...changes, credits_refund_now: 6 })).not.toContain('Credits');
  expect(text(null)).toBe('');
});
