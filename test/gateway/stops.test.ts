import { describe, expect } from '@jest/globals';
import type { Receipt } from '../../domain/contracts/control.ts';
import {
  booking,
  commands,
  gatewayOn,
  httpOf,
  lastEntry,
  observatory,
  scenario,
  until,
  type Setup,
} from './harness.ts';

/** What an abort and a maintenance window do at the gateway, from the simulator's own log. */

async function running(setup: Setup, id: string): Promise<ReturnType<typeof booking>> {
  const made = booking(setup.sim, { id, quantity: 200, exposure: 2 });
  await setup.activities.registerGrant(made.grant);
  await setup.activities.ensureObjects({ grant: made.grant, plan: made.plan });
  expect(await setup.activities.enableTarget({ grant: made.grant, key: `${id}/enable` })).toMatchObject({
    outcome: 'done',
  });
  return made;
}
const enabled = (setup: Setup, target: string): boolean =>
  setup.sim.world.store.find('targets', target)!.row.Status === 0;
const abort = '/v1/telescopes/demo/abort';

describe('an abort', () => {
  scenario(
    'has left the socket before the call returns, also while an attempt of the same abort is under way',
    async () => {
      const setup = await gatewayOn(await observatory());
      await running(setup, 'b-1');
      const { aborts, link } = setup.gateway;
      const request = { command_id: 'now', booking_id: 'b-1', requested_by: 'guest' } as const;
      const written: number[] = [];
      const receipts = [1, 2].map(() => {
        const before = link.stats.linesOut;
        const receipt = aborts.abort(request);
        // Not one turn of the event loop, nor of its microtasks, has passed.
        written.push(link.stats.linesOut - before);
        return receipt;
      });
      expect(written).toEqual([2, 2]);
      await Promise.all(receipts);
    },
  );

  scenario('without a name over two sessions is a latch for each, which its own session sees', async () => {
    const setup = await gatewayOn(await observatory());
    const one = await running(setup, 'b-1');
    const two = await running(setup, 'b-2');
    const http = await httpOf([setup]);
    await http.send('POST', abort, { command_id: 'all', requested_by: 'laravel', reason: 'operator_abort' });
    await until(() => !enabled(setup, one.target) && !enabled(setup, two.target), 10_000, 'both are disabled');
    for (const { grant } of [one, two])
      expect((await setup.activities.observe({ grant })).latchedAbort).toMatchObject({
        commandId: `all/${grant.bookingId}`,
        requestedBy: 'laravel',
        reason: 'operator_abort',
      });
    expect(
      setup.signals
        .filter(({ body }) => (body as { kind?: string }).kind === 'aborted_at_gateway')
        .map(({ bookingId }) => bookingId)
        .sort(),
    ).toEqual(['b-1', 'b-2']);
  });

  scenario('with the key of another night’s abort stops what runs tonight', async () => {
    const setup = await gatewayOn(await observatory());
    const first = await running(setup, 'b-1');
    const http = await httpOf([setup]);
    const key = { command_id: 'stop', requested_by: 'laravel' };
    await http.send('POST', abort, key);
    await until(() => !enabled(setup, first.target), 10_000, 'the first stands');
    await setup.activities.releaseLatch({ telescopeId: 'demo', bookingId: 'b-1', commandId: 'stop/b-1' });
    await setup.activities.revokeGrant({ telescopeId: 'demo', bookingId: 'b-1' });
    const second = await running(setup, 'b-2');
    await http.send('POST', abort, key);
    await until(() => !enabled(setup, second.target), 10_000, 'the second stands too');
  });

  scenario('is not refused for the form of its body', async () => {
    const setup = await gatewayOn(await observatory());
    const { target } = await running(setup, 'b-1');
    const http = await httpOf([setup]);
    const receipts: unknown[] = [];
    for (const body of [
      { command_id: null, booking_id: 'b-1', target_guid: null, set_guid: '', requested_by: null },
      { booking_id: 'b-1', target_guid: 'no guid', surprise: [1], requested_by: 'x'.repeat(500) },
      [],
      'stop',
    ])
      receipts.push((await http.send('POST', abort, body)).body);
    expect(receipts.map((r) => (r as Receipt).state)).toEqual([
      expect.stringMatching(/confirmed|sent/),
      expect.stringMatching(/confirmed|sent/),
      expect.stringMatching(/confirmed|sent/),
      expect.stringMatching(/confirmed|sent/),
    ]);
    expect(enabled(setup, target)).toBe(false);
  });

  scenario('of a booking that never had the telescope sends nothing, and keeps it from starting', async () => {
    const setup = await gatewayOn(await observatory());
    const from = lastEntry(setup.sim);
    expect(
      await setup.gateway.aborts.abort({
        command_id: 'early',
        booking_id: 'b-9',
        requested_by: 'guest',
        reason: 'user_abort',
      }),
    ).toMatchObject({ state: 'confirmed' });
    expect(commands(setup.sim, from)).toEqual([]);
    const made = booking(setup.sim, { id: 'b-9' });
    await setup.activities.registerGrant(made.grant);
    await setup.activities.ensureObjects({ grant: made.grant, plan: made.plan });
    expect(await setup.activities.enableTarget({ grant: made.grant, key: 'e' })).toMatchObject({
      outcome: 'refused',
      reason: 'user_abort',
    });
    expect((await setup.activities.observe({ grant: made.grant })).latchedAbort?.commandId).toBe('early');
  });
});

