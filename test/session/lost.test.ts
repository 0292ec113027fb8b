import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { matchSessions } from '../../activities/session/lost.ts';
import { finaliseWorkflowId, sessionWorkflowId } from '../../domain/queues.ts';
import { createLogger } from '../../platform/logger.ts';
import { openReceipt } from '../../platform/receipts.ts';
import { startSession } from '../../platform/sessions.ts';
import { replayNights } from './histories.ts';
import { Stage, type Night, type NightOptions } from './night.ts';

/** Sessions whose workflow is gone, on Temporal's own server at wall speed: all of them live at the same time. */
let stage: Stage;
const scenarios: { live: () => Promise<void>; lived: Promise<void> }[] = [];
function scenario(name: string, live: () => Promise<void>): void {
  const one = { live, lived: Promise.resolve() };
  scenarios.push(one);
  test(name, () => one.lived, 400_000);
}
let turn: Promise<unknown> = Promise.resolve();
/** The reconciliation looks at every session: what one scenario loses, no other may find. */
function alone<T>(fn: () => Promise<T>): Promise<T> {
  const mine = turn.then(fn);
  turn = mine.catch(() => undefined);
  return mine;
}
beforeAll(async () => {
  stage = await Stage.open('real');
  for (const one of scenarios) {
    one.lived = one.live();
    one.lived.catch(() => undefined);
  }
}, 90_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

const SECOND = 1_000;
const FEW = [{ filter: 'L', exposure_seconds: 1, quantity: 4 }];
const MANY = [{ filter: 'L', exposure_seconds: 2, quantity: 100 }];
/** Exposures so far apart that a short plan outlasts whatever happens before the test lets it go on. */
const SLOW = { setupSeconds: 1, betweenSeconds: 20 };
const goOn = (night: Night): void => {
  night.observatory.pace.betweenMs = SECOND;
};
/** A night that begins in a few seconds and whose seconds count. */
const prepare = (id: string, more: Partial<NightOptions> = {}): Promise<Night> =>
  stage.prepare({
    id,
    startsIn: 4,
    slotSeconds: 600,
    shots: MANY,
    policy: { prepare_lead: 60, check_interval: 1 },
    debounceSeconds: 0,
    pace: { setupSeconds: 1, betweenSeconds: 1 },
    ...more,
  });
/** One pass of the reconciliation, two minutes from now: what it finds has settled by then. */
const match = (at = Date.now() + 120_000, atOnce?: number): ReturnType<typeof matchSessions> =>
  matchSessions({
    db: stage.db,
    temporal: stage.env.client,
    logger: createLogger('test', 'silent'),
    now: () => at,
    ...(atOnce ? { atOnce } : {}),
  });

async function until<T>(what: string, look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + 180_000; Date.now() < deadline; await sleep(100)) {
    const seen = await look();
    if (seen) return seen;
  }
  throw new Error(`${what}: not within three minutes`);
}
const row = (
  night: Night,
): Promise<{ phase: string; reason: string | null; outcome: string | null; transition: number }> =>
  stage.db.session.findUniqueOrThrow({ where: { bookingId: night.id } });
const reached = (night: Night, ...phases: string[]): Promise<unknown> =>
  until(`${night.id} in ${phases.join('/')}`, async () => phases.includes((await row(night)).phase));
const listed = async (night: Night): Promise<boolean> => {
  for await (const run of stage.env.client.workflow.list({
    query: `WorkflowId = '${sessionWorkflowId(night.id)}' AND ExecutionStatus = 'Running'`,
  }))
    return run.workflowId !== '';
  return false;
};
const unlisted = (night: Night): Promise<unknown> =>
  until(`${night.id} not listed`, async () => !(await listed(night)));
