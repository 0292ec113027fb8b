import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GatewayAbort, Receipt } from '../../domain/contracts/control.ts';
import type { TelescopeState } from '../../domain/contracts/state.ts';
import { formatVoyagerAngle, formatVoyagerHours } from '../../domain/coordinates.ts';
import { altAz } from '../../domain/sky.ts';
import { createGatewayHttp } from '../../gateway/http.ts';
import { decodeEvent } from '../../gateway/protocol/events.ts';
import { Mirror, type Preview } from '../../gateway/telescope/mirror.ts';
import { Publisher } from '../../gateway/telescope/publisher.ts';
import type { TelescopeGateway } from '../../gateway/telescope/telescope.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import type { StandIn } from '../../simulator/stand-in/stand-in.ts';
import type { SandboxObservatory } from './observatory.ts';

const VOYSTAT = { idle: 1, run: 2 } as const;
const GUIDESTAT = { stopped: 0, running: 2 } as const;
const EXPOSE = 1;
const COLD_CELSIUS = -10;

/** What a camera tells of a frame besides the file. */
export interface Shown {
  file: string;
  filter: string;
  exposureSeconds: number;
  binning: number;
  hfd: number;
  jpeg: Uint8Array | null;
}

/**
 * The gateway's face: its mirror, fed with what a Voyager that did the same would say, on the bus and behind the gateway's own HTTP, and the
 * emergency stop.
 */
export class SandboxGateway {
  private readonly mirror: Mirror;
  private readonly publisher: Publisher;
  private server: Server | null = null;
  private readonly since = new Date().toISOString();

  constructor(
    private readonly observatory: SandboxObservatory,
    private readonly parts: { db: Database; secret: string; logger: Logger },
  ) {
    const { id } = observatory.telescope;
    this.mirror = new Mirror(id);
    this.publisher = new Publisher(id, parts.db, parts.logger);
  }

