import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ManualClock } from '../../platform/clock.ts';
import { createLogger } from '../../platform/logger.ts';
import { startHeartbeat } from '../../gateway/heartbeat.ts';
import { SessionSignals } from '../../gateway/telescope/session-signals.ts';
import { booking, cleanUp, gatewayOn, observatory, sleep, until } from './harness.ts';

afterEach(cleanUp);
const logger = createLogger('test', 'silent');
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('signals to sessions', () => {
  function signals() {
    const clock = new ManualClock();
    const sent: { at: number; bookingId: string; name: string; body: unknown }[] = [];
    const from = clock.now();
    let answer: 'sent' | 'gone' | 'away' = 'sent';
    const made = new SessionSignals(
      't',
      {
        signal: async (bookingId, name, body) => {
          if (answer === 'away') throw new Error('away');
          sent.push({ at: clock.now() - from, bookingId, name, body });
          return answer;
        },
      },
      clock,
      logger,
    );
    const run = async (ms: number): Promise<void> => {
      for (let i = 0; i < ms; i += 100) {
        clock.advance(100);
        await settle();
      }
    };
    return { made, sent, run, set: (a: typeof answer) => (answer = a) };
  }
  test('the first frame is told at once, a burst at most every 2 s, and the last one always', async () => {
    const { made, sent, run } = signals();
    for (let n = 1; n <= 50; n++) {
      made.framesWaiting('b', { epoch: 1, n });
      await run(100);
    }
    await run(5_000);
    expect(sent.map((s) => s.at)).toEqual([0, 2_000, 4_000, 6_000]);
    expect(sent.at(-1)!.body).toEqual({ upTo: { epoch: 1, n: 50 } });
  });
  test('while Temporal is away the newest nudge waits; a session that is gone is left in peace', async () => {
    const { made, sent, run, set } = signals();
    set('away');
    made.framesWaiting('b', { epoch: 1, n: 1 });
    await run(5_000);
    made.framesWaiting('b', { epoch: 1, n: 2 });
    set('sent');
    await run(5_000);
    expect(sent.map((s) => s.body)).toEqual([{ upTo: { epoch: 1, n: 2 } }]);
    set('gone');
    made.framesWaiting('b', { epoch: 1, n: 3 });
    await run(20_000);
    expect(sent.length).toBe(2);
  });
  test('telescope events keep their order and are told again until they are taken, for five minutes', async () => {
    const { made, sent, run, set } = signals();
    set('away');
    made.event('b', 'link_lost', 'no data');
    made.event('b', 'link_ready');
    await run(3_000);
    set('sent');
    await run(3_000);
    expect(sent.map((s) => (s.body as { kind: string }).kind)).toEqual(['link_lost', 'link_ready']);
    set('away');
    made.event('b', 'weather_changed', 'unsafe');
    await run(301_000);
    set('sent');
    await run(3_000);
    expect(sent.length).toBe(2);
  });
});

describe('heartbeat to a service outside', () => {
  test('beats while a session runs and telemetry is fresh, and is silent when either ends', async () => {
    let beats = 0;
    const server = createServer((_, response) => {
      beats++;
      response.end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const sim = await observatory();
    const setup = await gatewayOn(sim);
    const stop = startHeartbeat(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      () => [setup.gateway],
      logger,
      50,
    );
    try {
      await sleep(300);
      expect(beats).toBe(0);
      await setup.activities.registerGrant(booking(sim).grant);
      await until(() => beats > 1, 3_000, 'beats');
      sim.inject({ kind: 'refuse_connections' });
      sim.inject({ kind: 'drop' });
      await until(() => !setup.gateway.ready, 3_000, 'the link is down');
      await sleep(100);
      const before = beats;
      await sleep(300);
      expect(beats).toBe(before);
    } finally {
      stop();
      server.close();
    }
  });
});
