import { formatVoyagerAngle, formatVoyagerHours } from '../domain/coordinates.ts';
import { voyagerStatus, type CommandContext, type Params } from './commands/command.ts';
import { guideData, sequenceData } from './robotarget/shown.ts';
import { clockTime, voyagerDateTime } from './wire/lines.ts';
import { OFF } from './world/devices.ts';

/** ControlData as it is now (AS p.11–14, with the later fields). */
export function controlData(context: CommandContext, actionRunning: boolean): Params {
  const { mount, cooler, options, state, roof, focuser } = context;
  const s = mount.status();
  const camera = cooler.status();
  const pc = context.pcNow();
  return {
    TI: voyagerDateTime(pc + options.utcOffsetSeconds * 1000),
    TIUTC: voyagerDateTime(pc),
    VOYSTAT: voyagerStatus(context, actionRunning),
    SETUPCONN: state.setupConnected,
    CCDCONN: cooler.connected && !cooler.error,
    CCDTEMP: cooler.error ? 123_456_789 : Math.round(camera.temperature * 10) / 10,
    CCDPOW: camera.cooling ? camera.power : OFF,
    CCDSETP: camera.cooling ? camera.setPoint : OFF,
    CCDCOOL: camera.cooling,
    CCDSTAT: camera.code,
    MNTCONN: mount.connected && !mount.error,
    MNTPARK: mount.parked,
    MNTRA: formatVoyagerHours(s.raNowHours),
    MNTDEC: formatVoyagerAngle(s.decNowDegrees),
    MNTRAJ2000: formatVoyagerHours(s.raHours),
    MNTDECJ2000: formatVoyagerAngle(s.decDegrees),
    MNTAZ: formatVoyagerAngle(s.azimuthDegrees),
    MNTALT: formatVoyagerAngle(s.altitudeDegrees),
    MNTPIER: s.pier,
    MNTTFLIP: clockTime(s.secondsToFlip),
    MNTSFLIP: s.flipStatus,
    MNTTRACK: mount.tracking,
    MNTSLEW: mount.slewing,
    AFCONN: focuser.connected,
    AFTEMP: context.weather.stationConnected
      ? Math.round(context.weather.conditions().temperature_celsius * 10) / 10
      : 123_456_789,
    AFPOS: Math.round(focuser.position),
    ...sequenceData(context, context.roboTarget),
    ...guideData(context),
    PLACONN: false,
    PSCONN: true,
    ROTCONN: false,
    ROTPA: -1,
    ROTSKYPA: -1,
    ROTISROT: false,
    DOMECONN: roof.connected,
    DOMEPA: OFF,
    DOMEISMOV: roof.shutter === 2 || roof.shutter === 3,
    DOMESHUTTER: String(roof.shutter),
    ...(state.sequence === null ? {} : { RUNSEQ: state.sequence, SEQNAME: state.sequence.replace(/\.s2q$/i, '') }),
  };
}
/** WeatherAndSafetyMonitorData as it is now. */
export function weatherData({ weather }: CommandContext): Params {
  const c = weather.categories();
  const monitored = weather.safe ? 'SAFE' : 'UNSAFE';
  return {
    WSConnected: weather.stationConnected,
    SMConnected: weather.safetyMonitorConnected,
    SMStatus: weather.safetyMonitorConnected ? monitored : '',
    WSCloud: c.cloud,
    WSRain: c.rain,
    WSWind: c.wind,
    WSLight: c.light,
  };
}
/** ArrayElementData as it is now. */
export function elementData(context: CommandContext): Params {
  const camera = context.cooler.status();
  return {
    ROTCONN: false,
    PAROT: 1000,
    ROTROT: false,
    CCDCONN: context.cooler.connected,
    CCDTEMP: Math.round(camera.temperature * 10) / 10,
    CCDPOW: camera.cooling ? camera.power : 1000,
    FOCCONN: context.focuser.connected,
    FOCPOS: Math.round(context.focuser.position),
    FOCMOV: false,
    FOCTEMP: Math.round(context.weather.conditions().temperature_celsius * 10) / 10,
    FOCHFD: context.state.lastFocus?.hfd ?? -1000,
  };
}
