import { FitsError } from './errors.ts';
import { BLOCK, Header, readHeader, type Card } from './header.ts';
import type { ByteSource } from './source.ts';

/** More HDUs than any camera writes; a bound for files that were made to loop. */
const MAX_HDUS = 2000;

/** Where the parts of one header-data unit lie. */
export interface Hdu {
  index: number;
  header: Header;
  headerStart: number;
  dataStart: number;
  /** Bytes of data without the padding to a whole block. */
  dataBytes: number;
}

const ALGORITHMS = ['RICE_1', 'GZIP_1', 'GZIP_2', 'HCOMPRESS_1', 'PLIO_1', 'NOCOMPRESS'] as const;
type Algorithm = (typeof ALGORITHMS)[number];

export interface Tiling {
  algorithm: Algorithm;
  tileWidth: number;
  tileHeight: number;
  tileDepth: number;
  tiles: number;
  rowBytes: number;
  heapStart: number;
  heapBytes: number;
  columns: Map<string, { offset: number; type: string; wide: boolean }>;
  blockSize: number;
  bytePix: number;
  quantized: boolean;
  dither: 0 | 1 | 2;
  ditherSeed: number;
}

/** An image as its header describes it, checked against the size of the file. */
export interface ImageHdu extends Hdu {
  width: number;
  height: number;
  /** Planes of a cube, all further axes taken together. */
  planes: number;
  bitpix: 8 | 16 | 32 | 64 | -32 | -64;
  bscale: number;
  bzero: number;
  /** Stored integer that means "no value", or null. */
  blank: number | null;
  tiling: Tiling | null;
}

function axes(header: Header, prefix = ''): number[] {
  const naxis = header.integer(`${prefix}NAXIS`);
  if (naxis === null || naxis < 0 || naxis > 999)
    throw new FitsError('bad_header', `${prefix}NAXIS is ${JSON.stringify(header.get(`${prefix}NAXIS`) ?? null)}`);
  const sizes: number[] = [];
  for (let i = 1; i <= naxis; i++) {
    const size = header.integer(`${prefix}NAXIS${i}`);
    if (size === null || size < 0)
      throw new FitsError(
        'bad_header',
        `${prefix}NAXIS${i} is ${JSON.stringify(header.get(`${prefix}NAXIS${i}`) ?? null)}`,
      );
    sizes.push(size);
  }
  return sizes;
}

function bitpixOf(header: Header, keyword = 'BITPIX'): ImageHdu['bitpix'] {
  const bitpix = header.integer(keyword);
  if (bitpix !== 8 && bitpix !== 16 && bitpix !== 32 && bitpix !== 64 && bitpix !== -32 && bitpix !== -64)
    throw new FitsError('bad_header', `${keyword} is ${JSON.stringify(header.get(keyword) ?? null)}`);
  return bitpix;
}

/** Size of the data by the formula of the standard (4.4.1): |BITPIX|/8 · GCOUNT · (PCOUNT + product of the axes). */
function dataBytesOf(header: Header): number {
  const sizes = axes(header);
  if (sizes.length === 0) return 0;
  const bytes = Math.abs(bitpixOf(header)) / 8;
  const groups = sizes[0] === 0 && header.get('GROUPS') === true;
  const pixels = (groups ? sizes.slice(1) : sizes).reduce((product, n) => product * n, 1);
  const gcount = header.integer('GCOUNT') ?? 1;
  const pcount = header.integer('PCOUNT') ?? 0;
  const total = bytes * gcount * (pcount + pixels);
  if (!(total >= 0) || pcount < 0 || gcount < 0)
    throw new FitsError('bad_header', `the header's sizes make ${total} bytes`);
  return total;
}

export interface Scan {
  hdus: Hdu[];
  /** Bytes up to the end of the last HDU, with its padding. */
  promised: number;
  /** The same without the last padding: a file of at least this length holds all its data. */
  needed: number;
  /** Bytes after the last HDU that belong to none. */
  trailing: number;
}

/**
 * Walks the HDUs of a file. What lies behind the last HDU is counted, not read.
 * @throws FitsError not_fits, bad_header, truncated (naming the HDU, the bytes it promises and those that are there)
 */
export function scanHdus(source: ByteSource): Scan {
  const hdus: Hdu[] = [];
  let at = 0;
  let needed = 0;
  const probe = new Uint8Array(8);
  while (at < source.size && hdus.length < MAX_HDUS) {
    if (hdus.length > 0) {
      const n = source.read(probe, at, 8);
      if (n < 8 || String.fromCharCode(...probe) !== 'XTENSION') break;
    }
    const { header, end } = readHeader(source, at);
    const dataBytes = dataBytesOf(header);
    needed = end + dataBytes;
    if (needed > source.size)
      throw new FitsError(
        'truncated',
        `HDU ${hdus.length} promises ${needed} bytes in all, the file has ${source.size}`,
      );
    hdus.push({ index: hdus.length, header, headerStart: at, dataStart: end, dataBytes });
    at = end + Math.ceil(dataBytes / BLOCK) * BLOCK;
  }
  return { hdus, promised: at, needed, trailing: Math.max(0, source.size - at) };
}

