import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stage } from './night.ts';

/** A gateway that is gone while a quiet watch runs: noticed by the server's own timeouts, which the time-skipping one does not have for attempts. */
(process.env.NOCTURNE_LONG === '1' ? describe : describe.skip)('at wall speed, on Temporal’s own server', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open('real');
  }, 90_000);
  afterAll(async () => {
    await stage?.close();
  }, 60_000);

  test('gateway away in the night: an outage from the check that found it, told, and gone on with when it is back, without a second start', async () => {
    const night = await stage.prepare({
      id: 'no-gateway',
      startsIn: 10,
      slotSeconds: 900,
      shots: [{ filter: 'L', exposure_seconds: 60, quantity: 4 }],
      policy: { prepare_lead: 8, check_interval: 10 },
      debounceSeconds: 0,
    });
    const gone = sleep(25_000).then(() => night.stopGateway());
    const back = sleep(180_000).then(() => night.startGateway());
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    await Promise.all([gone, back]);
    expect(await night.phases()).toEqual(expect.arrayContaining(['holding:gateway_away']));
    expect(await night.when('gateway_away')).toBeLessThanOrEqual(15 + 10 + 20 + 60 + 5);
    expect(night.effects().filter((effect) => effect === 'enableTarget')).toHaveLength(1);
    const told = await stage.db.outbox.findMany({
      where: { bookingId: night.id, channel: 'webhook', type: 'error.occurred' },
    });
    expect(told.map((row) => (row.data as { reason: string }).reason)).toContain('gateway_away');
    const ledger = await night.ledger();
    expect(ledger.outage).toBeGreaterThan(10);
    expect(Object.values(ledger).reduce((a, b) => a + b, 0)).toBe(900);
  }, 400_000);
});
