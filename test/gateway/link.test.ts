import { afterEach, describe, expect, test } from '@jest/globals';
import type { Gate, OutgoingLine } from '../../gateway/connection/link.ts';
import { buildRequest } from '../../gateway/protocol/requests.ts';
import { harness, type Harness } from './wire.ts';
import { until } from './peer.ts';

let open: Harness[] = [];
async function start(...args: Parameters<typeof harness>): Promise<Harness> {
  const h = await harness(...args);
  open.push(h);
  h.link.start();
  return h;
}
afterEach(async () => {
  for (const h of open) await h.close();
  open = [];
});

describe('connection: handshake', () => {
  test('Version, login, dashboard mode, log mode, then ready, in that order', async () => {
    const h = await start({ credentials: { username: 'admin', password: 'sesame' } });
    await h.ready();
    expect(h.recorded.states).toEqual(['connecting', 'handshaking', 'ready']);
    expect(h.peer.last.methods()).toEqual(['AuthenticateUserBase', 'RemoteSetDashboardMode', 'RemoteSetLogEvent']);
    expect(h.peer.last.received[0]).toMatchObject({ params: { Base: Buffer.from('admin:sesame').toString('base64') } });
    expect(h.peer.last.received[0]).not.toHaveProperty('jsonrpc');
    expect(h.peer.last.received[2]).toMatchObject({ params: { IsOn: true, Level: 0 } });
    expect(h.link.voyagerVersion).toBe('Release 2.3.14 - Built 2024-12-27');
    expect(h.link.epoch).toBe(1);
  });
  test('a ticket is sent as a ticket', async () => {
    const h = await start(
      { credentials: { ticket: 'T-1' } },
      {
        script: (m, c) =>
          m.method === 'AuthenticateUserTicket' &&
          (c.send({ jsonrpc: '2.0', authticket: { UserCode: 'u' }, id: m.id }), true),
      },
    );
    await h.ready();
    expect(h.peer.last.received[0]).toMatchObject({ method: 'AuthenticateUserTicket', params: { Ticket: 'T-1' } });
  });
  test('a server that wants no login is used without', async () => {
    const h = await start(
      { credentials: { username: 'a', password: 'b' } },
      {
        script: (m, c) =>
          m.method === 'AuthenticateUserBase' &&
          (c.send(c.error(m, 'Authentication Level not Allow this request')), true),
      },
    );
    await h.ready();
    expect(h.recorded.alarms).toEqual([]);
  });
  test('a rejected login raises an alarm, waits 5 min, and is tried at once when the secret changes', async () => {
    const h = await start(
      { credentials: { username: 'admin', password: 'wrong' } },
      {
        script: (m, c) => {
          if (m.method !== 'AuthenticateUserBase' || m.params?.Base === Buffer.from('admin:right').toString('base64'))
            return false;
          c.send(c.error(m, 'Authentication Rejected'));
          c.socket.end();
          return true;
        },
      },
    );
    await until('login rejected', () => h.link.state === 'waiting');
    expect(h.link.reason).toBe('login rejected: Authentication Rejected');
    expect(h.recorded.alarms).toEqual(['login_rejected']);
    h.clock.advance(299_000);
    expect(h.link.state).toBe('waiting');
    h.clock.advance(1_000);
    await until('rejected again', () => h.recorded.alarms.length === 2 && h.link.state === 'waiting');
    h.link.updateCredentials({ username: 'admin', password: 'wrong' });
    expect(h.link.state).toBe('waiting');
    h.link.updateCredentials({ username: 'admin', password: 'right' });
    await h.ready();
    expect(h.link.epoch).toBe(3);
  });
  test('no answer to the login within 5 s is a lost link', async () => {
    const h = await start(
      { credentials: { username: 'a', password: 'b' } },
      { script: (m) => m.method === 'AuthenticateUserBase' },
    );
    await until('login sent', () => h.peer.clients[0]?.methods().length === 1);
    h.clock.advance(5_000);
    expect(h.link.state).toBe('waiting');
    expect(h.link.reason).toBe('no answer to the login within 5 s');
    expect(h.recorded.alarms).toEqual([]);
  });
  test('a server that says nothing is left after 5 s', async () => {
    const h = await start({}, { hello: false });
    await until('connected', () => h.link.state === 'handshaking');
    h.clock.advance(5_000);
    expect(h.link.reason).toBe('no Version from Voyager within 5 s');
  });
  test('a mode that is refused is named', async () => {
    const h = await start(
      {},
      { script: (m, c) => m.method === 'RemoteSetDashboardMode' && (c.send(c.error(m, 'not licensed')), true) },
    );
    await until('waiting', () => h.link.state === 'waiting');
    expect(h.link.reason).toBe('RemoteSetDashboardMode failed: not licensed');
  });
  test('the session key is the Timestamp digit for digit', async () => {
    const h = await start({}, { hello: false });
    await until('connected', () => h.peer.clients.length === 1);
    h.peer.last.raw(
      '{"Event":"Version","Timestamp":1647176657.50840,"Host":"P","Inst":1,"VOYVersion":"Release 2.3.6e - Built 2022-10-09","VOYSubver":"","MsgVersion":1}\r\n',
    );
    await h.ready();
    expect(h.link.sessionKey).toBe('1647176657.50840');
  });
});