  /** Serves the gateway's HTTP on a port of loopback. */
  async listen(port: number): Promise<void> {
    const face = {
      state: () => this.state(Date.now()),
      weather: { sources: () => [] },
      mirror: this.mirror,
      knowMaintenance: async () => true,
      hearing: { endEmergency: () => false },
      aborts: {
        abort: async (request: GatewayAbort) => this.stop(request, 'abort'),
        halt: async (request: GatewayAbort) => this.stop(request, 'halt'),
      },
    };
    const gateway = Object.defineProperty(face, 'preview', { get: (): Preview | null => this.mirror.preview });
    const server = createGatewayHttp({
      telescopes: new Map([[this.observatory.telescope.id, gateway as unknown as TelescopeGateway]]),
      secret: this.parts.secret,
      metrics: async () => ({ type: 'text/plain', text: '' }),
      readiness: () => null,
      logger: this.parts.logger,
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    this.server = server;
  }
  get port(): number {
    return (this.server!.address() as AddressInfo).port;
  }
  async close(): Promise<void> {
    const { server } = this;
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
  }

  /** Tells everybody who watches how things stand. */
  show(nowMs: number): void {
    const standIn = this.observatory.current;
    if (standIn?.gateway.linkUp(nowMs) ?? true) this.hear(standIn, nowMs);
    const state = this.state(nowMs);
    const bookingId = standIn?.grant?.bookingId ?? null;
    this.publisher.control(state, bookingId);
    if (state.exposure) this.publisher.progress(state.exposure, state.rev, bookingId);
  }
  /** A picture that the camera has read out. */
  picture({ file, filter, exposureSeconds, binning, hfd, jpeg }: Shown, nowMs: number, bookingId: string): void {
    const told = {
      Event: 'NewJPGReady',
      File: file,
      Expo: exposureSeconds,
      Bin: binning,
      Filter: filter,
      HFD: hfd,
      StarIndex: 8,
    };
    this.mirror.take(decodeEvent(told, null, { picture: jpeg && Buffer.from(jpeg) }), nowMs);
    const { preview } = this.mirror;
    if (preview) this.publisher.preview(preview.meta, this.mirror.rev, bookingId);
  }

  private hear(standIn: StandIn | null, nowMs: number): void {
    const runs = standIn?.runner.oursAt(nowMs) ?? false;
    this.mirror.take(
      decodeEvent({ Event: 'ControlData', ...equipment(runs), ...this.pointing(standIn, runs, nowMs) }),
      nowMs,
    );
    const exposure = standIn?.runner.underWay ?? null;
    const shot = exposure && standIn!.plan?.shots[exposure.shot];
    if (!exposure || !shot) return;
    const elapsed = Math.min(shot.Exposure, Math.max(0, (nowMs - exposure.startedAt) / 1000));
    const percent = Math.floor((100 * elapsed) / shot.Exposure);
    const told = {
      Event: 'ShotRunning',
      File: '',
      Expo: shot.Exposure,
      Elapsed: elapsed,
      ElapsedPerc: percent,
      Status: EXPOSE,
    };
    this.mirror.take(decodeEvent(told), nowMs);
  }
  private pointing(standIn: StandIn | null, runs: boolean, nowMs: number): Record<string, string> {
    const target = runs ? standIn?.plan?.target : undefined;
    if (!target) return { RUNSEQ: '', RUNDS: '' };
    const sky = altAz(this.observatory.telescope.site!, target.RAJ2000, target.DECJ2000, nowMs);
    return {
      MNTRAJ2000: formatVoyagerHours(target.RAJ2000),
      MNTDECJ2000: formatVoyagerAngle(target.DECJ2000),
      MNTALT: formatVoyagerAngle(sky.altitudeDegrees),
      MNTAZ: formatVoyagerAngle(sky.azimuthDegrees),
      RUNSEQ: `${target.TargetName}.s2q`,
      SEQNAME: target.TargetName,
      RUNDS: '',
    };
  }

  private state(nowMs: number): TelescopeState {
    const { telescope, sky, current } = this.observatory;
    const connected = current?.gateway.linkUp(nowMs) ?? true;
    return this.mirror.state(
      {
        connection: {
          connected,
          state: connected ? 'ready' : 'waiting',
          since: this.since,
          host: telescope.host,
          port: telescope.port,
          instance: telescope.instance,
          voyager_version: 'stand-in',
          last_message_age_seconds:
            this.mirror.controlAgeMs(nowMs) === null ? null : this.mirror.controlAgeMs(nowMs)! / 1000,
          clock_offset_seconds: 0,
          reconnects: 0,
          reason: connected ? null : 'the sandbox was told to lose the link',
        },
        connectionEpoch: 1,
        weather: sky.at(nowMs).weather,
        emergency: current?.gateway.silent(nowMs) ? 'suspend' : null,
        profile: telescope.profile,
        readOnly: false,
      },
      nowMs,
    );
  }

  private stop(request: GatewayAbort, kind: 'abort' | 'halt'): Receipt {
    const standIn = request.booking_id ? this.observatory.of(request.booking_id) : this.observatory.current;
    const commandId = request.command_id ?? 'not named';
    const by = { commandId, requestedBy: request.requested_by, ...(request.reason ? { reason: request.reason } : {}) };
    const at = Date.now();
    if (kind === 'halt') standIn?.halt(by, at);
    else standIn?.emergencyAbort(by, at);
    return {
      command_id: commandId,
      kind,
      state: 'confirmed',
      ...(request.booking_id ? { booking_id: request.booking_id } : {}),
      telescope_id: this.observatory.telescope.id,
      at: new Date(at).toISOString(),
    };
  }
}

const equipment = (runs: boolean): Record<string, number | boolean> => ({
  VOYSTAT: runs ? VOYSTAT.run : VOYSTAT.idle,
  SETUPCONN: true,
  CCDCONN: true,
  CCDTEMP: COLD_CELSIUS,
  CCDSETP: COLD_CELSIUS,
  CCDPOW: 45,
  CCDCOOL: true,
  MNTCONN: true,
  MNTPARK: !runs,
  MNTTRACK: runs,
  MNTSLEW: false,
  AFCONN: true,
  AFTEMP: 8,
  AFPOS: 12_400,
  GUIDECONN: true,
  GUIDESTAT: runs ? GUIDESTAT.running : GUIDESTAT.stopped,
  DITHSTAT: 0,
  GUIDEX: runs ? Math.round(400 * (Math.random() - 0.5)) / 1000 : -123_456_789,
  GUIDEY: runs ? Math.round(400 * (Math.random() - 0.5)) / 1000 : -123_456_789,
});
