import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFinaliseActivities } from '../../activities/finalise/index.ts';
import type { FinaliseActivities, SessionActivities, Span, Transition } from '../../domain/ports.ts';
import { createSessionActivities } from '../../activities/session/index.ts';
import { Telescope } from '../../domain/contracts/telescope.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { openReceipt } from '../../platform/receipts.ts';
import { startPostgres } from '../support/postgres.ts';

const START = Date.UTC(2026, 0, 15, 22);
const iso = (second: number): string => new Date(START + second * 1000).toISOString();
const ids = { bookingId: 'b1', telescopeId: 't' };
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let db: Database;
let session: SessionActivities;
let finalise: FinaliseActivities;
let storage: string;

beforeAll(async () => {
  postgres = await startPostgres();
  db = createDatabase(postgres.url, undefined, 4);
  storage = mkdtempSync(join(tmpdir(), 'nocturne-records-'));
  session = createSessionActivities({ db });
  finalise = createFinaliseActivities({
    db,
    storagePath: storage,
    archive: { buildArchive: async () => ({ archivePath: join(storage, 'b1'), files: 2, bytes: 2 }) },
  });
  await db.telescope.create({
    data: {
      id: 't',
      config: Telescope.parse({
        id: 't',
        name: 'Nice',
        host: 'h',
        base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
        site: { latitude_degrees: 44, longitude_degrees: 7 },
        policy: { refund: { full_refund_below_good_share: 0 } },
      }),
    },
  });
  await db.booking.create({
    data: {
      id: 'b1',
      telescopeId: 't',
      startsAt: new Date(START),
      endsAt: new Date(START + 3600_000),
      blockedUntil: new Date(START + 3600_000),
      userRef: 'u1',
      target: { name: 'M 31', ra_hours: 0.712, dec_degrees: 41.27, pa_degrees: 0 },
      shots: [{ filter: 'Ha', exposure_seconds: 300, quantity: 5, binning: 1, type: 'light' }],
      constraints: { min_altitude_degrees: 30, hour_angle_start_hours: -3, hour_angle_end_hours: 3 },
      credits: { charged: 36 },
      bodyHash: '',
    },
  });
  await db.session.create({ data: { ...ids, workflowId: 'booking-b1', phase: 'scheduled' } });
}, 60_000);
afterAll(async () => {
  await db.$disconnect();
  await postgres.stop();
  rmSync(storage, { recursive: true, force: true });
}, 30_000);

const transition = (n: number, phase: Transition['phase'], more: Partial<Transition> = {}): Transition => ({
  ...ids,
  transition: n,
  at: iso(n),
  phase,
  holdCause: null,
  reason: null,
  outcome: null,
  generation: 0,
  next: null,
  log: { level: 'INFO', event: phase, message: phase },
  ...more,
});

describe('loadBooking', () => {
  test('plans objects with GUIDs that follow from booking and generation, the slot’s bounds as dates, the target disabled', async () => {
    const first = await session.loadBooking({ bookingId: 'b1', now: iso(0) });
    const again = await session.loadBooking({ bookingId: 'b1', now: iso(9) });
    expect(again).toEqual(first);
    expect(first.plan.target).toMatchObject({
      TargetName: 'M 31',
      C_DateStart: START / 1000,
      C_DateEnd: START / 1000 + 3600,
      Status: 1,
      C_AltMin: 30,
    });
    expect(first.plan.set).toMatchObject({ Name: 'User_u1_Booking_b1', Tag: 'stellar_booking_b1' });
    expect(first.plan.shots).toEqual([expect.objectContaining({ FilterIndex: 4, Num: 5, Exposure: 300, Order: 1 })]);
    expect(JSON.stringify(first)).not.toContain('@');
  });
  test('a higher generation makes other GUIDs and stays', async () => {
    const before = await session.loadBooking({ bookingId: 'b1', now: iso(0) });
    const after = await session.loadBooking({ bookingId: 'b1', now: iso(0), generation: 1 });
    expect(after.generation).toBe(1);
    expect(after.plan.target.GuidTarget).not.toBe(before.plan.target.GuidTarget);
    expect((await session.loadBooking({ bookingId: 'b1', now: iso(0) })).generation).toBe(1);
  });
  test('an unknown booking can never work', async () => {
    await expect(session.loadBooking({ bookingId: 'nobody', now: iso(0) })).rejects.toMatchObject({
      type: 'NotFound',
      nonRetryable: true,
    });
  });
});

