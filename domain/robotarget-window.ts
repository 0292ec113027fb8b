/**
 * When an edit of RoboTarget's objects by hand can make something run. RoboTarget starts an enabled target by itself within `C_DateStart` and
 * `C_DateEnd`, so the effect counts, and the unknown can run at any time.
 */

export type RoboTargetRow = Readonly<Record<string, unknown>>;
export interface RoboTargetEdit {
  op: 'create' | 'update' | 'delete' | 'enable' | 'disable';
  object: 'set' | 'target' | 'shot';
  guid: string;
  /** What is written, with the roadmap's field names. */
  body?: RoboTargetRow;
}
/** Reads of RoboTarget as it is now; null where the object is not there. */
export interface RoboTargetReads {
  target(guid: string): Promise<RoboTargetRow | null>;
  shot(guid: string): Promise<RoboTargetRow | null>;
  targetsOfSet(setGuid: string): Promise<readonly RoboTargetRow[]>;
}
/** Half-open, in milliseconds since 1970; infinite where nothing bounds it. */
export interface RunnableWindow {
  startMs: number;
  endMs: number;
}

const ALWAYS: RunnableWindow = { startMs: -Infinity, endMs: Infinity };

/** The windows in which something could run because of this edit; empty where it makes nothing runnable. */
export async function windowsMadeRunnable(edit: RoboTargetEdit, read: RoboTargetReads): Promise<RunnableWindow[]> {
  if (edit.op === 'delete' || edit.op === 'disable') return [];
  if (edit.object === 'set') return windowsOfSet(edit, read);
  const target = edit.object === 'shot' ? await targetOfShot(edit, read) : await targetAfter(edit, read);
  return target !== null && isEnabled(target) ? [windowOf(target)] : [];
}

/** Could something that runs within `window` run between the two instants? */
export const overlaps = (window: RunnableWindow, fromMs: number, toMs: number): boolean =>
  window.startMs < toMs && window.endMs > fromMs;

/** A new set is empty; one that is enabled lets its enabled targets run. */
async function windowsOfSet(edit: RoboTargetEdit, read: RoboTargetReads): Promise<RunnableWindow[]> {
  const enables =
    edit.op === 'enable' || (edit.op === 'update' && edit.body?.Status !== undefined && isEnabled(edit.body));
  return enables ? (await read.targetsOfSet(edit.guid)).filter(isEnabled).map(windowOf) : [];
}

/** The target as the edit leaves it. */
async function targetAfter(edit: RoboTargetEdit, read: RoboTargetReads): Promise<RoboTargetRow | null> {
  if (edit.op === 'create') return edit.body ?? {};
  const now = await read.target(edit.guid);
  if (edit.op === 'enable') return now === null ? null : { ...now, Status: 0 };
  return { ...now, ...edit.body };
}

/** A target takes up its work again when it gets a shot, or more of one. */
async function targetOfShot(edit: RoboTargetEdit, read: RoboTargetReads): Promise<RoboTargetRow | null> {
  if (edit.body?.Enabled === false) return null;
  const parent = edit.body?.RefGuidTarget ?? (await read.shot(edit.guid))?.RefGuidTarget;
  return typeof parent === 'string' ? read.target(parent) : null;
}

const isEnabled = (row: RoboTargetRow): boolean => row.Status !== 1;

function windowOf(target: RoboTargetRow): RunnableWindow {
  const { C_DateStart: start, C_DateEnd: end } = target;
  const startMs = typeof start === 'number' && start > 0 ? start * 1000 : -Infinity;
  const endMs = typeof end === 'number' && end > 0 ? end * 1000 : Infinity;
  return startMs < endMs ? { startMs, endMs } : ALWAYS;
}
