import { describe, expect, test } from '@jest/globals';
import { Base64Decoder } from '../../gateway/connection/base64.ts';
import { LineFramer } from '../../gateway/connection/framer.ts';
import { PictureBuffers } from '../../gateway/connection/picture-buffers.ts';
import { decodeLine } from '../../gateway/protocol/codec.ts';

interface Out {
  text: string;
  picture: Buffer | null | undefined;
}
/** Pushes the stream in pieces of the given size and collects the lines. */
function frames(stream: Buffer | string, piece: number, maxBytes = 1 << 20): { lines: Out[]; tooLong: number } {
  const bytes = Buffer.from(stream as string);
  const lines: Out[] = [];
  let tooLong = 0;
  const framer = new LineFramer(maxBytes, {
    line: (line, picture) => lines.push({ text: line.toString('utf8'), picture: picture?.data }),
    tooLong: () => tooLong++,
  });
  const reused = Buffer.alloc(piece);
  for (let at = 0; at < bytes.length; at += piece) {
    const length = bytes.copy(reused, 0, at, at + piece);
    framer.push(reused.subarray(0, length));
    reused.fill(0x58);
  }
  return { lines, tooLong };
}
const preview = (
  base64: string,
  head = '"Event":"NewJPGReady","Timestamp":1,"Host":"h","Inst":1,"File":"C:\\\\a.fit"',
  tail = ',"Bin":1',
): string => `{${head},"Base64Data":"${base64}"${tail}}\r\n`;
const picture = Buffer.from(Array.from({ length: 100_001 }, (_, i) => (i * 7919) & 0xff));

describe('framer', () => {
  test('joined and split lines, CR LF or LF, empty lines', () => {
    const stream = '{"a":1}\r\n\r\n\n{"b":"é°"}\n{"c":3}\r\n{"rest"';
    for (const piece of [1, 2, 3, 7, 1000])
      expect([piece, frames(stream, piece).lines.map((l) => l.text)]).toEqual([
        piece,
        ['{"a":1}', '{"b":"é°"}', '{"c":3}'],
      ]);
  });
  test('a picture is cut out and decoded at any split, down to single bytes', () => {
    for (const piece of [1, 14, 4096, 65_536]) {
      const { lines } = frames(`${preview(picture.toString('base64'))}{"Event":"Polling"}\r\n`, piece);
      expect(lines).toHaveLength(2);
      expect(JSON.parse(lines[0]!.text)).toMatchObject({ Event: 'NewJPGReady', Base64Data: '', Bin: 1 });
      expect([piece, picture.equals(lines[0]!.picture!)]).toEqual([piece, true]);
      expect(lines[1]).toEqual({ text: '{"Event":"Polling"}', picture: undefined });
    }
  });
  test('the picture’s key cut in two, with blanks around its colon, and as the last field', () => {
    const line = `{"Event":"NewJPGReady","HFD":NaN, "Base64Data" : "${picture.toString('base64')}"}\r\n`;
    for (let piece = 20; piece < 60; piece++)
      expect([piece, picture.equals(frames(line, piece).lines[0]!.picture!)]).toEqual([piece, true]);
  });
  test('escapes inside the picture: slashes, and plus signs as \\u002B', () => {
    const text = Buffer.from('ff'.repeat(3000), 'hex').toString('base64');
    const expected = Buffer.from(text.replaceAll('/', '+'), 'base64');
    const escaped = text.replaceAll('/', '\\u002b');
    const slashed = text.replaceAll('/', '\\/');
    for (const piece of [1, 3, 7, 500]) {
      expect([piece, expected.equals(frames(preview(escaped), piece).lines[0]!.picture!)]).toEqual([piece, true]);
      expect([piece, Buffer.from(text, 'base64').equals(frames(preview(slashed), piece).lines[0]!.picture!)]).toEqual([
        piece,
        true,
      ]);
    }
  });
  test('text that is not base64 spoils the picture, not the line', () => {
    for (const bad of ['####', 'AAAA=AAA', 'AA AA', 'A', 'AAAA\\n', 'QUJD\\"QUJD', '=', 'AA==AAAA']) {
      const { lines } = frames(preview('A'.repeat(4000) + bad), 64);
      expect([bad, lines.length, lines[0]?.picture]).toEqual([bad, 1, null]);
      expect(decodeLine(Buffer.from(lines[0]!.text), { data: null }).ok).toBe(true);
    }
  });
  test('a line that ends inside the picture is malformed, the next one is whole', () => {
    for (const piece of [3, 50, 5000]) {
      const { lines } = frames(
        `{"Event":"NewJPGReady","Base64Data":"${'A'.repeat(3000)}\r\n{"Event":"Polling"}\r\n`,
        piece,
      );
      expect(lines).toHaveLength(2);
      expect(decodeLine(Buffer.from(lines[0]!.text)).ok).toBe(false);
      expect(lines[1]!.text).toBe('{"Event":"Polling"}');
    }
  });
  test('the key elsewhere than at the top level of a NewJPGReady is left alone', () => {
    const data = 'QUJD'.repeat(2000);
    const cases = [
      `{"Event":"LogEvent","Text":"x","Base64Data":"${data}"}`,
      `{"Event":"NewJPGReady","inner":{"x":1,"Base64Data":"${data}"}}`,
      `{"Event":"NewJPGReady","File":"a,\\"Base64Data\\":\\"${data}"}`,
      `{"Base64Data":"${data}","Event":"NewJPGReady"}`,
      `{"method":"RemoteFlat","params":{"DataBase64":"${data}"},"id":1}`,
    ];
    for (const text of cases)
      for (const piece of [1, 37, 999])
        expect([text.slice(0, 40), piece, frames(`${text}\r\n`, piece).lines]).toEqual([
          text.slice(0, 40),
          piece,
          [{ text, picture: undefined }],
        ]);
  });
  test('a second picture in the same line is read with the rest', () => {
    const line = preview(picture.toString('base64'), undefined, ',"Base64Data":"QUJD"');
    const { lines } = frames(line, 1000);
    expect(lines[0]!.text).toContain('"Base64Data":"","Base64Data":"QUJD"');
    const decoded = decodeLine(Buffer.from(lines[0]!.text), { data: lines[0]!.picture! });
    expect(decoded).toMatchObject({ ok: true, message: { event: { data: { Picture: Buffer.from('ABC') } } } });
  });
  test('a line over the limit is told once, whatever its form, and nothing follows', () => {
    const cases = [
      'x'.repeat(5000),
      `{"Event":"NewJPGReady","Base64Data":"${'A'.repeat(5000)}"}`,
      `{"Event":"NewJPGReady","Base64Data":"AAAA","x":"${'y'.repeat(5000)}"}`,
    ];
    for (const text of cases)
      for (const piece of [1, 100, 9000])
        expect([piece, frames(`${text}\r\n{"Event":"Polling"}\r\n`, piece, 4096)]).toEqual([
          piece,
          { lines: [], tooLong: 1 },
        ]);
    expect(frames(`${'x'.repeat(4096)}\n`, 100, 4096).lines).toHaveLength(1);
  });
  test('single bytes without a line end are read in linear time', () => {
    const seconds = (bytes: number): number => {
      const before = process.cpuUsage();
      frames(Buffer.alloc(bytes, 0x22), 1, 2_000_000);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e6;
    };
    seconds(50_000);
    expect(seconds(400_000)).toBeLessThan(8 * seconds(100_000) + 0.3);
  });
});

