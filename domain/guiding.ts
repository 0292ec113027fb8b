/**
 * Share of the samples during exposures in which the guider ran (GUIDESTAT 2); exposures are Unix milliseconds [from, to), and null means no
 * sample. Pauses, slews and focus runs do not count, in live figures and in the report alike.
 */
export function guidingUptime(
  samples: readonly { atMs: number; status: string | null }[],
  exposures: readonly (readonly [number, number])[],
): number | null {
  let during = 0;
  let guided = 0;
  for (const { atMs, status } of samples) {
    if (status === null || !exposures.some(([from, to]) => atMs >= from && atMs < to)) continue;
    during += 1;
    if (status === 'RUNNING') guided += 1;
  }
  return during === 0 ? null : Math.round((1000 * guided) / during) / 1000;
}

/** When a frame was exposed, as `guidingUptime` takes it. */
export const exposuresOf = (
  frames: readonly { capturedAt: Date | null; exposure: number | null }[],
): (readonly [number, number])[] =>
  frames.flatMap((f) =>
    f.capturedAt && f.exposure ? [[f.capturedAt.getTime(), f.capturedAt.getTime() + f.exposure * 1000] as const] : [],
  );
