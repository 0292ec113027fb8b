import { join } from 'node:path';
import type { TelescopeState } from '../../domain/contracts/state.ts';
import { timezoneOf, type Telescope } from '../../domain/contracts/telescope.ts';
import { sunAltitudeDegrees } from '../../domain/sky.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { framesNotTaken } from '../../platform/journal.ts';
import type { Logger } from '../../platform/logger.ts';
import { SteadyClock } from '../../platform/steady-clock.ts';
import { Waits } from '../../platform/waiting.ts';
import type { Gate, RequestOutcome, VoyagerLink, VoyagerRequest } from '../connection/link.ts';
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
import { type GateFacts, SafetyGate, type Permit } from './gate.ts';
import { GrantRows } from './grant-rows.ts';
import { Grants } from './grants.ts';
import type { Here } from './here.ts';
import { Journal } from './journal.ts';
import { KeptReadings } from './kept-readings.ts';
import { Latches } from './latches.ts';
import { Lease } from './lease.ts';
import type { LeaseStore } from './lease-store.ts';
import { KeptLeaseMemory } from './lease-memory.ts';
import { Lending } from './lending.ts';
import { KnownMaintenance } from './maintenance.ts';
import { Mirror } from './mirror.ts';
import { Ownership } from './ownership.ts';
import { Publisher } from './publisher.ts';
import { SessionSignals, type SignalTransport } from './session-signals.ts';
import { ShotWatch } from './shot-watch.ts';
import { StateFile } from './state-file.ts';
import { StopLadder } from './stop.ts';
import { Targets } from './targets.ts';
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

/** What the parts say upwards. */
interface Upwards {
  /** The telescope as it is configured now. */
  telescope: () => Telescope;
  /** This gateway owns the telescope and has read back what was under way. */
  onOwned: (epoch: number) => void;
  onLost: (why: string) => void;
}

export const GUARD_MS = 1_000;
/** An older list of RoboTarget's does not tell whether a target is disabled. */
const BELIEVED_LIST_MS = 60_000;

/** What must outlive this process, and its copies in PostgreSQL. */
function keptOnDisk({ folder, db }: TelescopeGatewayOptions, { id, clock, logger, telescope }: Here) {
  const now = (): number => clock.now();
  const kept = new StateFile(join(folder, 'state.jsonl'), logger);
  const copies = new DatabaseCopies(id, logger);
  return {
    kept,
    copies,
    emergency: new EmergencyWatch(kept),
    latches: new Latches(kept),
    leaseMemory: new KeptLeaseMemory(kept),
    maintenance: new KnownMaintenance(kept, now),
    weatherLatch: new WeatherLatch(kept),
    weatherReadings: new KeptReadings(join(folder, 'weather.json'), telescope, clock),
    grants: new Grants(kept, now, new GrantRows(id, db, copies, now)),
    commands: new CommandLog(kept, id, db, copies, now),
    borrowed: new BorrowedSky(kept, id, db, copies, now),
  };
}
type Kept = ReturnType<typeof keptOnDisk>;

/** What the safety gate asks of the other parts, at the instant of each line. */
function gateFacts(
  { clock, readOnly, telescope }: Here,
  { emergency, grants, latches, maintenance }: Kept,
  weather: WeatherWatch,
  later: { link: () => VoyagerLink; lease: () => Lease; targets: () => Targets },
): GateFacts {
  return {
    telescope,
    readOnly,
    emergency: () => emergency.current,
    ownsLease: () => later.lease().owns(),
    weather: () => weather.whyNotStart(),
    clockOffsetSeconds: () => later.link().clockOffsetSeconds(),
    grant: (grant) => grants.check(grant),
    slotRunning: () => grants.current().length > 0,
    latched: (targetGuid, bookingId) => {
      const latch =
        (targetGuid === null ? null : latches.ofTarget(targetGuid)) ??
        (bookingId === null ? null : latches.ofBooking(bookingId));
      return latch && (latch.reason ?? 'user_abort');
    },
    inMaintenance: () => maintenance.current,
    sunAltitudeDegrees: () => {
      const { site } = telescope();
      return site && sunAltitudeDegrees(site, clock.now());
    },
    safetyMonitorConnected: () => weather.weather.safety_monitor?.connected === true,
    targets: () => later.targets().recent(BELIEVED_LIST_MS),
    targetOfSet: (guid) => grants.ofSet(guid)?.targetGuid ?? null,
  };
}

/** What is written down and told. */
function records(options: TelescopeGatewayOptions, here: Here, { kept, grants }: Kept, targets: Targets) {
  const { folder, db, transport, quotaBytes } = options;
  const { id, clock, logger } = here;
  const notTaken = db && ((upTo: Parameters<typeof framesNotTaken>[2]) => framesNotTaken(db, id, upTo));
  const signals = new SessionSignals(id, transport, clock, logger, notTaken);
  const journal = new Journal({
    telescopeId: id,
    folder,
    db,
    logger,
    onDrained: (entries) => diary.tellOfFrames(entries),
    quotaBytes,
  });
  const diary = new Diary(here, { journal, signals, grants });
  const shots = new ShotWatch(kept, { targets, journal, grants: () => grants.watched(), clock, logger });
  return { signals, journal, diary, shots, publisher: new Publisher(id, db, logger) };
}

