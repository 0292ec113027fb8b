import type { CommandOutcome, ObjectsPlan, TelescopeActivities } from '../../domain/ports.ts';
import type { VoyagerShot } from '../../domain/contracts/booking.ts';
import type { RequestOutcome } from '../connection/link.ts';
import { readNumber, type JsonObject } from '../protocol/fields.ts';
import { differences } from '../robotarget/commands.ts';
import type { ObjectKind } from '../robotarget/dialect.ts';
import { done, reasonOf, refused, toCommand, unknown } from '../telescope/outcomes.ts';
import { sameGuid } from '../telescope/targets.ts';
import type { TelescopeGateway } from '../telescope/telescope.ts';
import { heartbeat, notConnected } from './context.ts';

/** Voyager fills these itself, or they are judged apart. */
const NOT_COMPARED: Readonly<Record<ObjectKind, readonly string[]>> = {
  set: [],
  target: ['DateCreation', 'Status'],
  shot: ['Done'],
};
/** Written for people and found again by GUID, so that one which comes back otherwise (another alphabet, a cut) decides nothing. */
const LABELS: Readonly<Record<ObjectKind, readonly string[]>> = {
  set: ['Name', 'Tag'],
  target: ['TargetName', 'Tag'],
  shot: [],
};
const PASSES = 4;
const SETTLE_MS = 1_000;

type Wanted = Parameters<TelescopeActivities['ensureObjects']>[0];
interface Found {
  set: JsonObject | null;
  target: JsonObject | null;
  shots: JsonObject[];
}

const without = (body: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([field]) => !fields.includes(field)));

/** The plan's three kinds as RoboTarget has them now. @throws NotConnected when a list cannot be read */
async function readFound(gateway: TelescopeGateway, plan: ObjectsPlan): Promise<Found> {
  const one = async (kind: ObjectKind, guid: string, parent?: string): Promise<JsonObject | null> => {
    const read = await gateway.client.find(kind, guid, parent);
    if (!read.ok) throw notConnected(`${kind} could not be read: ${read.outcome.message}`);
    return read.items[0] ?? null;
  };
  const set = await one('set', plan.set.Guid);
  if (!set) return { set, target: null, shots: [] };
  const target = await one('target', plan.target.GuidTarget, plan.set.Guid);
  if (!target) return { set, target, shots: [] };
  const shots = await gateway.client.list('shot', plan.target.GuidTarget);
  if (!shots.ok) throw notConnected(`shots could not be read: ${shots.outcome.message}`);
  return { set, target, shots: shots.items };
}

function compare(
  { client }: Pick<TelescopeGateway, 'client'>,
  plan: ObjectsPlan,
  found: Found,
): { set: string[]; target: string[]; shots: Map<string, string[]>; extra: string[] } {
  const against = (kind: ObjectKind, wanted: JsonObject, is: JsonObject | null): string[] =>
    is === null
      ? ['not there']
      : differences(without(client.asWritten(kind, wanted), [...NOT_COMPARED[kind], ...LABELS[kind]]), is);
  return {
    set: against('set', plan.set, found.set),
    target: against('target', plan.target, found.target),
    shots: new Map(
      plan.shots.map((shot) => [
        shot.GuidShot,
        against('shot', shot, found.shots.find((s) => sameGuid(s.GuidShot as string, shot.GuidShot)) ?? null),
      ]),
    ),
    extra: found.shots
      .map((s) => String(s.GuidShot))
      .filter((guid) => !plan.shots.some((shot) => sameGuid(shot.GuidShot, guid))),
  };
}
/** Does a label of the object that is there differ? */
function mislabelled(kind: ObjectKind, wanted: JsonObject, is: JsonObject | null): boolean {
  const labels = Object.fromEntries(Object.entries(wanted).filter(([field]) => LABELS[kind].includes(field)));
  return is !== null && differences(labels, is).length > 0;
}
function describe(gateway: TelescopeGateway, plan: ObjectsPlan, found: Found): string[] {
  const is = compare(gateway, plan, found);
  return [
    ...is.set.map((d) => `set ${plan.set.Name}: ${d}`),
    ...is.target.map((d) => `target ${plan.target.TargetName}: ${d}`),
    ...[...is.shots].flatMap(([guid, ds]) => ds.map((d) => `shot ${guid}: ${d}`)),
    ...is.extra.map((guid) => `shot ${guid}: not in the plan`),
  ];
}

