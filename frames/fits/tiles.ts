import { gunzipSync, inflateSync } from 'node:zlib';
import { FitsError } from './errors.ts';
import type { ImageHdu, Tiling } from './hdu.ts';
import { CHUNK_PIXELS, type PixelReader } from './chunk.ts';
import { hcompressDecode } from './hcompress.ts';
import { plioDecode } from './plio.ts';
import { riceDecode } from './rice.ts';
import type { ByteSource } from './source.ts';

/** A band of tiles is held decoded; a larger one would need more memory than a frame may cost. */
const MAX_BAND_PIXELS = 64 * 1024 * 1024;
/** deflate cannot do better than 1032:1; a Rice block of `blockSize` pixels costs at least 3 bits. */
const MAX_DEFLATE_RATIO = 1100;
/** A tile of HCOMPRESS_1 needs eight bytes a pixel while it is worked on, and an even one of any size takes 26 bytes of the file. */
const MAX_TRANSFORM_PIXELS = 16 * 1024 * 1024;
/** Pixels of a band that a byte of the heap can stand for. */
const mostPixels = ({ algorithm, blockSize }: Tiling): number => {
  if (algorithm === 'RICE_1') return Math.ceil((8 * blockSize) / 3);
  return algorithm === 'HCOMPRESS_1' || algorithm === 'PLIO_1' ? Number.POSITIVE_INFINITY : MAX_DEFLATE_RATIO;
};
const ZERO_DITHER2 = -2147483646;

let randomNumbers: Float32Array | null = null;
/** The 10,000 numbers of subtractive dithering (FITS Standard 4.0, appendix I): Park and Miller's minimal generator. */
function ditherNumbers(): Float32Array {
  if (randomNumbers) return randomNumbers;
  const out = new Float32Array(10_000);
  let seed = 1;
  for (let i = 0; i < out.length; i++) {
    seed = (16807 * seed) % 2147483647;
    out[i] = seed / 2147483647;
  }
  randomNumbers = out;
  return out;
}

/** Bytes of an element of a variable-length column; one of every other type. */
const BYTES_OF = new Map(Object.entries({ I: 2, J: 4, E: 4, D: 8, K: 8 }));

/** Pixels of a tile-compressed image; one band of tiles (all tiles of the same rows) is decoded at a time. */
export class TileReader implements PixelReader {
  readonly total: number;
  readonly narrow: boolean;
  private readonly source: ByteSource;
  private readonly image: ImageHdu;
  private readonly tiling: Tiling;
  private readonly band: Int32Array | Float64Array;
  private bandStart = -1;
  private readonly values = new Float64Array(CHUNK_PIXELS);
  private readonly ints: Int32Array;
  private readonly bandRows: number;
  private readonly scratch: Int32Array;

  constructor(source: ByteSource, image: ImageHdu, total: number) {
    const tiling = image.tiling!;
    this.source = source;
    this.image = image;
    this.tiling = tiling;
    this.total = total;
    this.narrow = (image.bitpix === 8 || image.bitpix === 16) && !tiling.quantized;
    if (tiling.tileDepth > 1 && tiling.tileHeight < image.height)
      throw new FitsError('unsupported', 'tiles that are parts of several planes are not read');
    this.bandRows = tiling.tileDepth > 1 ? image.height * tiling.tileDepth : tiling.tileHeight;
    const bandPixels = image.width * this.bandRows;
    const perTile = mostPixels(tiling);
    const unbounded = tiling.algorithm === 'HCOMPRESS_1' && tiling.tileWidth * this.bandRows > MAX_TRANSFORM_PIXELS;
    if (unbounded || bandPixels > MAX_BAND_PIXELS || bandPixels > (tiling.heapBytes + 64) * perTile)
      throw new FitsError('corrupt', `tiles of ${bandPixels} pixels cannot come out of ${tiling.heapBytes} bytes`);
    this.band = this.narrow ? new Int32Array(bandPixels) : new Float64Array(bandPixels);
    this.scratch = new Int32Array(Math.min(bandPixels, tiling.tileWidth * this.bandRows));
    this.ints = new Int32Array(this.narrow ? CHUNK_PIXELS : 0);
  }

  integers(start: number, count: number): Int32Array {
    if (!this.narrow) throw new RangeError('not a 16-bit image');
    this.gather(start, count, this.ints);
    return this.ints.subarray(0, count);
  }
  physical(start: number, count: number): Float64Array {
    const { bscale, bzero, blank, bitpix } = this.image;
    const { values } = this;
    this.gather(start, count, values);
    if (bitpix > 0 && blank !== null) for (let i = 0; i < count; i++) if (values[i] === blank) values[i] = Number.NaN;
    if (bscale !== 1 || bzero !== 0) for (let i = 0; i < count; i++) values[i] = values[i]! * bscale + bzero;
    return values.subarray(0, count);
  }

