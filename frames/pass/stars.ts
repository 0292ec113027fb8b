import { openPixels, type ByteSource, type ImageHdu, type PixelReader } from '../fits/index.ts';
import { createStarKernel, type StarKernel, saturate } from './star-kernel.ts';
import { measureStars, weightedMedian, type Spot } from './star-shape.ts';
import { estimateSky, SEGMENT, skyRow, type Sky } from './star-sky.ts';

/** What a star pass finds on the full frame. */
export interface StarMetrics {
  count: number;
  /** Median half-flux diameter of the measured stars, pixels; null with fewer than five of them. */
  hfd: number | null;
  /** Median eccentricity from second moments; null likewise. */
  eccentricity: number | null;
  /** Median sky level and its noise (physical units). */
  background: number;
  noise: number;
}

export interface StarOptions {
  /** Detection threshold in standard deviations of the filtered image. */
  sigma?: number;
  kernel?: 'wasm' | 'js';
}

const THRESHOLD_SIGMA = 5;
const MIN_AREA = 5;
/** Noise of an image filtered with [1 2 1; 2 4 2; 1 2 1] over that of the raw one is 6; over 16 it is that of the mean. */
const KERNEL_SUM = 16;
const KERNEL_NORM = 6;
/** A pixel that holds more than this part of its neighbourhood stands alone: hot, or a cosmic ray. A star of FWHM 1.5 has 0.42. */
const SHARPEST = 0.33;
const MAX_WIDTH = 200_000;
const MAX_PIXELS = 400 * 1024 * 1024;
const BAND_BYTES = 1 << 20;
/** Threshold in the kernel's 16-bit units is kept below this, so that saturating sums never hide a hit. */
const MAX_THRESHOLD = 20_000;
/** Units of one standard deviation where the pixels are no 16-bit numbers. */
const UNITS_PER_SIGMA = 100;
/** Levels above this are taken for saturated and not measured while others are there. */
const SATURATED_LEVEL = 62_000;

/**
 * Finds stars on the first plane and measures the brightest. Sky: median of 128 × 128 meshes, smoothed 3 × 3, interpolated between
 * their centres; noise: median of the meshes' lower deviations (stars do not raise it). A star is a group of at least five touching
 * pixels that are over 5 σ in the image filtered with [1 2 1; 2 4 2; 1 2 1], SExtractor's default. Null where the image is no frame
 * (smaller than 16 pixels, or without noise).
 */
export function findStars(source: ByteSource, image: ImageHdu, options: StarOptions = {}): StarMetrics | null {
  const { width, height } = image;
  if (width < 16 || height < 16 || width > MAX_WIDTH || width * height > MAX_PIXELS) return null;
  const reader = openPixels(source, image);
  const sky = estimateSky(reader, width, height);
  if (sky === null) return null;
  const { background, noise } = sky;
  if (!(noise > 0)) return { count: 0, hfd: null, eccentricity: null, background, noise: 0 };
  const found = detect(source, image, reader, sky, options);
  const unsaturated = found.filter((spot) => !spot.saturated);
  const shapes = measureStars(reader, width, height, unsaturated.length >= 10 ? unsaturated : found, noise);
  return {
    count: found.length,
    hfd: weightedMedian(shapes.map((s) => [s.hfd, s.weight])),
    eccentricity: weightedMedian(shapes.map((s) => [s.eccentricity, s.weight])),
    background,
    noise,
  };
}

/** Rows between two computations of the interpolated sky. */
const SKY_STEP = 32;

interface Group {
  area: number;
  flux: number;
  sx: number;
  sy: number;
  peak: number;
  /** Filtered value at the peak over the peak. */
  spread: number;
  saturated: boolean;
}

/** Fills the kernel's rows one after another and says what a unit of theirs is. */
interface RowFeed {
  threshold: number;
  kernel: StarKernel;
  feed: (y: number, slot: number) => void;
  /** Whether a prepared value at this place means a saturated pixel. */
  saturated: (value: number, x: number) => boolean;
  /** What the row's whole numbers left of the sky in a prepared value at this place. */
  rest: (x: number) => number;
}

