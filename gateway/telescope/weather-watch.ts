import { EventEmitter } from 'node:events';
import type { Telescope, WeatherSource } from '../../domain/contracts/telescope.ts';
import type { Weather } from '../../domain/contracts/state.ts';
import type { Reason } from '../../domain/reasons.ts';
import { mayStart, WeatherJudge, type WeatherReading, type WeatherSourceState } from '../../domain/weather.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { readAlpaca, readBoltwood } from './weather-sources.ts';

interface Watched extends WeatherSourceState {
  source: WeatherSource;
  timer: Timer | null;
}
const TICK_MS = 1_000;

/** Asks every weather source of a telescope at its period and judges the whole each second and on each reading. */
export class WeatherWatch extends EventEmitter<{ changed: [Weather] }> {
  private readonly judge = new WeatherJudge();
  private watched: Watched[] = [];
  /** What listeners were told last; reading the weather in between must not hide a change from them. */
  private told: { state: string; reason: string | null; stale: boolean };
  private tick: Timer | null = null;
  private stopped = false;

  constructor(
    private readonly telescope: () => Telescope,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    super();
    this.watched = this.fresh();
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

  /** The telescope's sources are others now; what Voyager said stands. */
  sourcesChanged(): void {
    const voyager = this.watched.find((w) => w.source.kind === 'voyager');
    for (const watched of this.watched) watched.timer?.cancel();
    this.watched = this.fresh();
    for (const watched of this.watched) {
      if (watched.source.kind === 'voyager' && voyager)
        Object.assign(watched, { reading: voyager.reading, lostSinceMs: voyager.lostSinceMs });
      this.poll(watched, 0);
    }
    this.update();
  }

  /** A reading that came by Voyager's own connection. */
  take(reading: WeatherReading): void {
    for (const watched of this.watched) if (watched.source.kind === 'voyager') watched.reading = reading;
    this.update();
  }
  /** The link to Voyager broke or stands again; after 15 s its source is unknown. */
  voyagerLink(up: boolean): void {
    for (const watched of this.watched)
      if (watched.source.kind === 'voyager')
        watched.lostSinceMs = up ? null : (watched.lostSinceMs ?? this.clock.now());
    this.update();
  }

  get weather(): Weather {
    return this.evaluate().weather;
  }
  /** Null when the weather lets motion start now. */
  whyNotStart(): Reason | null {
    const now = this.evaluate();
    return mayStart(now, this.telescope().weather.resume_debounce_seconds, this.clock.now());
  }
  /** A source's name and its trouble, for `doctor` and logs. */
  sources(): { name: string; ageSeconds: number | null }[] {
    return this.watched.map((w) => ({
      name: w.name,
      ageSeconds: w.reading ? (this.clock.now() - w.reading.atMs) / 1000 : null,
    }));
  }

  private fresh(): Watched[] {
    return this.telescope().weather.sources.map((source) => ({
      name: source.kind,
      periodSeconds: source.period_seconds,
      reading: null,
      lostSinceMs: null,
      source,
      timer: null,
    }));
  }
  private evaluate(): ReturnType<WeatherJudge['judge']> {
    const { weather, unattended_without_safety_monitor } = this.telescope();
    return this.judge.judge({
      nowMs: this.clock.now(),
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
      const read = source.kind === 'alpaca' ? readAlpaca(source, fetch, this.clock.now()) : readBoltwood(source.path);
      read
        .then(
          (reading) => {
            watched.reading = reading;
            if (watched.lostSinceMs !== null) this.logger.info({ source: source.kind }, 'weather source is back');
            watched.lostSinceMs = null;
            this.update();
          },
          (thrown: unknown) => {
            if (watched.lostSinceMs === null)
              this.logger.warn({ source: source.kind, err: toError(thrown).message }, 'weather source does not answer');
            watched.lostSinceMs ??= this.clock.now();
          },
        )
        .finally(() => this.poll(watched, source.period_seconds * 1000));
    }, delayMs);
  }
}
