import { FRAME_TYPES, type FrameType } from '../domain/contracts/image.ts';
import { parseDecDegrees, parseRaHours } from '../domain/coordinates.ts';

/** What a header says about a frame, with the names that different cameras' programs use. */
export interface FrameMetadata {
  type: FrameType | null;
  filter: string | null;
  exposure: number | null;
  temperature: number | null;
  binning: number | null;
  gain: number | null;
  offset: number | null;
  hfd: number | null;
  object: string | null;
  camera: string | null;
  /** Where the telescope pointed, or null. */
  position: { raHours: number; decDegrees: number } | null;
  /** Start of the exposure by DATE-OBS (UTC as the standard has it), or null. */
  startedAt: Date | null;
}

type Values = Record<string, unknown>;
const number = (header: Values, ...keywords: string[]): number | null => {
  for (const keyword of keywords) {
    const value = header[keyword];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
  }
  return null;
};
const text = (header: Values, ...keywords: string[]): string | null => {
  for (const keyword of keywords) {
    const value = header[keyword];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    if (typeof value === 'number') return String(value);
  }
  return null;
};

export function metadataOf(header: Values): FrameMetadata {
  const kind = (text(header, 'IMAGETYP', 'FRAME', 'OBSTYPE') ?? '').toUpperCase();
  const binning = number(header, 'XBINNING', 'BINNING', 'CCDBINX');
  return {
    type:
      FRAME_TYPES.find((type) => kind.includes(type)) ??
      (kind.includes('OBJECT') || kind.includes('SCIENCE') ? 'LIGHT' : null),
    filter: text(header, 'FILTER', 'FILTNAM', 'FILTER1'),
    exposure: number(header, 'EXPTIME', 'EXPOSURE', 'EXP_TIME'),
    temperature: number(header, 'CCD-TEMP', 'CCD_TEMP', 'DET-TEMP', 'SENSTEMP'),
    binning: binning !== null && Number.isInteger(binning) ? binning : null,
    gain: number(header, 'GAIN'),
    offset: number(header, 'OFFSET', 'BLKLEVEL'),
    hfd: number(header, 'HFD', 'AVG_HFD'),
    object: text(header, 'OBJECT'),
    camera: text(header, 'INSTRUME', 'CAMERA'),
    position: positionOf(header),
    startedAt: startOf(header),
  };
}

/**
 * Position by OBJCTRA and OBJCTDEC (hours and degrees as text, MaxIm's convention that most programs follow), by RA and DEC (degrees as
 * numbers, hours as text), or by the world coordinates of the centre (FITS Standard 4.0, 8.3: CRVAL in degrees).
 */
function positionOf(header: Values): FrameMetadata['position'] {
  const degreesOrHours = (value: unknown): number | null =>
    typeof value === 'number'
      ? parseRaHours(value / 15)
      : typeof value !== 'string'
        ? null
        : /^[\s+-]*[\d.]+\s*$/.test(value)
          ? parseRaHours(Number(value) / 15)
          : parseRaHours(value);
  const degrees = (value: unknown): number | null =>
    typeof value === 'number' || typeof value === 'string' ? parseDecDegrees(value) : null;
  const world = (text(header, 'CTYPE1') ?? '').startsWith('RA-') && (text(header, 'CTYPE2') ?? '').startsWith('DEC');
  const pairs = [
    [typeof header.OBJCTRA === 'string' ? parseRaHours(header.OBJCTRA) : null, degrees(header.OBJCTDEC)],
    [degreesOrHours(header.RA), degrees(header.DEC)],
    [world ? degreesOrHours(header.CRVAL1) : null, world ? degrees(header.CRVAL2) : null],
  ] as const;
  for (const [raHours, decDegrees] of pairs)
    if (raHours !== null && decDegrees !== null) return { raHours, decDegrees };
  return null;
}

function startOf(header: Values): Date | null {
  const date = text(header, 'DATE-OBS', 'DATE_OBS');
  if (!date) return null;
  const time = /T/.test(date) ? '' : text(header, 'TIME-OBS', 'UT', 'UTSTART');
  const iso = time ? `${date}T${time}` : date;
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}:\d{2})(\.\d+)?)?Z?$/.exec(iso);
  if (!match) return null;
  const parsed = new Date(`${match[1]}T${match[2] ?? '00:00:00'}${(match[3] ?? '').slice(0, 4)}Z`);
  return Number.isNaN(parsed.getTime()) ? null : parsed;
}

/** A camera computer's clock that is further off than this is not believed while the frame was heard of as it came. */
const CLOCK_TOLERANCE_MS = 10 * 60_000;
/** … and this where the frame was found later (a list, a folder): more would be another night's date. */
const FOUND_TOLERANCE_MS = 12 * 3_600_000;

/**
 * Start of the exposure. DATE-OBS, which the standard wants in UTC, counts where it agrees with the instant at which the frame was heard
 * of, less its exposure; a camera computer that writes its zone's time, or has a wrong clock, is known by its difference, and the instant
 * at which the frame was heard of counts instead.
 * @param live the frame was heard of as soon as it was there, not found later
 */
export function capturedAt(metadata: FrameMetadata, seenAt: Date, live: boolean): Date {
  const heard = seenAt.getTime() - (metadata.exposure ?? 0) * 1000;
  const { startedAt } = metadata;
  return startedAt && Math.abs(startedAt.getTime() - heard) <= (live ? CLOCK_TOLERANCE_MS : FOUND_TOLERANCE_MS)
    ? startedAt
    : new Date(heard);
}
