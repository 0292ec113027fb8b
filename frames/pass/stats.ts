import type { FrameStats } from '../../domain/contracts/image.ts';
import type { PixelReader } from '../fits/index.ts';
import { CHUNK_PIXELS } from '../fits/index.ts';

const { isFinite } = Number;

/** Numbers of one channel in physical units; median and MAD are exact. */
export interface Basic {
  count: number;
  nonfinite: number;
  min: number;
  max: number;
  mean: number;
  median: number;
  mad: number;
}

const EMPTY: Basic = { count: 0, nonfinite: 0, min: 0, max: 0, mean: 0, median: 0, mad: 0 };

/**
 * Statistics out of a full histogram; `value(level)` must be linear in the level.
 * Median of an even count is the mean of the two middle values; MAD = median of |x − median|.
 */
export function statsOfHistogram(histogram: ArrayLike<number>, offset: number, scale: number, nonfinite = 0): Basic {
  let count = 0;
  let sum = 0;
  let low = -1;
  let high = -1;
  for (let i = 0; i < histogram.length; i++) {
    const n = histogram[i]!;
    if (n === 0) continue;
    if (low < 0) low = i;
    high = i;
    count += n;
    sum += n * i;
  }
  if (count === 0) return { ...EMPTY, nonfinite };
  const median2 = middle2(histogram, count, 1);
  const deviations = new Float64Array(histogram.length * 2 + 1);
  for (let i = low; i <= high; i++) {
    const n = histogram[i]!;
    if (n > 0) deviations[Math.abs(2 * i - median2)]! += n;
  }
  const mad2 = middle2(deviations, count, 1) / 2;
  const value = (level: number): number => offset + level * scale;
  return {
    count,
    nonfinite,
    min: Math.min(value(low), value(high)),
    max: Math.max(value(low), value(high)),
    mean: value(sum / count),
    median: value(median2 / 2),
    mad: (mad2 / 2) * Math.abs(scale),
  };
}

/** Twice the median index of a histogram. */
function middle2(histogram: ArrayLike<number>, count: number, step: number): number {
  const first = Math.floor((count - 1) / 2);
  const second = Math.floor(count / 2);
  let seen = 0;
  let a = -1;
  for (let i = 0; i < histogram.length; i += step) {
    seen += histogram[i]!;
    if (a < 0 && seen > first) a = i;
    if (seen > second) return a + i;
  }
  return a * 2;
}

/** 256 equal bins from `min` to `max` out of a full histogram. */
export function coarse(
  histogram: ArrayLike<number>,
  offset: number,
  scale: number,
  min: number,
  max: number,
): number[] {
  const bins = Array.from({ length: 256 }, () => 0);
  const perUnit = max > min ? 256 / (max - min) : 0;
  for (let i = 0; i < histogram.length; i++) {
    const n = histogram[i]!;
    if (n > 0) bins[Math.max(0, Math.min(255, Math.floor((offset + i * scale - min) * perUnit)))]! += n;
  }
  return bins;
}

type Chunks = (use: (values: Float64Array) => void) => void;

function chunksOf(reader: PixelReader, from: number, count: number): Chunks {
  return (use) => {
    for (let at = 0; at < count; at += CHUNK_PIXELS)
      use(reader.physical(from + at, Math.min(CHUNK_PIXELS, count - at)));
  };
}

const BINS = 1 << 16;
const COLLECT = 1 << 20;
interface Filter {
  low: number;
  scale: number;
  bin: number;
}

/**
 * Exact order statistics of a stream too large to hold, read several times. Each pass is a histogram inside the bin that holds the rank, until few
 * values are left to sort.
 */
