import { describe, expect, test } from '@jest/globals';
import { decodeLine, type Decoded } from '../../gateway/protocol/codec.ts';
import type { VoyagerEvent } from '../../gateway/protocol/events.ts';

/** Lines that are not quite JSON, or not UTF-8: event and type are read all the same, and what cannot be read is null. */

const HEAD = '"Timestamp":1700000000.5,"Host":"PC","Inst":1';
const line = (name: string, fields: string): string => `{"Event":"${name}",${HEAD},${fields}}`;
const decode = (text: string | Buffer): Decoded => decodeLine(typeof text === 'string' ? Buffer.from(text) : text);
function event(text: string | Buffer): { event: VoyagerEvent; mended: string | null; data: Record<string, unknown> } {
  const decoded = decode(text);
  if (!decoded.ok) throw new Error(decoded.error);
  if (decoded.message.kind !== 'event') throw new Error(decoded.message.kind);
  return { event: decoded.message.event, mended: decoded.mended, data: decoded.message.event.data };
}

describe('numbers', () => {
  test.each([
    ['bare QNAN, IND and INF of Microsoft’s old library', '1.#QNAN', '-1.#IND', '1.#INF00', ['nan', 'nan', 'infinity']],
    ['bare words of other libraries', 'nan', '-nan(ind)', '+Infinity', ['nan', 'nan', 'infinity']],
    ['the same as text', '"NaN"', '"n. def."', '"-inf"', ['nan', 'nan', 'infinity']],
    ['what is no number', '12 apples', '"n/a"', '0x1F', ['unreadable', 'unreadable', 'unreadable']],
  ])('%s are null with their reason, beside values that are read', (_, a, b, c, reasons) => {
    const { data, event: e } = event(line('ControlData', `"CCDTEMP":${a},"CCDPOW":${b},"AFTEMP":${c},"VOYSTAT":2`));
    expect(data).toMatchObject({ CCDTEMP: null, CCDPOW: null, AFTEMP: null, VOYSTAT: 2, VOYSTATName: 'RUN' });
    expect(e.absent).toEqual({ CCDTEMP: reasons[0], CCDPOW: reasons[1], AFTEMP: reasons[2] });
  });
  test.each([
    ['as text', '"-10,5"', '"45,2"', '"1.234,5"'],
    ['bare', '-10,5', '45,2', '1.234,5'],
    ['bare, with blanks', ' -10,5 ', '45,2 ', '1.234,5 '],
    ['with a plus sign and a typographic minus', '"\u221210.5"', '+45.2', '"1 234,5"'],
  ])('a decimal comma %s', (_, a, b, c) => {
    const { data, event: e } = event(line('ControlData', `"CCDTEMP":${a},"CCDPOW":${b},"AFTEMP":${c},"VOYSTAT":2`));
    expect(data).toMatchObject({ CCDTEMP: -10.5, CCDPOW: 45.2, AFTEMP: 1234.5, VOYSTAT: 2 });
    expect(e.absent).toEqual({});
  });
  test('a comma in a list is a comma', () => {
    const { data } = event('{"Event":"Later","List":[1,5,nan],"X":nan}');
    expect(data).toMatchObject({ List: [1, 5, null], X: null });
  });
  test('a nested number is noted under its path', () => {
    const { event: e, data } = event(line('AutoFocusResult', '"StarPosition":{"X":1.#QNAN,"Y":3},"HFD":2,5'));
    expect(data).toMatchObject({ StarPosition: { X: null, Y: 3 }, HFD: 2.5 });
    expect(e.absent).toEqual({ 'StarPosition.X': 'nan' });
  });
});

