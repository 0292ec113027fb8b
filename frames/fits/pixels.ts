import { FitsError } from './errors.ts';
import type { ImageHdu } from './hdu.ts';
import { CHUNK_PIXELS, type PixelReader } from './chunk.ts';
import type { ByteSource } from './source.ts';
import { TileReader } from './tiles.ts';

/** @throws FitsError bad_header when the image's size is no number that a machine can count */
export function openPixels(source: ByteSource, image: ImageHdu): PixelReader {
  const total = image.width * image.height * image.planes;
  if (!Number.isSafeInteger(total)) throw new FitsError('bad_header', `the image has ${total} pixels`);
  return image.tiling ? new TileReader(source, image, total) : new PlainReader(source, image, total);
}

class PlainReader implements PixelReader {
  readonly total: number;
  readonly narrow: boolean;
  private readonly source: ByteSource;
  private readonly image: ImageHdu;
  private readonly bytes: number;
  private readonly buffer: Uint8Array;
  private readonly view: DataView;
  private readonly values = new Float64Array(CHUNK_PIXELS);
  private readonly ints: Int32Array;
  constructor(source: ByteSource, image: ImageHdu, total: number) {
    this.source = source;
    this.image = image;
    this.total = total;
    this.bytes = Math.abs(image.bitpix) / 8;
    this.narrow = image.bitpix === 8 || image.bitpix === 16;
    this.buffer = new Uint8Array(CHUNK_PIXELS * this.bytes);
    this.view = new DataView(this.buffer.buffer);
    this.ints = new Int32Array(this.narrow ? CHUNK_PIXELS : 0);
  }
  private load(start: number, count: number): void {
    if (count > CHUNK_PIXELS || start < 0 || start + count > this.total)
      throw new RangeError(`pixels ${start} to ${start + count} of ${this.total}`);
    const n = this.source.read(this.buffer, this.image.dataStart + start * this.bytes, count * this.bytes);
    if (n < count * this.bytes) throw new FitsError('truncated', `the data end ${count * this.bytes - n} bytes early`);
  }
  integers(start: number, count: number): Int32Array {
    this.load(start, count);
    const { buffer, ints } = this;
    if (this.image.bitpix === 8) for (let i = 0; i < count; i++) ints[i] = buffer[i]!;
    else for (let i = 0, j = 0; i < count; i++, j += 2) ints[i] = ((buffer[j]! << 24) >> 16) | buffer[j + 1]!;
    return ints.subarray(0, count);
  }
  physical(start: number, count: number): Float64Array {
    const { bscale, bzero, blank, bitpix } = this.image;
    const { values, view } = this;
    if (this.narrow) {
      const ints = this.integers(start, count);
      for (let i = 0; i < count; i++) {
        const stored = ints[i]!;
        values[i] = stored === blank ? Number.NaN : stored * bscale + bzero;
      }
      return values.subarray(0, count);
    }
    this.load(start, count);
    if (bitpix === 32) for (let i = 0; i < count; i++) values[i] = view.getInt32(i * 4);
    else if (bitpix === -32) for (let i = 0; i < count; i++) values[i] = view.getFloat32(i * 4);
    else if (bitpix === -64) for (let i = 0; i < count; i++) values[i] = view.getFloat64(i * 8);
    else for (let i = 0; i < count; i++) values[i] = Number(view.getBigInt64(i * 8));
    if (bitpix > 0 && blank !== null) for (let i = 0; i < count; i++) if (values[i] === blank) values[i] = Number.NaN;
    if (bscale !== 1 || bzero !== 0) for (let i = 0; i < count; i++) values[i] = values[i]! * bscale + bzero;
    return values.subarray(0, count);
  }
}