/** Which parts are not as planned, and whether the target is enabled; read only. */
export async function readObjects(
  gateway: TelescopeGateway,
  plan: ObjectsPlan,
): ReturnType<TelescopeActivities['readObjects']> {
  const found = await readFound(gateway, plan);
  return {
    differences: describe(gateway, plan, found),
    enabled: found.target === null ? null : readNumber(found.target.Status) === 0,
  };
}

/** What differs, and what may be done about it now. */
interface Need {
  is: ReturnType<typeof compare>;
  /** The target runs inside its slot, and a write leaves it running. */
  keepEnabled: boolean;
  disable: boolean;
  labelSet: boolean;
  labelTarget: boolean;
}
function needOf(gateway: TelescopeGateway, { plan, grant }: Wanted, found: Found, isFirst: boolean): Need {
  const is = compare(gateway, plan, found);
  const enabled = found.target !== null && readNumber(found.target.Status) === 0;
  const keepEnabled = enabled && gateway.grants.check(grant) === null;
  // Labels are put right once; a target that runs is not touched for one.
  const label = isFirst && !keepEnabled;
  return {
    is,
    keepEnabled,
    disable: enabled && !keepEnabled,
    labelSet: label && is.set.length === 0 && mislabelled('set', plan.set, found.set),
    labelTarget: label && is.target.length === 0 && mislabelled('target', plan.target, found.target),
  };
}
const isClean = ({ is, disable, labelSet, labelTarget }: Need): boolean =>
  !labelSet &&
  !labelTarget &&
  is.set.length === 0 &&
  is.target.length === 0 &&
  is.extra.length === 0 &&
  [...is.shots.values()].every((d) => d.length === 0) &&
  !disable;

interface Write {
  what: 'create' | 'repair' | 'label';
  send: () => Promise<RequestOutcome>;
}
/** What is to be written, in RoboTarget's order: the set, its target, the target's shots. */
function writesOf(gateway: TelescopeGateway, { plan, grant }: Wanted, found: Found, need: Need): Write[] {
  const { client } = gateway;
  const { is, keepEnabled, disable, labelSet, labelTarget } = need;
  const write = (kind: ObjectKind, op: 'add' | 'update', body: JsonObject) => () => {
    const request = client.buildRequest(kind, op, { body });
    return gateway.request({ ...request, uid: request.uid! }, { by: 'session', grant });
  };
  const writes: Write[] = [];
  if (found.set === null) writes.push({ what: 'create', send: write('set', 'add', plan.set) });
  else if (is.set.length > 0 || labelSet)
    writes.push({ what: labelSet ? 'label' : 'repair', send: write('set', 'update', plan.set) });
  if (found.target === null)
    writes.push({ what: 'create', send: () => client.add('target', { ...plan.target, Status: 1 }) });
  else {
    if (disable) writes.push({ what: 'repair', send: () => disableAndLook(gateway, plan.target.GuidTarget) });
    if (is.target.length > 0 || labelTarget)
      writes.push({
        what: labelTarget ? 'label' : 'repair',
        send: write('target', 'update', { ...plan.target, Status: keepEnabled ? 0 : 1 }),
      });
  }
  for (const shot of plan.shots) {
    if ((is.shots.get(shot.GuidShot) ?? []).length === 0) continue;
    const isThere = found.shots.some((s) => sameGuid(s.GuidShot as string, shot.GuidShot));
    writes.push(
      isThere
        ? { what: 'repair', send: write('shot', 'update', shot) }
        : { what: 'create', send: write('shot', 'add', shot) },
    );
  }
  for (const guid of is.extra) writes.push({ what: 'repair', send: () => client.remove('shot', guid) });
  return writes;
}
/** The gate judges what follows by the list of targets, so that it is read again at once. */
async function disableAndLook({ client, targets }: TelescopeGateway, guid: string): Promise<RequestOutcome> {
  const outcome = await client.setEnabled('target', guid, false);
  await targets.list();
  return outcome;
}

/** Why nothing may be prepared at all now. */
function notNow(gateway: TelescopeGateway, { bookingId, generation }: Wanted['grant']): CommandOutcome | null {
  if (gateway.readOnly) return refused('read_only');
  if (gateway.emergency.current) return refused('voyager_emergency');
  const known = gateway.grants.find(bookingId);
  return known && known.generation > generation ? refused('superseded') : null;
}
/** Voyager names no reason for a base sequence that it does not have, only its text. */
function writeRefused(outcome: Extract<RequestOutcome, { outcome: 'refused' }>): CommandOutcome {
  const reason = reasonOf(outcome);
  const isSequence = reason === 'refused_by_voyager' && /sequence/i.test(outcome.message);
  return refused(isSequence ? 'sequence_mismatch' : reason, outcome.message);
}

