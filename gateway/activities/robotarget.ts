import type { RoboTargetRequest, RoboTargetResult } from '../../domain/ports.ts';
import { overlaps, type RoboTargetReads, windowsMadeRunnable } from '../../domain/robotarget-window.ts';
import type { JsonObject } from '../protocol/fields.ts';
import type { ReadOutcome } from '../robotarget/commands.ts';
import type { ObjectKind } from '../robotarget/dialect.ts';
import { done, reasonOf, refused, toCommand, unknown } from '../telescope/outcomes.ts';
import type { Permit } from '../telescope/gate.ts';
import { sameGuid } from '../telescope/targets.ts';
import type { TelescopeGateway } from '../telescope/telescope.ts';
import { heartbeat, invalid } from './context.ts';

const ID = { set: 'Guid', target: 'GuidTarget', shot: 'GuidShot' } as const satisfies Record<ObjectKind, string>;

function cannotAsk({ targets, ready, link }: TelescopeGateway): ReturnType<typeof refused> | null {
  if (!targets.setUp) return refused('robotarget_not_set_up');
  return ready ? null : refused('voyager_away', link.reason);
}

/** One read or write of RoboTarget for the drop-in routes; sent at most once per command id, judged by the gate as the owner's own. */
export async function roboTarget(gateway: TelescopeGateway, request: RoboTargetRequest): Promise<RoboTargetResult> {
  const why = cannotAsk(gateway);
  if (why) return { ...why, items: [] };
  if (request.op === 'list') return result(await listObjects(gateway, request.object, request.parentGuid));
  if (request.op === 'get') return result(await findObject(gateway, request.object, request.guid));
  return (
    (await knownBefore(gateway, request)) ?? (await standsAgainst(gateway, request)) ?? (await write(gateway, request))
  );
}

/** What became of a command id that was sent before; null = it was not, or was refused, and may be sent. */
async function knownBefore(gateway: TelescopeGateway, request: Write): Promise<RoboTargetResult | null> {
  const before = gateway.commands.find(request.commandId);
  if (!before || before.state === 'refused') return null;
  const items = await readBack(gateway, request.object, request.guid);
  if (before.state === 'done') return { ...done('done before'), items };
  // Sent without an answer: only what can be seen counts, and nothing is sent again.
  const took =
    request.op === 'delete'
      ? items.length === 0
      : items.length > 0 && (request.op === 'create' || statusIs(items[0]!, request.op));
  return { ...(took ? gateway.commands.finish(request.commandId, done('read back')) : unknown('no_answer')), items };
}
/** Why this write is not sent at all: the object is a session's, or is there already. */
async function standsAgainst(gateway: TelescopeGateway, request: Write): Promise<RoboTargetResult | null> {
  const grant = request.object === 'target' ? gateway.grants.ofTarget(request.guid) : null;
  if (grant?.state === 'active' && request.op !== 'disable')
    return { ...refused('not_allowed', `this target belongs to booking ${grant.bookingId}`), items: [] };
  if (request.op !== 'create') return null;
  const there = await findObject(gateway, request.object, request.guid, parentOf(request.object, request.body));
  return there.ok && there.items.length > 0
    ? { ...refused('refused_by_voyager', `a ${request.object} with this GUID is there already`), items: there.items }
    : null;
}
/** What the gate must know of this write; its own list of targets is read anew where the judgement rests on it. */
async function permitFor(gateway: TelescopeGateway, request: Write): Promise<Permit> {
  const permit: Permit = { by: 'operator', elsewhere: await startsNothingNow(gateway, request) };
  heartbeat();
  if (request.object === 'shot') await gateway.targets.list();
  if (request.object === 'set' && request.op === 'update') {
    await gateway.targets.list();
    const set = await findObject(gateway, 'set', request.guid);
    permit.setWasEnabled = set.ok && set.items[0] !== undefined && statusIs(set.items[0], 'enable');
  }
  return permit;
}
async function write(gateway: TelescopeGateway, request: Write): Promise<RoboTargetResult> {
  const permit = await permitFor(gateway, request);
  await gateway.commands.begin(request.commandId, 'edit', null, request.guid);
  const line = gateway.client.buildRequest(request.object, WIRE_OP[request.op], {
    guid: request.guid,
    ...(request.op === 'enable' || request.op === 'disable' ? { enabled: request.op === 'enable' } : {}),
    ...('body' in request ? { body: { ...request.body, [ID[request.object]]: request.guid } } : {}),
  });
  const outcome = gateway.commands.finish(
    request.commandId,
    toCommand(await gateway.request({ ...line, uid: line.uid!, timeoutMs: 12_000 }, permit)),
  );
  gateway.diary.command(request.commandId, `${request.object}.${request.op} by ${request.requestedBy}`, outcome, null);
  const items =
    outcome.outcome === 'done' && request.op !== 'delete' ? await readBack(gateway, request.object, request.guid) : [];
  return { ...outcome, items };
}
type Write = Exclude<RoboTargetRequest, { op: 'list' | 'get' }>;
/** So near in time counts as now: a target that may run in a minute is slewed to at once. */
const NOW_MS = 60_000;