/** The image that an HDU holds, or null when it holds none. */
export function asImage(hdu: Hdu): ImageHdu | null {
  const { header } = hdu;
  const extension = hdu.index === 0 ? null : (header.string('XTENSION') ?? '').trim();
  if (extension === 'BINTABLE' && header.get('ZIMAGE') === true)
    return isPicture(axes(header, 'Z')) ? compressedImage(hdu) : null;
  if (extension !== null && extension !== 'IMAGE') return null;
  const sizes = axes(header);
  if (!isPicture(sizes)) return null;
  const bitpix = bitpixOf(header);
  const bytes = (Math.abs(bitpix) / 8) * sizes.reduce((product, n) => product * n, 1);
  if (bytes > hdu.dataBytes)
    throw new FitsError('bad_header', `the image takes ${bytes} bytes, its HDU has ${hdu.dataBytes}`);
  return { ...hdu, ...shape(sizes), bitpix, ...scaling(header, header.integer('BLANK')), tiling: null };
}

/** Two axes at least: a spectrum or a list of numbers is no picture. */
const isPicture = (sizes: readonly number[]): boolean => sizes.length >= 2 && sizes.every((n) => n > 0);

function shape(sizes: number[]): Pick<ImageHdu, 'width' | 'height' | 'planes'> {
  return { width: sizes[0]!, height: sizes[1] ?? 1, planes: sizes.slice(2).reduce((a, b) => a * b, 1) };
}

function scaling(header: Header, blank: number | null): Pick<ImageHdu, 'bscale' | 'bzero' | 'blank'> {
  return { bscale: header.number('BSCALE') ?? 1, bzero: header.number('BZERO') ?? 0, blank };
}

/** Tiled image compression (FITS Standard 4.0, chapter 10). */
function compressedImage(hdu: Hdu): ImageHdu {
  const { header } = hdu;
  const sizes = axes(header, 'Z');
  const algorithm = (header.string('ZCMPTYPE') ?? '').trim();
  const name = ALGORITHMS.find((known) => known === (algorithm === 'RICE_ONE' ? 'RICE_1' : algorithm));
  if (name === undefined)
    throw new FitsError(
      'unsupported',
      `compression ${algorithm || '(none named)'} is not read; funpack turns the file into a plain one`,
    );
  const tile = sizes.map((n, i) => header.integer(`ZTILE${i + 1}`) ?? (i === 0 ? n : 1));
  if (tile.some((n) => n < 1)) throw new FitsError('bad_header', 'a ZTILE size is not positive');
  const tiles = sizes.reduce((product, n, i) => product * Math.ceil(n / tile[i]!), 1);
  const rowBytes = header.integer('NAXIS1') ?? 0;
  const rows = header.integer('NAXIS2') ?? 0;
  if (rows < tiles) throw new FitsError('corrupt', `${tiles} tiles are promised, the table has ${rows} rows`);
  const table = rowBytes * rows;
  const heapOffset = header.integer('THEAP') ?? table;
  if (heapOffset < 0 || heapOffset > hdu.dataBytes || table > hdu.dataBytes)
    throw new FitsError('bad_header', 'the table does not fit into its HDU');
  const columns = columnsOf(header, rowBytes);
  const parameters: Record<string, HeaderNumber> = {};
  for (let i = 1; i <= 20; i++) {
    const key = header.string(`ZNAME${i}`)?.trim();
    if (key) parameters[key] = header.integer(`ZVAL${i}`) ?? undefined;
  }
  if (parameters.SMOOTH)
    throw new FitsError('unsupported', 'HCOMPRESS_1 with SMOOTH is not read; funpack turns the file into a plain one');
  const bitpix = bitpixOf(header, 'ZBITPIX');
  const quantizer = (header.string('ZQUANTIZ') ?? '').trim();
  return {
    ...hdu,
    ...shape(sizes),
    bitpix,
    ...scaling(header, header.integer('ZBLANK') ?? header.integer('BLANK')),
    tiling: {
      algorithm: name,
      tileWidth: Math.min(tile[0]!, sizes[0]!),
      tileHeight: Math.min(tile[1] ?? 1, sizes[1] ?? 1),
      tileDepth: Math.min(tile[2] ?? 1, sizes[2] ?? 1),
      tiles,
      rowBytes,
      heapStart: hdu.dataStart + heapOffset,
      heapBytes: hdu.dataBytes - heapOffset,
      columns,
      blockSize: parameters.BLOCKSIZE ?? 32,
      bytePix: parameters.BYTEPIX ?? 4,
      quantized: columns.has('ZSCALE'),
      dither: ditherOf(quantizer),
      ditherSeed: header.integer('ZDITHER0') ?? 1,
    },
  };
}
function ditherOf(quantizer: string | null | undefined): 0 | 1 | 2 {
  if (quantizer === 'SUBTRACTIVE_DITHER_1') return 1;
  return quantizer === 'SUBTRACTIVE_DITHER_2' ? 2 : 0;
}
type HeaderNumber = number | undefined;

