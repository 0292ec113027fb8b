import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { Receipt } from '../../domain/contracts/control.ts';
import { Peer } from '../../bench/gateway-peer-process.ts';
import { buildRequest } from '../../gateway/protocol/requests.ts';
import { startPostgres as startServer } from '../../stack/own-postgres.ts';
import { startPostgres } from '../support/postgres.ts';
import {
  booking,
  commands,
  effectsOf,
  gatewayOn,
  httpOf,
  lastEntry,
  observatory,
  Proxy,
  scenario,
  sleep,
  until,
  type Setup,
} from './harness.ts';

/** Each rule of docs/safety.md, shown from the simulator's own log of what reached it and what it did. */

let postgres: Awaited<ReturnType<typeof startPostgres>>;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** A session whose target runs. */
async function runningSession(
  setup: Setup,
  options: Parameters<typeof booking>[1] = {},
): Promise<ReturnType<typeof booking>> {
  const made = booking(setup.sim, { quantity: 200, exposure: 2, ...options });
  expect(await setup.activities.registerGrant(made.grant)).toMatchObject({ outcome: 'done' });
  expect(await setup.activities.ensureObjects({ grant: made.grant, plan: made.plan })).toMatchObject({
    outcome: 'done',
  });
  expect(
    await setup.activities.enableTarget({ grant: made.grant, key: `${made.grant.bookingId}/enable` }),
  ).toMatchObject({ outcome: 'done' });
  await until(() => setup.sim.world.roboTarget.run !== null, 5_000, 'the target runs');
  return made;
}
/** Voyager's own window is the slot, and yet it does not end the run: then only the gateway is left. */
function windowIsSlot(setup: Setup, { grant, target }: Awaited<ReturnType<typeof runningSession>>): void {
  setup.sim.world.store.find('targets', target)!.row.C_DateEnd = Math.floor(Date.parse(grant.end) / 1000);
}
const stopped = (setup: Setup, target: string) => () =>
  setup.sim.world.roboTarget.run === null && setup.sim.world.store.find('targets', target)!.row.Status === 1;

describe('slot’s end (layers 3 and 5)', () => {
  scenario(
    'with PostgreSQL and Temporal dead the gateway itself disables and aborts at the slot’s end, in this order, and not a moment earlier',
    async () => {
      const own = await startServer();
      const sim = await observatory();
      const setup = await gatewayOn(sim, { databaseUrl: own.url, sole: true });
      const session = await runningSession(setup, { end: 15, exposure: 60 });
      const { grant, target } = session;
      windowIsSlot(setup, session);
      const from = lastEntry(sim);
      own.kill();
      await until(stopped(setup, target), 30_000, 'stopped');
      const sent = commands(sim, from);
      expect(sent.slice(0, 2).map((c) => [c.method, c.effect])).toEqual([
        ['RemoteOpenRoboTargetSetObjectStatus', 'target.disable'],
        ['Abort', expect.stringContaining('abort')],
      ]);
      expect(sent[1]!.params).toMatchObject({ IsHalt: false });
      expect(sent[0]!.at).toBeGreaterThanOrEqual(Date.parse(grant.end));
      expect(sent[0]!.at - Date.parse(grant.end)).toBeLessThan(6_000);
      await until(() => setup.gateway.grants.find(grant.bookingId)!.state === 'over', 5_000, 'the grant is over');
      expect(await setup.activities.enableTarget({ grant, key: 'again' })).toMatchObject({
        outcome: 'refused',
        reason: 'session_over',
      });
      await own.stop().catch(() => undefined);
    },
  );

  scenario(
    'the same without GATEWAY_SOLE: the lease is lost with PostgreSQL, what always passes still stops the target, and nothing can start',
    async () => {
      const own = await startServer();
      const sim = await observatory();
      const setup = await gatewayOn(sim, { databaseUrl: own.url });
      const session = await runningSession(setup, { end: 22 });
      const { grant, target } = session;
      windowIsSlot(setup, session);
      own.kill();
      await until(() => !setup.gateway.lease.owns(), 12_000, 'the lease is lost');
      const from = lastEntry(sim);
      expect(await setup.activities.enableTarget({ grant, key: 'after' })).toMatchObject({
        outcome: 'refused',
        reason: 'gateway_away',
      });
      expect(commands(sim, from)).toEqual([]);
      await until(stopped(setup, target), 30_000, 'stopped');
      expect(commands(sim, from).map((c) => c.method)).toEqual(
        expect.arrayContaining(['RemoteOpenRoboTargetSetObjectStatus', 'Abort']),
      );
      await own.stop().catch(() => undefined);
    },
  );

  scenario('a gateway that was killed and comes back after the slot’s end stops what still runs', async () => {
    const sim = await observatory();
    const first = await gatewayOn(sim);
    const session = await runningSession(first, { end: 3 });
    const { target } = session;
    await first.gateway.stop('killed');
    await sleep(3_500);
    expect(sim.world.roboTarget.run).not.toBeNull();
    windowIsSlot(first, session);
    const second = await gatewayOn(sim, { folder: first.folder });
    await until(stopped(second, target), 10_000, 'stopped');
  });

  scenario('a session that gave the telescope back is not stopped again', async () => {
    const sim = await observatory();
    const setup = await gatewayOn(sim);
    const { grant } = await runningSession(setup, { end: 4 });
    await setup.activities.stopTarget({ grant, key: 'stop' });
    await setup.activities.revokeGrant({ telescopeId: 'demo', bookingId: grant.bookingId });
    const from = lastEntry(sim);
    await sleep(4_000);
    expect(commands(sim, from)).toEqual([]);
  });
});

