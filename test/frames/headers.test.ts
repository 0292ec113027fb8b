import { describe, expect, test } from '@jest/globals';
import { bufferSource, firstImage, imageHeader, scanHdus, type FitsError } from '../../frames/fits/index.ts';
import { metadataOf, type FrameMetadata } from '../../frames/metadata.ts';
import { runPass } from '../../frames/pass/pass.ts';
import { mosaicOf } from '../../frames/pass/colour.ts';
import { noise } from './support.ts';

/** A file of 96 × 64 unsigned 16-bit pixels with these cards, as raw bytes: other programs write what ours would not. */
function file(cards: (string | Buffer)[], level: (x: number, y: number) => number = () => 1000): Buffer {
  const [width, height] = [96, 64];
  const own = ['SIMPLE  =                    T', 'BITPIX  =                   16', 'NAXIS   =                    2'];
  own.push(
    `NAXIS1  = ${width}`,
    `NAXIS2  = ${height}`,
    'BZERO   =                32768',
    'BSCALE  =                    1',
  );
  const lines = [...own, ...cards, 'END'].map((line) => {
    const card = Buffer.alloc(80, ' ');
    Buffer.from(line).copy(card);
    return card;
  });
  const head = Buffer.concat(lines);
  const data = Buffer.alloc(Math.ceil((width * height * 2) / 2880) * 2880);
  const random = noise(3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data.writeUInt16BE((level(x, y) + (random.next().value & 3)) ^ 0x8000, (y * width + x) * 2);
  return Buffer.concat([head, Buffer.alloc((2880 - (head.length % 2880)) % 2880, ' '), data]);
}
const read = (bytes: Buffer): { header: Record<string, unknown>; metadata: FrameMetadata } => {
  const scan = scanHdus(bufferSource(bytes));
  const header = imageHeader(scan, firstImage(scan));
  return { header, metadata: metadataOf(header) };
};
const start = (...cards: string[]): string | null => read(file(cards)).metadata.startedAt?.toISOString() ?? null;
const notes = (...cards: string[]): string => read(file(cards)).metadata.notes.join('\n');

describe('the start of an exposure', () => {
  test.each([
    [["DATE-OBS= '2029-12-01 06:01:26.400000'"], '2029-12-01T06:01:26.400Z'],
    [["DATE-OBS= '09/04/92'", "TIME-OBS= '01:29:11'"], '1992-04-09T01:29:11.000Z'],
    [["DATE-OBS= '2021-03-04'", "UTC     = '05:06:07'"], '2021-03-04T05:06:07.000Z'],
    [["DATE-OBS= '2021-03-04'", 'TM-START=              18367.5'], '2021-03-04T05:06:07.500Z'],
    [["DATE-OBS= '2021-03-04'", 'UT      =                  5.5'], '2021-03-04T05:30:00.000Z'],
    [["DATE-OBS= '2021-03-04'", "TIME-OBS= '2021-03-04T05:06:07'"], '2021-03-04T05:06:07.000Z'],
    [["DATE-BEG= '2021-03-04T05:06:07Z'"], '2021-03-04T05:06:07.000Z'],
    [['MJD-OBS =             59277.25'], '2021-03-04T06:00:00.000Z'],
    [["JD      = '2459277,75'"], '2021-03-04T06:00:00.000Z'],
    [["DATE-OBS= '2021-03-04'", "UT      = '05 06 07.5'"], '2021-03-04T05:06:07.500Z'],
    [["DATE-OBS= '2021-03-04'", "UT      = '5.5'"], '2021-03-04T05:30:00.000Z'],
    [["DATE-OBS= '2021-03-04'", 'UTC     =              18367.5'], '2021-03-04T05:06:07.500Z'],
    [["DATE-OBS= '2021:03:04 05:06:07'"], '2021-03-04T05:06:07.000Z'],
    [["DATE-OBS= '4-Mar-2021'", "TIME-OBS= '05:06:07.'"], '2021-03-04T05:06:07.000Z'],
    [["date-obs= '2021-03-04T05:06:07'\0\0\0"], '2021-03-04T05:06:07.000Z'],
    [["DATE-OBS= '2021-02-30T01:02:03'", 'MJD-OBS =             59277.25'], '2021-03-04T06:00:00.000Z'],
  ])('%j', (cards, expected) => {
    expect(start(...cards)).toBe(expected);
  });

  test('a day that does not exist is unknown and said to be', () => {
    expect(start("DATE-OBS= '2021-02-30T01:02:03'")).toBeNull();
    expect(notes("DATE-OBS= '2021-02-30T01:02:03'")).toContain("DATE-OBS '2021-02-30T01:02:03' is no date");
  });
  test('a date without a time is no midnight', () => {
    const { metadata } = read(file(["DATE-OBS= '2021-03-04'"]));
    expect([metadata.startedAt, metadata.startedDay?.toISOString()]).toEqual([null, '2021-03-04T00:00:00.000Z']);
    expect(metadata.notes).toContain('only the day of the exposure is known');
  });
  test('an order of day and month that could be the other is said to be a guess', () => {
    expect(start("DATE-OBS= '03/04/2021 10:00:00'")).toBe('2021-04-03T10:00:00.000Z');
    expect(notes("DATE-OBS= '03/04/2021 10:00:00'")).toContain('was read as 2021-04-03 (day first)');
    expect(notes("DATE-OBS= '2021-03-04T05:06:07'", "TIMESYS = 'TAI'")).toBe('TIMESYS is TAI; times were read as UTC');
  });
});

describe('numbers and words', () => {
  test('decimal commas, units and products', () => {
    const { metadata } = read(
      file(["EXPTIME = '120,0'", "CCD-TEMP= '-10,5 C'", "GAIN    = '1,2'", "XBINNING= '2x2'", "HFD     = '2.75 px'"]),
    );
    expect(metadata).toMatchObject({ exposure: 120, temperature: -10.5, gain: 1.2, binning: 2, hfd: 2.75, notes: [] });
    expect(read(file(["EXPTIME = '120 s'"])).metadata.exposure).toBe(120);
    expect(read(file(['EXPOINUS=               250000'])).metadata.exposure).toBe(0.25);
    for (const text of ['120 apples', '1/0', '2 min 3'])
      expect(notes(`EXPTIME = '${text}'`)).toBe(`EXPTIME '${text}' is no number`);
    expect(read(file(["EXPTIME = 'long'"])).metadata).toMatchObject({
      exposure: null,
      notes: ["EXPTIME 'long' is no number"],
    });
    expect(read(file(['EXPTIME =                   -1'])).metadata).toMatchObject({
      exposure: null,
      notes: ['an exposure of -1 s is none'],
    });
  });
  test.each([
    ["EXPTIME = '1/250'", { exposure: 0.004 }],
    ["EXPTIME = '250 ms'", { exposure: 0.25 }],
    ["EXPTIME = '2 min'", { exposure: 120 }],
    ["EXPTIME = '00:02:00'", { exposure: 120 }],
    ['EXPTIME =                120.0\0\0\0\0', { exposure: 120 }],
    ['exptime =                120.0', { exposure: 120 }],
    ["CCDSUM  = '2 2     '", { binning: 2 }],
    ["BINNING = '2:2'", { binning: 2 }],
    ["FILTER  = 'Ha\0\0\0'", { filter: 'Ha' }],
  ])('%j', (card, expected) => {
    expect(read(file([card])).metadata).toMatchObject({ ...expected, notes: [] });
  });
  test.each([
    ['zero', 'BIAS'],
    ['Offset Frame', 'BIAS'],
    ['FlatDark', 'DARK'],
    ['Dark Flat', 'DARK'],
    ['Twilight Flat', 'FLAT'],
    ['twilight', 'FLAT'],
    ['Tricolor Image', 'LIGHT'],
    ['sci', 'LIGHT'],
    ['Light Frame', 'LIGHT'],
    ['object', 'LIGHT'],
  ])('IMAGETYP %s is %s', (word, type) => {
    expect(read(file([`IMAGETYP= '${word}'`])).metadata.type).toBe(type);
  });
  test('a word that is not known is said to be', () => {
    expect(notes("IMAGETYP= 'focus run'")).toContain("'focus run' is not known");
  });
  test('texts are shown as they were written, in UTF-8 and in the code page of Windows', () => {
    const { header, metadata } = read(
      file([
        "FILTER  = 'Hα'",
        "TELESCOP= 'Takahashi µ250CRS'",
        Buffer.concat([
          Buffer.from("OBSERVER= 'Zo"),
          Buffer.of(0xe9),
          Buffer.from(' l'),
          Buffer.of(0x92),
          Buffer.from("ami'"),
        ]),
      ]),
    );
    expect(metadata.filter).toBe('Hα');
    expect([header.TELESCOP, header.OBSERVER]).toEqual(['Takahashi µ250CRS', 'Zoé l’ami']);
  });
});

describe('colour', () => {
  /** Red 1000, green 500, blue 100 in a pattern that begins at this offset. */
  const mosaic = (dx: number): ((x: number, y: number) => number) => {
    const levels = [1000, 500, 500, 100];
    return (x, y) => levels[(y & 1) * 2 + ((x + dx) & 1)]!;
  };
  test.each([
    [["BAYERPAT= ''", "COLORTYP= 'RGGB'"], 0],
    [["BAYERPAT= 'TRUE'", "COLORTYP= 'RGGB'"], 0],
    [["BAYERPAT= 'RGGB'", "XBAYROFF= '1'", "YBAYROFF= '0'"], 1],
    [["BAYERPAT= 'RGGB'", 'XBAYROFF=                  1.0'], 1],
    [["BAYERPAT= 'RG/GB'"], 0],
    [["BAYERPAT= 'rg'"], 0],
    [["BAYERPAT= 'Bayer GRBG'"], 1],
  ])('%j', (cards, dx) => {
    const source = bufferSource(file(cards, mosaic(dx)));
    const scan = scanHdus(source);
    const image = firstImage(scan);
    expect(mosaicOf(image.header, image)).not.toBeNull();
    const { channels } = runPass(source, image).reduced;
    const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
    expect(channels.map((values) => Math.round(mean(values) / 100))).toEqual([10, 5, 1]);
  });
});

describe('what is a picture', () => {
  const padded = (text: string): Buffer => Buffer.from(text.padEnd(Math.ceil(text.length / 2880) * 2880));
  const cards = (...lines: string[]): Buffer => padded([...lines, 'END'].map((line) => line.padEnd(80)).join(''));

  test('a list of numbers in front of the picture is passed over', () => {
    const spectrum = Buffer.concat([
      cards(
        'SIMPLE  =                    T',
        'BITPIX  =                    8',
        'NAXIS   =                    1',
        'NAXIS1  = 100',
      ),
      Buffer.alloc(2880),
    ]);
    const picture = file([]);
    const head = Buffer.from(
      picture
        .subarray(0, 2880)
        .toString('latin1')
        .replace('SIMPLE  =                    T', "XTENSION= 'IMAGE   '          "),
      'latin1',
    );
    const scan = scanHdus(bufferSource(Buffer.concat([spectrum, head, picture.subarray(2880)])));
    expect(firstImage(scan)).toMatchObject({ index: 1, width: 96, height: 64 });
    expect(() => firstImage(scanHdus(bufferSource(spectrum)))).toThrow('none of the 1 HDUs holds an image');
  });

  test.each([
    [
      'a listing with line breaks',
      `${['SIMPLE  =                    T', 'BITPIX  =                   16', 'NAXIS   =                    0', 'END'].map((l) => l.padEnd(79)).join('\n')}\n${'text '.repeat(2000)}`,
    ],
    ['prose', `SIMPLE  = a word that FITS files begin with${' and prose'.repeat(400)}`],
    ['a page', `<html>SIMPLE  =                    T${' '.repeat(6000)}</html>`],
  ])('a text that only contains FITS text is refused: %s', (_, text) => {
    let code = 'none';
    try {
      scanHdus(bufferSource(Buffer.from(text)));
    } catch (thrown) {
      code = (thrown as FitsError).code;
    }
    expect(code).toBe('not_fits');
  });
});