describe('connection: life', () => {
  test('Polling after 5 s of own silence, and not while we speak', async () => {
    const h = await start();
    await h.ready();
    for (let i = 0; i < 4; i++) {
      h.clock.advance(5_000);
      h.peer.last.event('Polling');
      await h.settled();
    }
    expect(h.peer.last.heartbeats()).toBe(4);
    expect(h.peer.last.received.at(-1)).toMatchObject({ Event: 'Polling', Inst: 1 });
    expect(h.peer.last.received.at(-1)).not.toHaveProperty('id');
    h.clock.advance(4_000);
    void h.link.request(buildRequest('RemoteGetStatus', {}));
    h.clock.advance(4_000);
    await h.settled();
    expect(h.peer.last.heartbeats()).toBe(4);
  });
  test('15 s without a byte is a dead link; pending requests end as unknown', async () => {
    const h = await start();
    await h.ready();
    const answer = h.link.request(buildRequest('RemoteGetStatus', {}));
    h.clock.advance(14_900);
    expect(h.link.state).toBe('ready');
    h.clock.advance(100);
    expect(h.link.state).toBe('waiting');
    expect(h.link.reason).toBe('no data from Voyager for 15 s');
    await expect(answer).resolves.toMatchObject({ outcome: 'unknown', why: 'disconnected' });
  });
  test('bytes without any message are a dead link after 120 s', async () => {
    const h = await start();
    await h.ready();
    for (let s = 0; s < 120; s += 10) {
      expect(h.link.state).toBe('ready');
      h.peer.last.raw(' ');
      await h.settled();
      h.clock.advance(10_000);
    }
    expect(h.link.reason).toBe('no message from Voyager for 120 s');
  });
  test('reconnects with 5, 10, 20 … 300 s between, for ever, and starts again at 5 s after being ready', async () => {
    const h = await start();
    await h.ready();
    const { port } = h.peer;
    await h.peer.close();
    await until('lost', () => h.link.state === 'waiting');
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      const from = h.clock.now();
      while (h.link.state === 'waiting') h.clock.advance(1_000);
      waits.push((h.clock.now() - from) / 1000);
      await until('refused', () => h.link.state === 'waiting');
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    expect(h.link.reason).toBe('cannot connect: ECONNREFUSED');
    await h.peer.open(port);
    h.clock.advance(300_000);
    await h.ready();
    expect(h.link.reconnects).toBe(1);
    h.peer.last.socket.destroy();
    await until('lost', () => h.link.state === 'waiting');
    h.clock.advance(5_000);
    await h.ready();
    expect(h.link.reconnects).toBe(2);
  });
  test('after a clean ShutDown it is back as soon as the port answers, with every mode on again', async () => {
    const h = await start();
    await h.ready();
    const { port } = h.peer;
    h.peer.last.event('ShutDown');
    h.peer.last.socket.end();
    await h.peer.close();
    await until('lost', () => h.link.state === 'waiting');
    h.clock.advance(200);
    await until('refused', () => h.link.state === 'waiting' && h.link.epoch === 2);
    await h.peer.open(port);
    h.clock.advance(200);
    await until('knocked', () => h.link.state !== 'connecting');
    if (h.link.state === 'waiting') h.clock.advance(2_000);
    await h.ready();
    expect(h.peer.last.methods()).toEqual(['RemoteSetDashboardMode', 'RemoteSetLogEvent']);
  });
  test('a restart brings a new session key, a new version and a new epoch', async () => {
    const h = await start();
    await h.ready();
    const before = h.link.sessionKey;
    h.clock.advance(1_234);
    h.peer.last.socket.end();
    await until('lost', () => h.link.state === 'waiting');
    expect(h.link.reason).toBe('Voyager closed the connection');
    h.clock.advance(5_000);
    await h.ready();
    expect(h.link.sessionKey).not.toBe(before);
    expect(h.link.epoch).toBe(2);
    expect(h.recorded.states).toEqual([
      'connecting',
      'handshaking',
      'ready',
      'waiting',
      'connecting',
      'handshaking',
      'ready',
    ]);
  });
  test('a slow drip of single bytes over minutes makes whole messages', async () => {
    const h = await start();
    await h.ready();
    const line = Buffer.from(`${JSON.stringify(h.peer.event('Signal', { Code: 501 }))}\r\n`);
    for (const byte of line) {
      h.peer.last.raw(Buffer.from([byte]));
      await h.settled();
      h.clock.advance(1_000);
    }
    expect(h.link.state).toBe('ready');
    expect(h.recorded.events.at(-1)).toMatchObject({ name: 'Signal', data: { Code: 501 } });
    expect(h.peer.last.heartbeats()).toBe(Math.floor(line.length / 5));
  });
  test('two instances on two ports live side by side in one process', async () => {
    const [one, two] = [await start(), await start({ instance: 2 })];
    await Promise.all([one.ready(), two.ready()]);
    two.peer.last.socket.destroy();
    await until('the second is lost', () => two.link.state === 'waiting');
    expect(one.link.state).toBe('ready');
    two.clock.advance(5_000);
    await two.ready();
    two.clock.advance(5_000);
    await two.settled();
    expect(two.peer.last.received.at(-1)).toMatchObject({ Event: 'Polling', Inst: 2 });
  });
  test('stop says disconnect and ends idle', async () => {
    const h = await start();
    await h.ready();
    await h.link.stop('maintenance');
    expect(h.link.state).toBe('idle');
    expect(h.recorded.states.slice(-2)).toEqual(['closing', 'idle']);
    expect(h.peer.last.methods().at(-1)).toBe('disconnect');
    h.clock.advance(600_000);
    expect(h.link.state).toBe('idle');
  });
  test('stop while waiting plans nothing more', async () => {
    const h = await start({}, { hello: false });
    await until('connected', () => h.link.state === 'handshaking');
    h.clock.advance(5_000);
    await h.link.stop('over');
    h.clock.advance(600_000);
    expect(h.link.state).toBe('idle');
    expect(h.peer.clients).toHaveLength(1);
  });
  test('the clock offset is the median over 20 events', async () => {
    const h = await start();
    await h.ready();
    for (let i = 0; i < 20; i++)
      h.peer.last.send({
        Event: 'Polling',
        Timestamp: (h.clock.now() - (i < 4 ? 900_000 : 90_000)) / 1000,
        Host: 'P',
        Inst: 1,
      });
    await h.settled();
    expect(h.link.clockOffsetSeconds()).toBeCloseTo(90, 3);
  });
  test('a listener that throws does not end the connection', async () => {
    const h = await start();
    await h.ready();
    h.link.on('event', () => {
      throw new Error('bug in a listener');
    });
    h.peer.last.event('Signal', { Code: 501 });
    h.peer.last.event('Signal', { Code: 502 });
    await h.settled();
    expect(h.link.state).toBe('ready');
    expect(h.recorded.events.slice(-2).map((e) => e.data)).toEqual([
      { Code: 501, CodeName: 'IDLE' },
      { Code: 502, CodeName: 'ACTION_RUNNING' },
    ]);
  });
});

