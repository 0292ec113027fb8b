import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { replayNights } from './histories.ts';
import { Stage, type Night, type NightOptions } from './night.ts';

/** Whose fault a lost slot is: bad weather stays the cause, whoever reports it and however. */
const HOUR = 3600;
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open('virtual');
}, 90_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

const slot = { startsIn: 600, slotSeconds: HOUR, policy: { prepare_lead: 300 } };
const during = (start: number, from: number, to: number): { from: number; to: number } => ({
  from: start + from * 1000,
  to: start + to * 1000,
});
const night = (id: string, script: NightOptions['script'], more: Partial<NightOptions> = {}): Promise<Night> =>
  stage.prepare({ id, ...slot, ...(script ? { script } : {}), ...more });
const telling = (at: number, kind: string): NonNullable<NightOptions['steps']>[number] => ({
  at,
  do: (n) => n.handle.signal('telescopeEvent', { id: `${kind}-${at}`, at: new Date(n.at(at)).toISOString(), kind }),
});
const live = (id: string, type: string): Promise<number> => stage.db.event.count({ where: { bookingId: id, type } });
const refund = async (id: string): Promise<number> =>
  (await stage.db.settlement.findFirstOrThrow({ where: { bookingId: id } })).refundHundredths / 100;

describe('Voyager suspends itself', () => {
  test('for rain: weathered out, with a weather alert and no fault, its time unsafe and refunded', async () => {
    const rain = await night('rain', (start) => ({
      weather: [{ ...during(start, -3000, 7200), state: 'unsafe' }],
      emergency: [during(start, -100, HOUR + 600)],
    }));
    expect(await rain.live()).toEqual({ outcome: 'weathered_out', reason: 'weather_no_time_left' });
    expect(await rain.phases()).toContain('holding:weather_unsafe');
    expect(await live('rain', 'weather.alert')).toBe(1);
    expect(await live('rain', 'error.alert')).toBe(0);
    expect(await rain.outbox()).toContain('session.weathered_out');
    expect(await rain.outbox()).not.toContain('error.occurred');
    expect(await rain.ledger()).toEqual({ unsafe: expect.any(Number), other: expect.any(Number) });
    expect(await refund('rain')).toBeGreaterThan(90);
    expect(rain.observatory.commands.filter((c) => c.at >= rain.at(-100) && c.at < rain.at(HOUR))).toEqual([]);
  }, 60_000);

  test('for rain before the plan is in Voyager: the minutes without a preparation are the weather’s, not an outage', async () => {
    const early = await night('rain-early', (start) => ({
      weather: [{ ...during(start, -3000, 7200), state: 'unsafe' }],
      emergency: [during(start, -3000, 7200)],
      siteProblem: [
        { ...during(start, -3000, 7200), reason: 'voyager_emergency', message: 'Voyager’s emergency (suspend).' },
      ],
    }));
    expect(await early.live()).toEqual({ outcome: 'weathered_out', reason: 'weather_no_time_left' });
    expect(await early.phases()).toContain('holding:weather_unsafe');
    expect(await live('rain-early', 'weather.alert')).toBe(1);
    expect(await early.outbox()).toContain('session.weathered_out');
    expect(await early.ledger()).toEqual({ unsafe: expect.any(Number), other: expect.any(Number) });
    expect(await refund('rain-early')).toBeGreaterThan(90);
  }, 60_000);

  test('for rain, and its monitor falls silent behind the closed roof: what stood when it began stays the cause', async () => {
    const silent = await night(
      'rain-silent',
      (start) => ({
        weather: [
          { ...during(start, 60, 400), state: 'unsafe' },
          { ...during(start, 400, 7200), state: 'unsafe', reason: 'weather_unknown' },
        ],
        emergency: [during(start, 62, HOUR + 600)],
        setupSeconds: 300,
      }),
      { steps: [telling(61, 'weather_changed'), telling(62, 'emergency_begun'), telling(401, 'weather_changed')] },
    );
    expect((await silent.live()).outcome).toBe('weathered_out');
    expect((await silent.phases()).filter((phase) => phase.startsWith('holding'))).toEqual(['holding:weather_unsafe']);
  }, 60_000);

  test('under a sky that nobody calls bad: not the weather, told as a fault, and not an outage either', async () => {
    const clear = await night('clear', (start) => ({ emergency: [during(start, -100, 7200)] }));
    expect(await clear.live()).toEqual({ outcome: 'failed', reason: 'voyager_emergency' });
    // Voyager sees what we do not: its suspend is told as such, beside the fault.
    const alerts = await stage.db.event.findMany({ where: { bookingId: 'clear', type: 'weather.alert' } });
    expect(alerts.map(({ data }) => (data as { state: string }).state)).toEqual(['voyager_suspended']);
    expect(await clear.outbox()).toContain('error.occurred');
    expect(Object.keys(await clear.ledger())).toEqual(['unsafe']);
  }, 60_000);

  test('for a while, in rain, with our target enabled: nothing is sent until it is over, then the night goes on', async () => {
    const shower = await night(
      'shower',
      (start) => ({
        weather: [{ ...during(start, 900, 1500), state: 'unsafe' }],
        emergency: [during(start, 890, 1600)],
      }),
      {
        slotSeconds: 2 * HOUR,
        shots: [{ filter: 'L', exposure_seconds: 300, quantity: 6 }],
        steps: [telling(890, 'emergency_begun'), telling(900, 'weather_changed'), telling(1600, 'emergency_over')],
      },
    );
    expect((await shower.live()).outcome).toBe('completed');
    expect(shower.observatory.commands.filter((c) => c.at >= shower.at(890) && c.at < shower.at(1600))).toEqual([]);
    const ledger = await shower.ledger();
    expect(ledger.unsafe).toBeGreaterThanOrEqual(700);
    expect(ledger.outage).toBeUndefined();
  }, 60_000);
});

