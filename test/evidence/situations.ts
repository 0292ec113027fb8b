import { WeatherJudge, mayStart } from '../../domain/weather.ts';
import type { Measure, Quantity, WeatherReading, WeatherSourceState } from '../../domain/weather-reading.ts';
import { FROZEN_AFTER_MS } from '../../domain/weather-memory.ts';
import { WeatherThresholds } from '../../domain/contracts/telescope.ts';

/** Sources of evidence, and how each can fail; what cannot occur says why. */
export const STATES = ['absent', 'stale', 'frozen', 'contradictory', 'wrong'] as const;
export type Failing = (typeof STATES)[number];
export const NOW = Date.UTC(2026, 10, 23, 2);

/** What is the case, as far as anybody decides by it. */
export interface Facts {
  linked: boolean;
  /** Seconds since Voyager's last line, and since the gateway's last report. */
  silentSeconds: number;
  reportedSecondsAgo: number;
  /** The gateway answers a look of the session; it holds the lease. */
  heard: boolean;
  owns: boolean;
  weather: ReturnType<WeatherJudge['judge']>;
  mayStart: ReturnType<typeof mayStart>;
  clockOffsetSeconds: number | null;
  status: 'RUN' | 'ERROR';
  /** Enabled, and nothing has begun for long. */
  idle: boolean;
  database: boolean;
  temporal: boolean;
  bus: boolean;
  store: 'stands' | 'empty' | 'full' | 'a file';
  share: boolean;
}

/** What is so where a source fails in one way, or why that cannot be. */
type Case = Partial<Facts> | string;
type Sources = [voyager: WeatherSourceState, station: WeatherSourceState];
const FAIR = { cloud: 'CLEAR', rain: 'DRY', wind: 'CALM', light: 'DARK' } as const;
const reading = (source: string, atMs: number, more: Partial<WeatherReading> = {}): WeatherReading => ({
  source,
  atMs,
  values: {},
  categories: FAIR,
  safety: source === 'voyager' ? { connected: true, safe: true } : null,
  ...more,
});
const figures = (digit: number): WeatherReading['values'] => ({
  temperature_celsius: 8.1 + digit,
  dew_point_celsius: 1.1 + digit,
  rain_rate: 0,
});
const source = (name: string, atMs: number, digit: number): WeatherSourceState => ({
  name,
  periodSeconds: 30,
  lostSinceMs: null,
  reading: reading(name, atMs, name === 'voyager' ? {} : { values: figures(digit) }),
});

/** The weather now, after it was fine for hours and `change` has come over its sources. */
function sky(
  change: (sources: Sources) => void,
  beforeMs = FROZEN_AFTER_MS + 60_000,
  earlier: (sources: Sources) => void = () => {},
): Pick<Facts, 'weather' | 'mayStart'> {
  const judge = new WeatherJudge();
  const judged = (nowMs: number, sources: Sources): Facts['weather'] =>
    judge.judge({
      nowMs,
      sources,
      thresholds: WeatherThresholds.parse({}),
      staleSeconds: 180,
      unattendedWithoutSafetyMonitor: false,
    });
  const before = NOW - beforeMs;
  const old: Sources = [source('voyager', before, 0), source('boltwood', before, 0)];
  earlier(old);
  judged(before, old);
  const now: Sources = [source('voyager', NOW, 0), source('boltwood', NOW, 0.3)];
  change(now);
  const weather = judged(NOW, now);
  return { weather, mayStart: mayStart(weather, 300, NOW) };
}
const said = (state: WeatherSourceState, more: Partial<WeatherReading>): void =>
  void (state.reading = { ...state.reading!, ...more });

export const FINE: Facts = {
  linked: true,
  silentSeconds: 1,
  reportedSecondsAgo: 1,
  heard: true,
  owns: true,
  ...sky(() => {}),
  clockOffsetSeconds: 0.1,
  status: 'RUN',
  idle: false,
  database: true,
  temporal: true,
  bus: true,
  store: 'stands',
  share: true,
};

