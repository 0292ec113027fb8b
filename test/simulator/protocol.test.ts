import { createHash } from 'node:crypto';
import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { projectPath } from '../../platform/paths.ts';
import {
  LineReader,
  clockTime,
  italianDateTime,
  toLine,
  NAN_MARK,
  voyagerSeconds,
} from '../../simulator/wire/lines.ts';
import {
  cleanUp,
  client,
  observatory,
  plan,
  RawClient,
  run,
  SECRET,
  temporaryFolder,
  until,
  virtualObservatory,
  type Json,
} from './support.ts';

afterEach(cleanUp);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('lines', () => {
  test('chunks that split and join lines, CR LF or LF, empty lines', () => {
    const reader = new LineReader();
    expect(reader.push(Buffer.from('{"a":1}\r\n{"b"'))).toEqual(['{"a":1}']);
    expect(reader.push(Buffer.from(':2}\n\r\n\r\n{"c":3}\r\n'))).toEqual(['{"b":2}', '{"c":3}']);
    expect(() => new LineReader(10).push(Buffer.from('12345678901'))).toThrow(RangeError);
  });
  test('numbers and times as Voyager writes them', () => {
    expect(voyagerSeconds(1_556_734_985_077)).toBe(1_556_734_985.077);
    expect(String(voyagerSeconds(1_647_176_657_508.4))).toBe('1647176657.5084');
    expect(clockTime(-4_625)).toBe('-01:17:05');
    expect(italianDateTime(Date.UTC(2026, 0, 5, 4, 3, 2))).toBe('05/01/2026 04:03:02');
    expect(toLine({ x: NAN_MARK, y: 'NaN' })).toBe('{"x":NaN,"y":"NaN"}');
  });
});

