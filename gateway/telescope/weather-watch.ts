import { EventEmitter } from 'node:events';
import type { Telescope, WeatherSource } from '../../domain/contracts/telescope.ts';
import type { Weather } from '../../domain/contracts/state.ts';
import type { Reason } from '../../domain/reasons.ts';
import { mayStart, WeatherJudge } from '../../domain/weather.ts';
import type { WeatherReading, WeatherSourceState } from '../../domain/weather-reading.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { deviceOf, type KeptReadings } from './kept-readings.ts';
import { readAlpaca, readBoltwood } from './weather-sources.ts';

interface Watched extends WeatherSourceState {
  source: WeatherSource;
  timer: Timer | null;
}
type Known = Partial<Pick<WeatherSourceState, 'reading' | 'lostSinceMs' | 'recalled'>>;
const TICK_MS = 1_000;
/** A source that did not answer is asked again after this time, since 15 s without an answer make it unknown (docs/safety.md, 10). */
const AGAIN_SECONDS = 5;

/** The wall clock is read anew for `ok_since` when it has moved by more than this against the monotonic one. */
const WALL_JITTER_MS = 1_000;

/**
 * Asks every weather source of a telescope at its period and judges the whole each second and on each reading. Ages and the debounce are counted by the
 * monotonic clock: a wall clock that is set makes nothing old, fresh or safe.
 */
export class WeatherWatch extends EventEmitter<{ changed: [Weather] }> {
  private judge = new WeatherJudge();
  private wallOffsetMs: number;
  private watched: Watched[] = [];
  /** What listeners were told last; reading the weather in between must not hide a change from them. */
  private told: { state: string; reason: string | null; stale: boolean };
  /** Since when the way to Voyager is broken, whichever source reads over it. */
  private voyagerLostSinceMs: number | null = null;
  private tick: Timer | null = null;
  private stopped = false;

  constructor(
    private readonly telescope: () => Telescope,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly kept: KeptReadings | null = null,
  ) {
    super();
    this.wallOffsetMs = clock.now() - clock.monotonicMs();
    this.watched = this.listed((name, source) => {
      const heard = this.kept?.restore(name, source);
      return heard ? { ...heard, recalled: true } : null;
    });
    // The way to Voyager counts as broken since it last spoke, until the link stands.
    this.voyagerLostSince(this.watched.find(({ source }) => source.kind === 'voyager')?.reading?.atMs ?? null);
    this.told = this.evaluate();
  }

  start(): void {
    for (const watched of this.watched) this.poll(watched, 0);
    const beat = (): void => {
      if (this.stopped) return;
      this.update();
      this.tick = this.clock.setTimeout(beat, TICK_MS);
    };
    beat();
  }
  stop(): void {
    this.stopped = true;
    this.tick?.cancel();
    for (const watched of this.watched) watched.timer?.cancel();
  }

  /** The telescope's sources are others now; what is known of those that stay stands. */
  sourcesChanged(): void {
    const before = this.watched;
    for (const watched of before) watched.timer?.cancel();
    // What only a source of before has known is not missed.
    this.judge = new WeatherJudge();
    const device = (source: WeatherSource): string => deviceOf(source, this.telescope());
    this.watched = this.listed((_, source) => before.find((one) => device(one.source) === device(source)) ?? null);
    for (const watched of this.watched) this.poll(watched, 0);
    this.update();
  }
  /** Another Voyager is asked from now on: what the one before it said is of another sky. */
  voyagerMoved(): void {
    this.judge = new WeatherJudge();
    for (const watched of this.watched)
      if (watched.source.kind === 'voyager') Object.assign(watched, { reading: null, recalled: false });
    this.update();
  }

  /** A reading that came by Voyager's own connection. */
  take(reading: WeatherReading): void {
    const atMs = this.clock.monotonicMs();
    for (const watched of this.watched) if (watched.source.kind === 'voyager') this.hear(watched, { ...reading, atMs });
    this.update();
  }
  /** The link to Voyager broke or stands again; after 15 s its source is unknown. */
  voyagerLink(up: boolean): void {
    this.voyagerLostSince(up ? null : (this.voyagerLostSinceMs ?? this.clock.monotonicMs()));
    this.update();
  }

  get weather(): Weather {
    return this.evaluate().weather;
  }
  /** Null when the weather lets motion start now. */
  whyNotStart(): Reason | null {
    const now = this.evaluate();
    return mayStart(now, this.telescope().weather.resume_debounce_seconds, this.clock.monotonicMs());
  }
  /** A source's name and its trouble, for `doctor` and logs. */
  sources(): { name: string; ageSeconds: number | null; trouble: string | null }[] {
    return this.watched.map((w) => ({
      name: w.name,
      ageSeconds: w.reading ? (this.clock.monotonicMs() - w.reading.atMs) / 1000 : null,
      trouble: w.trouble ?? null,
    }));
  }

