import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { webauthn } from './webauthn.ts';
import { NewPasskey } from '../../domain/contracts/operator.ts';
import { patterned } from '../../domain/contracts/common.ts';
import type { Operator, Passkey } from '../../prisma/client/client.ts';
import { hashKey, unauthenticated } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';
import { clientAddress, refuseGuessing } from '../guard.ts';
import { json, route } from '../operation.ts';
import { audited } from './audit.ts';
import { Challenges, challengeOf, useChallenge } from './challenges.ts';
import { relyingParty } from './relying-party.ts';
import { SignedIn, openSession, requireAlive } from './sessions.ts';

const Code = patterned(60, /^nci_[\w-]{43}$/, 'must be what stands after #invitation= in the address');
/** Devices of one person. */
const MOST_PASSKEYS = 10;

type Invited = Operator & { passkeys: Passkey[] };
/** @throws Problem `unauthenticated` for a code that is none, was used or is too old */
async function invited(deps: Deps, code: string, refuse: () => void): Promise<Invited> {
  const operator = await deps.db.operator.findUnique({
    where: { invitationHash: hashKey(code) },
    include: { passkeys: true },
  });
  if (!operator?.invitedUntil || operator.invitedUntil.getTime() <= deps.now()) {
    refuse();
    throw unauthenticated('This invitation was used, is too old, or never was; ask for a new one.');
  }
  requireAlive(operator, deps.now());
  if (operator.passkeys.length >= MOST_PASSKEYS)
    throw new Problem('conflict', `There are ${MOST_PASSKEYS} passkeys; remove one first.`);
  return operator;
}
const purpose = (code: string): string => `enrol ${hashKey(code)}`;

export const passkeyOptions = route(
  {
    method: 'post',
    path: '/api/passkeys/options',
    id: 'getPasskeyOptions',
    tag: 'Operators',
    summary: 'What a browser needs to make the passkey of an invitation',
    guard: 'public',
    body: z.object({ invitation: Code }).meta({ id: 'PasskeyOptionsRequest' }),
    answers: {
      200: {
        description: '`PublicKeyCredentialCreationOptionsJSON` of WebAuthn',
        schema: z.looseObject({ challenge: z.string() }).meta({ id: 'PasskeyOptions' }),
      },
    },
    problems: ['unauthenticated', 'conflict'],
  },
  async ({ deps, c, body }) => {
    const operator = await invited(deps, body.invitation, () => refuseGuessing(deps, clientAddress(c)));
    const options = await (
      await webauthn()
    ).generateRegistrationOptions({
      rpName: 'nocturne',
      rpID: relyingParty(deps.config).id,
      userName: operator.name,
      userID: Uint8Array.from(Buffer.from(operator.id)),
      challenge: new Challenges(deps.secret, deps.now).make(purpose(body.invitation)),
      excludeCredentials: operator.passkeys.map(({ credentialId, transports }) => ({ id: credentialId, transports })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    return json(options, 200, { 'cache-control': 'no-store' });
  },
);

export const makePasskey = route(
  {
    method: 'post',
    path: '/api/passkeys',
    id: 'makePasskey',
    tag: 'Operators',
    summary: 'Enrol a passkey with an invitation, and sign in',
    guard: 'public',
    body: z
      .object({
        invitation: Code,
        credential: NewPasskey,
        label: z.string().min(1).max(60).default('passkey').describe('how the operator tells the device'),
      })
      .meta({ id: 'PasskeyRequest' }),
    answers: { 201: { description: 'Enrolled, with a token for the pages', schema: SignedIn } },
    problems: ['unauthenticated', 'conflict'],
  },
  async ({ deps, c, body }) => {
    const refuse = (): void => refuseGuessing(deps, clientAddress(c));
    const operator = await invited(deps, body.invitation, refuse);
    const made = await verified(deps, body).catch(() => {
      refuse();
      throw unauthenticated('This passkey was not made for this invitation.');
    });
    const signedIn = await deps.db.$transaction(async (tx) => {
      await useChallenge(tx, challengeOf(body.credential.response.clientDataJSON), deps.now());
      const { count } = await tx.operator.updateMany({
        where: { id: operator.id, invitationHash: hashKey(body.invitation), endedAt: null },
        data: { invitationHash: null, invitedUntil: null },
      });
      if (count === 0) throw unauthenticated('This invitation has just been used.');
      const passkey = { id: randomUUID(), operatorId: operator.id, label: body.label, createdAt: new Date(deps.now()) };
      const { count: added } = await tx.passkey.createMany({ data: [{ ...passkey, ...made }], skipDuplicates: true });
      if (added === 0) throw new Problem('conflict', 'This passkey is enrolled already.');
      await audited(deps, tx, { name: `admin:${operator.name}` }, 'operator.enrol', { passkey: passkey.id });
      return openSession(deps, tx, operator);
    });
    return json(signedIn, 201, { 'cache-control': 'no-store' });
  },
);

/** @throws Error where the authenticator’s answer is not for this site, this invitation and a person whom it knows */
async function verified(
  deps: Deps,
  { invitation, credential }: { invitation: string; credential: z.infer<typeof NewPasskey> },
): Promise<Pick<Passkey, 'credentialId' | 'publicKey' | 'counter' | 'transports'>> {
  const challenges = new Challenges(deps.secret, deps.now);
  const { id: expectedRPID, origin: expectedOrigin } = relyingParty(deps.config);
  const { verified: isTrue, registrationInfo } = await (
    await webauthn()
  ).verifyRegistrationResponse({
    response: credential,
    expectedChallenge: (challenge) => challenges.isOurs(purpose(invitation), challenge),
    expectedOrigin,
    expectedRPID,
    requireUserVerification: true,
  });
  if (!isTrue) throw new Error('the attestation does not hold');
  const { id, publicKey, counter } = registrationInfo.credential;
  const { transports } = credential.response;
  return { credentialId: id, publicKey: Uint8Array.from(publicKey), counter: BigInt(counter), transports };
}
