import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UsageError } from '../../platform/errors.ts';
import type { SettingProblem } from '../../platform/settings/problems.ts';
import { projectPath } from '../../platform/paths.ts';
import { asText } from '../protocol/fields.ts';
import { instantsOf, localOf, type Zone } from '../telescope/timezone.ts';

/**
 * The only place where the vocabulary of RoboTarget's reserved commands lives: a data file (`VOYAGER_ROBOTARGET_DIALECT`, else
 * dialect.default.json) and its reader, shared with the simulator. The shipped names are public patterns; a licensee checks them against their own
 * document (docs/robotarget-dialect.md).
 */

export const OBJECT_KINDS = ['set', 'target', 'shot'] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];
export type DialectOp = 'list' | 'add' | 'update' | 'remove' | 'status';
export type DialectCommandName = `${ObjectKind}.${DialectOp}`;

const PLACEHOLDER = /\{(\w{1,32})\}/g;
const PLACEHOLDERS = [
  'secret',
  'sessionKey',
  'id',
  'uid',
  'guid',
  'parentGuid',
  'status',
  'objectType',
  'name',
] as const;
const Template = z.string().superRefine((text, ctx) => {
  for (const [, name] of text.matchAll(PLACEHOLDER)) {
    if (!(PLACEHOLDERS as readonly string[]).includes(name!))
      ctx.addIssue({
        code: 'custom',
        message: `{${name}} is not one of ${PLACEHOLDERS.map((p) => `{${p}}`).join(' ')}`,
      });
  }
});
const Command = z.strictObject({
  method: z.string().min(1),
  /** Wire parameters beside UID and the signature; a value that is one placeholder keeps its type (number, boolean). */
  params: z.record(z.string(), z.union([Template, z.number(), z.boolean()])),
  /** Adds the object's mapped fields. */
  body: z.boolean().default(false),
  /** Text that is signed; `signing.template` where absent. */
  sign: Template.optional(),
});
const ObjectShape = z.strictObject({
  id: z.string(),
  parent: z.string().nullable(),
  fields: z.record(z.string(), z.string().min(1)),
});

const commandNames = OBJECT_KINDS.flatMap((k) =>
  (['list', 'add', 'update', 'remove', 'status'] as const).map((op) => `${k}.${op}` as const),
);
export const Dialect = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  signing: z.strictObject({
    param: z.string().min(1).nullable(),
    template: Template,
    digest: z.enum(['md5', 'sha1', 'sha256', 'none']),
    encoding: z.enum(['hex', 'HEX', 'base64', 'base64url']),
  }),
  /** Requests sent after login, in order, where the licence's commands need a mode of their own. */
  modes: z
    .array(
      z.strictObject({
        method: z.string().min(1),
        params: z.record(z.string(), z.union([Template, z.number(), z.boolean()])),
        sign: Template.optional(),
      }),
    )
    .default([]),
  times: z.strictObject({
    unit: z.enum(['unix_seconds', 'unix_milliseconds', 'iso']),
    zone: z.enum(['utc', 'site_local']),
  }),
  angles: z.strictObject({ ra: z.enum(['hours', 'degrees']), dec: z.enum(['degrees']) }),
  status: z.strictObject({
    enabled: z.union([z.number(), z.string(), z.boolean()]),
    disabled: z.union([z.number(), z.string(), z.boolean()]),
  }),
  object_types: z.strictObject({
    set: z.union([z.number(), z.string()]),
    target: z.union([z.number(), z.string()]),
    shot: z.union([z.number(), z.string()]),
  }),
  answer: z.strictObject({ ret: z.string(), done: z.string(), list: z.string() }),
  objects: z.strictObject({ set: ObjectShape, target: ObjectShape, shot: ObjectShape }),
  commands: z.record(z.enum(commandNames as [DialectCommandName, ...DialectCommandName[]]), Command),
});
export type Dialect = z.infer<typeof Dialect>;

