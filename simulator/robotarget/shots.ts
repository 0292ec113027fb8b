import type { Camera } from '../camera/camera.ts';
import type { Exposed } from '../camera/exposure.ts';
import type { Context } from '../context.ts';
import { guidOf } from '../random.ts';
import type { Run } from './run.ts';
import type { DoneRow, ShotRow, TargetRow } from './store.ts';

/** The record of a frame: when and of what it was taken, and what was measured. */
function doneRow(
  { options, state }: Context,
  { guid, shot, session, startedAt }: { guid: string; shot: ShotRow; session: string; startedAt: number },
  target: TargetRow,
  exposed: Exposed,
): DoneRow {
  return {
    guid,
    refguidtarget: target.GuidTarget,
    refguidshot: shot.GuidShot,
    refguidsession: session,
    datetimeshot: Math.floor((startedAt + state.clockSkewMs) / 1000) + options.utcOffsetSeconds,
    datetimeshotutc: Math.floor((startedAt + state.clockSkewMs) / 1000),
    filename: exposed.filename,
    path: exposed.windowsPath,
    hfd: exposed.hfd,
    starindex: exposed.starIndex,
    max: exposed.max,
    mean: exposed.mean,
    min: exposed.min,
    bin: shot.Bin,
    filterindex: shot.FilterIndex,
    exposure: shot.Exposure,
    rating: 0,
    isdeleted: false,
  };
}

/** The frames of the plan: which is next, its exposure, and the record that it is done. */
export class Shots {
  /** Frames taken whose record comes late; they count as done for the plan. */
  private readonly unrecorded = new Map<string, number>();
  constructor(
    private readonly context: Context,
    private readonly camera: Camera,
  ) {}

  /** null = nothing is left to do. */
  next(target: TargetRow): ShotRow | null {
    const { store } = this.context;
    return (
      store
        .shots(target.GuidTarget)
        .find(
          ({ row }) =>
            store.doneCount(row.GuidShot) + (this.unrecorded.get(row.GuidShot) ?? 0) < store.wanted(target, row),
        )?.row ?? null
    );
  }
  /** Exposes a frame and records it; its file is there a moment before its record. */
  async take(run: Run, shot: ShotRow, session: string, signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { store, options } = context;
    const { target } = run;
    const guid = guidOf(options.seed, 'shot-done', shot.GuidShot, store.next());
    const set = store.find('sets', target.RefGuidSet)?.row;
    const startedAt = context.now();
    const night = new Date(startedAt + options.utcOffsetSeconds * 1000 - 12 * 3_600_000).toISOString().slice(0, 10);
    context.logEvent(2, `Expose ${target.TargetName} ${options.filters[shot.FilterIndex] ?? ''} ${shot.Exposure}s`);
    const exposed = await this.camera.expose(
      {
        type: shot.Type,
        voyType: 'SHOT',
        target: target.TargetName,
        exposure: shot.Exposure,
        bin: shot.Bin,
        gain: shot.Gain,
        offset: shot.Offset,
        folders: [night, target.TargetName],
        handOut: true,
        cards: [
          { key: 'RTSHOT', value: guid, comment: 'RoboTarget shot done' },
          { key: 'RTSESS', value: session },
          { key: 'RTTARGET', value: target.GuidTarget },
          { key: 'RTTAG', value: target.Tag || set?.Tag || '' },
          { key: 'RTSETTAG', value: set?.Tag ?? '' },
        ],
      },
      signal,
    );
    run.doneSeconds += shot.Exposure;
    const row = doneRow(context, { guid, shot, session, startedAt }, target, exposed);
    this.unrecorded.set(shot.GuidShot, (this.unrecorded.get(shot.GuidShot) ?? 0) + 1);
    const late = context.faults.take('late_shot_done');
    const wrong = context.faults.take('shot_list_disagrees');
    const record = (): void => this.record(row, wrong?.how ?? null);
    if (late) context.later(late.seconds, record);
    else {
      // the record follows the file by a moment; the sequence goes on only then, abort or not
      await context.wait(context.random.between(0.05, 0.3));
      record();
    }
  }
  private record(row: DoneRow, wrong: 'omit' | 'extra' | 'wrong_filename' | 'wrong_target' | null): void {
    const { store, log } = this.context;
    const left = (this.unrecorded.get(row.refguidshot) ?? 1) - 1;
    if (wrong === 'omit') {
      // the plan counts the frame, the list will never name it
      log.effect('shot.record_omitted', { guid: row.guid, filename: row.filename });
      return;
    }
    if (left > 0) this.unrecorded.set(row.refguidshot, left);
    else this.unrecorded.delete(row.refguidshot);
    if (wrong === 'wrong_filename') row.filename = `X_${row.filename}`;
    if (wrong === 'wrong_target') row.refguidtarget = guidOf('nobody', row.guid);
    store.addDone(row);
    if (wrong === 'extra')
      store.addDone({
        ...row,
        guid: guidOf('extra', row.guid),
        refguidshot: guidOf('extra-shot', row.guid),
        filename: `GHOST_${row.filename}`,
        path: row.path.replace(row.filename, `GHOST_${row.filename}`),
      });
    log.effect('shot.done', {
      guid: row.guid,
      shot: row.refguidshot,
      target: row.refguidtarget,
      filename: row.filename,
    });
  }
}
