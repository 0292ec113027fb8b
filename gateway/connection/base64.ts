import { type PictureBuffers, TOO_LARGE } from './picture-buffers.ts';

/** Value of a base64 character at each of the four places of a group, shifted to where it belongs; negative for anything else. */
const BASE64 = new Int32Array(4 * 256).fill(-1);
for (const [value, character] of [
  ...Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'),
].entries())
  for (let place = 0; place < 4; place++) BASE64[place * 256 + character] = value << (18 - 6 * place);
for (let place = 0; place < 4; place++) {
  BASE64[place * 256 + 0x2d] = BASE64[place * 256 + 0x2b]!;
  BASE64[place * 256 + 0x5f] = BASE64[place * 256 + 0x2f]!;
}
const PAD = 0x3d;

/**
 * Base64 text (either alphabet), in pieces of any size, to bytes; strict but for missing padding. It works on bytes, since Node's decoder wants
 * strings that cost several times as much in garbage collection.
 */
export class Base64Decoder {
  private target: Buffer;
  private used = 0;
  /** The group under way: its value so far, its characters, its padding. */
  private group = 0;
  private count = 0;
  private pads = 0;
  private corrupt = false;
  /** @param buffers where the memory comes from; its own, of the expected size, without it */
  constructor(
    expectedBytes: number,
    private readonly buffers: PictureBuffers | null = null,
  ) {
    this.target = buffers?.take(expectedBytes) ?? Buffer.allocUnsafeSlow(Math.max(expectedBytes, 64));
  }
  push(bytes: Buffer): void {
    const { length } = bytes;
    this.reserve(length);
    let at = 0;
    while (at < length && !this.corrupt) {
      if (this.count === 0 && this.pads === 0) at = this.wholeGroups(bytes, at);
      if (at < length) this.character(bytes[at++]!);
    }
  }
  /** The bytes, or null where the text was not base64. */
  finish(): Buffer | null {
    const { count, pads, target } = this;
    if (this.corrupt || count === 1 || (pads > 0 && count + pads !== 4)) return null;
    if (count >= 2) target[this.used++] = this.group >> 16;
    if (count === 3) target[this.used++] = this.group >> 8;
    if (this.used >= target.length / (2 * TOO_LARGE)) return target.subarray(0, this.used);
    const copy = Buffer.from(target.subarray(0, this.used));
    this.buffers?.give(target);
    return copy;
  }
  private reserve(characters: number): void {
    const need = this.used + (characters >> 2) * 3 + 6;
    if (need <= this.target.length) return;
    const wanted = Math.max(need, this.target.length * 2);
    const bigger = this.buffers?.take(wanted) ?? Buffer.allocUnsafeSlow(wanted);
    this.target.copy(bigger, 0, 0, this.used);
    this.target = bigger;
  }
  private wholeGroups(bytes: Buffer, from: number): number {
    const { target } = this;
    const last = bytes.length - 3;
    let { used } = this;
    let at = from;
    for (; at < last; at += 4) {
      const value =
        BASE64[bytes[at]!]! |
        BASE64[256 + bytes[at + 1]!]! |
        BASE64[512 + bytes[at + 2]!]! |
        BASE64[768 + bytes[at + 3]!]!;
      if (value < 0) break;
      target[used] = value >> 16;
      target[used + 1] = value >> 8;
      target[used + 2] = value;
      used += 3;
    }
    this.used = used;
    return at;
  }
  private character(code: number): void {
    if (code === PAD && this.pads < 2) {
      this.pads++;
      return;
    }
    const value = BASE64[this.count * 256 + code]!;
    if (value < 0 || this.pads > 0) {
      this.corrupt = true;
      return;
    }
    this.group |= value;
    if (++this.count < 4) return;
    const { target, group } = this;
    target[this.used] = group >> 16;
    target[this.used + 1] = group >> 8;
    target[this.used + 2] = group;
    this.used += 3;
    this.group = this.count = 0;
  }
}
