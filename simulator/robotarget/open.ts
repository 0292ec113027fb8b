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
/** The parameter whose value follows secret and UID in the text that is signed; '' = none (protocol page, section 4.1). */
const SIGNED_PARAM: Record<string, string> = {
  GetTargetList: '',
  GetShotDoneList: 'RefGuidTarget',
  SetShotDoneRating: 'ObjUID',
  RemoveShotDone: 'ObjUID',
  RestoreShotDone: 'ObjUID',
  UpdateBulkShotDone: '',
  RemoveShotDoneByFileName: 'FileNameFIT',
  RestoreShotDoneByFileName: 'FileNameFIT',
  SetShotDoneRatingByFileName: 'FileNameFIT',
};

export const isOpenCommand = (method: string): boolean =>
  method.startsWith(PREFIX) && Object.hasOwn(SIGNED_PARAM, method.slice(PREFIX.length));

/** Lower-case hex MD5 of secret, UID and the signed parameter, without separators. */
export function openMacIsRight(secret: string, method: string, params: Record<string, unknown>): boolean {
  const signed = SIGNED_PARAM[method.slice(PREFIX.length)]!;
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
const failed = (message: string): Did => ({ paramRet: { ret: message }, effect: null, effectKey: null });

/** Carries out one of the nine open RoboTarget commands on the shot-done list. Deletion is logical and sends a finished target back to the scheduler. */
export function runOpenCommand(
  context: Context,
  roboTarget: RoboTarget,
  method: string,
  params: Record<string, unknown>,
): Did {
  const { store } = context;
  const select = (records: DoneRow[]): DoneRow[] => records.filter((d) => d.isdeleted === truthy(params.IsDeleted));
  const change = (what: string, records: DoneRow[], apply: (record: DoneRow) => void): Did => {
    if (records.length === 0) return failed('No Shot Found');
    for (const record of records) apply(record);
    store.saveDone();
    roboTarget.wake();
    return { paramRet: { ret: 'DONE' }, effect: `${what}: ${records.length}`, effectKey: null };
  };
  const byMode = (): DoneRow[] | null => {
    const id = text(params.ObjUID);
    switch (Number(params.Mode)) {
      case 0:
        return store.done().filter((d) => same(d.guid, id));
      case 1:
        return store.done().filter((d) => same(d.refguidsession, id));
      case 2:
        return store.done().filter((d) => same(d.refguidtarget, id));
      case 3:
        return store.done().filter((d) => same(d.refguidshot, id));
      case 4: {
        const targets = store.targets(id).map((t) => t.row.GuidTarget);
        return store.done().filter((d) => targets.some((t) => same(t, d.refguidtarget)));
      }
      default:
        return null;
    }
  };
  const rated = (record: DoneRow): boolean => {
    const limit = Number(params.RatingLimit ?? 0);
    const mode = Number(params.RatingMode ?? 0);
    if (mode === 1) return record.rating < limit;
    return mode === 2 ? record.rating > limit : true;
  };
  const byName = (): DoneRow[] =>
    store.done().filter((d) => same(d.filename, text(params.FileNameFIT).replace(/^.*[\\/]/, '')));

  switch (method.slice(PREFIX.length)) {
    case 'GetTargetList': {
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
      return { paramRet: { list }, effect: null, effectKey: null };
    }
    case 'GetShotDoneList':
      return {
        paramRet: { list: select(store.doneOf(text(params.RefGuidTarget))).map(wireRecord) },
        effect: null,
        effectKey: null,
      };
    case 'SetShotDoneRating': {
      const records = byMode();
      return records
        ? change('shotdone.rate', select(records), (d) => (d.rating = Number(params.Rating)))
        : failed('Mode not valid');
    }
    case 'RemoveShotDone': {
      const records = byMode();
      return records
        ? change(
            'shotdone.remove',
            records.filter((d) => !d.isdeleted && rated(d)),
            (d) => (d.isdeleted = true),
          )
        : failed('Mode not valid');
    }
    case 'RestoreShotDone': {
      const records = byMode();
      return records
        ? change(
            'shotdone.restore',
            records.filter((d) => d.isdeleted && rated(d)),
            (d) => (d.isdeleted = false),
          )
        : failed('Mode not valid');
    }
    case 'UpdateBulkShotDone': {
      const items = Array.isArray(params.SrcList) ? (params.SrcList as Record<string, unknown>[]) : [];
      const found = select(store.done().filter((d) => items.some((i) => same(text(i.RefGuidShotDone), d.guid))));
      return change('shotdone.bulk', found, (d) => {
        const item = items.find((i) => same(text(i.RefGuidShotDone), d.guid))!;
        d.rating = Number(item.Rating ?? d.rating);
        d.isdeleted = truthy(item.IsToDelete);
      });
    }
    case 'RemoveShotDoneByFileName':
      return change(
        'shotdone.remove',
        byName().filter((d) => !d.isdeleted),
        (d) => (d.isdeleted = true),
      );
    case 'RestoreShotDoneByFileName':
      return change(
        'shotdone.restore',
        byName().filter((d) => d.isdeleted),
        (d) => (d.isdeleted = false),
      );
    default:
      return change('shotdone.rate', byName(), (d) => (d.rating = Number(params.Rating)));
  }
}
