import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { composeReport, faultsOf } from '../../activities/finalise/report.ts';
import type { Snapshot } from '../../domain/contracts/snapshot.ts';
import { readFigures } from '../../api/admin/figures.ts';
import { Prisma } from '../../prisma/client/client.ts';
import { outboxState } from '../../platform/outbox.ts';
import { NIGHT, at, insertBooking, startApi, startPostgres, token, type RunningApi } from './harness.ts';
import { emptied } from '../support/emptied.ts';

/** A figure has one definition and one source: page, report and admin say the same of the same thing. */
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let api: RunningApi;
beforeAll(async () => {
  postgres = await startPostgres();
  api = await startApi(postgres.url);
});
afterAll(async () => {
  await api?.stop();
  await postgres?.stop();
});
beforeEach(async () => {
  await emptied(
    api.db,
    'bookings, sessions, events, event_counters, outbox, frames, telemetry, settlements, timeline, ledger_intervals',
  );
  await insertBooking(api, 'b-1', { start: at(-60), end: at(60) }, { ref: 'user-1' }, 'running');
});

const snapshot = async (): Promise<Snapshot> => (await api.json<Snapshot>('GET', '/api/bookings/b-1/snapshot')).body;
async function frames(n: number, states: (i: number) => string = () => 'archived'): Promise<void> {
  await api.db.frame.createMany({
    data: Array.from({ length: n }, (_, i) => ({
      id: `f${i}`,
      telescopeId: 't1',
      bookingId: 'b-1',
      sourceKey: `f${i}`,
      sourcePath: '',
      filename: `f${i}.fit`,
      type: 'LIGHT',
      filter: 'L',
      exposure: 60,
      binning: 1,
      state: states(i),
      capturedAt: new Date(NIGHT - 1_800_000 + i * 60_000),
    })),
  });
}
const settle = (id: string, charged: number, refund: number): Promise<unknown> =>
  api.db.settlement.create({
    data: {
      id: `s-${id}`,
      bookingId: id,
      rule: 'r',
      lines: [],
      chargedHundredths: charged * 100,
      refundHundredths: refund * 100,
    },
  });

test('shots, bars and frames count the same frames, without waiting for a check', async () => {
  await frames(4, (i) => (i === 3 ? 'rejected' : 'archived'));
  const { plan, progress, images } = await snapshot();
  expect({ bars: plan.map((line) => line.done), shots: progress.shots_done, frames: images.captured }).toEqual({
    bars: [4],
    shots: 4,
    frames: 4,
  });
});

test('Voyager’s own log is for operators, and for guests where the telescope’s file says so', async () => {
  await api.db.journal.createMany({
    data: [3, 9, 4].map((type, i) => ({
      telescopeId: 't1',
      epoch: 1,
      n: i + 1,
      kind: 'log',
      at: new Date(NIGHT + (i - 1) * 7_200_000),
      data: { type, text: `line ${i}` },
    })),
  });
  const guest = await token(api, { kind: 'booking', subject: 'b-1' });
  type Lines = { data: { source: string; level: string; event: string; message: string }[] };
  const lines = (by?: string, level = '') =>
    api.json<Lines>('GET', `/api/bookings/b-1/logs?source=voyager${level}`, undefined, by ? { token: by } : {});
  const emergency = { source: 'voyager', level: 'ERROR', event: 'voyager.emergency', message: 'line 1' };
  expect((await lines()).body.data).toEqual([expect.objectContaining(emergency)]);
  expect((await lines(undefined, '&level=WARNING')).body.data).toEqual([]);
  expect((await lines(guest)).status).toBe(403);
  const readable = async (by?: string): Promise<string[]> =>
    (await api.json<{ sources: string[] }>('GET', '/api/bookings/b-1/logs', undefined, by ? { token: by } : {})).body
      .sources;
  expect([await readable(guest), await readable()]).toEqual([['night'], ['night', 'voyager']]);
  const set = async (allowed: boolean): Promise<void> => {
    await api.db
      .$executeRaw`UPDATE telescopes SET config = jsonb_set(config, '{policy,guests_read_voyager_log}', ${String(allowed)}::jsonb), version = version + 1`;
    api.deps.telescopes.forget();
  };
  await set(true);
  expect((await lines(guest)).body.data).toHaveLength(1);
  expect(await readable(guest)).toEqual(['night', 'voyager']);
  await set(false);
});