describe('connection', () => {
  test('Version comes at once, in its member order, ended by CR LF; the timestamp has at most five decimals', async () => {
    const c = await client(await observatory());
    expect(Object.keys(c.messages[0]!)).toEqual([
      'Event',
      'Timestamp',
      'Host',
      'Inst',
      'VOYVersion',
      'VOYSubver',
      'MsgVersion',
    ]);
    expect(c.messages[0]).toMatchObject({ Event: 'Version', Inst: 1, VOYSubver: '', MsgVersion: 1 });
    expect(/"Timestamp":(\d+(\.\d{1,5})?),/.test(c.lines[0]!)).toBe(true);
    expect(Buffer.concat(c.chunks).toString('latin1').endsWith('\r\n')).toBe(true);
  });

  test('the server polls after 5 s of its own silence and closes after 15 s of the client’s', async () => {
    const { clock, sim } = await virtualObservatory({ robotargetRunning: false });
    const c = await client(sim);
    await run(clock, 4.9);
    expect(c.events('Polling')).toHaveLength(0);
    await run(clock, 0.2);
    expect(c.events('Polling')).toHaveLength(1);
    expect(Object.keys(c.events('Polling')[0]!)).toEqual(['Event', 'Timestamp', 'Host', 'Inst']);
    await run(clock, 9.8);
    expect(c.closed).toBe(false);
    await run(clock, 0.3);
    await until(() => c.closed, 1000, 'closed');
    expect(sim.log.entries.at(-1)).toMatchObject({ effect: 'client.closed', params: { reason: '15 s without data' } });
  });
  test('any valid message resets the 15 s, in all the forms that the field sends; invalid ones do not', async () => {
    const { clock, sim } = await virtualObservatory({ robotargetRunning: false });
    const good = await client(sim);
    const bad = await client(sim);
    for (const line of [
      '{"Event":"Polling"}',
      '{"Event":"Polling","Timestamp":"1.5","Inst":1}',
      '{"Event":"Polling","Timestamp":1,"id":4}',
      '{"method":"RemoteGetStatus","params":{"UID":"a"},"id":1}',
    ]) {
      await run(clock, 10);
      good.write(`${line}\r\n`);
      bad.write('{"Event":"Pol\r\n');
      await run(clock, 0.2, 0.05);
    }
    expect(good.closed).toBe(false);
    await until(() => bad.closed, 1000, 'the other closed');
  });
  test('disconnect is answered and the socket closed; two clients: events for both, answers for one', async () => {
    const sim = await observatory();
    const [a, b] = [await client(sim), await client(sim)];
    const id = a.send('RemoteGetStatus', { UID: 'only-a' });
    await until(() => a.result('only-a') !== undefined, 2000, 'answer');
    expect(a.reply(id)).toEqual({ jsonrpc: '2.0', result: 0, id });
    expect(a.result('only-a')).toMatchObject({ ActionResultInt: 4, Motivo: '', ParamRet: { VoyagerStatus: 'RUN' } });
    expect(b.result('only-a')).toBeUndefined();
    sim.world.signal(501);
    await until(() => a.events('Signal').length === 1 && b.events('Signal').length === 1, 1000, 'both hear of it');
    const bye = a.send('disconnect');
    await until(() => a.closed, 1000, 'closed');
    expect(a.reply(bye)).toMatchObject({ result: 0 });
    expect(b.closed).toBe(false);
  });
  test('the same port answers WebSocket, with CR LF inside the frames and without it from the client', async () => {
    const sim = await observatory();
    const ws = new WebSocket(`ws://127.0.0.1:${sim.port}/`);
    const frames: string[] = [];
    ws.on('message', (data: Buffer) => frames.push(data.toString('utf8')));
    await until(() => frames.length > 0, 2000, 'Version');
    expect(JSON.parse(frames[0]!)).toMatchObject({ Event: 'Version' });
    expect(frames[0]!.endsWith('\r\n')).toBe(true);
    ws.send('{"method":"RemoteGetStatus","params":{"UID":"w"},"id":1}');
    await until(() => frames.some((f) => f.includes('VoyagerStatus')), 2000, 'answer');
    ws.close();
    await new Promise((resolve) => ws.once('close', resolve));
  });
  test('orderly end: ShutDown with a capital D, then the socket closes', async () => {
    const sim = await observatory();
    const c = await client(sim);
    await sim.restart(0, true);
    await until(() => c.closed, 1000, 'closed');
    expect(c.messages.at(-1)).toMatchObject({ Event: 'ShutDown' });
    const again = await client(sim);
    expect(again.messages[0]!.Timestamp).not.toBe(c.messages[0]!.Timestamp);
  });
});

