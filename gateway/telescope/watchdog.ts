import { objectGuid } from '../../domain/ids.ts';
import { toError } from '../../platform/errors.ts';
import { readNumber } from '../protocol/fields.ts';
import type { RoboTargetClient } from '../robotarget/commands.ts';
import type { Aborts } from './abort.ts';
import type { Attempts } from './attempts.ts';
import type { BorrowedSky } from './borrowed.ts';
import type { Diary } from './diary.ts';
import type { EmergencyWatch } from './emergency.ts';
import type { Grants, StoredGrant } from './grants.ts';
import type { Here } from './here.ts';
import type { Lending } from './lending.ts';
import { done } from './outcomes.ts';
import type { SessionSignals } from './session-signals.ts';
import type { StopLadder } from './stop.ts';
import { sameGuid, type Targets } from './targets.ts';
import type { Telemetry } from './telemetry.ts';
import type { WeatherLatch } from './weather-latch.ts';
import type { WeatherWatch } from './weather-watch.ts';

const RETRY_STOP_MS = 10_000;
const PAY_BACK_MS = 30_000;

interface WatchdogParts {
  client: RoboTargetClient;
  aborts: Aborts;
  telemetry: Telemetry;
  grants: Grants;
  ladder: StopLadder;
  lending: Lending;
  borrowed: BorrowedSky;
  targets: Targets;
  weather: WeatherWatch;
  weatherLatch: WeatherLatch;
  emergency: EmergencyWatch;
  attempts: Attempts;
  diary: Diary;
  signals: SessionSignals;
  /** Another gateway is known to hold the lease: that one keeps the promises. */
  contested: () => boolean;
  /** What this gateway knows of slots is the newest: it holds the lease and has read what PostgreSQL has. */
  sure: () => boolean;
  /** This process owned the telescope once. */
  begun: () => boolean;
}

/** Keeps the gateway's promises with Temporal and PostgreSQL dead: slots that are over, latched aborts, unsafe weather, borrowed targets. */
export class Watchdog {
  constructor(
    private readonly here: Here,
    private readonly parts: WatchdogParts,
  ) {}

