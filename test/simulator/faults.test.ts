import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Observatory } from '../../simulator/observatory.ts';
import { FAULT_KINDS, parseFaults, readFaults } from '../../simulator/faults.ts';
import { projectPath } from '../../platform/paths.ts';
import { UsageError } from '../../platform/errors.ts';
import {
  cleanUp,
  client,
  effects,
  observatory,
  plan,
  run,
  runUntil,
  temporaryFolder,
  until,
  virtualObservatory,
  type Json,
  type RawClient,
} from './support.ts';

afterEach(cleanUp);
const onDisk = (sim: Observatory, windows: unknown): string =>
  join(sim.world.options.dataDir, 'fits', ...String(windows).slice('C:\\Voyager\\FITS\\'.length).split('\\'));
const lights = (c: RawClient): Json[] => c.events('NewFITReady').filter((e) => e.VoyType === 'SHOT');

describe('the script', () => {
  test('wrong steps are refused, each named', () => {
    expect(() => parseFaults([{ kind: 'drop' }, { kind: 'dorp' }, { kind: 'nan', times: 0 }], 'faults.json')).toThrow(
      /faults\.json:\n {2}1\.kind: .*\n {2}2\.times: /,
    );
    const file = join(temporaryFolder(), 'faults.json');
    writeFileSync(file, '[');
    expect(() => readFaults(file)).toThrow(UsageError);
  });
  test('a step runs at its time, after its event, or on its method for the n-th time', async () => {
    const { clock, sim } = await virtualObservatory({
      robotargetRunning: false,
      faults: parseFaults(
        [
          { at_seconds: 3, kind: 'cloud' },
          { after_event: 'Signal', nth: 2, kind: 'wind' },
          { on_method: 'RemoteGetStatus', nth: 2, kind: 'unknown_event', name: 'Odd' },
        ],
        'test',
      ),
    });
    const c = await client(sim);
    const kinds = (): unknown[] => sim.log.entries.filter((e) => e.effect === 'fault').map((e) => e.params!.kind);
    await run(clock, 2.8);
    expect(kinds()).toEqual([]);
    await run(clock, 0.4);
    expect(kinds()).toEqual(['cloud']);
    sim.world.signal(501);
    expect(kinds()).toEqual(['cloud']);
    sim.world.signal(501);
    expect(kinds()).toEqual(['cloud', 'wind']);
    for (const UID of ['a', 'b']) c.send('RemoteGetStatus', { UID });
    await until(() => c.events('Odd').length === 1, 1000, 'the unknown event');
  });
});

describe('the line', () => {
  test('drop, and drop after so many bytes, in the middle of a line', async () => {
    const sim = await observatory();
    const [a, b] = [await client(sim), await client(sim)];
    sim.inject({ kind: 'drop_after_bytes', bytes: 30 });
    const before = Buffer.concat(a.chunks).length;
    sim.world.signal(501);
    await until(() => a.closed && b.closed, 1000, 'closed');
    expect(Buffer.concat(a.chunks).length - before).toBe(30);
    const again = await client(sim);
    sim.inject({ kind: 'drop' });
    await until(() => again.closed, 1000, 'closed');
  });
  test('half-open: the socket stays, nothing comes and nothing is heard', async () => {
    const { clock, sim } = await virtualObservatory({ robotargetRunning: false });
    const c = await client(sim);
    sim.inject({ kind: 'half_open' });
    c.send('RemoteGetStatus', { UID: 'a' });
    await run(clock, 8);
    expect(c.messages).toHaveLength(1);
    expect(c.closed).toBe(false);
    expect(sim.log.entries.filter((e) => e.kind === 'command')).toEqual([]);
  });
  test('no Polling; slow drip; two lines in one chunk; one line byte by byte; empty lines; half a line; bad UTF-8', async () => {
    const { clock, sim } = await virtualObservatory({ robotargetRunning: false });
    const silent = await client(sim);
    sim.inject({ kind: 'no_polling', for_seconds: 9 });
    await run(clock, 8);
    expect(silent.events('Polling')).toEqual([]);
    silent.polling();
    await run(clock, 4.5);
    expect(silent.events('Polling')).toHaveLength(1);

    const c = await client(sim);
    sim.inject({ kind: 'join_lines' });
    const chunks = c.chunks.length;
    sim.world.signal(1);
    sim.world.signal(2);
    await until(() => c.events('Signal').length === 2, 1000, 'two lines');
    expect(c.chunks.length - chunks).toBe(1);
    sim.inject({ kind: 'split_bytes', times: 2 });
    sim.world.signal(3);
    await until(() => c.events('Signal').length === 3, 1000, 'line in bytes');
    expect(c.chunks.length - chunks).toBeGreaterThan(10);
    sim.inject({ kind: 'empty_lines', times: 2 });
    sim.world.signal(4);
    await until(() => c.lines.includes(''), 1000, 'empty line');
    sim.inject({ kind: 'garbage_line' });
    await until(() => c.messages.some((m) => 'unreadable' in m), 1000, 'half a line');
    sim.inject({ kind: 'invalid_utf8' });
    await until(() => c.events('LogEvent').some((e) => String(e.Text).includes('\ufffd')), 1000, 'bad UTF-8');
    sim.inject({ kind: 'slow_drip', bytes_per_second: 100, for_seconds: 30 });
    const bytes = Buffer.concat(c.chunks).length;
    sim.world.signal(5);
    c.polling();
    await run(clock, 0.35, 0.05);
    const came = Buffer.concat(c.chunks).length - bytes;
    expect(came).toBeGreaterThanOrEqual(20);
    expect(came).toBeLessThanOrEqual(50);
  });
  test('a bare NaN in ControlData is not JSON', async () => {
    const { clock, sim } = await virtualObservatory({ robotargetRunning: false });
    const c = await client(sim);
    c.send('RemoteSetDashboardMode', { UID: 'd', IsOn: true });
    await until(() => c.reply(1) !== undefined, 1000, 'reply');
    sim.inject({ kind: 'nan', fields: ['AFTEMP'] });
    await run(clock, 5);
    const bad = c.lines.filter((l) => l.includes('"AFTEMP":NaN'));
    expect(bad).toHaveLength(1);
    expect(() => JSON.parse(bad[0]!) as unknown).toThrow(SyntaxError);
  });
  test('connections refused for a while', async () => {
    const sim = await observatory();
    sim.inject({ kind: 'refuse_connections', for_seconds: 0.3 });
    expect((await client(sim)).closed).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect((await client(sim)).messages).toHaveLength(1);
  });
});