describe('weather (layers 4 and 10)', () => {
  const refusedBy = async (setup: Setup, reason: string | RegExp): Promise<void> => {
    const { grant, plan } = booking(setup.sim);
    await setup.activities.registerGrant(grant);
    await setup.activities.ensureObjects({ grant, plan });
    const from = lastEntry(setup.sim);
    expect(await setup.activities.enableTarget({ grant, key: 'start' })).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(reason),
    });
    expect(commands(setup.sim, from)).toEqual([]);
    expect(effectsOf(setup.sim)).not.toContain('sequence.start');
  };
  scenario('clouds: not started', async () => {
    const setup = await gatewayOn(await observatory());
    const told: string[] = [];
    setup.gateway.weather.on('changed', (weather) => told.push(weather.state));
    setup.sim.inject({ kind: 'cloud' });
    await until(() => setup.gateway.weather.weather.state === 'hold', 5_000, 'hold');
    await until(() => told.length > 0, 2_000, 'the change is told, though others read the weather before');
    expect(told).toEqual(['hold']);
    await refusedBy(setup, 'weather_hold');
  });
  scenario('wind over the limit: unsafe, not started, and the limit is named', async () => {
    const setup = await gatewayOn(await observatory());
    setup.sim.inject({ kind: 'weather', values: { safe: true, wind_meters_per_second: 16 } });
    await until(() => setup.gateway.weather.weather.state === 'unsafe', 5_000, 'unsafe');
    expect(setup.gateway.weather.weather.causes).toContain('wind VERY_WINDY (voyager)');
    // Voyager may have begun its own emergency by then.
    await refusedBy(setup, /^(weather_unsafe|voyager_emergency)$/);
  });
  scenario('nobody measures: unknown counts as unsafe', async () => {
    const setup = await gatewayOn(await observatory());
    setup.sim.inject({ kind: 'safety_monitor_gone' });
    setup.sim.inject({ kind: 'weather_station_gone' });
    await until(() => setup.gateway.weather.weather.state === 'unsafe', 5_000, 'unsafe');
    await refusedBy(setup, 'weather_unknown');
  });
  scenario('the safety monitor alone is gone: missing', async () => {
    const setup = await gatewayOn(await observatory());
    setup.sim.inject({ kind: 'safety_monitor_gone' });
    await until(() => setup.gateway.weather.weather.state === 'unsafe', 5_000, 'unsafe');
    await refusedBy(setup, 'safety_monitor_missing');
  });
  scenario('good data that grew old: stale counts as unsafe', async () => {
    const setup = await gatewayOn(await observatory({ weatherPeriodSeconds: 600 }), {
      telescope: {
        weather: { sources: [{ kind: 'voyager', period_seconds: 30 }], stale_seconds: 2, resume_debounce_seconds: 0 },
      },
    });
    await until(() => setup.gateway.weather.weather.stale, 6_000, 'stale');
    await refusedBy(setup, 'weather_unknown');
  });
  scenario('safe again, but not for the debounce time yet', async () => {
    const setup = await gatewayOn(await observatory(), { telescope: { weather: { resume_debounce_seconds: 300 } } });
    await refusedBy(setup, 'weather_debounce');
  });
});

