/**
 * Share of guided exposure in which the guider ran (GUIDESTAT 2): of the samples that fall into an exposure, whose times are Unix milliseconds
 * [from, to). Null without any. Live figures and the report both use it: pauses, slews and focus runs are no failure of the guider.
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
