import { createRandom } from '../random.ts';

/** Smooth noise of the plane for clouds of gas and dust: value noise on a lattice, the same for the same seed whoever asks. */
const { floor, abs } = Math;
const SIZE = 256;
const lattice = ((): Float32Array => {
  const random = createRandom('lattice');
  return Float32Array.from({ length: SIZE * SIZE }, () => random.next());
})();

/** One octave in [0, 1] at (x, y); the lattice has a spacing of 1 and repeats after 256. */
export function valueNoise(x: number, y: number): number {
  const x0 = floor(x);
  const y0 = floor(y);
  let fx = x - x0;
  let fy = y - y0;
  fx *= fx * (3 - 2 * fx);
  fy *= fy * (3 - 2 * fy);
  const left = x0 & (SIZE - 1);
  const right = (x0 + 1) & (SIZE - 1);
  const top = (y0 & (SIZE - 1)) << 8;
  const bottom = ((y0 + 1) & (SIZE - 1)) << 8;
  const a = lattice[top + left]!;
  const b = lattice[top + right]!;
  const c = lattice[bottom + left]!;
  const d = lattice[bottom + right]!;
  const upper = a + (b - a) * fx;
  return upper + (c + (d - c) * fx - upper) * fy;
}

/** Fractal sum of octaves in [0, 1], mean ½; each octave is turned against the last, so that the lattice does not show. */
export function fractal(x: number, y: number, octaves: number): number {
  let sum = 0;
  let weight = 0.5;
  let total = 0;
  for (let i = 0; i < octaves; i++) {
    sum += weight * valueNoise(x, y);
    total += weight;
    weight *= 0.55;
    const turned = 1.6 * x + 1.2 * y + 17.3;
    y = 1.6 * y - 1.2 * x + 5.1;
    x = turned;
  }
  return sum / total;
}

/** Sharp ridges, as of filaments and shock fronts, in [0, 1]: near 1 on a ridge. */
export function ridges(x: number, y: number, octaves: number): number {
  let sum = 0;
  let weight = 0.5;
  let total = 0;
  for (let i = 0; i < octaves; i++) {
    const ridge = 1 - abs(2 * valueNoise(x, y) - 1);
    sum += weight * ridge * ridge;
    total += weight;
    weight *= 0.55;
    const turned = 1.6 * x + 1.2 * y + 31.7;
    y = 1.6 * y - 1.2 * x + 11.9;
    x = turned;
  }
  return sum / total;
}
