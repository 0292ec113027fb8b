import { asText } from '../protocol/fields.ts';
import { classify as classifyPublic, COMMANDS } from '../protocol/requests.ts';
import { commandsOfMethod, type Dialect, type DialectCommandName, type ObjectKind } from '../robotarget/dialect.ts';

/**
 * How the safety gate treats a request (safety.md 4): `read` asks or switches what a connection hears; `safe` stops, parks or closes and
 * always passes; `edit` changes RoboTarget's plans; `start` may set something in motion; `script` starts a DragScript and may open a
 * roof; `halt` stops everything, the mount too. What nobody described counts as `start`.
 */
export type GateClass = 'read' | 'safe' | 'edit' | 'start' | 'script' | 'halt';

const MODES: ReadonlySet<string> = new Set([
  'AuthenticateUserBase',
  'AuthenticateUserTicket',
  'RemoteSetDashboardMode',
  'RemoteSetLogEvent',
  'RemoteSetDonutsMode',
  'RemoteSetVikingDataSend',
  'disconnect',
]);
/** Always on the allow-list: without them neither mirror nor stop works. */
export const ALWAYS_LISTED: ReadonlySet<string> = new Set([
  'Abort',
  'RemoteActionAbort',
  'RemoteActionAbortAll',
  'RemoteOpenRoboTargetGetTargetList',
  'RemoteOpenRoboTargetGetShotDoneList',
  ...MODES,
]);

export interface Classified {
  class: GateClass;
  /** Set where the request is one of the dialect's. */
  dialect: { command: DialectCommandName; kind: ObjectKind; guid: string | null } | null;
}

export function classify(dialect: Dialect, method: string, params: Readonly<Record<string, unknown>>): Classified {
  const known = dialectCommand(dialect, method, params);
  if (known) return { class: classOfDialect(dialect, known, params), dialect: known };
  return { class: classOfPublic(method, params), dialect: null };
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
): GateClass {
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

/** A finished target whose records are taken away is not finished any more: RoboTarget takes them again. */
const UNFINISHES: ReadonlySet<string> = new Set([
  'RemoteOpenRoboTargetRemoveShotDone',
  'RemoteOpenRoboTargetRemoveShotDoneByFileName',
  'RemoteOpenRoboTargetUpdateBulkShotDone',
]);

function classOfPublic(method: string, params: Readonly<Record<string, unknown>>): GateClass {
  if (UNFINISHES.has(method)) return 'start';
  if (MODES.has(method)) return 'read';
  if (method === 'Abort') return params.IsHalt === false ? 'safe' : 'halt';
  if (method === 'RemoteDragScript' || method === 'RemoteDragScriptSelfContained') return 'script';
  switch (classifyPublic(method, params)) {
    case 'read':
      return 'read';
    case 'stop':
      return 'safe';
    case 'config':
      return 'edit';
    case 'start-motion':
    case 'other':
      return 'start';
  }
}