describe('connection: lines', () => {
  test('a line that cannot be read is passed over, and its secrets are masked', async () => {
    const h = await start();
    await h.ready();
    h.peer.last.raw(
      '{"Event":"Signal","Code":\r\n{"method":"x","params":{"Base":"YWRtaW46c2VzYW1l"\r\n\r\n\r\n{"Event":"Signal","Timestamp":1,"Host":"P","Inst":1,"Code":501}\n',
    );
    await h.settled();
    expect(h.recorded.badLines).toHaveLength(2);
    expect(h.recorded.badLines[1]!.head).toBe('{"method":"x","params":{"Base":"[secret]"');
    expect(h.link.stats.badLines).toBe(2);
    expect(h.recorded.events.at(-1)).toMatchObject({ name: 'Signal', data: { Code: 501 } });
    expect(h.link.state).toBe('ready');
  });
  test('a line that can be read in part is an event, counted apart', async () => {
    const h = await start();
    await h.ready();
    h.peer.last.raw(
      '{"Event":"LogEvent","Timestamp":1,"Host":"P","Inst":1,"TimeInfo":nan,"Type":9,"Text":"SUSPEND\t[x]"}\r\n',
    );
    await h.settled();
    expect(h.recorded.events.at(-1)).toMatchObject({
      name: 'LogEvent',
      data: { TypeName: 'EMERGENCY', Text: 'SUSPEND\t[x]', TimeInfo: null },
    });
    expect(h.link.stats).toMatchObject({ badLines: 0, mendedLines: 1 });
    expect(h.recorded.badLines).toEqual([
      { error: expect.stringContaining('not JSON'), head: expect.stringContaining('"Type":9') },
    ]);
  });
  test('a line over the limit resets the connection with a reason', async () => {
    const h = await start({ maxLineMb: 1 });
    await h.ready();
    h.peer.last.raw(Buffer.alloc(1_200_000, 0x61));
    await until('lost', () => h.link.state === 'waiting');
    expect(h.link.reason).toBe('a line over 1 MB (VOYAGER_MAX_LINE_MB) was refused');
    expect(h.recorded.alarms).toEqual(['line_too_long']);
    h.clock.advance(5_000);
    await h.ready();
  });
  test('a line over the limit that is a picture does too', async () => {
    const h = await start({ maxLineMb: 1 });
    await h.ready();
    h.peer.last.raw(
      `{"Event":"NewJPGReady","Timestamp":1,"Host":"P","Inst":1,"Base64Data":"${'/9j/'.repeat(300_000)}"}\r\n`,
    );
    await until('lost', () => h.link.state === 'waiting');
    expect(h.recorded.alarms).toEqual(['line_too_long']);
  });
  test('a preview of 3 MB arrives as bytes, and no text of it stays', async () => {
    const h = await start();
    await h.ready();
    const jpeg = Buffer.alloc(3_000_001, 7);
    h.peer.last.send(
      h.peer.event('NewJPGReady', {
        File: 'a.fit',
        Expo: 60,
        Bin: 1,
        Filter: 'L',
        HFD: 2.5,
        StarIndex: 9,
        PixelDimX: 10,
        PixelDimY: 10,
        Base64Data: jpeg.toString('base64'),
      }),
    );
    await until('preview', () => h.recorded.events.at(-1)?.name === 'NewJPGReady');
    const event = h.recorded.events.at(-1)!;
    expect((event.data as { Picture: Buffer }).Picture.equals(jpeg)).toBe(true);
    expect(JSON.stringify(event.raw).length).toBeLessThan(400);
    expect(event.extra).toBeNull();
  });
});