/** Each quantity with the measure that tells it, a figure that moves, and one that is over its limit. */
const BY_FIGURE = {
  cloud: { measure: 'cloud_percent', fair: 11.5, bad: 95, word: 'cloud' },
  rain: { measure: 'rain_rate', fair: 0, bad: 2, word: 'rain' },
  wind: { measure: 'wind_meters_per_second', fair: 2.3, bad: 30, word: 'wind' },
  gust: { measure: 'gust_meters_per_second', fair: 3.3, bad: 40, word: null },
  humidity: { measure: 'humidity_percent', fair: 61.5, bad: 99, word: null },
  'dew margin': { measure: 'dew_point_celsius', fair: 1.2, bad: 8.2, word: null },
} as const satisfies Partial<Record<Quantity, { measure: Measure; fair: number; bad: number; word: Word | null }>>;
type Word = keyof typeof FAIR;
const STAYS: Partial<Record<Measure, string>> = {
  rain_rate: 'no rain may rightly be no rain for months; the age of the measurement is judged (stale)',
  cloud_percent: 'a clear sky may rightly stay one; the age of the measurement is judged (stale)',
  gust_meters_per_second: 'a gust is the highest of an hour; the wind itself is watched, and its age',
};

/** A quantity in every way in which it fails, where a station tells it by a figure and Voyager by a word or not at all. */
function lost({ measure, fair, bad, word }: (typeof BY_FIGURE)[keyof typeof BY_FIGURE]): Record<Failing, Case> {
  const told = (value: number): WeatherReading['values'] => ({
    temperature_celsius: 8.4,
    dew_point_celsius: 1.5,
    [measure]: value,
  });
  const silent = word === null ? FAIR : { ...FAIR, [word]: null };
  const tell =
    (value: number, change: (station: WeatherSourceState) => void = () => {}) =>
    ([voyager, station]: Sources): void => {
      said(voyager, { categories: silent });
      said(station, { categories: silent, values: told(value) });
      change(station);
    };
  /** Hours ago the station told it; now `change` comes over what it says. */
  const when = (change: (station: WeatherSourceState) => void): Case =>
    sky(tell(fair + 0.1, change), undefined, tell(fair));
  return {
    absent: when((station) => {
      const { [measure]: _, ...others } = told(0);
      said(station, { values: others });
    }),
    stale: when((station) => said(station, { measuredAtMs: { [measure]: NOW - 86_400_000 } })),
    frozen: STAYS[measure] ?? when((station) => said(station, { values: { ...told(fair), temperature_celsius: 8.9 } })),
    contradictory: when((station) => said(station, { values: told(bad) })),
    wrong: when((station) => said(station, { values: told(-999) })),
  };
}
/** The same where it is told by words alone. */
const byWord = (word: Word): Record<'absent' | 'stale' | 'frozen', Case> => ({
  absent: sky((sources) => sources.forEach((one) => said(one, { categories: { ...FAIR, [word]: null } }))),
  stale: 'a word is as old as its reading: see the sources',
  frozen: 'it may rightly stay dark all night; the age of each reading is judged (stale)',
});

