import { UsageError } from '../errors.ts';

/** An app on a server that speaks Pusher's HTTP API. */
export interface RelayTarget {
  /** `http(s)://host:port/path`, without a slash at the end. */
  base: string;
  key: string;
  secret: string;
  appId: string;
}

/**
 * `RELAY_PUSHER_URL`: `https://KEY:SECRET@host[:port][/path]/apps/APP_ID`, as Pusher's server libraries write it (`/apps` may be left out).
 * @throws UsageError naming what is missing; the secret is never repeated.
 */
export function parseRelayUrl(text: string): RelayTarget {
  const wrong = (what: string): UsageError =>
    new UsageError(`RELAY_PUSHER_URL: ${what}; write https://KEY:SECRET@host[:port]/apps/APP_ID.`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('this is no address');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw wrong(`${url.protocol} is not http or https`);
  const parts = url.pathname.replace(/\/$/, '').split('/');
  const appId = parts.pop();
  if (parts.at(-1) === 'apps') parts.pop();
  if (!appId) throw wrong('the path does not end in the id of the app');
  if (!url.username || !url.password) throw wrong('key or secret is missing');
  return {
    base: `${url.protocol}//${url.host}${parts.join('/')}`,
    key: decodeURIComponent(url.username),
    secret: decodeURIComponent(url.password),
    appId: decodeURIComponent(appId),
  };
}
