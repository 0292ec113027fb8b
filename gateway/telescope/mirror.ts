import type { ConnectionState, TelescopeState, Weather } from '../../domain/contracts/state.ts';
import type { WeatherCategories, WeatherReading } from '../../domain/weather-reading.ts';
import { isEvent, type ControlData, type EventData, type VoyagerEvent } from '../protocol/events.ts';
import { GuidingWindow } from './guiding.ts';
import { History } from './history.ts';
import { faceOf } from './mirror-face.ts';

/** Without a line of Voyager for this long the picture is stale: ControlData comes every 2 s, the link dies at 15. */
export const STALE_AFTER_SECONDS = 10;
const SHOT_GONE_SECONDS = 15;
export const RMS_WINDOW_SECONDS = 60;
const LONG_RMS_WINDOWS_SECONDS = [300, 900] as const;

const SHOT_STATUS: Record<string, NonNullable<TelescopeState['exposure']>['status']> = {
  IDLE: 'IDLE',
  EXPOSE: 'EXPOSE',
  DOWNLOAD: 'DOWNLOAD',
  WAIT_JPG: 'WAIT_JPG',
  ERRORE: 'ERROR',
};

export interface Preview {
  meta: NonNullable<TelescopeState['preview']>;
  jpeg: Buffer;
  /** Answers under way that read `jpeg`. */
  readers: number;
}

/** What a mirror cannot know by itself. */
export interface MirrorContext {
  connection: ConnectionState;
  connectionEpoch: number;
  weather: Weather;
  emergency: 'suspend' | 'exit' | null;
  profile: string | null;
  readOnly: boolean;
}

/** Everything Voyager says about one telescope, with ages, and nothing invented: a part that nobody sends stays null. */
export class Mirror {
  rev = 0;
  readonly history = new History();
  lastError: { text: string; atMs: number } | null = null;
  private control: { data: ControlData; atMs: number } | null = null;
  private shot: { data: EventData<'ShotRunning'>; atMs: number } | null = null;
  private focus: NonNullable<TelescopeState['focuser']['last_focus']> | null = null;
  private latestPreview: Preview | null = null;
  private filter: string | null = null;
  private readonly guiding = new GuidingWindow(RMS_WINDOW_SECONDS);
  private readonly longGuiding = LONG_RMS_WINDOWS_SECONDS.map((seconds) => new GuidingWindow(seconds));

  constructor(private readonly telescopeId: string) {}

  get preview(): Preview | null {
    return this.latestPreview;
  }
  get controlData(): ControlData | null {
    return this.control?.data ?? null;
  }
  /** Milliseconds since the last ControlData; null before the first. */
  controlAgeMs(nowMs: number): number | null {
    return this.control ? nowMs - this.control.atMs : null;
  }
  exposing(nowMs: number): boolean {
    return (
      this.shot !== null && nowMs - this.shot.atMs < SHOT_GONE_SECONDS * 1000 && this.shot.data.StatusName === 'EXPOSE'
    );
  }

  /** Takes an event in; true when the state may look different now. */
  take(event: VoyagerEvent, nowMs: number): boolean {
    if (isEvent(event, 'ControlData')) this.takeControl(event.data, nowMs);
    else if (isEvent(event, 'ShotRunning')) this.shot = { data: event.data, atMs: nowMs };
    else if (isEvent(event, 'AutoFocusResult')) this.takeFocus(event.data, nowMs);
    else if (isEvent(event, 'NewJPGReady')) this.takePicture(event.data, nowMs);
    else if (isEvent(event, 'LogEvent')) {
      if (event.data.TypeName !== 'CRITICAL' && event.data.TypeName !== 'EMERGENCY') return false;
      this.lastError = { text: event.data.Text.slice(0, 300), atMs: nowMs };
    } else return false;
    this.rev += 1;
    return true;
  }
  /** A new connection starts without memory of what moved before it. */
  reset(): void {
    this.shot = null;
    this.guiding.clear();
    for (const window of this.longGuiding) window.clear();
    this.rev += 1;
  }
  touch(): void {
    this.rev += 1;
  }

  state(context: MirrorContext, nowMs: number): TelescopeState {
    const age = this.control ? seconds(nowMs - this.control.atMs) : null;
    const face = faceOf(this.controlData, age);
    const { connection } = context;
    const isOld = (ageSeconds: number | null): boolean => ageSeconds === null || ageSeconds > STALE_AFTER_SECONDS;
    return {
      telescope_id: this.telescopeId,
      rev: this.rev,
      epoch: context.connectionEpoch,
      at: new Date(nowMs).toISOString(),
      stale: !connection.connected || isOld(connection.last_message_age_seconds) || isOld(age),
      read_only: context.readOnly,
      connection,
      ...face,
      voyager: {
        ...face.voyager,
        emergency: context.emergency,
        profile: context.profile,
        last_error: this.lastError?.text ?? null,
      },
      camera: { ...face.camera, binning: this.latestPreview?.meta.binning ?? null },
      focuser: { ...face.focuser, last_focus: this.focus },
      guiding: {
        ...face.guiding,
        rms: this.guiding.rms(nowMs),
        rms_windows: this.longGuiding.flatMap((window) => window.rms(nowMs) ?? []),
      },
      exposure: this.exposure(nowMs),
      preview: this.latestPreview?.meta ?? null,
      weather: context.weather,
    };
  }