describe('recordTransition', () => {
  test('writes row, timeline, events and outbox once; a repeat and an older number change nothing', async () => {
    const prepared = transition(2, 'prepared', {
      notify: { type: 'session.prepared' },
      setGuid: 'set',
      next: { what: 'start', at: iso(0) },
    });
    await session.recordTransition(prepared);
    await Promise.all([
      session.recordTransition(prepared),
      session.recordTransition(prepared),
      session.recordTransition(transition(1, 'preparing')),
    ]);
    const row = await db.session.findUniqueOrThrow({ where: { bookingId: 'b1' } });
    expect([row.phase, row.transition, row.setGuid, row.nextWhat]).toEqual(['prepared', 2, 'set', 'start']);
    expect(await db.timeline.count()).toBe(1);
    expect((await db.event.findMany({ orderBy: { seq: 'asc' } })).map((e) => [e.seq, e.type])).toEqual([
      [1, 'session.changed'],
      [2, 'log.appended'],
    ]);
    expect((await db.outbox.findMany({ orderBy: { channel: 'asc' } })).map((o) => [o.channel, o.type])).toEqual([
      ['email', 'session.prepared'],
      ['webhook', 'session.prepared'],
    ]);
  });
  test('weather and faults raise live alerts', async () => {
    await session.recordTransition(transition(3, 'holding', { holdCause: 'weather', reason: 'weather_unsafe' }));
    await session.recordTransition(transition(4, 'holding', { holdCause: 'fault', reason: 'voyager_error' }));
    expect(await db.event.count({ where: { type: 'weather.alert' } })).toBe(1);
    expect(await db.event.count({ where: { type: 'error.alert' } })).toBe(1);
  });
  test('Voyager’s own suspend is a weather alert too, whether or not we know of bad weather', async () => {
    await session.recordTransition(transition(5, 'holding', { holdCause: 'fault', reason: 'voyager_emergency' }));
    const alerts = await db.event.findMany({ where: { type: 'weather.alert' }, orderBy: { seq: 'asc' } });
    expect(alerts.map(({ data }) => (data as { state: string }).state)).toEqual(['hold', 'voyager_suspended']);
    expect(await db.event.count({ where: { type: 'error.alert' } })).toBe(2);
  });
});

test('a fault is one line for the guest, however many say it; a minute later it is another one', async () => {
  const message = 'The camera does not answer.';
  const log = { level: 'ERROR' as const, event: 'equipment_error', message };
  await session.recordTransition(transition(6, 'holding', { holdCause: 'fault', reason: 'equipment_error', log }));
  const again = { ...log, event: 'fault_equipment_error' };
  const notify = { type: 'error.occurred' as const, data: { reason: 'equipment_error' } };
  await session.recordLog({ ...ids, key: 'fault', at: iso(7), log: again, notify });
  await session.recordLog({ ...ids, key: 'fault', at: iso(7), log: again, notify });
  await session.alertOperator({ ...ids, key: 'fault', at: iso(8), reason: 'equipment_error', message });
  await session.recordLog({ ...ids, key: 'later', at: iso(90), log: again });
  const lines = await db.timeline.findMany({ where: { message }, orderBy: { position: 'asc' } });
  expect(lines.map(({ event, repeats }) => [event, repeats])).toEqual([
    ['equipment_error', false],
    ['fault_equipment_error', true],
    ['operator_alert', true],
    ['fault_equipment_error', false],
  ]);
  const live = await db.event.findMany({ where: { type: 'log.appended' } });
  expect(live.filter(({ data }) => (data as { message: string }).message === message)).toHaveLength(2);
  expect(await db.outbox.count({ where: { type: 'error.occurred', channel: 'webhook' } })).toBe(2);
});

test('each count of the plan is told once, as RoboTarget’s list or the frames have it', async () => {
  const shot = { guid: 's', filter: 'Ha', filter_index: 4, exposure_seconds: 300, quantity: 5, binning: 1, done: 0 };
  await db.session.update({ where: { bookingId: 'b1' }, data: { voyagerShots: [shot] } });
  const check = (done: number) =>
    session.recordCheck({ ...ids, at: iso(9), observation: { shotsDone: { s: done }, weather: {} } as never });
  for (const done of [0, 2, 2, 3]) await check(done);
  const told = await db.event.findMany({ where: { type: 'plan.progress' }, orderBy: { seq: 'asc' } });
  expect(told.map(({ data }) => data)).toEqual(
    [2, 3].map((done) => ({
      shots_done: done,
      shots_total: 5,
      percent: 20 * done,
      done: [done],
      by_filter: [{ filter: 'Ha', done, total: 5 }],
    })),
  );
  await db.session.update({ where: { bookingId: 'b1' }, data: { progress: {} } });
});

test('a receipt moves on, stands once it is confirmed, and is told once', async () => {
  const change = {
    ...ids,
    commandId: 'c1',
    kind: 'pause' as const,
    reason: null,
    message: null,
    requestedBy: 'guest',
    at: iso(5),
  };
  for (const state of ['accepted', 'sent', 'unknown', 'confirmed', 'refused', 'confirmed'] as const)
    await session.recordReceipt({ ...change, state });
  expect((await db.receipt.findUniqueOrThrow({ where: { commandId: 'c1' } })).state).toBe('confirmed');
  expect((await db.outbox.findMany({ where: { type: { startsWith: 'control.' } } })).map((o) => o.type)).toEqual([
    'control.confirmed',
  ]);
});

