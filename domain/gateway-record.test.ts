import { describe, expect, test } from '@jest/globals';
import { clearPeriods, recordedSpans, silentSpans, type GatewayRecord } from './gateway-record.ts';

const START = Date.UTC(2026, 0, 15, 22);
const at = (second: number): string => new Date(START + second * 1000).toISOString();
type Sample = GatewayRecord['samples'][number]['data'];
const sample = (second: number, data: Sample = {}): GatewayRecord['samples'][number] => ({
  atMs: START + second * 1000,
  data,
});
const weather = (state: string, reason: string | null): Sample => ({ weather: { state, reason } as never });
const every = (from: number, to: number, data: Sample): GatewayRecord['samples'] =>
  Array.from({ length: Math.ceil((to - from) / 10) }, (_, i) => sample(from + i * 10, data));
const note = (second: number, what: string, detail: string | null): GatewayRecord['notes'][number] => ({
  atMs: START + second * 1000,
  what,
  detail,
});
const spans = (record: Partial<GatewayRecord>, to = 3600): [string, string | null, number, number][] =>
  recordedSpans({ samples: [], notes: [], ...record }, START, START + to * 1000).map((s) => [
    s.class,
    s.cause,
    (Date.parse(s.start) - START) / 1000,
    (Date.parse(s.end!) - START) / 1000,
  ]);

describe('what the gateway’s record claims of a slot', () => {
  test('rain, to the second of the line that told of it, with the reason of the sample after it', () => {
    const samples = [
      ...every(0, 600, weather('ok', null)),
      ...every(610, 1200, weather('unsafe', 'weather_unsafe')),
      ...every(1200, 3600, weather('ok', null)),
    ];
    const notes = [note(603, 'weather', 'unsafe: RAIN'), note(1193, 'weather', 'ok')];
    expect(spans({ samples, notes })).toEqual([['unsafe', 'weather_unsafe', 603, 1193]]);
  });

  test.each([
    ['an emergency', { emergency: 'suspend' }, 'unsafe', 'voyager_emergency'],
    ['a link that is gone', { stale: true }, 'outage', 'voyager_away'],
    [
      'a link that is gone, and with it who knew the weather',
      { stale: true, ...weather('unsafe', 'weather_unknown') },
      'outage',
      'voyager_away',
    ],
    ['an error of Voyager', { voyager_status: 'ERROR' }, 'outage', 'voyager_error'],
    ['somebody else’s target', { running: 'foreign' }, 'foreign', 'foreign_target'],
    ['clouds', weather('hold', 'weather_hold'), 'weather_hold', 'weather_hold'],
  ])('%s', (_name, data, name, cause) => {
    const samples = [...every(0, 600, {}), ...every(600, 900, data), ...every(900, 3600, weather('ok', null))];
    expect(spans({ samples })).toEqual([[name, cause, 600, 900]]);
  });

  test('the strongest of several at once', () => {
    const samples = every(0, 60, { stale: true, ...weather('unsafe', 'weather_unsafe') });
    expect(spans({ samples }, 60)).toEqual([['unsafe', 'weather_unsafe', 0, 60]]);
  });

  test('a record that falls silent: bad weather stands until it is said to be over, all else for a minute', () => {
    expect(
      spans({ samples: [sample(0, weather('unsafe', 'weather_unsafe')), sample(900, weather('ok', null))] }),
    ).toEqual([['unsafe', 'weather_unsafe', 0, 900]]);
    expect(spans({ samples: [sample(0, { stale: true }), sample(900, {})] })).toEqual([
      ['outage', 'voyager_away', 0, 60],
    ]);
  });

  test('weather that began before the slot counts from its start, and nothing after its end', () => {
    expect(spans({ notes: [note(-300, 'weather', 'unsafe: RAIN')] })).toEqual([['unsafe', 'weather_unsafe', 0, 3600]]);
  });

  test('a connection that was just made: weather not heard yet is part of the absence, rain that is heard is not', () => {
    const back = (first: string): GatewayRecord['notes'] => [
      note(600, 'link', 'waiting: closed by Voyager'),
      note(605, 'link', 'ready'),
      note(605, 'weather', first),
      note(611, 'weather', 'ok'),
    ];
    const samples = [...every(0, 600, weather('ok', null)), ...every(620, 3600, weather('ok', null))];
    expect(spans({ samples, notes: back('unsafe (weather_unknown): voyager not heard yet') })).toEqual([
      ['outage', 'voyager_away', 600, 611],
    ]);
    expect(spans({ samples, notes: back('unsafe (weather_unsafe): rain RAIN') })).toEqual([
      ['outage', 'voyager_away', 600, 605],
      ['unsafe', 'weather_unsafe', 605, 611],
    ]);
  });

  test('a gateway that takes the telescope: absent until it hears Voyager, and the weather’s silence after that is not the weather’s', () => {
    const notes = [
      note(600, 'owner', 'epoch 4'),
      note(600, 'weather', 'unsafe (weather_unknown): voyager: no reading yet'),
      note(603, 'link', 'connecting'),
      note(604, 'link', 'ready'),
      note(606, 'weather', 'ok'),
    ];
    const samples = [...every(0, 600, weather('ok', null)), ...every(620, 3600, weather('ok', null))];
    expect(spans({ samples, notes })).toEqual([
      ['outage', 'gateway_away', 600, 604],
      ['outage', 'voyager_away', 604, 606],
    ]);
  });

  test('weather that was known and is not any more stays unsafe while the connection stands', () => {
    const notes = [note(600, 'weather', 'unsafe (weather_unknown): rain is not measured'), note(660, 'weather', 'ok')];
    expect(spans({ notes })).toEqual([['unsafe', 'weather_unknown', 600, 660]]);
  });

  test('a fine night, and one of which nothing was kept, claim nothing', () => {
    expect(spans({ samples: every(0, 3600, { ...weather('ok', null), stale: false, running: 'ours' }) })).toEqual([]);
    expect(spans({})).toEqual([]);
  });
});