/** The dialect of a file, the shipped one without; or each wrong line of it. */
function readDialect(path?: string): { dialect: Dialect | null; problems: string[] } {
  const file = path ?? projectPath('gateway', 'robotarget', 'dialect.default.json');
  try {
    const parsed = Dialect.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return parsed.success
      ? { dialect: parsed.data, problems: [] }
      : { dialect: null, problems: parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`) };
  } catch (thrown) {
    return { dialect: null, problems: [(thrown as Error).message] };
  }
}
/** @throws UsageError that names the file and each wrong line of it. */
export function loadDialect(path?: string): Dialect {
  const { dialect, problems } = readDialect(path);
  if (!dialect) throw new UsageError(`RoboTarget dialect ${path ?? 'as shipped'}:\n  ${problems.join('\n  ')}`);
  return dialect;
}
/** Each wrong line of the dialect that VOYAGER_ROBOTARGET_DIALECT names. */
export const dialectProblems = (path: string | undefined): SettingProblem[] =>
  readDialect(path).problems.map((message) => ({
    name: `VOYAGER_ROBOTARGET_DIALECT, ${path ?? 'as shipped'}`,
    message,
  }));

export interface SignContext {
  secret: string;
  /** Raw digits of the Version event's Timestamp: some schemes need them exactly as sent. */
  sessionKey: string;
  id: number;
  uid: string;
  guid?: string;
  parentGuid?: string;
  status?: string | number | boolean;
  objectType?: string | number;
  name?: string;
}

const fill = (template: string, context: SignContext): string =>
  template.replace(PLACEHOLDER, (_, name: keyof SignContext) => String(context[name] ?? ''));
function value(source: string | number | boolean, context: SignContext): string | number | boolean {
  if (typeof source !== 'string') return source;
  const whole = /^\{(\w+)\}$/.exec(source);
  return whole ? (context[whole[1] as keyof SignContext] ?? '') : fill(source, context);
}

/** Signature of a filled template as the dialect says. */
export function sign(dialect: Dialect, template: string, context: SignContext): string {
  const plain = fill(template, context);
  const { digest, encoding } = dialect.signing;
  const bytes = digest === 'none' ? Buffer.from(plain, 'utf8') : createHash(digest).update(plain, 'utf8').digest();
  if (encoding === 'HEX') return bytes.toString('hex').toUpperCase();
  return bytes.toString(encoding);
}

type Canonical = Record<string, unknown>;
const TIME_FIELDS = new Set(['DateCreation', 'C_DateStart', 'C_DateEnd']);

/** Canonical field (roadmap's name and unit) to the wire. `zone`: the site's, for dialects that write local time. */
export function encodeObject(
  dialect: Dialect,
  kind: ObjectKind,
  object: Canonical,
  zone: Zone = 0,
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [field, wire] of Object.entries(dialect.objects[kind].fields)) {
    const given = object[field];
    if (given === undefined) continue;
    if (field === 'Status') out[wire] = given === 0 ? dialect.status.enabled : dialect.status.disabled;
    else if (TIME_FIELDS.has(field)) out[wire] = encodeTime(dialect, Number(given), zone);
    else if (field === 'RAJ2000' && dialect.angles.ra === 'degrees') out[wire] = Number(given) * 15;
    else out[wire] = given;
  }
  return out;
}
/** Wire to canonical; unknown wire fields are dropped, numbers written as strings are read. */
export function decodeObject(dialect: Dialect, kind: ObjectKind, wireObject: Canonical, zone: Zone = 0): Canonical {
  const out: Canonical = {};
  for (const [field, wire] of Object.entries(dialect.objects[kind].fields)) {
    const given = wireObject[wire];
    if (given === undefined || given === null) continue;
    if (field === 'Status')
      out[field] = given === dialect.status.enabled || asText(given) === String(dialect.status.enabled) ? 0 : 1;
    else if (TIME_FIELDS.has(field)) out[field] = decodeTime(dialect, given, zone);
    else if (field === 'RAJ2000' && dialect.angles.ra === 'degrees') out[field] = Number(given) / 15;
    else out[field] = given;
  }
  return out;
}
/** Local times carry the offset of the instant that is written, which on the night the clocks change is not the offset of now. */
function encodeTime(dialect: Dialect, unixSeconds: number, zone: Zone): number | string {
  const shifted = dialect.times.zone === 'site_local' ? localOf(unixSeconds * 1000, zone) / 1000 : unixSeconds;
  switch (dialect.times.unit) {
    case 'unix_seconds':
      return shifted;
    case 'unix_milliseconds':
      return shifted * 1000;
    case 'iso':
      return new Date(shifted * 1000).toISOString().slice(0, 19);
  }
}
/** In the hour that comes twice the later instant is meant, as Windows reads such a time (TimeZoneInfo: ambiguous is standard time). */
function decodeTime(dialect: Dialect, given: unknown, zone: Zone): number {
  const raw =
    dialect.times.unit === 'iso'
      ? Date.parse(`${String(given).slice(0, 19)}Z`) / 1000
      : Number(given) / (dialect.times.unit === 'unix_milliseconds' ? 1000 : 1);
  if (dialect.times.zone === 'utc' || !Number.isFinite(raw)) return raw;
  return instantsOf(raw * 1000, zone).at(-1)! / 1000;
}

/** Method and parameters (UID and signature included) of one command. */
export function encodeCommand(
  dialect: Dialect,
  name: DialectCommandName,
  context: SignContext,
  body?: Canonical,
  zone: Zone = 0,
): { method: string; params: Record<string, unknown> } {
  const command = dialect.commands[name];
  if (!command) throw new UsageError(`RoboTarget dialect "${dialect.name}" has no command ${name}`);
  const kind = name.split('.')[0] as ObjectKind;
  const params: Record<string, unknown> = { UID: context.uid };
  if (command.body && body) Object.assign(params, encodeObject(dialect, kind, body, zone));
  for (const [wire, source] of Object.entries(command.params)) params[wire] = value(source, context);
  if (dialect.signing.param)
    params[dialect.signing.param] = sign(dialect, command.sign ?? dialect.signing.template, context);
  return { method: command.method, params };
}

/** Parameters of one of the dialect's modes: UID, its values, and a signature where the mode has a template of its own. */
export function fillParams(
  dialect: Dialect,
  mode: Dialect['modes'][number],
  context: SignContext,
): Record<string, unknown> {
  const params: Record<string, unknown> = { UID: context.uid };
  for (const [wire, source] of Object.entries(mode.params)) params[wire] = value(source, context);
  if (dialect.signing.param && mode.sign !== undefined)
    params[dialect.signing.param] = sign(dialect, mode.sign, context);
  return params;
}

/** Commands that a wire method may stand for (status of set, target and shot may share one). */
export function commandsOfMethod(dialect: Dialect, method: string): DialectCommandName[] {
  return (Object.keys(dialect.commands) as DialectCommandName[]).filter(
    (name) => dialect.commands[name]?.method === method,
  );
}