describe('a change of the booking that the session refuses after the API has gone on', () => {
  const row = async (): Promise<unknown> => {
    const { startsAt, endsAt, shots, bodyHash } = await db.booking.findUniqueOrThrow({ where: { id: 'b2' } });
    return { start: startsAt.toISOString(), end: endsAt.toISOString(), shots, bodyHash };
  };
  const was = { start: iso(86_400), end: iso(90_000), shots: [{ quantity: 5 }], bodyHash: 'old' };
  const moved = { start: iso(172_800), end: iso(176_400), shots: [{ quantity: 9 }], bodyHash: 'new' };
  const base = { telescopeId: 't', userRef: 'u1', target: { name: 'M 31' }, constraints: {}, credits: { charged: 36 } };
  const change = {
    telescopeId: 't',
    bookingId: 'b2',
    commandId: 'move',
    kind: 'reschedule' as const,
    message: null,
    requestedBy: 'guest',
    at: iso(5),
  };
  const refuse = (): Promise<void> => session.recordReceipt({ ...change, state: 'refused', reason: 'finalising' });

  beforeEach(async () => {
    await db.outbox.deleteMany();
    await db.receipt.deleteMany({ where: { commandId: 'move' } });
    await db.audit.deleteMany({ where: { bookingId: 'b2' } });
    await db.booking.deleteMany({ where: { id: { in: ['b2', 'b3'] } } });
    const at = (iso8601: string): Date => new Date(iso8601);
    const slot = { startsAt: at(moved.start), endsAt: at(moved.end), blockedUntil: at(moved.end) };
    await db.booking.create({ data: { ...base, ...slot, id: 'b2', shots: moved.shots, bodyHash: 'new', version: 2 } });
    const replaced = {
      version: 2,
      startsAt: was.start,
      endsAt: was.end,
      blockedUntil: was.end,
      target: base.target,
      shots: was.shots,
      constraints: {},
      credits: base.credits,
    };
    await db.$transaction((tx) =>
      openReceipt(tx, { ...change, replaced: { ...replaced, bodyHash: 'old' }, at: at(change.at) }),
    );
  });
  const told = async (): Promise<string[]> =>
    (await db.outbox.findMany({ where: { channel: 'webhook' }, orderBy: { sequence: 'asc' } })).map((o) => o.type);

  test('the booking is as it was, once, and the site is told', async () => {
    await session.recordReceipt({ ...change, state: 'unknown', reason: null });
    await refuse();
    expect(await row()).toEqual(was);
    await db.booking.update({ where: { id: 'b2' }, data: { bodyHash: 'later' } });
    await refuse();
    expect(await row()).toEqual({ ...was, bodyHash: 'later' });
    expect(await told()).toEqual(['control.refused']);
  });
  test('confirmed: the change stands', async () => {
    await session.recordReceipt({ ...change, state: 'confirmed', reason: null });
    await refuse();
    expect(await row()).toEqual(moved);
    expect(await told()).toEqual(['control.confirmed']);
  });
  test('a later change of somebody else is left alone', async () => {
    await db.booking.update({ where: { id: 'b2' }, data: { version: 3, bodyHash: 'newest' } });
    await refuse();
    expect(await row()).toEqual({ ...moved, bodyHash: 'newest' });
  });
  test('the old slot is taken by then: the row stays and the operator hears which two collide', async () => {
    await db.booking.create({
      data: {
        ...base,
        id: 'b3',
        startsAt: new Date(iso(88_000)),
        endsAt: new Date(iso(95_000)),
        blockedUntil: new Date(iso(95_000)),
        shots: [],
        bodyHash: '',
      },
    });
    await refuse();
    expect(await row()).toEqual(moved);
    expect(await told()).toEqual(['error.occurred', 'control.refused']);
    expect((await db.outbox.findFirstOrThrow({ where: { type: 'error.occurred' } })).data).toMatchObject({
      audience: 'operator',
      message: expect.stringMatching(/command move .*booking b3/),
    });
  });
});

test('what is left of a slot whose session is over can be booked again', async () => {
  const occupies = async (): Promise<boolean> => (await db.booking.findUniqueOrThrow({ where: { id: 'b1' } })).occupies;
  await session.recordTransition(transition(7, 'finalising'));
  expect(await occupies()).toBe(true);
  await session.recordTransition(transition(8, 'aborted', { outcome: 'aborted' }));
  expect(await occupies()).toBe(false);
});

