import type { PixelReader } from '../fits/index.ts';

/** A found star: flux-weighted centre (0-based pixels), summed flux in standard deviations of the sky. */
export interface Spot {
  x: number;
  y: number;
  flux: number;
  area: number;
  saturated: boolean;
}
export interface StarShape {
  /** Half-flux diameter, pixels. */
  hfd: number;
  /** √(1 − b²/a²) of the ellipse of second moments. */
  eccentricity: number;
  /** Brighter stars tell more, up to a point. */
  weight: number;
}

/** Fewer measured stars than this tell nothing of a frame: two of them may be a double star and a galaxy. */
export const FEWEST_STARS = 5;
/** Flux in the aperture over its own error; below it the diameter is that of the noise. */
const MIN_SIGNAL = 10;
/** A diameter over this part of the aperture's radius is cut by the aperture and not believed. */
const CUT_BY_APERTURE = 0.5;

const MAX_MEASURED = 150;
/** Fainter stars (flux in sky deviations, about 50 times the noise of a usual aperture) would measure the noise; but at least so many. */
const BRIGHT_FLUX = 1_200;
const AT_LEAST = 20;
const FULL_WEIGHT = 5_000;
/** Flux of a neighbour that disturbs, as a share of the star's own: the strictest that leaves enough stars. */
const NEIGHBOURS = [0.01, 0.05];
const FIRST_LOOK = 24;
/** Apertures of the first look, from the one for wide stars to the one for faint stars. */
const FIRST_RADII = [24, 14, 8];
const MIN_RADIUS = 8;
const MAX_RADIUS = 48;
/** Aperture radius in half-flux diameters: holds 97 % or more of a Moffat profile with β 2.5, nearly all with β 3 and over. */
const APERTURE = 3.5;
const RING = 4;

/**
 * Measures the brightest stars. The half-flux diameter is that of the circle round the flux-weighted centre that holds half of the flux
 * within an aperture of 3.5 half-flux diameters (so ASTAP and SEP; NINA's HFR is another quantity). The aperture is found from a first
 * look at a few stars. Stars at the frame's edge, with a neighbour in the aperture, too faint for it or sharper than light can be are
 * left out; with fewer than five of the others the list is empty.
 */
export function measureStars(
  reader: PixelReader,
  width: number,
  height: number,
  spots: readonly Spot[],
  noise: number,
): StarShape[] {
  const sorted = spots.toSorted((a, b) => b.flux - a.flux);
  const brightest = sorted.filter((spot, i) => i < AT_LEAST || spot.flux > BRIGHT_FLUX);
  const measure = (radius: number, wanted: number): StarShape[] => {
    const chosen = NEIGHBOURS.map((share) => brightest.filter((spot) => isLonely(spot, sorted, radius, share)));
    const shapes: StarShape[] = [];
    for (const spot of (chosen.find((lonely) => lonely.length >= 8) ?? brightest).slice(0, wanted)) {
      const stamp = cut(reader, width, height, spot, radius + RING);
      const shape = stamp ? shapeOf(stamp, radius, noise) : null;
      if (shape) shapes.push({ ...shape, weight: Math.min(spot.flux, FULL_WEIGHT) });
    }
    return shapes;
  };
  const widest = Math.floor(Math.min(width, height) / 4);
  for (const radius of FIRST_RADII) {
    const first = measure(Math.min(radius, widest), FIRST_LOOK);
    if (first.length < FEWEST_STARS) continue;
    const guess = weightedMedian(first.map((s) => [s.hfd, s.weight]))!;
    const shapes = measure(Math.round(Math.max(MIN_RADIUS, Math.min(MAX_RADIUS, APERTURE * guess))), MAX_MEASURED);
    if (shapes.length >= FEWEST_STARS) return shapes;
  }
  return [];
}