const ONE_COPY = 'there is one, and nobody keeps a copy of it';
export const SITUATIONS: Record<string, Record<Failing, Case>> = {
  'Voyager link': {
    absent: { linked: false, silentSeconds: 60, ...sky(([voyager]) => (voyager.lostSinceMs = NOW - 60_000)) },
    stale: { linked: false, silentSeconds: 20, ...sky(([voyager]) => (voyager.lostSinceMs = NOW - 20_000)) },
    frozen: { silentSeconds: 110, reportedSecondsAgo: 110, heard: false },
    contradictory: { idle: true },
    wrong: { status: 'ERROR' },
  },
  'weather by Voyager': {
    absent: sky(([voyager]) => (voyager.reading = null)),
    stale: sky(([voyager]) => said(voyager, { atMs: NOW - 200_000 })),
    frozen:
      'its words may rightly stand for hours; the age of each reading is judged (stale), and another source contradicts',
    contradictory: sky(([, station]) => said(station, { categories: { ...FAIR, rain: 'RAIN' } })),
    wrong: sky(([voyager]) => said(voyager, { atMs: NOW + 600_000 })),
  },
  'weather by a station': {
    absent: sky(([, station]) => Object.assign(station, { lostSinceMs: NOW - 20_000, trouble: 'no such file' })),
    stale: sky(([, station]) => said(station, { atMs: NOW - 600_000 })),
    frozen: sky(([, station]) => said(station, { values: figures(0) })),
    contradictory: sky(([voyager]) => said(voyager, { categories: { ...FAIR, rain: 'RAIN' } })),
    wrong: sky(([, station]) => said(station, { atMs: NOW + 86_400_000 })),
  },
  'weather by an Alpaca device': {
    absent: sky(([, station]) => Object.assign(station, { lostSinceMs: NOW - 20_000, trouble: 'fetch failed' })),
    stale: sky(([, station]) => said(station, { measuredAtMs: { temperature_celsius: NOW - 86_400_000 } })),
    frozen: sky(([, station]) => said(station, { values: { ...figures(0), rain_rate: 0 } })),
    contradictory: sky(([, station]) => said(station, { safety: { connected: true, safe: false } })),
    wrong: sky(([, station]) => said(station, { failed: [{ quantity: 'cloud', why: 'cloudcover: 0x407' }] })),
  },
  ...Object.fromEntries(
    Object.entries(BY_FIGURE).map(([quantity, figure]) => [`a quantity: ${quantity}`, lost(figure)]),
  ),
  'a quantity: light': {
    ...byWord('light'),
    contradictory: sky(([, station]) => said(station, { categories: { ...FAIR, light: 'VERY_LIGHT' } })),
    wrong: 'a word that is none of Voyager’s is none: absent',
  },
  'safety monitor': {
    absent: sky(([voyager]) => said(voyager, { safety: { connected: false, safe: null } })),
    stale: sky(([voyager]) => said(voyager, { atMs: NOW - 200_000 })),
    frozen: 'safe may rightly stay safe all night; the age of each answer is judged (stale)',
    contradictory: sky(([, station]) => said(station, { safety: { connected: true, safe: false } })),
    wrong: sky(([voyager]) => said(voyager, { safety: { connected: true, safe: null } })),
  },
  gateway: {
    absent: { heard: false, reportedSecondsAgo: 3600 },
    stale: { heard: false, reportedSecondsAgo: 20 },
    frozen: { heard: false, reportedSecondsAgo: 110 },
    contradictory: { owns: false, heard: false, reportedSecondsAgo: 20 },
    wrong: { silentSeconds: 110, heard: false },
  },
  clock: {
    absent: { clockOffsetSeconds: null, ...sky(() => {}, 30_000) },
    stale: 'the offset is measured on each event of Voyager; without events the link is down',
    frozen: 'a clock that stands drifts away from Voyager’s: contradictory within a minute',
    contradictory: { clockOffsetSeconds: 75 },
    wrong: { clockOffsetSeconds: -7200 },
  },
  database: {
    absent: { database: false },
    stale: 'one primary is asked; a copy that lags is not configured',
    frozen: { database: false, bus: false },
    contradictory:
      'what is restored from an older copy loses against the grants on the gateway’s disk (test/gateway/owner.test.ts)',
    wrong:
      'a schema that lacks a migration is refused at the start of each process and named by the doctor (test/stack/doctor.test.ts)',
  },
  Temporal: {
    absent: { temporal: false },
    stale: ONE_COPY,
    frozen: { temporal: false },
    contradictory: ONE_COPY,
    wrong: { temporal: false },
  },
  LISTEN: {
    absent: { bus: false },
    stale: 'a notification is of its instant',
    frozen: { bus: false },
    contradictory: 'the listener asks itself: it hears its own words or it does not',
    wrong: { bus: false },
  },
  store: {
    absent: { store: 'empty' },
    stale: ONE_COPY,
    frozen: { store: 'full' },
    contradictory: 'rows and files are compared by the six-hourly read-back (test/frames)',
    wrong: { store: 'a file' },
  },
  share: {
    absent: { share: false },
    stale: 'a frame that has not come yet is waited for (docs/frames.md)',
    frozen: 'a mount that hangs is read by a child process with a deadline (docs/frames.md)',
    contradictory: 'a frame’s own header decides whose it is (docs/frames.md)',
    wrong: { share: false },
  },
  'live channel': {
    absent: { reportedSecondsAgo: 20 },
    stale: { reportedSecondsAgo: 20 },
    frozen: { reportedSecondsAgo: 110 },
    contradictory: 'each event carries epoch and number; a gap is read again (test/api/live)',
    wrong: 'a channel that the server has refused is not subscribed: absent',
  },
};
