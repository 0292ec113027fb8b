import { firstImage, bufferSource, FitsError, imageHeader, scanHdus } from '../../frames/fits/index.ts';
import { runPass } from '../../frames/pass/pass.ts';
import { findStars } from '../../frames/pass/stars.ts';
import { generator } from '../support/synthetic.ts';

export interface FuzzResult {
  files: number;
  read: number;
  refused: Record<string, number>;
  slowestMs: number;
  peakRss: number;
}

const DIGITS = Buffer.from("0123456789-+.TF' =E");

/** One mutation: bytes flipped, a header value changed, a part cut out, doubled or filled. */
function mutate(bytes: Buffer, random: () => number): Buffer {
  const pick = (n: number): number => Math.floor(random() * n);
  let out = Buffer.from(bytes);
  const times = 1 + pick(6);
  for (let i = 0; i < times && out.length > 0; i++) {
    switch (pick(7)) {
      case 0:
        out[pick(out.length)] = pick(256);
        break;
      case 1: {
        const card = pick(Math.min(out.length, 8640) / 80) * 80;
        out[card + 10 + pick(20)] = DIGITS[pick(DIGITS.length)]!;
        break;
      }
      case 2:
        out = Buffer.from(out.subarray(0, pick(out.length)));
        break;
      case 3: {
        const at = pick(out.length);
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + pick(3000))]);
        break;
      }
      case 4: {
        const at = pick(out.length);
        out = Buffer.concat([out.subarray(0, at), out.subarray(Math.max(0, at - pick(3000)))]);
        break;
      }
      case 5:
        out.fill(pick(256), pick(out.length), out.length - pick(out.length));
        break;
      default: {
        const card = pick(Math.min(out.length, 5760) / 80) * 80;
        if (card + 10 < out.length)
          out.write(String(pick(2) ? 2 ** pick(60) : pick(100_000)).padStart(20), card + 10, 'latin1');
      }
    }
  }
  return out;
}

/**
 * Reads mutated files as the intake would.
 * @throws whatever is no FitsError: a fault of ours
 */
export function fuzz(seeds: readonly Buffer[], count: number, seed: number): FuzzResult {
  const random = generator(seed);
  const result: FuzzResult = { files: 0, read: 0, refused: {}, slowestMs: 0, peakRss: 0 };
  for (let i = 0; i < count; i++) {
    const bytes = mutate(seeds[i % seeds.length]!, random);
    const started = performance.now();
    try {
      const source = bufferSource(bytes);
      const scan = scanHdus(source);
      const image = firstImage(scan);
      JSON.stringify(imageHeader(scan, image));
      runPass(source, image);
      findStars(source, image);
      result.read++;
    } catch (thrown) {
      if (!(thrown instanceof FitsError)) {
        (thrown as Error).message += ` (mutation ${i} of seed ${seed})`;
        throw thrown;
      }
      result.refused[thrown.code] = (result.refused[thrown.code] ?? 0) + 1;
    }
    result.files++;
    result.slowestMs = Math.max(result.slowestMs, performance.now() - started);
    if (i % 100 === 0) result.peakRss = Math.max(result.peakRss, process.memoryUsage.rss());
  }
  return result;
}
