import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { Observation } from '../../domain/ports.ts';
import { WeatherJudge, mayStart } from '../../domain/weather.ts';
import { LOST_AFTER_SECONDS, staleAfterSeconds } from '../../domain/weather-evidence.ts';
import { FROZEN_AFTER_MS } from '../../domain/weather-memory.ts';
import type { WeatherCategories, WeatherReading, WeatherSourceState } from '../../domain/weather-reading.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { ObservatoryScript, WeatherSpan } from './script.ts';

type Judged = ReturnType<WeatherJudge['judge']>;
type Source = NonNullable<WeatherSpan['source']>;
const SOURCES: readonly Source[] = ['voyager', 'boltwood'];
const PERIOD_SECONDS = 30;
const LOST_MS = LOST_AFTER_SECONDS * 1000 + 1;
const FAIR: WeatherCategories = { cloud: 'CLEAR', rain: 'DRY', wind: 'CALM', light: 'DARK' };

/**
 * The weather as the product itself judges it (domain/weather.ts) out of what two sources show: Voyager's categories with its safety monitor, and a
 * weather station with figures. Judged once at every instant at which the judgement can change.
 */
export class Sky {
  private judged: { at: number; is: Judged }[] = [];

  constructor(
    private readonly script: Pick<ObservatoryScript, 'weather' | 'linkDown'>,
    private readonly telescope: Telescope,
  ) {
    this.judge();
  }

  /** Judges the whole script anew. */
  judge(): void {
    const judge = new WeatherJudge();
    this.judged = this.instants().map((at) => ({ at, is: judge.judge(this.input(at)) }));
  }

  /** Instants at which the judgement may change. */
  get changes(): number[] {
    return this.judged.map(({ at }) => at);
  }
  at(at: number): Judged {
    let found = this.judged[0]!;
    for (const next of this.judged) {
      if (next.at > at) break;
      found = next;
    }
    return found.is;
  }
  /** Null when motion may start by the weather. */
  whyNotStart(at: number): Reason | null {
    return mayStart(this.at(at), this.telescope.weather.resume_debounce_seconds, at);
  }
  /** When motion may start by the weather as it is; never while it is not good. */
  debouncedAt(at: number): number {
    const { okSinceMs } = this.at(at);
    return okSinceMs === null ? Infinity : okSinceMs + this.telescope.weather.resume_debounce_seconds * 1000;
  }
  /** Voyager's own monitor stops RoboTarget; of what only our other sources show, or nobody measures, it knows nothing. */
  stopsVoyager(at: number): boolean {
    return this.script.weather.some((s) => at >= s.from && at < s.to && isRain(s) && s.source !== 'boltwood');
  }
  observed(at: number): Observation['weather'] {
    const { state, reason, causes, ok_since, stale } = this.at(at).weather;
    return { state, reason, causes, ok_since, stale };
  }

  private instants(): number[] {
    const stale = staleAfterSeconds(PERIOD_SECONDS, this.telescope.weather.stale_seconds) * 1000 + 1;
    const edges = [
      ...this.script.weather.flatMap(({ from, to, frozen }) => [
        from,
        to,
        ...(frozen ? [from + stale, from + FROZEN_AFTER_MS] : []),
      ]),
      ...this.script.linkDown.flatMap(({ from, to }) => [from, ...(from + LOST_MS < to ? [from + LOST_MS] : []), to]),
    ];
    return [0, ...new Set(edges.filter((at) => at > 0))].sort((a, b) => a - b);
  }

  private input(nowMs: number): Parameters<WeatherJudge['judge']>[0] {
    const { weather, unattended_without_safety_monitor } = this.telescope;
    return {
      nowMs,
      sources: SOURCES.map((source) => this.source(source, nowMs)),
      thresholds: weather.thresholds,
      staleSeconds: weather.stale_seconds,
      unattendedWithoutSafetyMonitor: unattended_without_safety_monitor,
    };
  }
  private source(name: Source, nowMs: number): WeatherSourceState {
    const now = this.script.weather.filter(
      (s) => nowMs >= s.from && nowMs < s.to && (s.source === undefined || s.source === name),
    );
    const silent = now.some((s) => s.stale === true || s.reason === 'weather_unknown');
    const lost = name === 'voyager' ? this.script.linkDown.find((s) => nowMs >= s.from && nowMs < s.to) : undefined;
    return {
      name,
      periodSeconds: PERIOD_SECONDS,
      lostSinceMs: silent ? nowMs - LOST_MS : (lost?.from ?? null),
      reading: reading(name, now, nowMs),
    };
  }
}

const NOT_MEASURED: readonly (Reason | undefined)[] = ['weather_unknown', 'safety_monitor_missing'];
const isRain = (s: WeatherSpan): boolean =>
  s.state === 'unsafe' && !s.stale && !s.frozen && !NOT_MEASURED.includes(s.reason);

function reading(name: Source, now: readonly WeatherSpan[], nowMs: number): WeatherReading {
  const frozen = now.find((s) => s.frozen);
  const worst = now.some(isRain);
  const cloudy = now.some((s) => s.state === 'hold');
  const categories = worst
    ? { ...FAIR, rain: 'RAIN' as const }
    : { ...FAIR, cloud: cloudy ? ('CLOUDY' as const) : FAIR.cloud };
  const atMs = frozen?.frozen === 'dated' ? frozen.from : nowMs;
  if (name === 'voyager')
    return {
      source: name,
      atMs,
      values: {},
      categories,
      safety: { connected: now.every((s) => s.reason !== 'safety_monitor_missing'), safe: true },
    };
  // The last digits move all the time, as those of a real station do.
  const drift = ((frozen?.from ?? nowMs) % 86_400_000) / 86_400_000;
  return {
    source: name,
    atMs,
    values: {
      temperature_celsius: 8 + drift,
      dew_point_celsius: 1 + drift,
      humidity_percent: 55 + drift,
      wind_meters_per_second: 2 + drift,
      sky_temperature_celsius: -20 - drift,
    },
    categories,
    safety: null,
  };
}
