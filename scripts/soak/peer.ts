import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Clock } from '../../platform/clock.ts';
import type { Fault } from './faults.ts';

interface Line {
  id?: number;
  method?: string;
  Event?: string;
  params?: Record<string, unknown>;
}
interface Connection {
  socket: Socket;
  bytesIn: number;
  bytesOut: number;
  open: boolean;
  frozen: boolean;
  authenticated: boolean;
  modes: Set<string>;
  /** Protocol time of the last line in and out, milliseconds. */
  heard: number;
  spoke: number;
}
export interface Frame {
  guid: string;
  file: string;
}

const SILENCE_MS = 15_000;
const HEARTBEAT_MS = 5_000;
const PREVIEW = Buffer.alloc(24_000, 0x5a).toString('base64');

/**
 * A Voyager for the soak, on a real loopback socket and on the soak's clock. It speaks at real rates, closes clients that are silent for 15 s, and
 * counts every command by its UID.
 */
export class SoakPeer {
  readonly frames: Frame[] = [];
  /** Times that a command's line arrived, by UID. */
  readonly commands = new Map<string, number>();
  /** Clients that this peer had to close because they were silent for 15 s. */
  silentClients = 0;
  accepted = 0;
  connection: Connection | null = null;
  private dropNextReply = false;
  private helloes = true;
  private reopenAt: number | null = null;
  private server: Server | null = null;
  private port = 0;
  private second = 0;
  private nextFrame = 60;
  private readonly clock: Clock;
  private readonly random: () => number;
  constructor(clock: Clock, random: () => number) {
    this.clock = clock;
    this.random = random;
  }

