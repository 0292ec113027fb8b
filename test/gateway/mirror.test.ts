import { describe, expect, test } from '@jest/globals';
import { TelescopeState } from '../../domain/contracts/state.ts';
import { decodeEvent } from '../../gateway/protocol/events.ts';
import { Mirror, voyagerReading, type MirrorContext } from '../../gateway/telescope/mirror.ts';
import { WeatherJudge } from '../../domain/weather.ts';
import { WeatherThresholds } from '../../domain/contracts/telescope.ts';

const T0 = Date.UTC(2026, 10, 23, 1, 0, 0);
const event = (name: string, fields: object, picture?: Buffer) =>
  decodeEvent({ Event: name, Timestamp: T0 / 1000, Host: 'PC', Inst: 1, ...fields }, null, picture ? { picture } : {});
const weather = new WeatherJudge().judge({
  nowMs: T0,
  sources: [],
  thresholds: WeatherThresholds.parse({}),
  staleSeconds: 180,
  unattendedWithoutSafetyMonitor: false,
}).weather;
const context = (age: number | null = 0, connected = true): MirrorContext => ({
  connection: {
    connected,
    state: connected ? 'ready' : 'waiting',
    since: new Date(T0).toISOString(),
    host: 'h',
    port: 5950,
    instance: 1,
    voyager_version: null,
    last_message_age_seconds: age,
    clock_offset_seconds: null,
    reconnects: 0,
    reason: null,
  },
  connectionEpoch: 1,
  weather,
  emergency: null,
  profile: null,
  readOnly: false,
});
const control = (fields: object) =>
  event('ControlData', {
    VOYSTAT: 2,
    MNTRA: '02:49:50',
    MNTDEC: '47° 20\' 07"',
    MNTALT: '-16° 09\' 55"',
    MNTPIER: 'pierWest',
    CCDPOW: -123456789,
    CCDTEMP: -10.2,
    AFTEMP: 123456789,
    RUNSEQ: 'M31.s2q',
    SEQNAME: 'M31',
    SEQREMAIN: '00:10:30',
    GUIDESTAT: 2,
    DITHSTAT: 0,
    ...fields,
  });