describe('connection: the gate', () => {
  test('every line is asked for, heartbeats included, and a refusal writes not one byte', async () => {
    const asked: OutgoingLine[] = [];
    let readOnly = false;
    const gate: Gate = (line) => {
      asked.push(line);
      return readOnly && (line.kind === 'request' || line.kind === 'heartbeat')
        ? { allowed: false, reason: 'read-only' }
        : { allowed: true };
    };
    const h = await start({ gate, credentials: { username: 'a', password: 'b' } });
    await h.ready();
    h.clock.advance(5_000);
    await h.settled();
    expect(asked.map((l) => l.kind)).toEqual(['login', 'mode', 'mode', 'heartbeat']);
    readOnly = true;
    const before = h.link.stats.bytesOut;
    await expect(h.link.request(buildRequest('RemoteMountFastCommand', { CommandType: 1 }))).resolves.toMatchObject({
      outcome: 'refused',
      how: 'gate',
      message: 'read-only',
    });
    h.peer.last.event('Polling');
    await h.settled();
    h.clock.advance(10_000);
    expect(h.link.stats.bytesOut).toBe(before);
    expect(asked.at(-1)!.kind).toBe('heartbeat');
    expect(h.link.stats.gated).toBe(3);
  });
  test('of several lines in one write the refused ones stay behind', async () => {
    const h = await start({
      gate: (line) =>
        line.method === 'RemoteMountFastCommand' ? { allowed: false, reason: 'no grant' } : { allowed: true },
    });
    await h.ready();
    const outcomes = h.link.requestTogether([
      buildRequest('RemoteMountFastCommand', { CommandType: 5 }),
      buildRequest('Abort', { IsHalt: false }),
    ]);
    await h.settled();
    const abort = h.peer.last.received.at(-1)!;
    expect(abort).toMatchObject({ method: 'Abort', params: { IsHalt: false } });
    expect(abort.params).not.toHaveProperty('UID');
    h.peer.last.send(h.peer.last.reply(abort));
    await expect(outcomes).resolves.toMatchObject([{ outcome: 'refused', how: 'gate' }, { outcome: 'done' }]);
    expect(h.peer.last.methods()).not.toContain('RemoteMountFastCommand');
  });
});
