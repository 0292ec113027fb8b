import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  scryptSync,
  timingSafeEqual,
  type CipherGCM,
  type DecipherGCM,
} from 'node:crypto';
import { Transform } from 'node:stream';

/**
 * Files sealed with AES-256-GCM in chunks of 64 KB, as the STREAM construction has it (Hoang, Reyhanitabar, Rogaway, Vizár 2015): each chunk's nonce
 * holds its number and whether it is the last, so that a file cut short, joined or put under another name does not open.
 */
const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const PREFIX_BYTES = 7;
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** How a backup is sealed, as its manifest says it; `proof` shows that a passphrase is the right one. */
export interface Seal {
  kdf: 'scrypt';
  salt: string;
  proof: string;
}

const proofOf = (key: Buffer): Buffer => createHmac('sha256', key).update('nocturne backup').digest();
const keyOf = (passphrase: string, salt: Buffer): Buffer => scryptSync(passphrase, salt, 32, SCRYPT);

export function newSeal(passphrase: string): { seal: Seal; key: Buffer } {
  const salt = randomBytes(16);
  const key = keyOf(passphrase, salt);
  return { key, seal: { kdf: 'scrypt', salt: salt.toString('base64url'), proof: proofOf(key).toString('base64url') } };
}
/** The key, or null when the passphrase is another. */
export function keyFor(seal: Seal, passphrase: string): Buffer | null {
  const key = keyOf(passphrase, Buffer.from(seal.salt, 'base64url'));
  const proof = Buffer.from(seal.proof, 'base64url');
  const own = proofOf(key);
  return proof.length === own.length && timingSafeEqual(proof, own) ? key : null;
}
/** Signs the manifest, so that counts and checksums cannot be changed without the passphrase. */
export const signatureOf = (key: Buffer, text: string): string =>
  createHmac('sha256', key).update(text).digest('base64url');

function nonceOf(prefix: Buffer, count: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(PREFIX_BYTES + 5);
  prefix.copy(nonce);
  nonce.writeUInt32BE(count, PREFIX_BYTES);
  nonce[PREFIX_BYTES + 4] = last ? 1 : 0;
  return nonce;
}

/** Cuts a stream into pieces of one size; the last may be shorter and is told as such. */
abstract class Pieces extends Transform {
  private kept: Buffer = Buffer.alloc(0);
  protected count = 0;
  protected constructor(private readonly size: number) {
    super();
  }
  protected abstract piece(bytes: Buffer, last: boolean): Buffer;

  /** How many bytes stand before the first piece. */
  protected head(bytes: Buffer): Buffer {
    return bytes;
  }
  override _transform(chunk: Buffer, _encoding: string, done: (err?: Error | null) => void): void {
    try {
      this.kept = this.head(Buffer.concat([this.kept, chunk]));
      // A whole piece is kept back until more has come: it could be the last.
      let at = 0;
      for (; this.kept.length - at > this.size; at += this.size)
        this.push(this.piece(this.kept.subarray(at, at + this.size), false));
      this.kept = this.kept.subarray(at);
      done();
    } catch (thrown) {
      done(thrown as Error);
    }
  }
  override _flush(done: (err?: Error | null) => void): void {
    try {
      this.push(this.piece(this.kept, true));
      done();
    } catch (thrown) {
      done(thrown as Error);
    }
  }
}

class Sealing extends Pieces {
  private readonly prefix = randomBytes(PREFIX_BYTES);
  private begun = false;
  constructor(
    private readonly key: Buffer,
    private readonly name: string,
  ) {
    super(CHUNK_BYTES);
  }
  protected piece(bytes: Buffer, last: boolean): Buffer {
    const cipher: CipherGCM = createCipheriv('aes-256-gcm', this.key, nonceOf(this.prefix, this.count++, last));
    cipher.setAAD(Buffer.from(this.name));
    const begin = this.begun ? [] : [this.prefix];
    this.begun = true;
    const sealed = [cipher.update(bytes), cipher.final()];
    return Buffer.concat([...begin, ...sealed, cipher.getAuthTag()]);
  }
}

class Opening extends Pieces {
  private prefix: Buffer | null = null;
  constructor(
    private readonly key: Buffer,
    private readonly name: string,
  ) {
    super(CHUNK_BYTES + TAG_BYTES);
  }
  protected override head(bytes: Buffer): Buffer {
    if (this.prefix || bytes.length < PREFIX_BYTES) return bytes;
    this.prefix = Buffer.from(bytes.subarray(0, PREFIX_BYTES));
    return bytes.subarray(PREFIX_BYTES);
  }
  protected piece(bytes: Buffer, last: boolean): Buffer {
    if (!this.prefix || bytes.length < TAG_BYTES) throw new Error(`${this.name} is cut short.`);
    const cipher: DecipherGCM = createDecipheriv('aes-256-gcm', this.key, nonceOf(this.prefix, this.count++, last));
    cipher.setAAD(Buffer.from(this.name));
    cipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    const open = cipher.update(bytes.subarray(0, bytes.length - TAG_BYTES));
    try {
      return Buffer.concat([open, cipher.final()]);
    } catch {
      throw new Error(`${this.name} was changed or cut short since it was sealed.`);
    }
  }
}

/** Seals what flows through. @param name the file's name inside the backup, which its content is bound to */
export const sealStream = (key: Buffer, name: string): Transform => new Sealing(key, name);
/** Opens it again. Its stream fails when the content is not what was sealed under this name. */
export const openStream = (key: Buffer, name: string): Transform => new Opening(key, name);
