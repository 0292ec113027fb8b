import { readFileSync } from 'node:fs';
import type { Config } from '../platform/config.ts';
import type { Credentials } from './connection/link.ts';

/** `VOYAGER_PASSWORD__<ID>`: telescope id in upper case, `-` as `_`; or the same with `_FILE`. */
function own(env: NodeJS.ProcessEnv, name: string, telescopeId: string): string | undefined {
  const key = `${name}__${telescopeId.toUpperCase().replaceAll('-', '_')}`;
  const file = env[`${key}_FILE`];
  return env[key] || (file ? readFileSync(file, 'utf8').trim() : undefined);
}

/** How to log in to this telescope's Voyager: its own variables, else the common ones; a ticket before a password; null for level NONE. */
export function credentialsFor(
  telescopeId: string,
  config: Config,
  env: NodeJS.ProcessEnv = process.env,
): Credentials | null {
  const ticket = own(env, 'VOYAGER_TICKET', telescopeId) ?? config.VOYAGER_TICKET;
  if (ticket) return { ticket };
  const username = own(env, 'VOYAGER_USERNAME', telescopeId) ?? config.VOYAGER_USERNAME;
  const password = own(env, 'VOYAGER_PASSWORD', telescopeId) ?? config.VOYAGER_PASSWORD;
  return username ? { username, password: password ?? '' } : null;
}
/** RoboTarget's shared secret of this telescope's Voyager, or null. */
export const robotargetSecretFor = (
  telescopeId: string,
  config: Config,
  env: NodeJS.ProcessEnv = process.env,
): string | null => own(env, 'VOYAGER_ROBOTARGET_SECRET', telescopeId) ?? config.VOYAGER_ROBOTARGET_SECRET ?? null;
