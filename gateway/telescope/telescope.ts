import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { framesNotTaken } from '../../platform/journal.ts';
import type { CommandOutcome, Grant } from '../../domain/ports.ts';
import type { ConnectionState, TelescopeState } from '../../domain/contracts/state.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { reasonText, type Reason } from '../../domain/reasons.ts';
import { sunAltitudeDegrees } from '../../domain/sky.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import { SteadyClock } from '../../platform/steady-clock.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { atMost, Waits } from '../../platform/waiting.ts';
import type { Credentials, Gate, VoyagerLink, VoyagerRequest } from '../connection/link.ts';
import { buildRequest } from '../protocol/requests.ts';
import { RoboTargetClient } from '../robotarget/commands.ts';
import type { Dialect } from '../robotarget/dialect.ts';
import { Aborts } from './abort.ts';
import { Attempts } from './attempts.ts';
import { BorrowedSky } from './borrowed.ts';
import { CommandLog } from './command-log.ts';
import { Contact } from './contact.ts';
import { DatabaseCopies } from './database-copies.ts';
import { Diary } from './diary.ts';
import { EmergencyWatch } from './emergency.ts';
import { Hearing } from './events.ts';
import { SafetyGate, type Permit } from './gate.ts';
import { GrantRows } from './grant-rows.ts';
import { Grants } from './grants.ts';
import type { Here } from './here.ts';
import { Journal } from './journal.ts';
import { Latches } from './latches.ts';
import { Lending } from './lending.ts';
import { Lease, type LeaseStore } from './lease.ts';
import { KnownMaintenance, type MaintenanceWindow } from './maintenance.ts';
import { Mirror, type Preview } from './mirror.ts';
import { done, reasonOf, refused, toCommand, unknown } from './outcomes.ts';
import { Ownership } from './ownership.ts';
import { Publisher } from './publisher.ts';
import { StateFile } from './state-file.ts';
import { StopLadder } from './stop.ts';
import { SessionSignals, type SignalTransport } from './session-signals.ts';
import { ShotWatch } from './shot-watch.ts';
import { sameGuid, Targets } from './targets.ts';
import { Telemetry } from './telemetry.ts';
import { Watchdog } from './watchdog.ts';
import { WeatherLatch } from './weather-latch.ts';
import { WeatherWatch } from './weather-watch.ts';

export interface TelescopeGatewayOptions {
  telescope: Telescope;
  /** Null: no database is configured; only GATEWAY_SOLE can own the telescope then. */
  db: Database | null;
  leaseStore: LeaseStore | null;
  /** Unique to this run of this process. */
  holder: string;
  sole: boolean;
  readOnly: boolean;
  dialect: Dialect;
  robotargetSecret: string | null;
  createLink: (telescope: Telescope, gate: Gate) => VoyagerLink;
  transport: SignalTransport | null;
  /** This telescope's own folder. */
  folder: string;
  clock: Clock;
  logger: Logger;
  /** Undrained bytes on disk above which telemetry, then log lines and signals are dropped; frames never. */
  quotaBytes?: number;
}

const GUARD_MS = 1_000;
/** How long what is told waits for this disk. */
const FLUSH_MS = 2_000;
/** An older list of RoboTarget's does not tell whether a target is disabled. */
const BELIEVED_LIST_MS = 60_000;

interface GatewayEvents {
  /** This gateway owns the telescope and has read back what was under way: its queue may be polled. */
  owned: [{ epoch: number }];
  lost: [{ why: string }];
}

/**
 * One telescope: its connection and everything that watches over it. Reads are anybody's; what moves goes through the safety gate, and
 * the guard keeps its promises (slot's end, latched aborts) with Temporal and PostgreSQL dead.
 */
