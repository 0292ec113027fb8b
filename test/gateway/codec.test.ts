import { describe, expect, test } from '@jest/globals';
import { decodeLine, excerpt, type Message } from '../../gateway/protocol/codec.ts';
import { EVENT_NAMES, isEvent, type EventName, type VoyagerEvent } from '../../gateway/protocol/events.ts';
import { durationSeconds, readBoolean, readNumber, sexagesimal } from '../../gateway/protocol/fields.ts';
import { EVENTS } from './page.ts';

const message = (text: string | Buffer): Message => {
  const decoded = decodeLine(typeof text === 'string' ? Buffer.from(text) : text);
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.message;
};
const event = (text: string | Buffer): VoyagerEvent => {
  const decoded = message(text);
  if (decoded.kind !== 'event') throw new Error(decoded.kind);
  return decoded.event;
};
function typed<N extends EventName>(
  name: N,
  fields: string | object,
): Extract<VoyagerEvent, { name: N; unknown: false }> {
  const text = typeof fields === 'string' ? fields : JSON.stringify(fields).slice(1, -1);
  const decoded = event(
    `{"Event":"${name}","Timestamp":1556734985.077,"Host":"RC16","Inst":1${text ? `,${text}` : ''}}`,
  );
  if (!isEvent(decoded, name)) throw new Error(`not ${name}`);
  return decoded;
}

describe('codec: values', () => {
  test('sentinels are null and say why', () => {
    const e = typed('ControlData', {
      CCDTEMP: -9.8,
      CCDPOW: -123456789,
      CCDSETP: 123456789,
      AFTEMP: '123456789',
      AFPOS: '-123456789',
      ROTPA: -1,
      ROTSKYPA: 12,
    });
    expect(e.data).toMatchObject({
      CCDTEMP: -9.8,
      CCDPOW: null,
      CCDSETP: null,
      AFTEMP: null,
      AFPOS: null,
      ROTPA: null,
      ROTSKYPA: 12,
    });
    expect(e.absent).toEqual({ CCDPOW: 'off', CCDSETP: 'error', AFTEMP: 'error', AFPOS: 'off', ROTPA: 'not_defined' });
  });
  test('the array’s own marks', () => {
    const e = typed('ArrayElementData', {
      ROTCONN: true,
      PAROT: 1000,
      CCDTEMP: 1000,
      CCDPOW: 45,
      FOCPOS: -1000000,
      FOCTEMP: -1000000,
      FOCHFD: -1000,
    });
    expect(e.data).toMatchObject({ PAROT: null, CCDTEMP: null, CCDPOW: 45, FOCPOS: null, FOCTEMP: null, FOCHFD: null });
    expect(new Set(Object.values(e.absent))).toEqual(new Set(['not_defined']));
  });
  test('bare NaN and Infinity outside strings, none inside', () => {
    const e = typed(
      'NewJPGReady',
      '"HFD":NaN,"StarIndex":-Infinity,"Expo": Infinity ,"File":"C:\\\\NaN, Infinity:NaN\\\\a\\"NaN.fit"',
    );
    expect(e.data).toMatchObject({ HFD: null, StarIndex: null, Expo: null, File: 'C:\\NaN, Infinity:NaN\\a"NaN.fit' });
    expect(e.absent).toEqual({ HFD: 'nan', StarIndex: 'infinity', Expo: 'infinity' });
    const af = typed('AutoFocusResult', '"StarPosition":{"X":NaN,"Y":3}');
    expect(af.data.StarPosition).toEqual({ X: null, Y: 3 });
    expect(af.absent).toEqual({ 'StarPosition.X': 'nan' });
  });
  test('numbers and booleans drift', () => {
    const e = typed('ControlData', {
      SETUPCONN: 'true',
      CCDCONN: 'False',
      MNTPARK: 0,
      CCDTEMP: '-10,5',
      AFPOS: '2345',
      GUIDEX: '',
      GUIDEY: 'n/a',
      MNTCONN: 'perhaps',
      DOMESHUTTER: '1',
    });
    expect(e.data).toMatchObject({
      SETUPCONN: true,
      CCDCONN: false,
      MNTPARK: false,
      CCDTEMP: -10.5,
      AFPOS: 2345,
      GUIDEX: null,
      GUIDEY: null,
      MNTCONN: null,
      DOMESHUTTER: 1,
      DOMESHUTTERName: 'CLOSED',
    });
    expect(e.absent).toEqual({ GUIDEY: 'unreadable', MNTCONN: 'unreadable' });
    expect(typed('AutoFocusResult', { IsEmpty: 'false', Done: true }).data).toMatchObject({
      IsEmpty: false,
      Done: true,
    });
  });
  test('codes without a name stay numbers', () => {
    expect(typed('Signal', { Code: 777 }).data).toEqual({ Code: 777, CodeName: null });
    expect(typed('LogEvent', { TimeInfo: 1, Type: 10, Text: 'x' }).data).toMatchObject({
      Type: 10,
      TypeName: 'ROBOTARGET',
    });
    expect(typed('LogEvent', { TimeInfo: 1, Type: 44, Text: 'x' }).data).toMatchObject({ Type: 44, TypeName: null });
    expect(typed('ControlData', { VOYSTAT: 3, CCDSTAT: 99 }).data).toMatchObject({
      VOYSTATName: 'ERRORE',
      CCDSTAT: 99,
      CCDSTATName: null,
    });
  });
  test('the 2019 field set has no field that is not null', () => {
    const e = typed('ControlData', { TI: '2019-05-01 20:23:05', SETUPCONN: true });
    expect(e.data.VOYSTAT).toBeNull();
    expect(e.data.RUNSEQ).toBeNull();
    expect(e.absent).toEqual({});
    expect(e.extra).toBeNull();
  });
  test('unknown fields are kept', () => {
    expect(typed('Signal', { Code: 2, Later: { a: [1] }, toString: 5 }).extra).toEqual({
      Later: { a: [1] },
      toString: 5,
    });
  });
  test('unknown events pass through', () => {
    expect(event('{"Event":"Shutdown","Timestamp":1,"Host":"h","Inst":2,"Why":"x"}')).toMatchObject({
      unknown: true,
      name: 'Shutdown',
      data: { Why: 'x' },
      inst: 2,
    });
    for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty'])
      expect(event(`{"Event":"${name}"}`)).toMatchObject({ unknown: true, name });
  });
  test('of duplicate keys the last one counts', () => {
    expect(typed('Signal', '"Code":1,"Code":501').data.Code).toBe(501);
  });
  test('null or empty RUNSEQ is no sequence', () => {
    expect(typed('ControlData', { RUNSEQ: '', RUNDS: null }).data).toMatchObject({ RUNSEQ: null, RUNDS: null });
    expect(typed('ControlData', { RUNSEQ: 'a.s2q' }).data.RUNSEQ).toBe('a.s2q');
  });
  test('a degree sign in UTF-8 and in a Windows code page reads the same', () => {
    const line =
      '{"Event":"ControlData","Timestamp":1,"Host":"h","Inst":1,"MNTALT":"-16° 09\' 55\\"","MNTAZ":"360° 00\' 00\\""}';
    for (const encoding of ['utf8', 'latin1'] as const) {
      const e = event(Buffer.from(line, encoding));
      expect(e.data).toMatchObject({ MNTALT: '-16° 09\' 55"', MNTAZDegrees: 360 });
      expect((e.data as { MNTALTDegrees: number }).MNTALTDegrees).toBeCloseTo(-16.165278, 6);
    }
  });
  test('positions and times', () => {
    expect(sexagesimal('02:49:50')).toBeCloseTo(2.830556, 6);
    expect(sexagesimal('47° 20\' 07"')).toBeCloseTo(47.335278, 6);
    expect(sexagesimal('-00° 30\' 00"')).toBe(-0.5);
    expect(sexagesimal('00 42 41,582')).toBeCloseTo(0.7115506, 6);
    expect(sexagesimal('-12,5')).toBe(-12.5);
    for (const text of ['', 'abc', '12:60:00', '1:2:3:4', '-', 'x12'])
      expect([text, sexagesimal(text)]).toEqual([text, null]);
    expect(durationSeconds('-05:31:12')).toBe(-19872);
    expect(durationSeconds('00:00:07')).toBe(7);
    expect(durationSeconds('≈ 1:02:03 h')).toBe(3723);
    expect(durationSeconds('--')).toBeNull();
    expect(readNumber('1e3')).toBe(1000);
    expect(readNumber('0x10')).toBeNull();
    expect(readBoolean('TRUE')).toBe(true);
  });
});

