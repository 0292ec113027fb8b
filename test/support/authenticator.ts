import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

const sha256 = (data: Buffer | string): Buffer => createHash('sha256').update(data).digest();
const PRESENT = 0x01;
const VERIFIED = 0x04;
const ATTESTED = 0x40;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** A device with one passkey, as WebAuthn Level 3 (6.1, 6.5) describes its bytes: ES256, no attestation. */
export class Authenticator {
  readonly id = randomBytes(32).toString('base64url');
  private readonly keys: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
  });
  private counter = 0;
  /** Whether it asks for a finger or a PIN. */
  verifies = true;
  /** @param origin of the page that it believes to be on */
  constructor(
    public origin: string,
    private readonly rpId = new URL(origin).hostname,
  ) {}

  make({ challenge }: { challenge: string }): object {
    const { x, y } = this.keys.publicKey.export({ format: 'jwk' });
    // COSE_Key (RFC 9053, 7.1): EC2, ES256, P-256.
    const key = Buffer.concat([
      hex('a5 01 02 03 26 20 01 21 58 20'),
      Buffer.from(x!, 'base64url'),
      hex('22 58 20'),
      Buffer.from(y!, 'base64url'),
    ]);
    const id = Buffer.from(this.id, 'base64url');
    const data = this.data(ATTESTED, Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, key]));
    const object = Buffer.concat([
      hex('a3 63'),
      Buffer.from('fmt'),
      hex('64'),
      Buffer.from('none'),
      hex('67'),
      Buffer.from('attStmt'),
      hex('a0 68'),
      Buffer.from('authData'),
      Buffer.from([0x58, data.length]),
      data,
    ]);
    return this.credential({
      clientDataJSON: this.client('webauthn.create', challenge).toString('base64url'),
      attestationObject: object.toString('base64url'),
      transports: ['internal'],
    });
  }
  answer({ challenge }: { challenge: string }): object {
    this.counter += 1;
    const [client, data] = [this.client('webauthn.get', challenge), this.data(0)];
    const signature = sign('sha256', Buffer.concat([data, sha256(client)]), this.keys.privateKey);
    return this.credential({
      clientDataJSON: client.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: signature.toString('base64url'),
    });
  }
  /** As a copy of the device would count. */
  wind(counter: number): void {
    this.counter = counter;
  }

  private credential(response: object): object {
    return { id: this.id, rawId: this.id, type: 'public-key', clientExtensionResults: {}, response };
  }
  private client(type: string, challenge: string): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false }));
  }
  private data(flags: number, attested = Buffer.alloc(0)): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.counter);
    const seen = PRESENT | (this.verifies ? VERIFIED : 0) | flags;
    return Buffer.concat([sha256(this.rpId), Buffer.from([seen]), counter, attested]);
  }
}