export class TelescopeGateway extends EventEmitter<GatewayEvents> {
  readonly mirror: Mirror;
  readonly weather: WeatherWatch;
  readonly emergency: EmergencyWatch;
  readonly grants: Grants;
  readonly latches: Latches;
  readonly maintenance: KnownMaintenance;
  readonly weatherLatch: WeatherLatch;
  readonly commands: CommandLog;
  readonly borrowed: BorrowedSky;
  readonly journal: Journal;
  readonly lease: Lease;
  readonly gate: SafetyGate;
  readonly link: VoyagerLink;
  readonly client: RoboTargetClient;
  readonly targets: Targets;
  readonly shots: ShotWatch;
  readonly signals: SessionSignals;
  readonly logger: Logger;
  readonly clock: SteadyClock;
  readonly db: Database | null;
  readonly readOnly: boolean;
  telescope: Telescope;
  private readonly options: TelescopeGatewayOptions;
  private readonly publisher: Publisher;
  private readonly copies: DatabaseCopies;
  private readonly kept: StateFile;
  readonly diary: Diary;
  private readonly here: Here;
  readonly ladder: StopLadder;
  readonly lending: Lending;
  readonly waits: Waits;
  readonly hearing: Hearing;
  private readonly ownership: Ownership;
  private readonly contact: Contact;
  readonly aborts: Aborts;
  private readonly watchdog: Watchdog;
  private readonly telemetry: Telemetry;
  private readonly attempts: Attempts;
  private beat: Timer | null = null;
  private stopped = false;
  private credentialsText: string | null = null;