describe('codec: events', () => {
  test('every event of the protocol page is known', () => {
    expect([...EVENT_NAMES].sort()).toEqual([...EVENTS].sort());
    for (const name of EVENTS)
      expect(event(`{"Event":"${name}","Timestamp":1,"Host":"h","Inst":1}`)).toMatchObject({ unknown: false, name });
  });
  test('Version keeps the digits of its Timestamp', () => {
    const e = event(
      '{"Event":"Version","Timestamp":1647176657.50840,"Host":"h","Inst":3,"VOYVersion":"Release 2.3.6e - Built 2022-10-09","VOYSubver":"","MsgVersion":1}',
    );
    expect(e.data).toEqual({
      VOYVersion: 'Release 2.3.6e - Built 2022-10-09',
      VOYSubver: '',
      MsgVersion: 1,
      SessionKey: '1647176657.50840',
    });
    expect(e).toMatchObject({ timestamp: 1647176657.5084, host: 'h', inst: 3 });
  });
  test('a picture inside a short line', () => {
    const e = typed('NewJPGReady', {
      File: 'a.fit',
      Base64Data: Buffer.from([1, 2, 3, 4]).toString('base64'),
      TimeInfo: '1556734985.5',
      FutureField: 1,
    });
    expect(e.data.Picture).toEqual(Buffer.from([1, 2, 3, 4]));
    expect(e.data.TimeInfo).toBe(1556734985.5);
    expect(e.raw.Base64Data).toBeNull();
    expect(e.extra).toEqual({ FutureField: 1 });
    const spoilt = typed('NewJPGReady', { Base64Data: '%%%%' });
    expect(spoilt.data.Picture).toBeNull();
    expect(spoilt.absent).toEqual({ Base64Data: 'unreadable' });
    expect(typed('NewJPGReady', { Base64Data: '' }).absent).toEqual({});
  });
  test('ParamRet is an object, whatever was sent', () => {
    for (const ParamRet of [{}, [], null, 'x'])
      expect(typed('RemoteActionResult', { UID: 'u', ActionResultInt: 4, Motivo: '', ParamRet }).data.ParamRet).toEqual(
        {},
      );
    expect(
      typed('RemoteActionResult', {
        UID: 'u',
        ActionResultInt: 7,
        Motivo: 'aborted',
        ParamRet: { DownloadAndSaveTime: -1 },
      }).data,
    ).toMatchObject({
      ActionResultIntName: 'ABORTED',
      ParamRet: { DownloadAndSaveTime: -1 },
    });
  });
  test('the I/O card’s lists', () => {
    const e = typed('VikingIOConfiguration', {
      Out: 8,
      OutConf: [{ Index: 0, Description: 'Mount', Hide: 'false' }, 'x'],
      AnaInConf: [{ Index: 1, Description: 'T', Hide: true, PHYLabel: '°C', PHYFactorScale: 0.1 }],
      ClientNum: 1,
    });
    expect(e.data.OutConf).toEqual([expect.objectContaining({ Index: 0, Description: 'Mount', Hide: false })]);
    expect(e.data.AnaInConf[0]).toMatchObject({ PHYLabel: '°C', PHYFactorScale: 0.1 });
  });
});