test('credits on the page are those of the report: all of them until the settlement, then less the refund', async () => {
  expect((await snapshot()).credits).toEqual({ charged: 12, used: 12, refund: null });
  await settle('b-1', 12, 3);
  api.deps.snapshots.forgetAll();
  expect((await snapshot()).credits).toMatchObject({
    charged: 12,
    used: 9,
    refund: 3,
    explanation: { fr: expect.any(String) },
  });
});

test('guiding success counts guided exposure, on the page as in the report: a slew or a focus run is no failure', async () => {
  await frames(20);
  await api.db.telemetry.createMany({
    data: Array.from({ length: 300 }, (_, i) => ({
      telescopeId: 't1',
      bookingId: 'b-1',
      at: new Date(NIGHT - 2_400_000 + i * 6_000),
      // Stopped for the ten minutes before the first exposure, and for one of the twenty that follow.
      data: { guiding_status: i < 100 || (i >= 150 && i < 160) ? 'STOPPED' : 'RUNNING', guiding_rms: 0.5 },
    })),
  });
  const stats = await api.json<{ guiding: { success_rate: number } }>('GET', '/api/bookings/b-1/stats');
  const report = await composeReport(api.db, 'b-1', 'completed', null);
  expect(stats.body.guiding.success_rate).toBe(0.95);
  expect(report.tracking.guiding_uptime).toBe(0.95);
});

test('what the telescope measures after the session’s end is not of the night, on the page as in the report', async () => {
  const ended = NIGHT + 30_000;
  await api.db.session.update({ where: { bookingId: 'b-1' }, data: { sessionEndedAt: new Date(ended) } });
  const sample = (atMs: number, rms: number) => ({
    telescopeId: 't1',
    bookingId: 'b-1',
    at: new Date(atMs),
    data: { guiding_status: 'RUNNING', guiding_rms: rms },
  });
  await frames(2);
  await api.db.telemetry.createMany({ data: [1, 2, 3].map((i) => sample(ended - i * 6_000, 0.5)) });
  const told = async () => {
    const { body } = await api.json('GET', '/api/bookings/b-1/stats');
    return { stats: body.guiding, report: await composeReport(api.db, 'b-1', 'completed', null) };
  };
  const before = await told();
  expect(before.stats).toMatchObject({ average_rms_px: 0.5, samples: 3 });
  await api.db.telemetry.create({ data: sample(ended + 12_000, 9) });
  expect(await told()).toEqual(before);
});

test('a mean is over the frames that have the value and says of how many, on the page as in the report', async () => {
  await frames(6);
  const hfd: Record<string, [filter: string, hfd: number | null]> = {
    f0: ['L', 2],
    f1: ['L', null],
    f2: ['L', null],
    f3: ['L', null],
    f4: ['Ha', 3],
    f5: ['Ha', 5],
  };
  for (const [id, [filter, value]] of Object.entries(hfd))
    await api.db.frame.update({ where: { id }, data: { filter, hfd: value } });
  const expected: Record<string, unknown> = {
    average_hfd: expect.closeTo(10 / 3, 2),
    hfd_frames: 3,
    by_filter: expect.arrayContaining([
      expect.objectContaining({ filter: 'L', count: 4, average_hfd: 2, hfd_frames: 1 }),
      expect.objectContaining({ filter: 'Ha', count: 2, average_hfd: 4, hfd_frames: 2 }),
    ]),
  };
  expect((await api.json('GET', '/api/bookings/b-1/stats')).body).toMatchObject(expected);
  expect((await composeReport(api.db, 'b-1', 'completed', null)).images).toMatchObject(expected);
});

test('frames, exposure and HFD are the same in report and /stats: darks are counted and expose nothing, a missing frame was not captured', async () => {
  await frames(6, (i) => ['archived', 'archived', 'archived', 'rejected', 'missing', 'pending'][i]!);
  await api.db.frame.update({ where: { id: 'f0' }, data: { type: 'DARK', filter: null } });
  await api.db.session.update({ where: { bookingId: 'b-1' }, data: { imagesCaptured: 1 } });
  const { body } = await api.json('GET', '/api/bookings/b-1/stats');
  const { images } = await composeReport(api.db, 'b-1', 'completed', null);
  expect(body).toMatchObject({
    images: { captured: 5, archived: 3, rejected: 1, missing: 1, pending: 1 },
    total_exposure_seconds: 120,
    by_filter: [{ filter: 'L', count: 2, exposure_seconds: 120 }],
  });
  expect(images).toMatchObject({
    total_captured: 5,
    archived: 3,
    total_exposure_seconds: 120,
    by_filter: body.by_filter,
  });
});

