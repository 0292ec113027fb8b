import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Connection, WorkflowClient } from '@temporalio/client';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFrameActivities } from '../../activities/frames/index.ts';
import { LINGER_TIMING } from '../../activities/frames/linger.ts';
import { SessionSignals } from '../../gateway/telescope/session-signals.ts';
import { framesNotTaken } from '../../platform/journal.ts';
import { systemClock } from '../../platform/clock.ts';
import { createLogger } from '../../platform/logger.ts';
import { Stage, type Night } from './night.ts';

const HOUR = 3600;
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
}, 60_000);
afterAll(async () => {
  await stage?.close();
}, 60_000);

/** Events of every run of a session and of its finalisation. */
async function events(night: Night): Promise<{ total: number; byActivity: Record<string, number>; signals: number }> {
  // The shot-done list of 7,200 frames stands in the history, twice: more than a client takes by itself.
  const connection = await Connection.connect({
    address: stage.env.address,
    channelArgs: { 'grpc.max_receive_message_length': 64 * 2 ** 20 },
  });
  const client = new WorkflowClient({ connection });
  const byActivity: Record<string, number> = {};
  let total = 0;
  let signals = 0;
  for (const id of [`booking-${night.id}`, `finalise-${night.id}`]) {
    for (
      let runId: string | null | undefined = id.startsWith('booking') ? night.firstRunId : undefined;
      runId !== null;
    ) {
      const history = await client.getHandle(id, runId).fetchHistory();
      runId = history.events!.at(-1)!.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? null;
      total += history.events!.length;
      for (const event of history.events!) {
        const name = event.activityTaskScheduledEventAttributes?.activityType?.name;
        if (name) byActivity[name] = (byActivity[name] ?? 0) + 1;
        if (event.workflowExecutionSignaledEventAttributes) signals += 1;
      }
    }
  }
  await connection.close();
  return { total, byActivity, signals };
}

describe('a night costs few events', () => {
  const frames = process.env.NOCTURNE_LONG === '1' ? 7_200 : 720;
  test(
    `${frames} frames in ten hours with a look every five minutes take at most 1,000 events over all runs`,
    async () => {
      const every = LINGER_TIMING.mostMs / 1000;
      const night = await stage.prepare({
        id: 'many',
        startsIn: 600,
        slotSeconds: 10 * HOUR + 300,
        shots: [{ filter: 'L', exposure_seconds: 36_000 / frames - 2, quantity: frames }],
        policy: { prepare_lead: 300, check_interval: 300 },
        pace: { betweenSeconds: 2 },
        // A drain lingers for so long; the first frame after it is signalled, as the test below shows of gateway and intake.
        steps: Array.from({ length: Math.floor((10 * HOUR) / every) }, (_, i) => ({
          at: (i + 1) * every,
          do: (n: Night) => n.handle.signal('framesWaiting', { upTo: { epoch: 1, n: i } }),
        })),
      });
      expect(await night.live()).toEqual({ outcome: 'completed', reason: expect.any(String) });
      expect(night.observatory.taken.length).toBe(frames);
      expect(night.observatory.looks).toBeGreaterThanOrEqual(119);
      const cost = await events(night);
      if (process.env.NOCTURNE_SAY) console.log(cost);
      expect(cost.byActivity.watch).toBeLessThanOrEqual(41);
      expect(cost.byActivity.drainFrames).toBeLessThanOrEqual(15);
      expect(cost.total).toBeLessThanOrEqual(1_000);
    },
    process.env.NOCTURNE_LONG === '1' ? 400_000 : 120_000,
  );

  test('ten hours of bad weather stay under 1,000 events too', async () => {
    const clouds = await stage.prepare({
      id: 'all-clouds',
      startsIn: 600,
      slotSeconds: 10 * HOUR,
      policy: { prepare_lead: 300, check_interval: 300 },
      script: (start) => ({ weather: [{ from: start - HOUR * 1000, to: start + 11 * HOUR * 1000, state: 'unsafe' }] }),
    });
    expect((await clouds.live()).outcome).toBe('weathered_out');
    const cost = await events(clouds);
    if (process.env.NOCTURNE_SAY) console.log(cost);
    expect(cost.total).toBeLessThanOrEqual(1_000);
  }, 120_000);
});

