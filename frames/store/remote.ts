import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { AwsClient } from 'aws4fetch';
import type { Config } from '../../platform/config.ts';
import { UsageError } from '../../platform/errors.ts';

/** The target did not do what was asked; `status` is its HTTP status, or null where it did not answer. */
export class RemoteFailure extends Error {
  override name = 'RemoteFailure';
  readonly status: number | null;
  constructor(status: number | null, message: string) {
    super(message);
    this.status = status;
  }
}

export interface RemoteConfig {
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/**
 * The S3-compatible target out of `S3_*`; null when `S3_BUCKET` is not set. Without `S3_ENDPOINT` it is Amazon's of the region.
 * @throws UsageError naming what lacks
 */
export function remoteConfig(
  config: Pick<Config, 'S3_ENDPOINT' | 'S3_BUCKET' | 'S3_REGION' | 'S3_ACCESS_KEY_ID' | 'S3_SECRET_ACCESS_KEY'>,
): RemoteConfig | null {
  if (!config.S3_BUCKET) return null;
  const region = config.S3_REGION ?? 'us-east-1';
  for (const name of ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const)
    if (!config[name]) throw new UsageError(`${name} is not set, but S3_BUCKET is; set both or neither.`);
  const endpoint = config.S3_ENDPOINT ?? `https://s3.${region}.amazonaws.com`;
  if (!URL.canParse(endpoint))
    throw new UsageError(`S3_ENDPOINT: ${endpoint} is not a URL such as https://s3.example.org.`);
  return {
    endpoint: endpoint.replace(/\/+$/, ''),
    bucket: config.S3_BUCKET,
    region,
    accessKeyId: config.S3_ACCESS_KEY_ID!,
    secretAccessKey: config.S3_SECRET_ACCESS_KEY!,
  };
}

/** Longest wait for an answer that carries no frame. */
const ANSWER_MS = 30_000;
/** A transfer slower than this in bytes per second is given up and tried again later. */
const SLOWEST = 100_000;

/**
 * Contents at an S3-compatible target, under the same names as in the local store. The sha256 of each is signed into its upload, so the
 * target itself refuses bytes that are not those (AWS Signature Version 4, `x-amz-content-sha256`), and kept there as its checksum.
 */
export class RemoteStore {
  private readonly client: AwsClient;
  private readonly base: string;
  constructor(config: RemoteConfig) {
    this.client = new AwsClient({
      accessKeyId: config.accessKeyId,
      secretAccessKey: config.secretAccessKey,
      service: 's3',
      region: config.region,
      retries: 0,
    });
    this.base = `${config.endpoint}/${encodeSegment(config.bucket)}`;
  }

  static objectKey(sha256: string): string {
    return `objects/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`;
  }

  /**
   * Brings a content there unless it stands there already, and makes sure that what stands there is this content.
   * @returns whether bytes were sent
   * @throws RemoteFailure
   */
  async put(key: string, path: string, sha256: string): Promise<'stored' | 'known'> {
    const { size } = await stat(path);
    if (await this.verify(key, sha256, size)) return 'known';
    const body = createReadStream(path, { highWaterMark: 1 << 18 });
    try {
      const answer = await this.send(
        'PUT',
        key,
        size,
        { 'content-length': String(size), ...this.checksum(sha256) },
        Readable.toWeb(body),
      );
      await answer.arrayBuffer();
    } finally {
      body.destroy();
    }
    if (!(await this.verify(key, sha256, size)))
      throw new RemoteFailure(null, `${key}: what was stored is not what was sent`);
    return 'stored';
  }

  /** A small text such as a manifest; replaced when it differs. */
  async putText(key: string, text: string): Promise<void> {
    const sha256 = createHash('sha256').update(text).digest('hex');
    const answer = await this.send('PUT', key, text.length, this.checksum(sha256), text);
    await answer.arrayBuffer();
  }

  /** True when this content stands there: by the checksum that the target kept, else by reading it back. @throws RemoteFailure */
  async verify(key: string, sha256: string, bytes: number): Promise<boolean> {
    let head: Response;
    try {
      head = await this.send('HEAD', key, 0, { 'x-amz-checksum-mode': 'ENABLED' });
    } catch (thrown) {
      if (thrown instanceof RemoteFailure && thrown.status === 404) return false;
      throw thrown;
    }
    if (Number(head.headers.get('content-length')) !== bytes) return false;
    const kept = head.headers.get('x-amz-checksum-sha256');
    if (kept) return kept === base64Of(sha256);
    const answer = await this.send('GET', key, bytes, {});
    const hash = createHash('sha256');
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) hash.update(chunk);
    return hash.digest('hex') === sha256;
  }

  /**
   * Fetches a content into a file.
   * @throws RemoteFailure also when what came is not that content
   */
  async fetch(key: string, to: string, sha256: string, bytes: number): Promise<void> {
    const answer = await this.send('GET', key, bytes, {});
    const hash = createHash('sha256');
    const tap = new Transform({
      transform: (chunk: Buffer, _, done) => {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(answer.body as ReadableStream), tap, createWriteStream(to));
    if (hash.digest('hex') !== sha256)
      throw new RemoteFailure(null, `${key}: what came is not the content with this name`);
  }

  private checksum(sha256: string): Record<string, string> {
    return {
      'x-amz-content-sha256': sha256,
      'x-amz-checksum-sha256': base64Of(sha256),
      'content-type': 'application/octet-stream',
    };
  }

  private async send(
    method: string,
    key: string,
    bytes: number,
    headers: Record<string, string>,
    body?: ReadableStream | string,
  ): Promise<Response> {
    const url = `${this.base}/${key.split('/').map(encodeSegment).join('/')}`;
    const signed = await this.client.sign(url, {
      method,
      headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers },
    });
    let answer: Response;
    try {
      answer = await fetch(url, {
        method,
        headers: signed.headers,
        signal: AbortSignal.timeout(ANSWER_MS + Math.ceil((bytes / SLOWEST) * 1000)),
        ...(body === undefined ? {} : { body: body as unknown as NonNullable<RequestInit['body']>, duplex: 'half' }),
      });
    } catch (thrown) {
      const cause = (thrown as { cause?: NodeJS.ErrnoException }).cause;
      throw new RemoteFailure(null, `${method} ${key}: ${cause?.code ?? (thrown as Error).message}`);
    }
    if (!answer.ok) {
      const text = method === 'HEAD' ? '' : await answer.text().catch(() => '');
      throw new RemoteFailure(
        answer.status,
        `${method} ${key}: ${answer.status} ${/<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? ''}`.trim(),
      );
    }
    return answer;
  }
}

/** As the signature's canonical path has it (RFC 3986: also ! ' ( ) * are escaped), so that what is sent is what is signed. */
const encodeSegment = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

const base64Of = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
