import { describe, expect, test } from '@jest/globals';
import { unrecordedFrames } from '../../scripts/chaos/points.ts';
import {
  POINTS,
  VICTIMS,
  compareNights,
  killPlan,
  mostRecoverySeconds,
  type NightOutcome,
} from '../../scripts/chaos/plan.ts';

describe('the plan of kills', () => {
  test('is the same for the same seed and another for another', () => {
    expect(killPlan(1, 30)).toEqual(killPlan(1, 30));
    expect(killPlan(2, 30)).not.toEqual(killPlan(1, 30));
  });
  test('thirty kills strike each of the six processes five times, after 3 to 15 seconds of quiet', () => {
    const plan = killPlan(1, 30);
    expect(VICTIMS.map((victim) => plan.filter((step) => step.victim === victim).length)).toEqual([5, 5, 5, 5, 5, 5]);
    expect(plan.slice(1, -1).every((step) => step.pauseSeconds >= 3 && step.pauseSeconds <= 15)).toBe(true);
  });
  test('the first strikes the preparation and the last the wrapping up; every other point comes too', () => {
    const plan = killPlan(1, 30);
    expect([plan[0]!.at, plan.at(-1)!.at]).toEqual(['preparing', 'finalising']);
    expect(new Set(plan.map((step) => step.at))).toEqual(new Set(POINTS));
    expect(killPlan(1, 3).some((step) => step.at === 'preparing' || step.at === 'finalising')).toBe(false);
  });
});

test('a recovery may take 30 s, and longer only where the whole stack itself starts slowly', () => {
  expect(mostRecoverySeconds(9, 11)).toBe(30);
  expect(mostRecoverySeconds(20, 31)).toBe(62);
});

describe('two nights are compared', () => {
  const night: NightOutcome = {
    phase: 'completed',
    objects: ['set a 0', 'target b 1'],
    archived: ['shot 1, frame 1', 'shot 1, frame 2'],
    unrecorded: 0,
    unexplained: 0,
    unverified: 0,
    ledger: { imaging: 16, overhead: 24, other: 20 },
    slotSeconds: 60,
    repeatedWithEffect: [],
    reportStands: true,
  };
  test('the same night twice is equal', () => expect(compareNights(night, night, 0)).toEqual([]));
  test('seconds may move into outage and overhead, as many as were lost', () => {
    const killed = { ...night, ledger: { imaging: 10, overhead: 26, outage: 8, other: 16 } };
    expect(compareNights(night, killed, 10)).toEqual([]);
    expect(compareNights(night, killed, 5)).toEqual(['10 s of outage and overhead more, with 5 s of down time']);
  });
  test('a ledger with a hole, lost imaging, another phase and a frame less are each named', () => {
    const killed = {
      ...night,
      phase: 'failed',
      archived: ['shot 1, frame 1', 'a frame of no line of the plan, frame 1'],
      unexplained: 1,
      ledger: { imaging: 12, overhead: 24, other: 20 },
    };
    expect(compareNights(night, killed, 10)).toEqual([
      'ended as failed instead of completed',
      'shot 1, frame 2 is not archived',
      'a frame of no line of the plan, frame 1 is archived besides',
      '1 frames are neither archived nor have a reason',
      'the ledger sums to 56 s, the slot has 60 s',
      'ledger class imaging: 4 s less',
    ]);
  });
  test('a frame that Voyager wrote and did not live to note is taken once more, and no other is', () => {
    const log = [
      { effect: 'exposure.done', params: { voy_type: 'SHOT', file: 'C:\\Voyager\\FITS\\a.fits' } },
      { effect: 'shot.done', params: { filename: 'a.fits' } },
      { effect: 'exposure.done', params: { voy_type: 'SHOT', file: 'C:\\Voyager\\FITS\\b.fits' } },
      { effect: 'exposure.done', params: { voy_type: 'SYNC', file: 'C:\\Voyager\\FITS\\focus.fits' } },
    ];
    const archived = [...night.archived, 'shot 1, frame 3', 'shot 1, frame 4'];
    expect(compareNights(night, { ...night, archived, unrecorded: unrecordedFrames(log) }, 10)).toEqual([
      'shot 1, frame 4 is archived besides',
    ]);
  });
  test('a target left enabled, a command with effect twice, a wrong file and a changed report are each named', () => {
    const killed = {
      ...night,
      objects: ['set a 0', 'target b 0'],
      unverified: 1,
      repeatedWithEffect: [{ method: 'Enable', effect_key: 'target.enable:b' }],
      reportStands: false,
    };
    expect(compareNights(night, killed, 10)).toEqual([
      'RoboTarget lacks target b 1',
      'RoboTarget has target b 0 besides',
      '1 archived frames have not the sha256 of their row',
      'a second command with effect: Enable target.enable:b',
      'the stored report is not the one made from the same rows',
    ]);
  });
});
