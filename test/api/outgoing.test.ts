import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { Hub, type Viewer } from '../../api/live/hub.ts';
import { textFrame } from '../../api/live/outgoing.ts';
import { createMetrics } from '../../api/metrics.ts';

interface Peer {
  viewer: Viewer;
  ws: WebSocket;
  /** Each write to the viewer's socket. */
  written: Buffer[];
  heard: string[];
  hears: (count: number) => Promise<string[]>;
}

describe('what goes out to viewers, read by a stock WebSocket client', () => {
  let server: Server;
  let hub: Hub;
  const arrived: ((viewer: Viewer, written: Buffer[]) => void)[] = [];
  const peers: Peer[] = [];
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });

  beforeAll(async () => {
    hub = new Hub(createMetrics());
    server = createServer();
    server.on('upgrade', (request, socket: Duplex, head) =>
      wss.handleUpgrade(request, socket, head, (ws) => {
        const written: Buffer[] = [];
        const write = socket.write.bind(socket) as (chunk: Buffer) => boolean;
        socket.write = ((chunk: Buffer) => {
          written.push(chunk);
          return write(chunk);
        }) as typeof socket.write;
        arrived.shift()!(hub.add(ws, socket), written);
      }),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    for (const { ws, viewer } of peers.splice(0)) {
      hub.remove(viewer);
      ws.terminate();
    }
  });
  afterAll(() => {
    hub.stop();
    server.closeAllConnections();
    server.close();
  });

  async function watch(...channels: string[]): Promise<Peer> {
    const known = new Promise<{ viewer: Viewer; written: Buffer[] }>((resolve) =>
      arrived.push((viewer, written) => resolve({ viewer, written })),
    );
    const ws = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const heard: string[] = [];
    ws.on('message', (raw: Buffer) => heard.push(raw.toString()));
    await once(ws, 'open');
    const { viewer, written } = await known;
    for (const channel of channels) hub.join(viewer, channel);
    const hears = async (count: number): Promise<string[]> => {
      while (heard.length < count) await once(ws, 'message');
      return heard.map((text) => (JSON.parse(text) as { event: string }).event);
    };
    const peer = { viewer, ws, written, heard, hears };
    peers.push(peer);
    return peer;
  }

  test('a message of each length of frame is read as it was said', async () => {
    const { viewer, heard, ws } = await watch();
    const texts = ['', 'é'.repeat(60_000), ...[125, 126, 65_535, 65_536].map((length) => 'x'.repeat(length))];
    for (const text of texts) hub.sendRaw(viewer, text);
    while (heard.length < texts.length) await once(ws, 'message');
    expect(heard.map((text, i) => text === texts[i])).toEqual(texts.map(() => true));
  });

  test('what coincides is one write for each viewer, in order, its bytes made once for all', async () => {
    const [one, two] = [await watch('s'), await watch('s')];
    for (const name of ['a', 'b', 'c', 'd']) hub.broadcast('s', name, { pad: 'é'.repeat(400) });
    expect(one.written).toEqual([]);
    expect(await one.hears(4)).toEqual(['a', 'b', 'c', 'd']);
    expect(await two.hears(4)).toEqual(['a', 'b', 'c', 'd']);
    expect([one.written.length, two.written.length]).toEqual([1, 1]);
    expect(two.written[0]).toBe(one.written[0]);
    hub.broadcast('s', 'alone', {});
    await one.hears(5);
    await two.hears(5);
    expect(two.written[1]).toBe(one.written[1]);
  });

  test('viewers of different channels get each their own, in the order in which it was said', async () => {
    const [both, first, second] = [await watch('s', 't'), await watch('s'), await watch('t')];
    for (const [channel, name] of [
      ['t', '1'],
      ['s', '2'],
      ['t', '3'],
      ['s', '4'],
    ] as const)
      hub.broadcast(channel, name, {});
    expect(await both.hears(4)).toEqual(['1', '2', '3', '4']);
    expect(await first.hears(2)).toEqual(['2', '4']);
    expect(await second.hears(2)).toEqual(['1', '3']);
    expect(both.written).toHaveLength(1);
  });

  test('a receipt is written in the call that brings it, behind what was said before', async () => {
    const { written, hears } = await watch('s');
    hub.broadcast('s', 'log.appended', {});
    hub.broadcast('s', 'receipt.changed', {}, { atOnce: true });
    expect(written).toHaveLength(1);
    hub.broadcast('s', 'log.appended', {});
    expect(await hears(3)).toEqual(['log.appended', 'receipt.changed', 'log.appended']);
  });

  test('an answer to one, and a close, come behind what was said before', async () => {
    const { viewer, hears, ws, heard } = await watch('s');
    hub.broadcast('s', 'first', {});
    hub.send(viewer, 'answer', {});
    hub.broadcast('s', 'last', {});
    hub.close(viewer, 4_200, 'restarting');
    hub.broadcast('s', 'too late', {});
    const [code] = (await once(ws, 'close')) as [number];
    expect(await hears(3)).toEqual(['first', 'answer', 'last']);
    expect(heard).toHaveLength(3);
    expect(code).toBe(4_200);
  });

  test('a crowd does not hold up what else has come in: a stop has its turn between viewers', async () => {
    const crowd: Peer[] = [];
    for (let i = 0; i < 300; i++) crowd.push(await watch('s'));
    hub.broadcast('s', 'log.appended', {});
    await turn();
    const told = crowd.filter(({ written }) => written.length > 0).length;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThan(300);
    await Promise.all(crowd.map(({ hears }) => hears(1)));
  });

  test('much that is said in one turn is written on the way, not taken for a slow viewer', async () => {
    const { viewer, hears } = await watch('s');
    const pad = 'x'.repeat(9_000);
    for (let i = 0; i < 200; i++) hub.broadcast('s', 'log.appended', { pad });
    expect(viewer.ws.readyState).toBe(1);
    expect(await hears(200)).toHaveLength(200);
  });

  test('what a slow viewer has kept of the past is never told after what is newer', async () => {
    const { viewer, ws, heard } = await watch('s');
    const reader = (ws as unknown as { _socket: { pause(): void; resume(): void } })._socket;
    reader.pause();
    const say = (i: number): void =>
      hub.broadcast('s', 'control.updated', { i, pad: 'x'.repeat(9_000) }, { replaces: true });
    let i = 0;
    while (viewer.newest === null) say(++i);
    reader.resume();
    while (viewer.socket.writableLength > 0) await turn();
    say(++i);
    while (viewer.newest !== null) await once(ws, 'message');
    hub.broadcast('s', 'end', {});
    while (!heard.at(-1)?.includes('"end"')) await once(ws, 'message');
    const numbers = heard
      .slice(0, -1)
      .map((text) => (JSON.parse((JSON.parse(text) as { data: string }).data) as { i: number }).i);
    expect(numbers.at(-1)).toBe(i);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });
});

test('a frame is what RFC 6455 section 5.7 shows for an unmasked text message', () => {
  expect(textFrame('Hello').toString('hex')).toBe('810548656c6c6f');
});
