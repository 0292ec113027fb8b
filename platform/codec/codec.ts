import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { CodecKeys } from './keys.ts';

const { Payload: PayloadProto } = proto.temporal.api.common.v1;
/** As Temporal's own samples name it. */
const ENCODING = 'binary/encrypted';
const KEY_NAME = 'encryption-key-id';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

/**
 * Seals whole payloads with AES-256-GCM: a random nonce of 12 bytes, the sealed payload, a tag of 16 bytes. The key's name stands beside it and is
 * part of what the tag proves. What is not sealed passes: histories of before the first key are read as they are.
 */
export class SealingCodec implements PayloadCodec {
  constructor(private readonly ring: CodecKeys) {}

  async encode(payloads: Payload[]): Promise<Payload[]> {
    const { current, keys } = this.ring;
    return payloads.map((payload) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', keys.get(current)!, nonce).setAAD(Buffer.from(current));
      const plain = PayloadProto.encode(payload).finish();
      return {
        metadata: { encoding: Buffer.from(ENCODING), [KEY_NAME]: Buffer.from(current) },
        data: Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]),
      };
    });
  }

  /** @throws Error naming the key that is not there, or that the payload was changed */
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (text(payload.metadata?.encoding) === ENCODING ? this.open(payload) : payload));
  }
  private open({ metadata, data }: Payload): Payload {
    const name = text(metadata?.[KEY_NAME]);
    const key = this.ring.keys.get(name);
    if (!key) throw new Error(`A payload is sealed with the key "${name}", which TEMPORAL_CODEC_KEYS does not hold.`);
    const sealed = Buffer.from(data ?? []);
    if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new Error('A sealed payload is too short to be one.');
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(name))
      .setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    try {
      const inside = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
      return PayloadProto.decode(Buffer.concat([inside, decipher.final()]));
    } catch {
      throw new Error(`A payload does not open with the key "${name}": it was changed, or the key is another.`);
    }
  }
}