  async listen(): Promise<number> {
    const server = createServer((socket) => this.accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    return this.port;
  }
  async close(): Promise<void> {
    const { server } = this;
    this.server = null;
    this.drop(false);
    if (server)
      await new Promise((resolve) => {
        server.close(resolve);
      });
  }

  private accept(socket: Socket): void {
    this.drop(false);
    this.accepted++;
    const now = this.clock.now();
    const connection: Connection = {
      socket,
      bytesIn: 0,
      bytesOut: 0,
      open: true,
      frozen: false,
      authenticated: false,
      modes: new Set(),
      heard: now,
      spoke: now,
    };
    this.connection = connection;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      connection.open = false;
    });
    let rest = '';
    socket.on('data', (chunk: Buffer) => {
      connection.bytesIn += chunk.length;
      connection.heard = this.clock.now();
      rest += chunk.toString('utf8');
      const lines = rest.split('\r\n');
      rest = lines.pop()!;
      for (const line of lines)
        if (connection.open && !connection.frozen) this.take(connection, JSON.parse(line) as Line);
    });
    if (this.helloes)
      this.event('Version', { VOYVersion: 'Release 2.3.14 - Built 2024-12-27', VOYSubver: '', MsgVersion: 1 });
    this.helloes = true;
  }

  private take(connection: Connection, line: Line): void {
    const { method, params } = line;
    if (!method) return;
    const uid = params?.UID as string | undefined;
    if (uid) this.commands.set(uid, (this.commands.get(uid) ?? 0) + 1);
    if (method === 'AuthenticateUserBase') {
      connection.authenticated = true;
      this.send({ jsonrpc: '2.0', authbase: { Username: 'soak' }, id: line.id });
      return;
    }
    if (method.startsWith('RemoteSet') && params?.IsOn === true) connection.modes.add(method);
    if (this.dropNextReply && !method.startsWith('RemoteSet')) {
      this.dropNextReply = false;
      this.drop(true);
      return;
    }
    this.send({ jsonrpc: '2.0', result: 0, id: line.id });
    if (method === 'disconnect') {
      connection.socket.end();
      return;
    }
    const status = method === 'RemoteGetStatus' ? { VoyagerStatus: 'RUN' } : {};
    const ParamRet = method.endsWith('GetShotDoneList')
      ? {
          list: this.frames.map(({ guid, file }) => ({
            guid,
            filename: file,
            refguidshot: 'shot',
            datetimeshotutc: this.clock.now() / 1000,
          })),
        }
      : status;
    this.event('RemoteActionResult', { UID: uid, ActionResultInt: 4, Motivo: '', ParamRet });
  }

  private send(body: object): void {
    this.raw(`${JSON.stringify(body)}\r\n`);
  }
  private event(name: string, fields: object): void {
    this.send({ Event: name, Timestamp: Math.round(this.clock.now()) / 1000, Host: 'SOAK', Inst: 1, ...fields });
  }
  private raw(text: string): void {
    const { connection } = this;
    if (!connection?.open || connection.frozen) return;
    connection.spoke = this.clock.now();
    connection.bytesOut += Buffer.byteLength(text);
    connection.socket.write(text);
  }
  private drop(reset: boolean): void {
    const { connection } = this;
    if (!connection?.open) return;
    connection.open = false;
    if (reset) connection.socket.resetAndDestroy();
    else connection.socket.destroy();
  }

  /** One second of protocol time: what a Voyager in a running sequence sends, and its own watch over the client. */
  async tick(): Promise<void> {
    const now = this.clock.now();
    this.second++;
    if (this.reopenAt !== null && now >= this.reopenAt) {
      this.reopenAt = null;
      await this.listen();
    }
    const { connection } = this;
    const live = connection?.open && !connection.frozen ? connection : null;
    if (live && now - live.heard > SILENCE_MS) {
      this.silentClients++;
      this.drop(false);
    }
    const dashboard = live?.modes.has('RemoteSetDashboardMode') ?? false;
    if (dashboard) this.tellDashboard();
    if (live?.modes.has('RemoteSetLogEvent') && this.second % 17 === 0)
      this.event('LogEvent', { TimeInfo: now / 1000, Type: 2, Text: 'Expose' });
    if (--this.nextFrame <= 0) this.takeFrame(dashboard);
    if (live && now - live.spoke >= HEARTBEAT_MS) this.event('Polling', {});
  }
  /** What a dashboard hears in this second. */
  private tellDashboard(): void {
    this.event('ShotRunning', {
      File: 'run.fit',
      Expo: 60,
      Elapsed: this.second % 60,
      ElapsedPerc: Math.round(((this.second % 60) / 60) * 100),
      Status: 1,
    });
    if (this.second % 2 === 0)
      this.event('ControlData', {
        VOYSTAT: 2,
        SETUPCONN: true,
        CCDTEMP: -10,
        CCDPOW: -123456789,
        MNTRA: '02:49:50',
        MNTDEC: '47° 20\' 07"',
        RUNSEQ: 'base.s2q',
        GUIDEX: 0.2,
        GUIDEY: -0.1,
      });
    if (this.second % 30 === 0)
      this.event('WeatherAndSafetyMonitorData', {
        WSConnected: true,
        SMConnected: true,
        SMStatus: 'SAFE',
        WSCloud: 'CLEAR',
        WSRain: 'DRY',
        WSWind: 'CALM',
        WSLight: 'DARK',
      });
  }
  /** A frame is done, and the next one begins. */
  private takeFrame(dashboard: boolean): void {
    this.nextFrame = 60 + Math.floor(this.random() * 60);
    const frame = { guid: randomUUID(), file: `frame_${this.frames.length + 1}.fit` };
    this.frames.push(frame);
    this.event('NewFITReady', {
      File: `C:\\Voyager\\FITS\\${frame.file}`,
      Type: 0,
      VoyType: 'SHOT',
      SeqTarget: 'NGC 1499',
    });
    if (dashboard)
      this.event('NewJPGReady', {
        File: frame.file,
        Expo: 60,
        Bin: 1,
        Filter: 'L',
        HFD: 2.4,
        StarIndex: 8,
        PixelDimX: 3008,
        PixelDimY: 3008,
        Base64Data: PREVIEW,
      });
  }

  /** Makes one fault happen, now or with the next command. */
  async cause(fault: Fault): Promise<void> {
    const { connection } = this;
    switch (fault) {
      case 'fin':
        if (connection) connection.open = false;
        connection?.socket.end();
        break;
      case 'reset':
        this.drop(true);
        break;
      case 'half_open':
        if (connection) connection.frozen = true;
        connection?.socket.pause();
        break;
      case 'cut_line':
        this.raw('{"Event":"NewJPGReady","Timestamp":1,"Host":"SOAK","Inst":1,"Base64Data":"/9j/4AAQ');
        this.drop(false);
        break;
      case 'drop_reply':
        this.dropNextReply = true;
        break;
      case 'no_version':
        this.helloes = false;
        this.drop(true);
        break;
      case 'shutdown_restart':
        this.event('ShutDown', {});
        connection?.socket.end();
        if (connection) connection.open = false;
        await this.away(5_000 + this.random() * 30_000);
        break;
      case 'port_away':
        this.drop(true);
        await this.away(30_000 + this.random() * 900_000);
        break;
    }
  }
  private async away(ms: number): Promise<void> {
    this.reopenAt = this.clock.now() + ms;
    const { server } = this;
    this.server = null;
    this.connection?.socket.destroySoon();
    if (server)
      await new Promise((resolve) => {
        server.close(resolve);
      });
  }
}
