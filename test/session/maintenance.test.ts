import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMaintenanceActivities } from '../../activities/session/maintenance.ts';
import type { MaintenanceActivities } from '../../domain/ports.ts';
import type { ControlKind } from '../../domain/contracts/control.ts';
import { createLogger } from '../../platform/logger.ts';
import { Stage, type Night, type NightOptions } from './night.ts';

/** What the Schedules run, on Temporal's own server and PostgreSQL. */
const MINUTE = 60_000;
const DAY = 86_400_000;
let stage: Stage;
let passes: MaintenanceActivities;
const passesAt = (now: () => number): MaintenanceActivities =>
  createMaintenanceActivities({
    db: stage.db,
    temporal: stage.env.client,
    logger: createLogger('test', 'silent'),
    now,
  });
beforeAll(async () => {
  stage = await Stage.open('real');
  passes = passesAt(Date.now);
}, 90_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

/** A booking whose slot is far away: nothing happens by itself. */
const book = async (id: string, more: Partial<NightOptions> = {}): Promise<Night> => {
  const night = await stage.prepare({ id, startsIn: 7200, slotSeconds: 1800, policy: { prepare_lead: 60 }, ...more });
  await night.book();
  await until(
    `${id} waits`,
    async () => (await stage.db.session.findUniqueOrThrow({ where: { bookingId: id } })).transition > 0,
  );
  return night;
};
async function until<T>(what: string, look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(50)) {
    const seen = await look();
    if (seen) return seen;
  }
  throw new Error(`${what}: not within half a minute`);
}
/** A command whose sender was told `accepted` or `unknown`, a minute ago. */
const asked = async (night: Night, kind: ControlKind, more: { state?: string; ageMs?: number } = {}): Promise<void> => {
  const at = new Date(Date.now() - (more.ageMs ?? MINUTE));
  await stage.db.receipt.create({
    data: {
      commandId: `${night.id}.${kind}`,
      kind,
      state: more.state ?? 'unknown',
      bookingId: night.id,
      telescopeId: night.telescopeId,
      requestedBy: 'guest',
      data: {},
      createdAt: at,
      updatedAt: at,
    },
  });
};

describe('commands that no session has answered', () => {
  test('stops and changes are told again under their id, with one effect; a pause, an old one and a settled one are not', async () => {
    const moved = await book('moved');
    const start = new Date(moved.start + DAY);
    const end = new Date(moved.end + DAY);
    await stage.db.booking.update({
      where: { id: 'moved' },
      data: { startsAt: start, endsAt: end, blockedUntil: end, generation: 1 },
    });
    await asked(moved, 'reschedule');
    const changed = await book('changed');
    await stage.db.booking.update({ where: { id: 'changed' }, data: { generation: 1, bodyHash: 'other' } });
    await asked(changed, 'amend');
    const longer = await book('longer');
    const later = new Date(longer.end + 10 * MINUTE);
    await stage.db.booking.update({ where: { id: 'longer' }, data: { endsAt: later, blockedUntil: later } });
    await asked(longer, 'extend');
    const dropped = await book('dropped');
    await asked(dropped, 'cancel', { state: 'accepted' });
    const stopped = await book('stopped');
    await asked(stopped, 'abort');
    const paused = await book('paused');
    await asked(paused, 'pause');
    const old = await book('old');
    await asked(old, 'cancel', { ageMs: DAY + MINUTE });
    const refused = await book('refused');
    await asked(refused, 'cancel', { state: 'refused' });
    const fresh = await book('fresh');
    await asked(fresh, 'cancel', { ageMs: 1_000 });

    const { rescheduled } = await passes.startMissingSessions();
    expect(rescheduled.sort()).toEqual(['changed', 'dropped', 'longer', 'moved', 'stopped']);
    expect(await dropped.handle.result()).toEqual({ outcome: 'cancelled', reason: 'user_cancel' });
    expect(await stopped.handle.result()).toEqual({ outcome: 'aborted', reason: 'user_abort' });
    for (const [night, kind] of [
      [moved, 'reschedule'],
      [changed, 'amend'],
      [longer, 'extend'],
      [dropped, 'cancel'],
      [stopped, 'abort'],
    ] as const)
      await until(`${night.id} confirmed`, async () => (await night.receipts())[kind] === 'confirmed');
    expect([await paused.receipts(), await old.receipts(), await refused.receipts(), await fresh.receipts()]).toEqual([
      { pause: 'unknown' },
      { cancel: 'unknown' },
      { cancel: 'refused' },
      { cancel: 'unknown' },
    ]);
    expect((await moved.handle.query<{ slot: object }>('snapshot')).slot).toEqual({
      start: start.toISOString(),
      end: end.toISOString(),
    });
    expect((await longer.handle.query<{ slot: { end: string } }>('snapshot')).slot.end).toBe(later.toISOString());

    // The session has it, and its receipt was lost: told once more, and nothing happens.
    await stage.db.receipt.update({
      where: { commandId: 'moved.reschedule' },
      data: { state: 'unknown', updatedAt: new Date(Date.now() - MINUTE) },
    });
    expect((await passes.startMissingSessions()).rescheduled).toEqual(['moved']);
    expect(await moved.phases()).toEqual(['scheduled', 'scheduled']);
    for (const night of [moved, changed, longer, paused, old, refused, fresh]) await night.handle.terminate();
    await stage.db.session.updateMany({
      where: { bookingId: { in: ['moved', 'changed', 'longer', 'paused', 'old', 'refused', 'fresh'] } },
      data: { phase: 'cancelled' },
    });
    // Their sessions are over: what was never answered is settled.
    await passes.startMissingSessions();
    expect([await paused.receipts(), await old.receipts()]).toEqual([
      { pause: 'refused:session_over' },
      { cancel: 'refused:session_over' },
    ]);
    await stage.db.receipt.deleteMany();
  }, 60_000);
});

