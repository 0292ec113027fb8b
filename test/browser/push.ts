import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  randomBytes,
  verify,
} from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What one push message was, opened with the browser's keys. */
export interface PushMessage {
  payload: { type: string; booking_id: string; title: string; body: string; url: string };
  ttl: number;
  /** Claims of the sender's VAPID token, whose signature has been verified. */
  vapid: { aud: string; exp: number; sub: string; key: string };
}
/** A push service as a browser's maker runs one, with one subscription: it takes messages over https, checks who sends them (RFC 8292) and opens them (RFC 8291). */
export interface PushService {
  /** PEM file of the certificate that it shows. */
  certificate: string;
  subscription: { endpoint: string; keys: { p256dh: string; auth: string } };
  received: PushMessage[];
  /** Answers to messages that could not be opened or came from a stranger. */
  problems: string[];
  /** The first message that fits, waited for. */
  message(fits: (message: PushMessage) => boolean, timeoutMs: number): Promise<PushMessage>;
  stop(): Promise<void>;
}

export async function startPushService(): Promise<PushService> {
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-push-'));
  const { certificate, key } = selfSigned('127.0.0.1');
  const file = join(folder, 'push.pem');
  writeFileSync(file, certificate);
  const browser = createECDH('prime256v1');
  browser.generateKeys();
  const auth = randomBytes(16);
  const received: PushMessage[] = [];
  const problems: string[] = [];
  const waiting = new Set<() => void>();
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      try {
        if (request.method !== 'POST' || request.url !== '/send/browser')
          throw new Error(`${request.method} ${request.url}`);
        if (request.headers['content-encoding'] !== 'aes128gcm')
          throw new Error(`content-encoding ${request.headers['content-encoding']}`);
        const vapid = verifiedSender(request.headers.authorization ?? '', origin());
        const payload = JSON.parse(
          openMessage(Buffer.concat(parts), browser, auth).toString('utf8'),
        ) as PushMessage['payload'];
        received.push({ payload, ttl: Number(request.headers.ttl), vapid });
        response.writeHead(201, { location: `${origin()}/message/${received.length}` }).end();
        for (const look of waiting) look();
      } catch (thrown) {
        problems.push(String(thrown));
        response.writeHead(400).end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = (): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    certificate: file,
    subscription: {
      endpoint: `${origin()}/send/browser`,
      keys: { p256dh: browser.getPublicKey('base64url'), auth: auth.toString('base64url') },
    },
    received,
    problems,
    message: (fits, timeoutMs) =>
      new Promise((resolve, reject) => {
        const done = (end: () => void): void => {
          clearTimeout(timer);
          waiting.delete(look);
          end();
        };
        const look = (): void => {
          const found = received.find(fits);
          if (found) done(() => resolve(found));
        };
        const timer = setTimeout(
          () =>
            done(() =>
              reject(
                new Error(
                  `no such push message in ${timeoutMs} ms; came: ${JSON.stringify(received.map((m) => m.payload.type))}, refused: ${JSON.stringify(problems)}`,
                ),
              ),
            ),
          timeoutMs,
        );
        waiting.add(look);
        look();
      }),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const hmac = (key: Buffer, ...parts: (Buffer | string)[]): Buffer => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
};
const ONE = Buffer.from([1]);
const TAG_BYTES = 16;

/** Keys of a message from its salt and both sides' shared secret: RFC 8291 3.4. */
function keysOf(
  secret: Buffer,
  auth: Buffer,
  salt: Buffer,
  receiver: Buffer,
  sender: Buffer,
): { key: Buffer; nonce: Buffer } {
  const input = hmac(hmac(auth, secret), 'WebPush: info\0', receiver, sender, ONE);
  const prk = hmac(salt, input);
  return {
    key: hmac(prk, 'Content-Encoding: aes128gcm\0', ONE).subarray(0, 16),
    nonce: hmac(prk, 'Content-Encoding: nonce\0', ONE).subarray(0, 12),
  };
}

/** Opens a message of one record, the only kind that push services take (RFC 8188, RFC 8291). @throws Error when it is not for these keys. */
export function openMessage(body: Buffer, browser: ReturnType<typeof createECDH>, auth: Buffer): Buffer {
  const salt = body.subarray(0, 16);
  const idLength = body.readUInt8(20);
  const sender = body.subarray(21, 21 + idLength);
  const sealed = body.subarray(21 + idLength);
  if (sealed.length > body.readUInt32BE(16)) throw new Error('more than one record');
  const { key, nonce } = keysOf(browser.computeSecret(sender), auth, salt, browser.getPublicKey(), sender);
  const cipher = createDecipheriv('aes-128-gcm', key, nonce);
  cipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = Buffer.concat([cipher.update(sealed.subarray(0, -TAG_BYTES)), cipher.final()]);
  const end = plain.lastIndexOf(2);
  if (end < 0 || plain.subarray(end + 1).some((byte) => byte !== 0)) throw new Error('no end of record');
  return plain.subarray(0, end);
}
/** Seals a message as RFC 8291's appendix A does, for checking `openMessage` against the RFC's own figures. */
export function sealMessage(
  plain: Buffer,
  sender: ReturnType<typeof createECDH>,
  receiver: Buffer,
  auth: Buffer,
  salt: Buffer,
): Buffer {
  const { key, nonce } = keysOf(sender.computeSecret(receiver), auth, salt, receiver, sender.getPublicKey());
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const head = Buffer.alloc(21);
  salt.copy(head);
  head.writeUInt32BE(4096, 16);
  head[20] = 65;
  return Buffer.concat([
    head,
    sender.getPublicKey(),
    cipher.update(plain),
    cipher.update(Buffer.from([2])),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

/** Claims of `vapid t=…, k=…` when its signature, audience and time are right (RFC 8292). */
function verifiedSender(authorization: string, origin: string): PushMessage['vapid'] {
  const [, token, key] = /^vapid t=([\w.-]+),\s*k=([\w-]+)$/.exec(authorization) ?? [];
  if (!token || !key) throw new Error(`no VAPID in "${authorization}"`);
  const [head, claims, signature] = token.split('.');
  const point = Buffer.from(key, 'base64url');
  const publicKey = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  });
  if (
    !verify(
      'sha256',
      Buffer.from(`${head}.${claims}`),
      { key: publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature ?? '', 'base64url'),
    )
  )
    throw new Error('VAPID signature is wrong');
  const said = JSON.parse(Buffer.from(claims ?? '', 'base64url').toString('utf8')) as {
    aud: string;
    exp: number;
    sub: string;
  };
  const now = Date.now() / 1_000;
  if (said.aud !== origin || said.exp < now || said.exp > now + 86_400)
    throw new Error(`VAPID claims are wrong: ${JSON.stringify(said)}`);
  return { ...said, key };
}

const DER = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  time: 0x17,
  boolean: 0x01,
} as const;
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const length =
    body.length < 128
      ? Buffer.from([body.length])
      : body.length < 256
        ? Buffer.from([0x81, body.length])
        : Buffer.from([0x82, body.length >> 8, body.length & 255]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
}
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** A certificate for one loopback address that vouches for itself (X.509 v3, ECDSA on P-256), good for a day. */
function selfSigned(address: string): { certificate: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = der(DER.sequence, der(DER.oid, hex('2a8648ce3d040302')));
  const name = der(
    DER.sequence,
    der(DER.set, der(DER.sequence, der(DER.oid, hex('550403')), der(DER.utf8, Buffer.from('push service')))),
  );
  const time = (ms: number): Buffer =>
    der(DER.time, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
  const day = 86_400_000;
  const names = der(DER.sequence, der(0x87, Buffer.from(address.split('.').map(Number))));
  const extensions = der(
    DER.sequence,
    der(DER.sequence, der(DER.oid, hex('551d11')), der(DER.octets, names)),
    der(
      DER.sequence,
      der(DER.oid, hex('551d13')),
      der(DER.boolean, hex('ff')),
      der(DER.octets, der(DER.sequence, der(DER.boolean, hex('ff')))),
    ),
  );
  const body = der(
    DER.sequence,
    der(0xa0, der(DER.integer, hex('02'))),
    der(DER.integer, Buffer.concat([hex('01'), randomBytes(8)])),
    algorithm,
    name,
    der(DER.sequence, time(Date.now() - day), time(Date.now() + day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = createSign('sha256')
    .update(body)
    .sign(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  const whole = der(DER.sequence, body, algorithm, der(DER.bits, hex('00'), signature));
  const pem = `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
  return { certificate: pem, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}
