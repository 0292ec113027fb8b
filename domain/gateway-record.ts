import type { LedgerSpan } from './ledger.ts';
import type { Period } from './night-ledger.ts';
import type { TelemetrySample } from './telemetry.ts';

/**
 * What the gateway itself wrote down of a slot, whether or not a worker looked: its samples of the telescope and the lines of its journal. A session
 * that slept through the rain learns of it here before anybody is charged.
 */
export interface GatewayRecord {
  /** In order of time; a sample of older code may lack a part. */
  samples: readonly { atMs: number; data: Partial<TelemetrySample> }[];
  /** Lines of the journal's kind `state`, in order of time. */
  notes: readonly { atMs: number; what: string; detail: string | null }[];
}

/** The gateway samples every 10 s: a record that is silent for longer than this says nothing of the time between. */
export const SILENT_AFTER_MS = 60_000;
/** A sample this long after a line of the journal says which reason the weather of that line had. */
const REASON_WITHIN_MS = 30_000;

type WeatherSeen = { state: string; reason: string | null };
interface Known {
  weather: WeatherSeen;
  emergency: boolean;
  /** Why nobody heard Voyager; null while somebody does. */
  away: 'voyager_away' | 'gateway_away' | null;
  /** The weather was known at least once since the connection to Voyager stands. */
  heard: boolean;
  error: boolean;
  foreign: boolean;
}
const FINE: Known = {
  weather: { state: 'ok', reason: null },
  emergency: false,
  away: null,
  heard: true,
  error: false,
  foreign: false,
};

const UNKNOWN: readonly (string | null)[] = ['weather_unknown', 'safety_monitor_missing'];

type Claim = Pick<LedgerSpan, 'class' | 'cause'>;

/** The ledger's class of an instant, in the ledger's order of precedence; null where nothing kept the session from observing. */
function claimOf({ weather, emergency, away, heard, error, foreign }: Known): Claim | null {
  // Weather that nobody knows because Voyager is away, or has only just come back, is that absence.
  const absent = away ?? (!heard && UNKNOWN.includes(weather.reason) ? 'voyager_away' : null);
  if (weather.state === 'unsafe' && !(absent && UNKNOWN.includes(weather.reason)))
    return { class: 'unsafe', cause: weather.reason ?? 'weather_unsafe' };
  if (emergency) return { class: 'unsafe', cause: 'voyager_emergency' };
  if (absent) return { class: 'outage', cause: absent };
  if (error) return { class: 'outage', cause: 'voyager_error' };
  if (foreign) return { class: 'foreign', cause: 'foreign_target' };
  if (weather.state === 'hold') return { class: 'weather_hold', cause: weather.reason ?? 'weather_hold' };
  return null;
}

interface Point {
  atMs: number;
  change: (known: Known) => Known;
}

/** What a word on the weather changes: an unknown one leaves it open whether the weather was ever heard. */
const withWeather = (known: Known, weather: WeatherSeen): Known => ({
  ...known,
  weather,
  heard: known.heard || !UNKNOWN.includes(weather.reason),
});

function ofSample(sample: Partial<TelemetrySample>): (known: Known) => Known {
  const { weather } = sample;
  return (known) => {
    const seen: Known =
      sample.stale === true ? { ...known, away: known.away ?? 'voyager_away', heard: false } : { ...known, away: null };
    return {
      ...(weather?.state ? withWeather(seen, { state: weather.state, reason: weather.reason ?? null }) : seen),
      emergency: sample.emergency !== undefined && sample.emergency !== null,
      error: sample.voyager_status === 'ERROR',
      foreign: sample.running === 'foreign',
    };
  };
}

/** `unsafe (weather_unknown): what is missing`, as the gateway writes it; older lines have no reason. */
const WEATHER_NOTE = /^(ok|hold|unsafe)\b(?: \((\w+)\))?/;

function ofNote(what: string, detail: string | null, reason: string | null): ((known: Known) => Known) | null {
  switch (what) {
    case 'weather': {
      const [, state, said] = WEATHER_NOTE.exec(detail ?? '') ?? [];
      return state ? (known) => withWeather(known, { state, reason: said ?? reason }) : null;
    }
    case 'link':
      // A connection that was just made has not told the weather yet.
      return (known) => ({
        ...known,
        away: (detail ?? '').startsWith('ready') ? null : (known.away ?? 'voyager_away'),
        heard: false,
      });
    case 'owner':
      return (known) => ({ ...known, away: 'gateway_away', heard: false });
    case 'emergency':
    case 'emergency_over':
      return (known) => ({ ...known, emergency: what === 'emergency' });
    default:
      return null;
  }
}

