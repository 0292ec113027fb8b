import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { Snapshot } from '../../domain/contracts/snapshot.ts';
import { APP, at, config, insertBooking, startApi, startPostgres, token, type RunningApi } from './harness.ts';

interface Answer {
  auth?: string;
  channel_data?: string;
  status?: number;
  code?: string;
  errors?: Record<string, string[]>;
  channels?: Record<string, Answer>;
}
interface Message {
  event: string;
  channel?: string;
  data: string;
}
const MINE = ['private-session.mine', 'private-cache-session.mine.state', 'presence-telescope.t1'];

describe('several channels of a socket by one question', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  let guest: string;
  const sockets: WebSocket[] = [];
  beforeAll(async () => {
    postgres = await startPostgres();
    api = await startApi(postgres.url, { config: config() });
    await insertBooking(
      api,
      'mine',
      { start: at(-10), end: at(50) },
      { ref: 'ada', display_name: 'Ada L.' },
      'running',
    );
    await insertBooking(api, 'other', { start: at(100), end: at(160) }, { ref: 'bob' });
    guest = await token(api, { kind: 'booking', subject: 'mine' });
  }, 60_000);
  afterEach(() => sockets.splice(0).forEach((socket) => socket.terminate()));
  afterAll(async () => {
    await api?.stop();
    await postgres?.stop();
  });

  const ask = async (
    body: URLSearchParams | object,
    by: string | null = guest,
  ): Promise<{ status: number; answer: Answer }> => {
    const isForm = body instanceof URLSearchParams;
    const response = await api.fetch('/broadcasting/auth', {
      method: 'POST',
      key: null,
      ...(by === null ? {} : { token: by }),
      headers: isForm ? {} : { 'content-type': 'application/json' },
      body: isForm ? body : JSON.stringify(body),
    });
    return { status: response.status, answer: (await response.json()) as Answer };
  };
  const form = (socketId: string, name: string, channels: readonly string[]): URLSearchParams =>
    new URLSearchParams([['socket_id', socketId], ...channels.map((channel): [string, string] => [name, channel])]);
  const several = (socketId: string, channels: readonly unknown[]): object => ({
    socket_id: socketId,
    channel_name: channels,
  });
  /** A socket, its id and all that comes by it. */
  const open = async (): Promise<{
    socket: WebSocket;
    id: string;
    heard: Message[];
    until: (is: () => boolean) => Promise<void>;
  }> => {
    const socket = new WebSocket(`ws://127.0.0.1:${api.port}/app/${APP.key}?protocol=7`);
    sockets.push(socket);
    const heard: Message[] = [];
    let changed = (): void => undefined;
    socket.on('message', (raw: Buffer) => {
      heard.push(JSON.parse(raw.toString()) as Message);
      changed();
    });
    socket.on('close', () => changed());
    const until = async (is: () => boolean): Promise<void> => {
      while (!is()) await new Promise<void>((resolve) => (changed = resolve));
    };
    await until(() => heard.length > 0);
    return { socket, id: (JSON.parse(heard[0]!.data) as { socket_id: string }).socket_id, heard, until };
  };

  test('each is signed as if it had been asked for alone, by form and by JSON', async () => {
    const alone: Record<string, Answer> = {};
    for (const channel of MINE) alone[channel] = (await ask(form('1.1', 'channel_name', [channel]))).answer;
    expect(Object.keys(alone[MINE[0]!]!)).toEqual(['auth']);
    expect(Object.keys(alone[MINE[2]!]!)).toEqual(['auth', 'channel_data']);
    expect(await ask(form('1.1', 'channel_name[]', MINE))).toEqual({ status: 200, answer: { channels: alone } });
    expect(await ask(several('1.1', MINE))).toEqual({ status: 200, answer: { channels: alone } });
    const one = await ask(several('1.1', [MINE[0]]));
    expect(one.answer).toEqual({ channels: { [MINE[0]!]: alone[MINE[0]!] } });
  });

  test('one that is refused takes no other with it, and has the problem that it would have alone', async () => {
    const channels = ['private-session.other', 'private-admin', 'x'.repeat(201), '', 'private-session.mine'];
    const { status, answer } = await ask(several('1.2', channels));
    expect(status).toBe(200);
    expect(channels.map((channel) => answer.channels![channel]!.status)).toEqual([403, 403, 422, 422, undefined]);
    expect(answer.channels!['private-session.mine']!.auth).toMatch(/^appkey:[0-9a-f]{64}$/);
    const { answer: alone } = await ask(form('1.2', 'channel_name', ['private-admin']));
    expect(answer.channels!['private-admin']).toEqual({ ...alone, request_id: expect.any(String) as unknown });
    expect(answer.channels!['']!.errors).toEqual({ channel_name: ['is required'] });
  });

  test('a bad credential or socket id refuses all; a list that is none, empty or too long names its field', async () => {
    expect((await ask(several('1.3', MINE), null)).status).toBe(401);
    expect((await ask(several('1.3', MINE), 'nct_nonsense')).status).toBe(401);
    const wrong: [object, string][] = [
      [several('nonsense', MINE), 'socket_id'],
      [several('1.3', []), 'channel_name'],
      [{ socket_id: '1.3', channel_name: { a: MINE[0] } }, 'channel_name'],
      [{ socket_id: '1.3', channel_name: null }, 'channel_name'],
      [
        several(
          '1.3',
          Array.from({ length: 11 }, (_, i) => `private-session.${i}`),
        ),
        'channel_name',
      ],
      [form('1.3', 'channel_name[]', Array<string>(11).fill(MINE[0]!)), 'channel_name'],
      [several('1.3', [MINE[0], 7]), 'channel_name.1'],
    ];
    for (const [body, field] of wrong) {
      const { status, answer } = await ask(body);
      expect([field, status, Object.keys(answer.errors ?? {})]).toEqual([field, 422, [field]]);
    }
  });

  test('each counts in the budget of its socket: many at once are no more than one after the other', async () => {
    const statuses: (number | undefined)[] = [];
    for (let i = 0; i < 5; i++) {
      const channels = Array.from({ length: 10 }, (_, n) => `private-session.none-${n}`);
      const { answer } = await ask(several('1.4', channels));
      statuses.push(...channels.map((channel) => answer.channels![channel]!.status));
    }
    expect(statuses.slice(0, 30)).toEqual(Array(30).fill(403));
    expect(statuses.slice(30).filter((status) => status === 429).length).toBeGreaterThan(15);
    expect((await ask(form('1.4', 'channel_name', [MINE[0]!]))).status).toBe(429);
    expect((await ask(form('1.5', 'channel_name', [MINE[0]!]))).status).toBe(200);
  });

  test('the signatures open the channels of that socket, and end with the token', async () => {
    const made = await api.json<{ token: string; id: string }>('POST', '/api/tokens', {
      kind: 'booking',
      subject: 'mine',
    });
    const { socket, id, heard, until } = await open();
    const { answer } = await ask(several(id, MINE), made.body.token);
    for (const channel of MINE)
      socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, ...answer.channels![channel] } }));
    const joined = (): (string | undefined)[] =>
      heard.filter(({ event }) => event === 'pusher_internal:subscription_succeeded').map(({ channel }) => channel);
    await until(() => joined().length === 3);
    expect(joined()).toEqual(MINE);
    expect(heard.filter(({ event }) => event === 'pusher:subscription_error')).toEqual([]);
    await api.json('DELETE', `/api/tokens/${made.body.id}`);
    await until(() => socket.readyState === WebSocket.CLOSED);
  });

  test('a snapshot that the state channel is too small for says that it is a part; asked for, it is whole', async () => {
    const line = { filter: 'L', exposure_seconds: 60, quantity: 1, binning: 1, type: 'light' };
    await api.db.booking.update({ where: { id: 'mine' }, data: { shots: Array.from({ length: 90 }, () => line) } });
    api.deps.snapshots.forgetAll();
    const { socket, id, heard, until } = await open();
    const channel = MINE[1]!;
    const { answer } = await ask(form(id, 'channel_name', [channel]));
    socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, ...answer } }));
    const brought = (): Message | undefined => heard.find(({ event }) => event === 'session.snapshot');
    await until(() => brought() !== undefined);
    const part = Snapshot.parse(JSON.parse(brought()!.data));
    expect([part.partial, part.telescope, part.plan.length < 90]).toEqual([true, null, true]);
    const { body } = await api.json<Snapshot>('GET', '/api/bookings/mine/snapshot', undefined, { token: guest });
    expect([body.partial, body.plan.length]).toEqual([undefined, 90]);
  });
});