  private gather(start: number, count: number, out: Int32Array | Float64Array): void {
    if (count > CHUNK_PIXELS || start < 0 || start + count > this.total)
      throw new RangeError(`pixels ${start} to ${start + count} of ${this.total}`);
    const { width, height } = this.image;
    for (let done = 0; done < count;) {
      const pixel = start + done;
      const row = Math.floor(pixel / width);
      const plane = Math.floor(row / height);
      const bandTop =
        this.tiling.tileDepth > 1
          ? Math.floor(plane / this.tiling.tileDepth) * this.tiling.tileDepth * height
          : plane * height + Math.floor((row % height) / this.tiling.tileHeight) * this.tiling.tileHeight;
      const bandEnd =
        this.tiling.tileDepth > 1 ? bandTop + this.bandRows : Math.min(bandTop + this.bandRows, (plane + 1) * height);
      if (this.bandStart !== bandTop) this.decodeBand(bandTop);
      const n = Math.min(count - done, bandEnd * width - pixel);
      const from = pixel - bandTop * width;
      out.set(this.band.subarray(from, from + n), done);
      done += n;
    }
  }

  private decodeBand(top: number): void {
    const { width, height, planes } = this.image;
    const { tileWidth, tileHeight, tileDepth } = this.tiling;
    const across = Math.ceil(width / tileWidth);
    const down = Math.ceil(height / tileHeight);
    const plane = Math.floor(top / height);
    const y = top % height;
    const rows = Math.min(tileHeight, height - y) * Math.min(tileDepth, planes - plane);
    const firstTile = (Math.floor(plane / tileDepth) * down + Math.floor(y / tileHeight)) * across;
    this.bandStart = -1;
    for (let t = 0; t < across; t++) {
      const x = t * tileWidth;
      const w = Math.min(tileWidth, width - x);
      this.decodeTile(firstTile + t, x, w, rows);
    }
    this.bandStart = top;
  }

  /** Bytes of a variable-length column of one row, or null when empty. */
  private cell(tile: number, column: string): { bytes: Uint8Array; type: string } | null {
    const found = this.tiling.columns.get(column);
    if (!found) return null;
    const head = new Uint8Array(found.wide ? 16 : 8);
    const at = this.image.dataStart + tile * this.tiling.rowBytes + found.offset;
    if (this.source.read(head, at, head.length) < head.length)
      throw new FitsError('truncated', `row ${tile} of the tile table is cut`);
    const view = new DataView(head.buffer);
    const length = found.wide ? Number(view.getBigUint64(0)) : view.getUint32(0);
    const offset = found.wide ? Number(view.getBigUint64(8)) : view.getUint32(4);
    if (length === 0) return null;
    const size = length * (BYTES_OF.get(found.type) ?? 1);
    if (offset + size > this.tiling.heapBytes) throw new FitsError('corrupt', `tile ${tile} lies outside of the heap`);
    const bytes = new Uint8Array(size);
    if (this.source.read(bytes, this.tiling.heapStart + offset, size) < size)
      throw new FitsError('truncated', `tile ${tile} is cut`);
    return { bytes, type: found.type };
  }

  private scalar(tile: number, column: string, missing: number): number {
    const found = this.tiling.columns.get(column);
    if (!found) return missing;
    const head = new Uint8Array(8);
    this.source.read(head, this.image.dataStart + tile * this.tiling.rowBytes + found.offset, 8);
    const view = new DataView(head.buffer);
    switch (found.type) {
      case 'D':
        return view.getFloat64(0);
      case 'E':
        return view.getFloat32(0);
      case 'J':
        return view.getInt32(0);
      case 'I':
        return view.getInt16(0);
      default:
        return missing;
    }
  }

  private decodeTile(tile: number, x: number, w: number, rows: number): void {
    const { tiling, image, band } = this;
    const count = w * rows;
    const packed = this.cell(tile, 'COMPRESSED_DATA');
    if (packed) {
      const { scratch } = this;
      const plainFloat = image.bitpix < 0 && !tiling.quantized;
      if (tiling.algorithm === 'RICE_1') {
        if (plainFloat) throw new FitsError('corrupt', 'RICE_1 with floats that are not quantised');
        riceDecode(packed.bytes, scratch, count, tiling.bytePix, tiling.blockSize);
      } else if (tiling.algorithm === 'HCOMPRESS_1' || tiling.algorithm === 'PLIO_1') {
        if (plainFloat) throw new FitsError('corrupt', `${tiling.algorithm} with floats that are not quantised`);
        if (tiling.algorithm === 'PLIO_1') plioDecode(packed.bytes, scratch, count);
        else hcompressDecode(packed.bytes, scratch, rows, w);
      } else {
        let raw = tiling.algorithm === 'NOCOMPRESS' ? packed.bytes : inflate(packed.bytes, count * 8, tile);
        if (tiling.algorithm === 'GZIP_2') raw = unshuffle(raw, count, tile);
        if (plainFloat) return this.place(floats(raw, image.bitpix, count, tile), x, w, rows);
        if (raw.length === count * 8) return this.place(floats(raw, 64, count, tile), x, w, rows);
        integers(raw, scratch, count, tile, image.bitpix === 8 && !tiling.quantized);
      }
      if (!tiling.quantized) return this.place(scratch, x, w, rows);
      return this.place(this.dequantize(tile, scratch, count), x, w, rows);
    }
    const fallback = this.cell(tile, 'GZIP_COMPRESSED_DATA');
    const raw = fallback ? inflate(fallback.bytes, count * 8, tile) : this.cell(tile, 'UNCOMPRESSED_DATA')?.bytes;
    if (!raw) throw new FitsError('corrupt', `tile ${tile} has no data`);
    if (band instanceof Float64Array && image.bitpix < 0)
      return this.place(floats(raw, image.bitpix, count, tile), x, w, rows);
    integers(raw, this.scratch, count, tile, image.bitpix === 8);
    this.place(this.scratch, x, w, rows);
  }

