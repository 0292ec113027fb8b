import type { FrameType } from '../domain/contracts/image.ts';
import { parseDecDegrees, parseRaHours } from '../domain/coordinates.ts';
import { readDurationSeconds, readNumber, readQuantity } from '../domain/reading/index.ts';
import { cardText, observedAt } from './observed.ts';

/** What a header says about a frame, with the names that different cameras' programs use. */
export interface FrameMetadata {
  type: FrameType | null;
  filter: string | null;
  /** Seconds. */
  exposure: number | null;
  /** °C. */
  temperature: number | null;
  binning: number | null;
  gain: number | null;
  offset: number | null;
  hfd: number | null;
  object: string | null;
  camera: string | null;
  /** Where the telescope pointed, or null. */
  position: { raHours: number; decDegrees: number } | null;
  /** Start of the exposure (UTC as the standard has it), or null. */
  startedAt: Date | null;
  /** First instant of the day of the exposure, where the header has no time; else null. */
  startedDay: Date | null;
  /** What was guessed, and what stands in the header and could not be read; for people. */
  notes: string[];
}

type Values = Record<string, unknown>;

/**
 * The first of these cards that is a number with one of these units, or none. What cannot be read is noted.
 * @param otherwise what else the text may say
 */
function quantity(
  header: Values,
  keywords: string[],
  units: string[],
  notes: string[],
  otherwise: (text: string) => number | null = () => null,
): number | null {
  for (const keyword of keywords) {
    const value = header[keyword];
    const read = readQuantity(value, ...units) ?? (typeof value === 'string' ? otherwise(value.trim()) : null);
    if (read !== null) return read;
    if (typeof value === 'string' && value.trim() !== '') notes.push(`${keyword} '${value.trim()}' is no number`);
  }
  return null;
}
const text = (header: Values, ...keywords: string[]): string | null => {
  for (const keyword of keywords) {
    const value = cardText(header[keyword]);
    if (value !== null) return value;
  }
  return null;
};

export function metadataOf(header: Values): FrameMetadata {
  const notes: string[] = [];
  const { startedAt, day, notes: dateNotes } = observedAt(header);
  return {
    type: typeOf(header, notes),
    filter: text(header, 'FILTER', 'FILTNAM', 'FILTER1'),
    exposure: exposureOf(header, notes),
    temperature: quantity(
      header,
      ['CCD-TEMP', 'CCD_TEMP', 'DET-TEMP', 'SENSTEMP'],
      ['°C', 'deg C', 'degC', 'C'],
      notes,
    ),
    binning: binningOf(header),
    gain: quantity(header, ['GAIN'], [], notes),
    offset: quantity(header, ['OFFSET', 'BLKLEVEL'], [], notes),
    hfd: quantity(header, ['HFD', 'AVG_HFD'], ['px', 'pixels'], notes),
    object: text(header, 'OBJECT'),
    camera: text(header, 'INSTRUME', 'CAMERA'),
    position: positionOf(header),
    startedAt,
    startedDay: day,
    notes: [...dateNotes, ...notes],
  };
}

/** Words of camera programs, the telling ones first: a dark for flats is a dark, a twilight flat no light. */
const TYPES: readonly [RegExp, FrameType][] = [
  [/DARK/, 'DARK'],
  [/FLAT|TWILIGHT|\bPLU\b/, 'FLAT'],
  [/BIAS|ZERO|OFFSET/, 'BIAS'],
  [/LIGHT|OBJECT|SCIENCE|TARGET|TRI-?COLOU?R|^(?:OBJ|SCI)\b/, 'LIGHT'],
];

function typeOf(header: Values, notes: string[]): FrameType | null {
  const word = text(header, 'IMAGETYP', 'IMAGETYPE', 'FRAME', 'FRAMETYP', 'OBSTYPE');
  if (word === null) return null;
  const type = TYPES.find(([pattern]) => pattern.test(word.toUpperCase()))?.[1] ?? null;
  if (type === null) notes.push(`the type of frame '${word}' is not known`);
  return type;
}

function exposureOf(header: Values, notes: string[]): number | null {
  const seconds = quantity(
    header,
    ['EXPTIME', 'EXPOSURE', 'EXP_TIME', 'EXP-TIME', 'XPOSURE'],
    ['seconds', 'secs', 'sec', 's'],
    notes,
    shutterTime,
  );
  if (seconds !== null && seconds < 0) notes.push(`an exposure of ${seconds} s is none`);
  if (seconds !== null) return seconds >= 0 ? seconds : null;
  // SharpCap and ZWO's programs: microseconds.
  const micros = readNumber(header.EXPOINUS);
  return micros !== null && micros >= 0 ? micros / 1e6 : null;
}