describe('Voyager’s own emergency (layer 1)', () => {
  scenario(
    'nothing but reads is sent; an abort is latched, says so, and runs when the emergency has ended',
    async () => {
      const setup = await gatewayOn(await observatory());
      const { sim, gateway, activities, signals } = setup;
      const http = await httpOf([setup]);
      const { grant, target } = await runningSession(setup);
      sim.inject({ kind: 'unsafe', for_seconds: 8 });
      await until(() => gateway.emergency.current === 'suspend', 5_000, 'the emergency is known');
      const from = lastEntry(sim);
      expect(await activities.observe({ grant })).toMatchObject({ emergency: 'suspend', connected: true });
      const answer = await http.send('POST', '/v1/telescopes/demo/abort', {
        command_id: 'abort-1',
        booking_id: 'b-1',
        requested_by: 'guest',
      });
      expect(answer).toMatchObject({ status: 202, body: { state: 'accepted', reason: 'voyager_emergency' } });
      expect(await activities.stopTarget({ grant, key: 'stop' })).toMatchObject({
        outcome: 'refused',
        reason: 'voyager_emergency',
      });
      expect(await activities.disableTarget({ grant, key: 'disable' })).toMatchObject({
        outcome: 'refused',
        reason: 'voyager_emergency',
      });
      expect(await activities.enableTarget({ grant, key: 'enable-2' })).toMatchObject({
        outcome: 'refused',
        reason: 'voyager_emergency',
      });
      expect(
        (await http.send('POST', '/v1/telescopes/demo/halt', { command_id: 'halt-1', requested_by: 'admin' })).body,
      ).toMatchObject({
        state: 'refused',
        reason: 'voyager_emergency',
      });
      await until(() => effectsOf(sim, from).includes('emergency.resume'), 20_000, 'Voyager resumes');
      const resumed = sim.log.entries.find((e) => e.n > from && e.effect === 'emergency.resume')!.n;
      await until(() => gateway.latches.find('abort-1')!.state === 'confirmed', 10_000, 'the latched abort has run');
      expect(commands(sim, from).filter((c) => c.n < resumed)).toEqual([]);
      expect(commands(sim, resumed).map((c) => c.method)).toEqual(['RemoteOpenRoboTargetSetObjectStatus', 'Abort']);
      expect(stopped(setup, target)()).toBe(true);
      expect(signals.filter((s) => s.name === 'telescopeEvent').map((s) => (s.body as { kind: string }).kind)).toEqual(
        expect.arrayContaining(['emergency_begun', 'aborted_at_gateway', 'emergency_over']),
      );
    },
  );

  scenario('a gateway that starts in the middle of an emergency stays silent too', async () => {
    const sim = await observatory();
    const first = await gatewayOn(sim);
    const { grant } = await runningSession(first);
    sim.inject({ kind: 'unsafe' });
    await until(() => first.gateway.emergency.current === 'suspend', 5_000, 'the emergency is known');
    await first.gateway.stop('killed');
    const second = await gatewayOn(sim, { folder: first.folder });
    const from = lastEntry(sim);
    expect(await second.activities.stopTarget({ grant, key: 'stop' })).toMatchObject({
      outcome: 'refused',
      reason: 'voyager_emergency',
    });
    expect(commands(sim, from)).toEqual([]);
  });
});

