import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { UsageError } from '../../platform/errors.ts';
import { projectPath } from '../../platform/paths.ts';
import { commandsOfMethod, decodeObject, encodeCommand, encodeObject, loadDialect, sign } from './dialect.ts';

const folder = mkdtempSync(join(tmpdir(), 'dialect-'));
afterAll(() => rmSync(folder, { recursive: true }));
const shipped = loadDialect();
const context = {
  secret: 'leonardo',
  sessionKey: '1556734985.077',
  id: 7,
  uid: 'd4a644d7-10d2-4904-9de4-9c1ec5cf6a6a',
};
function write(change: (json: Record<string, unknown>) => void): string {
  const json = JSON.parse(readFileSync(projectPath('gateway', 'robotarget', 'dialect.default.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  change(json);
  const file = join(folder, `${Math.abs(hash(JSON.stringify(json)))}.json`);
  writeFileSync(file, JSON.stringify(json));
  return file;
}
const hash = (s: string): number => Array.from(s).reduce((h, c) => (h * 31 + c.charCodeAt(0)) | 0, 0);

describe('RoboTarget dialect', () => {
  test('signs as the public vectors say', () => {
    expect(sign(shipped, '{secret}{uid}', context)).toBe('684660d3045ee9c2bbc626a4e5cc5155');
    expect(sign(shipped, '{secret}{uid}{guid}', { ...context, guid: '6c5553ef-3c11-4b40-a3e1-7cd008e08c35' })).toBe(
      '0241332cd7da9ec94e5a839fcee41ab4',
    );
  });
  test('a status command keeps the types of its values', () => {
    const { method, params } = encodeCommand(shipped, 'target.status', {
      ...context,
      guid: 'g',
      status: 1,
      objectType: 1,
    });
    expect(commandsOfMethod(shipped, method)).toEqual(['set.status', 'target.status', 'shot.status']);
    expect(params).toMatchObject({ ObjUID: 'g', ObjType: 1, Status: 1, UID: context.uid });
  });
  test('objects go to the wire and back unchanged, in degrees, local milliseconds and other names too', () => {
    const other = loadDialect(
      write((json) => {
        json.times = { unit: 'unix_milliseconds', zone: 'site_local' };
        json.angles = { ra: 'degrees', dec: 'degrees' };
        json.status = { enabled: 'on', disabled: 'off' };
        (json.objects as { target: { fields: Record<string, string> } }).target.fields.TargetName = 'nom';
      }),
    );
    const target = {
      GuidTarget: 'a',
      TargetName: 'M 31',
      RAJ2000: 0.7123,
      DECJ2000: 41.269,
      Status: 1,
      C_DateStart: 1_790_000_000,
      C_DateEnd: 1_790_003_600,
    };
    const wire = encodeObject(other, 'target', target, 3600);
    expect(wire).toMatchObject({ nom: 'M 31', RAJ2000: 0.7123 * 15, Status: 'off', C_DateStart: 1_790_003_600_000 });
    const back = decodeObject(other, 'target', wire, 3600);
    expect(back).toMatchObject({ ...target, RAJ2000: expect.closeTo(0.7123, 9) });
  });
  describe('local times on the nights when the clocks change', () => {
    const local = loadDialect(
      write((json) => {
        json.times = { unit: 'iso', zone: 'site_local' };
      }),
    );
    const seconds = (iso: string): number => Date.parse(iso) / 1000;
    const there = (iso: string, zone = 'Europe/Paris'): unknown =>
      encodeObject(local, 'target', { C_DateEnd: seconds(iso) }, zone).C_DateEnd;
    const back = (wire: string, zone = 'Europe/Paris'): unknown =>
      decodeObject(local, 'target', { C_DateEnd: wire }, zone).C_DateEnd;
    test.each([
      ['2026-10-24T23:00:00Z', '2026-10-25T01:00:00', 'Europe/Paris'],
      ['2026-10-25T02:00:00Z', '2026-10-25T03:00:00', 'Europe/Paris'],
      ['2026-03-29T00:59:00Z', '2026-03-29T01:59:00', 'Europe/Paris'],
      ['2026-03-29T01:00:00Z', '2026-03-29T03:00:00', 'Europe/Paris'],
      ['2026-11-01T09:30:00Z', '2026-11-01T02:30:00', 'America/Denver'],
      ['2026-10-03T16:30:00Z', '2026-10-04T03:30:00', 'Australia/Sydney'],
    ])('%s is written as %s in %s and read back as it was', (instant, wire, zone) => {
      expect(there(instant, zone)).toBe(wire);
      expect(back(wire, zone)).toBe(seconds(instant));
    });
    test('the hour that comes twice is written as it reads, and read as standard time', () => {
      expect([there('2026-10-25T00:30:00Z'), there('2026-10-25T01:30:00Z')]).toEqual([
        '2026-10-25T02:30:00',
        '2026-10-25T02:30:00',
      ]);
      expect(back('2026-10-25T02:30:00')).toBe(seconds('2026-10-25T01:30:00Z'));
    });
  });
  test('a wrong file is refused with the line that is wrong', () => {
    expect(() =>
      loadDialect(
        write((json) => {
          (json.signing as Record<string, unknown>).template = '{secrt}';
        }),
      ),
    ).toThrow(/signing\.template: \{secrt\} is not one of/);
    expect(() =>
      loadDialect(
        write((json) => {
          json.extra = 1;
        }),
      ),
    ).toThrow(UsageError);
    expect(() => loadDialect(join(folder, 'none.json'))).toThrow(/ENOENT/);
  });
});
