import type { PixelReader } from '../fits/index.ts';
import { quantileOfSorted } from './star-shape.ts';

/** Side of a background mesh and the step of its samples, pixels. */
const MESH = 128;
const SAMPLE = 12;

function medianOf(values: number[]): number | null {
  const sorted = values.filter((v) => Number.isFinite(v)).sort((a, b) => a - b);
  return sorted.length === 0 ? null : (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** The sky behind the stars on a mesh, with its median and its noise. */
export interface Sky {
  meshX: number;
  meshY: number;
  level: Float64Array;
  background: number;
  noise: number;
}

/** Median of each mesh, smoothed; null where nothing can be measured. */
export function estimateSky(reader: PixelReader, width: number, height: number): Sky | null {
  const meshX = Math.max(1, Math.round(width / MESH));
  const meshY = Math.max(1, Math.round(height / MESH));
  const level = new Float64Array(meshX * meshY);
  const deviation = new Float64Array(meshX * meshY);
  const perMesh = Math.ceil(width / meshX / SAMPLE + 1) * Math.ceil(height / meshY / SAMPLE + 1);
  const samples = Array.from({ length: meshX }, () => new Float64Array(perMesh));
  const counts = new Int32Array(meshX);
  const meshOf = Int32Array.from({ length: Math.ceil(width / SAMPLE) }, (_, i) =>
    Math.min(meshX - 1, Math.floor((i * SAMPLE * meshX) / width)),
  );
  for (let my = 0; my < meshY; my++) {
    counts.fill(0);
    for (let y = Math.ceil((my * height) / meshY); y < Math.floor(((my + 1) * height) / meshY); y += SAMPLE) {
      for (let from = 0; from < width; from += SEGMENT) {
        const n = Math.min(SEGMENT, width - from);
        const row = reader.physical(y * width + from, n);
        for (let x = 0; x < n; x += SAMPLE) {
          const v = row[x]!;
          const m = meshOf[(from + x) / SAMPLE]!;
          if (Number.isFinite(v) && counts[m]! < perMesh) samples[m]![counts[m]!++] = v;
        }
      }
    }
    for (let mx = 0; mx < meshX; mx++) {
      const n = counts[mx]!;
      const values = samples[mx]!.subarray(0, n).sort();
      const median = n === 0 ? Number.NaN : quantileOfSorted(values, 0.5);
      level[my * meshX + mx] = median;
      deviation[my * meshX + mx] = n === 0 ? Number.NaN : median - quantileOfSorted(values, 0.1587);
    }
  }
  const noises = deviation.filter((v) => Number.isFinite(v)).sort();
  if (noises.length === 0) return null;
  const smooth = smoothed(level, meshX, meshY);
  const sorted = smooth.slice().sort();
  return { meshX, meshY, level: smooth, background: sorted[sorted.length >> 1]!, noise: noises[noises.length >> 1]! };
}
/** Pixels of a row read at a time; a multiple of the sampling step and under the reader's chunk. */
export const SEGMENT = SAMPLE * 5_000;

/** Median over each mesh and its neighbours, so that a bright star or a nebula's edge does not make its own sky. */
function smoothed(level: Float64Array, w: number, h: number): Float64Array {
  const out = new Float64Array(level.length);
  let last = level.find((v) => Number.isFinite(v)) ?? 0;
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const near: number[] = [];
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++) {
          const v = x + dx >= 0 && x + dx < w ? level[(y + dy) * w + x + dx] : undefined;
          if (v !== undefined && Number.isFinite(v)) near.push(v);
        }
      last = medianOf(near) ?? last;
      out[y * w + x] = last;
    }
  return out;
}

/** Sky of one row by bilinear interpolation between mesh centres. */
export function skyRow(sky: Sky, width: number, height: number, y: number, out: Float64Array): void {
  const { meshX, meshY, level } = sky;
  const fy = Math.max(0, Math.min(meshY - 1, ((y + 0.5) * meshY) / height - 0.5));
  const y0 = Math.floor(fy);
  const y1 = Math.min(meshY - 1, y0 + 1);
  const ty = fy - y0;
  const nodes = Float64Array.from(
    { length: meshX },
    (_, m) => level[y0 * meshX + m]! * (1 - ty) + level[y1 * meshX + m]! * ty,
  );
  const stepX = meshX / width;
  for (let x = 0; x < width; x++) {
    const fx = (x + 0.5) * stepX - 0.5;
    if (fx <= 0) out[x] = nodes[0]!;
    else if (fx >= meshX - 1) out[x] = nodes[meshX - 1]!;
    else {
      const x0 = fx | 0;
      const tx = fx - x0;
      out[x] = nodes[x0]! * (1 - tx) + nodes[x0 + 1]! * tx;
    }
  }
}
