import { describe, expect, test } from '@jest/globals';
import { Telescope } from '../../domain/contracts/telescope.ts';
import type { Reason } from '../../domain/reasons.ts';
import { classify, COMMAND_METHODS } from '../../gateway/protocol/requests.ts';
import { encodeCommand, loadDialect } from '../../gateway/robotarget/dialect.ts';
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
    for (const sun of [-11.9, null])
      expect(script('Night.vos', { sunAltitudeDegrees: () => sun })).toBe('waiting_for_dark');
    expect(script('Night.vos', { safetyMonitorConnected: () => false })).toBe('safety_monitor_missing');
  });
  describe('judged by its effect, not by its verb', () => {
    const body = (name: Parameters<typeof encodeCommand>[1], fields: Record<string, unknown>) =>
      encodeCommand(dialect, name, { secret: 's', sessionKey: '', id: 1, uid: 'u' }, fields);
    const rain: Partial<GateFacts> = { weather: () => 'weather_unsafe' };
    const said = (
      facts: Partial<GateFacts>,
      { method, params }: { method: string; params: Record<string, unknown> },
      permit: Parameters<SafetyGate['permit']>[1] = session,
    ): Reason | 'passes' => {
      const g = gate(facts);
      g.permit('u', permit);
      const verdict = g.judge(line(method, params));
      return verdict.allowed ? 'passes' : (verdict.reason as Reason);
    };
    const shot = body('shot.add', { GuidShot: 's', RefGuidTarget: 'T-1', Num: 3 });
    const list = (enabled: boolean): Partial<GateFacts> => ({ targets: () => [{ guid: 't-1', enabled }] });

    test('a shot added to an enabled target gives it work, also when it was finished: a start', () => {
      expect(said({ ...rain, ...list(true) }, shot)).toBe('weather_unsafe');
      expect(said({ ...rain, ...list(true) }, body('shot.update', { GuidShot: 's', RefGuidTarget: 'T-1' }))).toBe(
        'weather_unsafe',
      );
      expect(said(list(true), shot)).toBe('passes');
      expect(said({ ...list(true), latched: (guid) => (guid === 'T-1' ? 'user_abort' : null) }, shot)).toBe(
        'user_abort',
      );
    });
    test('a shot of a disabled target is planning, in any weather', () => {
      expect(said({ ...rain, ...list(false) }, shot)).toBe('passes');
      expect(said({ ...rain, targets: () => [] }, shot)).toBe('passes');
    });
    test('without a list of the last minute it is not known whether the target is enabled: a start', () => {
      expect(said({ ...rain, targets: () => null }, shot)).toBe('weather_unsafe');
      expect(said(rain, shot)).toBe('weather_unsafe');
    });
    test('a target that was enabled through us after the list was read counts as enabled', () => {
      let sky: Reason | null = null;
      const g = gate({ weather: () => sky, targets: () => [{ guid: 'target-guid', enabled: false }] });
      const add = body('shot.add', { GuidShot: 's', RefGuidTarget: 'target-guid' });
      g.permit('u', session);
      expect(g.judge(line(status(true).method, status(true).params)).allowed).toBe(true);
      sky = 'weather_unsafe';
      expect(g.judge(line(add.method, add.params)).allowed).toBe(false);
      expect(g.judge(line(status(false).method, status(false).params)).allowed).toBe(true);
      expect(g.judge(line(add.method, add.params)).allowed).toBe(true);
    });
    test('a set that becomes enabled around an enabled target is a start; a new set, a disabled one or one without such a target is not', () => {
      const update = (state: number) => body('set.update', { Guid: 'set', Status: state });
      expect(said({ ...rain, ...list(true) }, update(0))).toBe('weather_unsafe');
      expect(said({ ...rain, ...list(true) }, body('set.update', { Guid: 'set', Name: 'x' }))).toBe('weather_unsafe');
      expect(said({ ...rain, ...list(true) }, update(1))).toBe('passes');
      expect(said({ ...rain, ...list(true) }, body('set.add', { Guid: 'set', Status: 0 }))).toBe('passes');
      expect(said({ ...rain, ...list(true), targetOfSet: () => 'other' }, update(0))).toBe('passes');
      expect(said({ ...rain, ...list(true), targetOfSet: () => 't-1' }, update(0))).toBe('weather_unsafe');
      expect(said({ ...rain, ...list(false) }, update(0))).toBe('passes');
    });
    test('a set that was enabled before stays so: renaming it is no start', () => {
      const rename = body('set.update', { Guid: 'set', Name: 'x', Status: 0 });
      expect(said({ ...rain, ...list(true) }, rename, { by: 'operator', setWasEnabled: true })).toBe('passes');
      expect(said({ ...rain, ...list(true), slotRunning: () => false }, rename, { by: 'operator' })).toBe(
        'weather_unsafe',
      );
    });
    test('taking records of a finished target away lets it begin again', () => {
      expect([
        of('RemoteOpenRoboTargetRemoveShotDone'),
        of('RemoteOpenRoboTargetRemoveShotDoneByFileName'),
        of('RemoteOpenRoboTargetUpdateBulkShotDone'),
        of('RemoteOpenRoboTargetRestoreShotDone'),
      ]).toEqual(['start', 'start', 'start', 'edit']);
    });
    test('what was borrowed is given back without a grant, but only when the weather lets motion start', () => {
      const back = { by: 'return' } as const;
      const noSlot = { grant: () => 'slot_over' as const, slotRunning: () => false };
      expect(said(noSlot, status(true), back)).toBe('passes');
      for (const reason of ['weather_unsafe', 'weather_unknown', 'weather_hold', 'weather_debounce'] as const)
        expect(said({ ...noSlot, weather: () => reason }, status(true), back)).toBe(reason);
    });
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
