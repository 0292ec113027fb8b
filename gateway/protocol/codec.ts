import { isUtf8 } from 'node:buffer';
import { decodeText } from '../../domain/reading/text.ts';
import { Base64Decoder } from '../connection/base64.ts';
import type { Picture } from '../connection/framer.ts';
import { decodeEvent, type VoyagerEvent } from './events.ts';
import { type Absent, type AbsentReason, asText, isObject, type JsonObject, readNumber } from './fields.ts';
import { parseTolerant, type TolerantJson } from './tolerant-json.ts';

/** One line to one typed message. Nothing in here throws: a line that cannot be read gives an error. */

/** Answer to a request: `result` 0 (or another number), an error, or the user's data after a login. */
export interface Reply {
  /** Null when the server could not tell which request it answers. */
  id: number | null;
  name: 'result' | 'error' | 'authbase' | 'authticket';
  /** 0 in every known answer; null where it is no number, or not a result. */
  result: number | null;
  error: { code: number | null; message: string } | null;
  /** What the login told about the user; names and mail of a person, so never for a log. */
  auth: JsonObject | null;
  raw: JsonObject;
}
/** A request, as decoded from a recorded line. */
export interface WireRequest {
  id: number | null;
  method: string;
  uid: string | null;
  params: JsonObject;
  raw: JsonObject;
}
export type Message =
  | { kind: 'event'; event: VoyagerEvent }
  | { kind: 'reply'; reply: Reply }
  | { kind: 'request'; request: WireRequest };
/** `mended`: what was wrong with a line that could be read all the same, or null. */
export type Decoded = { ok: true; message: Message; mended: string | null } | { ok: false; error: string };

const MAX_DEPTH = 64;
const bad = (error: string): Decoded => ({ ok: false, error });
const good = (message: Message): Decoded => ({ ok: true, message, mended: null });

/**
 * UTF-8, or windows-1252 when the bytes are not valid UTF-8: the protocol does not say which.
 * @param picture what the framer cut out of the line
 * @param onOtherText called where the line is not UTF-8
 */
export function decodeLine(bytes: Buffer, picture: Picture | null = null, onOtherText?: () => void): Decoded {
  let text = bytes.toString('utf8');
  if (text.includes('\uFFFD') && !isUtf8(bytes)) {
    text = decodeText(bytes);
    onOtherText?.();
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    return decodeMended(text, `not JSON: ${shortReason(thrown, text.length)}`, picture);
  }
  if (!isObject(json)) return bad('not an object');
  if (isNested(text) && depthOver(json, MAX_DEPTH)) return bad(`nested deeper than ${MAX_DEPTH}`);
  return decodeObject(json, null, text, picture);
}

/**
 * A line that is not quite JSON. An incomplete reply or request is passed over, since it decides something; a line that ends too early counts only
 * for Voyager's log, whose text may hold a raw line end.
 */
function decodeMended(text: string, why: string, picture: Picture | null): Decoded {
  const tolerant = parseTolerant(text.startsWith('\uFEFF') ? text.slice(1) : text, MAX_DEPTH);
  if (!tolerant) return bad(why);
  const { json, noted, broken, cut } = tolerant;
  if (broken && typeof json.Event !== 'string') return bad(why);
  if (broken && endsEarly(tolerant, text)) {
    if (json.Event !== 'LogEvent') return bad(why);
    if (cut?.key === 'Text') {
      json.Text = cut.text;
      delete noted.Text;
    }
  }
  if (broken && json.Event === 'ControlData') missRunning(json, noted);
  const decoded = decodeObject(json, noted, text, picture);
  return decoded.ok ? { ...decoded, mended: why } : decoded;
}
/** Where parts of the line are lost, a missing name of what runs does not say that nothing runs. */
function missRunning(json: JsonObject, noted: Record<string, AbsentReason>): void {
  for (const key of ['RUNSEQ', 'RUNDS'])
    if (json[key] === undefined) {
      json[key] = null;
      noted[key] = 'unreadable';
    }
}
const endsEarly = ({ cut }: TolerantJson, text: string): boolean => cut !== null || !text.trimEnd().endsWith('}');