describe('texts', () => {
  test('a raw control character does not hide an emergency', () => {
    const text = 'Voyager Recognize an Emergency Request : SUSPEND\t[Source=Weather]\u0001';
    const { data, mended } = event(line('LogEvent', `"TimeInfo":1700000000,"Type":9,"Text":"${text}"`));
    expect(data).toMatchObject({ Type: 9, TypeName: 'EMERGENCY', Text: text });
    expect(mended).toContain('not JSON');
  });
  test('a raw line end cuts the text of a log line, whose type still counts', () => {
    const { data } = event(`{"Event":"LogEvent",${HEAD},"TimeInfo":1,"Type":9,"Text":"Emergency Request : SUSPEND`);
    expect(data).toMatchObject({ TypeName: 'EMERGENCY', Text: 'Emergency Request : SUSPEND' });
    expect(decode('[Source=Weather]"}').ok).toBe(false);
  });
  test('windows-1252: quotes, dashes, ligatures and the euro come back as they were written', () => {
    const bytes = Buffer.concat([
      Buffer.from(`{"Event":"NewFITReady",${HEAD},"File":"C:\\\\FITS\\\\N`),
      Buffer.of(0xe9),
      Buffer.from('buleuse de l'),
      Buffer.of(0x92, 0x9c),
      Buffer.from('il '),
      Buffer.of(0x96),
      Buffer.from(' 5 '),
      Buffer.of(0x80),
      Buffer.from('\\\\x.fit","Type":0,"VoyType":"SHOT","SeqTarget":"'),
      Buffer.of(0x93),
      Buffer.from('Ha'),
      Buffer.of(0x94),
      Buffer.from('"}'),
    ]);
    expect(event(bytes).data).toMatchObject({
      File: 'C:\\FITS\\Nébuleuse de l’œil – 5 €\\x.fit',
      SeqTarget: '“Ha”',
      TypeName: 'LIGHT',
    });
  });
  test('quotes inside a text and backslashes that were not doubled', () => {
    const { data } = event(
      line('ControlData', '"SEQNAME":"my "M31" night","RUNSEQ":"C:\\Voyager\\Seq.s2q","VOYSTAT":1'),
    );
    expect(data).toMatchObject({ SEQNAME: 'my "M31" night', RUNSEQ: 'C:\\Voyager\\Seq.s2q', VOYSTAT: 1 });
  });
});

