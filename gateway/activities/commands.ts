import type { CommandOutcome, Grant, Observation } from '../../domain/ports.ts';
import { buildRequest } from '../protocol/requests.ts';
import type { OpenTarget } from '../robotarget/open.ts';
import { done, refused, toCommand, unknown } from '../telescope/outcomes.ts';
import type { Latch } from '../telescope/latches.ts';
import { runningNow, runningOf } from '../telescope/running.ts';
import { sameGuid } from '../telescope/targets.ts';
import type { TelescopeGateway } from '../telescope/telescope.ts';
import { heartbeat, invalid, lookId } from './context.ts';

function targetOf(grant: Grant): string {
  if (!grant.targetGuid) throw invalid(`grant of booking ${grant.bookingId}: targetGuid is null`);
  return grant.targetGuid;
}
async function findTarget(gateway: TelescopeGateway, guid: string): Promise<OpenTarget | null | undefined> {
  const list = await gateway.targets.list();
  return list.ok ? (list.items.find((t) => sameGuid(t.guid, guid)) ?? null) : undefined;
}

/** Submit only. Sent at most once per key: a repeat answers what is known, or reads back first. */
export async function enableTarget(gateway: TelescopeGateway, grant: Grant, key: string): Promise<CommandOutcome> {
  const guid = targetOf(grant);
  const before = gateway.commands.find(key);
  if (before?.state === 'done') return before.result ?? done();
  if (!gateway.ready) return before ? unknown('voyager_away') : refused('voyager_away', gateway.link.reason);
  if (before?.state === 'sent' || before?.state === 'unknown') {
    const target = await findTarget(gateway, guid);
    if (target === undefined) return unknown('no_answer', 'RoboTarget’s list could not be read');
    if (target?.enabled) return gateway.commands.finish(key, done('read back'));
  }
  const permit = { by: 'session', grant } as const;
  const why = gateway.gate.whyNotStart(permit, guid);
  if (why) return refused(why);
  await gateway.commands.begin(key, 'enable', grant.bookingId, guid);
  const request = gateway.targets.statusRequest(guid, true);
  const outcome = toCommand(await gateway.request({ ...request, uid: request.uid! }, permit));
  gateway.diary.command(key, 'enable', outcome, grant.bookingId);
  if (outcome.outcome !== 'unknown') return gateway.commands.finish(key, outcome);
  const target = await findTarget(gateway, guid);
  return gateway.commands.finish(key, target?.enabled ? done('read back') : outcome);
}

/** Submit only: the exposure under way finishes. Always passes the gate but for read-only mode and Voyager's emergency. */
export async function disableTarget(gateway: TelescopeGateway, grant: Grant, key: string): Promise<CommandOutcome> {
  const guid = targetOf(grant);
  const before = gateway.commands.find(key);
  if (before?.state === 'done') return before.result ?? done();
  if (!gateway.ready) return unknown('voyager_away', gateway.link.reason);
  gateway.commands.beginStop(key, 'disable', grant.bookingId, guid);
  const [sent] = await gateway.targets.stop([guid], false);
  const outcome = toCommand(sent!);
  gateway.diary.command(key, 'disable', outcome, grant.bookingId);
  const gated = sent!.outcome === 'refused' && sent!.how === 'gate';
  if (outcome.outcome === 'done' || gated) return gateway.commands.finish(key, outcome);
  // Refused or unanswered: what the list shows decides, and what is not on it is disabled.
  const target = await findTarget(gateway, guid);
  return gateway.commands.finish(key, target !== undefined && !target?.enabled ? done('read back') : outcome);
}

/** Stop ladder, confirmed from telemetry. */
export async function stopTarget(gateway: TelescopeGateway, grant: Grant, key: string): Promise<CommandOutcome> {
  const guid = targetOf(grant);
  const before = gateway.commands.find(key);
  if (before?.state === 'done') return before.result ?? done();
  const scriptRan = gateway.mirror.controlData?.RUNDS ?? null;
  if (!gateway.ready) return unknown('voyager_away', gateway.link.reason);
  gateway.commands.beginStop(key, 'stop', grant.bookingId, guid);
  const outcome = await gateway.ladder.stop([guid], { heartbeat });
  gateway.diary.command(key, 'stop', outcome, grant.bookingId);
  gateway.commands.finish(key, outcome);
  // Abort ended RoboTarget's script too: start it again for the others, where policy and gate allow it.
  if (
    outcome.outcome === 'done' &&
    scriptRan !== null &&
    !gateway.mirror.controlData?.RUNDS &&
    gateway.telescope.policy.robotarget_start === 'dragscript'
  )
    await startRoboTarget(gateway, grant, `${key}/script`);
  return outcome;
}