const COLUMN_BYTES: Record<string, number> = {
  L: 1,
  B: 1,
  I: 2,
  J: 4,
  K: 8,
  A: 1,
  E: 4,
  D: 8,
  C: 8,
  M: 16,
  P: 8,
  Q: 16,
};

function columnsOf(header: Header, rowBytes: number): Tiling['columns'] {
  const columns: Tiling['columns'] = new Map();
  let offset = 0;
  const count = header.integer('TFIELDS') ?? 0;
  for (let i = 1; i <= Math.min(count, 999); i++) {
    const form = /^\s*(\d*)([A-Z])(.?)/.exec(header.string(`TFORM${i}`) ?? '');
    if (!form) throw new FitsError('bad_header', `TFORM${i} is not a format`);
    const repeat = form[1] === '' ? 1 : Number(form[1]);
    const letter = form[2]!;
    const variable = letter === 'P' || letter === 'Q';
    const name = (header.string(`TTYPE${i}`) ?? '').trim();
    columns.set(name, { offset, type: variable ? form[3]! : letter, wide: letter === 'Q' });
    offset += letter === 'X' ? Math.ceil(repeat / 8) : repeat * (COLUMN_BYTES[letter] ?? 0);
  }
  if (offset > rowBytes) throw new FitsError('bad_header', `the columns take ${offset} bytes, a row has ${rowBytes}`);
  return columns;
}

/**
 * The first HDU that holds an image, wherever it stands; one of a single row or column only where there is no other.
 * @throws FitsError no_image, and those of `scanHdus`
 */
export function firstImage(scan: Scan): ImageHdu {
  const image = findImage(scan, asImage);
  if (image) return image;
  throw new FitsError('no_image', `none of the ${scan.hdus.length} HDUs holds an image`);
}

/** The same with a way of its own to look at an HDU; null where none holds an image. */
export function findImage(scan: Scan, look: typeof asImage): ImageHdu | null {
  let line: ImageHdu | null = null;
  for (const hdu of scan.hdus) {
    const image = look(hdu);
    if (image && image.width > 1 && image.height > 1) return image;
    line ??= image;
  }
  return line;
}

const TABLE_ONLY =
  /^(XTENSION|PCOUNT|GCOUNT|TFIELDS|THEAP|(TTYPE|TFORM|TUNIT|TNULL|TSCAL|TZERO|TDISP|TDIM)\d+|Z(IMAGE|CMPTYPE|QUANTIZ|DITHER0|BLANK|MASKCMP|SIMPLE|TENSION|EXTEND|BLOCKED|PCOUNT|GCOUNT|HECKSUM|DATASUM)|Z(TILE|NAME|VAL)\d+)$/;

/**
 * Header of the image as its author wrote it: for a compressed one the table's keywords are left out and BITPIX and NAXISn are the image's.
 * Cards of the primary header that the image's own lacks are taken over, since cameras write the observation there.
 */
export function imageHeader(scan: Scan, image: ImageHdu): Record<string, unknown> {
  let cards: Card[] = image.header.cards;
  if (image.tiling) {
    cards = cards
      .filter((card) => !TABLE_ONLY.test(card.keyword) && !/^(BITPIX|NAXIS\d*)$/.test(card.keyword))
      .map((card) => (/^Z(BITPIX|NAXIS\d*)$/.test(card.keyword) ? { ...card, keyword: card.keyword.slice(1) } : card));
  }
  const own = new Header(cards).toJSON();
  if (image.index === 0) return own;
  const structural =
    /^(SIMPLE|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|CHECKSUM|DATASUM|COMMENT|HISTORY|BZERO|BSCALE|BLANK)$/;
  const primary = Object.fromEntries(
    Object.entries(scan.hdus[0]!.header.toJSON()).filter(([keyword]) => !structural.test(keyword)),
  );
  return { ...primary, ...own };
}
