/** Frames of one kind that came out of the camera, whatever became of them. */
export interface TakenFrames {
  shotGuid: string | null;
  filter: string | null;
  exposure: number | null;
  binning: number | null;
  type: string;
  _count: { _all: number };
}
interface Line {
  guid: string | null;
  filter: string;
  exposure_seconds: number;
  binning: number;
  type: string;
  quantity: number;
}

/** How many frames of each line of the plan were taken: by the shot that they name, else by what they are; lines that are alike fill in order. */
export function framesByLine(frames: readonly TakenFrames[], plan: readonly Line[]): number[] {
  const taken = plan.map(() => 0);
  for (const group of frames) {
    let left = group._count._all;
    const named = plan.findIndex((line) => line.guid !== null && line.guid === group.shotGuid);
    const lines = named >= 0 ? [named] : plan.flatMap((line, i) => (isLike(group, line) ? [i] : []));
    for (const i of lines) {
      const fits = Math.min(left, plan[i]!.quantity - taken[i]!);
      taken[i]! += fits;
      left -= fits;
    }
  }
  return taken;
}

const isLike = (frame: TakenFrames, line: Line): boolean =>
  frame.type.toLowerCase() === line.type &&
  frame.filter?.toLowerCase() === line.filter.toLowerCase() &&
  frame.exposure === line.exposure_seconds &&
  (frame.binning === null || frame.binning === line.binning);
