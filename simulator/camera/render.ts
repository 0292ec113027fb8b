import { createRandom } from '../random.ts';
import { ZERO_POINT, fieldOf, type Field, type FieldRequest } from './deepsky.ts';
import { writeFits, type Card } from './fits.ts';
import { catalogueStars, clusterStars, fieldStars } from './stars.ts';
import { stretched } from './stretch.ts';

/** One picture to take: where, how long, and what the sky and the optics do meanwhile. */
export interface RenderRequest {
  path: string;
  cards: Card[];
  width: number;
  height: number;
  bayer: boolean;
  raDegrees: number;
  decDegrees: number;
  /** Position angle of the frame's up, degrees from north over east. */
  paDegrees: number;
  arcsecPerPixel: number;
  /** Full width at half maximum of a star, in pixels of this frame. */
  fwhmPixels: number;
  exposureSeconds: number;
  /** Light of stars and sky through the filter against no filter. */
  transmission: number;
  /** What the filter lets through of what is not a star. */
  light: FieldRequest['light'];
  /** Sky in ADU per second and pixel. */
  skyRate: number;
  /** Share of the stars' light that clouds let through. */
  transparency: number;
  /** 0 LIGHT, 1 BIAS, 2 DARK, 3 FLAT. */
  type: number;
  temperatureCelsius: number;
  seed: string;
  jpegPixels: number;
}
export interface RenderResult {
  jpeg: Uint8Array<ArrayBuffer> | null;
  jpegWidth: number;
  jpegHeight: number;
  min: number;
  max: number;
  mean: number;
  /** Half-flux diameter of the stars in pixels; a Gaussian's equals its FWHM. 0 without stars. */
  hfd: number;
  stars: number;
}

const BIAS = 500;
const READ_NOISE = 7;
/** Light that the corners lose against the centre. */
const VIGNETTING = 0.2;
/** Glow of the horizon: so much of the sky's light more at one side and less at the other. */
const GLOW = 0.06;
const FLAT_LEVEL = 22_000;
const NOISE_SIZE = 1 << 18;
const unitNoise = ((): Float32Array => {
  const random = createRandom('unit-noise');
  return Float32Array.from({ length: NOISE_SIZE }, () => random.gaussian());
})();
const noise = new Int16Array(NOISE_SIZE);
let pixels = new Uint16Array(0);

/** Draws the frame, writes it as FITS to `path` and makes its JPEG. The pixel buffer is kept for the next frame. */
export async function render(r: RenderRequest): Promise<RenderResult> {
  const { width, height } = r;
  if (pixels.length !== width * height) pixels = new Uint16Array(width * height);
  const random = createRandom(r.seed, 'frame');
  const light = r.type === 0 || r.type === 3;
  const sky = r.type === 3 ? FLAT_LEVEL : Number(light) * r.skyRate * r.transmission * r.exposureSeconds;
  if (light) background(r, sky, r.type === 0 ? fieldOf(r) : null, random);
  else dark(random);
  const found = r.type === 0 ? stars(r, random) : 0;
  hotPixels(r);
  if (r.bayer && light) bayerMatrix(width, height);
  const stats = statistics(width * height);
  const jpeg = r.jpegPixels > 0 ? await preview(width, height, r.jpegPixels) : null;
  writeFits(r, pixels);
  return {
    ...stats,
    ...(jpeg ?? { jpeg: null, jpegWidth: 0, jpegHeight: 0 }),
    stars: found,
    hfd: found > 0 ? r.fwhmPixels * (1 + 0.01 * random.gaussian()) : 0,
  };
}

/** Bias and read noise alone. */
function dark(random: { next(): number }): void {
  for (let i = 0; i < NOISE_SIZE; i++) noise[i] = BIAS + Math.round(unitNoise[i]! * READ_NOISE);
  for (let at = 0, n = 0; at < pixels.length; at++, n++) {
    if (at % 4096 === 0) n = (random.next() * NOISE_SIZE) | 0;
    pixels[at] = noise[n & (NOISE_SIZE - 1)]!;
  }
}

/** Share of the light that reaches column x (or row y) of so many: the product's loss is that of a parabola, and the corners lose all of it. */
const vignetting = (at: number, of: number): number => (VIGNETTING / 2) * (2 * (at / of) - 1) ** 2;

