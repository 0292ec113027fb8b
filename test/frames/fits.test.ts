import { describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bufferSource,
  firstImage,
  FitsError,
  Header,
  imageHeader,
  openPixels,
  openSource,
  parseCard,
  readHeader,
  scanHdus,
} from '../../frames/fits/index.ts';
import { projectPath } from '../../platform/paths.ts';
import { writeFits16 } from '../../frames/fits/writer.ts';

const card = (text: string): Buffer => Buffer.from(text.padEnd(80).slice(0, 80), 'latin1');
/** Header block from cards, padded. */
const block = (...cards: string[]): Buffer => {
  const text = [...cards, 'END'].map((c) => c.padEnd(80).slice(0, 80)).join('');
  return Buffer.from(text.padEnd(Math.ceil(text.length / 2880) * 2880), 'latin1');
};
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((2880 - (bytes.length % 2880)) % 2880)]);
const read = (file: Buffer) => {
  const source = bufferSource(file);
  const scan = scanHdus(source);
  const image = firstImage(scan);
  return { scan, image, pixels: openPixels(source, image) };
};
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (thrown) {
    return thrown instanceof FitsError ? thrown.code : `not a FitsError: ${String(thrown)}`;
  }
};

describe('cards', () => {
  test.each([
    ["OBJECT  = 'M 42 / synth'       / what it is", 'OBJECT', 'M 42 / synth', 'what it is'],
    ["OBSERVER= 'O''Brien'", 'OBSERVER', "O'Brien", ''],
    ["BLANKS  = '   '", 'BLANKS', '', ''],
    ['EXPTIME =              1.5D+02 / seconds', 'EXPTIME', 150, 'seconds'],
    ['NEG     =                -.5E1', 'NEG', -5, ''],
    ['SIMPLE  =                    T / yes', 'SIMPLE', true, 'yes'],
    ['NOTHING =                      / undefined', 'NOTHING', null, 'undefined'],
    ["HIERARCH ESO DET CHIP1 NAME = 'CCD 1' / a chip", 'ESO DET CHIP1 NAME', 'CCD 1', 'a chip'],
    ['COMPLEX = (1.5, -2)', 'COMPLEX', { re: 1.5, im: -2 }, ''],
    ['BAD     = 12:30:00 / sexagesimal', 'BAD', '12:30:00', 'sexagesimal'],
  ])('%s', (text, keyword, value, comment) => {
    expect(parseCard(card(text))).toEqual({ keyword, value, comment });
  });

  test('a long string goes on in CONTINUE cards; COMMENT cards are kept, odd bytes become question marks', () => {
    const bytes = block(
      'SIMPLE  =                    T',
      "LONG    = 'one &'",
      "CONTINUE  'two &'",
      "CONTINUE  'three' / end",
      'COMMENT free text',
      'COMMENT = with equals',
      "ODD     = 'a\u0001b'",
    );
    const { header } = readHeader(bufferSource(bytes), 0);
    expect(header.get('LONG')).toBe('one two three');
    expect(header.toJSON()).toMatchObject({ ODD: 'a?b', COMMENT: ['free text', '= with equals'] });
  });

  test('strings are not taken for the numbers that structure hangs on', () => {
    const header = new Header([{ keyword: 'NAXIS', value: '2', comment: '' }]);
    expect([header.integer('NAXIS'), header.number('NAXIS')]).toEqual([null, 2]);
  });
});

