import { createHash } from 'node:crypto';
import type { Context } from '../context.ts';
import type { RoboTarget } from './runner.ts';
import { truthy } from '../wire/lines.ts';
import { same, type DoneRow } from './store.ts';

/** What a command did, for the log of effects. */
export interface Did {
  paramRet: Record<string, unknown>;
  effect: string | null;
  effectKey: string | null;
}
const PREFIX = 'RemoteOpenRoboTarget';
type Params = Record<string, unknown>;

/** The database that the commands work on, and the one request. */
interface Ask {
  store: Context['store'];
  roboTarget: RoboTarget;
  params: Params;
}
interface OpenCommand {
  /** The parameter whose value follows secret and UID in the text that is signed; '' = none (protocol page, section 4.1). */
  signed: string;
  run(ask: Ask): Did;
}

export const isOpenCommand = (method: string): boolean =>
  method.startsWith(PREFIX) && Object.hasOwn(COMMANDS, method.slice(PREFIX.length));

/** Lower-case hex MD5 of secret, UID and the signed parameter, without separators. */
export function openMacIsRight(secret: string, method: string, params: Params): boolean {
  const { signed } = COMMANDS[method.slice(PREFIX.length)]!;
  const plain = `${secret}${text(params.UID)}${signed ? text(params[signed]) : ''}`;
  return params.MAC === createHash('md5').update(plain, 'utf8').digest('hex');
}

/** The record as the wire has it: without its target, which the request names. */
function wireRecord(record: DoneRow): Record<string, unknown> {
  const wire: Record<string, unknown> = { ...record };
  delete wire.refguidtarget;
  return wire;
}
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const answer = (paramRet: Params): Did => ({ paramRet, effect: null, effectKey: null });
const failed = (message: string): Did => answer({ ret: message });

/** Applies a change to records and saves them; RoboTarget plans again. */
function change({ store, roboTarget }: Ask, what: string, records: DoneRow[], apply: (record: DoneRow) => void): Did {
  if (records.length === 0) return failed('No Shot Found');
  for (const record of records) apply(record);
  store.saveDone();
  roboTarget.wake();
  return { paramRet: { ret: 'DONE' }, effect: `${what}: ${records.length}`, effectKey: null };
}
/** Records as `IsDeleted` asks for them. */
const select = ({ params }: Ask, records: DoneRow[]): DoneRow[] =>
  records.filter((d) => d.isdeleted === truthy(params.IsDeleted));
/** Records of the object that `ObjUID` names: a record, a session, a target, a shot or a set, by `Mode`; null for another mode. */
function byMode({ store, params }: Ask): DoneRow[] | null {
  const id = text(params.ObjUID);
  const field = (['guid', 'refguidsession', 'refguidtarget', 'refguidshot'] as const)[Number(params.Mode)];
  if (field !== undefined) return store.done().filter((d) => same(d[field], id));
  if (Number(params.Mode) !== 4) return null;
  const targets = store.targets(id).map((t) => t.row.GuidTarget);
  return store.done().filter((d) => targets.some((t) => same(t, d.refguidtarget)));
}
/** Is a record under (`RatingMode` 1) or over (2) the limit, where one is asked for? */
function rated({ params }: Ask, { rating }: DoneRow): boolean {
  const limit = Number(params.RatingLimit ?? 0);
  const mode = Number(params.RatingMode ?? 0);
  if (mode === 1) return rating < limit;
  return mode === 2 ? rating > limit : true;
}
const byName = ({ store, params }: Ask): DoneRow[] =>
  store.done().filter((d) => same(d.filename, text(params.FileNameFIT).replace(/^.*[\\/]/, '')));
const markDeleted = (record: DoneRow): void => void (record.isdeleted = true);
const restore = (record: DoneRow): void => void (record.isdeleted = false);
const rateOf =
  ({ params }: Ask) =>
  (record: DoneRow): void =>
    void (record.rating = Number(params.Rating));

function targetList({ store, roboTarget }: Ask): Did {
  const list = store.targets().map(({ row }) => {
    const set = store.find('sets', row.RefGuidSet)?.row;
    return {
      guid: row.GuidTarget,
      targetname: row.TargetName,
      tag: row.Tag,
      datecreation: row.DateCreation,
      status: row.Status,
      statusop: roboTarget.statusOp(row),
      setname: set?.Name ?? '',
      settag: set?.Tag ?? '',
      profilename: set?.ProfileName ?? '',
    };
  });
  return answer({ list });
}
function updateBulk(ask: Ask): Did {
  const { params, store } = ask;
  const items = Array.isArray(params.SrcList) ? (params.SrcList as Params[]) : [];
  const found = select(
    ask,
    store.done().filter((d) => items.some((i) => same(text(i.RefGuidShotDone), d.guid))),
  );
  return change(ask, 'shotdone.bulk', found, (d) => {
    const item = items.find((i) => same(text(i.RefGuidShotDone), d.guid))!;
    d.rating = Number(item.Rating ?? d.rating);
    d.isdeleted = truthy(item.IsToDelete);
  });
}
/** A command on the records that `Mode` names. */
const onMode =
  (run: (ask: Ask, records: DoneRow[]) => Did) =>
  (ask: Ask): Did => {
    const records = byMode(ask);
    return records ? run(ask, records) : failed('Mode not valid');
  };

/** The nine open RoboTarget commands on the shot-done list. Deletion is logical and sends a finished target back to the scheduler. */
const COMMANDS: Readonly<Record<string, OpenCommand>> = {
  GetTargetList: { signed: '', run: targetList },
  GetShotDoneList: {
    signed: 'RefGuidTarget',
    run: (ask) => answer({ list: select(ask, ask.store.doneOf(text(ask.params.RefGuidTarget))).map(wireRecord) }),
  },
  SetShotDoneRating: {
    signed: 'ObjUID',
    run: onMode((ask, records) => change(ask, 'shotdone.rate', select(ask, records), rateOf(ask))),
  },
  RemoveShotDone: {
    signed: 'ObjUID',
    run: onMode((ask, records) => {
      const left = records.filter((d) => !d.isdeleted && rated(ask, d));
      return change(ask, 'shotdone.remove', left, markDeleted);
    }),
  },
  RestoreShotDone: {
    signed: 'ObjUID',
    run: onMode((ask, records) => {
      const gone = records.filter((d) => d.isdeleted && rated(ask, d));
      return change(ask, 'shotdone.restore', gone, restore);
    }),
  },
  UpdateBulkShotDone: { signed: '', run: updateBulk },
  RemoveShotDoneByFileName: {
    signed: 'FileNameFIT',
    run: (ask) => {
      const left = byName(ask).filter((d) => !d.isdeleted);
      return change(ask, 'shotdone.remove', left, markDeleted);
    },
  },
  RestoreShotDoneByFileName: {
    signed: 'FileNameFIT',
    run: (ask) => {
      const gone = byName(ask).filter((d) => d.isdeleted);
      return change(ask, 'shotdone.restore', gone, restore);
    },
  },
  SetShotDoneRatingByFileName: {
    signed: 'FileNameFIT',
    run: (ask) => change(ask, 'shotdone.rate', byName(ask), rateOf(ask)),
  },
};

/** Carries out an open command. */
export const runOpenCommand = ({ store }: Context, roboTarget: RoboTarget, method: string, params: Params): Did =>
  COMMANDS[method.slice(PREFIX.length)]!.run({ store, roboTarget, params });
