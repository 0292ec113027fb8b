import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context } from './context.ts';

/** ASCOM Alpaca error numbers (Alpaca API reference, "Error numbers"). */
const NOT_IMPLEMENTED = 0x400;
const INVALID_VALUE = 0x401;
const NOT_CONNECTED = 0x407;

class AlpacaError extends Error {
  readonly number: number;
  constructor(number: number, message: string) {
    super(message);
    this.number = number;
  }
}

/** What the management API says of the server and its devices. */
const MANAGEMENT: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['/management/apiversions', [1]],
  [
    '/management/v1/description',
    {
      ServerName: 'Simulated observatory',
      Manufacturer: 'nocturne',
      ManufacturerVersion: '1',
      Location: 'Simulator',
    },
  ],
  [
    '/management/v1/configureddevices',
    [
      {
        DeviceName: 'Simulated weather',
        DeviceType: 'ObservingConditions',
        DeviceNumber: 0,
        UniqueID: 'nocturne-simulator-weather',
      },
      {
        DeviceName: 'Simulated safety monitor',
        DeviceType: 'SafetyMonitor',
        DeviceNumber: 0,
        UniqueID: 'nocturne-simulator-safety',
      },
    ],
  ],
]);
/** What every device says of itself, connected or not. */
const ABOUT: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['description', 'Device of the simulated observatory'],
  ['driverinfo', 'nocturne simulator'],
  ['driverversion', '1.0'],
  ['interfaceversion', 1],
  ['supportedactions', []],
]);
type Conditions = ReturnType<Context['weather']['conditions']>;
const SENSORS: ReadonlyMap<string, (c: Conditions) => number> = new Map<string, (c: Conditions) => number>([
  ['temperature', (c) => c.temperature_celsius],
  ['humidity', (c) => c.humidity_percent],
  ['dewpoint', (c) => c.dew_point_celsius],
  ['pressure', (c) => c.pressure_hpa],
  ['windspeed', (c) => c.wind_meters_per_second],
  ['windgust', (c) => c.gust_meters_per_second],
  ['winddirection', (c) => (c.wind_meters_per_second === 0 ? 0 : c.wind_direction_degrees)],
  ['cloudcover', (c) => c.cloud_percent],
  ['rainrate', (c) => c.rain_rate],
  ['skyquality', (c) => c.sky_quality_mag_arcsec2],
  ['skytemperature', (c) => c.sky_temperature_celsius],
  ['starfwhm', (c) => c.seeing_arcsec],
]);
function sensorDescription(sensor: string): string {
  if (SENSORS.has(sensor)) return `Simulated ${sensor}`;
  throw new AlpacaError(
    sensor === 'skybrightness' ? NOT_IMPLEMENTED : INVALID_VALUE,
    `SensorName ${sensor} is not known`,
  );
}

/** ObservingConditions 0 and SafetyMonitor 0 of the observatory as ASCOM Alpaca devices over HTTP. */
export class AlpacaServer {
  private readonly context: Context;
  private readonly server: Server;
  private transactions = 0;

  constructor(context: Context) {
    this.context = context;
    this.server = createServer((request, response) => this.handle(request, response));
    this.server.keepAliveTimeout = 2_000;
  }
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    this.server.closeAllConnections();
    await closed;
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    if (!this.context.weather.alpacaUp) {
      request.socket.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => this.answer(request, response, Buffer.concat(chunks).toString('utf8')));
  }
  private answer(request: IncomingMessage, response: ServerResponse, given: string): void {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const isPut = request.method === 'PUT';
    // names in a query are case-insensitive; those of a PUT body are not (Alpaca API reference)
    const query = isPut
      ? new URLSearchParams(given)
      : new URLSearchParams([...url.searchParams].map(([k, v]): [string, string] => [k.toLowerCase(), v]));
    const transaction = Number(query.get(isPut ? 'ClientTransactionID' : 'clienttransactionid') ?? 0);
    const envelope = {
      ClientTransactionID: Number.isInteger(transaction) && transaction >= 0 ? transaction : 0,
      ServerTransactionID: ++this.transactions,
    };
    const plain = (status: number, text: string): void =>
      void response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
    const json = (body: Record<string, unknown>): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const path = url.pathname.replace(/\/+$/, '');
    const managed = MANAGEMENT.get(path);
    if (managed) return json({ Value: managed, ...envelope });
    const match = /^\/api\/v1\/(observingconditions|safetymonitor)\/(\d+)\/([a-z]+)$/.exec(path);
    if (!match) return plain(404, 'Not found');
    const [, device, number, member] = match as unknown as [string, string, string, string];
    if (number !== '0') return plain(400, `Device number ${number} does not exist`);
    if (request.method !== 'GET' && !isPut) return plain(400, 'GET or PUT');
    try {
      const value = isPut ? this.put(device, member, query) : this.get(device, member, query);
      json({ ...(value === undefined ? {} : { Value: value }), ...envelope, ErrorNumber: 0, ErrorMessage: '' });
    } catch (thrown) {
      if (!(thrown instanceof AlpacaError)) throw thrown;
      json({ ...envelope, ErrorNumber: thrown.number, ErrorMessage: thrown.message });
    }
  }

  private get(device: string, member: string, query: URLSearchParams): unknown {
    const { weather } = this.context;
    const isMonitor = device === 'safetymonitor';
    const connected = isMonitor ? weather.safetyMonitorConnected : weather.stationConnected;
    if (member === 'connected') return connected;
    if (member === 'name') return isMonitor ? 'Simulated safety monitor' : 'Simulated weather';
    const about = ABOUT.get(member);
    if (about !== undefined) return about;
    if (!connected) {
      // IsSafe must answer false, not fail, while the device is away (ASCOM ISafetyMonitor.IsSafe)
      if (member === 'issafe') return false;
      throw new AlpacaError(NOT_CONNECTED, `${member}: not connected`);
    }
    if (isMonitor && member === 'issafe') return weather.safe;
    if (isMonitor) throw new AlpacaError(NOT_IMPLEMENTED, `${member} is not implemented`);
    const sensor = SENSORS.get(member);
    if (sensor) return Math.round(sensor(weather.conditions()) * 1000) / 1000;
    switch (member) {
      case 'averageperiod':
        return 0;
      case 'timesincelastupdate':
        return 1;
      case 'sensordescription':
        return sensorDescription(query.get('sensorname')?.toLowerCase() ?? '');
      default:
        throw new AlpacaError(NOT_IMPLEMENTED, `${member} is not implemented`);
    }
  }
  private put(device: string, member: string, body: URLSearchParams): undefined {
    const { weather } = this.context;
    if (member === 'connected') {
      if (!/^(true|false)$/i.test(body.get('Connected') ?? ''))
        throw new AlpacaError(INVALID_VALUE, 'Connected must be true or false');
      return undefined;
    }
    if (member === 'refresh' && device === 'observingconditions') {
      if (!weather.stationConnected) throw new AlpacaError(NOT_CONNECTED, 'refresh: not connected');
      return undefined;
    }
    throw new AlpacaError(NOT_IMPLEMENTED, `${member} is not implemented`);
  }
}