/** Starts RoboTarget's DragScript where policy allows and none runs; confirmed by RUNDS. */
export async function startRoboTarget(gateway: TelescopeGateway, grant: Grant, key: string): Promise<CommandOutcome> {
  const { policy } = gateway.telescope;
  if (policy.robotarget_start === 'never' || policy.dragscript === null)
    return refused('not_allowed', 'robotarget_start is "never" for this telescope');
  if (!gateway.ready) return refused('voyager_away', gateway.link.reason);
  if (gateway.mirror.controlData?.RUNDS) return done(`${gateway.mirror.controlData.RUNDS} runs already`);
  const permit = { by: 'session', grant } as const;
  const why = gateway.gate.whyNotStart(permit, null);
  if (why) return refused(why);
  const before = gateway.commands.find(key);
  if (before?.state === 'sent')
    return gateway.commands.finish(key, unknown('no_answer', 'sent before and RUNDS is empty'));
  await gateway.commands.begin(key, 'script', grant.bookingId, null);
  const request = buildRequest('RemoteDragScript', { DragScriptFile: policy.dragscript }, { timeoutMs: 10_000 });
  const outcome = toCommand(await gateway.request(request, permit));
  gateway.diary.command(key, 'script', outcome, grant.bookingId);
  if (outcome.outcome === 'refused') return gateway.commands.finish(key, outcome);
  for (let waited = 0; waited < 12_000; waited += 500) {
    heartbeat();
    if (gateway.mirror.controlData?.RUNDS) return gateway.commands.finish(key, done());
    await gateway.waits.wait(500);
  }
  return gateway.commands.finish(key, unknown('no_answer', 'RUNDS stays empty'));
}

/** RoboTarget's targets with the grant's own, and its frames; null what cannot be read. */
async function listsOf(gateway: TelescopeGateway, { targetGuid: guid, bookingId }: Grant) {
  const list = gateway.ready ? await gateway.targets.list() : null;
  const target = list?.ok ? list.items.find((t) => sameGuid(t.guid, guid)) : undefined;
  const shots = gateway.ready && guid && target ? await gateway.targets.shotsDone(guid) : null;
  if (shots?.ok && guid) await gateway.shots.take(guid, bookingId, shots.items);
  return { list, target, shots };
}

/** The mirror plus RoboTarget's own lists, small and typed. Reads only; what cannot be read is null. */
export async function observe(gateway: TelescopeGateway, grant: Grant): Promise<Observation> {
  const guid = grant.targetGuid;
  const { list, target, shots } = await listsOf(gateway, grant);
  const state = gateway.state();
  const latch = gateway.latches.ofBooking(grant.bookingId);
  const someTargetRuns = list?.ok ? list.items.some((t) => t.statusOp === 'running') : false;
  const { weather } = state;
  return {
    at: state.at,
    connected: gateway.ready,
    ageSeconds: state.connection.last_message_age_seconds,
    voyagerStatus: state.voyager.status,
    emergency: state.voyager.emergency,
    running: list?.ok
      ? runningOf(list.items, guid, state.voyager.run_sequence)
      : runningNow(gateway.targets, gateway.mirror, guid, 10_000),
    roboTargetRunning: roboTargetRunning(gateway, someTargetRuns),
    runSequence: state.voyager.run_sequence,
    runDragScript: state.voyager.run_dragscript,
    guiding: state.guiding.status,
    mountConnected: state.mount.connected,
    cameraConnected: state.camera.connected,
    lastError: state.voyager.last_error,
    clockOffsetSeconds: state.connection.clock_offset_seconds,
    weather: gateway.weatherLatch.seenBy(
      grant.bookingId,
      lookId(),
      {
        state: weather.state,
        reason: weather.reason,
        causes: weather.causes,
        ok_since: weather.ok_since,
        stale: weather.stale,
      },
      gateway.clock.monotonicMs(),
    ),
    target: target ? { enabled: target.enabled, statusOp: target.statusOp } : null,
    targetAbsent: guid !== null && list?.ok === true && !target,
    shotsDone: shots?.ok ? countByShot(shots.items) : null,
    latchedAbort: latch ? latchSeen(latch) : null,
  };
}

const latchSeen = ({ commandId, requestedBy, at, reason }: Latch): Observation['latchedAbort'] => ({
  commandId,
  requestedBy,
  at,
  ...(reason ? { reason } : {}),
});

/** No field says so: a target that runs proves it, a DragScript that our policy starts must show in RUNDS, anything else is not known. */
function roboTargetRunning(gateway: TelescopeGateway, someTargetRuns: boolean): boolean | null {
  if (someTargetRuns || gateway.mirror.controlData?.RUNDS) return true;
  return gateway.telescope.policy.robotarget_start === 'dragscript' && gateway.mirror.controlData !== null
    ? false
    : null;
}
function countByShot(records: readonly { shotGuid: string; deleted: boolean }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const record of records)
    if (!record.deleted) counts[record.shotGuid.toLowerCase()] = (counts[record.shotGuid.toLowerCase()] ?? 0) + 1;
  return counts;
}