/** The way to Voyager: the safety gate, the link behind it, and what is asked over it. */
function wire(options: TelescopeGatewayOptions, telescope: () => Telescope, lease: () => Lease) {
  const { readOnly, dialect, robotargetSecret: secret, logger } = options;
  let made: VoyagerLink | null = null;
  const clock = new SteadyClock(options.clock, () => made?.clockOffsetSeconds() ?? null);
  const here: Here = {
    id: options.telescope.id,
    readOnly,
    clock,
    logger,
    telescope,
    ready: () => link.state === 'ready',
    whyAway: () => link.reason,
  };
  const onDisk = keptOnDisk(options, here);
  const weather = new WeatherWatch(telescope, clock, logger, onDisk.weatherReadings);
  const later = { link: () => link, lease, targets: () => targets };
  const gate = new SafetyGate(dialect, gateFacts(here, onDisk, weather, later));
  const link: VoyagerLink = options.createLink(options.telescope, gate.judge);
  made = link;
  const zone = (): string => timezoneOf(telescope());
  const client = new RoboTargetClient({ link, dialect, secret, zone });
  const targets: Targets = new Targets(link, client, secret, clock, zone);
  /** Sends one request under a permit, judged by the gate at the instant of the line. */
  const request = (one: VoyagerRequest & { uid: string }, permit: Permit | null): Promise<RequestOutcome> => {
    if (permit) gate.permit(one.uid, permit);
    return link.request(one);
  };
  return { here, clock, weather, onDisk, gate, link, client, targets, request };
}

/** Makes the parts of a telescope's gateway and joins them; each is given what it needs and no more. */
export function assemble(options: TelescopeGatewayOptions, { telescope, onOwned, onLost }: Upwards) {
  const { here, clock, weather, onDisk, gate, link, client, targets, request } = wire(options, telescope, () => lease);
  const { kept, emergency, grants, latches, weatherLatch, commands, borrowed } = onDisk;
  const { signals, journal, diary, shots, publisher } = records(options, here, onDisk, targets);
  const waits = new Waits(clock);
  const attempts = new Attempts(clock);
  const mirror = new Mirror(here.id);
  const ladder = new StopLadder(here, { targets, mirror, emergency, grants, waits });
  const lending = new Lending(here, { borrowed, grants, targets, gate, emergency, diary, request });
  const stops = { latches, kept, ladder, targets, grants, gate, link, emergency, attempts, diary, signals };
  const aborts = new Aborts(here, stops);
  const owned = { kept, commands, borrowed, grants, targets, journal, signals, diary, link, waits, weather };
  const ownership = new Ownership(here, { ...owned, lease: () => lease, onReady: onOwned, onLost });
  const reached = { link, mirror, weather, targets, shots, diary };
  const contact: Contact = new Contact(here, {
    ...reached,
    whyNotBegun: () => (ownership.begun ? null : `waiting for the lease (${lease.state})`),
    readBack: () => ownership.readBack(),
  });
  const state = stateOf(here, { mirror, contact, link, weather, emergency });
  const telemetry = new Telemetry(here, { mirror, weather, grants, journal, publisher, targets, state }, GUARD_MS);
  const guarded = {
    grants,
    ladder,
    targets,
    emergency,
    attempts,
    diary,
    signals,
    lending,
    borrowed,
    weather,
    weatherLatch,
    aborts,
    telemetry,
    client,
  };
  const sure = (): boolean => ownership.adopted && lease.held;
  const begun = (): boolean => ownership.begun;
  const whose = { contested: () => lease.contested, begun, sure };
  const watchdog = new Watchdog(here, { ...guarded, ...whose });
  const heard = { ...reached, emergency, publisher, contact, grants, signals, commands, state };
  const hearing = new Hearing(here, { ...heard, onEmergencyOver: () => watchdog.beat() });
  const lease: Lease = makeLease(options, clock, ownership, onDisk.leaseMemory);
  const told = { signals, journal, diary, shots, publisher };
  const deeds = { begun, waits, mirror, ladder, lending, aborts, contact, watchdog, hearing, lease, state };
  return { ...onDisk, ...told, ...deeds, clock, weather, gate, link, client, targets, request };
}

/** The whole picture of a telescope, made when it is asked for. */
function stateOf(
  { readOnly, clock }: Here,
  parts: { mirror: Mirror; contact: Contact; link: VoyagerLink; weather: WeatherWatch; emergency: EmergencyWatch },
): () => TelescopeState {
  const { mirror, contact, link, weather, emergency } = parts;
  return () =>
    mirror.state(
      {
        connection: contact.state(),
        connectionEpoch: link.epoch,
        weather: weather.weather,
        emergency: emergency.current,
        profile: contact.profile,
        readOnly,
      },
      clock.now(),
    );
}

function makeLease(
  options: TelescopeGatewayOptions,
  clock: Clock,
  ownership: Ownership,
  memory: KeptLeaseMemory,
): Lease {
  const { telescope, holder, leaseStore: store, sole, logger } = options;
  return new Lease({
    telescopeId: telescope.id,
    holder,
    store,
    sole,
    clock,
    logger,
    floorEpoch: ownership.floorEpoch,
    memory,
    onOwned: (epoch) => ownership.owned(epoch),
    onLost: (why) => ownership.lost(why),
  });
}
