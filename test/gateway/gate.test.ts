import { describe, expect, test } from '@jest/globals';
import { Telescope } from '../../domain/contracts/telescope.ts';
import type { Reason } from '../../domain/reasons.ts';
import { COMMAND_METHODS } from '../../gateway/protocol/requests.ts';
import { encodeCommand, loadDialect } from '../../gateway/robotarget/dialect.ts';
import { classify } from '../../gateway/telescope/classify.ts';
import { SafetyGate, type GateFacts } from '../../gateway/telescope/gate.ts';

const dialect = loadDialect();
const of = (method: string, params: Record<string, unknown> = {}) => classify(dialect, method, params).class;
const line = (method: string, params: Record<string, unknown> = {}) => ({ kind: 'request' as const, method, params });
const status = (enabled: boolean, uid = 'u') =>
  encodeCommand(dialect, 'target.status', {
    secret: 's',
    sessionKey: '',
    id: 1,
    uid,
    guid: 'target-guid',
    status: enabled ? dialect.status.enabled : dialect.status.disabled,
    objectType: dialect.object_types.target,
  });

describe('what a command can do', () => {
  test('exactly these of the public commands always pass, in the form that stops or closes', () => {
    expect(
      COMMAND_METHODS.filter(
        (method) => of(method, { IsHalt: false, CommandType: 2, IsWarmup: true, State: 'STOP' }) === 'safe',
      ).sort(),
    ).toEqual([
      'Abort',
      'RemoteActionAbort',
      'RemoteActionAbortAll',
      'RemoteCooling',
      'RemoteFlatDeviceCMD',
      'RemoteMountFastCommand',
      'RemoteVikingSetAutoma',
    ]);
  });
  test('the same commands in any other form start something', () => {
    expect([
      of('RemoteCooling', { IsCoolDown: true }),
      of('RemoteFlatDeviceCMD', { CommandType: 1 }),
      of('RemoteMountFastCommand', { CommandType: 4 }),
      of('RemoteMountFastCommand'),
    ]).toEqual(['start', 'start', 'start', 'start']);
    expect([of('Abort', { IsHalt: true }), of('Abort'), of('Abort', { IsHalt: 'false' })]).toEqual([
      'halt',
      'halt',
      'halt',
    ]);
  });
  test('scripts, and what nobody described', () => {
    expect([
      of('RemoteDragScript'),
      of('RemoteDragScriptSelfContained'),
      of('RemoteRunExternal'),
      of('RemoteInventedTomorrow'),
    ]).toEqual(['script', 'script', 'start', 'start']);
  });
  test('the dialect: reading, disabling, enabling, planning; a target written as enabled counts as enabled', () => {
    expect([of(status(false).method, status(false).params), of(status(true).method, status(true).params)]).toEqual([
      'safe',
      'start',
    ]);
    const add = (kind: 'set' | 'target' | 'shot', body: Record<string, unknown>) => {
      const { method, params } = encodeCommand(
        dialect,
        `${kind}.add`,
        { secret: 's', sessionKey: '', id: 1, uid: 'u' },
        body,
      );
      return of(method, params);
    };
    expect([
      add('target', { GuidTarget: 'g', Status: 1 }),
      add('target', { GuidTarget: 'g', Status: 0 }),
      add('target', { GuidTarget: 'g' }),
      add('set', { Guid: 'g', Status: 0 }),
      add('shot', { GuidShot: 'g' }),
    ]).toEqual(['edit', 'start', 'start', 'edit', 'edit']);
    expect(of('RemoteOpenRoboTargetGetSetList')).toBe('read');
  });
});