describe('what else comes with bad weather', () => {
  test('Voyager away in rain that another source sees: told as a fault, ended as the weather’s', async () => {
    const away = await night('rain-away', (start) => ({
      weather: [{ ...during(start, -3000, 7200), state: 'unsafe' }],
      linkDown: [during(start, -100, 3500)],
    }));
    expect(await away.live()).toEqual({ outcome: 'weathered_out', reason: 'weather_no_time_left' });
    expect((await away.ledger()).outage).toBeUndefined();
  }, 60_000);

  test('a base sequence that Voyager does not know, in good weather: an outage as before', async () => {
    const wrong = await night('wrong-sequence', (start) => ({
      siteProblem: [{ ...during(start, -3000, 7200), reason: 'sequence_mismatch', message: 'no such base sequence' }],
    }));
    expect(await wrong.live()).toEqual({ outcome: 'failed', reason: 'sequence_mismatch' });
    expect(await wrong.ledger()).toEqual({ outage: expect.any(Number), other: expect.any(Number) });
  }, 60_000);

  test('a sky that nobody knows for ten minutes is told to the operator, once', async () => {
    const unknown = await night('unknown-sky', (start) => ({
      weather: [{ ...during(start, -3000, 7200), state: 'unsafe', reason: 'weather_unknown' }],
    }));
    await unknown.live();
    const alerts = (await unknown.timeline()).filter(({ event }) => event === 'operator_alert');
    expect(alerts).toHaveLength(1);
    expect(alerts[0]!.at).toBeGreaterThanOrEqual(600);
    expect(alerts[0]!.at).toBeLessThanOrEqual(960);
  }, 60_000);
});

test('every history that the suite itself has produced replays', async () => {
  const { replayed, failed } = await replayNights(stage);
  expect(failed).toEqual({});
  expect(replayed).toBeGreaterThanOrEqual(6);
}, 60_000);
