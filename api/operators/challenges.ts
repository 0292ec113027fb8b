import { randomBytes } from 'node:crypto';
import type { Database, Transaction } from '../../platform/database.ts';
import { deriveKey, equalConstantTime, hmacBase64Url } from '../../platform/signing.ts';
import { unauthenticated } from '../auth.ts';

const LIFE_MS = 5 * 60_000;
const NONCE_BYTES = 16;
const EXPIRY_BYTES = 6;
const SIGNED_BYTES = NONCE_BYTES + EXPIRY_BYTES;

/**
 * What an authenticator signs, good for five minutes and for one answer. A challenge carries its own end and signature: asking for one writes nothing,
 * and only a true answer leaves a row.
 */
export class Challenges {
  private readonly key: Buffer;
  constructor(
    secret: string,
    private readonly now: () => number,
  ) {
    this.key = deriveKey(secret, 'passkey');
  }
  /** @param purpose what an answer is good for; one for another purpose is worth nothing */
  make(purpose: string): Uint8Array<ArrayBuffer> {
    const expiry = Buffer.alloc(EXPIRY_BYTES);
    expiry.writeUIntBE(this.now() + LIFE_MS, 0, EXPIRY_BYTES);
    const signed = Buffer.concat([randomBytes(NONCE_BYTES), expiry]);
    return Uint8Array.from(Buffer.concat([signed, Buffer.from(this.sign(purpose, signed), 'base64url')]));
  }
  private sign(purpose: string, signed: Buffer): string {
    return hmacBase64Url(this.key, `${purpose}\n${signed.toString('base64url')}`);
  }
  isOurs(purpose: string, challenge: string): boolean {
    const bytes = Buffer.from(challenge, 'base64url');
    const signed = bytes.subarray(0, SIGNED_BYTES);
    return (
      signed.length === SIGNED_BYTES &&
      equalConstantTime(this.sign(purpose, signed), bytes.subarray(SIGNED_BYTES).toString('base64url')) &&
      signed.readUIntBE(NONCE_BYTES, EXPIRY_BYTES) > this.now()
    );
  }
}

/** @param challenge one of ours. @throws Problem `unauthenticated` where it was answered before */
export async function useChallenge(tx: Database | Transaction, challenge: string, now: number): Promise<void> {
  await tx.usedChallenge.deleteMany({ where: { expiresAt: { lt: new Date(now) } } });
  const { count } = await tx.usedChallenge.createMany({
    data: [{ challenge, expiresAt: new Date(now + LIFE_MS) }],
    skipDuplicates: true,
  });
  if (count === 0) throw unauthenticated('This answer was given before; ask for another challenge.');
}

/** The challenge that an authenticator's answer speaks of; the answer has been verified. */
export const challengeOf = (clientDataJson: string): string =>
  (JSON.parse(Buffer.from(clientDataJson, 'base64url').toString('utf8')) as { challenge: string }).challenge;
