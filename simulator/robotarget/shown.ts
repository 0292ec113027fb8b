import type { Context } from '../context.ts';
import { clockTime } from '../wire/lines.ts';
import { OFF } from '../world/devices.ts';
import type { Run } from './run.ts';

/** The fields of ControlData that speak of the running sequence and script. */
export function sequenceData(
  context: Context,
  { run, dragScript }: { run: Run | null; dragScript: string | null },
): Record<string, unknown> {
  const runs = {
    RUNSEQ: run ? `${run.target.TargetName.replace(/[\\/:*?"<>|]/g, '_')}.s2q` : '',
    RUNDS: dragScript ?? '',
  };
  if (!run) return { SEQTOT: 0, SEQPARZ: 0, SEQNAME: '', SEQSTART: '', SEQREMAIN: '', SEQEND: '', ...runs };
  const now = context.now();
  const { shot } = context.state;
  const elapsed =
    run.doneSeconds +
    (shot && shot.status === 1 && shot.expo > 0 ? Math.min(shot.expo, (now - shot.startedAt) / 1000) : 0);
  const remaining = Math.max(0, run.totalSeconds - elapsed);
  const local = (ms: number): string =>
    new Date(ms + context.options.utcOffsetSeconds * 1000).toISOString().slice(11, 19);
  return {
    SEQTOT: Math.round(run.totalSeconds),
    SEQPARZ: Math.round(elapsed),
    SEQNAME: run.target.TargetName,
    SEQSTART: local(run.startedAt),
    SEQREMAIN: clockTime(remaining),
    SEQEND: local(now + remaining * 1000),
    ...runs,
  };
}
/** Guiding as ControlData has it: errors while it runs, the OFF value otherwise. */
export function guideData({ guider }: Context): Record<string, unknown> {
  const error = guider.status === 2 && !guider.starLost ? guider.error() : null;
  return {
    GUIDECONN: guider.connected,
    GUIDESTAT: guider.starLost && guider.status === 2 ? 3 : guider.status,
    DITHSTAT: guider.dither,
    GUIDEX: error ? Math.round(error.x * 1000) / 1000 : OFF,
    GUIDEY: error ? Math.round(error.y * 1000) / 1000 : OFF,
  };
}
