import { formatVoyagerAngle } from '../../domain/coordinates.ts';
import { altAz } from '../../domain/sky.ts';
import type { Context } from '../context.ts';
import { TYPE_NAMES, type ExposureRequest } from './exposure.ts';
import { filterOf } from './filters.ts';
import type { Card } from './fits.ts';
import type { RenderRequest } from './render.ts';

const FOCAL_LENGTH_MM = 800;
const APERTURE_MM = 200;
const PIXEL_UM = 3.76;

const arcsecPerPixel = (bin: number): number => ((206.265 * PIXEL_UM) / FOCAL_LENGTH_MM) * bin;

/** Where the mount points, read once for header and picture: a mount that moves is elsewhere at the next reading. */
interface Pointing {
  at: ReturnType<Context['mount']['position']>;
  isWest: boolean;
}

/** The FITS header of a frame, with the names that Voyager and the usual programs read. */
function cardsOf({ context, request, filter, startedAt }: Taken, { at, isWest }: Pointing): Card[] {
  const { options, cooler, focuser } = context;
  const sky = altAz(options.site, at.raHours, at.decDegrees, startedAt);
  const iso = new Date(startedAt).toISOString().slice(0, 23);
  return [
    { key: 'DATE-OBS', value: iso, comment: 'UTC start of exposure' },
    { key: 'EXPTIME', value: request.exposure, decimals: 3, comment: 'seconds' },
    { key: 'EXPOSURE', value: request.exposure, decimals: 3, comment: 'seconds' },
    { key: 'IMAGETYP', value: TYPE_NAMES[request.type] ?? 'LIGHT' },
    { key: 'FILTER', value: filter },
    { key: 'OBJECT', value: request.target },
    { key: 'CCD-TEMP', value: cooler.temperature(), decimals: 2 },
    { key: 'SET-TEMP', value: cooler.status().setPoint, decimals: 2 },
    { key: 'XBINNING', value: request.bin },
    { key: 'YBINNING', value: request.bin },
    { key: 'XPIXSZ', value: PIXEL_UM * request.bin, decimals: 3, comment: 'micrometres, binned' },
    { key: 'YPIXSZ', value: PIXEL_UM * request.bin, decimals: 3 },
    { key: 'GAIN', value: request.gain },
    { key: 'OFFSET', value: request.offset },
    { key: 'EGAIN', value: 1, decimals: 3 },
    { key: 'RA', value: at.raHours * 15, decimals: 6, comment: 'degrees, J2000' },
    { key: 'DEC', value: at.decDegrees, decimals: 6, comment: 'degrees, J2000' },
    { key: 'OBJCTRA', value: hms(at.raHours) },
    {
      key: 'OBJCTDEC',
      value: formatVoyagerAngle(at.decDegrees)
        .replace(/[°'"]/g, '')
        .replace(/^(?!-)/, '+'),
    },
    { key: 'OBJCTALT', value: sky.altitudeDegrees, decimals: 3 },
    { key: 'OBJCTAZ', value: sky.azimuthDegrees, decimals: 3 },
    { key: 'AIRMASS', value: 1 / Math.max(0.05, Math.sin((sky.altitudeDegrees * Math.PI) / 180)), decimals: 4 },
    { key: 'PIERSIDE', value: isWest ? 'WEST' : 'EAST' },
    { key: 'FOCPOS', value: Math.round(focuser.position) },
    { key: 'FOCTEMP', value: context.weather.conditions().temperature_celsius, decimals: 2 },
    { key: 'FOCALLEN', value: FOCAL_LENGTH_MM, comment: 'mm' },
    { key: 'APTDIA', value: APERTURE_MM, comment: 'mm' },
    { key: 'INSTRUME', value: 'Simulated camera' },
    { key: 'TELESCOP', value: 'Simulated telescope' },
    { key: 'SITELAT', value: options.site.latitude_degrees, decimals: 5 },
    { key: 'SITELONG', value: options.site.longitude_degrees, decimals: 5 },
    { key: 'SITEELEV', value: options.site.elevation_meters, decimals: 1 },
    { key: 'ROWORDER', value: 'TOP-DOWN' },
    ...(options.camera.bayer ? [{ key: 'BAYERPAT', value: 'RGGB' }] : []),
    { key: 'SWCREATE', value: 'nocturne simulator' },
    ...request.cards,
  ];
}

/** An exposure that has begun. */
export interface Taken {
  context: Context;
  request: ExposureRequest;
  filter: string;
  startedAt: number;
}

/** What is to be drawn: the sky where the mount points, through this filter and this air. */
export function renderRequest(
  taken: Taken,
  path: string,
  { seed, fwhmArcsec }: { seed: string; fwhmArcsec: number },
): RenderRequest {
  const { context, request, filter } = taken;
  const { options, mount, cooler } = context;
  const pointing = { at: mount.position(), isWest: mount.status().pier === 'pierWest' };
  const { at, isWest } = pointing;
  const through = filterOf(filter);
  const scale = arcsecPerPixel(request.bin);
  return {
    path,
    cards: cardsOf(taken, pointing),
    width: Math.max(1, Math.floor(options.camera.width / request.bin)),
    height: Math.max(1, Math.floor(options.camera.height / request.bin)),
    bayer: options.camera.bayer && request.bin === 1,
    raDegrees: at.raHours * 15,
    decDegrees: at.decDegrees,
    paDegrees: isWest ? 0 : 180,
    arcsecPerPixel: scale,
    fwhmPixels: fwhmArcsec / scale,
    exposureSeconds: request.exposure,
    transmission: through.transmission,
    light: through.light,
    skyRate: through.sky * request.bin ** 2,
    transparency: 1 - context.weather.conditions().cloud_percent / 110,
    type: request.type,
    temperatureCelsius: cooler.temperature(),
    seed,
    jpegPixels: 1000,
  };
}

function hms(hours: number): string {
  const total = Math.round(hours * 3600);
  return [Math.floor(total / 3600) % 24, Math.floor(total / 60) % 60, total % 60]
    .map((n) => String(n).padStart(2, '0'))
    .join(' ');
}