describe('gate', () => {
  function gate(facts: Partial<GateFacts> = {}, telescope: object = {}) {
    return new SafetyGate(dialect, {
      telescope: () =>
        Telescope.parse({
          id: 't',
          name: 'T',
          host: 'h',
          base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
          site: { latitude_degrees: 45, longitude_degrees: 0 },
          ...telescope,
        }),
      readOnly: false,
      emergency: () => null,
      ownsLease: () => true,
      weather: () => null,
      clockOffsetSeconds: () => 0,
      grant: () => null,
      slotRunning: () => true,
      latched: () => null,
      inMaintenance: () => false,
      sunAltitudeDegrees: () => -30,
      safetyMonitorConnected: () => true,
      ...facts,
    });
  }
  const session = { by: 'session', grant: { bookingId: 'b', generation: 1 } } as const;
  const enable = (facts: Partial<GateFacts>): Reason | 'passes' => {
    const g = gate(facts);
    g.permit('u', session);
    const verdict = g.judge(line(status(true).method, status(true).params));
    expect(g.refusalOf('u')).toBe(verdict.allowed ? null : verdict.reason);
    return verdict.allowed ? 'passes' : (verdict.reason as Reason);
  };
  test('enabling passes only when every single condition holds', () => {
    expect(enable({})).toBe('passes');
    expect(enable({ readOnly: true })).toBe('read_only');
    expect(enable({ emergency: () => 'suspend' })).toBe('voyager_emergency');
    expect(enable({ ownsLease: () => false })).toBe('gateway_away');
    expect(enable({ latched: () => 'operator_abort' })).toBe('operator_abort');
    expect(enable({ inMaintenance: () => true })).toBe('maintenance');
    expect(enable({ clockOffsetSeconds: () => -60.1 })).toBe('clock_offset');
    expect(enable({ grant: () => 'slot_over' })).toBe('slot_over');
    expect(enable({ weather: () => 'weather_debounce' })).toBe('weather_debounce');
  });
  test('a permit counts for its own UID alone', () => {
    const g = gate();
    g.permit('u', session);
    expect(g.judge(line(status(true, 'other').method, status(true, 'other').params))).toEqual({
      allowed: false,
      reason: 'not_allowed',
    });
  });
  test('disabling and Abort pass without lease, grant, weather and allow-list; in an emergency nothing does but reads', () => {
    const g = gate(
      {
        ownsLease: () => false,
        grant: () => 'slot_over',
        weather: () => 'weather_unsafe',
        latched: () => 'user_abort',
      },
      { commands: [] },
    );
    expect(g.judge(line(status(false).method, status(false).params))).toEqual({ allowed: true });
    expect(g.judge(line('Abort', { IsHalt: false }))).toEqual({ allowed: true });
    const silent = gate({ emergency: () => 'exit' });
    expect(silent.judge(line('Abort', { IsHalt: false }))).toEqual({ allowed: false, reason: 'voyager_emergency' });
    expect(silent.judge(line('RemoteGetStatus'))).toEqual({ allowed: true });
    expect(silent.judge({ kind: 'heartbeat', method: null, params: {} })).toEqual({ allowed: true });
  });
  test('a DragScript: only the one that policy names, in the dark, with a safety monitor', () => {
    const script = (
      file: string,
      facts: Partial<GateFacts> = {},
      policy: object = { robotarget_start: 'dragscript', dragscript: 'Night.vos' },
    ) => {
      const g = gate(facts, { policy });
      g.permit('u', session);
      const verdict = g.judge(line('RemoteDragScript', { UID: 'u', DragScriptFile: file }));
      return verdict.allowed ? 'passes' : verdict.reason;
    };
    expect(script('Night.vos')).toBe('passes');
    expect(script('Other.vos')).toBe('not_allowed');
    expect(script('Night.vos', {}, {})).toBe('not_allowed');
    expect(script('Night.vos', { sunAltitudeDegrees: () => -11.9 })).toBe('waiting_for_dark');
    expect(script('Night.vos', { safetyMonitorConnected: () => false })).toBe('safety_monitor_missing');
  });
  test('one halt permit lets one halt pass', () => {
    const g = gate();
    g.permitHalt();
    expect([
      g.judge(line('Abort', { IsHalt: true })).allowed,
      g.judge(line('Abort', { IsHalt: true })).allowed,
    ]).toEqual([true, false]);
  });
});