describe('answers', () => {
  const ask = async (kind: string, more: Json = {}): Promise<{ c: RawClient; sim: Observatory; id: number }> => {
    const sim = await observatory({ robotargetRunning: false });
    const c = await client(sim);
    sim.inject({ on_method: 'RemoteFilterChangeTo', kind, ...more } as never);
    await c.ask('RemoteGetStatus');
    const id = c.send('RemoteFilterChangeTo', { UID: 'f', FilterIndex: 2 });
    return { c, sim, id };
  };
  const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  test('reply after the result', async () => {
    const { c, id } = await ask('reply_after_result');
    await until(() => c.reply(id) !== undefined, 2000, 'reply');
    expect(c.messages.indexOf(c.result('f')!)).toBeLessThan(c.messages.indexOf(c.reply(id)!));
  });
  test('reply never; result never; result late: the effect is there all the same', async () => {
    const never = await ask('reply_never');
    await until(() => never.c.result('f') !== undefined, 2000, 'result');
    expect(never.c.reply(never.id)).toBeUndefined();
    const none = await ask('result_never');
    await until(() => none.sim.world.state.filterIndex === 2, 2000, 'effect');
    await later(150);
    expect(none.c.result('f')).toBeUndefined();
    const late = await ask('result_late', { seconds: 0.4 });
    await until(() => late.sim.world.state.filterIndex === 2, 2000, 'effect');
    await later(150);
    expect(late.c.result('f')).toBeUndefined();
    await until(() => late.c.result('f') !== undefined, 2000, 'result');
  });
  test('busy, wrong MAC, an error of its own: refused without effect, once', async () => {
    for (const kind of ['busy', 'wrong_mac', 'error_reply']) {
      const { c, sim, id } = await ask(kind);
      await until(() => c.reply(id) !== undefined, 2000, 'reply');
      expect(c.reply(id)).toHaveProperty('error.code', 1);
      await later(100);
      expect([c.result('f'), sim.world.state.filterIndex]).toEqual([undefined, 0]);
      expect((await c.ask('RemoteFilterChangeTo', { FilterIndex: 1 })).result).toMatchObject({ ActionResultInt: 4 });
    }
  });
  test('a result code of its own; a command that is answered and lost; a link that dies after the effect, before the reply', async () => {
    const code = await ask('result_code', { code: 8, motivo: 'TIMEOUT' });
    await until(() => code.c.result('f') !== undefined, 2000, 'result');
    expect(code.c.result('f')).toMatchObject({ ActionResultInt: 8, Motivo: 'TIMEOUT' });
    const lost = await ask('lost_command');
    await until(() => lost.c.result('f') !== undefined, 2000, 'result');
    expect([lost.c.result('f')!.ActionResultInt, lost.sim.world.state.filterIndex]).toEqual([4, 0]);
    const dead = await ask('drop_before_reply');
    await until(() => dead.c.closed, 2000, 'closed');
    expect(dead.c.reply(dead.id)).toBeUndefined();
    await until(() => dead.sim.world.state.filterIndex === 2, 2000, 'effect');
  });
});