test('one fault that is told three times is one error', () => {
  const line = (seconds: number, message: string, level = 'ERROR'): { at: Date; level: string; message: string } => ({
    at: new Date(NIGHT + seconds * 1_000),
    level,
    message,
  });
  expect(
    faultsOf([
      line(0, 'Voyager is away.'),
      line(0, 'Voyager is away.'),
      line(1, 'Voyager is away.'),
      line(1, 'A frame is damaged.'),
      line(600, 'Voyager is away.'),
      line(700, 'Paused.', 'INFO'),
    ]),
  ).toBe(3);
});

test('a letter that went to nobody is not listed as delivered, and says why', async () => {
  await api.db.outbox.updateMany({
    data: { channel: 'email', deadAt: new Date(NIGHT), unsent: true, lastError: 'no address' },
  });
  const listed = async (state: string): Promise<{ state: string; delivered_at: string | null; last_error: string }[]> =>
    (
      await api.json<{ data: { state: string; delivered_at: string | null; last_error: string }[] }>(
        'GET',
        `/api/webhooks/deliveries?state=${state}`,
      )
    ).body.data;
  expect(await listed('delivered')).toEqual([]);
  expect(await listed('not_sent')).toMatchObject([{ state: 'not_sent', delivered_at: null, last_error: 'no address' }]);
  expect(outboxState({ deliveredAt: new Date(), deadAt: null, unsent: false })).toBe('delivered');
});

test('revenue is what was settled and not given back; a cancelled session is no failed one', async () => {
  const money = { charged: 12, price: { amount_minor: 2_400, currency: 'EUR' } };
  await api.db.booking.updateMany({ data: { credits: money } });
  await settle('b-1', 12, 3);
  await api.db.session.update({ where: { bookingId: 'b-1' }, data: { phase: 'completed', outcome: 'completed' } });
  await insertBooking(api, 'b-2', { start: at(200), end: at(260) }, { ref: 'user-2' }, 'cancelled');
  await api.db.session.update({ where: { bookingId: 'b-2' }, data: { outcome: 'cancelled' } });
  await settle('b-2', 12, 12);
  await insertBooking(api, 'b-3', { start: at(400), end: at(460) }, { ref: 'user-3' });
  await api.db.booking.updateMany({ where: { id: { in: ['b-2', 'b-3'] } }, data: { credits: money } });
  const { body } = await api.json('GET', `/api/admin/analytics?from=${at(-600)}&to=${at(600)}`);
  expect(body).toMatchObject({
    revenue_by_month: [{ currency: 'EUR', amount_minor: 1_800, credits_charged: 24, credits_refund: 15 }],
    sessions: { total: 1, by_outcome: { completed: 1, cancelled: 1 }, success_rate: 1 },
  });
});

