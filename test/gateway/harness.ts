import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '@jest/globals';
import type { Grant, ObjectsPlan, TelescopeActivities } from '../../domain/ports.ts';
import { Telescope, type TelescopeInput } from '../../domain/contracts/telescope.ts';
import { objectGuid } from '../../domain/ids.ts';
import { hourAngleHours } from '../../domain/sky.ts';
import { createTelescopeActivities } from '../../gateway/activities/index.ts';
import { createVoyagerLink } from '../../gateway/connection/voyager-link.ts';
import { createGatewayHttp } from '../../gateway/http.ts';
import { loadDialect, type Dialect } from '../../gateway/robotarget/dialect.ts';
import { pgLeaseStore } from '../../gateway/telescope/lease-store.ts';
import { TelescopeGateway } from '../../gateway/telescope/telescope.ts';
import { systemClock } from '../../platform/clock.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { signGatewayRequest } from '../../platform/gateway-auth.ts';
import { createLogger } from '../../platform/logger.ts';
import { projectPath } from '../../platform/paths.ts';
import { within } from '../../platform/waiting.ts';
import type { EffectEntry } from '../../simulator/effects.ts';
import { createObservatory, type Observatory } from '../../simulator/observatory.ts';
import { DEFAULT_OVERHEADS, type ObservatoryOptions } from '../../simulator/options.ts';

