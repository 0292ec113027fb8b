import {
  commandsOfMethod,
  decodeObject,
  encodeObject,
  sign,
  type Dialect,
  type DialectCommandName,
  type ObjectKind,
  type SignContext,
} from '../../gateway/robotarget/dialect.ts';
import type { Context } from '../context.ts';
import type { Did } from './open.ts';
import type { RoboTarget } from './runner.ts';
import { truthy } from '../wire/lines.ts';
import { same, type Kept, type SetRow, type ShotRow, type TableName, type TargetRow } from './store.ts';

/** A request of the dialect, read back by the same data file that the gateway writes it with. */
export interface Decoded {
  name: DialectCommandName;
  kind: ObjectKind;
  op: string;
  guid: string;
  parentGuid: string;
  enable: boolean;
  body: Record<string, unknown>;
  context: Omit<SignContext, 'secret' | 'sessionKey' | 'id' | 'uid'>;
}
type Scalar = string | number | boolean;
const PLACEHOLDER = /\{(\w+)\}/g;

/** Reads `text` by a template of `{name}`s into `into`; false where it does not fit. */
function matchTemplate(template: string, given: Scalar, into: Map<string, Scalar>): boolean {
  const whole = /^\{(\w+)\}$/.exec(template);
  if (whole) {
    into.set(whole[1]!, given);
    return true;
  }
  const names = [...template.matchAll(PLACEHOLDER)].map((m) => m[1]!);
  const pattern = template
    .split(/\{\w+\}/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('(.*)');
  const found = new RegExp(`^${pattern}$`).exec(String(given));
  if (!found) return false;
  names.forEach((name, i) => into.set(name, found[i + 1]!));
  return true;
}

/** Which command of the dialect this is, with what it speaks of; null when none fits. */
export function decodeReserved(
  dialect: Dialect,
  method: string,
  params: Record<string, unknown>,
  offsetSeconds: number,
): Decoded | null {
  for (const name of commandsOfMethod(dialect, method)) {
    const command = dialect.commands[name];
    const [kind, op] = name.split('.') as [ObjectKind, string];
    const found = new Map<string, Scalar>();
    const fits = Object.entries(command.params).every(([wire, source]) => {
      const given = params[wire] as Scalar | undefined;
      if (given === undefined) return false;
      return typeof source === 'string' ? matchTemplate(source, given, found) : given === source;
    });
    if (!fits) continue;
    const type = dialect.object_types[kind];
    if (found.has('objectType') && String(found.get('objectType')) !== String(type)) continue;
    const shape = dialect.objects[kind];
    const body = command.body ? decodeObject(dialect, kind, params, offsetSeconds) : {};
    const guid = text(found.get('guid') ?? body[shape.id]);
    const parentGuid = text(found.get('parentGuid') ?? (shape.parent ? body[shape.parent] : undefined));
    const wireStatus = found.get('status') ?? (params[shape.fields.Status ?? ''] as Scalar | undefined);
    return {
      name,
      kind,
      op,
      guid,
      parentGuid,
      enable: String(wireStatus) === String(dialect.status.enabled),
      body,
      context: {
        guid,
        parentGuid,
        objectType: type,
        ...(wireStatus === undefined ? {} : { status: wireStatus }),
        ...(found.has('name') ? { name: String(found.get('name')) } : nameOf(body)),
      },
    };
  }
  return null;
}
const nameOf = (body: Record<string, unknown>): { name?: string } => {
  const name = body.Name ?? body.TargetName;
  return name === undefined ? {} : { name: text(name) };
};

/** Is the signature of this request the one that the dialect asks for? */
export function signatureIsRight(
  dialect: Dialect,
  template: string | undefined,
  context: SignContext,
  params: Record<string, unknown>,
): boolean {
  const { param } = dialect.signing;
  return param === null || params[param] === sign(dialect, template ?? dialect.signing.template, context);
}

type AnyRow = SetRow | TargetRow | ShotRow;
const TABLE: Record<ObjectKind, TableName> = { set: 'sets', target: 'targets', shot: 'shots' };
const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const number = (value: unknown, otherwise: number): number => (value === undefined ? otherwise : Number(value));
const bool = (value: unknown, otherwise: boolean): boolean => (value === undefined ? otherwise : truthy(value));

type Read<T> = { row: T } | { error: string };
function readSet(body: Record<string, unknown>, before: SetRow | undefined, profile: string): Read<SetRow> {
  const merged = { ProfileName: profile, Status: 0, Tag: '', ...before, ...body };
  if (typeof merged.Name !== 'string' || merged.Name === '') return { error: 'Set Name not valid' };
  return {
    row: {
      Guid: text(merged.Guid),
      Name: merged.Name,
      ProfileName: text(merged.ProfileName),
      Status: merged.Status,
      Tag: text(merged.Tag),
    },
  };
}
function readTarget(body: Record<string, unknown>, before: TargetRow | undefined, nowSeconds: number): Read<TargetRow> {
  const merged: Record<string, unknown> = { ...before, ...body };
  const row: TargetRow = {
    GuidTarget: text(merged.GuidTarget),
    RefGuidSet: text(merged.RefGuidSet),
    RefGuidBaseSequence: text(merged.RefGuidBaseSequence),
    TargetName: text(merged.TargetName),
    RAJ2000: number(merged.RAJ2000, Number.NaN),
    DECJ2000: number(merged.DECJ2000, Number.NaN),
    PA: number(merged.PA, 0),
    DateCreation: number(merged.DateCreation, nowSeconds),
    Status: number(merged.Status, 0),
    Priority: number(merged.Priority, 2),
    IsRepeat: bool(merged.IsRepeat, false),
    Repeat: number(merged.Repeat, 1),
    C_Mask: text(merged.C_Mask),
    C_AltMin: number(merged.C_AltMin, 0),
    C_HAStart: number(merged.C_HAStart, -12),
    C_HAEnd: number(merged.C_HAEnd, 12),
    C_DateStart: number(merged.C_DateStart, 0),
    C_DateEnd: number(merged.C_DateEnd, 4_102_444_800),
    Tag: text(merged.Tag),
  };
  if (row.TargetName === '') return { error: 'Target Name not valid' };
  if (!(row.RAJ2000 >= 0 && row.RAJ2000 < 24)) return { error: 'RA not valid' };
  if (!(row.DECJ2000 >= -90 && row.DECJ2000 <= 90)) return { error: 'DEC not valid' };
  return { row };
}
function readShot(body: Record<string, unknown>, before: ShotRow | undefined, filters: number): Read<ShotRow> {
  const merged: Record<string, unknown> = { ...before, ...body };
  const row: ShotRow = {
    GuidShot: text(merged.GuidShot),
    RefGuidTarget: text(merged.RefGuidTarget),
    FilterIndex: number(merged.FilterIndex, -1),
    Num: number(merged.Num, 0),
    Bin: number(merged.Bin, 1),
    ReadoutMode: number(merged.ReadoutMode, 0),
    Type: number(merged.Type, 0),
    Speed: number(merged.Speed, 0),
    Gain: number(merged.Gain, 0),
    Offset: number(merged.Offset, 0),
    Exposure: number(merged.Exposure, 0),
    Order: number(merged.Order, 1),
    Enabled: bool(merged.Enabled, true),
  };
  if (!(row.FilterIndex >= 0 && row.FilterIndex < filters)) return { error: 'Filter Index not valid' };
  if (!(row.Exposure > 0)) return { error: 'Exposure not valid' };
  if (!(row.Num >= 1)) return { error: 'Num not valid' };
  return { row };
}

/** All objects of a kind, under their parent where it is named; a shot says how often it was taken. */
function rowsOf(store: Context['store'], kind: Decoded['kind'], parentGuid: string): Record<string, unknown>[] {
  if (kind === 'set') return store.sets().map(({ row }) => ({ ...row }));
  if (kind === 'target') return store.targets(parentGuid || undefined).map(({ row }) => ({ ...row }));
  return store.shots(parentGuid).map(({ row }) => ({ ...row, Done: store.doneCount(row.GuidShot) }));
}

/** A decoded request with what it works on. */
interface Ask {
  context: Context;
  roboTarget: RoboTarget;
  dialect: Dialect;
  request: Decoded;
}
const answer = ({ dialect }: Ask, ret: string, effect: string | null = null, effectKey: string | null = null): Did => ({
  paramRet: { [dialect.answer.ret]: ret },
  effect,
  effectKey,
});
/** Something has changed: RoboTarget plans again. @param turn tells two changes of one object apart */
function changed(ask: Ask, what: string, turn?: number): Did {
  const { kind, guid } = ask.request;
  ask.roboTarget.wake();
  const key = `${kind}.${what}:${guid.toLowerCase()}${turn === undefined ? '' : `:${turn}`}`;
  return answer(ask, ask.dialect.answer.done, `${kind}.${what}`, key);
}
/** The row that the request's body makes, of nothing or of the row before. */
function readRow({ context, request: { kind, body } }: Ask, before: AnyRow | undefined): Read<AnyRow> {
  const { options } = context;
  if (kind === 'set') return readSet(body, before as SetRow | undefined, options.profile);
  if (kind === 'target') return readTarget(body, before as TargetRow | undefined, Math.floor(context.now() / 1000));
  return readShot(body, before as ShotRow | undefined, options.filters.length);
}

function listObjects({ context: { store, options }, dialect, request: { kind, parentGuid } }: Ask): Did {
  const rows = rowsOf(store, kind, parentGuid).map((row) => encodeObject(dialect, kind, row, options.utcOffsetSeconds));
  return { paramRet: { [dialect.answer.list]: rows }, effect: null, effectKey: null };
}
/** What a new object hangs on and does not find; null = all is there. */
function missingParent({ context: { store, options }, request: { kind } }: Ask, row: AnyRow): string | null {
  if (kind === 'target') {
    const target = row as TargetRow;
    if (!store.find('sets', target.RefGuidSet)) return 'Set not found';
    return same(target.RefGuidBaseSequence, options.sequenceGuid) ? null : 'Base Sequence not found';
  }
  if (kind === 'shot' && !store.find('targets', (row as ShotRow).RefGuidTarget)) return 'Target not found';
  return null;
}
function addObject(ask: Ask): Did {
  const { kind, guid } = ask.request;
  const made = readRow(ask, undefined);
  if ('error' in made) return answer(ask, made.error);
  const missing = missingParent(ask, made.row);
  if (missing) return answer(ask, missing);
  ask.context.store.put(TABLE[kind], guid, made.row);
  return changed(ask, 'create');
}
function updateObject(ask: Ask, before: Kept<AnyRow>): Did {
  const { kind, guid } = ask.request;
  const made = readRow(ask, before.row);
  if ('error' in made) return answer(ask, made.error);
  if (JSON.stringify(made.row) === JSON.stringify(before.row)) return answer(ask, ask.dialect.answer.done);
  const kept = ask.context.store.put(TABLE[kind], guid, made.row);
  return changed(ask, 'update', kept.generation);
}
function setStatus(ask: Ask, { row }: Kept<AnyRow>): Did {
  const { kind, guid, enable } = ask.request;
  const is = kind === 'shot' ? (row as ShotRow).Enabled : (row as SetRow | TargetRow).Status === 0;
  if (is === enable) return answer(ask, ask.dialect.answer.done);
  const kept = ask.context.store.put(
    TABLE[kind],
    guid,
    kind === 'shot'
      ? { ...(row as ShotRow), Enabled: enable }
      : { ...(row as SetRow | TargetRow), Status: enable ? 0 : 1 },
  );
  return changed(ask, enable ? 'enable' : 'disable', kept.generation);
}

/** Carries out a decoded request on RoboTarget's database. Adding a GUID again overwrites the object and counts as a repeated effect. */
export function runReserved(context: Context, roboTarget: RoboTarget, dialect: Dialect, request: Decoded): Did {
  const ask: Ask = { context, roboTarget, dialect, request };
  const { kind, op, guid } = request;
  if (op === 'list') return listObjects(ask);
  if (guid === '') return answer(ask, 'GUID missing');
  if (op === 'add') return addObject(ask);
  const before: Kept<AnyRow> | undefined = context.store.find(TABLE[kind], guid);
  if (!before) return answer(ask, `${kind[0]!.toUpperCase()}${kind.slice(1)} not found`);
  if (op === 'update') return updateObject(ask, before);
  if (op !== 'remove') return setStatus(ask, before);
  context.store.remove(TABLE[kind], guid);
  return changed(ask, 'remove', before.generation);
}
