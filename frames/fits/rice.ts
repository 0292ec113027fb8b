import { FitsError } from './errors.ts';

/** Bits of a block's split point, and the split that means raw differences, by the bytes of a pixel. */
const SPLITS = new Map([
  [1, { fsBits: 3, fsMax: 6 }],
  [2, { fsBits: 4, fsMax: 14 }],
  [4, { fsBits: 5, fsMax: 25 }],
]);

/**
 * RICE_1 (FITS Standard 4.0, 10.4.1; Rice, Yeh and Miller 1993): blocks of differences, each with its own split point `fs`.
 * The first pixel stands as it is; `fs` all ones means raw differences, zero bits mean a block without change.
 * Writes signed values into `out`; bytes before and behind `input` are never touched.
 * @throws FitsError corrupt when the stream ends early
 */
export function riceDecode(
  input: Uint8Array,
  out: Int32Array,
  count: number,
  bytePix: number,
  blockSize: number,
): void {
  const split = SPLITS.get(bytePix);
  if (!split || blockSize < 1)
    throw new FitsError('unsupported', `RICE_1 with BYTEPIX ${bytePix} and BLOCKSIZE ${blockSize}`);
  const { fsBits, fsMax } = split;
  const rawBits = bytePix * 8;
  if (input.length < bytePix) throw new FitsError('corrupt', 'a RICE_1 tile is empty');
  let last = 0;
  for (let i = 0; i < bytePix; i++) last = (last << 8) | input[i]!;
  let at = bytePix;
  const end = input.length;
  let bits = 0;
  let held = 0;
  const shift = 32 - rawBits;
  const narrow = bytePix === 1 ? (v: number) => v & 0xff : (v: number) => (v << shift) >> shift;
  if (bytePix === 2) last = narrow(last);

  const take = (wanted: number): number => {
    let value = 0;
    let need = wanted;
    while (need > 0) {
      if (held === 0) {
        if (at >= end) throw new FitsError('corrupt', 'a RICE_1 tile ends early');
        bits = input[at++]!;
        held = 8;
      }
      const n = need < held ? need : held;
      value = (value << n) | ((bits >>> (held - n)) & ((1 << n) - 1));
      held -= n;
      need -= n;
    }
    return value >>> 0;
  };

  for (let i = 0; i < count;) {
    const stop = i + blockSize < count ? i + blockSize : count;
    const fs = take(fsBits) - 1;
    if (fs < 0) {
      for (; i < stop; i++) out[i] = last;
    } else if (fs === fsMax) {
      for (; i < stop; i++) {
        const diff = take(rawBits);
        last = narrow(last + ((diff & 1) === 0 ? diff >>> 1 : ~(diff >>> 1)));
        out[i] = last;
      }
    } else if (fs > fsMax) {
      throw new FitsError('corrupt', `a RICE_1 block has the split ${fs}`);
    } else {
      for (; i < stop; i++) {
        let zeros = 0;
        if (held === 0) {
          if (at >= end) throw new FitsError('corrupt', 'a RICE_1 tile ends early');
          bits = input[at++]!;
          held = 8;
        }
        let window = bits & ((1 << held) - 1);
        while (window === 0) {
          zeros += held;
          if (at >= end) throw new FitsError('corrupt', 'a RICE_1 tile ends early');
          window = bits = input[at++]!;
          held = 8;
        }
        const lead = Math.clz32(window) - (32 - held);
        zeros += lead;
        held -= lead + 1;
        let low = 0;
        if (fs > 0) {
          if (fs <= held) {
            held -= fs;
            low = (bits >>> held) & ((1 << fs) - 1);
          } else low = take(fs);
        }
        const diff = ((zeros << fs) | low) >>> 0;
        last = narrow(last + ((diff & 1) === 0 ? diff >>> 1 : ~(diff >>> 1)));
        out[i] = last;
      }
    }
  }
}