describe('structure', () => {
  test('a value that is lost is null, the others are read', () => {
    const { data, event: e } = event(
      line('ControlData', '"CCDTEMP":[1,},"MNTRA":"02:00:00","RUNSEQ":"","RUNDS":"","VOYSTAT":2'),
    );
    expect(data).toMatchObject({ CCDTEMP: null, MNTRAHours: 2, VOYSTAT: 2, RUNSEQ: null });
    expect(e.absent).toEqual({ CCDTEMP: 'unreadable' });
  });
  test.each([
    ['a comma too many', '"CCDTEMP":-10,,"VOYSTAT":2,', { CCDTEMP: -10 }],
    ['a comma that is missing', '"CCDTEMP":-10 "VOYSTAT":2', { CCDTEMP: null }],
    ['a semicolon for a comma', '"CCDTEMP":-10;"VOYSTAT":2', { CCDTEMP: null }],
    ['thousands between commas', '"CCDTEMP":1,234,567,"VOYSTAT":2', { CCDTEMP: null }],
    ['a remark', '"CCDTEMP":-10,/* °C */"VOYSTAT":2', { CCDTEMP: null }],
    ['a key without its value', '"CCDTEMP":-10,"VOYSTAT":2,"MNTRA"', { CCDTEMP: -10, MNTRA: null }],
  ])('%s hides nothing that follows', (_, fields, values) => {
    expect(event(line('ControlData', `${fields},"RUNDS":"","RUNSEQ":"M 42.s2q"`)).data).toMatchObject({
      VOYSTAT: 2,
      RUNSEQ: 'M 42.s2q',
      RUNDS: null,
      ...values,
    });
  });
  test('an emergency whose line ends within a key is one', () => {
    expect(event(`{"Event":"LogEvent",${HEAD},"Type":9,"Te`).data).toMatchObject({ TypeName: 'EMERGENCY' });
  });
  test.each(['', 'NaNa', 'N/A', "'text'", '1 2', '0x1F', 'True x'])('a value %j is null', (value) => {
    const { data, event: e } = event(line('Signal', `"Code":${value},"Later":1`));
    expect([data.Code, e.absent, e.extra]).toEqual([null, { Code: 'unreadable' }, { Later: 1 }]);
  });
  test('a running sequence whose name is lost does not look like none', () => {
    const { data } = event(line('ControlData', '"RUNSEQ":{"a",},"RUNDS":"","VOYSTAT":2'));
    expect(data).toMatchObject({ RUNSEQ: '(unreadable)', RUNDS: null });
    expect(event(line('ControlData', '"RUNSEQ":[],"RUNDS":null')).data).toMatchObject({ RUNSEQ: '(unreadable)' });
    const lost = event(line('ControlData', '"CCDTEMP":{"RUNSEQ":"M 42.s2q",},]"VOYSTAT":2'));
    expect(lost.data).toMatchObject({ RUNSEQ: '(unreadable)', RUNDS: '(unreadable)' });
  });
  test('a list that is lost is no empty list', () => {
    const { data } = event(
      line('RemoteActionResult', '"UID":"u","ActionResultInt":4,"ParamRet":{"list":[{"guid":"a"},{]}'),
    );
    expect(data).toMatchObject({ ActionResultInt: 4, ParamRet: {}, ParamRetLost: true });
    expect(event(line('RemoteActionResult', '"UID":"u","ActionResultInt":4,"ParamRet":{}')).data).toMatchObject({
      ParamRetLost: false,
    });
  });
  test('a hole in a list is null and keeps its place', () => {
    const { data } = event(line('RemoteActionResult', '"UID":"u","ParamRet":{"list":[{"hfd":nan,"guid":"a"}]}'));
    expect(data).toMatchObject({ ParamRet: { list: [{ hfd: null, guid: 'a' }] }, ParamRetLost: false });
  });
  test.each([
    `{"Event":"ControlData",${HEAD},"VOYSTAT":2,"RUNSEQ":"a`,
    `{"Event":"RemoteActionResult",${HEAD},"ActionResultInt":4,"ParamRet":{"list":[`,
    '{"jsonrpc":"2.0","result":0,"id":5,"x":[1,}',
    '{"method":"Abort","params":{"IsHalt":true,]}',
    '{"Event":nan}',
    'Event: Signal',
    '[{"Event":"Signal"}]',
    `{"Event":"Signal","x":${'['.repeat(70)}nan`,
  ])('%s decides nothing', (text) => {
    expect(decode(text).ok).toBe(false);
  });
  test('__proto__ is a field like any other', () => {
    const { event: e } = event(line('Signal', '"Code":501,"__proto__":{"polluted":1},"x":nan'));
    expect(Object.keys(e.raw)).toContain('__proto__');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
  test('a long line of anything is read in linear time', () => {
    const n = 300_000;
    for (const filling of [
      '"',
      '" ',
      '\\',
      '[',
      '{',
      '{"a":',
      '"a":nan,',
      '"a":x"y,',
      ',',
      '-1,5,',
      'nan ',
      '"a":[},',
      '"a":1 ',
      '"a":"x" "b":',
      '"a" ',
      '\t',
    ])
      for (const head of [`{"Event":"LogEvent","Text":"`, `{"Event":"LogEvent","Text":`, '{']) {
        const text = head + filling.repeat(n / filling.length);
        const startMs = performance.now();
        decode(text);
        expect([filling, head, performance.now() - startMs < 3000]).toEqual([filling, head, true]);
      }
  });
});

describe('durations', () => {
  test('days of .NET, and any minus sign', () => {
    const { data } = event(line('ControlData', '"VOYSTAT":2,"SEQREMAIN":"1.09:20:00","MNTTFLIP":"-1.02:10:00"'));
    expect(data).toMatchObject({ SEQREMAINSeconds: 120_000, MNTTFLIPSeconds: -94_200 });
    const minus = event(
      line('ControlData', '"SEQREMAIN":"00:00:07.9","MNTTFLIP":"\u221205:31:12","MNTDEC":"\u221216° 09\' 55\\""'),
    );
    expect(minus.data).toMatchObject({ SEQREMAINSeconds: 7, MNTTFLIPSeconds: -19_872 });
    expect(minus.data.MNTDECDegrees).toBeCloseTo(-16.165278, 6);
  });
});