const terminate = async (night: Night): Promise<void> => {
  await night.handle.terminate('by hand');
  await unlisted(night);
};
/** The service forgets the session, as when its database is lost. */
const forget = async (night: Night): Promise<void> => {
  await stage.env.connection.workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: sessionWorkflowId(night.id) },
  });
  await until(`${night.id} forgotten`, () =>
    night.handle.describe().then(
      () => false,
      () => true,
    ),
  );
  await unlisted(night);
};
/** The session fails, as by a fault of ours that nobody has met yet. */
async function fail(night: Night): Promise<void> {
  await night.handle.signal('simFail');
  await until(`${night.id} failed`, async () => (await night.handle.describe()).status.name === 'FAILED');
  await unlisted(night);
}
const taken = async (night: Night): Promise<string[]> => (await match()).takenOver.filter((id) => id === night.id);
const enabled = (night: Night): number =>
  night.observatory.commands.filter((c) => c.name === 'enableTarget' && c.effect !== null).length;
const settlements = (night: Night): Promise<{ id: string; supersedes: string | null }[]> =>
  stage.db.settlement.findMany({ where: { bookingId: night.id }, select: { id: true, supersedes: true } });
const sum = (ledger: Record<string, number>): number => Object.values(ledger).reduce((a, b) => a + b, 0);

scenario(
  'terminated in the night: the target is stopped, the night settled as stopped by the operator, its seconds as they were and an outage after',
  async () => {
    const night = await prepare('gone');
    await night.book();
    await until('two frames', async () => night.observatory.taken.length >= 2);
    await reached(night, 'running');
    await alone(async () => {
      await terminate(night);
      expect(night.observatory.enabled).toBe(true);
      await sleep(1_000);
      expect(await taken(night)).toEqual(['gone']);
      expect(await taken(night)).toEqual([]);
    });
    expect(await night.handle.result()).toEqual({ outcome: 'aborted', reason: 'operator_abort' });
    expect(night.observatory.enabled).toBe(false);
    expect((await night.phases()).slice(-3)).toEqual([
      'running',
      'finalising:operator_abort',
      'aborted:operator_abort',
    ]);
    expect(new Set(night.keys).size).toBe(night.keys.length);
    const ledger = await night.ledger();
    expect(sum(ledger)).toBe(600);
    expect(ledger.imaging).toBeGreaterThanOrEqual(4);
    expect(ledger.overhead).toBeGreaterThanOrEqual(1);
    expect(await settlements(night)).toEqual([expect.objectContaining({ supersedes: null })]);
    const outages = await stage.db.ledgerInterval.findMany({ where: { bookingId: 'gone', class: 'outage' } });
    // Ours while nobody was there; and what an operator ends is not the guest's loss.
    expect(outages.map((i) => i.cause)).toEqual(['internal_error', 'operator_abort']);
    const audit = await stage.db.audit.findMany({ where: { bookingId: 'gone', action: 'session.take_over' } });
    expect(audit.map((a) => a.data)).toEqual([
      {
        why: 'its workflow is terminated',
        phase: 'running',
        ending: { outcome: 'aborted', reason: 'operator_abort', commandId: null },
      },
    ]);
    expect(await stage.db.timeline.count({ where: { bookingId: 'gone', event: 'operator_alert' } })).toBe(1);
  },
);