describe('time of which nothing is known', () => {
  const silent = (record: Partial<GatewayRecord>) =>
    silentSpans({ samples: [], notes: [], ...record }, START, START + 3600_000);
  test('is where a record that was kept says nothing for more than a minute', () => {
    expect(silent({ samples: [...every(0, 600, {}), ...every(1200, 3600, {})] })).toEqual([
      { class: 'outage', cause: 'gateway_away', start: at(590), end: at(1200) },
    ]);
    expect(silent({ samples: every(0, 3600, {}) })).toEqual([]);
    expect(silent({})).toEqual([]);
  });
});

describe('where the gateway’s record shows that nothing was unsafe', () => {
  const clear = (record: Partial<GatewayRecord>): [number, number][] =>
    clearPeriods({ samples: [], notes: [], ...record }, START, START + 3_600_000).map(({ fromMs, toMs }) => [
      (fromMs - START) / 1000,
      (toMs - START) / 1000,
    ]);

  test('good weather and clouds that were heard, up to the line that tells of rain', () => {
    const samples = [...every(0, 600, weather('ok', null)), ...every(600, 1200, weather('hold', 'weather_hold'))];
    expect(clear({ samples, notes: [note(1203, 'weather', 'unsafe: RAIN')] })).toEqual([[0, 1203]]);
  });

  test.each([
    ['rain', weather('unsafe', 'weather_unsafe')],
    ['an emergency', { ...weather('ok', null), emergency: 'suspend' }],
    ['a link that is gone', { ...weather('ok', null), stale: true }],
  ])('not in %s', (_name, data) => {
    expect(clear({ samples: every(0, 3600, data) })).toEqual([]);
  });

  test('not where the record is silent, however good its last word was', () => {
    expect(clear({ samples: [sample(0, weather('ok', null)), sample(900, weather('ok', null))] })).toEqual([
      [0, 60],
      [900, 960],
    ]);
  });
});
