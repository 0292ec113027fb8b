import { isIP } from 'node:net';
import { publicUrl, type Config } from '../../platform/config.ts';
import { Problem } from '../errors.ts';

/** This installation as browsers know it when they make and use a passkey. */
export interface RelyingParty {
  /** The host name that a passkey is bound to. */
  id: string;
  /** Where our pages are. */
  origin: string;
}

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]|localhost)$/;

/**
 * A passkey is bound to a name, never to an address, and works on https alone; `localhost` is taken as both (WebAuthn Level 3, 5.1.3).
 * @throws Problem `conflict` saying what to set
 */
export function relyingParty(config: Pick<Config, 'PUBLIC_URL' | 'HOST' | 'PORT'>): RelyingParty {
  const url = new URL(publicUrl(config));
  if (LOOPBACK.test(url.hostname)) {
    url.hostname = 'localhost';
    return { id: 'localhost', origin: url.origin };
  }
  if (isIP(url.hostname.replace(/^\[|\]$/g, '')) || url.protocol !== 'https:')
    throw new Problem(
      'conflict',
      `Passkeys need https and a host name; set PUBLIC_URL to such an address, it is ${url.origin} now.`,
    );
  return { id: url.hostname, origin: url.origin };
}
