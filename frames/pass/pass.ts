import type { FrameStats } from '../../domain/contracts/image.ts';
import {
  CHUNK_PIXELS,
  FitsError,
  openPixels,
  type ByteSource,
  type ImageHdu,
  type PixelReader,
} from '../fits/index.ts';
import { mosaicOf, type Mosaic } from './colour.ts';
import { createKernel, LEVELS } from './kernel.ts';
import { ColumnSums } from './column-sums.ts';
import { BoxReducer, reductionOf, type Reduced } from './reduce.ts';
import { coarse, statsOfHistogram, statsOfPixels, toFrameStats, type Basic } from './stats.ts';
import type { ChannelLevels } from './stretch.ts';

const { isFinite } = Number;

export interface PassOptions {
  kernel?: 'wasm' | 'js';
  /** Longest side wanted of the reduced image. */
  side?: number;
  /** Colour pattern of the telescope's camera where the header has none. */
  bayer?: string | null;
}

/** Everything that one reading of the pixels gives. */
export interface PassResult {
  stats: FrameStats;
  histogram: number[];
  reduced: Reduced;
  /** Levels of each channel in [0, 1] for the stretch, and the physical values that are 0 and 1. */
  levels: ChannelLevels[];
  low: number;
  high: number;
  mosaic: Mosaic | null;
}

const BAND_BYTES = 1 << 20;
/** Wider rows are not camera frames; they are measured, not shown. */
const MAX_PREVIEW_WIDTH = 200_000;

/**
 * Reads an image once in bands of about 1 MB: byte order, exact histogram and box means together. Files that the fast way cannot
 * take (floats, 32 and 64 bits, BLANK, compressed tiles) are read several times in small chunks instead, with the same result.
 * @throws FitsError
 */
export function runPass(source: ByteSource, image: ImageHdu, options: PassOptions = {}): PassResult {
  const header = image.header;
  const mosaic = mosaicOf(header, image, options.bayer ?? null);
  const showable = image.width <= MAX_PREVIEW_WIDTH;
  const factor = reductionOf(image.width, image.height, mosaic !== null, options.side);
  const saturate = header.number('SATURATE');
  if (image.bitpix === 16 && !image.tiling && image.blank === null && image.planes <= 3 && showable)
    return fastPass(source, image, mosaic, factor, saturate, options.kernel);
  return slowPass(openPixels(source, image), image, showable ? mosaic : null, factor, saturate, showable);
}

/** Physical values that are black and white for the stretch (frames decided so: data range, but floats up to 1.01 are already scaled). */
function rangeOf(image: ImageHdu, min: number, max: number): [number, number] {
  if (image.bitpix === 16 && image.bscale === 1 && image.bzero === 32_768) return [0, 65_535];
  if (image.bitpix === 8 && image.bscale === 1 && image.bzero === 0) return [0, 255];
  if (image.bitpix < 0 && min >= 0 && max <= 1.01) return [0, 1];
  return max > min ? [min, max] : [min, min + 1];
}

function normalised(basic: Basic, low: number, high: number): ChannelLevels {
  return { median: (basic.median - low) / (high - low), mad: basic.mad / (high - low) };
}

/** Pixels at the top of the range: at or over SATURATE, else at the frame's highest level where that is within 2 % of the type's end. */
function saturatedOf(
  histogram: ArrayLike<number>,
  offset: number,
  scale: number,
  levels: number,
  saturate: number | null,
): number {
  let from: number;
  if (saturate !== null && scale > 0) from = Math.ceil((saturate - offset) / scale);
  else {
    from = levels - 1;
    while (from > 0 && !histogram[from]) from--;
    if (from < (levels - 1) * 0.98) return 0;
  }
  let n = 0;
  for (let i = Math.max(0, from); i < levels; i++) n += histogram[i] ?? 0;
  return n;
}

function fastPass(
  source: ByteSource,
  image: ImageHdu,
  mosaic: Mosaic | null,
  factor: number,
  saturate: number | null,
  mode?: 'wasm' | 'js',
): PassResult {
  const { width, height, planes, bscale } = image;
  const offset = image.bzero - 32_768 * bscale;
  const rowBytes = width * 2;
  const boxRows = Math.min(factor, height);
  const bandRows = Math.max(
    1,
    Math.min(height, Math.floor(BAND_BYTES / rowBytes / boxRows) * boxRows || Math.floor(BAND_BYTES / rowBytes)),
  );
  const perPlane: Uint32Array[] = [];
  const channels: Float32Array[] = [];
  let reduced: Reduced | null = null;
  let channelHistograms: Uint32Array[] = [];
  for (let plane = 0; plane < planes; plane++) {
    const kernel = createKernel(width, bandRows, mode);
    const reducer = new BoxReducer(width, height, factor, mosaic);
    const [even, odd] = kernel.sums;
    let inBox = 0;
    for (let y = 0; y < height; y += bandRows) {
      const rows = Math.min(bandRows, height - y);
      const wanted = rows * rowBytes;
      const n = source.read(kernel.band, image.dataStart + (plane * height + y) * rowBytes, wanted);
      if (n < wanted) throw new FitsError('truncated', `the data end ${wanted - n} bytes early`);
      for (let r = 0; r < rows;) {
        const count = Math.min(rows - r, reducer.rowsPerBox - inBox);
        kernel.addRows(r, count, mosaic ? (((y + r) & 1) as 0 | 1) : null);
        r += count;
        inBox += count;
        if (inBox < reducer.rowsPerBox) continue;
        reducer.flush(even, odd, null, null, offset, bscale);
        kernel.clearSums();
        inBox = 0;
      }
    }
    const parts = ([0, 1] as const).flatMap((set) =>
      set === 1 && !mosaic ? [] : ([0, 1] as const).map((column) => kernel.histogram(set, column)),
    );
    perPlane.push(sumOf(parts));
    channels.push(...reducer.result.channels);
    reduced = reducer.result;
    if (mosaic)
      channelHistograms = [0, 1, 2].map((colour) => sumOf(parts.filter((_, position) => mosaic[position] === colour)));
  }
  const whole = perPlane.length === 1 ? perPlane[0]! : sumOf(perPlane);
  const basic = statsOfHistogram(whole, offset, bscale);
  const [low, high] = rangeOf(image, basic.min, basic.max);
  if (!mosaic) channelHistograms = planes === 3 ? perPlane : [whole];
  return {
    stats: toFrameStats(basic, saturatedOf(whole, offset, bscale, LEVELS, saturate)),
    histogram: coarse(whole, offset, bscale, basic.min, basic.max),
    reduced: { ...reduced!, channels: mosaic || planes === 3 ? channels : channels.slice(0, 1) },
    levels: channelHistograms.map((h) => normalised(statsOfHistogram(h, offset, bscale), low, high)),
    low,
    high,
    mosaic,
  };
}

