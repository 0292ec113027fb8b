import { formatVoyagerAngle, formatVoyagerHours, parseDecDegrees, parseRaHours } from '../../domain/coordinates.ts';
import { ActionError } from '../context.ts';
import { truthy } from '../wire/lines.ts';
import { ERROR_VALUE } from '../world/devices.ts';
import {
  action,
  change,
  numeric,
  query,
  text,
  type Command,
  type CommandContext,
  type Effect,
  type Params,
} from './command.ts';

function pointing(params: Params): { RAJ2000: number; DECJ2000: number; TargetName: string } {
  const ra = truthy(params.IsText) ? parseRaHours(text(params.RAText)) : parseRaHours(numeric(params, 'RA'));
  const dec = truthy(params.IsText) ? parseDecDegrees(text(params.DECText)) : parseDecDegrees(numeric(params, 'DEC'));
  if (ra === null) throw new ActionError('RA not valid');
  if (dec === null) throw new ActionError('DEC not valid');
  return { RAJ2000: ra, DECJ2000: dec, TargetName: 'Pointing' };
}
const precisePointing = action(4, 'mount.goto', async (context, params, signal) => {
  try {
    await context.roboTarget.steps.pointTo(pointing(params), signal);
    return { ActionResult: 1 };
  } catch (thrown) {
    if (thrown instanceof ActionError && thrown.message === 'Mount Error') return { ActionResult: 0 };
    throw thrown;
  }
});

function mountFast(context: CommandContext, params: Params): { effect: Effect | null } {
  const { mount } = context;
  if (mount.error) throw new ActionError('Mount Error');
  switch (numeric(params, 'CommandType')) {
    case 1:
      if (mount.tracking) return { effect: null };
      mount.startTracking();
      return { effect: { effect: 'mount.tracking_on', key: null } };
    case 2:
      if (!mount.tracking) return { effect: null };
      mount.stopTracking();
      return { effect: { effect: 'mount.tracking_off', key: null } };
    case 3:
      if (mount.parked) return { effect: null };
      mount.park();
      return { effect: { effect: 'mount.park', key: null } };
    case 4:
      if (!mount.parked) return { effect: null };
      mount.parked = false;
      return { effect: { effect: 'mount.unpark', key: null } };
    case 5:
    case 6:
      {
        const dec = numeric(params, 'CommandType') === 5 ? context.options.site.latitude_degrees : 89.9;
        mount.beginSlew(mount.raAtHourAngle(0, dec), dec, 0);
        mount.endSlew();
      }
      return { effect: { effect: 'mount.goto', key: null } };
    default:
      throw new ActionError('Command Type not valid');
  }
}

/** Where the mount stands and goes, and the solving of its position. */
export const MOUNT: Readonly<Record<string, Command>> = {
  RemoteMountStatusGetInfo: query((c) => {
    const s = c.mount.status();
    return {
      IsMountConnected: c.mount.connected && !c.mount.error,
      RA: formatVoyagerHours(s.raNowHours),
      DEC: formatVoyagerAngle(s.decNowDegrees),
      RAJ2000: formatVoyagerHours(s.raHours),
      DECJ2000: formatVoyagerAngle(s.decDegrees),
      IsParked: c.mount.parked,
      Altitude: formatVoyagerAngle(s.altitudeDegrees),
      Azimuth: formatVoyagerAngle(s.azimuthDegrees),
      Pier: s.pier,
      TimeToFlip: Math.round(s.secondsToFlip),
      FlipStatus: s.flipStatus,
      IsTracking: c.mount.tracking,
      IsSlewing: c.mount.slewing,
      Latitude: c.options.site.latitude_degrees,
      Longitude: c.options.site.longitude_degrees,
      Elevation: c.options.site.elevation_meters,
    };
  }),
  RemoteRoboDataGetGeoDataCache: query((c) => ({
    data: {
      Latitudine: c.options.site.latitude_degrees,
      Longitudine: c.options.site.longitude_degrees,
      Elevation: c.options.site.elevation_meters,
      RemoteDateTime: Math.floor(c.pcNow() / 1000) + c.options.utcOffsetSeconds,
      TimeZoneHour: c.options.utcOffsetSeconds / 3600,
    },
  })),
  RemotePrecisePointTarget: precisePointing,
  RemotePrecisePointTargetAndPA: precisePointing,
  RemoteGotoAltAz: action(31, 'mount.goto', async (c, params, signal) => {
    const rad = Math.PI / 180;
    const [alt, az, lat] = [
      numeric(params, 'ALT') * rad,
      numeric(params, 'AZ') * rad,
      c.options.site.latitude_degrees * rad,
    ];
    const dec = Math.asin(Math.sin(alt) * Math.sin(lat) + Math.cos(alt) * Math.cos(lat) * Math.cos(az));
    const hourAngle = Math.atan2(
      -Math.sin(az) * Math.cos(alt),
      Math.sin(alt) * Math.cos(lat) - Math.cos(alt) * Math.sin(lat) * Math.cos(az),
    );
    await c.roboTarget.steps.slewTo(c.mount.raAtHourAngle(hourAngle / rad / 15, dec / rad), dec / rad, signal);
    return {};
  }),
  RemotePulseGuide: action(null, 'mount.pulse', async (c, params, signal) => {
    const seconds = numeric(params, 'Duration') / 1000;
    await c.wait(seconds, signal);
    const step = (seconds * 7.5) / 3600;
    const [east, north] = [
      [0, step],
      [0, -step],
      [step, 0],
      [-step, 0],
    ][numeric(params, 'Direction')] ?? [0, 0];
    c.mount.nudge(east!, north!);
    return {};
  }),
  RemoteMountFastCommand: change(null, (c, params) => mountFast(c, params)),
  RemoteSolveActualPosition: action(25, 'camera.exposure', async (c, _, signal) => {
    await c.camera.solve('Solve', signal);
    const at = c.mount.position();
    return { IsSolved: true, LastError: '', RA: at.raHours, DEC: at.decDegrees, PA: 0 };
  }),
  RemoteSolveFITFile: query(() => ({
    IsSolved: false,
    LastError: 'File not found',
    RA: ERROR_VALUE,
    DEC: ERROR_VALUE,
    PA: ERROR_VALUE,
  })),
};
