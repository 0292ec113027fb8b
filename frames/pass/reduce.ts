import type { Mosaic } from './colour.ts';

/** Longest side of a preview in pixels. */
export const PREVIEW_SIDE = 1600;

/** Whole-number reduction that brings the longest side nearest to 1,600; a colour sensor is reduced in steps of its 2×2 cell. */
export function reductionOf(width: number, height: number, mosaic: boolean, side = PREVIEW_SIDE): number {
  const longest = Math.max(width, height);
  return mosaic ? 2 * Math.max(1, Math.round(longest / 2 / side)) : Math.max(1, Math.round(longest / side));
}

/** A reduced image: linear means of boxes, one Float32Array per channel; NaN where a box held no value. */
export interface Reduced {
  width: number;
  height: number;
  factor: number;
  channels: Float32Array[];
}

/**
 * Box means over `factor` × `factor` pixels, by colour for a colour sensor; rows come in order. Boxes cut by the right and upper edges are left
 * out, unless the image is smaller than one.
 */
export class BoxReducer {
  readonly result: Reduced;
  private readonly mosaic: Mosaic | null;
  private readonly boxRows: number;
  private readonly boxColumns: number;
  private readonly height: number;
  private y = 0;
  constructor(width: number, height: number, factor: number, mosaic: Mosaic | null) {
    this.mosaic = mosaic;
    this.height = height;
    this.boxColumns = Math.min(factor, width);
    this.boxRows = Math.min(factor, height);
    const w = Math.floor(width / this.boxColumns);
    const h = Math.floor(height / this.boxRows);
    this.result = {
      width: w,
      height: h,
      factor,
      channels: Array.from({ length: mosaic ? 3 : 1 }, () => new Float32Array(w * h)),
    };
  }
  /** Rows in one box; the caller gathers column sums over this many rows before `flush`. */
  get rowsPerBox(): number {
    return this.boxRows;
  }
  /**
   * One row of boxes out of column sums: `even` and `odd` are the sums over the box's even and odd rows (a mono image puts all into
   * `even`), `evenCounts`/`oddCounts` the numbers of values in them, or null where every pixel has one.
   */
  flush(
    even: ArrayLike<number>,
    odd: ArrayLike<number>,
    evenCounts: ArrayLike<number> | null,
    oddCounts: ArrayLike<number> | null,
    offset: number,
    scale: number,
  ): void {
    const { result, mosaic, boxColumns, boxRows } = this;
    if (this.y >= result.height) return;
    const base = this.y * result.width;
    if (!mosaic) {
      const out = result.channels[0]!.subarray(base, base + result.width);
      if (even instanceof Uint32Array && !evenCounts) foldLevels(even, boxColumns, boxRows, offset, scale, out);
      else
        for (let i = 0, x = 0; i < result.width; i++) {
          let sum = 0;
          let n = evenCounts ? 0 : boxColumns * boxRows;
          for (let c = 0; c < boxColumns; c++, x++) {
            sum += even[x]!;
            if (evenCounts) n += evenCounts[x]!;
          }
          out[i] = n > 0 ? offset + (sum / n) * scale : Number.NaN;
        }
    } else if (even instanceof Uint32Array && odd instanceof Uint32Array && !evenCounts) {
      foldMosaic(even, odd, mosaic, boxColumns, boxRows, offset, scale, base, result);
    } else {
      const sums = [0, 0, 0];
      const counts = [0, 0, 0];
      const evenRows = Math.ceil(boxRows / 2);
      const oddRows = boxRows - evenRows;
      for (let i = 0, x = 0; i < result.width; i++) {
        sums.fill(0);
        counts.fill(0);
        for (let c = 0; c < boxColumns; c++, x++) {
          const top = mosaic[x & 1]!;
          const bottom = mosaic[2 + (x & 1)]!;
          sums[top]! += even[x]!;
          counts[top]! += evenCounts ? evenCounts[x]! : evenRows;
          sums[bottom]! += odd[x]!;
          counts[bottom]! += oddCounts ? oddCounts[x]! : oddRows;
        }
        for (let k = 0; k < 3; k++)
          result.channels[k]![base + i] = counts[k]! > 0 ? offset + (sums[k]! / counts[k]!) * scale : Number.NaN;
      }
    }
    this.y++;
  }
}

/** One row of mono boxes out of whole sums; by itself, since a loop that meets one kind of array alone is three times as fast. */
function foldLevels(
  sums: Uint32Array,
  columns: number,
  rows: number,
  offset: number,
  scale: number,
  out: Float32Array,
): void {
  const n = columns * rows;
  for (let i = 0, x = 0; i < out.length; i++) {
    let sum = 0;
    for (const end = x + columns; x < end; x++) sum += sums[x]!;
    out[i] = offset + (sum / n) * scale;
  }
}

/** One row of colour boxes out of whole sums: the four positions of the cell each by themselves, then by colour. */
function foldMosaic(
  even: Uint32Array,
  odd: Uint32Array,
  mosaic: Mosaic,
  columns: number,
  rows: number,
  offset: number,
  scale: number,
  base: number,
  { width, channels }: Reduced,
): void {
  const perColumn = [Math.ceil(rows / 2), Math.floor(rows / 2)] as const;
  const perRow = [Math.ceil(columns / 2), Math.floor(columns / 2)] as const;
  const counts = [0, 0, 0];
  for (const [position, colour] of mosaic.entries())
    counts[colour]! += perColumn[position >> 1]! * perRow[position & 1]!;
  const [red, green, blue] = channels as [Float32Array, Float32Array, Float32Array];
  const sums = new Float64Array(3);
  for (let i = 0, x = 0; i < width; i++) {
    let [topLeft, topRight, bottomLeft, bottomRight] = [0, 0, 0, 0];
    const end = x + columns;
    for (; x + 1 < end; x += 2) {
      topLeft += even[x]!;
      topRight += even[x + 1]!;
      bottomLeft += odd[x]!;
      bottomRight += odd[x + 1]!;
    }
    if (x < end) {
      topLeft += even[x]!;
      bottomLeft += odd[x++]!;
    }
    sums.fill(0);
    sums[mosaic[0]]! += topLeft;
    sums[mosaic[1]]! += topRight;
    sums[mosaic[2]]! += bottomLeft;
    sums[mosaic[3]]! += bottomRight;
    const at = base + i;
    red[at] = counts[0]! > 0 ? offset + (sums[0]! / counts[0]!) * scale : Number.NaN;
    green[at] = counts[1]! > 0 ? offset + (sums[1]! / counts[1]!) * scale : Number.NaN;
    blue[at] = counts[2]! > 0 ? offset + (sums[2]! / counts[2]!) * scale : Number.NaN;
  }
}