describe('the server', () => {
  test('login refused, then not answered; clock skew; another profile', async () => {
    const sim = await observatory({ username: 'a', password: 'b' });
    const Base = Buffer.from('a:b').toString('base64');
    sim.inject({ kind: 'auth_refused', for_seconds: 0.2 });
    const c = await client(sim);
    const id = c.send('AuthenticateUserBase', { UID: 'x', Base });
    await until(() => c.closed, 1000, 'closed');
    expect(c.reply(id)).toMatchObject({ error: { code: 1, message: 'Authentication Rejected' } });
    await new Promise((resolve) => setTimeout(resolve, 250));
    const ok = await client(sim);
    const good = ok.send('AuthenticateUserBase', { UID: 'x', Base });
    await until(() => ok.reply(good) !== undefined, 1000, 'reply');
    expect(ok.reply(good)).toHaveProperty('authbase');
    sim.inject({ kind: 'clock_skew', seconds: 90 });
    sim.inject({ kind: 'profile_changed', profile: 'Lunar.v2y' });
    await until(() => ok.events('ProfileChanged').length === 1, 1000, 'event');
    expect(ok.events('ProfileChanged')[0]).toMatchObject({ NewProfile: 'Lunar.v2y' });
    expect(Number(ok.events('ProfileChanged')[0]!.Timestamp) - Date.now() / 1000).toBeGreaterThan(88);
  });
  test('ShutDown for a while, then back on the same port', async () => {
    const sim = await observatory();
    const c = await client(sim);
    sim.inject({ kind: 'shutdown', for_seconds: 0.2 });
    await until(() => c.closed, 1000, 'closed');
    expect(c.messages.at(-1)).toMatchObject({ Event: 'ShutDown' });
    await until(() => effects(sim).filter((e) => e === 'voyager.started').length === 2, 2000, 'back');
    expect((await client(sim)).messages[0]).toMatchObject({ Event: 'Version' });
  });
});

describe('devices and sky', () => {
  test('camera error: VOYSTAT 3, ShotRunning 4, the sequence ends in an error and is tried again when it is mended', async () => {
    const { clock, sim } = await virtualObservatory();
    const c = await client(sim);
    c.send('RemoteSetDashboardMode', { UID: 'd', IsOn: true });
    const { target } = plan(sim, { shots: [{ num: 1, exposure: 10 }] });
    await runUntil(clock, () => sim.world.state.shot?.expo === 10, 30, 'exposure');
    c.polling();
    sim.inject({ kind: 'camera_error', for_seconds: 8 });
    await runUntil(clock, () => effects(sim).includes('sequence.end'), 5, 'end');
    expect(sim.voyager.controlData()).toMatchObject({ VOYSTAT: 3, CCDSTAT: 9, CCDCONN: false, CCDTEMP: 123_456_789 });
    await until(() => c.events('ShotRunning').some((e) => e.Status === 4), 1000, 'status 4');
    c.polling();
    await runUntil(clock, () => effects(sim).includes('target.finished'), 60, 'finished');
    expect(sim.world.store.doneOf(target)).toHaveLength(1);
  });
  test('guide star lost: the next start of guiding fails, sentinels in ControlData', async () => {
    const { clock, sim } = await virtualObservatory();
    plan(sim, { shots: [{ num: 3, exposure: 2 }] });
    await runUntil(clock, () => sim.world.state.shot?.expo === 2, 30, 'exposure');
    expect(Math.abs(Number(sim.voyager.controlData().GUIDEX))).toBeLessThan(5);
    sim.inject({ kind: 'guide_star_lost', for_seconds: 10 });
    expect(sim.voyager.controlData()).toMatchObject({ GUIDEX: -123_456_789, GUIDESTAT: 3 });
    await runUntil(
      clock,
      () => sim.log.entries.some((e) => e.effect === 'sequence.end' && e.params!.end === 'error: Guide Star Lost'),
      20,
      'error',
    );
    await runUntil(clock, () => effects(sim).includes('target.finished'), 60, 'finished');
  });
  test('safety monitor gone, weather station gone', async () => {
    const { sim } = await virtualObservatory({ robotargetRunning: false });
    sim.inject({ kind: 'safety_monitor_gone' });
    expect(sim.voyager.weatherData()).toMatchObject({ SMConnected: false, SMStatus: '' });
    sim.inject({ kind: 'weather_station_gone' });
    expect(sim.voyager.weatherData()).toMatchObject({ WSConnected: false, WSCloud: 'UNKNOW', WSLight: 'UNKNOW' });
  });
  test('a local operator takes over: RoboTarget stops, another sequence runs, then RoboTarget goes on', async () => {
    const { clock, sim } = await virtualObservatory();
    plan(sim, { shots: [{ num: 1, exposure: 5 }] });
    await runUntil(clock, () => sim.world.state.shot?.expo === 5, 30, 'exposure');
    sim.inject({ kind: 'local_operator', for_seconds: 10 });
    await run(clock, 2);
    expect(sim.voyager.controlData()).toMatchObject({ RUNSEQ: 'Manual.s2q', RUNDS: '', VOYSTAT: 2 });
    await runUntil(clock, () => effects(sim).includes('operator.end'), 20, 'done');
    await runUntil(clock, () => effects(sim).includes('target.finished'), 40, 'finished');
  });
});