/** Sky, its glow and what glows in it, through optics that darken the corners; photons and the amplifier bring the noise. */
function background(r: RenderRequest, sky: number, field: Field | null, random: { next(): number }): void {
  const { width, height } = r;
  const glow = r.type === 0 ? GLOW * sky : 0;
  const fall = Float32Array.from({ length: width }, (_, x) => vignetting(x, width));
  const across = field ? fieldColumns(field, r) : null;
  const line = new Float32Array(field?.columns ?? 0);
  const gain = r.exposureSeconds * r.transparency;
  const read = READ_NOISE ** 2;
  for (let y = 0, at = 0; y < height; y++) {
    const seen = 1 - vignetting(y, height);
    const base = sky + glow * (2 * (y / height) - 1);
    const slope = (0.6 * glow) / width;
    if (field) fieldLine(field, r, y, gain, line);
    let n = (random.next() * NOISE_SIZE) | 0;
    for (let x = 0; x < width; x++, at++) {
      let light = base + slope * x;
      if (across) {
        const i = across.first[x]!;
        const from = line[i]!;
        light += from + (line[i + 1]! - from) * across.share[x]!;
      }
      light *= seen - fall[x]!;
      const value = BIAS + light + unitNoise[n]! * Math.sqrt(read + light) + 0.5;
      n = (n + 1) & (NOISE_SIZE - 1);
      pixels[at] = value < 0 ? 0 : Math.min(65_535, value);
    }
  }
}
/** The frame is turned by half a turn or not at all (the pier's side). */
const turnOf = (r: RenderRequest): number => (Math.cos((r.paDegrees * Math.PI) / 180) < 0 ? -1 : 1);
/** For each column of the frame the grid's column to its left and the share of the way to the next one. */
function fieldColumns(field: Field, r: RenderRequest): { first: Int32Array; share: Float32Array } {
  const first = new Int32Array(r.width);
  const share = new Float32Array(r.width);
  const turn = turnOf(r);
  for (let x = 0; x < r.width; x++) {
    const column = Math.max(
      0,
      Math.min(field.columns - 1.001, (turn * (x + 0.5 - r.width / 2) + field.dx) / field.step + field.columns / 2),
    );
    first[x] = Math.floor(column);
    share[x] = column - first[x]!;
  }
  return { first, share };
}
/** One row of the frame on the grid's columns, in ADU. */
function fieldLine(field: Field, r: RenderRequest, y: number, gain: number, line: Float32Array): void {
  const row = Math.max(
    0,
    Math.min(field.rows - 1.001, (turnOf(r) * (y + 0.5 - r.height / 2) + field.dy) / field.step + field.rows / 2),
  );
  const above = Math.floor(row) * field.columns;
  const share = row - Math.floor(row);
  const { values, columns } = field;
  for (let i = 0; i < columns; i++) {
    const from = values[above + i]!;
    line[i] = gain * (from + (values[above + columns + i]! - from) * share);
  }
}

/** Gnomonic projection around the pointing (Calabretta and Greisen 2002, §5.1.3), Gaussian stars with their own shot noise. */
function stars(r: RenderRequest, random: { next(): number }): number {
  const { width, height } = r;
  const rad = Math.PI / 180;
  const scale = r.arcsecPerPixel / 3600;
  const radius = (Math.hypot(width, height) / 2) * scale + 0.02;
  const sigma = Math.max(0.5, r.fwhmPixels / 2.3548);
  const rate = ZERO_POINT * r.exposureSeconds * r.transmission * r.transparency;
  const sinDec = Math.sin(r.decDegrees * rad);
  const cosDec = Math.cos(r.decDegrees * rad);
  const sinPa = Math.sin(r.paDegrees * rad);
  const cosPa = Math.cos(r.paDegrees * rad);
  const threshold =
    5 * Math.sqrt(4 * Math.PI) * sigma * Math.sqrt(READ_NOISE ** 2 + r.skyRate * r.transmission * r.exposureSeconds);
  let seen = 0;
  const spot = spotPainter(width, height, random);
  const near = [catalogueStars, fieldStars, clusterStars].map((list) => list(r.raDegrees, r.decDegrees, radius));
  for (const star of near.flat()) {
    const dRa = (star.ra - r.raDegrees) * rad;
    const s = Math.sin(star.dec * rad);
    const c = Math.cos(star.dec * rad);
    const cosc = sinDec * s + cosDec * c * Math.cos(dRa);
    if (cosc <= 0) continue;
    const xi = (c * Math.sin(dRa)) / cosc / rad / scale;
    const eta = (cosDec * s - sinDec * c * Math.cos(dRa)) / cosc / rad / scale;
    const px = width / 2 - (xi * cosPa - eta * sinPa);
    const py = height / 2 - (xi * sinPa + eta * cosPa);
    if (px < -60 || py < -60 || px > width + 60 || py > height + 60) continue;
    const flux = rate * 10 ** (-0.4 * star.mag) * (1 - vignetting(px, width) - vignetting(py, height));
    const peak = flux / (2 * Math.PI * sigma * sigma);
    if (peak < 0.5) continue;
    if (flux > threshold && px >= 0 && py >= 0 && px < width && py < height) seen++;
    spot(px, py, flux, sigma);
    if (peak > HALO_FROM) for (const { share, wide } of HALOS) spot(px, py, flux * share, sigma * wide);
  }
  return seen;
}