/** Can nothing that this write makes runnable run before every running slot is over? What cannot be read counts as able to. */
async function startsNothingNow(gateway: TelescopeGateway, request: Write): Promise<boolean> {
  const nowMs = gateway.clock.now();
  const running = gateway.grants.active().filter((grant) => Date.parse(grant.start) <= nowMs + NOW_MS);
  const untilMs = Math.max(nowMs + NOW_MS, ...running.map((grant) => Date.parse(grant.end)));
  const rows = async (read: Promise<ReadOutcome<JsonObject>>): Promise<JsonObject[]> => {
    const found = await read;
    if (!found.ok) throw new Error(found.outcome.message);
    return found.items;
  };
  const reads: RoboTargetReads = {
    target: async (guid) => (await rows(findObject(gateway, 'target', guid)))[0] ?? null,
    shot: async (guid) => (await rows(findObject(gateway, 'shot', guid)))[0] ?? null,
    targetsOfSet: (setGuid) => rows(gateway.client.list('target', setGuid)),
  };
  const windows = await windowsMadeRunnable(request, reads).catch(() => null);
  return windows !== null && !windows.some((window) => overlaps(window, nowMs, untilMs));
}

const WIRE_OP = { create: 'add', update: 'update', delete: 'remove', enable: 'status', disable: 'status' } as const;

const STATUS_AFTER: Record<string, number> = { enable: 0, disable: 1 };
const statusIs = (item: JsonObject, op: string): boolean =>
  Object.hasOwn(STATUS_AFTER, op) && item.Status === STATUS_AFTER[op];
const PARENT = { set: undefined, target: 'RefGuidSet', shot: 'RefGuidTarget' } as const;
function parentOf(kind: ObjectKind, body: JsonObject): string | undefined {
  const field = PARENT[kind];
  const parent = field && body[field];
  return typeof parent === 'string' ? parent : undefined;
}
function result(read: ReadOutcome<JsonObject>): RoboTargetResult {
  if (read.ok) return { ...done(), items: read.items };
  return {
    ...(read.outcome.outcome === 'refused'
      ? refused(reasonOf(read.outcome), read.outcome.message)
      : unknown(reasonOf(read.outcome), read.outcome.message)),
    items: [],
  };
}

/** Children of one parent, or of all: RoboTarget lists targets by set and shots by target. */
async function listObjects(
  gateway: TelescopeGateway,
  kind: ObjectKind,
  parentGuid?: string,
): Promise<ReadOutcome<JsonObject>> {
  if (kind === 'set' || parentGuid) return gateway.client.list(kind, parentGuid);
  if (kind === 'shot') throw invalid('parentGuid: shots are listed by target');
  const sets = await gateway.client.list('set');
  if (!sets.ok) return sets;
  const items: JsonObject[] = [];
  for (const set of sets.items) {
    heartbeat();
    const targets = await gateway.client.list('target', String(set.Guid));
    if (!targets.ok) return targets;
    items.push(...targets.items);
  }
  return { ok: true, items };
}
async function findObject(
  gateway: TelescopeGateway,
  kind: ObjectKind,
  guid: string,
  parentGuid?: string,
): Promise<ReadOutcome<JsonObject>> {
  const match = (items: JsonObject[]): JsonObject[] =>
    items.filter((item) => sameGuid(String(item[ID[kind]]), guid)).slice(0, 1);
  if (kind === 'set' || parentGuid) return gateway.client.find(kind, guid, parentGuid);
  const targets = await listObjects(gateway, 'target');
  if (!targets.ok || kind === 'target') return targets.ok ? { ok: true, items: match(targets.items) } : targets;
  for (const target of targets.items) {
    heartbeat();
    const shots = await gateway.client.list('shot', String(target.GuidTarget));
    if (!shots.ok) return shots;
    const found = match(shots.items);
    if (found.length > 0) return { ok: true, items: found };
  }
  return { ok: true, items: [] };
}
async function readBack(gateway: TelescopeGateway, kind: ObjectKind, guid: string): Promise<JsonObject[]> {
  const found = await findObject(gateway, kind, guid);
  return found.ok ? found.items : [];
}