describe('login', () => {
  const options = { username: 'admin', password: 'se:cret' };
  test('right password: authbase without result, no RemoteActionResult', async () => {
    const c = await client(await observatory(options));
    const id = c.send('AuthenticateUserBase', { UID: 'a', Base: base64('admin:se:cret') });
    await until(() => c.reply(id) !== undefined, 1000, 'reply');
    expect(Object.keys(c.reply(id)!)).toEqual(['jsonrpc', 'authbase', 'id']);
    expect(c.reply(id)!.authbase).toMatchObject({ Username: 'admin' });
    await c.ask('RemoteGetStatus');
    expect(c.result('a')).toBeUndefined();
  });
  test('wrong password: error 1 and the socket closes at once', async () => {
    const sim = await observatory(options);
    const c = await client(sim);
    const id = c.send('AuthenticateUserBase', { UID: 'a', Base: base64('admin:guess') });
    await until(() => c.closed, 1000, 'closed');
    expect(c.reply(id)).toEqual({ jsonrpc: '2.0', error: { code: 1, message: 'Authentication Rejected' }, id });
    expect(JSON.stringify(sim.log.entries)).not.toContain(base64('admin:guess'));
  });
  test('no login within 5 s closes; polling does not help', async () => {
    const { clock, sim } = await virtualObservatory(options);
    const c = await client(sim);
    await run(clock, 4.5);
    c.polling();
    expect(c.closed).toBe(false);
    await run(clock, 0.6);
    await until(() => c.closed, 1000, 'closed');
  });
  test('a command without login closes the connection and has no effect', async () => {
    const sim = await observatory(options);
    const c = await client(sim);
    c.send('Abort', { IsHalt: true });
    await until(() => c.closed, 1000, 'closed');
    expect(sim.world.roboTarget.dragScript).toBe('RoboTarget.vos');
  });
  test('level NONE answers a login with its error and goes on', async () => {
    const c = await client(await observatory());
    const id = c.send('AuthenticateUserBase', { UID: 'a', Base: base64('a:b') });
    await until(() => c.reply(id) !== undefined, 1000, 'reply');
    expect(c.reply(id)).toMatchObject({ error: { code: 1, message: 'Authentication Level not Allow this request' } });
    expect((await c.ask('RemoteGetStatus')).result).toMatchObject({ ActionResultInt: 4 });
  });
  test('ticket', async () => {
    const sim = await observatory({ ticket: 'T-1' });
    const c = await client(sim);
    const id = c.send('AuthenticateUserTicket', { UID: 'a', Ticket: 'T-1' });
    await until(() => c.reply(id) !== undefined, 1000, 'reply');
    expect(c.reply(id)).toHaveProperty('authticket.RentingEnd');
    const wrong = await client(sim);
    const bad = wrong.send('AuthenticateUserTicket', { UID: 'a', Ticket: 'T-0' });
    await until(() => wrong.closed, 1000, 'closed');
    expect(wrong.reply(bad)).toMatchObject({ error: { code: 1, message: 'Your reservation is expired' } });
  });
});