function detect(source: ByteSource, image: ImageHdu, reader: PixelReader, sky: Sky, options: StarOptions): Spot[] {
  const { width, height } = image;
  const sigma = options.sigma ?? THRESHOLD_SIGMA;
  const plain = image.bitpix === 16 && !image.tiling && image.blank === null && image.bscale > 0;
  const { kernel, threshold, feed, saturated, rest } = plain
    ? bandFeed(source, image, sky, sigma, options.kernel)
    : valueFeed(reader, width, height, sky, sigma, options.kernel);

  const groups: Group[] = [];
  const parent: number[] = [];
  const root = (i: number): number => {
    let r = i;
    while (parent[r] !== r) r = parent[r] = parent[parent[r]!]!;
    return r;
  };
  let before: number[] = [];
  let now: number[] = [];
  const { hits } = kernel;

  for (let y = 0; y < height; y++) {
    feed(y, y % 3);
    if (y < 2) continue;
    const at = y - 1;
    const above = kernel.rows[(y - 2) % 3]!;
    const here = kernel.rows[at % 3]!;
    const below = kernel.rows[y % 3]!;
    const n = kernel.filter((y - 2) % 3, at % 3, y % 3, threshold);
    [before, now] = [now, before];
    now.length = 0;
    let cursor = 0;
    let start = -1;
    let end = -2;
    const close = (): void => {
      if (start < 0) return;
      let id = -1;
      while (cursor < before.length && before[cursor + 1]! < start - 1) cursor += 3;
      for (let c = cursor; c < before.length && before[c]! <= end + 1; c += 3) {
        const r = root(before[c + 2]!);
        if (id < 0) id = r;
        else if (r !== id) {
          merge(groups[id]!, groups[r]!);
          parent[r] = id;
        }
      }
      if (id < 0) {
        id = groups.length;
        parent.push(id);
        groups.push({ area: 0, flux: 0, sx: 0, sy: 0, peak: -1, spread: 0, saturated: false });
      }
      const group = groups[id]!;
      for (let x = start; x <= end; x++) {
        const v = here[x]!;
        const weight = v > 0 ? v : 0;
        group.area++;
        group.flux += weight;
        group.sx += weight * x;
        group.sy += weight * at;
        if (v > group.peak) {
          group.peak = v;
          const sum =
            above[x - 1]! +
            above[x + 1]! +
            below[x - 1]! +
            below[x + 1]! +
            2 * (above[x]! + below[x]! + here[x - 1]! + here[x + 1]!) +
            4 * v;
          const left = rest(x);
          group.spread = (sum / KERNEL_SUM - left) / (v - left);
          group.saturated ||= saturated(v, x);
        }
      }
      now.push(start, end, id);
    };
    for (let h = 0; h < n; h++) {
      const word = hits[h]!;
      const base = word >>> 8;
      for (let mask = word & 255; mask !== 0; mask &= mask - 1) {
        const x = base + 31 - Math.clz32(mask & -mask);
        if (x === 0 || x >= width - 1) continue;
        if (x === end + 1) end = x;
        else {
          close();
          start = end = x;
        }
      }
    }
    close();
  }
  return groups
    .filter((group, i) => parent[i] === i && group.area >= MIN_AREA && group.flux > 0 && group.spread > SHARPEST)
    .map((group) => ({
      x: group.sx / group.flux,
      y: group.sy / group.flux,
      flux: (group.flux / threshold) * sigma * KERNEL_NORM,
      area: group.area,
      saturated: group.saturated,
    }));
}

function merge(into: Group, from: Group): void {
  into.area += from.area;
  into.flux += from.flux;
  into.sx += from.sx;
  into.sy += from.sy;
  into.saturated ||= from.saturated;
  if (from.peak > into.peak) {
    into.peak = from.peak;
    into.spread = from.spread;
  }
}

function bandFeed(source: ByteSource, image: ImageHdu, sky: Sky, sigma: number, mode?: 'wasm' | 'js'): RowFeed {
  const { width, height, bscale, bzero } = image;
  const bandRows = Math.max(1, Math.min(height, Math.floor(BAND_BYTES / (width * 2))));
  const kernel = createStarKernel(width, bandRows, mode);
  const exact = (sigma * KERNEL_NORM * sky.noise) / bscale;
  const shift = Math.max(0, Math.ceil(Math.log2(exact / MAX_THRESHOLD)));
  const row = new Float64Array(width);
  let first = -1;
  return {
    kernel,
    threshold: Math.max(1, Math.round(exact / 2 ** shift)),
    feed: (y, slot) => {
      const band = Math.floor(y / bandRows) * bandRows;
      if (band !== first) {
        first = band;
        source.read(kernel.band, image.dataStart + band * width * 2, Math.min(bandRows, height - band) * width * 2);
      }
      if (y % SKY_STEP === 0) {
        skyRow(sky, width, height, y + SKY_STEP / 2, row);
        for (let x = 0; x < width; x++)
          kernel.sky[x] = Math.max(-32_768, Math.min(32_767, Math.round((row[x]! - bzero) / bscale)));
      }
      kernel.prepare(y - band, slot, shift);
    },
    saturated: (value, x) => value * 2 ** shift + kernel.sky[x]! + 32_768 >= SATURATED_LEVEL,
    // The shift rounds down, by half a unit in the mean.
    rest: (x) => ((row[x]! - bzero) / bscale - kernel.sky[x]!) / 2 ** shift - (shift > 0 ? 0.5 : 0),
  };
}

function valueFeed(
  reader: PixelReader,
  width: number,
  height: number,
  sky: Sky,
  sigma: number,
  mode?: 'wasm' | 'js',
): RowFeed {
  const kernel = createStarKernel(width, 1, mode);
  const unit = UNITS_PER_SIGMA / sky.noise;
  const row = new Float64Array(width);
  return {
    kernel,
    threshold: Math.round(sigma * KERNEL_NORM * UNITS_PER_SIGMA),
    feed: (y, slot) => {
      if (y % SKY_STEP === 0) skyRow(sky, width, height, y + SKY_STEP / 2, row);
      const target = kernel.rows[slot]!;
      for (let from = 0; from < width; from += SEGMENT) {
        const n = Math.min(SEGMENT, width - from);
        const values = reader.physical(y * width + from, n);
        for (let x = 0; x < n; x++) {
          const v = (values[x]! - row[from + x]!) * unit;
          target[from + x] = saturate(Math.round(v));
        }
      }
    },
    saturated: () => false,
    rest: () => 0,
  };
}