export const SECRET = 'leonardo';
export const GATEWAY_SECRET = 'a-secret-of-the-gateway';
const logger = createLogger('test', process.env.NOCTURNE_TEST_LOG ?? 'silent');
type CleanUp = () => Promise<void> | void;
const scopes = new AsyncLocalStorage<CleanUp[]>();
const outside: CleanUp[] = [];
function later(step: CleanUp): void {
  (scopes.getStore() ?? outside).push(step);
}
/** Ends everything that was started outside a scenario, last first. */
export async function cleanUp(): Promise<void> {
  for (const step of outside.splice(0).reverse()) await step();
}
/** A test that runs beside the others of its file (they mostly wait) and ends everything that it started itself. */
export function scenario(name: string, body: () => Promise<void>, timeoutMs = 120_000): void {
  test.concurrent(
    name,
    () =>
      scopes.run([], async () => {
        try {
          await body();
        } finally {
          for (const step of scopes.getStore()!.splice(0).reverse()) await step();
        }
      }),
    timeoutMs,
  );
}
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'nocturne-gateway-'));
  later(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A dialect file in which nothing is called as in the shipped one. */
export function otherDialect(): string {
  const dialect = JSON.parse(
    readFileSync(projectPath('gateway', 'robotarget', 'dialect.default.json'), 'utf8'),
  ) as Dialect;
  for (const object of Object.values(dialect.objects))
    object.fields = Object.fromEntries(Object.keys(object.fields).map((field) => [field, `x_${field.toLowerCase()}`]));
  for (const [name, command] of Object.entries(dialect.commands)) {
    command.method = `X${name}`;
    command.params = Object.fromEntries(Object.entries(command.params).map(([wire, source]) => [`p_${wire}`, source]));
    delete command.sign;
  }
  Object.assign(dialect, {
    name: 'other',
    signing: { param: 'Sig', template: '{sessionKey}|{secret}|{id}|{uid}', digest: 'sha256', encoding: 'base64' },
    times: { unit: 'iso', zone: 'site_local' },
    angles: { ra: 'degrees', dec: 'degrees' },
    status: { enabled: 'on', disabled: 'off' },
    object_types: { set: 'S', target: 'T', shot: 'H' },
    answer: { ret: 'answer', done: 'FINE', list: 'rows' },
  });
  const path = join(folder(), 'dialect.json');
  writeFileSync(path, JSON.stringify(dialect));
  return path;
}

/** A quick, small observatory in a clear night. */
export async function observatory(options: Partial<ObservatoryOptions> = {}): Promise<Observatory> {
  const made = await createObservatory({
    dataDir: folder(),
    camera: { width: 200, height: 160, bayer: false },
    robotargetSecret: SECRET,
    controlPort: null,
    alpacaPort: null,
    firstWeatherSeconds: 0.1,
    weatherPeriodSeconds: 1,
    emergencyClearSeconds: 1,
    overheads: Object.fromEntries(
      Object.entries(DEFAULT_OVERHEADS).map(([k, v]) => [k, v / 8]),
    ) as unknown as ObservatoryOptions['overheads'],
    ...options,
  });
  later(() => made.stop());
  return made;
}

export interface Setup {
  gateway: TelescopeGateway;
  activities: TelescopeActivities;
  sim: Observatory;
  /** Every signal that would have gone to Temporal. */
  signals: { bookingId: string; name: string; body: unknown }[];
  /** What the gateway said of its ownership: `owned 1`, `lost`. */
  ownership: string[];
  folder: string;
  db: Database | null;
}
export interface GatewayOptions {
  databaseUrl?: string | null;
  sole?: boolean;
  readOnly?: boolean;
  telescope?: Partial<TelescopeInput>;
  folder?: string;
  start?: boolean;
  dialectFile?: string;
}

/** A telescope's gateway on the simulator; without a database it is the only one (GATEWAY_SOLE). */
export async function gatewayOn(sim: Observatory, options: GatewayOptions = {}): Promise<Setup> {
  const { site } = sim.world.options;
  const telescope = Telescope.parse({
    id: 'demo',
    name: 'Demo',
    host: '127.0.0.1',
    port: sim.port,
    base_sequence_guid: sim.world.options.sequenceGuid,
    site: { ...site, timezone: 'UTC' },
    weather: { sources: [{ kind: 'voyager', period_seconds: 30 }], resume_debounce_seconds: 0 },
    policy: { grace_seconds: 0 },
    ...options.telescope,
  } satisfies TelescopeInput);
  const dialect = loadDialect(options.dialectFile);
  const db = options.databaseUrl ? createDatabase(options.databaseUrl, logger, 4) : null;
  const signals: Setup['signals'] = [];
  const gatewayFolder = options.folder ?? folder();
  const gateway = new TelescopeGateway({
    telescope,
    db,
    leaseStore: options.databaseUrl ? pgLeaseStore(options.databaseUrl) : null,
    holder: `test/${Math.random()}`,
    sole: options.sole ?? !options.databaseUrl,
    readOnly: options.readOnly ?? false,
    dialect,
    robotargetSecret: SECRET,
    transport: {
      signal: async (bookingId, name, body) => {
        signals.push({ bookingId, name, body });
        return 'sent';
      },
    },
    folder: gatewayFolder,
    clock: systemClock,
    logger,
    createLink: (on, gate) =>
      createVoyagerLink({
        host: on.host,
        port: on.port,
        instance: on.instance,
        credentials: null,
        gate,
        clock: systemClock,
        logger,
        dialect,
        robotargetSecret: SECRET,
        maxLineMb: 64,
        modes: { dashboard: true, logLevel: 1 },
        random: () => 0,
      }),
  });
  const ownership: string[] = [];
  gateway.on('owned', ({ epoch }) => ownership.push(`owned ${epoch}`));
  gateway.on('lost', () => ownership.push('lost'));
  later(async () => {
    await gateway.stop('test over');
    if (db) await within(db.$disconnect(), 2_000).catch(() => undefined);
  });
  const setup: Setup = {
    gateway,
    activities: createTelescopeActivities(gateway),
    sim,
    signals,
    ownership,
    folder: gatewayFolder,
    db,
  };
  if (options.start ?? true) {
    gateway.start();
    await until(
      () => gateway.ready && gateway.mirror.controlData !== null && !gateway.weather.weather.stale,
      8_000,
      'the gateway is connected and has seen the telescope',
    );
  }
  return setup;
}

/** HTTP of a gateway, and signed requests to it. */
export async function httpOf(setups: readonly Setup[]): Promise<{
  url: string;
  send(
    method: string,
    path: string,
    body?: unknown,
    secret?: string,
    nowMs?: number,
  ): Promise<{ status: number; body: unknown }>;
}> {
  const server: Server = createGatewayHttp({
    telescopes: new Map(setups.map((s) => [s.gateway.id, s.gateway])),
    secret: GATEWAY_SECRET,
    metrics: async () => ({ type: 'text/plain', text: '' }),
    readiness: () => null,
    logger,
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  later(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async send(method, path, body, secret = GATEWAY_SECRET, nowMs = Date.now()) {
      const text = body === undefined ? '' : JSON.stringify(body);
      const response = await fetch(`${url}${path}`, {
        method,
        headers: signGatewayRequest(secret, method, path, text, nowMs),
        ...(text ? { body: text } : {}),
      });
      const answer = await response.text();
      return { status: response.status, body: answer ? (JSON.parse(answer) as unknown) : null };
    },
  };
}

/** Waits are generous, because the machine may be busy; what must be quick is asserted as such. */
const PATIENCE = 3;
export async function until(condition: () => boolean | Promise<boolean>, ms: number, what: string): Promise<void> {
  const end = Date.now() + ms * PATIENCE;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface BookingOptions {
  id?: string;
  generation?: number;
  /** Seconds from now. */
  start?: number;
  end?: number;
  /** Of RoboTarget's own window, so that the gateway's stop is seen before Voyager's own. */
  windowEnd?: number;
  exposure?: number;
  quantity?: number;
  telescopeId?: string;
}
/** A plan that the sky allows now, and its grant. */
export function booking(
  sim: Observatory,
  options: BookingOptions = {},
): { grant: Grant; plan: ObjectsPlan; target: string; shot: string } {
  const {
    id = 'b-1',
    generation = 1,
    start = -5,
    end = 600,
    windowEnd = end + 600,
    exposure = 0.3,
    quantity = 3,
    telescopeId = 'demo',
  } = options;
  const now = Date.now();
  const { site, sequenceGuid } = sim.world.options;
  const lst = (hourAngleHours(site, 0, 0, now) + 24) % 24;
  const set = objectGuid(id, generation, 'set');
  const target = objectGuid(id, generation, 'target');
  const shot = objectGuid(id, generation, 'shot/0');
  const seconds = Math.floor(now / 1000);
  return {
    target,
    shot,
    grant: {
      bookingId: id,
      telescopeId,
      generation,
      start: new Date(now + start * 1000).toISOString(),
      end: new Date(now + end * 1000).toISOString(),
      targetGuid: target,
    },
    plan: {
      set: {
        Guid: set,
        Name: `User_7_Booking_${id}`,
        ProfileName: 'Default.v2y',
        Status: 0,
        Tag: `stellar_booking_${id}`,
      },
      target: {
        GuidTarget: target,
        RefGuidSet: set,
        RefGuidBaseSequence: sequenceGuid,
        TargetName: 'M 31',
        RAJ2000: (lst + 1) % 24,
        DECJ2000: 41.2,
        PA: 0,
        DateCreation: seconds,
        Status: 1,
        Priority: 2,
        IsRepeat: true,
        Repeat: 1,
        C_Mask: 'BDE',
        C_AltMin: 30,
        C_HAStart: -3,
        C_HAEnd: 3,
        C_DateStart: seconds + start,
        C_DateEnd: seconds + windowEnd,
        Tag: '',
      },
      shots: [
        {
          GuidShot: shot,
          RefGuidTarget: target,
          FilterIndex: 1,
          Num: quantity,
          Bin: 1,
          ReadoutMode: 0,
          Type: 0,
          Speed: 0,
          Gain: 100,
          Offset: 10,
          Exposure: exposure,
          Order: 1,
          Enabled: true,
        },
      ],
    },
  };
}

/** Everything that clients sent, in order, but for mode switches, logins and reads. */
export const commands = (sim: Observatory, from = 0): EffectEntry[] =>
  sim.log.entries.filter(
    (e) =>
      e.kind === 'command' &&
      e.n > from &&
      e.method !== null &&
      !/^(RemoteSetDashboardMode|RemoteSetLogEvent|RemoteGet|Authenticate|disconnect|RemoteOpenRoboTargetGet)/.test(
        e.method,
      ),
  );
export const effectsOf = (sim: Observatory, from = 0): string[] =>
  sim.log.entries.filter((e) => e.n > from && e.effect !== null).map((e) => e.effect!);
export const lastEntry = (sim: Observatory): number => sim.log.entries.at(-1)?.n ?? 0;
export const repeated = (sim: Observatory): EffectEntry[] => sim.log.entries.filter((e) => e.repeated_effect);

/** A way to a TCP port that can be frozen: bytes stop, connections stay. */
export class Proxy {
  private readonly server: TcpServer;
  private readonly sockets = new Set<Socket>();
  private frozen = false;
  private away = false;
  private constructor(port: number) {
    this.server = createTcpServer((near) => {
      if (this.away) {
        near.destroy();
        return;
      }
      const far = connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on('data', (chunk) => this.frozen || far.write(chunk));
      far.on('data', (chunk) => this.frozen || near.write(chunk));
    });
  }
  /** The same URL by way of the proxy. */
  static async before(url: string): Promise<{ proxy: Proxy; url: string }> {
    const through = new URL(url);
    const proxy = new Proxy(Number(through.port));
    await new Promise<void>((done) => proxy.server.listen(0, '127.0.0.1', done));
    later(() => proxy.close());
    through.port = String((proxy.server.address() as AddressInfo).port);
    return { proxy, url: through.toString() };
  }
  freeze(): void {
    this.frozen = true;
  }
  /** As if the server were stopped: connections break, new ones are refused. */
  cut(): void {
    this.away = true;
    for (const socket of this.sockets) socket.destroy();
  }
  /** Bytes flow again; what was connected meanwhile is cut. */
  thaw(): void {
    this.frozen = false;
    this.away = false;
    for (const socket of this.sockets) socket.destroy();
  }
  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