describe('bookings without a workflow', () => {
  test('one whose start a crash has swallowed is started, once; one of this moment is left to the API', async () => {
    await stage.prepare({ id: 'swallowed', startsIn: 7200, slotSeconds: 1800, gateway: false });
    await stage.prepare({ id: 'this-moment', startsIn: 7200, slotSeconds: 1800, gateway: false });
    await stage.db.booking.update({ where: { id: 'swallowed' }, data: { createdAt: new Date(Date.now() - MINUTE) } });
    const [first, second] = await Promise.all([passes.startMissingSessions(), passes.startMissingSessions()]);
    expect([...new Set([...first.started, ...second.started])]).toEqual(['swallowed']);
    await until(
      'its first row',
      async () => (await stage.db.session.findUniqueOrThrow({ where: { bookingId: 'swallowed' } })).transition > 0,
    );
    expect(await passes.startMissingSessions()).toEqual({ started: [], rescheduled: [], takenOver: [], cancelled: [] });
    const runs = [];
    for await (const run of stage.env.client.workflow.list({ query: "WorkflowId = 'booking-swallowed'" }))
      runs.push(run.runId);
    expect(runs.length).toBeLessThanOrEqual(1);
    await stage.db.session.deleteMany({ where: { bookingId: { in: ['this-moment'] } } });
  }, 60_000);
});

describe('frames in the journal', () => {
  test('a running session is nudged, one that is over gets a workflow of its own, one that is wrapped up now is left alone', async () => {
    const running = await book('nudged', {
      startsIn: 1,
      slotSeconds: 600,
      policy: { prepare_lead: 60, check_interval: 60 },
      debounceSeconds: 0,
    });
    await until(
      'runs',
      async () => (await stage.db.session.findUniqueOrThrow({ where: { bookingId: 'nudged' } })).phase === 'running',
    );
    const over = await stage.prepare({
      id: 'over',
      startsIn: 10,
      slotSeconds: 600,
      telescopeId: 't-over',
      gateway: false,
    });
    const wrapping = await stage.prepare({
      id: 'wrapping',
      startsIn: 900,
      slotSeconds: 600,
      telescopeId: 't-over',
      gateway: false,
    });
    await stage.db.session.update({
      where: { bookingId: 'over' },
      data: { phase: 'completed', outcome: 'completed', transition: 7 },
    });
    await stage.db.session.update({ where: { bookingId: 'wrapping' }, data: { phase: 'finalising', transition: 6 } });
    const row = (night: Night, n: number, ageMs: number): Promise<unknown> =>
      stage.db.journal.create({
        data: {
          telescopeId: night.telescopeId,
          epoch: 1,
          n,
          kind: 'frame',
          at: new Date(Date.now() - ageMs),
          bookingId: night.id,
          data: {},
        },
      });
    await row(running, 1, 2 * MINUTE);
    await row(running, 2, 1_000);
    await row(over, 3, 2 * MINUTE);
    await row(wrapping, 4, 2 * MINUTE);
    const { nudged } = await passes.collectLateFrames();
    expect(nudged.sort()).toEqual(['nudged', 'over']);
    await passes.collectLateFrames();
    // A signal stands in the history once the task under way is done.
    await until(
      'told twice',
      async () =>
        (await running.handle.fetchHistory()).events!.filter(
          (e) => e.workflowExecutionSignaledEventAttributes?.signalName === 'framesWaiting',
        ).length === 2,
    );
    const late = stage.env.client.workflow.getHandle('late-over');
    expect(await late.describe()).toMatchObject({ type: 'lateFrames', priority: { priorityKey: 4 } });
    await late.terminate();
    await stage.db.journal.deleteMany();
    await stage.db.session.delete({ where: { bookingId: 'wrapping' } });

    // A window that begins now reaches a session that would look again in a minute.
    await stage.db.maintenance.create({
      data: {
        id: 'now',
        telescopeId: running.telescopeId,
        fromAt: new Date(Date.now() - 1_000),
        toAt: new Date(Date.now() + 10 * MINUTE),
        reason: 'mirror',
        bookings: 'hold',
      },
    });
    const began = Date.now();
    await passes.startMissingSessions();
    await until(
      'holds',
      async () =>
        (await stage.db.session.findUniqueOrThrow({ where: { bookingId: 'nudged' } })).reason === 'maintenance',
    );
    expect(Date.now() - began).toBeLessThan(20_000);
    expect(running.observatory.enabled).toBe(false);
    // What stops goes before all else that waits in the gateway's queue.
    const orders = ((await running.handle.fetchHistory()).events ?? []).flatMap((event) => {
      const of = event.activityTaskScheduledEventAttributes;
      return of ? [`${of.activityType!.name}: ${of.priority?.priorityKey || 'as its workflow'}`] : [];
    });
    expect([...new Set(orders)].filter((order) => /^(disable|stop|enable)Target/.test(order)).sort()).toEqual([
      'disableTarget: 1',
      'enableTarget: as its workflow',
    ]);
    await running.handle.terminate();
    await stage.db.session.update({ where: { bookingId: 'nudged' }, data: { phase: 'aborted' } });
  }, 90_000);
});