function decodeObject(raw: JsonObject, noted: Absent | null, text: string, picture: Picture | null): Decoded {
  const name = raw.Event;
  if (name !== undefined) {
    if (typeof name !== 'string' || name === '') return bad('Event is not a name');
    if (name === 'NewJPGReady') return decodePreview(raw, noted, picture);
    const timestampText = name === 'Version' ? timestampOf(text) : null;
    return good({ kind: 'event', event: decodeEvent(raw, noted, { timestampText }) });
  }
  if (raw.method !== undefined) {
    if (typeof raw.method !== 'string' || raw.method === '') return bad('method is not a name');
    if (raw.params !== undefined && raw.params !== null && !isObject(raw.params)) return bad('params is not an object');
    const params = isObject(raw.params) ? raw.params : {};
    const uid = typeof params.UID === 'string' ? params.UID : null;
    return good({ kind: 'request', request: { id: readNumber(raw.id), method: raw.method, uid, params, raw } });
  }
  if (raw.id !== undefined) return decodeReply(raw);
  return bad('no Event, no method and no id: not a message of Voyager');
}

/** The Timestamp's own digits, which a number does not keep. */
function timestampOf(text: string): string | null {
  const at = text.indexOf('"Timestamp"');
  return at < 0 ? null : (/^"Timestamp"\s*:\s*"?(-?[\d.eE+-]+)/.exec(text.slice(at, at + 80))?.[1] ?? null);
}

/** Short pictures come as text within the line, long ones cut out by the framer. */
function decodePreview(raw: JsonObject, noted: Absent | null, cut: Picture | null): Decoded {
  let picture = cut?.data ?? null;
  let spoilt = cut !== null && cut.data === null;
  const inline = raw.Base64Data;
  if (inline !== undefined && inline !== '' && inline !== null) {
    const decoder = typeof inline === 'string' ? new Base64Decoder(inline.length) : null;
    decoder?.push(Buffer.from(inline as string, 'utf8'));
    picture = decoder?.finish() ?? null;
    spoilt = picture === null;
  }
  if (inline !== undefined) raw.Base64Data = null;
  if (picture?.length === 0) picture = null;
  const absent = spoilt ? ({ ...noted, Base64Data: 'unreadable' } as Absent) : noted;
  return good({ kind: 'event', event: decodeEvent(raw, absent, { picture }) });
}

function decodeReply(raw: JsonObject): Decoded {
  const id = readNumber(raw.id);
  const reply: Reply = { id, name: 'result', result: null, error: null, auth: null, raw };
  if (raw.error !== undefined && raw.error !== null) {
    reply.name = 'error';
    reply.error = isObject(raw.error)
      ? {
          code: readNumber(raw.error.code),
          message: typeof raw.error.message === 'string' ? raw.error.message : JSON.stringify(raw.error),
        }
      : { code: null, message: asText(raw.error) };
  } else if (isObject(raw.authbase) || isObject(raw.authticket)) {
    reply.name = isObject(raw.authbase) ? 'authbase' : 'authticket';
    reply.auth = (raw.authbase ?? raw.authticket) as JsonObject;
  } else if (raw.result !== undefined) reply.result = readNumber(raw.result);
  else return bad('an id without result, error, authbase or authticket');
  return good({ kind: 'reply', reply });
}

const isNested = (text: string): boolean => text.includes('{', text.indexOf('{') + 1) || text.includes('[');
function depthOver(node: object, left: number): boolean {
  if (left === 0) return true;
  for (const value of Object.values(node))
    if (typeof value === 'object' && value !== null && depthOver(value as object, left - 1)) return true;
  return false;
}

/** JSON.parse quotes the input in its messages; the input may hold a secret. */
function shortReason(thrown: unknown, length: number): string {
  const message = (thrown as Error).message;
  const position = /position (\d+)/.exec(message)?.[1];
  if (/end of JSON|Unterminated/i.test(message) || Number(position) >= length) return 'it ends too early';
  return position ? `unexpected text at character ${position}` : 'unexpected text';
}

const SECRET_FIELDS = /("(?:Base|Ticket|MAC|Password|Base64Data)"\s{0,3}:\s{0,3}")[^"]{0,400}/gi;
/** Beginning of a line for a log: cut at 160 characters, values of secret fields masked. */
export function excerpt(bytes: Buffer): string {
  const head = bytes.toString('latin1', 0, 400).replace(SECRET_FIELDS, '$1[secret]');
  // eslint-disable-next-line no-control-regex -- a log line must stay one line
  return head.slice(0, 160).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
