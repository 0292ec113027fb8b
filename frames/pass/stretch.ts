import type { Reduced } from './reduce.ts';

/** Midtones transfer function: 0 → 0, m → ½, 1 → 1 (XISF 1.0 §8.5.6; formula in docs of PixInsight's STF). */
export function mtf(m: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  return ((m - 1) * x) / ((2 * m - 1) * x - m);
}

/** Median and MAD of one channel with the range that maps to [0, 1]. */
export interface ChannelLevels {
  median: number;
  mad: number;
}
export interface StretchParameters {
  c0: number;
  c1: number;
  m: number;
}
const CLIP = 2.8;
const TARGET = 0.25;
/** MAD of a normal distribution times this is its standard deviation. */
const MADN = 1.4826;

/** PixInsight's AutoSTF over values in [0, 1]; several channels are linked: averages of clipping points and medians. */
export function autoStretch(levels: readonly ChannelLevels[]): StretchParameters {
  const clamp = (v: number): number => Math.max(0, Math.min(1, v));
  const n = levels.length;
  const mean = (f: (l: ChannelLevels) => number): number => levels.reduce((sum, l) => sum + f(l), 0) / n;
  const inverted = levels.filter((l) => l.median > 0.5).length >= n / 2 && levels.some((l) => l.median > 0.5);
  const median = mean((l) => l.median);
  if (!inverted) {
    const c0 = mean((l) => (l.mad === 0 ? 0 : clamp(l.median - CLIP * MADN * l.mad)));
    return { c0, c1: 1, m: mtf(TARGET, median - c0) };
  }
  const c1 = mean((l) => (l.mad === 0 ? 1 : clamp(l.median + CLIP * MADN * l.mad)));
  return { c0: 0, c1, m: 1 - mtf(TARGET, c1 - median) };
}

export interface Stretched {
  width: number;
  height: number;
  channels: 1 | 3;
  pixels: Uint8Array;
}

/** The shade of a level from 0 to 65,535: black below and where there is none, white from the top on. */
export function shadeOf(table: Uint8Array, level: number): number {
  if (level >= 65_535) return 255;
  return level >= 0 ? table[level | 0]! : 0;
}

/** 8-bit values by level, the range's low end at 0 and its high end at 65,535. */
export function stretchTable({ c0, c1, m }: StretchParameters): Uint8Array {
  const table = new Uint8Array(65_536);
  const span = c1 > c0 ? c1 - c0 : 1;
  for (let i = 0; i < table.length; i++) table[i] = Math.round(255 * mtf(m, (i / 65_535 - c0) / span));
  return table;
}

/** Linear means → 8-bit picture: black where NaN, turned over where the rows run bottom-up. */
export function stretch(
  reduced: Reduced,
  parameters: StretchParameters,
  low: number,
  high: number,
  flip: boolean,
): Stretched {
  const { width, height } = reduced;
  const channels = reduced.channels.length === 3 ? 3 : 1;
  const pixels = new Uint8Array(width * height * channels);
  const table = stretchTable(parameters);
  const unit = high > low ? 65_535 / (high - low) : 0;
  for (let c = 0; c < channels; c++) {
    const values = reduced.channels[c]!;
    for (let y = 0; y < height; y++) {
      let from = (flip ? height - 1 - y : y) * width;
      let to = y * width * channels + c;
      for (let x = 0; x < width; x++, from++, to += channels) {
        const level = (values[from]! - low) * unit + 0.5;
        pixels[to] = shadeOf(table, level);
      }
    }
  }
  return { width, height, channels, pixels };
}