describe('daily', () => {
  test('the health digest is one letter a day with its figures, however often it is asked for', async () => {
    await stage.db.outbox.deleteMany();
    const noon = Math.floor(Date.now() / DAY) * DAY + DAY / 2;
    const day = (n: number): MaintenanceActivities => passesAt(() => noon + n * DAY);
    await stage.db.session.update({
      where: { bookingId: 'swallowed' },
      data: { phase: 'holding', reason: 'voyager_away' },
    });
    const { lines } = await day(0).tellHealth();
    expect(lines.slice(-2)).toEqual([
      expect.stringMatching(/^Messages: \d+ waiting, 0 given up in the last day\.$/),
      expect.stringMatching(/^\d+ alerts? in the last day\.$/),
    ]);
    expect(lines).toContain('swallowed holds: voyager_away.');
    await day(0).tellHealth();
    await day(1).tellHealth();
    const letters = await stage.db.outbox.findMany({ where: { bookingId: null }, orderBy: { sequence: 'asc' } });
    expect(letters.map((l) => [l.channel, l.type])).toEqual([
      ['operator', 'operator.health'],
      ['operator', 'operator.health'],
    ]);
    expect(letters[0]!.data).toMatchObject({ audience: 'operator', message: lines.join('\n') });
    await stage.db.outbox.deleteMany({ where: { bookingId: { not: null } } });
    expect(await passes.checkOutbox()).toEqual({ waiting: 2, dead: 0 });
    await stage.db.outbox.updateMany({ where: { id: letters[0]!.id }, data: { deadAt: new Date() } });
    expect(await passes.checkOutbox()).toEqual({ waiting: 1, dead: 1 });
  }, 30_000);

  test('retention: telemetry goes after 90 days, night logs and events after a year, erased people and spent keys when due; what is younger stays', async () => {
    const ago = (days: number): Date => new Date(Date.now() - days * DAY);
    const { db } = stage;
    await db.timeline.deleteMany();
    await db.event.deleteMany();
    await db.telemetry.deleteMany();
    for (const [i, days] of [89, 91].entries())
      await db.telemetry.create({ data: { telescopeId: 't-over', at: ago(days), data: {}, bookingId: `${i}` } });
    for (const days of [364, 366]) {
      await db.timeline.create({
        data: { id: `l${days}`, bookingId: 'over', at: ago(days), event: 'x', message: 'x', data: {} },
      });
      await db.event.create({
        data: {
          bookingId: 'over',
          seq: days,
          id: `e${days}`,
          epoch: 1,
          type: 'error.alert',
          telescopeId: 't-over',
          ts: ago(days),
          data: { reason: 'voyager_away', message: 'x', message_fr: 'x' },
        },
      });
    }
    for (const [ref, eraseAt] of [
      ['due', ago(1)],
      ['not-due', ago(-1)],
      ['never', null],
    ] as const)
      await db.user.create({ data: { ref, displayName: ref, email: `${ref}@example.org`, eraseAt } });
    for (const days of [1, 3])
      await db.idempotencyKey.create({ data: { key: `k${days}`, request: 'r', createdAt: ago(days) } });
    expect(await passes.applyRetention()).toEqual({ telemetry: 1, timeline: 1, people: 1, keys: 1 });
    expect((await db.telemetry.findMany()).map((t) => t.bookingId)).toEqual(['0']);
    expect((await db.timeline.findMany()).map((l) => l.id)).toEqual(['l364']);
    expect((await db.event.findMany()).map((e) => e.id)).toEqual(['e364']);
    expect(
      (await db.user.findMany({ where: { ref: { not: 'guest' } }, orderBy: { ref: 'asc' } })).map((u) => [
        u.ref,
        u.displayName,
        u.email,
        u.erasedAt !== null,
      ]),
    ).toEqual([
      ['due', null, null, true],
      ['never', 'never', 'never@example.org', false],
      ['not-due', 'not-due', 'not-due@example.org', false],
    ]);
    expect((await db.idempotencyKey.findMany()).map((k) => k.key)).toEqual(['k1']);
    expect(await passes.applyRetention()).toEqual({ telemetry: 0, timeline: 0, people: 0, keys: 0 });
  }, 30_000);
});
