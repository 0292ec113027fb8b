import { describe, expect, test } from '@jest/globals';
import { LineFramer } from '../../gateway/connection/framer.ts';
import { decodeLine, excerpt, type Decoded } from '../../gateway/protocol/codec.ts';

/**
 * Random and mutated input in pieces of random size. The framer with its streaming pictures must read what a plain reader (split at line
 * ends, decode each line whole) reads, must hold no more than the limit, and must be in step again at the next line, whatever came before.
 */
const LONG = process.env.NOCTURNE_LONG === '1';
const INPUTS = LONG ? 1_200_000 : 6_000;
const MAX_LINE = 32 * 1024;

function randomFrom(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const SAMPLES = [
  '{"Event":"Version","Timestamp":1556734985.077,"Host":"RC16","Inst":1,"VOYVersion":"Release 2.0.14f - Built 2019-02-11","VOYSubver":"","MsgVersion":1}',
  '{"Event":"ControlData","Timestamp":1,"Host":"h","Inst":1,"CCDPOW":-123456789,"AFTEMP":123456789,"MNTALT":"-16° 09\' 55\\"","RUNSEQ":"C:\\\\a\\\\b.s2q","VOYSTAT":2,"CCDTEMP":NaN}',
  `{"Event":"NewJPGReady","Timestamp":1,"Host":"h","Inst":1,"File":"C:\\\\a.fit","HFD":2.5,"Base64Data":"${'/9j/4AAQSkZJRgABAQ'.repeat(40)}"}`,
  '{"Event":"NewJPGReady","HFD":NaN , "Base64Data" : "QUJDRA==", "Bin":1}',
  '{"Event":"RemoteActionResult","UID":"d4a644d7","ActionResultInt":4,"Motivo":"","ParamRet":{"list":[{"guid":"x"}]}}',
  '{"Event":"AutoFocusResult","IsEmpty":"false","StarPosition":{"X":1,"Y":-Infinity},"Duration":"00:00:07"}',
  '{"jsonrpc":"2.0","error":{"code":1,"message":"Authentication Rejected"},"id":4}',
  '{"jsonrpc":"2.0","authbase":{"Username":"a"},"id":1}',
  '{"method":"RemoteGetStatus","params":{"UID":"u"},"id":3}',
];
const TOKENS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  'NaN',
  '-Infinity',
  '"Base64Data":"',
  '"Event":"NewJPGReady",',
  '\r\n',
  '\n',
  '\r',
  '\u0000',
  '\\u00',
  '\\"',
  'null',
  'true',
  '1e999',
  '=',
  '\uFEFF',
  '__proto__',
];

function makeInput(random: () => number): Buffer {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const int = (below: number): number => Math.floor(random() * below);
  const kind = random();
  if (kind < 0.15) return Buffer.from(Array.from({ length: int(200) }, () => int(256)));
  if (kind < 0.25) return Buffer.from(Array.from({ length: int(60) }, () => pick(TOKENS)).join(''));
  let bytes = Buffer.from(pick(SAMPLES), random() < 0.1 ? 'latin1' : 'utf8');
  if (kind < 0.3) return bytes;
  for (let n = 1 + int(4); n > 0; n--) {
    const at = int(bytes.length + 1);
    const how = random();
    if (how < 0.25 && at < bytes.length) bytes[at] = int(256);
    else if (how < 0.45)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + int(30)))]);
    else if (how < 0.75) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(TOKENS)), bytes.subarray(at)]);
    else if (how < 0.9) {
      const other = Buffer.from(pick(SAMPLES));
      bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(int(other.length))]);
    } else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(int(2000), pick(['A', '"', '[', ' ', '\\']))]);
  }
  return bytes;
}

const essence = (decoded: Decoded): string =>
  decoded.ok
    ? JSON.stringify(decoded.message, (key: string, value: unknown) =>
        key === 'raw' ? undefined : Object.is(value, -0) ? 0 : value,
      )
    : 'bad';
function plainLines(stream: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0, lf = stream.indexOf(10); lf >= 0; from = lf + 1, lf = stream.indexOf(10, from)) {
    const line = stream.subarray(from, stream[lf - 1] === 13 && lf > from ? lf - 1 : lf);
    if (line.length > 0) lines.push(line);
  }
  return lines;
}

describe('fuzz', () => {
  test(
    `${INPUTS} inputs: no crash, no unbounded buffer, in step again at the next line`,
    () => {
      const random = randomFrom(20_261_122);
      const canary = '{"Event":"Signal","Timestamp":1,"Host":"h","Inst":1,"Code":501}';
      let lines = 0;
      let good = 0;
      let pictures = 0;
      for (let n = 0; n < INPUTS; n++) {
        const stream = Buffer.concat([makeInput(random), Buffer.from(`\n${canary}\r\n`)]);
        const got: { decoded: Decoded; cut: boolean }[] = [];
        const framer = new LineFramer(MAX_LINE, {
          line: (bytes, picture) => {
            got.push({ decoded: decodeLine(bytes, picture), cut: picture !== null });
            if (excerpt(bytes).length > 160) throw new Error('excerpt too long');
          },
          tooLong: () => {
            throw new Error('no input is over the limit');
          },
        });
        const most = 1 + Math.floor(random() ** 3 * 3000);
        for (let at = 0; at < stream.length;) {
          const size = 1 + Math.floor(random() * most);
          framer.push(Buffer.from(stream.subarray(at, at + size)));
          if (framer.pendingBytes > MAX_LINE) throw new Error('more pending than allowed');
          at += size;
        }
        const expected = plainLines(stream);
        const where = `input ${n}: ${JSON.stringify(stream.toString('latin1'))}`;
        if (got.length !== expected.length)
          throw new Error(`${got.length} lines instead of ${expected.length}, ${where}`);
        for (const [i, { decoded, cut }] of got.entries()) {
          lines++;
          if (decoded.ok) good++;
          if (cut) pictures++;
          const plain = decodeLine(expected[i]!);
          if (cut) {
            const [mine, its] = [decoded, plain].map((d) =>
              d.ok && d.message.kind === 'event' && !d.message.event.unknown && d.message.event.name === 'NewJPGReady'
                ? d.message.event.data.Picture
                : null,
            );
            if (its && !mine?.equals(its)) throw new Error(`another picture, ${where}`);
            if (plain.ok && !decoded.ok) throw new Error(`a good line is refused, ${where}`);
          } else if (essence(decoded) !== essence(plain))
            throw new Error(`${essence(decoded)} instead of ${essence(plain)}, ${where}`);
        }
        const last = got.at(-1)!.decoded;
        if (!last.ok || last.message.kind !== 'event' || last.message.event.name !== 'Signal')
          throw new Error(`out of step, ${where}`);
      }
      expect(lines).toBeGreaterThan(INPUTS * 1.5);
      expect(good).toBeGreaterThan(INPUTS);
      expect(pictures).toBeGreaterThan(INPUTS / 50);
    },
    LONG ? 1_800_000 : 240_000,
  );
});