/** Stars that saturate have the aureole that optics and air give every star; fainter ones keep their plain profile, so that their half-flux diameter is the seeing's. */
const HALO_FROM = 30_000;
const HALOS = [
  { share: 0.03, wide: 3.5 },
  { share: 0.012, wide: 11 },
] as const;

/** Paints Gaussian spots with their own shot noise into the frame. */
function spotPainter(
  width: number,
  height: number,
  random: { next(): number },
): (px: number, py: number, flux: number, sigma: number) => void {
  let noiseAt = (random.next() * NOISE_SIZE) | 0;
  const ex = new Float64Array(400);
  return (px, py, flux, sigma) => {
    const peak = flux / (2 * Math.PI * sigma * sigma);
    if (peak < 0.5) return;
    const reach = Math.min(190, Math.ceil(sigma * Math.sqrt(2 * Math.log(peak / 0.3))));
    const x0 = Math.max(0, Math.floor(px) - reach);
    const x1 = Math.min(width - 1, Math.floor(px) + reach);
    const y1 = Math.min(height - 1, Math.floor(py) + reach);
    for (let x = x0; x <= x1; x++) ex[x - x0] = Math.exp(-((x + 0.5 - px) ** 2) / (2 * sigma * sigma));
    for (let y = Math.max(0, Math.floor(py) - reach); y <= y1; y++) {
      const row = peak * Math.exp(-((y + 0.5 - py) ** 2) / (2 * sigma * sigma));
      if (row < 0.2) continue;
      for (let x = x0, at = y * width + x0; x <= x1; x++, at++) {
        const value = row * ex[x - x0]!;
        if (value < 0.2) continue;
        noiseAt = (noiseAt + 1) & (NOISE_SIZE - 1);
        const sum = pixels[at]! + value + Math.sqrt(value) * unitNoise[noiseAt]!;
        pixels[at] = sum < 0 ? 0 : Math.min(65_535, sum);
      }
    }
  };
}

/** The same pixels every night: a property of the sensor, brighter when warm and long exposed. */
function hotPixels(r: RenderRequest): void {
  const sensor = createRandom('sensor', r.width, r.height);
  const rate = 12 * 2 ** ((r.temperatureCelsius + 10) / 6);
  for (let i = 0; i < (r.width * r.height) / 20_000; i++) {
    const at = Math.floor(sensor.next() * pixels.length);
    pixels[at] = Math.min(65_535, pixels[at]! + 200 + rate * r.exposureSeconds * sensor.between(1, 30));
  }
}
/** RGGB: red and blue see less of a grey sky than green. */
function bayerMatrix(width: number, height: number): void {
  for (let y = 0; y < height; y++) {
    for (let x = y & 1; x < width; x += 2) {
      const at = y * width + x;
      pixels[at] = BIAS + Math.max(-BIAS, (pixels[at]! - BIAS) * (y & 1 ? 0.6 : 0.75));
    }
  }
}

function statistics(count: number): { min: number; max: number; mean: number } {
  let min = 65_535;
  let max = 0;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const v = pixels[i]!;
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
  }
  return { min, max, mean: Math.round((sum / count) * 100) / 100 };
}

/** Mean over squares, stretched. */
async function preview(
  width: number,
  height: number,
  longest: number,
): Promise<{ jpeg: Uint8Array<ArrayBuffer>; jpegWidth: number; jpegHeight: number }> {
  const factor = Math.max(1, Math.round(Math.max(width, height) / longest));
  const w = Math.max(1, Math.floor(width / factor));
  const h = Math.max(1, Math.floor(height / factor));
  const small = new Float32Array(w * h);
  for (let y = 0; y < h * factor; y++) {
    const row = Math.floor(y / factor) * w;
    for (let x = 0, at = y * width; x < w; x++) {
      let sum = 0;
      for (let k = 0; k < factor; k++) sum += pixels[at++]!;
      small[row + x]! += sum;
    }
  }
  for (let i = 0; i < small.length; i++) small[i]! /= factor * factor;
  return { ...(await stretched(small, w, h)), jpegWidth: w, jpegHeight: h };
}
