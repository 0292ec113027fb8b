import { telemetrySample } from '../../domain/telemetry.ts';
import type { TelescopeState } from '../../domain/contracts/state.ts';
import { toError } from '../../platform/errors.ts';
import type { Grants } from './grants.ts';
import type { Here } from './here.ts';
import type { Journal } from './journal.ts';
import type { Mirror } from './mirror.ts';
import type { Publisher } from './publisher.ts';
import { runningNow } from './running.ts';
import type { Targets } from './targets.ts';
import type { WeatherWatch } from './weather-watch.ts';

const SAMPLE_MS = 10_000;
const PUBLISH_MS = 2_000;
const PUBLISH_IDLE_MS = 5_000;

interface TelemetryParts {
  mirror: Mirror;
  weather: WeatherWatch;
  grants: Grants;
  journal: Journal;
  publisher: Publisher;
  targets: Targets;
  state: () => TelescopeState;
}

/** Samples for the graphs and the state for the pages, as often as each is worth it. */
export class Telemetry {
  private lastSampleMs = -Infinity;
  private lastPublishMs = -Infinity;
  private lastPublishedRev = -1;

  /** @param beatMs how often `beat` is called */
  constructor(
    private readonly here: Here,
    private readonly parts: TelemetryParts,
    private readonly beatMs: number,
  ) {}

  sample(nowMs: number): void {
    const { grants, journal, targets, mirror, state } = this.parts;
    const bookingId = grants.currentBooking();
    if (!bookingId || nowMs - this.lastSampleMs < SAMPLE_MS) return;
    this.lastSampleMs = nowMs;
    const data = telemetrySample(
      state(),
      runningNow(targets, mirror, grants.find(bookingId)?.targetGuid ?? null, 30_000),
    );
    journal
      .sample({ at: new Date(nowMs).toISOString(), bookingId, data: { ...data } })
      .catch((thrown: unknown) =>
        this.here.logger.error({ telescope: this.here.id, err: toError(thrown) }, 'telemetry'),
      );
  }

  publish(nowMs: number): void {
    const { mirror, grants, publisher, state } = this.parts;
    this.weatherHistory(nowMs);
    const since = nowMs - this.lastPublishMs;
    if (since < PUBLISH_MS - this.beatMs / 2 || (mirror.rev === this.lastPublishedRev && since < PUBLISH_IDLE_MS))
      return;
    this.lastPublishMs = nowMs;
    this.lastPublishedRev = mirror.rev;
    publisher.control(state(), grants.currentBooking());
  }
  private weatherHistory(nowMs: number): void {
    const w = this.parts.weather.weather;
    const { history } = this.parts.mirror;
    history.add('outside_temperature', nowMs, w.temperature_celsius?.value);
    history.add('humidity', nowMs, w.humidity_percent?.value);
    history.add('dew_point', nowMs, w.dew_point_celsius?.value);
    history.add('wind', nowMs, w.wind_meters_per_second?.value);
    history.add('gust', nowMs, w.gust_meters_per_second?.value);
    history.add('cloud', nowMs, w.cloud_percent?.value);
    history.add('sky_quality', nowMs, w.sky_quality_mag_arcsec2?.value);
  }
}
