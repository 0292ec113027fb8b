import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { UsageError } from '../../platform/errors.ts';
import { commandsOfMethod, type Dialect, type DialectCommandName, type ObjectKind } from '../robotarget/dialect.ts';
import { connection } from './commands/connection.ts';
import { devices } from './commands/devices.ts';
import { robotarget } from './commands/robotarget.ts';
import { scripts } from './commands/scripts.ts';
import type { CommandClass, CommandSpec } from './commands/spec.ts';
import { asText, isObject, type JsonObject } from './fields.ts';

/**
 * Every public remote command and RoboTarget's open ones (Application Server Protocol), with parameters, answer and what it can set in motion.
 * Names are the wire's, spelling mistakes included; reserved commands are the dialect's (gateway/robotarget).
 */
const list = [...connection, ...devices, ...scripts, ...robotarget] as const;

/** Every public command by its wire name. */
export const COMMANDS: ReadonlyMap<string, CommandSpec> = new Map(
  list.map((spec) => [spec.method, spec as unknown as CommandSpec]),
);
type Listed = (typeof list)[number];
export type CommandMethod = Listed['method'];
/** Parameters of a command as a caller gives them; those with a default may be left out. */
export type CommandParams<M extends CommandMethod> = z.input<Extract<Listed, { method: M }>['params']>;
export const COMMAND_METHODS: readonly CommandMethod[] = list.map((spec) => spec.method);

export interface BuiltRequest {
  method: string;
  params: JsonObject;
  uid: string;
  timeoutMs: number;
  answer: 'reply' | 'result';
}
interface BuildOptions {
  uid?: string;
  timeoutMs?: number;
}
/**
 * A request with checked parameters and the specification's own way of answering.
 * @throws UsageError naming the command and each wrong parameter
 */
export function buildRequest<M extends CommandMethod>(
  method: M,
  params: CommandParams<M>,
  options?: BuildOptions,
): BuiltRequest {
  return buildUntyped(method, params, options);
}
/** As buildRequest, for a method and parameters that came from outside. */
export function buildUntyped(method: string, params: Readonly<JsonObject>, options: BuildOptions = {}): BuiltRequest {
  const spec = COMMANDS.get(method);
  if (!spec) throw new UsageError(`${method} is not a public command of Voyager`);
  const parsed = spec.params.safeParse(params);
  if (!parsed.success)
    throw new UsageError(
      `${method}: ${parsed.error.issues.map((issue) => `${issue.path.join('.') || 'params'}: ${issue.message}`).join('; ')}`,
    );
  const uid = options.uid ?? randomUUID();
  return {
    method,
    params: { ...(spec.uid ? { UID: uid } : {}), ...parsed.data },
    uid,
    timeoutMs: options.timeoutMs ?? spec.timeoutMs,
    answer: spec.answer,
  };
}

/** Always on the allow-list: without them neither mirror nor stop works. */
export const ALWAYS_LISTED: ReadonlySet<string> = new Set([
  'Abort',
  'RemoteActionAbort',
  'RemoteActionAbortAll',
  'RemoteOpenRoboTargetGetTargetList',
  'RemoteOpenRoboTargetGetShotDoneList',
  'AuthenticateUserBase',
  'AuthenticateUserTicket',
  'RemoteSetDashboardMode',
  'RemoteSetLogEvent',
  'RemoteSetDonutsMode',
  'RemoteSetVikingDataSend',
  'disconnect',
]);

export interface Classified {
  class: CommandClass;
  /** Set where the request is one of the dialect's. */
  dialect: { command: DialectCommandName; kind: ObjectKind; guid: string | null } | null;
}

/** What a line can do, and which of the dialect's commands it is. */
export function classify(dialect: Dialect, method: string, params: Readonly<Record<string, unknown>>): Classified {
  const known = dialectCommand(dialect, method, params);
  if (known) return { class: classOfDialect(dialect, known, params), dialect: known };
  if (dialect.modes.some((mode) => mode.method === method)) return { class: 'read', dialect: null };
  // What nobody described counts as one that starts motion.
  const word = COMMANDS.get(method)?.class ?? 'start';
  return { class: typeof word === 'function' ? word(params) : word, dialect: null };
}

/** Which of the dialect's commands this request is; several share a method where only the object type differs. */
function dialectCommand(
  dialect: Dialect,
  method: string,
  params: Readonly<Record<string, unknown>>,
): Classified['dialect'] {
  if (COMMANDS.has(method)) return null;
  const names = commandsOfMethod(dialect, method);
  if (names.length === 0) return null;
  const command =
    names.find((name) => {
      const wire = wireOf(dialect, name, '{objectType}');
      return wire !== null && asText(params[wire]) === String(dialect.object_types[kindOf(name)]);
    }) ?? names[0]!;
  const kind = kindOf(command);
  const guidWire =
    wireOf(dialect, command, '{guid}') ??
    (dialect.commands[command].body ? (dialect.objects[kind].fields[dialect.objects[kind].id] ?? null) : null);
  const guid = guidWire === null ? null : params[guidWire];
  return { command, kind, guid: typeof guid === 'string' && guid.length > 0 ? guid : null };
}
const kindOf = (name: DialectCommandName): ObjectKind => name.split('.')[0] as ObjectKind;
const wireOf = (dialect: Dialect, name: DialectCommandName, placeholder: string): string | null =>
  Object.entries(dialect.commands[name].params).find(([, source]) => source === placeholder)?.[0] ?? null;
const enables = (dialect: Dialect, value: unknown): boolean =>
  value === undefined || asText(value) !== String(dialect.status.disabled);

function classOfDialect(
  dialect: Dialect,
  known: NonNullable<Classified['dialect']>,
  params: Readonly<Record<string, unknown>>,
): CommandClass {
  const [kind, op] = known.command.split('.') as [ObjectKind, string];
  // A set or a shot may give an enabled target work: that is judged by what is known of the target (effect.ts).
  if (op === 'list') return 'read';
  if (op === 'status') {
    const wire = wireOf(dialect, known.command, '{status}');
    return wire !== null && !enables(dialect, params[wire]) ? 'safe' : 'start';
  }
  const statusWire = dialect.objects[kind].fields.Status;
  // A target written as enabled is picked up by the scheduler at once.
  if (
    (op === 'add' || op === 'update') &&
    kind === 'target' &&
    statusWire !== undefined &&
    enables(dialect, params[statusWire])
  )
    return 'start';
  return 'edit';
}

/** Is it a name of the public protocol or of the dialect? */
export const isKnownMethod = (method: string, dialect?: Dialect): boolean =>
  COMMANDS.has(method) ||
  (dialect !== undefined &&
    (commandsOfMethod(dialect, method).length > 0 || dialect.modes.some((mode) => mode.method === method)));

/** Message where a result says OK but its payload says that it failed; else null. */
export function payloadFailure(method: string, paramRet: unknown, dialect?: Dialect): string | null {
  const payload = isObject(paramRet) ? paramRet : {};
  const spec = COMMANDS.get(method);
  if (spec) return spec.failure(payload);
  if (!dialect || commandsOfMethod(dialect, method).length === 0) return null;
  const ret = payload[dialect.answer.ret];
  return ret === undefined || ret === dialect.answer.done ? null : asText(ret);
}
