import { describe, expect, test } from '@jest/globals';
import { ledgerOfHold } from '../../domain/holds.ts';
import type { Observation } from '../../domain/ports.ts';
import { planFinished } from '../../domain/watch.ts';
import { TelescopePolicy } from '../../domain/contracts/telescope.ts';
import { minimumUsefulSeconds, preparationPaceMs } from '../../workflows/session/pace.ts';
import {
  badWeatherSeen,
  judge,
  lostToWeather,
  preparationHold,
  type Circumstances,
} from '../../workflows/session/policy.ts';
import { prepareAt } from '../../activities/session/booking.ts';

const NOW = Date.UTC(2026, 0, 15, 23);
const policy = { ...TelescopePolicy.parse({}), resume_debounce_seconds: 300, weather_stale_seconds: 180 };
const fine: Observation = {
  at: new Date(NOW).toISOString(),
  connected: true,
  ageSeconds: 1,
  voyagerStatus: 'RUN',
  emergency: null,
  running: 'ours',
  roboTargetRunning: true,
  runSequence: 'Sequence',
  runDragScript: 'RoboTarget',
  guiding: 'RUNNING',
  mountConnected: true,
  cameraConnected: true,
  lastError: null,
  clockOffsetSeconds: 0.2,
  weather: { state: 'ok', reason: null, causes: [], ok_since: new Date(NOW - 3600_000).toISOString(), stale: false },
  target: { enabled: true, statusOp: 'running' },
  shotsDone: { a: 1 },
  latchedAbort: null,
};
const usual: Circumstances = {
  now: NOW,
  policy,
  engaged: true,
  userPaused: false,
  maintenance: null,
  plannedWork: false,
  calibrating: false,
  refusal: null,
};
const verdict = (seen: Partial<Observation> | null, circumstances: Partial<Circumstances> = {}): string => {
  const v = judge(seen === null ? null : { ...fine, ...seen }, { ...usual, ...circumstances });
  return v.go ? `go ${v.advisory ?? ''}`.trim() : `${v.cause} ${v.reason} ${v.ledger} ${v.action}`;
};
const weather = (w: Partial<Observation['weather']>): Partial<Observation> => ({ weather: { ...fine.weather, ...w } });