describe('pixels', () => {
  test('unsigned 16 bit by BZERO, written and read back', () => {
    const levels = Uint16Array.from([0, 1, 32_767, 32_768, 65_535, 1600]);
    const { image, pixels } = read(writeFits16(3, 2, [levels], [['OBJECT', "M 42 / x'y"]]));
    expect([...pixels.physical(0, 6)]).toEqual([...levels]);
    expect([image.width, image.height, image.planes, image.bitpix, image.header.get('OBJECT')]).toEqual([
      3,
      2,
      1,
      16,
      "M 42 / x'y",
    ]);
  });

  test.each([
    [8, Buffer.from([0, 200, 255, 7]), [0, 200, 255, 7]],
    [16, Buffer.from([0xff, 0xfe, 0x00, 0x07, 0x80, 0x00, 0x7f, 0xff]), [-2, 7, -32_768, 32_767]],
    [32, Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0, 0, 0, 0, 5, 0x80, 0, 0, 0]), [-1, 65_536, 5, -2_147_483_648]],
    [
      64,
      Buffer.concat(
        [-3n, 4n, 9_007_199_254_740_991n, 0n].map((v) => {
          const b = Buffer.alloc(8);
          b.writeBigInt64BE(v);
          return b;
        }),
      ),
      [-3, 4, 9_007_199_254_740_991, 0],
    ],
    [
      -32,
      Buffer.concat(
        [1.5, -2.25, 0, 3e10].map((v) => {
          const b = Buffer.alloc(4);
          b.writeFloatBE(v);
          return b;
        }),
      ),
      [1.5, -2.25, 0, 30_000_001_024],
    ],
    [
      -64,
      Buffer.concat(
        [1.1, -2.2, 0, 3e300].map((v) => {
          const b = Buffer.alloc(8);
          b.writeDoubleBE(v);
          return b;
        }),
      ),
      [1.1, -2.2, 0, 3e300],
    ],
  ])('BITPIX %i', (bitpix, bytes, values) => {
    const { pixels } = read(
      Buffer.concat([
        block('SIMPLE  =                    T', `BITPIX  = ${bitpix}`, 'NAXIS   = 2', 'NAXIS1  = 2', 'NAXIS2  = 2'),
        padded(bytes),
      ]),
    );
    expect([...pixels.physical(0, 4)]).toEqual(values);
  });

  test('BLANK is NaN, BSCALE and BZERO come after it', () => {
    const { pixels } = read(
      Buffer.concat([
        block(
          'SIMPLE  = T',
          'BITPIX  = 16',
          'NAXIS   = 2',
          'NAXIS1  = 3',
          'NAXIS2  = 1',
          'BLANK   = 7',
          'BSCALE  = 2.0',
          'BZERO   = 0.5',
        ),
        padded(Buffer.from([0, 1, 0, 7, 0, 3])),
      ]),
    );
    expect([...pixels.physical(0, 3)]).toEqual([2.5, Number.NaN, 6.5]);
  });

  test('the first image may stand in an extension, behind a table', () => {
    const table = Buffer.concat([
      block(
        "XTENSION= 'BINTABLE'",
        'BITPIX  = 8',
        'NAXIS   = 2',
        'NAXIS1  = 4',
        'NAXIS2  = 2',
        'PCOUNT  = 0',
        'GCOUNT  = 1',
        'TFIELDS = 1',
        "TFORM1  = '1E'",
      ),
      padded(Buffer.alloc(8)),
    ]);
    const image = Buffer.concat([
      block(
        "XTENSION= 'IMAGE   '",
        'BITPIX  = 8',
        'NAXIS   = 2',
        'NAXIS1  = 2',
        'NAXIS2  = 1',
        'PCOUNT  = 0',
        'GCOUNT  = 1',
        "EXTNAME = 'SCI'",
      ),
      padded(Buffer.from([3, 4])),
    ]);
    const {
      scan,
      image: found,
      pixels,
    } = read(Buffer.concat([block('SIMPLE  = T', 'BITPIX  = 8', 'NAXIS   = 0', "TELESCOP= 'T1'"), table, image]));
    expect([found.index, [...pixels.physical(0, 2)]]).toEqual([2, [3, 4]]);
    expect(imageHeader(scan, found)).toMatchObject({ TELESCOP: 'T1', EXTNAME: 'SCI', NAXIS1: 2 });
  });

  test('a small gzip file that inflates to a large one takes no memory: a process inflates it onto the disk', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fits-gzip-'));
    try {
      const side = 12_000;
      const plain = Buffer.concat([
        block('SIMPLE  = T', 'BITPIX  = 16', 'NAXIS   = 2', `NAXIS1  = ${side}`, `NAXIS2  = ${side}`),
        Buffer.alloc(Math.ceil((side * side * 2) / 2880) * 2880),
      ]);
      const path = join(folder, 'large.fits.gz');
      writeFileSync(path, gzipSync(plain, { level: 1 }));
      expect(statSync(path).size).toBeLessThan(plain.length / 50);
      const loader = pathToFileURL(projectPath('node_modules/tsx/dist/loader.mjs')).href;
      const script = `
        const { openSource, scanHdus } = await import(${JSON.stringify(pathToFileURL(projectPath('frames/fits/index.ts')).href)});
        const before = process.resourceUsage().maxRSS;
        const source = openSource(process.argv[1]);
        const scan = scanHdus(source);
        console.log(JSON.stringify([source.size, scan.needed, process.resourceUsage().maxRSS - before]));
        try { openSource(process.argv[1], 100_000_000); } catch (error) { console.log(error.code); }`;
      const { stdout } = spawnSync(process.execPath, ['--import', loader, '--input-type=module', '-e', script, path], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, TMPDIR: folder },
      });
      const [first, second] = stdout.trim().split('\n');
      const [size, needed, kilobytes] = JSON.parse(first!) as [number, number, number];
      expect([size, needed, second]).toEqual([plain.length, 2880 + side * side * 2, 'too_large']);
      expect(kilobytes).toBeLessThan(160_000);
      expect(readdirSync(folder).filter((name) => name.startsWith('fits-'))).toEqual([]);
      // Cut in the middle of what is inflated by the process.
      writeFileSync(path, gzipSync(plain, { level: 1 }).subarray(0, -5_000));
      expect(codeOf(() => openSource(path))).toBe('corrupt');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a gzip file is read as what is in it; a gzip file that is cut is corrupt', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nocturne-fits-'));
    try {
      const packed = gzipSync(writeFits16(4, 1, [Uint16Array.from([1, 2, 3, 4])], []));
      writeFileSync(join(folder, 'a.fits.gz'), packed);
      const source = openSource(join(folder, 'a.fits.gz'));
      expect([...openPixels(source, firstImage(scanHdus(source))).physical(0, 4)]).toEqual([1, 2, 3, 4]);
      writeFileSync(join(folder, 'b.fits.gz'), packed.subarray(0, packed.length - 12));
      expect(codeOf(() => openSource(join(folder, 'b.fits.gz')))).toBe('corrupt');
      expect(codeOf(() => openSource(join(folder, 'a.fits.gz'), 100))).toBe('too_large');
      writeFileSync(join(folder, 'empty'), '');
      expect(codeOf(() => openSource(join(folder, 'empty')))).toBe('empty');
      expect(codeOf(() => openSource(join(folder, 'none')))).toBe('unreadable');
      expect(codeOf(() => openSource(folder))).toBe('unreadable');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('files that are not what they should be', () => {
  const good = writeFits16(100, 50, [new Uint16Array(5000).fill(9)], []);
  test.each([
    ['text', Buffer.from('hello world, no frame'), 'not_fits'],
    ['cut in the header', good.subarray(0, 1000), 'truncated'],
    ['cut in the data', good.subarray(0, 2880 + 9_999), 'truncated'],
    ['no END', Buffer.concat([card('SIMPLE  = T'), Buffer.alloc(2880 * 400, 32)]), 'bad_header'],
    [
      'sizes that no disk holds',
      block('SIMPLE  = T', 'BITPIX  = 16', 'NAXIS   = 2', 'NAXIS1  = 999999999', 'NAXIS2  = 999999999'),
      'truncated',
    ],
    ['a negative size', block('SIMPLE  = T', 'BITPIX  = 16', 'NAXIS   = 1', 'NAXIS1  = -5'), 'bad_header'],
    [
      'BITPIX 12',
      Buffer.concat([block('SIMPLE  = T', 'BITPIX  = 12', 'NAXIS   = 1', 'NAXIS1  = 4'), Buffer.alloc(2880)]),
      'bad_header',
    ],
    [
      'BITPIX -16',
      Buffer.concat([block('SIMPLE  = T', 'BITPIX  = -16', 'NAXIS   = 1', 'NAXIS1  = 4'), Buffer.alloc(2880)]),
      'bad_header',
    ],
    [
      'no column',
      Buffer.concat([
        block('SIMPLE  = T', 'BITPIX  = 16', 'NAXIS   = 2', 'NAXIS1  = 0', 'NAXIS2  = 5'),
        Buffer.alloc(2880),
      ]),
      'no_image',
    ],
    [
      'a thousand axes',
      Buffer.concat([block('SIMPLE  = T', 'BITPIX  = 16', 'NAXIS   = 1000', 'NAXIS1  = 4'), Buffer.alloc(2880)]),
      'bad_header',
    ],
    [
      'axes whose product is no number',
      block(
        'SIMPLE  = T',
        'BITPIX  = 16',
        'NAXIS   = 25',
        ...Array.from({ length: 25 }, (_, i) => `${`NAXIS${i + 1}`.padEnd(8)}= ${i === 24 ? 0 : 9e14}`),
      ),
      'bad_header',
    ],
    [
      'parameters that take the pixels away',
      Buffer.concat([
        block('SIMPLE  = T', 'BITPIX  = 16', 'NAXIS   = 2', 'NAXIS1  = 40', 'NAXIS2  = 100', 'PCOUNT  = -4000'),
        Buffer.alloc(2880),
      ]),
      'bad_header',
    ],
    [
      'no group',
      Buffer.concat([
        block('SIMPLE  = T', 'BITPIX  = 16', 'NAXIS   = 2', 'NAXIS1  = 40', 'NAXIS2  = 100', 'GCOUNT  = 0'),
        Buffer.alloc(2880),
      ]),
      'bad_header',
    ],
    ['no pixels', block('SIMPLE  = T', 'BITPIX  = 8', 'NAXIS   = 0'), 'no_image'],
    ['NAXIS missing', block('SIMPLE  = T', 'BITPIX  = 8'), 'bad_header'],
  ])('%s', (_, bytes, code) => {
    expect(codeOf(() => read(bytes))).toBe(code);
  });

  test('data without the last padding are whole; bytes behind the last block are counted, not read', () => {
    const { image } = read(good.subarray(0, 2880 + 10_000));
    expect(image.width).toBe(100);
    expect(read(Buffer.concat([good, Buffer.alloc(800, 1)])).scan.trailing).toBe(800);
  });
});

test.each(['JPEG_XL', 'HCOMPRESS_2'])('compression %s is refused by name, with what to do', (algorithm) => {
  const file = Buffer.concat([
    block('SIMPLE  = T', 'BITPIX  = 8', 'NAXIS   = 0'),
    block(
      "XTENSION= 'BINTABLE'",
      'BITPIX  = 8',
      'NAXIS   = 2',
      'NAXIS1  = 8',
      'NAXIS2  = 4',
      'PCOUNT  = 0',
      'GCOUNT  = 1',
      'TFIELDS = 1',
      "TTYPE1  = 'COMPRESSED_DATA'",
      "TFORM1  = '1PB(3)'",
      'ZIMAGE  = T',
      'ZBITPIX = 16',
      'ZNAXIS  = 2',
      'ZNAXIS1 = 64',
      'ZNAXIS2 = 4',
      `ZCMPTYPE= '${algorithm}'`,
    ),
    Buffer.alloc(2880),
  ]);
  expect(codeOf(() => read(file))).toBe('unsupported');
  expect(() => read(file)).toThrow(`compression ${algorithm} is not read; funpack turns the file into a plain one`);
});
