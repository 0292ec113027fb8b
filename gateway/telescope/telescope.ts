import { EventEmitter } from 'node:events';
import type { ConnectionState, TelescopeState } from '../../domain/contracts/state.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { Timer } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { atMost } from '../../platform/waiting.ts';
import type { Credentials } from '../connection/link.ts';
import { assemble, GUARD_MS, type TelescopeGatewayOptions } from './assemble.ts';
import type { MaintenanceWindow } from './maintenance.ts';
import type { Preview } from './mirror.ts';

/** How long what is told waits for this disk. */
const FLUSH_MS = 2_000;

interface GatewayEvents {
  /** This gateway owns the telescope and has read back what was under way: its queue may be polled. */
  owned: [{ epoch: number }];
  lost: [{ why: string }];
}
type Parts = ReturnType<typeof assemble>;

/**
 * One telescope: its connection and everything that watches over it. Reads are anybody's; what moves goes through the safety gate, and
 * the watchdog keeps its promises (slot's end, latched aborts) with Temporal and PostgreSQL dead.
 */
export class TelescopeGateway extends EventEmitter<GatewayEvents> {
  readonly mirror: Parts['mirror'];
  readonly weather: Parts['weather'];
  readonly emergency: Parts['emergency'];
  readonly grants: Parts['grants'];
  readonly latches: Parts['latches'];
  readonly maintenance: Parts['maintenance'];
  readonly weatherLatch: Parts['weatherLatch'];
  readonly commands: Parts['commands'];
  readonly borrowed: Parts['borrowed'];
  readonly journal: Parts['journal'];
  readonly lease: Parts['lease'];
  readonly gate: Parts['gate'];
  readonly link: Parts['link'];
  readonly client: Parts['client'];
  readonly targets: Parts['targets'];
  readonly shots: Parts['shots'];
  readonly signals: Parts['signals'];
  readonly diary: Parts['diary'];
  readonly ladder: Parts['ladder'];
  readonly lending: Parts['lending'];
  readonly aborts: Parts['aborts'];
  readonly waits: Parts['waits'];
  readonly hearing: Parts['hearing'];
  readonly clock: Parts['clock'];
  readonly request: Parts['request'];
  readonly logger: Logger;
  readonly db: Database | null;
  readonly readOnly: boolean;
  telescope: Telescope;
  private readonly parts: Parts;
  private beat: Timer | null = null;
  private stopped = false;
  private credentialsText: string | null = null;

  constructor(options: TelescopeGatewayOptions) {
    super();
    this.telescope = options.telescope;
    this.db = options.db;
    this.readOnly = options.readOnly;
    this.logger = options.logger;
    this.parts = assemble(options, {
      telescope: () => this.telescope,
      onOwned: (epoch) => this.emit('owned', { epoch }),
      onLost: (why) => this.emit('lost', { why }),
    });
    const { parts } = this;
    this.mirror = parts.mirror;
    this.weather = parts.weather;
    this.emergency = parts.emergency;
    this.grants = parts.grants;
    this.latches = parts.latches;
    this.maintenance = parts.maintenance;
    this.weatherLatch = parts.weatherLatch;
    this.commands = parts.commands;
    this.borrowed = parts.borrowed;
    this.journal = parts.journal;
    this.lease = parts.lease;
    this.gate = parts.gate;
    this.link = parts.link;
    this.client = parts.client;
    this.targets = parts.targets;
    this.shots = parts.shots;
    this.signals = parts.signals;
    this.diary = parts.diary;
    this.ladder = parts.ladder;
    this.lending = parts.lending;
    this.aborts = parts.aborts;
    this.waits = parts.waits;
    this.hearing = parts.hearing;
    this.clock = parts.clock;
    this.request = parts.request;
    this.link.on('event', (event) => parts.hearing.take(event));
    this.link.on('status', ({ state, reason }) => parts.contact.onLink(state === 'ready', state, reason));
    this.weather.on('changed', (weather) => {
      // One that waits for the lease hears nothing of Voyager: its view of the weather is no record of the night.
      if (parts.begun()) this.diary.noteWeather(weather);
      this.diary.tellSessions('weather_changed', weather.state);
      this.mirror.touch();
    });
  }

  get id(): string {
    return this.telescope.id;
  }
  get ready(): boolean {
    return this.link.state === 'ready';
  }

  start(): void {
    this.weather.voyagerLink(false);
    this.weather.start();
    this.journal.start();
    this.lease.start();
    const beat = (): void => {
      if (this.stopped) return;
      this.parts.watchdog.beat();
      this.beat = this.clock.setTimeout(beat, GUARD_MS);
    };
    beat();
  }

  async stop(reason: string): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.beat?.cancel();
    this.waits.end();
    this.weather.stop();
    this.shots.stop();
    await this.link.stop(reason);
    this.signals.stop();
    await this.parts.copies.stop();
    await this.parts.publisher.settled();
    await this.journal.stop();
    await this.lease.stop();
    await this.parts.weatherReadings.flush();
    await this.parts.kept.close();
  }

  /**
   * Takes over what the API changed; false while another host, port or instance has to wait. It waits for a running slot, a latched abort and
   * borrowed targets, which belong to the Voyager they were made on.
   */
  configure(next: Telescope): boolean {
    const { host, port, instance } = this.telescope;
    const moves = next.host !== host || next.port !== port || next.instance !== instance;
    const busy = this.grants.current().length > 0 || this.latches.all().length > 0 || this.borrowed.all().length > 0;
    const before = JSON.stringify(this.telescope.weather.sources);
    this.telescope = moves && busy ? { ...next, host, port, instance } : next;
    if (JSON.stringify(next.weather.sources) !== before) this.weather.sourcesChanged();
    if (!moves) return true;
    if (busy) {
      this.logger.warn(
        { telescope: this.id, host: next.host, port: next.port },
        'the telescope has another address now; followed when its session is over',
      );
      return false;
    }
    this.diary.note('address', `${next.host}:${next.port} instance ${next.instance}`);
    this.emergency.clear('another Voyager', this.clock.now());
    this.weather.voyagerMoved();
    this.link.moveTo(next);
    return true;
  }

  revokeGrant(bookingId: string): void {
    this.grants.end(bookingId, 'revoked');
    this.weatherLatch.forget(bookingId);
    for (const latch of this.latches.all())
      if (latch.bookingId === bookingId && latch.state === 'confirmed') this.latches.release(latch.commandId);
  }

  /** Takes new credentials for the next login; unchanged ones are left alone, since a rejected login is tried again at once. */
  refreshCredentials(credentials: Credentials | null): void {
    const text = JSON.stringify(credentials);
    if (this.credentialsText === null) this.credentialsText = text;
    if (text === this.credentialsText) return;
    this.credentialsText = text;
    this.link.updateCredentials(credentials);
  }

  /** Takes the maintenance windows; resolves when they stand on disk, or the disk takes too long. Whether this gateway's gate is the one that counts. */
  async knowMaintenance(windows: MaintenanceWindow[]): Promise<boolean> {
    this.maintenance.set(windows);
    await atMost(
      this.clock,
      FLUSH_MS,
      this.parts.kept.flush().catch(() => undefined),
    );
    return this.lease.owns();
  }

  state(): TelescopeState {
    return this.parts.state();
  }
  get preview(): Preview | null {
    return this.mirror.preview;
  }
  connection(): ConnectionState {
    return this.parts.contact.state();
  }
}