describe('judge', () => {
  test.each([
    ['all well', {}, {}, 'go'],
    ['no gateway', null, {}, 'fault gateway_away outage none'],
    [
      'no link, and with it nobody who knows the weather',
      { connected: false, ...weather({ state: 'unsafe', reason: 'weather_unknown' }) },
      {},
      'fault voyager_away outage none',
    ],
    ['no link', { connected: false }, {}, 'fault voyager_away outage none'],
    [
      'no link, and other sources say unsafe',
      { connected: false, ...weather({ state: 'unsafe', reason: 'weather_unsafe' }) },
      {},
      'fault voyager_away unsafe none',
    ],
    [
      'emergency above all',
      { emergency: 'suspend', ...weather({ state: 'unsafe' }) },
      { userPaused: true },
      'fault voyager_emergency unsafe none',
    ],
    [
      'emergency in bad weather: the weather is the cause, and still nothing is sent',
      { emergency: 'suspend', ...weather({ state: 'unsafe', reason: 'weather_unsafe' }) },
      { emergencyForWeather: true, userPaused: true },
      'weather weather_unsafe unsafe none',
    ],
    [
      'a step refused for Voyager’s emergency is no outage',
      {},
      { refusal: 'voyager_emergency' as const },
      'fault voyager_emergency unsafe none',
    ],
    ['unsafe', weather({ state: 'unsafe', reason: 'weather_unsafe' }), {}, 'weather weather_unsafe unsafe stop'],
    [
      'clouds over darks that may go on',
      weather({ state: 'hold', reason: 'weather_hold' }),
      { calibrating: true },
      'go weather_hold',
    ],
    [
      'clouds over darks whose target is not enabled',
      weather({ state: 'hold', reason: 'weather_hold' }),
      { calibrating: true, engaged: false },
      'weather weather_hold weather_hold disable',
    ],
    [
      'unsafe over darks',
      weather({ state: 'unsafe', reason: 'weather_unsafe' }),
      { calibrating: true },
      'weather weather_unsafe unsafe stop',
    ],
    [
      'a pause over darks in clouds',
      weather({ state: 'hold', reason: 'weather_hold' }),
      { calibrating: true, userPaused: true },
      'user user_pause user_pause disable',
    ],
    ['stale is unsafe', weather({ stale: true }), {}, 'weather weather_unknown unsafe stop'],
    ['unsafe above a pause', weather({ state: 'unsafe' }), { userPaused: true }, 'weather weather_unsafe unsafe stop'],
    ['clouds', weather({ state: 'hold', reason: 'weather_hold' }), {}, 'weather weather_hold weather_hold disable'],
    [
      'clear for a minute only, not running',
      weather({ ok_since: new Date(NOW - 60_000).toISOString() }),
      { engaged: false },
      'weather weather_debounce weather_hold disable',
    ],
    ['clear for a minute only, running', weather({ ok_since: new Date(NOW - 60_000).toISOString() }), {}, 'go'],
    [
      'nobody says since when',
      weather({ ok_since: null }),
      { engaged: false },
      'weather weather_debounce weather_hold disable',
    ],
    ['VOYSTAT ERROR', { voyagerStatus: 'ERROR' as const }, {}, 'fault voyager_error outage none'],
    [
      'VOYSTAT ERROR and a pause',
      { voyagerStatus: 'ERROR' as const },
      { userPaused: true },
      'fault voyager_error outage disable',
    ],
    ['camera gone', { cameraConnected: false }, {}, 'fault equipment_error outage disable'],
    ['clock 90 s off', { clockOffsetSeconds: -90 }, {}, 'fault clock_offset outage disable'],
    [
      'disabled by hand',
      { target: { enabled: false, statusOp: 'idle' as const } },
      {},
      'fault local_operator outage none',
    ],
    ['paused', {}, { userPaused: true }, 'user user_pause user_pause disable'],
    [
      'paused at once',
      {},
      { userPaused: true, policy: { ...policy, pause_mode: 'abort' as const } },
      'user user_pause user_pause stop',
    ],
    [
      'maintenance',
      {},
      {
        maintenance: {
          from: new Date(NOW - 1).toISOString(),
          to: new Date(NOW + 1).toISOString(),
          bookings: 'hold' as const,
        },
      },
      'fault maintenance outage disable',
    ],
    [
      'maintenance, not the fault that it looks like from afar',
      { connected: false },
      {
        plannedWork: true,
        maintenance: {
          from: new Date(NOW - 1).toISOString(),
          to: new Date(NOW + 1).toISOString(),
          bookings: 'hold' as const,
        },
      },
      'maintenance maintenance outage none',
    ],
    [
      'maintenance of which the gate knows first',
      {},
      { refusal: 'maintenance' as const },
      'maintenance maintenance outage none',
    ],
    [
      'maintenance over',
      {},
      {
        maintenance: {
          from: new Date(NOW - 2).toISOString(),
          to: new Date(NOW).toISOString(),
          bookings: 'hold' as const,
        },
      },
      'go',
    ],
    [
      'a foreign target stands in the way',
      {},
      { refusal: 'foreign_target' as const },
      'fault foreign_target foreign none',
    ],
    [
      'the gate still debounces',
      {},
      { refusal: 'weather_debounce' as const },
      'weather weather_debounce weather_hold none',
    ],
    ['another target runs', { running: 'foreign' as const }, {}, 'go foreign_target'],
    ['RoboTarget does not run', { roboTargetRunning: false }, {}, 'go robotarget_not_running'],
    ['guide star lost', { guiding: 'TIMEOUT' }, {}, 'go guiding_lost'],
  ])('%s', (_name, seen, circumstances, expected) => {
    expect(verdict(seen as Partial<Observation> | null, circumstances)).toBe(expected);
  });
});

test.each<[string, Partial<Observation>, Partial<Circumstances>]>([
  ['unsafe weather', { weather: { ...fine.weather, state: 'unsafe', reason: 'weather_unsafe' } }, {}],
  ['weather unknown', { weather: { ...fine.weather, state: 'unsafe', reason: 'weather_unknown', stale: true } }, {}],
  ['no safety monitor', { weather: { ...fine.weather, state: 'unsafe', reason: 'safety_monitor_missing' } }, {}],
  ['weather on hold', { weather: { ...fine.weather, state: 'hold', reason: 'weather_hold' } }, {}],
  ['weather not safe for long enough', { weather: { ...fine.weather, ok_since: null } }, { engaged: false }],
  ['emergency', { emergency: 'suspend' }, {}],
  ['another’s target in the way', {}, { refusal: 'foreign_target' }],
  ['clock off', { clockOffsetSeconds: 61 }, {}],
  ['paused by the guest', {}, { userPaused: true }],
])('the seconds of a hold count alike while it lasts and when a later run reads them back: %s', (_name, seen, c) => {
  const held = judge({ ...fine, ...seen }, { ...usual, ...c });
  if (held.go) throw new Error('no hold');
  expect(ledgerOfHold(held.cause, held.reason)).toBe(held.ledger);
});

describe('planFinished', () => {
  test('by RoboTarget’s word, by the counts, and not while the list cannot be read', () => {
    expect(
      planFinished({ ...fine, target: { enabled: true, statusOp: 'finished' } }, [{ guid: 'a', quantity: 5 }]),
    ).toBe(true);
    expect(planFinished(fine, [{ guid: 'a', quantity: 1 }])).toBe(true);
    expect(
      planFinished(fine, [
        { guid: 'a', quantity: 1 },
        { guid: 'b', quantity: 1 },
      ]),
    ).toBe(false);
    expect(planFinished({ ...fine, shotsDone: null }, [{ guid: 'a', quantity: 1 }])).toBe(false);
  });
});

test('the least useful remainder never exceeds a tenth of the slot', () => {
  expect(minimumUsefulSeconds(policy, 36_000)).toBe(300);
  expect(minimumUsefulSeconds(policy, 50)).toBe(5);
});

