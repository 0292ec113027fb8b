import type * as Webauthn from '@simplewebauthn/server';

/** The library of passkeys, read when one is first asked for: with its certificates it costs more to load than all our routes. */
export const webauthn = (): Promise<typeof Webauthn> => import('@simplewebauthn/server');