  private dequantize(tile: number, stored: Int32Array, count: number): Float64Array {
    const { tiling } = this;
    const scale = this.scalar(tile, 'ZSCALE', 1);
    const zero = this.scalar(tile, 'ZZERO', 0);
    const blank = tiling.columns.has('ZBLANK')
      ? this.scalar(tile, 'ZBLANK', -2147483648)
      : (this.image.blank ?? -2147483648);
    const out = new Float64Array(count);
    if (tiling.dither === 0) {
      for (let i = 0; i < count; i++) out[i] = stored[i] === blank ? Number.NaN : stored[i]! * scale + zero;
      return out;
    }
    const random = ditherNumbers();
    let seed = (tile + Math.max(1, tiling.ditherSeed) - 1) % 10_000;
    let next = Math.trunc(random[seed]! * 500);
    for (let i = 0; i < count; i++) {
      const value = stored[i]!;
      if (value === blank) out[i] = Number.NaN;
      else if (tiling.dither === 2 && value === ZERO_DITHER2) out[i] = 0;
      else out[i] = (value - random[next]! + 0.5) * scale + zero;
      if (++next === 10_000) {
        seed = (seed + 1) % 10_000;
        next = Math.trunc(random[seed]! * 500);
      }
    }
    return out;
  }

  private place(from: Int32Array | Float64Array, x: number, w: number, rows: number): void {
    const { width } = this.image;
    for (let r = 0; r < rows; r++) this.band.set(from.subarray(r * w, (r + 1) * w), r * width + x);
  }
}

function inflate(bytes: Uint8Array, maxBytes: number, tile: number): Uint8Array {
  try {
    const options = { maxOutputLength: Math.max(64, maxBytes) };
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, options) : inflateSync(bytes, options);
  } catch (thrown) {
    throw new FitsError('corrupt', `tile ${tile}: ${(thrown as NodeJS.ErrnoException).code ?? 'gzip'}`);
  }
}

/** GZIP_2 stores all first bytes, then all second ones and so on. */
function unshuffle(raw: Uint8Array, count: number, tile: number): Uint8Array {
  const size = raw.length / count;
  if (!Number.isInteger(size))
    throw new FitsError('corrupt', `tile ${tile} has ${raw.length} bytes for ${count} pixels`);
  const out = new Uint8Array(raw.length);
  for (let b = 0; b < size; b++) for (let i = 0; i < count; i++) out[i * size + b] = raw[b * count + i]!;
  return out;
}

function integers(raw: Uint8Array, out: Int32Array, count: number, tile: number, unsignedBytes: boolean): void {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (raw.length === count) for (let i = 0; i < count; i++) out[i] = unsignedBytes ? raw[i]! : view.getInt8(i);
  else if (raw.length === count * 2) for (let i = 0; i < count; i++) out[i] = view.getInt16(i * 2);
  else if (raw.length === count * 4) for (let i = 0; i < count; i++) out[i] = view.getInt32(i * 4);
  else throw new FitsError('corrupt', `tile ${tile} has ${raw.length} bytes for ${count} pixels`);
}

function floats(raw: Uint8Array, bitpix: number, count: number, tile: number): Float64Array {
  const bytes = Math.abs(bitpix) / 8;
  if (raw.length < count * bytes)
    throw new FitsError('corrupt', `tile ${tile} has ${raw.length} bytes for ${count} pixels`);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const out = new Float64Array(count);
  if (bitpix === -32) for (let i = 0; i < count; i++) out[i] = view.getFloat32(i * 4);
  else if (bitpix === -64) for (let i = 0; i < count; i++) out[i] = view.getFloat64(i * 8);
  else for (let i = 0; i < count; i++) out[i] = Number(view.getBigInt64(i * 8));
  return out;
}