test('a preparation that fails is tried every quarter of an hour, at the instant in which the operator is told, and then every five minutes or by the check interval', () => {
  const start = NOW + 24 * 3_600_000;
  const pace = (hoursBefore: number, seconds = 300): number =>
    preparationPaceMs({ check_interval: seconds }, start, start - hoursBefore * 3_600_000) / 60_000;
  expect([pace(24), pace(7), pace(6.1), pace(6), pace(1)]).toEqual([15, 15, expect.closeTo(6, 6), 5, 5]);
  expect([pace(24, 60), pace(6, 60), pace(2, 3600)]).toEqual([15, 1, 5]);
});

describe('J-1', () => {
  const site = { latitude_degrees: 0, longitude_degrees: 0, elevation_meters: 0, timezone: 'Europe/Paris' };
  test('seconds before the start', () => {
    expect(prepareAt({ site, policy }, NOW).getTime()).toBe(NOW - 86_400_000);
  });
  test('noon of the day before at the site, across the change to summer time', () => {
    const noon = { ...policy, prepare_lead: 'noon' as const };
    expect(prepareAt({ site, policy: noon }, Date.parse('2026-01-15T22:00:00Z')).toISOString()).toBe(
      '2026-01-14T11:00:00.000Z',
    );
    expect(prepareAt({ site, policy: noon }, Date.parse('2026-03-29T20:00:00Z')).toISOString()).toBe(
      '2026-03-28T11:00:00.000Z',
    );
    expect(prepareAt({ site, policy: noon }, Date.parse('2026-03-30T20:00:00Z')).toISOString()).toBe(
      '2026-03-29T10:00:00.000Z',
    );
    expect(prepareAt({ site, policy: noon }, Date.parse('2026-07-15T23:30:00Z')).toISOString()).toBe(
      '2026-07-15T10:00:00.000Z',
    );
  });
});

describe('bad weather as a cause', () => {
  const look = (seen: Partial<Observation>, before = false): boolean => badWeatherSeen({ ...fine, ...seen }, before);
  test('known to be bad is evidence, unknown is none, and what stood when the emergency began is remembered until it ends', () => {
    const unsafe = weather({ state: 'unsafe', reason: 'weather_unsafe' });
    const unknown = weather({ state: 'unsafe', reason: 'weather_unknown' });
    expect(look(unsafe)).toBe(true);
    expect(look(weather({ state: 'hold', reason: 'weather_hold' }))).toBe(true);
    expect(look(weather({ state: 'unsafe', reason: 'weather_unsafe', stale: true }))).toBe(false);
    expect(look({ ...unknown, emergency: 'suspend' })).toBe(false);
    expect(look({ ...unknown, emergency: 'suspend' }, true)).toBe(true);
    expect(look(unknown, true)).toBe(false);
    expect(look({ emergency: 'exit' }, true)).toBe(true);
    expect(look({}, true)).toBe(false);
  });

  test('a preparation that waits inside the slot: unsafe weather and Voyager’s emergency come before our own trouble', () => {
    const unsafe = judge({ ...fine, ...weather({ state: 'unsafe', reason: 'weather_unsafe' }) }, usual);
    expect(preparationHold('sequence_mismatch', unsafe)).toMatchObject({ cause: 'weather', ledger: 'unsafe' });
    expect(preparationHold('voyager_emergency', null)).toMatchObject({ cause: 'fault', ledger: 'unsafe' });
    expect(preparationHold('foreign_target', judge(fine, usual))).toMatchObject({ ledger: 'foreign' });
    expect(preparationHold('sequence_mismatch', judge(fine, usual))).toMatchObject({
      cause: 'fault',
      ledger: 'outage',
    });
  });

  const span = (
    ledger: 'unsafe' | 'weather_hold' | 'outage' | 'user_pause',
    from: number,
    to: number | null,
    cause = 'x',
  ) => ({
    class: ledger,
    start: new Date(NOW + from * 60_000).toISOString(),
    end: to === null ? null : new Date(NOW + to * 60_000).toISOString(),
    cause,
  });
  const lost = (spans: Parameters<typeof lostToWeather>[0], holding = false): boolean =>
    lostToWeather(spans, NOW + 3_600_000, holding);
  test('a slot is lost to the weather when that outweighs what failed', () => {
    expect(lost([])).toBe(false);
    expect(lost([span('unsafe', 0, 55), span('outage', 55, null)])).toBe(true);
    expect(lost([span('outage', 0, 55), span('unsafe', 55, null)], true)).toBe(false);
    expect(lost([span('unsafe', 0, null, 'voyager_emergency')])).toBe(false);
    expect(lost([span('unsafe', 0, null, 'safety_monitor_missing')], true)).toBe(false);
    expect(lost([span('user_pause', 0, 40), span('weather_hold', 40, null)])).toBe(false);
    expect(lost([span('user_pause', 0, 40), span('weather_hold', 40, null)], true)).toBe(true);
  });
});