scenario(
  'failed in the night: it goes on to the end of its plan, every command with a key of its own, every frame once',
  async () => {
    const night = await prepare('onward', {
      shots: [{ filter: 'L', exposure_seconds: 1, quantity: 16 }],
      pace: SLOW,
    });
    await night.book();
    await until('a frame', async () => night.observatory.taken.length >= 1);
    await reached(night, 'running');
    await alone(async () => {
      await fail(night);
      expect(await taken(night)).toEqual(['onward']);
    });
    goOn(night);
    expect(await night.handle.result()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect((await night.phases()).slice(-6)).toEqual([
      'starting',
      'running',
      'starting',
      'running',
      'finalising:plan_finished',
      'completed:plan_finished',
    ]);
    expect(new Set(night.keys).size).toBe(night.keys.length);
    expect(enabled(night)).toBe(1);
    expect(night.observatory.taken).toHaveLength(16);
    expect(await stage.db.frame.count({ where: { bookingId: 'onward' } })).toBe(16);
    expect((await night.outbox()).filter((type) => type === 'session.prepared' || type === 'session.started')).toEqual([
      'session.prepared',
      'session.started',
    ]);
    expect(sum(await night.ledger())).toBe(600);
  },
);

scenario('paused by the guest, then clouds, then lost: it stays paused until the guest resumes', async () => {
  const night = await prepare('asleep', {
    shots: FEW,
    pace: SLOW,
  });
  await night.book();
  await reached(night, 'running');
  const ask = (kind: 'pause' | 'resume', commandId: string): Promise<void> =>
    stage.db.$transaction((tx) =>
      openReceipt(tx, {
        commandId: `asleep.${commandId}`,
        kind,
        bookingId: night.id,
        telescopeId: night.telescopeId,
        requestedBy: 'guest',
        at: new Date(),
      }),
    );
  await ask('pause', 'p1');
  await night.signal('pause', 'p1');
  await until('paused', async () => (await night.receipts()).p1 === 'confirmed');
  const clouds = { from: Date.now(), to: Date.now() + 500_000, state: 'hold' as const };
  night.observatory.weatherComes(clouds);
  await until('clouds', async () => (await row(night)).reason === 'weather_hold');
  await alone(async () => {
    await forget(night);
    expect(await taken(night)).toEqual(['asleep']);
  });
  clouds.to = Date.now();
  night.observatory.weatherComes(clouds);
  await until('paused again', async () => (await row(night)).reason === 'user_pause');
  expect([enabled(night), night.observatory.enabled]).toEqual([1, false]);
  goOn(night);
  await ask('resume', 'r1');
  await night.signal('resume', 'r1');
  expect(await night.handle.result()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
  expect(await night.receipts()).toEqual({ p1: 'confirmed', r1: 'confirmed' });
  expect((await night.ledger()).user_pause).toBeGreaterThanOrEqual(1);
});

scenario(
  'an abort that nobody took in before the session was lost is carried out, not the rest of the night',
  async () => {
    const night = await prepare('unheard');
    await night.book();
    await reached(night, 'running');
    await alone(async () => {
      await forget(night);
      await stage.db.$transaction((tx) =>
        openReceipt(tx, {
          commandId: 'unheard.a1',
          kind: 'abort',
          bookingId: night.id,
          telescopeId: night.telescopeId,
          requestedBy: 'guest',
          at: new Date(),
        }),
      );
      expect(await taken(night)).toEqual(['unheard']);
    });
    expect(await night.handle.result()).toEqual({ outcome: 'aborted', reason: 'user_abort' });
    expect(await night.receipts()).toEqual({ a1: 'confirmed' });
    expect([enabled(night), night.observatory.enabled]).toEqual([1, false]);
  },
);

scenario(
  'a longer slot that nobody took in before the session was lost stands, and its receipt is confirmed',
  async () => {
    const night = await prepare('longer', {
      shots: [{ filter: 'L', exposure_seconds: 1, quantity: 6 }],
      pace: SLOW,
      policy: { prepare_lead: 60, check_interval: 1, minimum_useful_seconds: 0 },
    });
    await night.book();
    await reached(night, 'running');
    const end = new Date(night.end + 300_000);
    await alone(async () => {
      await forget(night);
      await stage.db.booking.update({ where: { id: night.id }, data: { endsAt: end, blockedUntil: end } });
      await stage.db.$transaction((tx) =>
        openReceipt(tx, {
          commandId: 'longer.e1',
          kind: 'extend',
          bookingId: night.id,
          telescopeId: night.telescopeId,
          requestedBy: 'site',
          at: new Date(),
        }),
      );
      expect(await taken(night)).toEqual(['longer']);
    });
    goOn(night);
    await until('confirmed', async () => (await night.receipts()).e1 === 'confirmed');
    // The reconciliation tells it again under its old id: it has no second effect.
    expect(await night.update('extend', 'e1', { end: end.toISOString() })).toMatchObject({ state: 'confirmed' });
    expect(await night.handle.result()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(sum(await night.ledger())).toBe(900);
  },
);

scenario('another plan that nobody took in: the new objects are made and those of the old one removed', async () => {
  const night = await prepare('replaced');
  await night.book();
  await reached(night, 'running');
  const old = night.observatory.plan!.target.GuidTarget;
  await alone(async () => {
    await forget(night);
    await stage.db.booking.update({
      where: { id: night.id },
      data: { shots: [{ filter: 'Ha', exposure_seconds: 1, quantity: 2, binning: 1, type: 'light' }], generation: 1 },
    });
    expect(await taken(night)).toEqual(['replaced']);
  });
  expect(await night.handle.result()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
  expect(night.observatory.removed).toEqual([old]);
  expect(night.observatory.plan!.target.GuidTarget).not.toBe(old);
});

scenario(
  'lost while it is wrapped up: left to its finalisation; when that is gone too another one gives the same settlement',
  async () => {
    let release: () => void;
    let released = new Promise<void>((resolve) => (release = resolve));
    const night = await prepare('wrap', { shots: FEW, duringFinalise: () => released });
    await night.book();
    await reached(night, 'finalising');
    await until(
      'finalisation',
      async () =>
        (await stage.env.client.workflow
          .getHandle(finaliseWorkflowId('wrap'))
          .describe()
          .catch(() => null)) !== null,
    );
    await alone(async () => {
      await terminate(night);
      expect(await taken(night)).toEqual([]);
      const wrapping = stage.env.client.workflow.getHandle(finaliseWorkflowId('wrap'));
      expect((await wrapping.describe()).priority).toMatchObject({ priorityKey: 4 });
      await wrapping.terminate();
      expect(await taken(night)).toEqual(['wrap']);
    });
    release!();
    released = Promise.resolve();
    expect(await night.handle.result()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect((await night.phases()).slice(-2)).toEqual(['finalising:plan_finished', 'completed:plan_finished']);
    const first = await settlements(night);
    expect(first).toHaveLength(1);
    expect((await night.ledger()).outage).toBeUndefined();
    expect(enabled(night)).toBe(1);

    // PostgreSQL comes back from a backup of the evening.
    const { transition } = await row(night);
    const before = night.observatory.commands.length;
    await unlisted(night);
    await alone(async () => {
      await stage.db.settlement.deleteMany({ where: { bookingId: 'wrap' } });
      await stage.db.ledgerInterval.deleteMany({ where: { bookingId: 'wrap' } });
      await stage.db.event.deleteMany({ where: { bookingId: 'wrap', type: 'session.changed', seq: { gt: 8 } } });
      await stage.db.session.update({
        where: { bookingId: 'wrap' },
        data: { phase: 'prepared', reason: null, outcome: null, sessionStartedAt: null, transition: 3 },
      });
      expect(await taken(night)).toEqual(['wrap']);
    });
    expect(await night.handle.result()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await row(night)).toMatchObject({ phase: 'completed', outcome: 'completed' });
    expect((await row(night)).transition).toBeLessThan(transition);
    expect((await settlements(night)).map((s) => s.id)).toEqual(first.map((s) => s.id));
    expect(night.observatory.commands.slice(before)).toEqual([]);
  },
);

scenario('many lost at once are taken over pass by pass, the night that starts soonest first', async () => {
  const nights = await Promise.all([7_200, 3_600, 5_400].map((startsIn, n) => prepare(`many-${n}`, { startsIn })));
  for (const night of nights) {
    await night.book();
    await until('the first phase', async () => (await row(night)).transition > 0);
  }
  await alone(async () => {
    for (const night of nights) await forget(night);
    const passes: string[][] = [];
    for (let i = 0; i < 4; i++) passes.push((await match(Date.now() + 120_000, 1)).takenOver);
    expect(passes).toEqual([['many-1'], ['many-2'], ['many-0'], []]);
  });
  for (const night of nights)
    await night.handle.signal('cancel', { commandId: `${night.id}.c1`, requestedBy: 'guest' });
  for (const night of nights) expect(await night.handle.result()).toMatchObject({ outcome: 'cancelled' });
});

scenario(
  'forgotten until after the slot: what was taken is kept and settled, and nothing is enabled again',
  async () => {
    const night = await prepare('after');
    await night.book();
    await until('a frame', async () => night.observatory.taken.length >= 1);
    await reached(night, 'running');
    await alone(async () => {
      await forget(night);
      await sleep(1_500);
      expect((await match(night.end + 1_000)).takenOver).toEqual(['after']);
    });
    expect(await night.handle.result()).toEqual({ outcome: 'completed', reason: 'slot_over' });
    expect([enabled(night), night.observatory.enabled]).toEqual([1, false]);
    const ledger = await night.ledger();
    expect(sum(ledger)).toBe(600);
    expect(ledger.outage).toBeGreaterThanOrEqual(1);
  },
);

scenario('taken over twice and gone again: left alone, and the operator is told once', async () => {
  const night = await prepare('hopeless');
  await night.book();
  await reached(night, 'running');
  await alone(async () => {
    await fail(night);
    expect(await taken(night)).toEqual(['hopeless']);
  });
  await until('runs again', async () => (await night.phases()).filter((phase) => phase === 'running').length === 2);
  // Without a gateway the wrapping up waits, and may be lost too.
  await night.stopGateway();
  await alone(async () => {
    await forget(night);
    expect(await taken(night)).toEqual(['hopeless']);
    await forget(night);
    for (let i = 0; i < 3; i++) expect(await taken(night)).toEqual([]);
  });
  const told = await stage.db.outbox.findMany({
    where: {
      bookingId: night.id,
      type: 'error.occurred',
      data: { path: ['message'], string_contains: 'taken over 2 times' },
    },
  });
  expect(told.map((o) => o.channel).sort()).toEqual(['operator', 'webhook']);
  expect(told[0]!.data).toMatchObject({
    audience: 'operator',
    message: expect.stringMatching(
      /^Session hopeless is running and the workflow service does not know it; it was taken over 2 times/,
    ),
  });
});

scenario('a run whose booking does not exist is cancelled on our telescope and left alone on another’s', async () => {
  const ours = await prepare('unbooked', { startsIn: 3000 });
  const theirs = await prepare('their-own', { startsIn: 3000 });
  const book = (night: Night): Promise<boolean> =>
    startSession(stage.env.client, { id: night.id, telescopeId: night.telescopeId, startsAt: new Date(night.start) });
  for (const night of [ours, theirs]) {
    await book(night);
    await reached(night, 'scheduled');
    await until('first row', async () => (await row(night)).transition === 1);
    await until('listed', () => listed(night));
  }
  await alone(async () => {
    for (const { id } of [ours, theirs]) {
      await stage.db.session.delete({ where: { bookingId: id } });
      await stage.db.booking.delete({ where: { id } });
    }
    await stage.db.telescope.delete({ where: { id: theirs.telescopeId } });
    expect((await match()).cancelled).toEqual([sessionWorkflowId('unbooked')]);
  });
  expect(await ours.handle.result()).toEqual({ outcome: 'cancelled', reason: 'operator_abort' });
  expect((await theirs.handle.describe()).status.name).toBe('RUNNING');
  await theirs.handle.terminate();

  // The site sends the lost booking again: its id was used, by a run that was older than the new row.
  await unlisted(ours);
  const again = await alone(async () => {
    const night = await prepare('unbooked', { startsIn: 3000, telescopeId: ours.telescopeId, gateway: false });
    expect(await book(night)).toBe(false);
    expect(await taken(night)).toEqual(['unbooked']);
    return night;
  });
  await until('first row', async () => (await row(again)).transition > 0);
  expect((await row(again)).phase).toBe('scheduled');
  await again.signal('cancel', 'c1');
  expect(await again.handle.result()).toEqual({ outcome: 'cancelled', reason: 'user_cancel' });
});

scenario('terminated before it wrote anything: the booking is cancelled, and the slot is free', async () => {
  const night = await prepare('early', { startsIn: 3000 });
  await night.book();
  await until('first row', async () => (await row(night)).transition === 1);
  await alone(async () => {
    await terminate(night);
    await stage.db.session.update({ where: { bookingId: 'early' }, data: { transition: 0, runId: null } });
    expect(await taken(night)).toEqual(['early']);
  });
  expect(await night.handle.result()).toEqual({ outcome: 'cancelled', reason: 'operator_abort' });
  expect((await stage.db.booking.findUniqueOrThrow({ where: { id: 'early' } })).occupies).toBe(false);
});

test('the history of every run that took over replays', async () => {
  await Promise.allSettled(scenarios.map((one) => one.lived));
  const { replayed, failed } = await replayNights(stage, true);
  expect(failed).toEqual({});
  expect(replayed).toBeGreaterThanOrEqual(6);
}, 60_000);