/**
 * Makes RoboTarget's objects what the plan says: reads, writes what differs, and reads again until nothing does; a write without an answer is
 * settled by the next reading. A new target is disabled; only one that runs inside its slot keeps its state.
 */
export async function ensureObjects(
  gateway: TelescopeGateway,
  input: Wanted,
): ReturnType<TelescopeActivities['ensureObjects']> {
  const { plan, grant } = input;
  const counts = { created: 0, repaired: 0 };
  const answer = (outcome: CommandOutcome, found: Found | null) => ({
    ...outcome,
    ...counts,
    shots: found ? voyagerShots(gateway, plan, found) : [],
  });
  const refusal = notNow(gateway, grant);
  if (refusal) return answer(refusal, null);

  for (let pass = 1; ; pass++) {
    heartbeat();
    const found = await readFound(gateway, plan);
    // The gate lets a shot or a set pass in any weather only where the list says that its target is disabled.
    await gateway.targets.list();
    const need = needOf(gateway, input, found, pass === 1);
    if (isClean(need)) return answer(done(), found);
    if (pass > PASSES) {
      const left = describe(gateway, plan, found).join('; ') || 'the target does not stay disabled';
      return answer(refused('preparation_failed', left), found);
    }
    for (const { what, send } of writesOf(gateway, input, found, need)) {
      heartbeat();
      const outcome = await send();
      if (outcome.outcome === 'done') counts[what === 'create' ? 'created' : 'repaired'] += 1;
      else if (outcome.outcome === 'refused') {
        if (outcome.how === 'not_ready') throw notConnected(outcome.message);
        if (what !== 'label') return answer(writeRefused(outcome), null);
      } else {
        // Nobody knows whether it took effect: give it time, then look.
        await gateway.waits.wait(SETTLE_MS * 3);
        break;
      }
    }
  }
}

function voyagerShots(gateway: TelescopeGateway, plan: ObjectsPlan, found: Found): VoyagerShot[] {
  return plan.shots.map((shot) => ({
    guid: shot.GuidShot,
    filter:
      Object.entries(gateway.telescope.filters).find(([, index]) => index === shot.FilterIndex)?.[0] ??
      String(shot.FilterIndex),
    filter_index: shot.FilterIndex,
    exposure_seconds: shot.Exposure,
    quantity: shot.Num,
    binning: shot.Bin,
    done: readNumber(found.shots.find((s) => sameGuid(s.GuidShot as string, shot.GuidShot))?.Done) ?? 0,
  }));
}

/** Removes what a generation made, shots first; what is gone already counts as removed. */
export async function removeObjects(
  gateway: TelescopeGateway,
  input: Parameters<TelescopeActivities['removeObjects']>[0],
): Promise<CommandOutcome> {
  if (gateway.readOnly) return refused('read_only');
  const sets = await gateway.client.find('set', input.setGuid);
  if (!sets.ok) return unknown(reasonOf(sets.outcome), sets.outcome.message);
  if (sets.items.length === 0) return done('nothing was there');
  const targets = await gateway.client.find('target', input.targetGuid, input.setGuid);
  if (!targets.ok) return unknown(reasonOf(targets.outcome), targets.outcome.message);
  if (targets.items.length > 0) {
    const disabled = await gateway.client.setEnabled('target', input.targetGuid, false);
    if (disabled.outcome !== 'done') return toCommand(disabled);
    const shots = await gateway.client.list('shot', input.targetGuid);
    if (!shots.ok) return unknown(reasonOf(shots.outcome), shots.outcome.message);
    for (const shot of shots.items) {
      heartbeat();
      const removed = await gateway.client.remove('shot', String(shot.GuidShot));
      if (removed.outcome !== 'done') return toCommand(removed);
    }
    const removed = await gateway.client.remove('target', input.targetGuid);
    if (removed.outcome !== 'done') return toCommand(removed);
  }
  const left = await gateway.client.list('target', input.setGuid);
  if (left.ok && left.items.length > 0) return done('the set holds other targets and stays');
  return toCommand(await gateway.client.remove('set', input.setGuid));
}