  /** The sources of the telescope's file, with what is known of each. */
  private listed(known: (name: string, source: WeatherSource) => Known | null): Watched[] {
    const { sources } = this.telescope().weather;
    return sources.map((source, i) => {
      const name = nameAmong(sources, i);
      const { reading = null, lostSinceMs = null, recalled = false } = known(name, source) ?? {};
      return {
        name,
        optional: source.optional ?? false,
        trouble: null,
        periodSeconds: source.period_seconds,
        reading,
        lostSinceMs: source.kind === 'voyager' ? this.voyagerLostSinceMs : lostSinceMs,
        recalled,
        source,
        timer: null,
      };
    });
  }
  private voyagerLostSince(ms: number | null): void {
    this.voyagerLostSinceMs = ms;
    for (const watched of this.watched) if (watched.source.kind === 'voyager') watched.lostSinceMs = ms;
  }
  private hear(watched: Watched, reading: WeatherReading): void {
    watched.reading = reading;
    watched.recalled = false;
    this.kept?.keep(watched.name, watched.source, { reading, lostSinceMs: null });
  }
  /** A source that is asked did not answer. */
  private miss(watched: Watched, message: string): void {
    watched.trouble = message.slice(0, 200);
    if (watched.lostSinceMs !== null) return;
    this.logger.warn({ source: watched.name, err: message }, 'weather source does not answer');
    const { name, source, reading } = watched;
    const lostSinceMs = (watched.lostSinceMs = this.clock.monotonicMs());
    if (reading) this.kept?.keep(name, source, { reading, lostSinceMs });
  }
  private evaluate(): ReturnType<WeatherJudge['judge']> {
    const { weather, unattended_without_safety_monitor } = this.telescope();
    const nowMs = this.clock.monotonicMs();
    const wallOffsetMs = this.clock.now() - nowMs;
    if (Math.abs(wallOffsetMs - this.wallOffsetMs) > WALL_JITTER_MS) this.wallOffsetMs = wallOffsetMs;
    return this.judge.judge({
      nowMs,
      wallOffsetMs: this.wallOffsetMs,
      sources: this.watched,
      thresholds: weather.thresholds,
      staleSeconds: weather.stale_seconds,
      unattendedWithoutSafetyMonitor: unattended_without_safety_monitor,
    });
  }
  private update(): void {
    const now = this.evaluate();
    const { told } = this;
    this.told = { state: now.state, reason: now.reason, stale: now.stale };
    if (now.state !== told.state || now.reason !== told.reason || now.stale !== told.stale)
      this.emit('changed', now.weather);
  }

  private poll(watched: Watched, delayMs: number): void {
    const { source } = watched;
    if (source.kind === 'voyager' || this.stopped || !this.watched.includes(watched)) return;
    watched.timer = this.clock.setTimeout(() => {
      this.read(source)
        .then(
          (reading) => {
            if (!this.watched.includes(watched)) return;
            if (watched.lostSinceMs !== null) this.logger.info({ source: watched.name }, 'weather source is back');
            watched.lostSinceMs = null;
            watched.trouble = null;
            this.hear(watched, reading);
            this.update();
          },
          (thrown: unknown) => this.watched.includes(watched) && this.miss(watched, toError(thrown).message),
        )
        .finally(() => {
          const seconds = watched.lostSinceMs === null ? Infinity : AGAIN_SECONDS;
          this.poll(watched, Math.min(seconds, source.period_seconds) * 1000);
        });
    }, delayMs);
  }
  /** One reading, dated by the monotonic clock. */
  private async read(source: Exclude<WeatherSource, { kind: 'voyager' }>): Promise<WeatherReading> {
    if (source.kind === 'alpaca') return readAlpaca(source, fetch, this.clock.monotonicMs());
    const { timezone = this.telescope().site?.timezone, path } = source;
    if (timezone === undefined)
      throw new Error('the clock of its line is not known: set timezone of the source, or the site of the telescope');
    const reading = await readBoltwood(path, timezone, this.clock.now());
    return { ...reading, atMs: reading.atMs + this.clock.monotonicMs() - this.clock.now() };
  }
}

/** A source's kind, numbered where the telescope file has several of it. */
function nameAmong(sources: readonly WeatherSource[], i: number): string {
  const same = sources.filter(({ kind }) => kind === sources[i]!.kind);
  return same.length === 1 ? same[0]!.kind : `${sources[i]!.kind} ${same.indexOf(sources[i]!) + 1}`;
}
