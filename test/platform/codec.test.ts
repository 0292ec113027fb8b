import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defaultPayloadConverter } from '@temporalio/common';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadConfig } from '../../platform/config.ts';
import { SealingCodec } from '../../platform/codec/codec.ts';
import { parseCodecKeys } from '../../platform/codec/keys.ts';
import { createCodecServer } from '../../platform/codec/server.ts';

const line = (name: string): string => `${name}:${randomBytes(32).toString('base64')}`;
const [first, second] = [line('2026-01'), line('2026-07')];
const codecOf = (...lines: string[]): SealingCodec => new SealingCodec(parseCodecKeys(lines.join('\n')));
const VALUE = { target: { name: 'M 31', ra_hours: 0.712 } };
const payload = defaultPayloadConverter.toPayload(VALUE);

describe('keys of the codec', () => {
  test('come from a file or a variable, the newest first, and are never repeated in an error', () => {
    expect(parseCodecKeys(`# since July\n${second}\n${first}\n`).current).toBe('2026-07');
    expect(loadConfig({ TEMPORAL_CODEC_KEYS: `${second},${first}` }).TEMPORAL_CODEC_KEYS).toContain('2026-01');
    for (const bad of ['short:AAAA', `${first}\n${first}`, 'nothing', `:${second}`]) {
      expect(() => loadConfig({ TEMPORAL_CODEC_KEYS: bad })).toThrow(/TEMPORAL_CODEC_KEYS: (must be lines|names)/);
      expect(() => loadConfig({ TEMPORAL_CODEC_KEYS: bad })).not.toThrow(bad);
    }
  });
});

describe('a sealed payload', () => {
  test('shows nothing of what it holds, is another each time, and opens', async () => {
    const codec = codecOf(first);
    const [one, two] = await codec.encode([payload, payload]);
    expect(Buffer.from(one!.data!).toString('latin1')).not.toContain('M 31');
    expect(Buffer.from(one!.data!).equals(Buffer.from(two!.data!))).toBe(false);
    for (const opened of await codec.decode([one!, two!]))
      expect(defaultPayloadConverter.fromPayload(opened)).toEqual(VALUE);
  });
  test('opens after the key was changed, as long as the old one is there, and says which one is missing', async () => {
    const sealed = await codecOf(first).encode([payload]);
    expect(defaultPayloadConverter.fromPayload((await codecOf(second, first).decode(sealed))[0]!)).toEqual(VALUE);
    expect(
      Buffer.from((await codecOf(second, first).encode([payload]))[0]!.metadata!['encryption-key-id']!).toString(),
    ).toBe('2026-07');
    await expect(codecOf(second).decode(sealed)).rejects.toThrow('"2026-01"');
  });
  test('does not open when a bit of it, its key’s name or the key is another', async () => {
    const [sealed] = await codecOf(first).encode([payload]);
    const data = Buffer.from(sealed!.data!);
    for (const at of [0, 20, data.length - 1]) {
      const changed = Buffer.from(data);
      changed[at]! ^= 1;
      await expect(codecOf(first).decode([{ ...sealed!, data: changed }])).rejects.toThrow('was changed');
    }
    const renamed = { ...sealed!.metadata, 'encryption-key-id': Buffer.from('2026-07') };
    const same = `2026-07:${first.split(':')[1]!}`;
    await expect(codecOf(same).decode([{ ...sealed!, metadata: renamed }])).rejects.toThrow('was changed');
    await expect(codecOf(first).decode([{ ...sealed!, data: data.subarray(0, 9) }])).rejects.toThrow('too short');
  });
  test('of before the first key is read as it is', async () => {
    expect(await codecOf(first).decode([payload])).toEqual([payload]);
  });
});

describe('the codec server of Temporal’s pages', () => {
  let server: Server;
  let url: string;
  const codec = codecOf(first);
  beforeAll(async () => {
    server = createCodecServer(codec, ['http://localhost:8080']).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());
  const post = (way: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}/${way}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const written = (one: typeof payload): object => ({
    metadata: Object.fromEntries(
      Object.entries(one.metadata!).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(one.data!).toString('base64'),
  });

  test('opens for a program, and for the one page that is named', async () => {
    const sealed = { payloads: (await codec.encode([payload])).map(written) };
    const askers: Record<string, string>[] = [{}, { origin: 'http://localhost:8080' }];
    for (const headers of askers) {
      const answer = await post('decode', sealed, headers);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({ payloads: [written(payload)] });
      expect(answer.headers.get('access-control-allow-origin')).toBe(headers.origin ?? null);
    }
    const back = (await (await post('encode', { payloads: [written(payload)] })).json()) as { payloads: object[] };
    expect(await (await post('decode', back)).json()).toEqual({ payloads: [written(payload)] });
  });
  test('answers no other page, and says what is wrong', async () => {
    expect((await post('decode', { payloads: [] }, { origin: 'http://evil.example' })).status).toBe(403);
    const foreign = await codecOf(second).encode([payload]);
    const answer = await post('decode', { payloads: foreign.map(written) });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('2026-07')]);
    expect((await fetch(`${url}/decode`)).status).toBe(404);
  });
});
