import { describe, expect, test } from '@jest/globals';
import { planDoneAtMs, progressOf, type PlannedLine } from './plan-progress.ts';

const line = (filter: string, quantity: number, more: Partial<PlannedLine> = {}): PlannedLine => ({
  guid: null,
  filter,
  exposure_seconds: 60,
  binning: 1,
  type: 'light',
  quantity,
  ...more,
});
const frame = (filter: string, minute: number, more: { shotGuid?: string; type?: string } = {}) => ({
  shotGuid: null,
  filter,
  exposure: 60,
  binning: 1,
  type: 'LIGHT',
  capturedAt: new Date(minute * 60_000),
  ...more,
});
const plan = [line('L', 2), line('R', 1), line('L', 1), line('L', 3, { type: 'dark' })];
const groups = (filter: string, n: number, type = 'LIGHT') => [
  { shotGuid: null, filter, exposure: 60, binning: 1, type, _count: { _all: n } },
];

describe('how far a plan is', () => {
  test('in all and by filter, each frame on the first line that it fits; calibration stands apart', () => {
    const progress = progressOf(plan, [...groups('L', 3), ...groups('L', 1, 'DARK')], {});
    expect(progress).toEqual({
      shots_done: 4,
      shots_total: 7,
      percent: 57.1,
      done: [2, 0, 1, 1],
      by_filter: [
        { filter: 'L', done: 3, total: 3 },
        { filter: 'R', done: 0, total: 1 },
        { filter: 'dark', done: 1, total: 3 },
      ],
    });
  });
  test('RoboTarget may have counted more than came in; nothing is done more often than it was asked for', () => {
    const named = [line('L', 2, { guid: 'a' }), line('R', 2, { guid: 'b' })];
    expect(progressOf(named, groups('L', 5), { b: 1 }).done).toEqual([2, 1]);
  });
});

describe('when a plan is done', () => {
  const short = [line('L', 2), line('R', 1)];
  test('with the end of the last exposure, once every line is full', () => {
    const frames = [frame('L', 1), frame('R', 5), frame('L', 3)];
    expect(planDoneAtMs(short, frames)).toBe(6 * 60_000);
  });
  test('not while a line lacks a frame, however many another one has', () => {
    expect(planDoneAtMs(short, [frame('L', 1), frame('L', 2), frame('L', 3)])).toBeNull();
    expect(planDoneAtMs([], [])).toBeNull();
  });
});