describe('emergency path (layer 7)', () => {
  scenario(
    'abort with PostgreSQL dead: disable and Abort in one go, kept disabled against whoever enables it, until the session takes it over',
    async () => {
      const own = await startServer();
      const setup = await gatewayOn(await observatory(), { databaseUrl: own.url, sole: true });
      const { sim, activities, gateway } = setup;
      const http = await httpOf([setup]);
      const { grant, target } = await runningSession(setup);
      own.kill();
      const from = lastEntry(sim);
      const { status, body } = await http.send('POST', '/v1/telescopes/demo/abort', {
        command_id: 'abort-1',
        booking_id: 'b-1',
        requested_by: 'guest',
      });
      expect([status === 200 || status === 202, (body as Receipt).state]).toEqual([
        true,
        expect.stringMatching(/^(sent|confirmed)$/),
      ]);
      await until(() => gateway.latches.find('abort-1')?.state === 'confirmed', 10_000, 'confirmed');
      expect(commands(sim, from).map((c) => c.method)).toEqual(['RemoteOpenRoboTargetSetObjectStatus', 'Abort']);
      expect(
        (
          await http.send('POST', '/v1/telescopes/demo/abort', {
            command_id: 'abort-1',
            booking_id: 'b-1',
            requested_by: 'guest',
          })
        ).body,
      ).toMatchObject({
        command_id: 'abort-1',
      });
      expect(await activities.enableTarget({ grant, key: 'e2' })).toMatchObject({
        outcome: 'refused',
        reason: 'user_abort',
      });
      expect(await activities.observe({ grant })).toMatchObject({
        latchedAbort: { commandId: 'abort-1', requestedBy: 'guest' },
      });

      sim.world.store.put('targets', target, { ...sim.world.store.find('targets', target)!.row, Status: 0 });
      sim.world.roboTarget.wake();
      await until(stopped(setup, target), 15_000, 'disabled again');

      await activities.releaseLatch({ telescopeId: 'demo', bookingId: 'b-1', commandId: 'abort-1' });
      expect((await activities.observe({ grant })).latchedAbort).toBeNull();
      await own.stop().catch(() => undefined);
    },
  );

  scenario('an abort that is repeated after it was confirmed says so and sends nothing', async () => {
    const setup = await gatewayOn(await observatory());
    await runningSession(setup);
    const abort = { command_id: 'once', booking_id: 'b-1', requested_by: 'guest' };
    await setup.gateway.aborts.abort(abort);
    await until(() => setup.gateway.latches.find('once')?.state === 'confirmed', 10_000, 'confirmed');
    const from = lastEntry(setup.sim);
    expect(await setup.gateway.aborts.abort(abort)).toMatchObject({ command_id: 'once', state: 'confirmed' });
    await sleep(500);
    expect(commands(setup.sim, from)).toEqual([]);
  });

  scenario(
    'an abort of tomorrow’s booking while PostgreSQL is away leaves tonight’s exposure alone, though no list is fresh',
    async () => {
      const setup = await gatewayOn(await observatory());
      const { sim, gateway, activities } = setup;
      const { target } = await runningSession(setup);
      const tomorrow = booking(sim, { id: 'b-2', start: 86_400, end: 90_000 });
      await activities.registerGrant(tomorrow.grant);
      await activities.ensureObjects({ grant: tomorrow.grant, plan: tomorrow.plan });
      await until(() => gateway.targets.recent(10_000) === null, 15_000, 'the newest list is old');
      const from = lastEntry(sim);
      expect(
        await gateway.aborts.abort({ command_id: 'later', booking_id: 'b-2', requested_by: 'guest' }),
      ).toMatchObject({
        state: 'confirmed',
      });
      expect(commands(sim, from).map((c) => c.method)).toEqual(['RemoteOpenRoboTargetSetObjectStatus']);
      expect(sim.world.roboTarget.run).not.toBeNull();
      expect(sim.world.store.find('targets', target)!.row.Status).toBe(0);
    },
  );

  scenario(
    'an abort that names the set alone stops its running target and is confirmed only when it stands',
    async () => {
      const setup = await gatewayOn(await observatory());
      const { sim, gateway } = setup;
      const { target, plan } = await runningSession(setup);
      await gateway.targets.list();
      const receipt = await gateway.aborts.abort({
        command_id: 'by-set',
        set_guid: plan.set.Guid.toUpperCase(),
        requested_by: 'laravel',
      });
      expect(receipt.state === 'confirmed' ? sim.world.roboTarget.run : null).toBeNull();
      await until(stopped(setup, target), 10_000, 'stopped');
      expect(gateway.latches.find('by-set')).toMatchObject({ bookingId: 'b-1', targetGuids: [target] });
    },
  );

  scenario(
    'thirty aborts while previews of 20 MB arrive: each is confirmed, its line left once, and its latch stands on disk',
    async () => {
      const peer = new Peer();
      try {
        await until(() => peer.port > 0, 10_000, 'the peer listens');
        const setup = await gatewayOn(await observatory(), { start: false, telescope: { port: peer.port } });
        setup.gateway.start();
        await until(() => setup.gateway.ready, 8_000, 'connected');
        const http = await httpOf([setup]);
        peer.order({ do: 'stream', preview: { mb: 20, everyMs: 400 } });
        await until(() => peer.previews > 0, 10_000, 'a preview has come');
        const asked = Array.from({ length: 30 }, () => ({
          command_id: randomUUID(),
          target_guid: randomUUID(),
          requested_by: 'test',
        }));
        const receipts: Promise<{ status: number; body: unknown }>[] = [];
        for (const abort of asked) {
          receipts.push(http.send('POST', '/v1/telescopes/demo/abort', abort));
          await sleep(100);
        }
        for (const [n, receipt] of (await Promise.all(receipts)).entries())
          expect(receipt).toMatchObject({
            status: expect.any(Number),
            body: { command_id: asked[n]!.command_id, state: expect.stringMatching(/^(confirmed|sent)$/) },
          });
        await until(() => peer.previews > 2, 15_000, 'previews came beside the aborts');
        peer.order({ do: 'stream', preview: null });
        await until(
          () => asked.every((a) => setup.gateway.latches.find(a.command_id)?.state === 'confirmed'),
          15_000,
          'all are confirmed',
        );
        expect(asked.map((a) => peer.disabled.get(a.target_guid)?.length)).toEqual(asked.map(() => 1));
        expect(setup.gateway.link.stats.badLines).toBe(0);
        const kept = readFileSync(join(setup.folder, 'state.jsonl'), 'utf8');
        for (const { command_id } of asked) expect(kept).toContain(command_id);
      } finally {
        await peer.stop();
      }
    },
  );

  scenario('an abort asked for while Voyager is away runs as soon as it answers', async () => {
    const setup = await gatewayOn(await observatory());
    const { sim, gateway } = setup;
    const http = await httpOf([setup]);
    const { target } = await runningSession(setup);
    sim.inject({ kind: 'refuse_connections', for_seconds: 2 });
    sim.inject({ kind: 'drop' });
    await until(() => !gateway.ready, 3_000, 'the link is down');
    expect(
      (
        await http.send('POST', '/v1/telescopes/demo/abort', {
          command_id: 'a',
          booking_id: 'b-1',
          requested_by: 'guest',
        })
      ).body,
    ).toMatchObject({
      state: 'accepted',
      reason: 'voyager_away',
    });
    await until(stopped(setup, target), 20_000, 'stopped');
  });

  scenario('without a signature, with another secret, or 31 s old, nothing happens', async () => {
    const setup = await gatewayOn(await observatory());
    const http = await httpOf([setup]);
    await runningSession(setup);
    const from = lastEntry(setup.sim);
    const body = { command_id: 'a', booking_id: 'b-1', requested_by: 'guest' };
    expect((await http.send('POST', '/v1/telescopes/demo/abort', body, 'another secret')).status).toBe(401);
    expect((await http.send('POST', '/v1/telescopes/demo/abort', body, undefined, Date.now() - 32_000)).status).toBe(
      401,
    );
    expect(
      (await fetch(`${http.url}/v1/telescopes/demo/abort`, { method: 'POST', body: JSON.stringify(body) })).status,
    ).toBe(401);
    expect((await http.send('POST', '/v1/telescopes/other/abort', body)).status).toBe(404);
    expect(commands(setup.sim, from)).toEqual([]);
  });

  scenario('halt by an admin is the only IsHalt:true that passes', async () => {
    const setup = await gatewayOn(await observatory());
    const http = await httpOf([setup]);
    const { target } = await runningSession(setup);
    const from = lastEntry(setup.sim);
    expect(await setup.gateway.link.request(buildRequest('Abort', { IsHalt: true }))).toMatchObject({
      outcome: 'refused',
      how: 'gate',
      message: 'not_allowed',
    });
    expect(commands(setup.sim, from)).toEqual([]);
    expect(
      await http.send('POST', '/v1/telescopes/demo/halt', { command_id: 'h', requested_by: 'admin' }),
    ).toMatchObject({
      status: 200,
      body: { kind: 'halt', state: 'confirmed' },
    });
    // Where Voyager is slow to show it, the guard stops once more, and halts nothing.
    const sent = commands(setup.sim, from).map((c) => [c.method, c.params?.IsHalt]);
    expect(sent.slice(0, 2)).toEqual([
      ['RemoteOpenRoboTargetSetObjectStatus', undefined],
      ['Abort', true],
    ]);
    expect(sent.filter(([, isHalt]) => isHalt === true)).toHaveLength(1);
    await until(stopped(setup, target), 5_000, 'stopped');
  });
});