  /** Null between exposures and once Voyager has been silent about one for 15 s. */
  private exposure(nowMs: number): TelescopeState['exposure'] {
    if (!this.shot || nowMs - this.shot.atMs > SHOT_GONE_SECONDS * 1000) return null;
    const s = this.shot.data;
    const status = SHOT_STATUS[s.StatusName ?? ''] ?? 'IDLE';
    if (status === 'IDLE') return null;
    return {
      file: s.File,
      filter: this.filter,
      total_seconds: s.Expo ?? 0,
      elapsed_seconds: s.Elapsed ?? 0,
      percent: Math.max(0, Math.min(100, s.ElapsedPerc ?? 0)),
      status,
      age_seconds: seconds(nowMs - this.shot.atMs),
    };
  }

  private takeControl(data: ControlData, nowMs: number): void {
    this.control = { data, atMs: nowMs };
    const dithering = data.DITHSTATName !== null && data.DITHSTATName !== 'STOPPED';
    if (data.GUIDESTATName === 'RUNNING' && !dithering && data.GUIDEX !== null && data.GUIDEY !== null) {
      for (const window of [this.guiding, ...this.longGuiding]) window.add(nowMs, data.GUIDEX, data.GUIDEY);
      this.history.add('guide_x', nowMs, data.GUIDEX);
      this.history.add('guide_y', nowMs, data.GUIDEY);
      if (this.history.due('guiding_rms', nowMs))
        this.history.add('guiding_rms', nowMs, this.guiding.rms(nowMs)?.total_px);
    } else if (data.GUIDESTATName !== 'RUNNING') this.guiding.clear();
    this.history.add('camera_temperature', nowMs, data.CCDTEMP);
    this.history.add('camera_power', nowMs, data.CCDPOW);
    this.history.add('focuser_temperature', nowMs, data.AFTEMP);
    this.history.add('focuser_position', nowMs, data.AFPOS);
    this.history.add('altitude', nowMs, data.MNTALTDegrees);
  }
  private takeFocus(data: EventData<'AutoFocusResult'>, nowMs: number): void {
    if (data.IsEmpty === true) return;
    const atMs = data.DoneTime === null ? nowMs : data.DoneTime * 1000;
    this.focus = {
      at: new Date(atMs).toISOString(),
      position: data.Position,
      hfd: data.HFD,
      filter_index: data.FilterIndex,
      ok: data.Done === true,
    };
    if (data.Done) this.history.add('focus_hfd', nowMs, data.HFD);
  }
  private takePicture(data: EventData<'NewJPGReady'>, nowMs: number): void {
    this.filter = data.Filter;
    this.history.add('frame_hfd', nowMs, data.HFD);
    if (!data.Picture) return;
    const size = jpegSize(data.Picture);
    this.latestPreview = {
      jpeg: data.Picture,
      readers: 0,
      meta: {
        // Unique without reading the picture: hashing 20 MB would hold up an emergency abort.
        id: `${nowMs.toString(36)}-${data.Picture.length.toString(36)}-${this.rev.toString(36)}`,
        at: new Date(nowMs).toISOString(),
        file: data.File ?? '',
        filter: data.Filter,
        exposure_seconds: data.Expo,
        binning: data.Bin,
        hfd: data.HFD,
        star_index: data.StarIndex,
        width: size?.width ?? data.PixelDimX,
        height: size?.height ?? data.PixelDimY,
        size_bytes: data.Picture.length,
      },
    };
  }
}

/** Width and height out of a JPEG's frame header (ITU T.81, SOFn marker), without decoding it. */
function jpegSize(jpeg: Buffer): { width: number; height: number } | null {
  let at = 2;
  while (at + 9 < jpeg.length && jpeg[at] === 0xff) {
    const marker = jpeg[at + 1]!;
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return { height: jpeg.readUInt16BE(at + 5), width: jpeg.readUInt16BE(at + 7) };
    at += 2 + jpeg.readUInt16BE(at + 2);
  }
  return null;
}

const seconds = (ms: number): number => Math.max(0, Math.round(ms / 100) / 10);

const word = <W extends string>(words: readonly W[], given: string | null): W | null =>
  (words as readonly string[]).includes(given ?? '') ? (given as W) : null;

/** Voyager's WeatherAndSafetyMonitorData as a reading of source `voyager`; its UNKNOW becomes null. */
export function voyagerReading(data: EventData<'WeatherAndSafetyMonitorData'>, nowMs: number): WeatherReading {
  const categories: WeatherCategories | null = data.WSConnected
    ? {
        cloud: word(['CLEAR', 'CLOUDY', 'VERY_CLOUDY'], data.WSCloud),
        rain: word(['DRY', 'WET', 'RAIN'], data.WSRain),
        wind: word(['CALM', 'WINDY', 'VERY_WINDY'], data.WSWind),
        light: word(['DARK', 'LIGHT', 'VERY_LIGHT'], data.WSLight),
      }
    : null;
  const safe = data.SMStatus === 'SAFE' || data.SMStatus === 'UNSAFE' ? data.SMStatus === 'SAFE' : null;
  return {
    source: 'voyager',
    atMs: nowMs,
    values: {},
    categories,
    safety: data.SMConnected === null ? null : { connected: data.SMConnected, safe: data.SMConnected ? safe : null },
  };
}
