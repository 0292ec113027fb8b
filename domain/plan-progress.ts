/** Frames of one kind that came out of the camera, whatever became of them. */
export interface TakenFrames {
  shotGuid: string | null;
  filter: string | null;
  exposure: number | null;
  binning: number | null;
  type: string;
  _count: { _all: number };
}
/** A line of the plan as it was asked for; `guid` is its shot in Voyager, once there is one. */
export interface PlannedLine {
  guid: string | null;
  filter: string;
  exposure_seconds: number;
  binning: number;
  type: string;
  quantity: number;
}

/** How many frames of each line of the plan were taken: by the shot that they name, else by what they are; lines that are alike fill in order. */
export function framesByLine(frames: readonly TakenFrames[], plan: readonly PlannedLine[]): number[] {
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

const isLike = (frame: TakenFrames, line: PlannedLine): boolean =>
  frame.type.toLowerCase() === line.type &&
  frame.filter?.toLowerCase() === line.filter.toLowerCase() &&
  frame.exposure === line.exposure_seconds &&
  (frame.binning === null || frame.binning === line.binning);

/** How far a plan is: in all, line by line in the order of the plan, and by filter. Calibration frames stand under their type. */
export interface PlanProgress {
  shots_done: number;
  shots_total: number;
  percent: number;
  done: number[];
  by_filter: { filter: string; done: number; total: number }[];
}
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** RoboTarget counts at each check, frames come in between: the greater one has happened. Nothing is done more often than it was asked for. */
export function progressOf(
  plan: readonly PlannedLine[],
  frames: readonly TakenFrames[],
  counted: Readonly<Record<string, number>>,
): PlanProgress {
  const taken = framesByLine(frames, plan);
  const done = plan.map((line, i) =>
    Math.min(line.quantity, Math.max(taken[i]!, (line.guid === null ? undefined : counted[line.guid]) ?? 0)),
  );
  const [shots_done, shots_total] = [sum(done), sum(plan.map(({ quantity }) => quantity))];
  const nameOf = (line: PlannedLine): string => (line.type === 'light' ? line.filter : line.type);
  const by_filter = [...new Set(plan.map(nameOf))].map((filter) => {
    const own = (numbers: readonly number[]): number => sum(numbers.filter((_, i) => nameOf(plan[i]!) === filter));
    return { filter, done: own(done), total: own(plan.map(({ quantity }) => quantity)) };
  });
  return { shots_done, shots_total, percent: percentOf(shots_done, shots_total), done, by_filter };
}

/** To a tenth; 0 of nothing. */
export const percentOf = (done: number, total: number): number =>
  total === 0 ? 0 : Math.round((1000 * done) / total) / 10;

/** A frame that came out of the camera: `capturedAt` is the start of its exposure, `exposure` in seconds. */
type Exposed = Omit<TakenFrames, '_count'> & { capturedAt: Date | null };

/** When the last exposure of a plan ended, all of whose lines were taken as often as asked, in milliseconds since 1970; null while some are left. */
export function planDoneAtMs(plan: readonly PlannedLine[], frames: readonly Exposed[]): number | null {
  const taken = framesByLine(
    frames.map((frame) => ({ ...frame, _count: { _all: 1 } })),
    plan,
  );
  if (plan.length === 0 || plan.some(({ quantity }, i) => taken[i]! < quantity)) return null;
  const ends = frames.flatMap(({ capturedAt, exposure }) =>
    capturedAt ? [capturedAt.getTime() + (exposure ?? 0) * 1000] : [],
  );
  return ends.length === 0 ? null : Math.max(...ends);
}