describe('grants (layer 5)', () => {
  scenario('an old worker with an old grant: refused, and not a line is sent', async () => {
    const setup = await gatewayOn(await observatory());
    const { activities, sim } = setup;
    const old = booking(sim, { generation: 1 });
    const now = booking(sim, { generation: 2 });
    await activities.registerGrant(now.grant);
    await activities.ensureObjects({ grant: now.grant, plan: now.plan });
    const from = lastEntry(sim);
    expect(await activities.registerGrant(old.grant)).toMatchObject({ outcome: 'refused', reason: 'superseded' });
    expect(await activities.enableTarget({ grant: old.grant, key: 'old' })).toMatchObject({
      outcome: 'refused',
      reason: 'superseded',
    });
    expect(await activities.ensureObjects({ grant: old.grant, plan: old.plan })).toMatchObject({
      outcome: 'refused',
      reason: 'superseded',
    });
    expect(await activities.borrowSky({ grant: old.grant, key: 'old-b' })).toMatchObject({
      outcome: 'refused',
      reason: 'superseded',
    });
    expect(commands(sim, from)).toEqual([]);
  });
  scenario('before its slot and without any grant nothing starts', async () => {
    const setup = await gatewayOn(await observatory());
    const { activities, sim } = setup;
    const { grant, plan } = booking(sim, { start: 60, end: 600 });
    expect(await activities.enableTarget({ grant, key: 'none' })).toMatchObject({
      outcome: 'refused',
      reason: 'outside_slot',
    });
    await activities.registerGrant(grant);
    await activities.ensureObjects({ grant, plan });
    expect(await activities.enableTarget({ grant, key: 'early' })).toMatchObject({
      outcome: 'refused',
      reason: 'outside_slot',
    });
    expect(effectsOf(sim)).not.toContain('target.enable');
  });
});

