import { describe, expect, test } from '@jest/globals';
import { overlaps, type RoboTargetEdit, type RoboTargetRow, windowsMadeRunnable } from './robotarget-window.ts';

const TOMORROW = { C_DateStart: 86_400, C_DateEnd: 90_000 };
const BOUND = { startMs: 86_400_000, endMs: 90_000_000 };
const ALWAYS = { startMs: -Infinity, endMs: Infinity };
const rows: Record<string, RoboTargetRow> = {
  bound: { GuidTarget: 'bound', RefGuidSet: 's', Status: 0, ...TOMORROW },
  off: { GuidTarget: 'off', RefGuidSet: 's', Status: 1, ...TOMORROW },
  free: { GuidTarget: 'free', RefGuidSet: 'other', Status: 0 },
  shot: { GuidShot: 'shot', RefGuidTarget: 'bound' },
};
const read = {
  target: (guid: string) => Promise.resolve(rows[guid] ?? null),
  shot: (guid: string) => Promise.resolve(rows[guid] ?? null),
  targetsOfSet: (set: string) => Promise.resolve(Object.values(rows).filter((row) => row.RefGuidSet === set)),
};

describe('what an edit by hand can make run', () => {
  test.each<[string, RoboTargetEdit, object[]]>([
    [
      'a target made for another night',
      { op: 'create', object: 'target', guid: 'n', body: { Status: 0, ...TOMORROW } },
      [BOUND],
    ],
    ['a target made without a window', { op: 'create', object: 'target', guid: 'n', body: {} }, [ALWAYS]],
    [
      'a window that ends before it begins',
      { op: 'create', object: 'target', guid: 'n', body: { C_DateStart: 9, C_DateEnd: 8 } },
      [ALWAYS],
    ],
    ['a target made disabled', { op: 'create', object: 'target', guid: 'n', body: { Status: 1 } }, []],
    ['a target enabled', { op: 'enable', object: 'target', guid: 'off' }, [BOUND]],
    ['a target that is not there', { op: 'enable', object: 'target', guid: 'gone' }, []],
    [
      'new dates of an enabled target',
      { op: 'update', object: 'target', guid: 'bound', body: { C_DateStart: 1 } },
      [{ ...BOUND, startMs: 1000 }],
    ],
    ['new dates of a disabled target', { op: 'update', object: 'target', guid: 'off', body: { C_DateStart: 1 } }, []],
    ['a set made', { op: 'create', object: 'set', guid: 's', body: { Status: 0 } }, []],
    ['a set enabled', { op: 'enable', object: 'set', guid: 's' }, [BOUND]],
    ['a set enabled by a change', { op: 'update', object: 'set', guid: 's', body: { Status: 0 } }, [BOUND]],
    ['a set renamed', { op: 'update', object: 'set', guid: 's', body: { Name: 'x' } }, []],
    [
      'a shot added to an enabled target',
      { op: 'create', object: 'shot', guid: 'n', body: { RefGuidTarget: 'free' } },
      [ALWAYS],
    ],
    [
      'a shot added to a disabled target',
      { op: 'create', object: 'shot', guid: 'n', body: { RefGuidTarget: 'off' } },
      [],
    ],
    ['a shot enabled', { op: 'enable', object: 'shot', guid: 'shot' }, [BOUND]],
    ['a shot switched off', { op: 'update', object: 'shot', guid: 'shot', body: { Enabled: false } }, []],
    ['a target disabled', { op: 'disable', object: 'target', guid: 'free' }, []],
    ['a set deleted', { op: 'delete', object: 'set', guid: 's' }, []],
  ])('%s', async (_, edit, windows) => {
    expect(await windowsMadeRunnable(edit, read)).toEqual(windows);
  });
  test('windows that only touch do not overlap', () => {
    expect([overlaps(BOUND, 0, 86_400_000), overlaps(BOUND, 90_000_000, 1e12), overlaps(ALWAYS, 0, 1)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(overlaps(BOUND, 0, 86_400_001)).toBe(true);
  });
});
