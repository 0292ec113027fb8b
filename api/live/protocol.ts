import { createHash, createHmac } from 'node:crypto';
import { equalConstantTime } from '../../platform/signing.ts';

/** Pusher Channels protocol, version 7: names, signatures and close codes. https://pusher.com/docs/channels/library_auth_reference/pusher-websockets-protocol/ */
export const CHANNEL_NAME = /^[-a-zA-Z0-9_=@,.;]{1,200}$/;
/** Carries what a server sends to one person (`sendToUser`); only a connection that has signed in as that person is on it. */
export const userChannel = (userId: string): string => `#server-to-user-${userId}`;
const USER_CHANNEL = /^#server-to-user-\S{1,128}$/;
/** A channel that a server may send to. */
export const isTarget = (channel: string): boolean => CHANNEL_NAME.test(channel) || USER_CHANNEL.test(channel);
export const SOCKET_ID = /^\d+\.\d+$/;

/** How clients act: 4000-4099 never come back, 4100-4199 come back after a pause, 4200-4299 come back at once. */
export const CLOSE = {
  noSuchApp: 4001,
  unauthorised: 4009,
  overload: 4100,
  replaced: 4200,
  pongMissing: 4201,
} as const;

export const isPresence = (channel: string): boolean => channel.startsWith('presence-');
export const isGuarded = (channel: string): boolean =>
  channel.startsWith('private-') || channel.startsWith('presence-');
export const isCache = (channel: string): boolean => /^(private-|presence-)?cache-/.test(channel);
export const isEncrypted = (channel: string): boolean => channel.startsWith('private-encrypted-');

/** `private-session.{id}` or `private-cache-session.{id}.state` → id. */
export function bookingOfChannel(channel: string): string | null {
  return (
    /^private-session\.([A-Za-z0-9_-]{1,64})$/.exec(channel)?.[1] ??
    /^private-cache-session\.([A-Za-z0-9_-]{1,64})\.state$/.exec(channel)?.[1] ??
    null
  );
}
export const sessionChannel = (bookingId: string): string => `private-session.${bookingId}`;
export const stateChannel = (bookingId: string): string => `private-cache-session.${bookingId}.state`;
export const telescopeOfChannel = (channel: string): string | null =>
  /^presence-telescope\.([a-z0-9][a-z0-9-]{0,31})$/.exec(channel)?.[1] ?? null;
export const ADMIN_CHANNEL = 'private-admin';

const hmacHex = (secret: string, text: string): string => createHmac('sha256', secret).update(text).digest('hex');

/** `key:signature` over `socket_id:channel[:channel_data]`. */
export const signChannel = (
  key: string,
  secret: string,
  socketId: string,
  channel: string,
  channelData?: string,
): string =>
  `${key}:${hmacHex(secret, channelData === undefined ? `${socketId}:${channel}` : `${socketId}:${channel}:${channelData}`)}`;

export function verifyChannel(
  key: string,
  secret: string,
  socketId: string,
  channel: string,
  auth: unknown,
  channelData: unknown,
): boolean {
  if (typeof auth !== 'string' || (channelData !== undefined && typeof channelData !== 'string')) return false;
  return equalConstantTime(signChannel(key, secret, socketId, channel, channelData), auth);
}
export const verifySignin = (key: string, secret: string, socketId: string, userData: string, auth: unknown): boolean =>
  typeof auth === 'string' && equalConstantTime(`${key}:${hmacHex(secret, `${socketId}::user::${userData}`)}`, auth);

const VALID_SECONDS = 600;
/** Checks a request to the HTTP API; null when genuine, else the reason. */
export function verifyHttpRequest(
  key: string,
  secret: string,
  method: string,
  path: string,
  query: URLSearchParams,
  body: string,
  nowMs: number,
): string | null {
  if (query.get('auth_key') !== key) return 'unknown auth_key';
  if (query.get('auth_version') !== '1.0') return 'auth_version must be 1.0';
  const timestamp = Number(query.get('auth_timestamp'));
  if (!Number.isInteger(timestamp) || Math.abs(nowMs / 1000 - timestamp) > VALID_SECONDS)
    return `auth_timestamp is more than ${VALID_SECONDS} s off`;
  if (body !== '' || query.has('body_md5')) {
    if (query.get('body_md5') !== createHash('md5').update(body).digest('hex')) return 'body_md5 does not match';
  }
  const signature = query.get('auth_signature') ?? '';
  const sorted = [...query.entries()]
    .filter(([name]) => name !== 'auth_signature')
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .sort(([a], [b]) => Number(a > b) - Number(a < b))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  return equalConstantTime(hmacHex(secret, `${method.toUpperCase()}\n${path}\n${sorted}`), signature)
    ? null
    : 'auth_signature does not match';
}

/** A message on the wire; `data` travels as a JSON string. */
export const wire = (event: string, data: unknown, channel?: string): string =>
  JSON.stringify({
    event,
    ...(channel ? { channel } : {}),
    data: typeof data === 'string' ? data : JSON.stringify(data),
  });

/** What a client sends beside the name of its event, unchecked. */
export interface Asked {
  channel?: unknown;
  auth?: unknown;
  channel_data?: unknown;
  user_data?: unknown;
}
/** A message of a client; null when it is no JSON object with an event. Its `data` may be an object or, as servers send it, JSON text. */
export function readMessage(raw: Buffer, binary: boolean): { event: string; body: Asked } | null {
  if (binary) return null;
  try {
    const value = JSON.parse(raw.toString('utf8')) as { event?: unknown; data?: unknown } | null;
    if (typeof value !== 'object' || value === null || typeof value.event !== 'string') return null;
    return { event: value.event, body: (typeof value.data === 'string' ? parsed(value.data) : value.data) ?? {} };
  } catch {
    return null;
  }
}
function parsed(text: string): Asked {
  try {
    return JSON.parse(text) as Asked;
  } catch {
    return {};
  }
}
/** Why a connection is not taken, by its app and the protocol it names; null when it is. */
export function refusalOf(
  ourApp: boolean,
  named: string | null,
): { code: number; message: string; reason: string } | null {
  if (!ourApp) return { code: CLOSE.noSuchApp, message: 'There is no app with this key.', reason: 'no such app' };
  const protocol = Number(named ?? '7');
  if (!(protocol >= 5 && protocol <= 7))
    return { code: 4007, message: 'This server speaks protocol 7.', reason: 'unsupported protocol' };
  return null;
}
/** Key and query of `/app/{key}?…`. */
export interface AppAddress {
  key: string;
  query: URLSearchParams;
}
/** Null for another address, also for one that is none at all. */
export function appOf(address: string): AppAddress | null {
  try {
    const url = new URL(address, 'http://localhost');
    const key = /^\/app\/([^/]+)$/.exec(url.pathname)?.[1];
    return key === undefined ? null : { key: decodeURIComponent(key), query: url.searchParams };
  } catch {
    return null;
  }
}