/** The value at which half of the weight is reached; null without values. */
export function weightedMedian(values: readonly (readonly [value: number, weight: number])[]): number | null {
  const sorted = values.filter(([value]) => Number.isFinite(value)).sort((a, b) => a[0] - b[0]);
  const half = sorted.reduce((sum, [, weight]) => sum + weight, 0) / 2;
  let seen = 0;
  for (const [value, weight] of sorted) if ((seen += weight) >= half) return value;
  return null;
}

/**
 * A quantile of sorted numbers. Where several are equal, as integers are, each stands for values spread evenly over the step between
 * them, so that the result is not bound to whole numbers.
 */
export function quantileOfSorted(sorted: Float64Array, share: number): number {
  const n = sorted.length;
  const value = sorted[Math.min(n - 1, Math.floor(n * share))]!;
  let first = Math.floor(n * share);
  let last = Math.min(n - 1, first);
  while (first > 0 && sorted[first - 1] === value) first--;
  while (last < n - 1 && sorted[last + 1] === value) last++;
  const equal = last - first + 1;
  if (equal === 1) return value;
  const step = Math.min(
    first > 0 ? value - sorted[first - 1]! : Number.POSITIVE_INFINITY,
    last < n - 1 ? sorted[last + 1]! - value : Number.POSITIVE_INFINITY,
  );
  return Number.isFinite(step) ? value + step * ((n * share - first) / equal - 0.5) : value;
}
const medianOfSorted = (sorted: Float64Array): number => quantileOfSorted(sorted, 0.5);

/** No other star of this share of its flux within the aperture. */
function isLonely(spot: Spot, sorted: readonly Spot[], radius: number, share: number): boolean {
  for (const other of sorted) {
    if (other.flux < spot.flux * share) return true;
    if (other !== spot && Math.abs(other.x - spot.x) < radius && Math.abs(other.y - spot.y) < radius) return false;
  }
  return true;
}

interface Stamp {
  values: Float64Array;
  side: number;
  x: number;
  y: number;
}

function cut(reader: PixelReader, width: number, height: number, spot: Spot, reach: number): Stamp | null {
  const cx = Math.round(spot.x);
  const cy = Math.round(spot.y);
  if (cx < reach || cy < reach || cx >= width - reach || cy >= height - reach) return null;
  const side = 2 * reach + 1;
  const values = new Float64Array(side * side);
  for (let r = 0; r < side; r++) values.set(reader.physical((cy - reach + r) * width + cx - reach, side), r * side);
  return { values, side, x: spot.x - cx + reach, y: spot.y - cy + reach };
}