describe('frames', () => {
  const night = async (faults: Json[], num = 1): Promise<{ sim: Observatory; c: RawClient; target: string }> => {
    const sim = await observatory();
    const c = await client(sim);
    await c.ask('RemoteSetDashboardMode', { IsOn: true });
    for (const fault of faults) sim.inject(fault as never);
    const { target } = plan(sim, { shots: [{ num, exposure: 0.1 }] });
    return { sim, c, target };
  };
  // the pointing frame of each night is written too: faults of frames are armed after it
  const afterSync = { after_event: 'NewFITReady', nth: 1 };
  test('truncated, missing, late file', async () => {
    const { sim, c } = await night(
      [
        { ...afterSync, kind: 'truncated_file', share: 0.5 },
        { after_event: 'NewFITReady', nth: 2, kind: 'missing_file' },
        { after_event: 'NewFITReady', nth: 3, kind: 'late_file', seconds: 0.5 },
      ],
      3,
    );
    await until(() => lights(c).length === 3, 10_000, 'frames');
    const [cut, missing, late] = lights(c).map((e) => onDisk(sim, e.File)) as [string, string, string];
    expect(statSync(cut).size).toBe((5760 + 66_240) / 2);
    expect(existsSync(missing)).toBe(false);
    expect(existsSync(late)).toBe(false);
    await until(() => existsSync(late), 2000, 'late file');
    expect(statSync(late).size % 2880).toBe(0);
  });
  test('NewFITReady kept back: the file and its record are there', async () => {
    const { sim, c, target } = await night([{ ...afterSync, kind: 'suppress_new_fit' }]);
    await until(() => effects(sim).includes('target.finished'), 10_000, 'finished');
    expect(lights(c)).toEqual([]);
    expect(existsSync(onDisk(sim, sim.world.store.doneOf(target)[0]!.path))).toBe(true);
  });
  test('a list that disagrees with the events: a record left out, one too many, another name', async () => {
    const { sim, c, target } = await night(
      [
        { kind: 'shot_list_disagrees', how: 'omit' },
        { kind: 'shot_list_disagrees', how: 'extra' },
        { kind: 'shot_list_disagrees', how: 'wrong_filename' },
      ],
      3,
    );
    await until(() => lights(c).length === 3 && sim.world.roboTarget.run === null, 10_000, 'frames');
    const names = lights(c).map((e) => String(e.File).replace(/^.*\\/, ''));
    expect(sim.world.store.doneOf(target).map((d) => d.filename)).toEqual([
      names[1],
      `GHOST_${names[1]}`,
      `X_${names[2]}`,
    ]);
  });
  test('the record follows its file by 50 to 300 ms, or as late as told', async () => {
    const { sim } = await night([{ kind: 'late_shot_done', seconds: 0.6 }], 2);
    await until(() => sim.world.store.done().length === 2, 10_000, 'records');
    const done = sim.log.entries.filter((e) => e.effect === 'exposure.done' && e.params!.voy_type === 'SHOT');
    const delay = sim.world.store
      .done()
      .map(
        (d) =>
          sim.log.entries.find((e) => e.effect === 'shot.done' && e.params!.guid === d.guid)!.at -
          done.find((e) => String(e.params!.file) === d.path)!.at,
      );
    const [soon, late] = delay.sort((a, b) => a - b) as [number, number];
    expect(soon).toBeGreaterThanOrEqual(45);
    expect(soon).toBeLessThan(500);
    expect(late).toBeGreaterThanOrEqual(590);
  });
  test('every kind of the script stands in the README, and no other', () => {
    const documented = [
      ...readFileSync(projectPath('simulator', 'README.md'), 'utf8')
        .split('## Fault script')[1]!
        .matchAll(/^\| `(\w+)` \|/gm),
    ].map((m) => m[1]!);
    expect(documented.toSorted()).toEqual([...FAULT_KINDS].toSorted());
  });
});