describe('one owner (layer 6)', () => {
  scenario(
    'two gateways for one Voyager: the second takes over within 12 s, and no line of the first that starts or changes anything comes after',
    async () => {
      const { proxy, url } = await Proxy.before(postgres.url);
      const sim = await observatory();
      const first = await gatewayOn(sim, { databaseUrl: url, telescope: { id: 'race' } });
      const { grant, target } = await runningSession(first, { telescopeId: 'race', id: 'b-race', quantity: 1_000 });
      const second = await gatewayOn(sim, { databaseUrl: postgres.url, start: false, telescope: { id: 'race' } });
      second.gateway.start();
      let writing = true;
      const writer = async (setup: Setup, name: string): Promise<void> => {
        for (let i = 0; writing; i++) {
          await setup.activities.disableTarget({ grant, key: `${name}/off/${i}` }).catch(() => undefined);
          await setup.activities.enableTarget({ grant, key: `${name}/on/${i}` }).catch(() => undefined);
          await sleep(30);
        }
      };
      const writers = [writer(first, 'first'), writer(second, 'second')];
      await sleep(1_500);
      expect(second.gateway.lease.owns()).toBe(false);
      const clientsOf = (): (number | null)[] => [
        ...new Set(
          commands(sim)
            .filter((c) => c.effect === 'target.enable')
            .map((c) => c.client),
        ),
      ];
      expect(clientsOf().length).toBe(1);

      proxy.freeze();
      const cutAt = Date.now();
      await until(() => second.gateway.lease.owns() && second.gateway.ready, 20_000, 'the second owns');
      expect(Date.now() - cutAt).toBeLessThan(12_000);
      await until(() => clientsOf().length === 2, 10_000, 'the second writes');
      await sleep(500);
      writing = false;
      await Promise.all(writers);
      const enables = commands(sim).filter((c) => c.effect === 'target.enable');
      const [one, two] = clientsOf();
      const lastOfFirst = enables.filter((c) => c.client === one).at(-1)!;
      const firstOfSecond = enables.find((c) => c.client === two)!;
      expect(firstOfSecond.at - lastOfFirst.at).toBeGreaterThan(900);
      expect(enables.filter((c) => c.client === one && c.n > firstOfSecond.n)).toEqual([]);
      expect(second.gateway.grants.find('b-race')).toMatchObject({ state: 'active', targetGuid: target });
      expect(first.ownership).toEqual(['owned 2', 'lost']);
      proxy.thaw();
    },
  );

  scenario(
    'a command that was sent when its gateway died is read back by the successor before it does anything',
    async () => {
      const sim = await observatory();
      const first = await gatewayOn(sim, { databaseUrl: postgres.url, telescope: { id: 'readback' } });
      const made = booking(sim, { id: 'b-readback' });
      const grant = { ...made.grant, telescopeId: 'readback' };
      await first.activities.registerGrant(grant);
      await first.activities.ensureObjects({ grant, plan: made.plan });
      await first.gateway.commands.begin('took-effect', 'enable', 'b-readback', made.target);
      first.gateway.commands.beginStop('was-lost', 'disable', 'b-readback', made.target);
      const { store } = sim.world;
      store.put('targets', made.target, { ...store.find('targets', made.target)!.row, Status: 0 });
      await first.gateway.stop('killed');
      const second = await gatewayOn(sim, { databaseUrl: postgres.url, telescope: { id: 'readback' } });
      await until(() => second.ownership.length > 0, 5_000, 'the second has taken over');
      expect(second.gateway.commands.find('took-effect')).toMatchObject({
        state: 'done',
        result: { message: 'read back' },
      });
      expect(second.gateway.commands.find('was-lost')).toMatchObject({ state: 'refused' });
      expect(second.gateway.grants.find('b-readback')).toMatchObject({ state: 'active', generation: 1 });
      const from = lastEntry(sim);
      expect(await second.activities.enableTarget({ grant, key: 'took-effect' })).toMatchObject({ outcome: 'done' });
      expect(commands(sim, from)).toEqual([]);
    },
  );
});

