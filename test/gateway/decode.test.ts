import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';
import { EVENTS, METHODS } from './page.ts';

const folder = mkdtempSync(join(tmpdir(), 'decode-'));
afterAll(() => rmSync(folder, { recursive: true }));
const run = (args: string[], input?: string | Buffer) => {
  const done = spawnSync(process.execPath, ['--import', 'tsx', projectPath('scripts', 'decode.ts'), ...args], {
    cwd: projectPath(),
    input,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return { code: done.status, stderr: done.stderr, lines: done.stdout.split('\n').filter(Boolean) };
};

describe('decode', () => {
  test('numbers lines from 1, empty ones too, and ends 0 when all are well formed', () => {
    const file = join(folder, 'good.txt');
    writeFileSync(
      file,
      '{"Event":"Signal","Timestamp":1,"Host":"h","Inst":1,"Code":777}\r\n\r\n{"jsonrpc":"2.0","authbase":{"Username":"a"},"id":2}\n{"method":"RemoteOpenRoboTargetGetSetList","params":{"UID":"u","MAC":"beef"},"id":3}\n{"Event":"NewJPGReady","Timestamp":1,"Host":"h","Inst":1,"Base64Data":"QUJD"}',
    );
    const { code, lines } = run(['--json', file]);
    expect(code).toBe(0);
    expect(lines.map((l) => JSON.parse(l) as Record<string, unknown>)).toMatchObject([
      { line: 1, ok: true, kind: 'event', name: 'Signal', unknown: false, data: { Code: 777, CodeName: null } },
      {
        line: 3,
        ok: true,
        kind: 'reply',
        name: 'authbase',
        unknown: false,
        data: { id: 2, authbase: { Username: 'a' } },
      },
      {
        line: 4,
        ok: true,
        kind: 'request',
        name: 'RemoteOpenRoboTargetGetSetList',
        unknown: false,
        data: { id: 3, params: { MAC: '[secret]' }, class: 'read' },
      },
      { line: 5, ok: true, kind: 'event', name: 'NewJPGReady', unknown: false, data: { Picture: { bytes: 3 } } },
    ]);
  });
  test('every event, command and answer that the protocol page describes is typed; not one is unknown', () => {
    const common = { Timestamp: 1556734985.077, Host: 'RC16', Inst: 1 };
    const messages = [
      ...EVENTS.map((Event) => ({ Event, ...common })),
      ...METHODS.map((method, id) =>
        method === 'disconnect' || method === 'GetArrayElementData'
          ? { method, id }
          : { method, params: { UID: 'u' }, id },
      ),
      { jsonrpc: '2.0', result: 0, id: 1 },
      { jsonrpc: '2.0', error: { code: 1, message: 'Authentication Rejected' }, id: 2 },
      { jsonrpc: '2.0', authbase: { Username: 'a', Permissions: '1' }, id: 3 },
      { jsonrpc: '2.0', authticket: { UserCode: 'u', Note: '' }, id: 4 },
    ];
    const { code, lines } = run(['--json', '-'], messages.map((m) => `${JSON.stringify(m)}\r\n`).join(''));
    const decoded = lines.map((l) => JSON.parse(l) as { ok: boolean; kind: string; name: string; unknown: boolean });
    expect([code, decoded.filter((d) => !d.ok || d.unknown)]).toEqual([0, []]);
    expect(decoded.map((d) => d.name)).toEqual([...EVENTS, ...METHODS, 'result', 'error', 'authbase', 'authticket']);
  });
  test('a malformed line gets an error line and exit code 1, from stdin too; the rest is decoded', () => {
    const { code, lines } = run(
      ['--json', '-'],
      Buffer.concat([
        Buffer.from('{"Event":"Polling"}\n{"Event":\n'),
        Buffer.from([0xff, 0xfe, 0x0a]),
        Buffer.from('{"x":1}\n{"Event":"Zork","v":NaN}\n'),
      ]),
    );
    expect(code).toBe(1);
    expect(lines.map((l) => JSON.parse(l) as Record<string, unknown>)).toMatchObject([
      { line: 1, ok: true },
      { line: 2, ok: false, error: expect.any(String) },
      { line: 3, ok: false },
      { line: 4, ok: false },
      { line: 5, ok: true, name: 'Zork', unknown: true, data: { v: null, absent: { v: 'nan' } } },
    ]);
  });
  test('a wrong call is told, with exit code 2', () => {
    expect(run([])).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage: npm run decode') });
    expect(run(['--json', join(folder, 'none.txt')])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such file'),
    });
  });
});