function pointsOf({ samples, notes }: GatewayRecord): Point[] {
  const reasonAfter = (atMs: number, state: string): string | null => {
    const next = samples.find((s) => s.atMs >= atMs);
    const known = next && next.atMs - atMs <= REASON_WITHIN_MS ? next.data.weather : undefined;
    return known?.state === state ? known.reason : null;
  };
  const told = notes.flatMap(({ atMs, what, detail }): Point[] => {
    const state = what === 'weather' ? (WEATHER_NOTE.exec(detail ?? '')?.[1] ?? '') : '';
    const change = ofNote(what, detail, reasonAfter(atMs, state));
    return change ? [{ atMs, change }] : [];
  });
  const sampled = samples.map(({ atMs, data }): Point => ({ atMs, change: ofSample(data) }));
  return [...told, ...sampled].sort((a, b) => a.atMs - b.atMs);
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** A piece of the record: what was known in it, and whether the gateway was there to say so. */
interface Piece {
  fromMs: number;
  toMs: number;
  known: Known;
  believed: boolean;
}
/** The record in pieces without gap from its first point on. Bad weather stands until something says otherwise, all else for a minute. */
function piecesOf(record: GatewayRecord, untilMs: number): Piece[] {
  let known = FINE;
  const points = pointsOf(record);
  return points.flatMap(({ atMs, change }, i): Piece[] => {
    known = change(known);
    const next = points[i + 1]?.atMs ?? untilMs;
    const toMs = Math.min(next, atMs + SILENT_AFTER_MS);
    const heard: Piece = { fromMs: atMs, toMs, known, believed: true };
    if (next <= toMs) return [heard];
    known = { ...FINE, weather: known.weather, heard: known.heard };
    return [heard, { fromMs: toMs, toMs: next, known, believed: false }];
  });
}

/** What kept the session from observing between two instants, by the gateway's record. */
export function recordedSpans(record: GatewayRecord, fromMs: number, toMs: number): LedgerSpan[] {
  const spans: LedgerSpan[] = [];
  for (const piece of piecesOf(record, toMs)) {
    const what = claimOf(piece.known);
    const [start, end] = [Math.max(piece.fromMs, fromMs), Math.min(piece.toMs, toMs)];
    if (!what || end <= start) continue;
    const last = spans.at(-1);
    if (last && last.end === iso(start) && last.class === what.class && last.cause === what.cause) last.end = iso(end);
    else spans.push({ ...what, start: iso(start), end: iso(end) });
  }
  return spans;
}

/** Where the gateway was there, heard Voyager and the weather, and saw nothing unsafe. */
export function clearPeriods(record: GatewayRecord, fromMs: number, toMs: number): Period[] {
  const periods: Period[] = [];
  for (const { known, believed, ...piece } of piecesOf(record, toMs)) {
    if (!believed || known.away || !known.heard || claimOf(known)?.class === 'unsafe') continue;
    const [start, end] = [Math.max(piece.fromMs, fromMs), Math.min(piece.toMs, toMs)];
    if (end <= start) continue;
    const last = periods.at(-1);
    if (last?.toMs === start) last.toMs = end;
    else periods.push({ fromMs: start, toMs: end });
  }
  return periods;
}

/** Where the record says nothing between two instants, although it was kept; none where none was kept at all. */
export function silentSpans({ samples, notes }: GatewayRecord, fromMs: number, toMs: number): LedgerSpan[] {
  if (samples.length === 0) return [];
  const lives = [...samples, ...notes].map(({ atMs }) => atMs).filter((at) => at >= fromMs && at < toMs);
  const edges = [fromMs, ...lives.sort((a, b) => a - b), toMs];
  return edges.slice(1).flatMap((at, i): LedgerSpan[] => {
    const before = edges[i]!;
    return at - before > SILENT_AFTER_MS
      ? [{ class: 'outage', cause: 'gateway_away', start: iso(before), end: iso(at) }]
      : [];
  });
}
