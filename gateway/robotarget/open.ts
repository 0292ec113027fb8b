import { createHash, randomUUID } from 'node:crypto';
import { UsageError } from '../../platform/errors.ts';
import type { VoyagerRequest } from '../connection/link.ts';
import { asText, FieldReader, isObject, type JsonObject, readBoolean, readNumber } from '../protocol/fields.ts';
import { buildUntyped, COMMANDS } from '../protocol/requests.ts';
import { instantsOf, type Zone } from '../telescope/timezone.ts';

/**
 * RoboTarget's nine open commands (Application Server Protocol, licence Advanced or Full). Each is signed: MAC is the lower-case hex MD5 of
 * shared secret + UID + the one parameter that the command names, with nothing in between.
 */
export const OPEN_COMMANDS = [
  'GetTargetList',
  'GetShotDoneList',
  'SetShotDoneRating',
  'RemoveShotDone',
  'RestoreShotDone',
  'UpdateBulkShotDone',
  'RemoveShotDoneByFileName',
  'RestoreShotDoneByFileName',
  'SetShotDoneRatingByFileName',
] as const;
export type OpenCommand = (typeof OPEN_COMMANDS)[number];

/** @param covered value of the parameter that the command's MAC covers besides secret and UID */
export const openMac = (secret: string, uid: string, covered = ''): string =>
  createHash('md5').update(`${secret}${uid}${covered}`, 'utf8').digest('hex');

/** @throws UsageError naming a wrong parameter, or when there is no shared secret */
export function buildOpenRequest(
  name: OpenCommand,
  params: JsonObject,
  secret: string | null,
  uid: string = randomUUID(),
): VoyagerRequest {
  if (!secret)
    throw new UsageError(
      'VOYAGER_ROBOTARGET_SECRET is not set: RoboTarget commands are signed with the shared secret from Voyager (Setup, Remote).',
    );
  const request = buildUntyped(`RemoteOpenRoboTarget${name}`, params, { uid });
  const { mac } = COMMANDS.get(request.method)!;
  return {
    ...request,
    params: { ...request.params, MAC: openMac(secret, uid, mac ? asText(request.params[mac]) : '') },
  };
}

/** A target in RoboTarget's list. */
export interface OpenTarget {
  guid: string;
  name: string;
  tag: string;
  enabled: boolean;
  statusOp: 'unknown' | 'idle' | 'running' | 'finished' | 'no_ephemeris';
  setName: string;
  setTag: string;
  profile: string;
}
const STATUS_OP: Readonly<Record<number, OpenTarget['statusOp']>> = {
  0: 'idle',
  1: 'running',
  2: 'finished',
  3: 'no_ephemeris',
};

/** A frame that RoboTarget has recorded as done. */
export interface OpenShotDone {
  guid: string;
  shotGuid: string;
  sessionGuid: string;
  /** ISO 8601, UTC; empty when Voyager gave none. */
  at: string;
  filename: string;
  path: string;
  hfd: number | null;
  starIndex: number | null;
  exposureSeconds: number | null;
  binning: number | null;
  filterIndex: number | null;
  mean: number | null;
  min: number | null;
  max: number | null;
  /** Null: not rated. */
  rating: number | null;
  deleted: boolean;
}

/** Items under a list key, which the document writes in two cases. */
export function listOf(paramRet: Readonly<JsonObject>, key = 'list'): JsonObject[] {
  const found = paramRet[key] ?? paramRet[key.charAt(0).toUpperCase() + key.slice(1)];
  return Array.isArray(found) ? found.filter(isObject) : [];
}

export function readTargetList(paramRet: Readonly<JsonObject>): OpenTarget[] {
  return listOf(paramRet).map((raw) => {
    const f = new FieldReader(raw);
    return {
      guid: f.text('guid') ?? '',
      name: f.text('targetname') ?? '',
      tag: f.text('tag') ?? '',
      enabled: f.num('status') === 0,
      statusOp: STATUS_OP[f.num('statusop') ?? -1] ?? 'unknown',
      setName: f.text('setname') ?? '',
      setTag: f.text('settag') ?? '',
      profile: f.text('profilename') ?? '',
    };
  });
}

/** @param zone the site's; used only where an older server sends the local time alone, as text */
export function readShotDoneList(paramRet: Readonly<JsonObject>, zone: Zone = 0): OpenShotDone[] {
  return listOf(paramRet).map((raw) => {
    const f = new FieldReader(raw);
    const rating = f.num('rating');
    return {
      guid: f.text('guid') ?? '',
      shotGuid: f.text('refguidshot') ?? '',
      sessionGuid: f.text('refguidsession') ?? '',
      at: instant(raw.datetimeshotutc, 0) ?? instant(raw.datetimeshot, zone) ?? '',
      filename: f.text('filename') ?? '',
      path: f.text('path') ?? '',
      hfd: f.num('hfd'),
      starIndex: f.num('starindex'),
      exposureSeconds: f.num('exposure'),
      binning: f.num('bin'),
      filterIndex: f.numBut('filterindex', -1),
      mean: f.num('mean'),
      min: f.num('min'),
      max: f.num('max'),
      rating: rating !== null && rating > 0 ? rating : null,
      deleted: readBoolean(raw.isdeleted) ?? false,
    };
  });
}

/** Unix seconds, or `YYYY-MM-DD HH:MM:SS` as text, to ISO 8601 UTC. */
function instant(value: unknown, zone: Zone): string | null {
  const number = readNumber(value);
  let ms = Number.NaN;
  if (number !== null) ms = number * 1000;
  else if (typeof value === 'string')
    ms = inZone(Date.parse(`${value.trim().replace(' ', 'T').replace(/Z$/, '')}Z`), zone);
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : null;
}
const inZone = (localMs: number, zone: Zone): number =>
  Number.isFinite(localMs) ? instantsOf(localMs, zone).at(-1)! : localMs;
