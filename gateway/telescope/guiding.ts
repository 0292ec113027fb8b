import type { z } from 'zod';
import type { GuidingRms as GuidingRmsSchema } from '../../domain/contracts/state.ts';

type GuidingRms = z.infer<typeof GuidingRmsSchema>;

/** ControlData comes every 2 s, so that a quarter of an hour fits; a server that sends more often costs no more memory than this. */
const MAX_SAMPLES = 600;

/**
 * Guiding error over a sliding window: root mean square about zero, per axis and total, in pixels of the guide camera, as guiding
 * programs show it. Who adds leaves dithers and stops out, since their excursion is no guiding error.
 */
export class GuidingWindow {
  private samples: { atMs: number; x: number; y: number }[] = [];
  constructor(private readonly windowSeconds: number) {}
  add(atMs: number, x: number, y: number): void {
    this.samples.push({ atMs, x, y });
    if (this.samples.length > MAX_SAMPLES) this.samples.splice(0, MAX_SAMPLES / 2);
    if (this.samples[0]!.atMs < atMs - 2 * this.windowSeconds * 1000) this.trim(atMs);
  }
  clear(): void {
    this.samples = [];
  }
  rms(nowMs: number): GuidingRms | null {
    this.trim(nowMs);
    const n = this.samples.length;
    if (n < 2) return null;
    let xx = 0;
    let yy = 0;
    for (const s of this.samples) {
      xx += s.x * s.x;
      yy += s.y * s.y;
    }
    const round = (value: number): number => Math.round(value * 1000) / 1000;
    return {
      window_seconds: this.windowSeconds,
      x_px: round(Math.sqrt(xx / n)),
      y_px: round(Math.sqrt(yy / n)),
      total_px: round(Math.sqrt((xx + yy) / n)),
      samples: n,
    };
  }
  private trim(nowMs: number): void {
    const oldest = nowMs - this.windowSeconds * 1000;
    let gone = 0;
    while (gone < this.samples.length && this.samples[gone]!.atMs < oldest) gone++;
    if (gone > 0) this.samples.splice(0, gone);
  }
}