describe('codec: replies, requests, malformed lines', () => {
  test('replies of every kind', () => {
    const reply = (text: string) => {
      const decoded = message(text);
      return decoded.kind === 'reply' ? decoded.reply : null;
    };
    expect(reply('{"jsonrpc": "2.0", "result": 0, "id": 4}')).toMatchObject({
      id: 4,
      name: 'result',
      result: 0,
      error: null,
    });
    expect(
      reply('{"jsonrpc":"2.0","error":{"code":1,"message":"Another Profile is actually connected"},"id":4}'),
    ).toMatchObject({
      name: 'error',
      error: { code: 1, message: 'Another Profile is actually connected' },
    });
    expect(reply('{"jsonrpc":"2.0","authbase":{"Username":"a"},"id":"7"}')).toMatchObject({
      id: 7,
      name: 'authbase',
      auth: { Username: 'a' },
    });
    expect(reply('{"authticket":{"UserCode":"a"},"id":1}')).toMatchObject({ name: 'authticket' });
    expect(reply('{"result":0,"error":null,"id":1}')).toMatchObject({ name: 'result' });
    expect(reply('{"error":"gone","id":null}')).toMatchObject({ id: null, error: { code: null, message: 'gone' } });
  });
  test('requests', () => {
    expect(message('{"method":"RemoteGetStatus","params":{"UID":"u"},"id":3}')).toMatchObject({
      kind: 'request',
      request: { id: 3, method: 'RemoteGetStatus', uid: 'u' },
    });
    expect(message('{"method":"disconnect","id":3}')).toMatchObject({ kind: 'request', request: { params: {} } });
  });
  test('malformed lines give an error and no exception', () => {
    const errors: [string, RegExp][] = [
      ['', /not JSON/],
      ['{', /ends too early/],
      ['{"method":"x","id":}', /unexpected text/],
      ['{"Event":"Signal"', /not JSON/],
      ['null', /not an object/],
      ['[{"Event":"Polling"}]', /not an object/],
      ['"Event"', /not an object/],
      ['12', /not an object/],
      ['{}', /not a message/],
      ['{"id":1}', /id without/],
      ['{"Event":""}', /not a name/],
      ['{"method":7,"id":1}', /not a name/],
      ['{"method":"x","params":[1],"id":1}', /params is not an object/],
      [`{"Event":"X","a":${'['.repeat(100)}${']'.repeat(100)}}`, /nested deeper/],
      ['['.repeat(200_000), /not JSON/],
      ['{"Event":"X","a":"NaN}', /not JSON/],
      ['\u0000\u0001', /not JSON/],
    ];
    for (const [line, expected] of errors) {
      const decoded = decodeLine(Buffer.from(line));
      expect([line.slice(0, 40), decoded.ok ? 'ok' : decoded.error]).toEqual([
        line.slice(0, 40),
        expect.stringMatching(expected),
      ]);
    }
  });
  test('an error does not repeat the line, an excerpt masks secrets and control characters', () => {
    const line = '{"method":"AuthenticateUserBase","params":{"UID":"u","Base":"YWRtaW46c2VzYW1l"},"id":}';
    const decoded = decodeLine(Buffer.from(line));
    expect(decoded.ok || decoded.error).not.toContain('YWRt');
    expect(excerpt(Buffer.from(line))).toContain('"Base":"[secret]"');
    expect(excerpt(Buffer.from('a\u001b[31m\nb'))).toBe('a?[31m?b');
    expect(excerpt(Buffer.alloc(10_000, 0x61))).toHaveLength(160);
  });
});
