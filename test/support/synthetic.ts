import { writeFits16, type WritableValue } from '../../frames/fits/writer.ts';

/** What is put into a synthetic star field. */
export interface FieldOptions {
  width: number;
  height: number;
  seed: number;
  stars: number;
  /** Full width at half maximum of the Moffat profile, pixels, and its exponent. */
  fwhm: number;
  beta: number;
  /** Sky level and its noise (standard deviation), levels. */
  sky?: number;
  noise?: number;
  hotPixels?: number;
  /** Faintest and brightest peak over the sky; fluxes follow a power law as star counts do. */
  faintest?: number;
  brightest?: number;
  cards?: [string, WritableValue][];
}

/** A small fast generator (xorshift32); the same seed gives the same field on every machine. */
export function generator(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

/** Half-flux diameter of a Moffat profile: half of the flux lies within r = α·√(2^(1/(β−1)) − 1), with α = FWHM / (2·√(2^(1/β) − 1)). */
export function moffatHalfFluxDiameter(fwhm: number, beta: number): number {
  const alpha = fwhm / (2 * Math.sqrt(2 ** (1 / beta) - 1));
  return 2 * alpha * Math.sqrt(2 ** (1 / (beta - 1)) - 1);
}

/** Levels of a star field: sky, noise, Moffat stars averaged over 5 × 5 points per pixel, hot pixels. */
export function starField(options: FieldOptions): Uint16Array {
  const {
    width,
    height,
    seed,
    stars,
    fwhm,
    beta,
    sky = 1600,
    noise = 130,
    hotPixels = 0,
    faintest = 300,
    brightest = 45_000,
  } = options;
  const random = generator(seed);
  const pixels = new Uint16Array(width * height);
  const table = new Int16Array(65_536);
  for (let i = 0; i < table.length; i++) {
    let sum = 0;
    for (let k = 0; k < 12; k++) sum += random();
    table[i] = Math.round((sum - 6) * noise);
  }
  let state = (seed * 747796405 + 1) >>> 0;
  for (let i = 0; i < pixels.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    pixels[i] = sky + table[state & 65_535]!;
  }
  const alpha = fwhm / (2 * Math.sqrt(2 ** (1 / beta) - 1));
  const reach = Math.ceil(fwhm * 4);
  for (let s = 0; s < stars; s++) {
    const peak = Math.min(brightest, faintest * random() ** -0.9);
    const cx = reach + random() * (width - 2 * reach);
    const cy = reach + random() * (height - 2 * reach);
    const x0 = Math.round(cx);
    const y0 = Math.round(cy);
    for (let y = Math.max(0, y0 - reach); y <= Math.min(height - 1, y0 + reach); y++)
      for (let x = Math.max(0, x0 - reach); x <= Math.min(width - 1, x0 + reach); x++) {
        const near = Math.abs(x - cx) < 4 && Math.abs(y - cy) < 4;
        let value = 0;
        if (near) {
          for (let j = -2; j <= 2; j++)
            for (let i = -2; i <= 2; i++)
              value += (1 + ((x + i / 5 - cx) ** 2 + (y + j / 5 - cy) ** 2) / alpha ** 2) ** -beta;
          value /= 25;
        } else value = (1 + ((x - cx) ** 2 + (y - cy) ** 2) / alpha ** 2) ** -beta;
        const at = y * width + x;
        pixels[at] = Math.min(65_535, pixels[at]! + Math.round(peak * value));
      }
  }
  for (let h = 0; h < hotPixels; h++)
    pixels[Math.floor(random() * pixels.length)] = 20_000 + Math.floor(random() * 40_000);
  return pixels;
}

export function starFieldFits(options: FieldOptions): Buffer {
  return writeFits16(
    options.width,
    options.height,
    [starField(options)],
    [['IMAGETYP', 'LIGHT'], ['EXPTIME', 60], ...(options.cards ?? [])],
  );
}
