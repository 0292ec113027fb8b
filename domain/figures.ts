import { exposuresOf, guidingUptime } from './guiding.ts';

/** A frame as the figures need it. `capturedAt` is the start of its exposure, `exposure` in seconds. */
export interface FrameFacts {
  type: string;
  state: string;
  filter: string | null;
  exposure: number | null;
  hfd: number | null;
  capturedAt: Date | null;
}
export interface FilterFigures {
  filter: string;
  count: number;
  exposure_seconds: number;
  average_hfd: number | null;
  hfd_frames: number;
}

/** A mean to three decimals, and over how many it is; null over none. */
export function meanOf(values: readonly (number | null)[]): { mean: number | null; n: number } {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const sum = known.reduce((a, b) => a + b, 0);
  return { mean: known.length === 0 ? null : Math.round((1000 * sum) / known.length) / 1000, n: known.length };
}

const exposed = (frames: readonly FrameFacts[]): number =>
  frames.reduce((sum, { exposure }) => sum + (exposure ?? 0), 0);
function hfdOf(frames: readonly FrameFacts[]): Pick<FilterFigures, 'average_hfd' | 'hfd_frames'> {
  const { mean, n } = meanOf(frames.map(({ hfd }) => hfd));
  return { average_hfd: mean, hfd_frames: n };
}

/**
 * What came of a session, as control page, report and /stats all say it. Captured is every frame that was not missing; exposure, HFD and what stands
 * by filter are those of light frames in the archive: darks and flats are counted, and expose nothing.
 */
export function imageFigures(frames: readonly FrameFacts[]) {
  const count = (state: string): number => frames.filter((frame) => frame.state === state).length;
  const lights = frames.filter(({ state, type }) => state === 'archived' && type === 'LIGHT');
  const names = [...new Set(lights.map(({ filter }) => filter ?? ''))].sort();
  const by_filter: FilterFigures[] = names.map((name) => {
    const own = lights.filter(({ filter }) => (filter ?? '') === name);
    return { filter: name, count: own.length, exposure_seconds: exposed(own), ...hfdOf(own) };
  });
  return {
    captured: frames.length - count('missing'),
    archived: count('archived'),
    rejected: count('rejected'),
    missing: count('missing'),
    pending: count('pending'),
    by_filter,
    total_exposure_seconds: exposed(lights),
    ...hfdOf(lights),
  };
}

/** Guiding during exposures that stand in the archive, and the mean RMS in pixels over the samples that have one. */
export function guidingFigures(
  samples: readonly { atMs: number; status: string | null; rms: number | null }[],
  frames: readonly FrameFacts[],
): { uptime: number | null; averageRms: number | null; rmsSamples: number } {
  const { mean, n } = meanOf(samples.map(({ rms }) => rms));
  const archived = frames.filter(({ state }) => state === 'archived');
  return { uptime: guidingUptime(samples, exposuresOf(archived)), averageRms: mean, rmsSamples: n };
}