function sumOf(tables: readonly Uint32Array[]): Uint32Array {
  const out = Uint32Array.from(tables[0] ?? new Uint32Array(LEVELS));
  for (const table of tables.slice(1)) for (let i = 0; i < out.length; i++) out[i] = out[i]! + table[i]!;
  return out;
}

function slowPass(
  reader: PixelReader,
  image: ImageHdu,
  mosaic: Mosaic | null,
  factor: number,
  saturate: number | null,
  showable: boolean,
): PassResult {
  const { width, height, planes } = image;
  const planePixels = width * height;
  const shown = planes === 3 ? 3 : 1;
  const parts: Basic[] = [];
  const channels: Float32Array[] = [];
  let reduced: Reduced = { width: 0, height: 0, factor, channels: [] };
  const tables: Uint32Array[] = [];
  for (let plane = 0; plane < shown; plane++) {
    const reducer = showable ? new BoxReducer(width, height, factor, mosaic) : null;
    const sums = reducer ? new ColumnSums(width, reducer, mosaic !== null) : null;
    if (reader.narrow) {
      const table = new Uint32Array(LEVELS);
      eachChunk(planePixels, (at, n) => {
        sums?.add(reader.physical(plane * planePixels + at, n));
        const stored = reader.integers(plane * planePixels + at, n);
        for (let i = 0; i < n; i++) table[stored[i]! + 32_768]! += 1;
      });
      tables.push(table);
    } else parts.push(statsOfPixels(reader, plane * planePixels, planePixels, (values) => sums?.add(values)));
    if (reducer) {
      reduced = reducer.result;
      channels.push(...reducer.result.channels);
    }
  }
  const offset = image.bzero - 32_768 * image.bscale;
  let whole: Basic;
  let histogram: number[];
  let saturated = 0;
  if (reader.narrow) {
    const table = sumOf(tables);
    if (planes > shown)
      eachChunk((planes - shown) * planePixels, (at, n) => {
        const stored = reader.integers(shown * planePixels + at, n);
        for (let i = 0; i < n; i++) table[stored[i]! + 32_768]! += 1;
      });
    const blanks = dropBlank(table, image.blank);
    for (const t of tables) dropBlank(t, image.blank);
    whole = statsOfHistogram(table, offset, image.bscale, blanks);
    histogram = coarse(table, offset, image.bscale, whole.min, whole.max);
    saturated = saturatedOf(table, offset, image.bscale, image.bitpix === 8 ? 32_768 + 256 : LEVELS, saturate);
    parts.push(...tables.map((t) => statsOfHistogram(t, offset, image.bscale)));
  } else if (planes === 1) {
    whole = parts[0]!;
    histogram = (parts[0] as Basic & { histogram: number[] }).histogram;
  } else {
    const all = statsOfPixels(reader, 0, planePixels * planes);
    whole = all;
    histogram = all.histogram;
  }
  const [low, high] = rangeOf(image, whole.min, whole.max);
  const levels = mosaic
    ? channels.map((values) => normalised(basicOf(values), low, high))
    : parts.map((part) => normalised(part, low, high));
  return {
    stats: toFrameStats(whole, saturated),
    histogram,
    reduced: { ...reduced, channels },
    levels,
    low,
    high,
    mosaic,
  };
}

function eachChunk(total: number, use: (at: number, n: number) => void): void {
  for (let at = 0; at < total; at += CHUNK_PIXELS) use(at, Math.min(CHUNK_PIXELS, total - at));
}

function dropBlank(table: Uint32Array, blank: number | null): number {
  if (blank === null) return 0;
  const at = blank + 32_768;
  const n = table[at] ?? 0;
  if (at >= 0 && at < table.length) table[at] = 0;
  return n;
}

/** Levels of a reduced colour channel: exact for the reduced image, which is what the stretch is applied to. */
function basicOf(values: Float32Array): Basic {
  const sorted = values.filter((v) => isFinite(v)).sort();
  const middle = (a: Float32Array): number => (a.length === 0 ? 0 : (a[(a.length - 1) >> 1]! + a[a.length >> 1]!) / 2);
  const median = middle(sorted);
  const mad = middle(sorted.map((v) => Math.abs(v - median)).sort());
  return {
    count: sorted.length,
    nonfinite: values.length - sorted.length,
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    mean: 0,
    median,
    mad,
  };
}