  /**
   * Each second: slots that are over, latched aborts, samples and live events. Never throws, never waits for PostgreSQL or Temporal, and a fault in
   * one promise keeps no other.
   */
  beat(): void {
    const { contested, begun, aborts, attempts, telemetry } = this.parts;
    const nowMs = this.here.clock.now();
    // With another gateway known to hold the lease, that one keeps the promises, and these are that one's to say.
    if (contested()) return;
    if (begun()) {
      this.keep('slots that are over', () => this.endSlots());
      this.keep('latched aborts', () => aborts.keep(nowMs));
      this.keep('unsafe weather', () => this.guardWeather());
      this.keep('borrowed targets', () => this.payBack());
      attempts.forget();
    }
    this.keep('telemetry', () => telemetry.sample(nowMs));
    this.keep('live state', () => telemetry.publish(nowMs));
  }
  private keep(what: string, promise: () => void): void {
    try {
      promise();
    } catch (thrown) {
      this.here.logger.error({ telescope: this.here.id, what, err: toError(thrown) }, 'watchdog');
    }
  }
  private endSlots(): void {
    const { clock, telescope } = this.here;
    for (const grant of this.parts.grants.active())
      if (clock.witnessedNow() >= Date.parse(grant.end) + telescope().policy.grace_seconds * 1000) this.endSlot(grant);
  }
  /** The slot's end plus grace has passed and nobody gave the grant back: the second dead-man (docs/safety.md, 5). */
  private endSlot(grant: StoredGrant): void {
    const key = `slot-over/${grant.bookingId}/${grant.generation}/${grant.end}`;
    if (
      !this.parts.attempts.due(key, RETRY_STOP_MS) ||
      !this.here.ready() ||
      this.parts.emergency.current ||
      this.here.readOnly
    )
      return;
    this.parts.attempts
      .run(key, () => this.endSlotNow(grant, key))
      .catch((thrown: unknown) =>
        this.here.logger.error({ telescope: this.here.id, err: toError(thrown) }, 'stop at the slot’s end'),
      );
  }
  private async endSlotNow(grant: StoredGrant, key: string): Promise<void> {
    if (!this.parts.sure() && !(await this.voyagerSaysOver(grant))) return;
    let outcome = done('nothing of it was enabled or running');
    if (grant.targetGuid) {
      const list = await this.parts.targets.list();
      const target = list.ok ? list.items.find((t) => sameGuid(t.guid, grant.targetGuid)) : null;
      // An unreadable list is no reason to leave the telescope running.
      if (!list.ok || target?.enabled || target?.statusOp === 'running') {
        this.here.logger.warn(
          { telescope: this.here.id, bookingId: grant.bookingId },
          'slot over and not given back: stopping the target',
        );
        outcome = await this.parts.ladder.stop([grant.targetGuid]);
      }
    }
    this.parts.diary.command(key, 'stop', outcome, grant.bookingId);
    if (outcome.outcome !== 'done') return;
    this.parts.grants.end(grant.bookingId, 'over');
    this.parts.weatherLatch.forget(grant.bookingId);
    await this.parts.lending.giveBack(grant.bookingId);
  }
  /**
   * Is the slot over by Voyager's own window of the target? A gateway without the lease may know an older slot and stops only what this confirms
   * (docs/safety.md, 5).
   */
  private async voyagerSaysOver(grant: StoredGrant): Promise<boolean> {
    if (!grant.targetGuid) return true;
    const { client, attempts } = this.parts;
    const found = await client.find('target', grant.targetGuid, objectGuid(grant.bookingId, grant.generation, 'set'));
    const end = found.ok ? readNumber(found.items[0]?.C_DateEnd) : null;
    const over = found.ok && (end === null || end * 1000 <= this.here.clock.witnessedNow());
    if (!over && attempts.due(`told/${grant.bookingId}/${grant.end}`, Infinity))
      await attempts.run(`told/${grant.bookingId}/${grant.end}`, async () =>
        this.here.logger.warn(
          { telescope: this.here.id, bookingId: grant.bookingId, end: grant.end, voyager: end },
          'slot over as this gateway knows it, which has no lease; Voyager does not confirm it and nothing is stopped',
        ),
      );
    return over;
  }
  /** Unsafe weather that no session looks at: the guard stops the target itself (weather-latch.ts). */
  private guardWeather(): void {
    const can = this.here.ready() && !this.here.readOnly && !this.parts.emergency.current;
    const running = this.parts.grants.current();
    const { session_patience_seconds: patience } = this.here.telescope().weather;
    const overdue = this.parts.weatherLatch.overdue(
      running.map(({ bookingId }) => bookingId),
      can && this.parts.weather.weather.state === 'unsafe',
      this.here.clock.monotonicMs(),
      patience * 1000,
    );
    for (const grant of running) {
      const key = `weather/${grant.bookingId}`;
      if (!overdue.includes(grant.bookingId) || !this.parts.attempts.due(key, RETRY_STOP_MS)) continue;
      this.parts.attempts
        .run(key, () => this.stopForWeather(grant, key))
        .catch((thrown: unknown) =>
          this.here.logger.error({ telescope: this.here.id, err: toError(thrown) }, 'stop in unsafe weather'),
        );
    }
  }
  private async stopForWeather(grant: StoredGrant, key: string): Promise<void> {
    if (!grant.targetGuid) return;
    const list = await this.parts.targets.list();
    const target = list.ok ? list.items.find((t) => sameGuid(t.guid, grant.targetGuid)) : null;
    if (list.ok && !target?.enabled && target?.statusOp !== 'running') return;
    const { weather } = this.parts.weather;
    if (weather.state !== 'unsafe') return;
    this.here.logger.warn(
      { telescope: this.here.id, bookingId: grant.bookingId, causes: weather.causes },
      'unsafe weather and no session that stops: stopping the target',
    );
    this.parts.weatherLatch.stopped(grant.bookingId, weather, new Date(this.here.clock.now()).toISOString());
    this.parts.diary.note('weather_stop', weather.causes.join('; ').slice(0, 300));
    const outcome = await this.parts.ladder.stop([grant.targetGuid]);
    this.parts.diary.command(key, 'stop', outcome, grant.bookingId);
    this.parts.signals.event(grant.bookingId, 'weather_changed', 'stopped by the gateway');
  }
  /** Loans whose booking has no active grant any more are given back without being asked. */
  private payBack(): void {
    const loan = this.parts.borrowed.all().find((l) => this.parts.grants.find(l.bookingId)?.state !== 'active');
    if (!loan || !this.here.ready() || this.here.readOnly || !this.parts.attempts.due('pay-back', PAY_BACK_MS)) return;
    this.parts.attempts
      .run('pay-back', () => this.parts.lending.giveBack(loan.bookingId))
      .catch((thrown: unknown) =>
        this.here.logger.error({ telescope: this.here.id, err: toError(thrown) }, 'giving back borrowed targets'),
      );
  }
}
