import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFrameActivities } from '../../activities/frames/index.ts';
import { LINGER_TIMING } from '../../activities/frames/linger.ts';
import { SessionSignals } from '../../gateway/telescope/signals.ts';
import { framesNotTaken } from '../../activities/frames/linger.ts';
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
  const { client } = stage.env;
  const byActivity: Record<string, number> = {};
  let total = 0;
  let signals = 0;
  for (const id of [`booking-${night.id}`, `finalise-${night.id}`]) {
    for (let runId: string | null | undefined = id.startsWith('booking') ? night.firstRunId : undefined; runId !== null;) {
      const history = await client.workflow.getHandle(id, runId).fetchHistory();
      runId = history.events!.at(-1)!.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? null;
      total += history.events!.length;
      for (const event of history.events!) {
        const name = event.activityTaskScheduledEventAttributes?.activityType?.name;
        if (name) byActivity[name] = (byActivity[name] ?? 0) + 1;
        if (event.workflowExecutionSignaledEventAttributes) signals += 1;
      }
    }
  }
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
        script: () => ({ betweenSeconds: 2, setupSeconds: 60 }),
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
    expect((await events(clouds)).total).toBeLessThanOrEqual(1_000);
  }, 120_000);
});

describe('gateway and intake', () => {
  test('frames that a lingering drain takes by itself are not signalled; the first after it is', async () => {
    const telescopeId = 'linger';
    const storage = mkdtempSync(join(tmpdir(), 'nocturne-linger-'));
    await stage.db.telescope.create({ data: { id: telescopeId, config: {} } }).catch(() => undefined);
    const template = await stage.prepare({ id: 'linger-night', startsIn: HOUR, slotSeconds: HOUR, telescopeId: 'linger-t', gateway: false });
    const config = (await stage.db.telescope.findUniqueOrThrow({ where: { id: template.telescopeId } })).config as object;
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
        data: { telescopeId, epoch: 1, n, kind: 'frame', at: new Date(), data: { file: `C:\\Voyager\\${n}.fit`, type: 'LIGHT', voy_type: 'TEST' } },
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
