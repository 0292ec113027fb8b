import { v5 as uuidv5 } from 'uuid';

/** Seeded randomness: the same seed gives the same night. Each use has its own stream, so that one more call here changes nothing there. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  between(low: number, high: number): number;
  /** Normal with mean 0 and deviation 1 (Box–Muller). */
  gaussian(): number;
}

/** FNV-1a with a final avalanche: 32 well-mixed bits of a text. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** mulberry32 behind {@link Random}; `parts` name the stream. */
export function createRandom(...parts: (string | number)[]): Random {
  let state = hash32(parts.join('/'));
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    gaussian: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

/**
 * A slowly wandering value in about [-1, 1] that is a pure function of seed and time: four sines whose periods and phases the seed picks.
 * `periodSeconds` is the longest of them.
 */
export function wander(seed: string, periodSeconds: number): (ms: number) => number {
  const random = createRandom('wander', seed);
  const waves = [1, 0.47, 0.23, 0.11].map((share) => ({
    share,
    omega: (2 * Math.PI) / (periodSeconds * share * random.between(0.8, 1.2) * 1000),
    phase: random.between(0, 2 * Math.PI),
  }));
  const total = waves.reduce((sum, w) => sum + w.share, 0);
  return (ms) => waves.reduce((sum, w) => sum + w.share * Math.sin(w.omega * ms + w.phase), 0) / total;
}

const NAMESPACE = 'a1f6d3a0-5a0e-5a53-9a43-5b1c7c1f9b20';
/** A GUID that follows from its parts alone. */
export const guidOf = (...parts: (string | number)[]): string => uuidv5(parts.join('/'), NAMESPACE);