describe('a target that is not there', () => {
  scenario('is told apart from a list that cannot be read, and is disabled and stopped', async () => {
    const setup = await gatewayOn(await observatory());
    const made = booking(setup.sim, { id: 'b-1' });
    await setup.activities.registerGrant(made.grant);
    expect(await setup.activities.observe({ grant: made.grant })).toMatchObject({ target: null, targetAbsent: true });
    expect(await setup.activities.disableTarget({ grant: made.grant, key: 'd' })).toMatchObject({ outcome: 'done' });
    expect(await setup.activities.stopTarget({ grant: made.grant, key: 's' })).toMatchObject({ outcome: 'done' });
    await setup.activities.ensureObjects({ grant: made.grant, plan: made.plan });
    expect(await setup.activities.observe({ grant: made.grant })).toMatchObject({
      target: { enabled: false },
      targetAbsent: false,
    });
  });
});

describe('maintenance', () => {
  scenario('that the gate was told of starts nothing from that instant on, through a restart too', async () => {
    const sim = await observatory();
    const setup = await gatewayOn(sim);
    const http = await httpOf([setup]);
    const made = booking(sim, { id: 'b-1' });
    await setup.activities.registerGrant(made.grant);
    await setup.activities.ensureObjects({ grant: made.grant, plan: made.plan });
    const windows = [
      { from: new Date(Date.now() - 1_000).toISOString(), to: new Date(Date.now() + 3_600_000).toISOString() },
    ];
    const from = lastEntry(sim);
    expect(await http.send('POST', '/v1/telescopes/demo/maintenance', { windows })).toMatchObject({
      status: 200,
      body: { known: true },
    });
    const refused = { outcome: 'refused', reason: 'maintenance' };
    expect(await setup.activities.enableTarget({ grant: made.grant, key: 'e1' })).toMatchObject(refused);
    await setup.gateway.stop('restarted');
    const again = await gatewayOn(sim, { folder: setup.folder });
    expect(await again.activities.enableTarget({ grant: made.grant, key: 'e2' })).toMatchObject(refused);
    expect(commands(sim, from)).toEqual([]);
    expect(again.gateway.maintenance.current).toBe(true);
    await again.gateway.knowMaintenance([]);
    expect(await again.activities.enableTarget({ grant: made.grant, key: 'e3' })).toMatchObject({ outcome: 'done' });
  });

  scenario('read from the database before the api told of a newer list does not overwrite it', async () => {
    const { gateway } = await gatewayOn(await observatory());
    const { version } = gateway.maintenance;
    await gateway.knowMaintenance([
      { from: new Date(Date.now() - 1_000).toISOString(), to: new Date(Date.now() + 60_000).toISOString() },
    ]);
    gateway.maintenance.set([], version);
    expect(gateway.maintenance.current).toBe(true);
  });
});