const CLOCK_OR_MINUTES =
  /^(?:\d{1,3}(?::\d\d){1,2}(?:[.,]\d+)?|\d{1,4} ?(?:h|hours?|m|mn|min|minutes?)(?: ?\d{1,4} ?(?:m|mn|min|s|sec))?)$/i;
/** `1/250` and `120 ms` as photo cameras have it, or `2 min`, `00:02:00`. */
function shutterTime(text: string): number | null {
  const fraction = /^(\d{1,6})\/([1-9]\d{0,6}) ?s?$/.exec(text);
  if (fraction) return Number(fraction[1]) / Number(fraction[2]);
  if (/ms$/i.test(text)) {
    const millis = readQuantity(text, 'ms');
    return millis === null ? null : millis / 1000;
  }
  return CLOCK_OR_MINUTES.test(text) ? readDurationSeconds(text) : null;
}

/** `2`, `2x2`, `2:2`, or `2 2` as NOAO's CCDSUM has it; null where the axes differ. */
function binningOf(header: Values): number | null {
  for (const keyword of ['XBINNING', 'BINNING', 'CCDBINX', 'CCDSUM']) {
    const value = header[keyword];
    const square = typeof value === 'string' ? /^\s*(\d{1,2})(?:\s*[x×*:,]\s*|\s+)(\d{1,2})\s*$/i.exec(value) : null;
    const read = square && square[1] === square[2] ? Number(square[1]) : readNumber(value);
    if (read !== null) return Number.isInteger(read) && read > 0 ? read : null;
  }
  return null;
}

/**
 * Position by OBJCTRA and OBJCTDEC (hours and degrees as text, MaxIm's convention that most programs follow), by RA and DEC (degrees as
 * numbers, hours as text), or by the world coordinates of the centre (FITS Standard 4.0, 8.3: CRVAL in degrees).
 */
function positionOf(header: Values): FrameMetadata['position'] {
  const hoursOrDegrees = (value: unknown): number | null => {
    const number = readNumber(value);
    if (number !== null) return parseRaHours(number / 15);
    return typeof value === 'string' ? parseRaHours(value) : null;
  };
  const degrees = (value: unknown): number | null => {
    const number = readNumber(value);
    if (number !== null) return parseDecDegrees(number);
    return typeof value === 'string' ? parseDecDegrees(value) : null;
  };
  const world = (text(header, 'CTYPE1') ?? '').startsWith('RA-') && (text(header, 'CTYPE2') ?? '').startsWith('DEC');
  const pairs = [
    [typeof header.OBJCTRA === 'string' ? parseRaHours(header.OBJCTRA) : null, degrees(header.OBJCTDEC)],
    [hoursOrDegrees(header.RA), degrees(header.DEC)],
    [world ? hoursOrDegrees(header.CRVAL1) : null, world ? degrees(header.CRVAL2) : null],
  ] as const;
  for (const [raHours, decDegrees] of pairs)
    if (raHours !== null && decDegrees !== null) return { raHours, decDegrees };
  return null;
}

/** A camera computer's clock that is further off than this is not believed while the frame was heard of as it came. */
const CLOCK_TOLERANCE_MS = 10 * 60_000;
/** … and this where the frame was found later (a list, a folder): more would be another night's date. */
const FOUND_TOLERANCE_MS = 12 * 3_600_000;

/**
 * Start of the exposure: DATE-OBS (UTC by the standard) where it agrees with the instant at which the frame was heard of. Where a camera computer
 * writes zone time or has a wrong clock, that instant less the exposure counts.
 * @param live the frame was heard of as soon as it was there, not found later
 */
export function capturedAt(metadata: FrameMetadata, seenAt: Date, live: boolean): Date {
  const heard = seenAt.getTime() - (metadata.exposure ?? 0) * 1000;
  const { startedAt } = metadata;
  return startedAt && Math.abs(startedAt.getTime() - heard) <= (live ? CLOCK_TOLERANCE_MS : FOUND_TOLERANCE_MS)
    ? startedAt
    : new Date(heard);
}
