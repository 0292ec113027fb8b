/** Pixels handed out at a time; bounds every buffer, whatever the header says. */
export const CHUNK_PIXELS = 1 << 17;

/**
 * The pixels of an image as one run, x fastest, then y, then plane, in file order (the first row is the bottom one unless ROWORDER
 * says otherwise). Buffers handed out are used again by the next call.
 */
export interface PixelReader {
  readonly total: number;
  /** True where every stored value fits into 16 bits: `integers` works. */
  readonly narrow: boolean;
  /** Physical values (BSCALE and BZERO applied); NaN for BLANK and for what was NaN. */
  physical(start: number, count: number): Float64Array;
  /** Stored integers before BSCALE and BZERO. @throws when not `narrow` */
  integers(start: number, count: number): Int32Array;
}