describe('what the analytics count', () => {
  const DAY = 24 * 60;
  /** Nights of an hour on days before, settled or not, as a session that is over leaves them. */
  async function night(id: string, day: number, outcome: string, credits: [charged: number, refund: number] | null) {
    await insertBooking(api, id, { start: at(-DAY * day), end: at(-DAY * day + 60) }, { ref: 'user-1' }, outcome);
    const from = Date.parse(at(-DAY * day));
    await api.db.session.update({
      where: { bookingId: id },
      data: { outcome, sessionStartedAt: new Date(from), sessionEndedAt: new Date(from + 1_800_000) },
    });
    await api.db.booking.update({
      where: { id },
      data: { credits: { charged: 12, price: { amount_minor: 1_000, currency: 'EUR' } } },
    });
    await api.db.ledgerInterval.createMany({
      data: [
        { bookingId: id, startsAt: new Date(from), endsAt: new Date(from + 2_700_000), class: 'imaging' },
        {
          bookingId: id,
          startsAt: new Date(from + 2_700_000),
          endsAt: new Date(from + 3_600_000),
          class: 'unsafe',
          cause: 'weather_unsafe',
        },
      ],
    });
    if (credits) await settle(id, ...credits);
  }
  const figures = async (): Promise<Record<string, unknown>> =>
    (await api.json('GET', `/api/admin/analytics?from=${at(-DAY * 9)}&to=${at(-90)}`)).body;

  test('success leaves cancellations and weather apart; revenue is of settled nights; kept and counted at once say the same', async () => {
    await night('n1', 1, 'completed', [12, 3]);
    await night('n2', 2, 'failed', [12, 12]);
    await night('n3', 3, 'weathered_out', [12, 12]);
    await night('n4', 4, 'cancelled', [12, 12]);
    await night('n5', 5, 'completed', null);
    const counted = await figures();
    expect(counted).toMatchObject({
      sessions: { total: 4, success_rate: 2 / 3, average_minutes: 30 },
      utilisation: [{ telescope_id: 't1', booked_hours: 4, imaging_hours: 3.75 }],
      revenue_by_month: [{ currency: 'EUR', amount_minor: 750, credits_charged: 48, credits_refund: 39 }],
      problems: [{ reason: 'weather_unsafe', count: 5 }],
    });
    for (const id of ['n1', 'n2', 'n3']) await api.db.$executeRaw`SELECT keep_session_figures(${id})`;
    expect(await figures()).toEqual(counted);
  });

  test('whole months are summed from their sums and say what their sessions say, through every change of a session', async () => {
    for (const [i, outcome] of [
      'completed',
      'failed',
      'completed',
      'weathered_out',
      'completed',
      'cancelled',
    ].entries()) {
      await night(`n${i}`, 2 + 25 * i, outcome, [12, i]);
      if (i < 5) await api.db.$executeRaw`SELECT keep_session_figures(${`n${i}`})`;
    }
    const kept = Prisma.sql`SELECT to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, telescope_id, coalesce(outcome, '') AS outcome,
      coalesce(currency, '') AS currency, count(*) AS n, sum(imaging_seconds) AS imaging, sum(refund_hundredths) AS refund, sum(revenue_minor) AS revenue
      FROM session_figures GROUP BY 1, 2, 3, 4`;
    const summed = Prisma.sql`SELECT month, telescope_id, outcome, currency, n, imaging_seconds, refund_hundredths, revenue_minor FROM figures_by_month WHERE n > 0`;
    const same = async (): Promise<void> => {
      expect(await api.db.$queryRaw`(${kept}) EXCEPT (${summed})`).toEqual([]);
      expect(await api.db.$queryRaw`(${summed}) EXCEPT (${kept})`).toEqual([]);
      for (const days of [200, 80, 33, 3]) {
        const range = { from: new Date(at(-DAY * days)), to: new Date(at(0)), telescopeId: 't1' };
        const { sums, problems } = await readFigures(api.db, range);
        const [direct] = await api.db.$queryRaw<Record<string, number>[]>`
          SELECT count(*)::int AS n, sum(imaging_seconds)::int AS imaging, sum(refund_hundredths)::int AS refund, sum(cardinality(causes))::int AS problems
          FROM analytics_sessions WHERE starts_at >= ${range.from} AND starts_at < ${range.to}`;
        const sum = (of: (row: (typeof sums)[number]) => number | null) =>
          sums.reduce((all, row) => all + (of(row) ?? 0), 0);
        const found = { n: sum((row) => row.n), imaging: sum((row) => row.imaging), refund: sum((row) => row.refund) };
        expect({ ...found, problems: problems.reduce((all, { count }) => all + count, 0) }).toEqual(direct);
      }
    };
    await same();
    await api.db.settlement.updateMany({ where: { bookingId: 'n1' }, data: { refundHundredths: 1_200 } });
    await api.db.$executeRaw`SELECT keep_session_figures('n1')`;
    await api.db.sessionFigures.update({ where: { bookingId: 'n3' }, data: { outcome: 'failed' } });
    await api.db.session.delete({ where: { bookingId: 'n4' } });
    await api.db.booking.delete({ where: { id: 'n4' } });
    await same();
  });

  test('the CSV has a line for each session, and its sums are the figures', async () => {
    await night('n1', 1, 'completed', [12, 3]);
    await night('n2', 2, 'failed', [12, 12]);
    const answer = await api.fetch(`/api/admin/analytics.csv?from=${at(-DAY * 9)}&to=${at(-90)}`);
    expect(answer.headers.get('content-type')).toContain('text/csv');
    const [names, ...rows] = (await answer.text())
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(','));
    const column = (name: string): string[] => rows.map((row) => row[names!.indexOf(name)]!);
    expect(column('booking_id')).toEqual(['n2', 'n1']);
    expect(column('revenue_minor')).toEqual(['0', '750']);
    expect(column('imaging_seconds')).toEqual(['2700', '2700']);
    expect(column('causes')).toEqual(['weather_unsafe', 'weather_unsafe']);
  });

  test('each view and each column of money says what it counts', async () => {
    const [said] = await api.db.$queryRaw<{ view: string | null; revenue: string | null }[]>`
      SELECT obj_description('analytics_sessions'::regclass) AS view,
        (SELECT col_description('session_figures_now'::regclass, attnum) FROM pg_attribute
          WHERE attrelid = 'session_figures_now'::regclass AND attname = 'revenue_minor') AS revenue`;
    expect(said).toEqual({
      view: expect.stringContaining('Success ='),
      revenue: expect.stringContaining('given back'),
    });
  });
});

