import type { BoxReducer } from './reduce.ts';

const { isFinite } = Number;

/** Sums by column over the rows of one box, with counts, since a pixel may hold no value. */
export class ColumnSums {
  readonly even: Float64Array;
  readonly odd: Float64Array;
  readonly evenCounts: Uint32Array;
  readonly oddCounts: Uint32Array;
  private readonly reducer: BoxReducer;
  private readonly width: number;
  private readonly mosaic: boolean;
  private x = 0;
  private y = 0;
  private inBox = 0;
  constructor(width: number, reducer: BoxReducer, mosaic: boolean) {
    this.width = width;
    this.reducer = reducer;
    this.mosaic = mosaic;
    this.even = new Float64Array(width);
    this.odd = new Float64Array(mosaic ? width : 0);
    this.evenCounts = new Uint32Array(width);
    this.oddCounts = new Uint32Array(mosaic ? width : 0);
  }
  add(values: Float64Array): void {
    for (let i = 0; i < values.length;) {
      const n = Math.min(values.length - i, this.width - this.x);
      const odd = this.mosaic && (this.y & 1) === 1;
      const sums = odd ? this.odd : this.even;
      const counts = odd ? this.oddCounts : this.evenCounts;
      for (let k = 0; k < n; k++) {
        const v = values[i + k]!;
        if (!isFinite(v)) continue;
        sums[this.x + k]! += v;
        counts[this.x + k]! += 1;
      }
      i += n;
      this.x += n;
      if (this.x < this.width) continue;
      this.x = 0;
      this.y++;
      if (++this.inBox < this.reducer.rowsPerBox) continue;
      this.reducer.flush(this.even, this.odd, this.evenCounts, this.oddCounts, 0, 1);
      for (const array of [this.even, this.odd, this.evenCounts, this.oddCounts]) array.fill(0);
      this.inBox = 0;
    }
  }
}
