import { gzipSync } from 'node:zlib';
import { writeFits16 } from '../../frames/fits/writer.ts';
import { fuzz } from './fuzz.ts';

/** Run by the fuzz test in a process of its own, so that the resident set is the reader's and not that of other tests: argument COUNT. */

/** A table of one Rice-compressed tile per row, made by hand: 4 rows of 64 pixels without change (all blocks empty). */
function tiled(): Buffer {
  const block = (...cards: string[]): Buffer => {
    const text = [...cards, 'END'].map((c) => c.padEnd(80)).join('');
    return Buffer.from(text.padEnd(Math.ceil(text.length / 2880) * 2880), 'latin1');
  };
  const heap = Buffer.concat(Array.from({ length: 4 }, (_, i) => Buffer.from([0x04, i, 0x00])));
  const rows = Buffer.alloc(4 * 8);
  for (let i = 0; i < 4; i++) {
    rows.writeUInt32BE(3, i * 8);
    rows.writeUInt32BE(i * 3, i * 8 + 4);
  }
  const data = Buffer.concat([rows, heap]);
  const head = [
    "XTENSION= 'BINTABLE'",
    'BITPIX  = 8',
    'NAXIS   = 2',
    'NAXIS1  = 8',
    'NAXIS2  = 4',
    `PCOUNT  = ${heap.length}`,
    'GCOUNT  = 1',
    'TFIELDS = 1',
    "TTYPE1  = 'COMPRESSED_DATA'",
    "TFORM1  = '1PB(3)'",
  ];
  const image = [
    'ZIMAGE  = T',
    'ZBITPIX = 16',
    'ZNAXIS  = 2',
    'ZNAXIS1 = 64',
    'ZNAXIS2 = 4',
    "ZCMPTYPE= 'RICE_1'",
    "ZNAME1  = 'BLOCKSIZE'",
    'ZVAL1   = 32',
    "ZNAME2  = 'BYTEPIX'",
    'ZVAL2   = 2',
  ];
  return Buffer.concat([
    block('SIMPLE  = T', 'BITPIX  = 8', 'NAXIS   = 0'),
    block(...head, ...image),
    data,
    Buffer.alloc(2880 - data.length),
  ]);
}

const pixels = new Uint16Array(60 * 40).map((_, i) => 1000 + ((i * 7919) % 91));
const seeds = [
  writeFits16(
    60,
    40,
    [pixels],
    [
      ['BAYERPAT', 'RGGB'],
      ['OBJECT', "M 42's"],
    ],
  ),
  writeFits16(60, 40, [pixels, pixels, pixels], [['BLANK', 5]]),
  tiled(),
  gzipSync(writeFits16(60, 40, [pixels], [])),
];
process.stdout.write(JSON.stringify(fuzz(seeds, Number(process.argv[2]), 20_261_122)));