describe('modes, lists and clocks (layers 4, 11, 12)', () => {
  scenario('read-only: no line but heartbeat, reads and mode switches, whatever is asked', async () => {
    const sim = await observatory();
    const setup = await gatewayOn(sim, { readOnly: true });
    const http = await httpOf([setup]);
    const { grant, plan } = booking(sim);
    const { activities } = setup;
    const reasons = [
      await activities.registerGrant(grant),
      await activities.ensureObjects({ grant, plan }),
      await activities.enableTarget({ grant, key: 'e' }),
      await activities.disableTarget({ grant, key: 'd' }),
      await activities.stopTarget({ grant, key: 's' }),
      await activities.borrowSky({ grant, key: 'b' }),
      await activities.roboTarget({
        telescopeId: 'demo',
        commandId: 'r',
        requestedBy: 'server',
        op: 'delete',
        object: 'set',
        guid: plan.set.Guid,
      }),
    ].map((o) => o.reason);
    expect(reasons).toEqual(Array.from({ length: 7 }, () => 'read_only'));
    expect(
      (
        await http.send('POST', '/v1/telescopes/demo/abort', {
          command_id: 'a',
          target_guid: grant.targetGuid,
          requested_by: 'x',
        })
      ).body,
    ).toMatchObject({
      state: 'refused',
      reason: 'read_only',
    });
    expect(
      (await http.send('POST', '/v1/telescopes/demo/halt', { command_id: 'h', requested_by: 'x' })).body,
    ).toMatchObject({ state: 'refused', reason: 'read_only' });
    expect(setup.gateway.state()).toMatchObject({ read_only: true, connection: { connected: true } });
    expect(commands(sim)).toEqual([]);
  });

  scenario(
    'a command outside the allow-list, a start without a permit, and a delete without a GUID never reach the socket',
    async () => {
      const sim = await observatory();
      const { gateway, activities } = await gatewayOn(sim);
      const { grant } = booking(sim);
      await activities.registerGrant(grant);
      const refusedAs = { outcome: 'refused', how: 'gate', message: 'not_allowed' };
      expect(await gateway.link.request(buildRequest('RemoteRunExternal', { FileName: 'format.exe' }))).toMatchObject(
        refusedAs,
      );
      expect(await gateway.link.request(buildRequest('RemoteSetProfile', { FileName: 'Other.v2y' }))).toMatchObject(
        refusedAs,
      );
      expect(
        await gateway.link.request(buildRequest('RemoteDragScript', { DragScriptFile: 'RoboTarget.vos' })),
      ).toMatchObject(refusedAs);
      expect(await gateway.link.request(buildRequest('RemoteMountFastCommand', { CommandType: 4 }))).toMatchObject(
        refusedAs,
      );
      expect(await gateway.client.setEnabled('target', grant.targetGuid!, true)).toMatchObject(refusedAs);
      expect(await gateway.client.remove('target', '')).toMatchObject(refusedAs);
      expect(commands(sim)).toEqual([]);
      expect(gateway.gate.refused.get('not_allowed')).toBe(6);
    },
  );

  scenario('park, tracking off and warm-up always pass', async () => {
    const sim = await observatory();
    const { gateway } = await gatewayOn(sim);
    expect(await gateway.link.request(buildRequest('RemoteMountFastCommand', { CommandType: 2 }))).toMatchObject({
      outcome: 'done',
    });
    expect(await gateway.link.request(buildRequest('RemoteMountFastCommand', { CommandType: 3 }))).toMatchObject({
      outcome: 'done',
    });
    expect(commands(sim).map((c) => c.method)).toEqual(['RemoteMountFastCommand', 'RemoteMountFastCommand']);
  });

  scenario('Voyager’s clock 90 s off: the site check says so and nothing starts', async () => {
    const sim = await observatory();
    sim.inject({ kind: 'clock_skew', seconds: -90 });
    const { gateway, activities } = await gatewayOn(sim);
    await until(() => Math.abs(gateway.link.clockOffsetSeconds() ?? 0) > 60, 10_000, 'the offset is known');
    expect(gateway.state().connection.clock_offset_seconds).toBeCloseTo(90, -1);
    const { grant, plan } = booking(sim);
    await activities.registerGrant(grant);
    await activities.ensureObjects({ grant, plan });
    const from = lastEntry(sim);
    expect(
      (await activities.checkSite({ telescopeId: 'demo', bookingId: 'b-1' })).problems.map((p) => p.reason),
    ).toContain('clock_offset');
    expect(await activities.enableTarget({ grant, key: 'e' })).toMatchObject({
      outcome: 'refused',
      reason: 'clock_offset',
    });
    expect(commands(sim, from)).toEqual([]);
  });
});