function shapeOf(stamp: Stamp, radius: number, noise: number): Omit<StarShape, 'weight'> | null {
  const { values, side } = stamp;
  const ring = new Float64Array(side * side);
  const inner2 = radius * radius;
  const outer2 = (radius + RING) ** 2;
  let n = 0;
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const dx = x - stamp.x;
      const dy = y - stamp.y;
      const r2 = dx * dx + dy * dy;
      const v = values[y * side + x]!;
      if (r2 > inner2 && r2 <= outer2 && v === v) ring[n++] = v;
    }
  if (n < 8) return null;
  const { level: base, error: baseError } = skyOf(ring.subarray(0, n), noise);
  let { x: cx, y: cy } = stamp;
  for (let pass = 0; pass < 3; pass++) {
    let flux = 0;
    let sx = 0;
    let sy = 0;
    const reach = Math.max(4, radius / 2);
    const [y0, y1] = [Math.max(0, Math.floor(cy - reach)), Math.min(side - 1, Math.ceil(cy + reach))];
    const [x0, x1] = [Math.max(0, Math.floor(cx - reach)), Math.min(side - 1, Math.ceil(cx + reach))];
    for (let y = y0; y <= y1; y++)
      for (let x = x0; x <= x1; x++) {
        const v = values[y * side + x]! - base;
        if (!(v > 3 * noise) || (x - cx) ** 2 + (y - cy) ** 2 > reach * reach) continue;
        flux += v;
        sx += v * x;
        sy += v * y;
      }
    if (!(flux > 0)) return null;
    cx = sx / flux;
    cy = sy / flux;
  }
  const growth = growthCurve(values, side, cx, cy, base, radius);
  const total = growth.at(-1)!;
  const area = Math.PI * inner2;
  if (!(total > MIN_SIGNAL * Math.sqrt(area * noise * noise + (area * baseError) ** 2))) return null;
  let half = 0;
  for (let i = 1; i < growth.length; i++)
    if (growth[i]! >= total / 2) {
      const rise = growth[i]! - growth[i - 1]!;
      half = (i - 1 + (rise > 0 ? (total / 2 - growth[i - 1]!) / rise : 0)) * STEP;
      break;
    }
  if (half < 0.75 || 2 * half > CUT_BY_APERTURE * radius) return null;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  let weight = 0;
  const reach2 = (3 * half) ** 2;
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const v = values[y * side + x]! - base;
      const dx = x - cx;
      const dy = y - cy;
      if (!(v > 3 * noise) || dx * dx + dy * dy > reach2) continue;
      weight += v;
      xx += v * dx * dx;
      yy += v * dy * dy;
      xy += v * dx * dy;
    }
  if (!(weight > 0)) return null;
  const spread = Math.sqrt(((xx - yy) / 2) ** 2 + xy ** 2);
  const major = (xx + yy) / 2 + spread;
  const minor = (xx + yy) / 2 - spread;
  return {
    hfd: Math.sqrt(Math.max(0.25, (2 * half) ** 2 - PIXEL_SMEAR)),
    eccentricity: major > 0 ? Math.sqrt(Math.max(0, 1 - Math.max(0, minor) / major)) : 0,
  };
}

/**
 * Sky under a star out of the ring around it: the mean of what lies within three deviations of the median. The median alone is a whole
 * number where pixels are, and half a level too little or too much over a whole aperture outweighs a faint star.
 */
function skyOf(ring: Float64Array, noise: number): { level: number; error: number } {
  const median = medianOfSorted(ring.sort());
  let sum = 0;
  let n = 0;
  for (const value of ring)
    if (Math.abs(value - median) <= 3 * noise) {
      sum += value;
      n++;
    }
  return n < 8 ? { level: median, error: noise } : { level: sum / n, error: noise / Math.sqrt(n) };
}

/**
 * What the pixel grid adds to the square of the diameter. An even square smears by (2·√(2·ln 2))²/12 for a round profile: once when the
 * growth curve divides pixels into equal parts, and up to once more when the camera gathers light over the whole pixel. The mean of both
 * ends is taken off, which leaves under 1 % from a FWHM of 2.5 pixels on.
 */
const PIXEL_SMEAR = (1.5 * 8 * Math.LN2) / 12;

/** Resolution of the growth curve, pixels, and parts of a pixel's side. */
const STEP = 0.25;
const PARTS = 4;

/** Flux within circles of growing radius; each pixel is divided into 4 × 4 parts. */
function growthCurve(
  values: Float64Array,
  side: number,
  cx: number,
  cy: number,
  base: number,
  radius: number,
): Float64Array {
  const bins = new Float64Array(Math.floor(radius / STEP) + 1);
  const last = bins.length;
  const share = 1 / (PARTS * PARTS);
  const outer = (radius + 1) ** 2;
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const dx = x - cx;
      const dy = y - cy;
      if (dx * dx + dy * dy > outer) continue;
      const v = (values[y * side + x]! - base) * share;
      if (v !== v) continue;
      for (let j = 0; j < PARTS; j++) {
        const py = dy + (j + 0.5) / PARTS - 0.5;
        for (let i = 0; i < PARTS; i++) {
          const px = dx + (i + 0.5) / PARTS - 0.5;
          const bin = ((Math.sqrt(px * px + py * py) / STEP) | 0) + 1;
          if (bin < last) bins[bin]! += v;
        }
      }
    }
  for (let i = 1; i < last; i++) bins[i]! += bins[i - 1]!;
  return bins;
}