describe('a guest’s complaint and the operator’s answer', () => {
  test('stand on the same evidence; the operator hears of it, an answer is given once, and what it gives back is settled', async () => {
    await frames(1, () => 'rejected');
    await settle('b-1', 12, 3);
    const made = await api.json<{ id: string }>('POST', '/api/bookings/b-1/complaints', {
      image_id: 'f0',
      text: 'The stars are lines.',
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        state: 'open',
        evidence: { image: { state: 'rejected', filter: 'L' }, settlement: { credits_refund: 3 } },
      },
    });
    expect(await api.db.outbox.count({ where: { type: 'error.occurred', channel: 'operator' } })).toBe(1);
    const open = await api.json<{ data: { id: string }[] }>('GET', '/api/admin/complaints?state=open');
    expect(open.body.data).toMatchObject([{ id: made.body.id, text: 'The stars are lines.' }]);
    const reply = (credits: number) =>
      api.json('POST', `/api/complaints/${made.body.id}/answer`, { answer: 'You are right.', refund_credits: credits });
    expect(await reply(9.5)).toMatchObject({
      status: 422,
      body: { errors: { credits: [expect.stringContaining('9')] } },
    });
    expect(await reply(1.25)).toMatchObject({
      status: 200,
      body: { state: 'answered', refund: 1.25, evidence: { settlement: { credits_refund: 4.25 } } },
    });
    expect((await reply(0)).status).toBe(409);
    const told = await api.db.outbox.findMany({ where: { type: 'complaint.answered' }, orderBy: { channel: 'asc' } });
    expect(told.map(({ channel, data }) => [channel, data])).toEqual(
      ['email', 'webhook'].map((channel) => [
        channel,
        expect.objectContaining({ image_id: 'f0', answer: 'You are right.', credits_refund: 1.25 }),
      ]),
    );
    expect((await api.json('GET', '/api/bookings/b-1/credits')).body).toMatchObject({
      charged: 12,
      held: 0,
      earned: 7.75,
      by_hand: [{ credits: 1.25, reason: 'You are right.' }],
    });
    expect((await api.json<{ data: object[] }>('GET', '/api/bookings/b-1/complaints')).body.data).toMatchObject([
      { answer: 'You are right.', refund: 1.25 },
    ]);
  });

  test('about a frame of another booking is refused, naming the field; a night that is not settled gives nothing back by hand', async () => {
    expect(await api.json('POST', '/api/bookings/b-1/complaints', { image_id: 'x', text: 'Dark.' })).toMatchObject({
      status: 422,
      body: { errors: { image_id: [expect.any(String)] } },
    });
    const given = { credits: 1, reason: 'Because.' };
    expect((await api.json('POST', '/api/bookings/b-1/refunds', given)).status).toBe(409);
    await settle('b-1', 12, 3);
    expect(await api.json('POST', '/api/bookings/b-1/refunds', given)).toMatchObject({
      status: 201,
      body: { credits_refund: 4, by_hand: { credits: 1, reason: 'Because.' } },
    });
  });
});
