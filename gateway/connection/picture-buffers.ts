const SMALLEST = 256 * 1024;
/** A free buffer more than so many times larger than asked for is let go, so that one huge picture does not stay for ever. */
export const TOO_LARGE = 2;

/**
 * The memory of pictures, used again: two buffers of a size take turns, one being filled while the other is the newest picture. Without
 * this every 20 MB preview is garbage a moment later, and each collection of it holds up whatever comes in meanwhile.
 */
export class PictureBuffers {
  private free: Buffer | null = null;

  /** A buffer of at least this many bytes, whatever they hold. */
  take(bytes: number): Buffer {
    const { free } = this;
    this.free = null;
    const wanted = Math.max(bytes, SMALLEST);
    if (free && free.length >= wanted && free.length <= TOO_LARGE * wanted) return free;
    return Buffer.allocUnsafeSlow(wanted);
  }
  /** Nobody reads this one (or the part of it that a picture was) any more. */
  give(buffer: Buffer): void {
    const whole = Buffer.from(buffer.buffer);
    if (whole.length >= SMALLEST && (!this.free || this.free.length < whole.length)) this.free = whole;
  }
}