describe('settle and report', () => {
  const spans: Span[] = [
    { class: 'overhead', start: iso(0), end: iso(1800), cause: null },
    { class: 'unsafe', start: iso(1800), end: null, cause: 'weather_unsafe' },
  ];
  const frame = {
    telescopeId: 't',
    bookingId: 'b1',
    sourcePath: '',
    type: 'LIGHT',
    exposure: 300,
    filter: 'Ha',
    state: 'archived',
    hfd: 2,
    sizeBytes: 10n,
    histogram: [],
  };
  const seconds = async (): Promise<Record<string, number>> =>
    (await finalise.settle({ ...ids, spans, outcome: 'completed' })).seconds;

  test('the same night settles once; a late frame supersedes', async () => {
    await db.frame.create({
      data: { ...frame, id: 'f1', sourceKey: 'f1', filename: 'f1.fit', capturedAt: new Date(START + 100_000) },
    });
    expect(await seconds()).toMatchObject({ imaging: 300, overhead: 1500, unsafe: 1800 });
    await seconds();
    expect(await db.settlement.findMany()).toEqual([
      expect.objectContaining({ chargedHundredths: 3600, refundHundredths: 1800, supersedes: null }),
    ]);
    expect(await db.outbox.count({ where: { type: 'credits.settled' } })).toBe(1);
    await db.frame.create({
      data: { ...frame, id: 'f2', sourceKey: 'f2', filename: 'f2.fit', capturedAt: new Date(START + 500_000) },
    });
    expect(await seconds()).toMatchObject({ imaging: 600, overhead: 1200 });
    const both = await db.settlement.findMany({ orderBy: { createdAt: 'asc' } });
    expect(both[1]!.supersedes).toBe(both[0]!.id);
  });

  test('after the night a late frame changes ledger and settlement without anyone saying the holds again; none, and nothing changes', async () => {
    const inDatabase = async (name: string): Promise<number> =>
      (await db.ledgerInterval.findMany({ where: { bookingId: 'b1', class: name } })).reduce(
        (sum, i) => sum + (i.endsAt.getTime() - i.startsAt.getTime()) / 1000,
        0,
      );
    await db.session.update({ where: { bookingId: 'b1' }, data: { sessionEndedAt: new Date(START + 3600_000) } });
    await finalise.resettle(ids);
    expect(await db.settlement.count()).toBe(2);
    await db.frame.create({
      data: { ...frame, id: 'f3', sourceKey: 'f3', filename: 'f3.fit', capturedAt: new Date(START + 900_000) },
    });
    await finalise.resettle(ids);
    expect([await inDatabase('imaging'), await inDatabase('overhead'), await inDatabase('unsafe')]).toEqual([
      900, 900, 1800,
    ]);
    const all = await db.settlement.findMany({ orderBy: { createdAt: 'asc' } });
    expect(all).toHaveLength(3);
    expect(all[2]!.supersedes).toBe(all[1]!.id);
    await db.frame.delete({ where: { id: 'f3' } });
    await finalise.resettle(ids);
  });

  test('the report is the same from the same rows, and stands on disk as in the database', async () => {
    for (const [at, status] of [
      [120, 'RUNNING'],
      [130, 'SETTLING'],
      [450, 'RUNNING'],
    ] as const)
      await db.telemetry.create({
        data: {
          telescopeId: 't',
          bookingId: 'b1',
          at: new Date(START + at * 1000),
          data: {
            guiding_status: status,
            guiding_rms: 0.5,
            weather: { temperature: at / 10, humidity: null, cloud_percent: 20 },
          },
        },
      });
    const input = { ...ids, outcome: 'completed' as const, reason: 'plan_finished' as const };
    const { reportPath } = await finalise.buildReport(input);
    const first = readFileSync(reportPath, 'utf8');
    await finalise.buildReport(input);
    expect(readFileSync(reportPath, 'utf8')).toBe(first);
    const report = JSON.parse(first) as {
      weather: object;
      tracking: object;
      images: Record<string, unknown>;
      ledger: { seconds: Record<string, number> };
      summary: Record<string, unknown>;
    };
    expect((await db.report.findUniqueOrThrow({ where: { bookingId: 'b1' } })).body).toEqual(report);
    expect(report.images).toMatchObject({ planned: 5, archived: 2, total_exposure_seconds: 600, average_hfd: 2 });
    expect(report.ledger.seconds).toMatchObject({ imaging: 600, unsafe: 1800 });
    expect(report.weather).toEqual({
      average_temperature: 23.333,
      average_humidity: null,
      average_seeing: null,
      cloud_coverage: 20,
      samples: 3,
    });
    expect(report.tracking).toEqual({ average_rms_px: 0.5, guiding_uptime: 0.5 });
    expect(report.summary).toMatchObject({ user: 'u1', outcome: 'completed', reason: 'plan_finished' });
  });
});