describe('mirror', () => {
  test('before Voyager has said anything every part is null and the whole is stale', () => {
    const state = TelescopeState.parse(new Mirror('t').state(context(null, false), T0));
    expect([
      state.stale,
      state.voyager.status,
      state.mount.ra_hours,
      state.exposure,
      state.preview,
      state.voyager.age_seconds,
    ]).toEqual([true, 'UNDEFINED', null, null, null, null]);
  });
  test('ControlData becomes typed parts with ages; what is off or in error is null, not a number', () => {
    const mirror = new Mirror('t');
    mirror.take(control({}), T0);
    const state = TelescopeState.parse(mirror.state(context(), T0 + 1_500));
    expect(state).toMatchObject({
      stale: false,
      voyager: { status: 'RUN', run_sequence: 'M31.s2q', age_seconds: 1.5 },
      mount: { pier: 'west', age_seconds: 1.5 },
      camera: { temperature_celsius: -10.2, power_percent: null },
      focuser: { temperature_celsius: null },
      sequence: { name: 'M31', remaining_seconds: 630 },
    });
    expect(state.mount.ra_hours).toBeCloseTo(2.83056, 4);
    expect(state.mount.altitude_degrees).toBeCloseTo(-16.16528, 4);
    expect(mirror.state(context(), T0 + 10_100).stale).toBe(true);
    expect(mirror.state(context(11), T0 + 1_000).stale).toBe(true);
  });
  test('guiding error is the root mean square over a minute; a dither is left out and a stop clears it', () => {
    const mirror = new Mirror('t');
    mirror.take(control({ GUIDEX: 3, GUIDEY: 0 }), T0);
    mirror.take(control({ GUIDEX: 0, GUIDEY: 4 }), T0 + 2_000);
    mirror.take(control({ GUIDEX: 90, GUIDEY: 90, DITHSTAT: 1 }), T0 + 4_000);
    expect(mirror.state(context(), T0 + 4_000).guiding.rms).toEqual({
      window_seconds: 60,
      x_px: 2.121,
      y_px: 2.828,
      total_px: 3.536,
      samples: 2,
    });
    mirror.take(control({ GUIDESTAT: 0 }), T0 + 6_000);
    expect(mirror.state(context(), T0 + 6_000).guiding).toMatchObject({
      status: 'STOPPED',
      rms: null,
      rms_windows: [
        { window_seconds: 300, total_px: 3.536, samples: 2 },
        { window_seconds: 900, total_px: 3.536, samples: 2 },
      ],
    });
    expect(mirror.state(context(), T0 + 301_000).guiding.rms_windows).toMatchObject([{ window_seconds: 900 }]);
    mirror.reset();
    expect(mirror.state(context(), T0 + 301_000).guiding.rms_windows).toEqual([]);
  });
  test('an exposure ends when Voyager falls silent about it', () => {
    const mirror = new Mirror('t');
    mirror.take(event('ShotRunning', { File: 'a.fit', Expo: 300, Elapsed: 30, ElapsedPerc: 10, Status: 1 }), T0);
    expect(mirror.state(context(), T0 + 1_000).exposure).toMatchObject({
      file: 'a.fit',
      total_seconds: 300,
      elapsed_seconds: 30,
      percent: 10,
      status: 'EXPOSE',
      age_seconds: 1,
    });
    expect(mirror.state(context(), T0 + 15_001).exposure).toBeNull();
  });
  test('a picture is kept once, with the size that the JPEG itself has', () => {
    const mirror = new Mirror('t');
    const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc0000b080064012c01011100ffd9', 'hex');
    mirror.take(
      event(
        'NewJPGReady',
        {
          File: 'C:\\a.fit',
          Expo: 60,
          Bin: 1,
          Filter: 'Ha',
          HFD: 2.4,
          StarIndex: 7.1,
          PixelDimX: 9999,
          PixelDimY: 9999,
        },
        jpeg,
      ),
      T0,
    );
    expect(mirror.state(context(), T0).preview).toMatchObject({
      file: 'C:\\a.fit',
      filter: 'Ha',
      exposure_seconds: 60,
      hfd: 2.4,
      width: 300,
      height: 100,
      size_bytes: jpeg.length,
    });
    expect(mirror.preview!.jpeg.equals(jpeg)).toBe(true);
    const first = mirror.preview!.meta.id;
    mirror.take(event('NewJPGReady', { File: 'C:\\b.fit' }, jpeg), T0);
    expect(mirror.preview!.meta.id).not.toBe(first);
  });
  test('weather categories: UNKNOW is nobody’s knowledge, and an unconnected station measures nothing', () => {
    const data = (fields: object) => {
      const decoded = event('WeatherAndSafetyMonitorData', {
        WSConnected: true,
        SMConnected: true,
        SMStatus: 'SAFE',
        WSCloud: 'CLEAR',
        WSRain: 'UNKNOW',
        WSWind: 'CALM',
        WSLight: 'DARK',
        ...fields,
      });
      if (decoded.unknown || decoded.name !== 'WeatherAndSafetyMonitorData') throw new Error('not weather');
      return voyagerReading(decoded.data, T0);
    };
    expect(data({})).toMatchObject({
      categories: { cloud: 'CLEAR', rain: null },
      safety: { connected: true, safe: true },
    });
    expect(data({ SMStatus: '' }).safety).toEqual({ connected: true, safe: null });
    expect(data({ SMConnected: false, SMStatus: 'SAFE' }).safety).toEqual({ connected: false, safe: null });
    expect(data({ WSConnected: false }).categories).toBeNull();
  });
});
