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
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      // names in a query are case-insensitive; those of a PUT body are not (Alpaca API reference)
      const query =
        request.method === 'PUT'
          ? new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
          : new URLSearchParams([...url.searchParams].map(([k, v]): [string, string] => [k.toLowerCase(), v]));
      const transaction = Number(
        query.get(request.method === 'PUT' ? 'ClientTransactionID' : 'clienttransactionid') ?? 0,
      );
      const envelope = {
        ClientTransactionID: Number.isInteger(transaction) && transaction >= 0 ? transaction : 0,
        ServerTransactionID: ++this.transactions,
      };
      const plain = (status: number, text: string): void =>
        void response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
      const json = (body: Record<string, unknown>): void =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      const path = url.pathname.replace(/\/+$/, '');
      if (path === '/management/apiversions') return json({ Value: [1], ...envelope });
      if (path === '/management/v1/description')
        return json({
          Value: {
            ServerName: 'Simulated observatory',
            Manufacturer: 'nocturne',
            ManufacturerVersion: '1',
            Location: 'Simulator',
          },
          ...envelope,
        });
      if (path === '/management/v1/configureddevices') {
        return json({
          Value: [
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
          ...envelope,
        });
      }
      const match = /^\/api\/v1\/(observingconditions|safetymonitor)\/(\d+)\/([a-z]+)$/.exec(path);
      if (!match) return plain(404, 'Not found');
      const [, device, number, member] = match as unknown as [string, string, string, string];
      if (number !== '0') return plain(400, `Device number ${number} does not exist`);
      if (request.method !== 'GET' && request.method !== 'PUT') return plain(400, 'GET or PUT');
      try {
        const value = request.method === 'PUT' ? this.put(device, member, query) : this.get(device, member, query);
        json({ ...(value === undefined ? {} : { Value: value }), ...envelope, ErrorNumber: 0, ErrorMessage: '' });
      } catch (thrown) {
        if (!(thrown instanceof AlpacaError)) throw thrown;
        json({ ...envelope, ErrorNumber: thrown.number, ErrorMessage: thrown.message });
      }
    });
  }

  private get(device: string, member: string, query: URLSearchParams): unknown {
    const { weather } = this.context;
    const connected = device === 'safetymonitor' ? weather.safetyMonitorConnected : weather.stationConnected;
    switch (member) {
      case 'connected':
        return connected;
      case 'name':
        return device === 'safetymonitor' ? 'Simulated safety monitor' : 'Simulated weather';
      case 'description':
        return 'Device of the simulated observatory';
      case 'driverinfo':
        return 'nocturne simulator';
      case 'driverversion':
        return '1.0';
      case 'interfaceversion':
        return 1;
      case 'supportedactions':
        return [];
      default:
    }
    if (!connected) {
      // IsSafe must answer false, not fail, while the device is away (ASCOM ISafetyMonitor.IsSafe)
      if (member === 'issafe') return false;
      throw new AlpacaError(NOT_CONNECTED, `${member}: not connected`);
    }
    if (device === 'safetymonitor') {
      if (member === 'issafe') return weather.safe;
      throw new AlpacaError(NOT_IMPLEMENTED, `${member} is not implemented`);
    }
    const c = weather.conditions();
    const round = (value: number): number => Math.round(value * 1000) / 1000;
    switch (member) {
      case 'temperature':
        return round(c.temperature_celsius);
      case 'humidity':
        return round(c.humidity_percent);
      case 'dewpoint':
        return round(c.dew_point_celsius);
      case 'pressure':
        return round(c.pressure_hpa);
      case 'windspeed':
        return round(c.wind_meters_per_second);
      case 'windgust':
        return round(c.gust_meters_per_second);
      case 'winddirection':
        return round(c.wind_meters_per_second === 0 ? 0 : c.wind_direction_degrees);
      case 'cloudcover':
        return round(c.cloud_percent);
      case 'rainrate':
        return round(c.rain_rate);
      case 'skyquality':
        return round(c.sky_quality_mag_arcsec2);
      case 'skytemperature':
        return round(c.sky_temperature_celsius);
      case 'starfwhm':
        return round(c.seeing_arcsec);
      case 'averageperiod':
        return 0;
      case 'timesincelastupdate':
        return 1;
      case 'sensordescription': {
        const sensor = query.get('sensorname')?.toLowerCase() ?? '';
        if (
          !/^(temperature|humidity|dewpoint|pressure|windspeed|windgust|winddirection|cloudcover|rainrate|skyquality|skytemperature|starfwhm)$/.test(
            sensor,
          )
        )
          throw new AlpacaError(
            sensor === 'skybrightness' ? NOT_IMPLEMENTED : INVALID_VALUE,
            `SensorName ${sensor} is not known`,
          );
        return `Simulated ${sensor}`;
      }
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
