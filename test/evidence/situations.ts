import { WeatherJudge, mayStart } from '../../domain/weather.ts';
import type { WeatherReading, WeatherSourceState } from '../../domain/weather-reading.ts';
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
  judged(before, [source('voyager', before, 0), source('boltwood', before, 0)]);
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

const ONE_COPY = 'there is one, and nobody keeps a copy of it';
type Case = Partial<Facts> | string;
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
  'a quantity: rain': {
    absent: sky(([voyager, station]) => {
      said(voyager, { categories: { ...FAIR, rain: null } });
      said(station, {
        categories: { ...FAIR, rain: null },
        values: { temperature_celsius: 8.4, dew_point_celsius: 1 },
      });
    }),
    stale: sky(([, station]) => said(station, { measuredAtMs: { rain_rate: NOW - 86_400_000 } })),
    frozen: 'no rain may rightly be no rain for months; the age of the measurement is judged (stale)',
    contradictory: sky(([, station]) => said(station, { values: { ...figures(0.3), rain_rate: 2 } })),
    wrong: sky(([, station]) => said(station, { failed: [{ quantity: 'rain', why: 'rainrate: error 0x500' }] })),
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