describe('base64 in pieces', () => {
  test('every split of every padding', () => {
    for (const length of [0, 1, 2, 3, 4, 5, 30]) {
      const bytes = Buffer.from(Array.from({ length }, (_, i) => 255 - i));
      const text = bytes.toString('base64');
      for (let split = 0; split <= text.length; split++) {
        const decoder = new Base64Decoder(1);
        decoder.push(Buffer.from(text.slice(0, split)));
        decoder.push(Buffer.from(text.slice(split)));
        expect([length, split, decoder.finish()]).toEqual([length, split, bytes]);
      }
    }
  });
  test('a rest without padding is accepted, one lone character is not', () => {
    const decode = (text: string) => {
      const decoder = new Base64Decoder(1);
      decoder.push(Buffer.from(text));
      return decoder.finish();
    };
    expect(decode('QUI')).toEqual(Buffer.from('AB'));
    expect(decode('QUJDQ')).toBeNull();
  });
});

describe('memory of pictures', () => {
  test('a picture given back holds the next one, one that is still held is left alone, and a huge one does not stay', () => {
    const buffers = new PictureBuffers();
    const seen: Buffer[] = [];
    const framer = new LineFramer(
      64 << 20,
      {
        line: (_, picture) => seen.push(picture!.data!),
        tooLong: () => {
          throw new Error('no line is over the limit');
        },
      },
      buffers,
    );
    const send = (bytes: number, value: number): Buffer => {
      const line = Buffer.from(
        `{"Event":"NewJPGReady","Timestamp":1,"Base64Data":"${Buffer.alloc(bytes, value).toString('base64')}"}\r\n`,
      );
      for (let at = 0; at < line.length; at += 65_536) framer.push(line.subarray(at, at + 65_536));
      return seen.at(-1)!;
    };
    const first = send(1 << 20, 1);
    const second = send(1 << 20, 2);
    expect(second.buffer).not.toBe(first.buffer);
    buffers.give(first);
    const third = send(1 << 20, 3);
    expect(third.buffer).toBe(first.buffer);
    expect([second.every((byte) => byte === 2), third.every((byte) => byte === 3), third.length]).toEqual([
      true,
      true,
      1 << 20,
    ]);
    buffers.give(send(8 << 20, 4));
    send(1 << 20, 5);
    expect(send(1 << 20, 6).buffer.byteLength).toBeLessThan(4 << 20);
  });
});
