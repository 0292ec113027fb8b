import { z } from '@hono/zod-openapi';
import { webauthn } from './webauthn.ts';
import { PasskeyAnswer } from '../../domain/contracts/operator.ts';
import type { Passkey } from '../../prisma/client/client.ts';
import { unauthenticated } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { clientAddress, refuseGuessing } from '../guard.ts';
import { json, route } from '../operation.ts';
import { audited } from './audit.ts';
import { Challenges, challengeOf, useChallenge } from './challenges.ts';
import { relyingParty } from './relying-party.ts';
import { SignedIn, openSession, requireAlive } from './sessions.ts';

const PURPOSE = 'login';

export const loginOptions = route(
  {
    method: 'post',
    path: '/api/login/options',
    id: 'getLoginOptions',
    tag: 'Operators',
    summary: 'A challenge for a passkey',
    guard: 'public',
    answers: {
      200: {
        description: '`PublicKeyCredentialRequestOptionsJSON` of WebAuthn',
        schema: z.looseObject({ challenge: z.string() }).meta({ id: 'LoginOptions' }),
      },
    },
    problems: ['conflict'],
  },
  async ({ deps }) => {
    const options = await (
      await webauthn()
    ).generateAuthenticationOptions({
      rpID: relyingParty(deps.config).id,
      challenge: new Challenges(deps.secret, deps.now).make(PURPOSE),
      userVerification: 'required',
    });
    return json(options, 200, { 'cache-control': 'no-store' });
  },
);

export const login = route(
  {
    method: 'post',
    path: '/api/login',
    id: 'login',
    tag: 'Operators',
    summary: 'Sign in with a passkey',
    description: 'The token lasts 12 hours at most and may do what the operator’s role may.',
    guard: 'public',
    body: z.object({ credential: PasskeyAnswer }).meta({ id: 'LoginRequest' }),
    answers: { 200: { description: 'A token for the pages', schema: SignedIn } },
    problems: ['unauthenticated', 'conflict'],
  },
  async ({ deps, c, body: { credential } }) => {
    const now = deps.now();
    const passkey = await deps.db.passkey.findUnique({
      where: { credentialId: credential.id },
      include: { operator: true },
    });
    const counter = passkey && (await answeredBy(deps, passkey, credential).catch(() => null));
    if (!passkey || counter === null) {
      refuseGuessing(deps, clientAddress(c));
      throw unauthenticated('This passkey is not known here, or its answer does not hold.');
    }
    const { operator } = passkey;
    requireAlive(operator, now);
    const signedIn = await deps.db.$transaction(async (tx) => {
      await useChallenge(tx, challengeOf(credential.response.clientDataJSON), now);
      const data = { counter: BigInt(counter), lastUsedAt: new Date(now) };
      // One that was removed meanwhile, and one whose operator was ended, signs nobody in.
      const { count } = await tx.passkey.updateMany({ where: { id: passkey.id, operator: { endedAt: null } }, data });
      if (count === 0) throw unauthenticated('This passkey has just been removed.');
      await audited(deps, tx, { name: `admin:${operator.name}` }, 'operator.login', { passkey: passkey.id });
      return openSession(deps, tx, operator);
    });
    return json(signedIn, 200, { 'cache-control': 'no-store' });
  },
);

/** @returns the authenticator’s counter. @throws Error where the answer is not this passkey’s, for this site and a challenge of ours */
async function answeredBy(deps: Deps, passkey: Passkey, response: z.infer<typeof PasskeyAnswer>): Promise<number> {
  const challenges = new Challenges(deps.secret, deps.now);
  const { id: expectedRPID, origin: expectedOrigin } = relyingParty(deps.config);
  const { verified, authenticationInfo } = await (
    await webauthn()
  ).verifyAuthenticationResponse({
    response,
    expectedChallenge: (challenge) => challenges.isOurs(PURPOSE, challenge),
    expectedOrigin,
    expectedRPID,
    credential: {
      id: passkey.credentialId,
      publicKey: Uint8Array.from(passkey.publicKey),
      counter: Number(passkey.counter),
      transports: passkey.transports,
    },
    requireUserVerification: true,
  });
  if (!verified) throw new Error('the signature does not hold');
  return authenticationInfo.newCounter;
}