describe('dashboard', () => {
  test('ControlData each 2 s with every field of the protocol page, weather each 30 s; nothing of it without the mode', async () => {
    const { clock, sim } = await virtualObservatory({ robotargetRunning: false, utcOffsetSeconds: 3600 });
    const [c, quiet] = [await client(sim), await client(sim)];
    c.send('RemoteSetDashboardMode', { UID: 'd', IsOn: 'true' });
    await run(clock, 0.2, 0.05);
    for (let t = 0; t < 3; t++) {
      c.polling();
      quiet.polling();
      await run(clock, 12);
    }
    await until(() => c.events('ControlData').length === 18, 1000, '18 in 36 s');
    expect(c.events('WeatherAndSafetyMonitorData')).toHaveLength(2);
    expect(quiet.messages.every((m) => m.Event === 'Version' || m.Event === 'Polling')).toBe(true);
    expect(c.events('VikingManaged')[0]).toMatchObject({ IsManaged: false });
    const data = c.events('ControlData')[0]!;
    for (const field of (
      'TI TIUTC VOYSTAT SETUPCONN CCDCONN CCDTEMP CCDPOW CCDSETP CCDCOOL CCDSTAT MNTCONN MNTPARK MNTRA MNTDEC MNTRAJ2000 MNTDECJ2000 MNTAZ MNTALT MNTPIER MNTTFLIP MNTSFLIP MNTTRACK MNTSLEW AFCONN AFTEMP AFPOS ' +
      'SEQTOT SEQPARZ SEQNAME SEQSTART SEQREMAIN SEQEND RUNSEQ RUNDS GUIDECONN GUIDESTAT DITHSTAT GUIDEX GUIDEY PLACONN PSCONN ROTCONN ROTPA ROTSKYPA ROTISROT DOMECONN DOMEPA DOMEISMOV DOMESHUTTER'
    ).split(' '))
      expect(data).toHaveProperty(field);
    expect(data).toMatchObject({
      VOYSTAT: 1,
      GUIDEX: -123_456_789,
      DOMESHUTTER: '0',
      RUNSEQ: '',
      RUNDS: '',
      MNTPARK: true,
    });
    expect(data.MNTDEC).toMatch(/^-?\d{2}° \d{2}' \d{2}"$/);
    expect(data.MNTRA).toMatch(/^\d{2}:\d{2}:\d{2}$/);
    expect(data.TIUTC).toBe('2026-01-15 00:00:02');
    expect(data.TI).toBe('2026-01-15 01:00:02');
    expect(c.events('WeatherAndSafetyMonitorData')[0]).toMatchObject({
      WSConnected: true,
      SMConnected: true,
      SMStatus: 'SAFE',
      WSCloud: 'CLEAR',
      WSRain: 'DRY',
      WSWind: 'CALM',
      WSLight: 'DARK',
    });
  });
  test('switched off and on again, the weather comes again', async () => {
    const { clock, sim } = await virtualObservatory({ robotargetRunning: false });
    const c = await client(sim);
    for (const [UID, IsOn] of [
      ['a', true],
      ['b', false],
      ['c', true],
    ] as const) {
      c.polling();
      c.send('RemoteSetDashboardMode', { UID, IsOn });
      await run(clock, 5);
    }
    const before = c.events('WeatherAndSafetyMonitorData').length;
    for (let t = 0; t < 4; t++) {
      c.polling();
      await run(clock, 10, 0.5);
    }
    expect(c.events('WeatherAndSafetyMonitorData').length - before).toBeGreaterThanOrEqual(1);
    expect(c.events('WeatherAndSafetyMonitorData').length - before).toBeLessThanOrEqual(2);
  });
  test('log events by level: 1 leaves out INFO and DEBUG', async () => {
    const sim = await observatory();
    const [all, few] = [await client(sim), await client(sim)];
    await all.ask('RemoteSetLogEvent', { IsOn: true, Level: 0 });
    await few.ask('RemoteSetLogEvent', { IsOn: true, Level: 1 });
    for (const type of [1, 2, 3, 9, 10]) sim.world.logEvent(type, `type ${type}`);
    await until(() => all.events('LogEvent').length === 5, 1000, 'five lines');
    expect(few.events('LogEvent').map((e) => e.Type)).toEqual([3, 9, 10]);
  });
});

describe('commands', () => {
  test('order of an action: reply, Signal of its start, NewFITReady, Signal 2, result', async () => {
    const sim = await observatory({ robotargetRunning: false });
    const c = await client(sim);
    await c.ask('RemoteCameraShot', {
      Expo: 0.1,
      Bin: 1,
      ExpoType: 0,
      FilterIndex: 2,
      IsSaveFile: true,
      FitFileName: '%%fitdir%%\\one.fit',
      Gain: -900_000,
      Offset: -900_000,
    });
    const seen = c.messages
      .slice(1)
      .map((m) => (m.jsonrpc ? 'reply' : m.Event === 'Signal' ? `Signal ${String(m.Code)}` : m.Event));
    expect(seen).toEqual(['reply', 'Signal 18', 'NewFITReady', 'Signal 2', 'RemoteActionResult']);
    expect(c.events('NewFITReady')[0]).toMatchObject({
      File: 'C:\\Voyager\\FITS\\Test\\one.fit',
      Type: 0,
      VoyType: 'TEST',
    });
    expect(Number((c.events('RemoteActionResult')[0]!.ParamRet as Json).DownloadAndSaveTime)).toBeGreaterThan(0);
  });
  test('RemoteActionAbort takes the UID of the action: one result with 7, a negative time, then Signal 505', async () => {
    const sim = await observatory({ robotargetRunning: false });
    const c = await client(sim);
    c.send('RemoteCameraShot', { UID: 'long', Expo: 60, Bin: 1, ExpoType: 0 });
    await until(() => c.events('Signal').length === 1, 1000, 'started');
    const second = c.send('RemoteCameraShot', { UID: 'second', Expo: 1 });
    await until(() => c.reply(second) !== undefined, 1000, 'busy');
    expect(c.reply(second)).toMatchObject({ error: { code: 1 } });
    c.send('RemoteActionAbort', { UID: 'long' });
    await until(() => c.events('Signal').some((s) => s.Code === 505), 2000, 'aborted');
    expect(c.messages.filter((m) => m.Event === 'RemoteActionResult')).toHaveLength(1);
    expect(c.result('long')).toMatchObject({ ActionResultInt: 7, ParamRet: { DownloadAndSaveTime: -1 } });
    expect(c.events('NewFITReady')).toHaveLength(0);
  });
  test('a failing set-up is an error reply and nothing more; a failing action a result with 5 and its Motivo', async () => {
    const sim = await observatory({ robotargetRunning: false });
    const c = await client(sim);
    expect((await c.ask('RemoteFocusInject')).result).toMatchObject({
      ActionResultInt: 5,
      Motivo: expect.stringContaining('Cannot inject focus no Sequence running'),
    });
    sim.inject({ kind: 'camera_error' });
    expect((await c.ask('RemoteSetupConnect', { TimeoutConnect: 90 })).reply).toMatchObject({
      error: { code: 1, message: 'could not connect all controls : Camera Error' },
    });
    expect((await c.ask('RemoteSetProfile', { FileName: 'X.v2y' })).reply).toMatchObject({
      error: { code: 1, message: 'Another Profile is actually connected' },
    });
  });
  test('queries answer with the names of the protocol page, misspelt ones too', async () => {
    const c = await client(await observatory());
    const ret = async (method: string, params: Json = {}): Promise<Json> =>
      (await c.ask(method, params)).result.ParamRet as Json;
    expect(await ret('RemoteGetFilterConfiguration')).toMatchObject({
      FilterNum: 7,
      Filter1_Name: 'L',
      Filter5_Name: 'Ha',
    });
    expect(await ret('RemoteGetVoyagerProfiles')).toHaveProperty(
      'list.0',
      expect.objectContaining({ name: 'Default.v2y', isactive: true }),
    );
    expect(await ret('RemoteGetListAvalaibleDragScript')).toEqual({ list: ['RoboTarget.vos', 'Flats.vos'] });
    expect(await ret('RemoteRoboDataGetGeoDataCache')).toHaveProperty('data.Latitudine', 45);
    expect(await ret('RemoteGetCCDSizeInfo')).toEqual({ DX: 200, DY: 160, PixelSize: 3.76 });
    expect(await ret('RemoteSearchTarget', { Name: 'M31', SearchType: 1 })).toMatchObject({
      Result: 1,
      RAJ2000: '00 42 44,330',
    });
    expect(await ret('RemoteGetEnvironmentData')).toMatchObject({
      Profile: 'Default.v2y',
      SafetyMonitor: 'Simulated safety monitor',
    });
    expect(await ret('RemoteMountStatusGetInfo')).toMatchObject({
      IsMountConnected: true,
      IsParked: true,
      FlipStatus: 0,
    });
    const id = c.send('GetArrayElementData');
    await until(() => c.events('ArrayElementData').length === 1, 1000, 'event');
    expect(c.reply(id)).toMatchObject({ result: 0 });
    expect(c.events('ArrayElementData')[0]).toMatchObject({ PAROT: 1000, FOCHFD: -1000 });
    expect((await c.ask('RemoteNoSuchThing')).reply).toHaveProperty('error.code', 1);
  });
});

describe('RoboClip and sequences', () => {
  test('targets of RoboClip are added, changed, listed in order and removed; an empty GUID removes all', async () => {
    const sim = await observatory({ robotargetRunning: false });
    const c = await client(sim);
    const clip = async (method: string, params: Json): Promise<unknown> =>
      ((await c.ask(`RemoteRoboClip${method}`, params)).result.ParamRet as Json).ret;
    const add = (guid: string, TargetName: string): Promise<unknown> =>
      clip('AddTarget', {
        GuidTarget: guid,
        TargetName,
        RAJ2000: '01:00:00',
        DECJ2000: '10:00:00',
        PA: 0,
        Group: 'G',
        Note: '',
      });
    expect([await add('1', 'Zeta'), await add('2', 'Alpha'), await add('3', 'Beta')]).toEqual(['DONE', 'DONE', 'DONE']);
    expect(await clip('UpdateTarget', { RefGuidTarget: '1', TargetName: 'Aleph', Group: 'H' })).toBe('DONE');
    expect(await clip('UpdateTarget', { RefGuidTarget: '9', TargetName: 'X' })).toBe('Target not found');
    const names = async (params: Json): Promise<unknown> =>
      (((await c.ask('RemoteRoboClipGetTargetList', params)).result.ParamRet as Json).list as Json[]).map(
        (t) => t.targetname,
      );
    expect(await names({ FilterName: '', FilterGroup: '', FilterNote: '', Order: 1 })).toEqual([
      'Aleph',
      'Alpha',
      'Beta',
    ]);
    expect(await names({ FilterName: 'al', FilterGroup: 'g', FilterNote: '', Order: 1 })).toEqual(['Alpha']);
    expect(await clip('RemoveTarget', { RefGuidTarget: '2' })).toBe('DONE');
    expect(await clip('RemoveTarget', { RefGuidTarget: '' })).toBe('DONE');
    expect(await names({ Order: 1 })).toEqual([]);
  });
  test('RemoteSequence gives its result when the sequence ends, and RUNSEQ meanwhile', async () => {
    const { clock, sim } = await virtualObservatory({ robotargetRunning: false });
    const c = await client(sim);
    c.send('RemoteSequence', { UID: 's', SequenceFile: 'Base.s2q', StartFlag: 0 });
    await until(() => c.reply(1) !== undefined, 1000, 'reply');
    await run(clock, 1);
    expect(sim.voyager.controlData()).toMatchObject({ RUNSEQ: 'Base.s2q', VOYSTAT: 2 });
    expect(c.result('s')).toBeUndefined();
    await run(clock, 9);
    await until(() => c.result('s') !== undefined, 2000, 'result');
    expect(c.result('s')).toMatchObject({ ActionResultInt: 4 });
    expect(c.events('NewFITReady')).toHaveLength(3);
    expect(sim.voyager.controlData()).toMatchObject({ RUNSEQ: '', VOYSTAT: 1 });
  });
});

describe('RoboTarget’s open commands', () => {
  test('the MAC is the lower-case MD5 of secret, UID and the signed parameter; a wrong one is an error', async () => {
    const sim = await observatory();
    const c = await client(sim);
    const UID = 'd4a644d7-10d2-4904-9de4-9c1ec5cf6a6a';
    const id = c.send('RemoteOpenRoboTargetGetTargetList', { UID, MAC: '684660d3045ee9c2bbc626a4e5cc5155' });
    await until(() => c.reply(id) !== undefined, 1000, 'reply');
    expect(c.reply(id)).toMatchObject({ result: 0 });
    const list = c.send('RemoteOpenRoboTargetGetShotDoneList', {
      UID,
      RefGuidTarget: '6c5553ef-3c11-4b40-a3e1-7cd008e08c35',
      IsDeleted: false,
      MAC: '0241332cd7da9ec94e5a839fcee41ab4',
    });
    await until(() => c.reply(list) !== undefined, 1000, 'reply');
    expect(c.reply(list)).toMatchObject({ result: 0 });
    const wrong = c.send('RemoteOpenRoboTargetGetTargetList', { UID, MAC: '684660D3045EE9C2BBC626A4E5CC5155' });
    await until(() => c.reply(wrong) !== undefined, 1000, 'reply');
    expect(c.reply(wrong)).toMatchObject({ error: { code: 1 } });
    expect(JSON.stringify(sim.log.entries)).not.toContain('684660d3045ee9c2bbc626a4e5cc5155');
  });
  test('removing a shot is logical, sends a finished target back to the scheduler, and can be restored', async () => {
    const sim = await observatory({ robotargetRunning: false });
    const { target, shots } = plan(sim, { shots: [{ num: 1 }] });
    const row = {
      refguidtarget: target,
      refguidshot: shots[0]!,
      refguidsession: 's',
      datetimeshot: 1,
      datetimeshotutc: 1,
      path: 'C:\\a.fit',
      hfd: 1,
      starindex: 1,
      max: 1,
      mean: 1,
      min: 1,
      bin: 1,
      filterindex: 0,
      exposure: 1,
      rating: 0,
      isdeleted: false,
    };
    sim.world.store.addDone({ ...row, guid: 'g-1', filename: 'a.fit' });
    const c = await client(sim);
    expect((await c.open('GetTargetList')).list).toMatchObject([{ guid: target, statusop: 2 }]);
    expect(await c.open('SetShotDoneRating', { ObjUID: 'g-1', Mode: 0, Rating: 4, IsDeleted: false }, 'g-1')).toEqual({
      ret: 'DONE',
    });
    expect(await c.open('RemoveShotDone', { ObjUID: target, Mode: 2, RatingMode: 2, RatingLimit: 4 }, target)).toEqual({
      ret: 'No Shot Found',
    });
    expect(await c.open('RemoveShotDoneByFileName', { FileNameFIT: 'A.FIT' }, 'A.FIT')).toEqual({ ret: 'DONE' });
    expect((await c.open('GetTargetList')).list).toMatchObject([{ statusop: 0 }]);
    expect((await c.open('GetShotDoneList', { RefGuidTarget: target, IsDeleted: false }, target)).list).toEqual([]);
    expect((await c.open('GetShotDoneList', { RefGuidTarget: target, IsDeleted: true }, target)).list).toMatchObject([
      { guid: 'g-1', rating: 4 },
    ]);
    expect(
      await c.open('UpdateBulkShotDone', {
        SrcList: [{ RefGuidShotDone: 'g-1', Rating: 2, IsToDelete: false }],
        IsDeleted: true,
      }),
    ).toEqual({ ret: 'DONE' });
    expect((await c.open('GetTargetList')).list).toMatchObject([{ statusop: 2 }]);
  });
});

describe('the dialect’s commands', () => {
  test('second create of a GUID is logged as a repeated effect; enabling what is enabled has none', async () => {
    const sim = await observatory({ robotargetRunning: false });
    const c = await client(sim);
    const Guid = '11111111-0000-4000-8000-00000000000a';
    const body = { Guid, Name: 'A', ProfileName: 'Default.v2y', Status: 1, Tag: 't' };
    for (let i = 0; i < 2; i++) expect(await c.reserved('set.add', { guid: Guid, body })).toEqual({ ret: 'DONE' });
    for (let i = 0; i < 2; i++) await c.reserved('set.status', { guid: Guid, status: 0, objectType: 0 });
    await c.reserved('set.status', { guid: Guid, status: 1, objectType: 0 });
    await c.reserved('set.status', { guid: Guid, status: 0, objectType: 0 });
    const made = sim.log.entries.filter((e) => e.kind === 'command').map((e) => [e.effect, e.repeated_effect]);
    expect(made).toEqual([
      ['set.create', false],
      ['set.create', true],
      ['set.enable', false],
      [null, false],
      ['set.disable', false],
      ['set.enable', false],
    ]);
    expect((await c.reserved('set.list', {})).list).toEqual([{ ...body, Status: 0 }]);
    await c.reserved('set.remove', { guid: Guid });
    expect((await c.reserved('set.list', {})).list).toEqual([]);
    expect(await c.reserved('set.remove', { guid: Guid })).toEqual({ ret: 'Set not found' });
  });
  test('a shot on an unknown target, RA 25 h, a filter that is not there: refused by name, nothing written', async () => {
    const sim = await observatory({ robotargetRunning: false });
    const c = await client(sim);
    const { set, target } = plan(sim, { shots: [] });
    const shot = { GuidShot: 'x', RefGuidTarget: target, FilterIndex: 9, Num: 1, Exposure: 1 };
    expect(await c.reserved('shot.add', { guid: 'x', body: shot })).toEqual({ ret: 'Filter Index not valid' });
    expect(
      await c.reserved('shot.add', { guid: 'x', body: { ...shot, FilterIndex: 0, RefGuidTarget: 'nobody' } }),
    ).toEqual({ ret: 'Target not found' });
    const body = {
      GuidTarget: 'y',
      RefGuidSet: set,
      RefGuidBaseSequence: sim.world.options.sequenceGuid,
      TargetName: 'T',
      RAJ2000: 25,
      DECJ2000: 1,
    };
    expect(await c.reserved('target.add', { guid: 'y', body })).toEqual({ ret: 'RA not valid' });
    expect(
      await c.reserved('target.add', { guid: 'y', body: { ...body, RAJ2000: 5, RefGuidBaseSequence: 'other' } }),
    ).toEqual({ ret: 'Base Sequence not found' });
    expect(sim.world.store.shots(target)).toEqual([]);
  });
  test('another dialect file: other names, another signature with the session key, a mode', async () => {
    const json = JSON.parse(readFileSync(projectPath('gateway', 'robotarget', 'dialect.default.json'), 'utf8')) as {
      signing: Json;
      modes: Json[];
      times: Json;
      angles: Json;
      status: Json;
      answer: Json;
      commands: Record<string, Json>;
      objects: { set: { fields: Json } };
    };
    json.signing = {
      param: 'Sig',
      template: '{secret}|{sessionKey}|{id}|{uid}|{guid}',
      digest: 'sha256',
      encoding: 'base64',
    };
    json.modes = [{ method: 'OtherMode', params: { On: true }, sign: '{sessionKey}{secret}' }];
    json.status = { enabled: 'on', disabled: 'off' };
    json.answer = { ret: 'Antwort', done: 'GUT', list: 'Liste' };
    json.objects.set.fields.Name = 'SetLabel';
    json.commands['set.add'] = { method: 'OtherAdd', params: { What: 'set/{guid}' }, body: true };
    const file = join(temporaryFolder(), 'dialect.json');
    writeFileSync(file, JSON.stringify(json));
    const sim = await observatory({ dialectFile: file, robotargetRunning: false });
    const c = await client(sim);
    const key = String(c.messages[0]!.Timestamp);
    const Sig = (id: number, uid: string, guid: string): string =>
      createHash('sha256').update(`${SECRET}|${key}|${id}|${uid}|${guid}`).digest('base64');
    const params = { UID: 'u', Guid: 'g-1', SetLabel: 'A', ProfileName: 'P', Status: 'off', Tag: '', What: 'set/g-1' };
    const before = c.send('OtherAdd', { ...params, Sig: Sig(1, 'u', 'g-1') });
    await until(() => c.reply(before) !== undefined, 1000, 'reply');
    expect(c.reply(before)).toMatchObject({ error: { message: 'RoboTarget mode not enabled' } });
    c.send('OtherMode', { UID: 'm', On: true, Sig: createHash('sha256').update(`${key}${SECRET}`).digest('base64') });
    await until(() => c.result('m') !== undefined, 1000, 'mode');
    c.send('OtherAdd', { ...params, Sig: Sig(3, 'u', 'g-1') });
    await until(() => c.result('u') !== undefined, 1000, 'made');
    expect(c.result('u')).toMatchObject({ ParamRet: { Antwort: 'GUT' } });
    expect(sim.world.store.sets().map((s) => [s.row.Name, s.row.Status])).toEqual([['A', 1]]);
    const bad = c.send('OtherAdd', { ...params, Sig: 'AAAA' });
    await until(() => c.reply(bad) !== undefined, 1000, 'reply');
    expect(c.reply(bad)).toMatchObject({ error: { message: 'MAC Error' } });
    expect(c).toBeInstanceOf(RawClient);
  });
});