function ranks(
  chunks: Chunks,
  map: (v: number) => number,
  first: number,
  second: number,
  min: number,
  max: number,
  filters: Filter[] = [],
): [number, number] {
  let low = min;
  let high = max;
  let k1 = first;
  let k2 = second;
  for (;;) {
    if (!(high > low)) return [low, low];
    const width = high - low;
    const scale = isFinite(BINS / width) && isFinite(width) ? BINS / width : 0;
    if (scale === 0) return [low, high];
    const bins = new Float64Array(BINS);
    let lowest = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    chunks((values) => {
      for (let i = 0; i < values.length; i++) {
        if (!isFinite(values[i])) continue;
        const v = map(values[i]!);
        if (!passes(v, filters)) continue;
        if (v < lowest) lowest = v;
        if (v > highest) highest = v;
        bins[binOf(v, low, scale)]! += 1;
      }
    });
    if (lowest === highest) return [lowest, lowest];
    let seen = 0;
    let bin1 = -1;
    let bin2 = -1;
    let before1 = 0;
    for (let b = 0; b < BINS; b++) {
      const n = bins[b]!;
      if (bin1 < 0 && seen + n > k1) {
        bin1 = b;
        before1 = seen;
      }
      if (seen + n > k2) {
        bin2 = b;
        break;
      }
      seen += n;
    }
    if (bin1 !== bin2) {
      const rest = ranks(chunks, map, k2, k2, low, high, filters)[1];
      return [ranks(chunks, map, k1, k1, low, high, filters)[0], rest];
    }
    filters = [...filters, { low, scale, bin: bin1 }];
    k1 -= before1;
    k2 -= before1;
    if (bins[bin1]! <= COLLECT) {
      const kept = new Float64Array(bins[bin1]!);
      let n = 0;
      chunks((values) => {
        for (let i = 0; i < values.length; i++) {
          if (!isFinite(values[i])) continue;
          const v = map(values[i]!);
          if (passes(v, filters)) kept[n++] = v;
        }
      });
      kept.sort();
      return [kept[k1]!, kept[k2]!];
    }
    const nextLow = Math.max(lowest, low + bin1 / scale);
    const nextHigh = Math.min(highest, low + (bin1 + 1) / scale);
    if (nextLow === low && nextHigh === high) return [nextLow, nextHigh];
    low = nextLow;
    high = nextHigh;
  }
}
/** Bin of a finite value among `count` from `low` on; what lies outside counts in the first or last. */
function binOf(v: number, low: number, scale: number, count = BINS): number {
  const at = (v - low) * scale;
  if (!(at > 0)) return 0;
  return at < count ? at | 0 : count - 1;
}
function passes(v: number, filters: Filter[]): boolean {
  for (let f = 0; f < filters.length; f++) {
    const filter = filters[f]!;
    if (binOf(v, filter.low, filter.scale) !== filter.bin) return false;
  }
  return true;
}

/** Statistics of any run of pixels, exact, in constant memory and about six reads of the data. `each` sees the chunks of the first. */
export function statsOfPixels(
  reader: PixelReader,
  from: number,
  count: number,
  each?: (values: Float64Array, offset: number) => void,
): Basic & { histogram: number[] } {
  const chunks = chunksOf(reader, from, count);
  let finite = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let offset = 0;
  chunks((values) => {
    let part = 0;
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!;
      if (!isFinite(v)) continue;
      finite++;
      part += v;
      if (v < min) min = v;
      if (v > max) max = v;
    }
    sum += part;
    each?.(values, offset);
    offset += values.length;
  });
  const nonfinite = count - finite;
  const histogram = Array.from({ length: 256 }, () => 0);
  if (finite === 0) return { ...EMPTY, nonfinite, histogram };
  const perUnit = max > min ? 256 / (max - min) : 0;
  chunks((values) => {
    for (let i = 0; i < values.length; i++)
      if (isFinite(values[i])) histogram[binOf(values[i]!, min, perUnit, 256)]! += 1;
  });
  const k1 = Math.floor((finite - 1) / 2);
  const k2 = Math.floor(finite / 2);
  const [a, b] = ranks(chunks, (v) => v, k1, k2, min, max);
  const median = a / 2 + b / 2;
  const [c, d] = ranks(
    chunks,
    (v) => (v < median ? median - v : v - median),
    k1,
    k2,
    0,
    Math.max(max - median, median - min),
  );
  return { count: finite, nonfinite, min, max, mean: sum / finite, median, mad: c / 2 + d / 2, histogram };
}

/** The statistics of the contract out of these; what a star pass adds stays null. */
export function toFrameStats(basic: Basic, saturated: number): FrameStats {
  return {
    min: basic.min,
    max: basic.max,
    mean: basic.mean,
    median: basic.median,
    mad: basic.mad,
    nonfinite: basic.nonfinite,
    saturated,
    background: null,
    eccentricity: null,
  };
}