describe('what waits costs little', () => {
  test('five hours of emergency, with an abort that is latched for four of them', async () => {
    const night = await stage.prepare({
      id: 'long-emergency',
      startsIn: 600,
      slotSeconds: 8 * HOUR,
      policy: { prepare_lead: 300, check_interval: 300 },
      script: (start) => ({ emergency: [{ from: start + 1000_000, to: start + 19_000_000 }] }),
      steps: [
        {
          at: 1000,
          do: (n) =>
            n.handle.signal('telescopeEvent', {
              id: 'e1',
              at: new Date(n.at(1000)).toISOString(),
              kind: 'emergency_begun',
            }),
        },
        { at: 4600, do: (n) => n.signal('abort', 'a1') },
      ],
    });
    expect(await night.live()).toEqual({ outcome: 'aborted', reason: 'user_abort' });
    expect(night.observatory.commands.filter((c) => c.at >= night.at(1000) && c.at < night.at(19_000))).toEqual([]);
    expect(await night.when('aborted')).toBeLessThanOrEqual(19_000 + 45);
    // Six hundred looks, a few events for each report of forty.
    expect(night.observatory.looks).toBeGreaterThanOrEqual(590);
    expect((await events(night)).total).toBeLessThanOrEqual(600);
  }, 120_000);

  test('a day in which Voyager has another profile, with a check interval of a minute', async () => {
    const night = await stage.prepare({
      id: 'long-mismatch',
      startsIn: 24 * HOUR + 600,
      slotSeconds: HOUR,
      shots: [{ filter: 'L', exposure_seconds: 300, quantity: 2 }],
      policy: { check_interval: 60 },
      script: (start) => ({
        siteProblem: [
          { from: 0, to: start - HOUR * 1000 * 5.5, reason: 'profile_mismatch', message: 'another profile' },
        ],
      }),
    });
    expect(await night.live()).toEqual({ outcome: 'completed', reason: 'plan_finished' });
    expect(await night.when('operator_alert')).toBeGreaterThanOrEqual(-6 * HOUR);
    expect(await night.when('operator_alert')).toBeLessThanOrEqual(-6 * HOUR + 5);
    expect(await night.when('prepared')).toBeLessThanOrEqual(-5.5 * HOUR + 65);
    const { byActivity, total } = await events(night);
    expect(byActivity.checkSite).toBeLessThanOrEqual(110);
    expect(total).toBeLessThanOrEqual(1_500);
  }, 120_000);
});

describe('gateway and intake', () => {
  test('frames that a lingering drain takes by itself are not signalled; the first after it is', async () => {
    const telescopeId = 'linger';
    const storage = mkdtempSync(join(tmpdir(), 'nocturne-linger-'));
    await stage.db.telescope.create({ data: { id: telescopeId, config: {} } }).catch(() => undefined);
    const template = await stage.prepare({
      id: 'linger-night',
      startsIn: HOUR,
      slotSeconds: HOUR,
      telescopeId: 'linger-t',
      gateway: false,
    });
    const config = (await stage.db.telescope.findUniqueOrThrow({ where: { id: template.telescopeId } }))
      .config as object;
    await stage.db.telescope.update({ where: { id: telescopeId }, data: { config: { ...config, id: telescopeId } } });
    const logger = createLogger('test', 'silent');
    const frames = createFrameActivities({
      db: stage.db,
      config: { OBSERVATIONS_STORAGE_PATH: storage, MAX_IMAGE_SIZE_MB: 1 },
      logger,
      timing: { lingerMs: 0, pollMs: 20 },
      linger: { askMs: 100, idleMs: 2_500, mostMs: 60_000 },
    });
    const sent: number[] = [];
    const drains: Promise<unknown>[] = [];
    const signals = new SessionSignals(
      telescopeId,
      {
        signal: async () => {
          sent.push(Date.now());
          drains.push(frames.drainFrames({ bookingId: 'linger-night', telescopeId, linger: true }));
          return 'sent';
        },
      },
      systemClock,
      logger,
      (upTo) => framesNotTaken(stage.db, telescopeId, upTo),
    );
    let n = 0;
    const frame = async (): Promise<void> => {
      n += 1;
      await stage.db.journal.create({
        data: {
          telescopeId,
          epoch: 1,
          n,
          kind: 'frame',
          at: new Date(),
          data: { file: `C:\\Voyager\\${n}.fit`, type: 'LIGHT', voy_type: 'TEST' },
        },
      });
      signals.framesWaiting('linger-night', { epoch: 1, n });
    };
    try {
      for (let i = 0; i < 120; i++) {
        await frame();
        await sleep(50);
      }
      await sleep(1_800);
      expect(sent).toHaveLength(1);
      expect(await framesNotTaken(stage.db, telescopeId)).toBe(false);
      await Promise.all(drains);
      await frame();
      await sleep(2_200);
      expect(sent).toHaveLength(2);
      frames.rest();
      await Promise.all(drains);
      expect(await framesNotTaken(stage.db, telescopeId)).toBe(false);
      expect(await stage.db.frame.count({ where: { telescopeId } })).toBe(121);
    } finally {
      signals.stop();
      frames.rest();
      await Promise.allSettled(drains);
      await frames.close();
      rmSync(storage, { recursive: true, force: true });
    }
  }, 60_000);
});