  constructor(options: TelescopeGatewayOptions) {
    super();
    this.options = options;
    this.telescope = options.telescope;
    this.clock = new SteadyClock(
      options.clock,
      () => (this.link as VoyagerLink | undefined)?.clockOffsetSeconds() ?? null,
    );
    this.waits = new Waits(this.clock);
    this.attempts = new Attempts(this.clock);
    this.db = options.db;
    this.readOnly = options.readOnly;
    this.logger = options.logger;
    this.here = {
      id: this.telescope.id,
      readOnly: this.readOnly,
      clock: this.clock,
      logger: this.logger,
      telescope: () => this.telescope,
      ready: () => this.ready,
      whyAway: () => this.link.reason,
    };
    const { folder } = options;
    const now = (): number => this.clock.now();
    const { id } = this.telescope;
    this.mirror = new Mirror(id);
    this.weather = new WeatherWatch(() => this.telescope, this.clock, this.logger);
    this.kept = new StateFile(join(folder, 'state.jsonl'), this.logger);
    this.emergency = new EmergencyWatch(this.kept);
    this.latches = new Latches(this.kept);
    this.maintenance = new KnownMaintenance(this.kept, now);
    this.weatherLatch = new WeatherLatch(this.kept);
    this.copies = new DatabaseCopies(id, this.logger);
    this.grants = new Grants(this.kept, now, new GrantRows(id, this.db, this.copies, now));
    this.commands = new CommandLog(this.kept, id, this.db, this.copies, now);
    this.borrowed = new BorrowedSky(this.kept, id, this.db, this.copies, now);
    this.gate = new SafetyGate(options.dialect, {
      telescope: () => this.telescope,
      readOnly: options.readOnly,
      emergency: () => this.emergency.current,
      ownsLease: () => this.lease.owns(),
      weather: () => this.weather.whyNotStart(),
      clockOffsetSeconds: () => this.link.clockOffsetSeconds(),
      grant: (grant) => this.grants.check(grant),
      slotRunning: () => this.grants.current().length > 0,
      latched: (targetGuid, bookingId) => {
        const latch =
          (targetGuid === null ? null : this.latches.ofTarget(targetGuid)) ??
          (bookingId === null ? null : this.latches.ofBooking(bookingId));
        return latch && (latch.reason ?? 'user_abort');
      },
      inMaintenance: () => this.maintenance.current,
      sunAltitudeDegrees: () => sunAltitudeDegrees(this.telescope.site, now()),
      safetyMonitorConnected: () => this.weather.weather.safety_monitor?.connected === true,
      targets: () => this.targets.recent(BELIEVED_LIST_MS),
      targetOfSet: (guid) => this.grants.ofSet(guid)?.targetGuid ?? null,
    });
    this.link = options.createLink(this.telescope, this.gate.judge);
    const zone = (): string => this.telescope.site.timezone;
    this.client = new RoboTargetClient({
      link: this.link,
      dialect: options.dialect,
      secret: options.robotargetSecret,
      zone,
    });
    this.targets = new Targets(this.link, this.client, options.robotargetSecret, this.clock, zone);
    const { targets, mirror, emergency, waits } = this;
    this.ladder = new StopLadder(this.here, { targets, mirror, emergency, grants: this.grants, waits });
    this.signals = new SessionSignals(
      id,
      options.transport,
      this.clock,
      this.logger,
      this.db && ((upTo) => framesNotTaken(this.db!, id, upTo)),
    );
    this.journal = new Journal({
      telescopeId: id,
      folder,
      db: this.db,
      logger: this.logger,
      onDrained: (entries) => this.diary.tellOfFrames(entries),
      quotaBytes: options.quotaBytes,
    });
    const { journal, signals, grants } = this;
    this.diary = new Diary(this.here, { journal, signals, grants });
    this.lending = new Lending(this.here, {
      borrowed: this.borrowed,
      grants,
      targets,
      gate: this.gate,
      emergency,
      diary: this.diary,
      request: (request, permit) => this.request(request, permit),
    });
    this.shots = new ShotWatch(this.kept, {
      targets: this.targets,
      journal: this.journal,
      grants: () => this.grants.watched(),
      clock: this.clock,
      logger: this.logger,
    });
    this.publisher = new Publisher(id, this.db, this.logger);
    this.telemetry = new Telemetry(
      this.here,
      {
        mirror: this.mirror,
        weather: this.weather,
        grants,
        journal,
        publisher: this.publisher,
        state: () => this.state(),
        runningNow: (guid, maxAgeMs) => this.runningNow(guid, maxAgeMs),
      },
      GUARD_MS,
    );
    this.aborts = new Aborts(this.here, {
      latches: this.latches,
      kept: this.kept,
      ladder: this.ladder,
      targets,
      grants,
      gate: this.gate,
      link: this.link,
      emergency,
      attempts: this.attempts,
      diary: this.diary,
      signals,
    });
    this.watchdog = new Watchdog(this.here, {
      grants,
      ladder: this.ladder,
      lending: this.lending,
      borrowed: this.borrowed,
      targets,
      weather: this.weather,
      weatherLatch: this.weatherLatch,
      emergency,
      attempts: this.attempts,
      diary: this.diary,
      signals,
      contested: () => this.lease.contested,
      begun: () => this.ownership.begun,
      keepLatches: (nowMs) => this.aborts.keep(nowMs),
      telemetry: (nowMs) => {
        this.telemetry.sample(nowMs);
        this.telemetry.publish(nowMs);
      },
    });
    this.ownership = new Ownership(this.here, {
      kept: this.kept,
      commands: this.commands,
      borrowed: this.borrowed,
      grants,
      targets,
      journal,
      signals,
      diary: this.diary,
      link: this.link,
      waits,
      lease: () => this.lease,
      onReady: (epoch) => this.emit('owned', { epoch }),
      onLost: (why) => this.emit('lost', { why }),
    });
    this.contact = new Contact(this.here, {
      link: this.link,
      mirror,
      weather: this.weather,
      targets,
      shots: this.shots,
      diary: this.diary,
      whyNotBegun: () => (this.ownership.begun ? null : `waiting for the lease (${this.lease.state})`),
      readBack: () => this.ownership.readBack(),
    });
    this.hearing = new Hearing(this.here, {
      link: this.link,
      mirror,
      weather: this.weather,
      emergency,
      shots: this.shots,
      publisher: this.publisher,
      diary: this.diary,
      contact: this.contact,
      grants,
      targets,
      signals,
      commands: this.commands,
      state: () => this.state(),
      onEmergencyOver: () => this.watchdog.beat(),
    });
    this.lease = new Lease({
      telescopeId: id,
      holder: options.holder,
      store: options.leaseStore,
      sole: options.sole,
      floorEpoch: this.ownership.floorEpoch,
      clock: this.clock,
      logger: this.logger,
      onOwned: (epoch) => this.ownership.owned(epoch),
      onLost: (why) => this.ownership.lost(why),
    });
    this.link.on('event', (event) => this.hearing.take(event));
    this.link.on('status', ({ state, reason }) => this.contact.onLink(state === 'ready', state, reason));
    this.weather.on('changed', (weather) => {
      this.diary.note(
        'weather',
        `${weather.state}${weather.causes.length > 0 ? `: ${weather.causes.join('; ')}` : ''}`,
      );
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
      this.watchdog.beat();
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
    await this.copies.stop();
    await this.publisher.settled();
    await this.journal.stop();
    await this.lease.stop();
    await this.kept.close();
  }

  /**
   * Takes over what the API changed. To another host, port or instance it goes only while nothing of ours is under way here: a running slot, a
   * latched abort and borrowed targets belong to the Voyager that they were made on. Returns false while that waits.
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
    this.link.moveTo(next);
    return true;
  }

  // Grants

  async registerGrant(grant: Grant): Promise<CommandOutcome> {
    if (this.readOnly) return refused('read_only');
    return this.grants.bring(grant);
  }
  revokeGrant(bookingId: string): void {
    this.grants.end(bookingId, 'revoked');
    this.weatherLatch.forget(bookingId);
    for (const latch of this.latches.all())
      if (latch.bookingId === bookingId && latch.state === 'confirmed') this.latches.release(latch.commandId);
  }
  // Requests

  /** Takes new credentials for the next login; unchanged ones are left alone, since a rejected login is tried again at once. */
  refreshCredentials(credentials: Credentials | null): void {
    const text = JSON.stringify(credentials);
    if (this.credentialsText === null) this.credentialsText = text;
    if (text === this.credentialsText) return;
    this.credentialsText = text;
    this.link.updateCredentials(credentials);
  }

  /** Sends one request under a permit, judged by the gate at the instant of the line. */
  request(request: VoyagerRequest & { uid: string }, permit: Permit | null): ReturnType<VoyagerLink['request']> {
    if (permit) this.gate.permit(request.uid, permit);
    return this.link.request(request);
  }

  /** Takes the maintenance windows; resolves when they stand on disk, or the disk takes too long. Whether this gateway's gate is the one that counts. */
  async knowMaintenance(windows: MaintenanceWindow[]): Promise<boolean> {
    this.maintenance.set(windows);
    await atMost(
      this.clock,
      FLUSH_MS,
      this.kept.flush().catch(() => undefined),
    );
    return this.lease.owns();
  }

  // Mirror

  state(): TelescopeState {
    const nowMs = this.clock.now();
    return this.mirror.state(
      {
        connection: this.connection(),
        connectionEpoch: this.link.epoch,
        weather: this.weather.weather,
        emergency: this.emergency.current,
        profile: this.contact.profile,
        readOnly: this.readOnly,
      },
      nowMs,
    );
  }
  get preview(): Preview | null {
    return this.mirror.preview;
  }
  get loadedProfile(): string | null {
    return this.contact.profile;
  }
  connection(): ConnectionState {
    return this.contact.state();
  }
  /** What RoboTarget runs now, by its list (at most `maxAgeMs` old) and RUNSEQ. */
  runningNow(targetGuid: string | null, maxAgeMs: number): 'ours' | 'foreign' | 'none' | 'unknown' {
    const list = this.targets.recent(maxAgeMs);
    const sequence = this.mirror.controlData?.RUNSEQ ?? null;
    const running = list?.find((t) => t.statusOp === 'running');
    if (running) return sameGuid(running.guid, targetGuid) ? 'ours' : 'foreign';
    if (this.mirror.controlData === null) return 'unknown';
    if (sequence === null) return 'none';
    return 'unknown';
  }
}
