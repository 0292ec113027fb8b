import { LEDGER_CLASSES } from '../../domain/contracts/ledger.ts';
import { finaliseWorkflowId } from '../../domain/queues.ts';
import { isFinal, type Outcome, type Phase } from '../../domain/phases.ts';
import { datesHold } from './evidence.ts';
import type { FaultKind } from './plan.ts';
import type { World } from './world.ts';

/** What must hold of every night, whatever happened in it. Each is checked against the world itself, not against what the workflow says of it. */

/** Which phase may follow which; a phase may follow itself with another reason. */
const FOLLOWS: Record<Phase, readonly Phase[]> = {
  scheduled: ['scheduled', 'preparing', 'cancelled', 'aborted'],
  preparing: ['preparing', 'prepared', 'starting', 'holding', 'scheduled', 'cancelled', 'aborted', 'failed'],
  prepared: ['prepared', 'preparing', 'starting', 'scheduled', 'cancelled', 'aborted', 'failed'],
  starting: ['starting', 'running', 'holding', 'finalising', 'scheduled'],
  running: ['running', 'holding', 'finalising', 'starting', 'preparing', 'prepared'],
  holding: ['holding', 'running', 'starting', 'finalising', 'preparing', 'prepared', 'scheduled', 'failed'],
  finalising: ['finalising', 'completed', 'aborted', 'weathered_out', 'failed'],
  completed: [],
  cancelled: [],
  aborted: [],
  weathered_out: [],
  failed: [],
};
/** Commands that can make something move. */
const STARTING = new Set(['enableTarget', 'startRoboTarget']);
/** With a gateway that answers, the target is off so many milliseconds after a pause or an abort was asked for. */
const STOP_WITHIN_MS = 120_000;

type Ended = (workflowId: string) => { outcome: string } | Error | null | undefined;
type Say = (text: string) => void;

/** @returns a sentence for each invariant that the night breaks */
export function judgeNight(world: World, ended: Ended): string[] {
  const found: string[] = [];
  const say = (text: string): void => void found.push(text);
  const finalised = world.transitions.some((t) => t.phase === 'finalising');
  endedWell(world, ended, say);
  phasesFollow(world, say);
  if (finalised) {
    const wrapped = ended(finaliseWorkflowId(world.bookingId));
    if (!wrapped || wrapped instanceof Error) say('finalise did not end well');
  }
  if (finalised || world.finaliser.settlements.size > 0) {
    everySecondClassed(world, say);
    settledOnce(world, say);
    exposuresCount(world, say);
  }
  everyFrameAccounted(world, say);
  commandsOnce(world, say);
  leftClean(world, finalised ? 1 : 0, say);
  everybodyAnswered(world, say);
  return found;
}

/** Every booking in a final phase, as the workflow ended. */
function endedWell({ workflowId, transitions }: World, ended: Ended, say: Say): void {
  const result = ended(workflowId);
  const last = transitions.at(-1);
  if (result === null || result === undefined) say(`the session did not end; last phase ${last?.phase ?? 'none'}`);
  else if (result instanceof Error) say(`the session failed: ${result.message}`);
  if (!last || !isFinal(last.phase)) say(`the last recorded phase is ${last?.phase ?? 'none'}`);
  else if (result && !(result instanceof Error) && result.outcome !== last.phase)
    say(`the workflow ended as ${result.outcome}, the row says ${last.phase}`);
  if (last && isFinal(last.phase) && last.outcome !== (last.phase as Outcome))
    say(`phase ${last.phase} with outcome ${last.outcome}`);
}
function phasesFollow(world: World, say: Say): void {
  const { transitions } = world;
  for (const [i, t] of transitions.entries()) {
    const before = transitions[i - 1];
    if (before && !FOLLOWS[before.phase].includes(t.phase)) say(`phase ${t.phase} after ${before.phase} at ${t.at}`);
    if (before && t.at < before.at && datesHold(world))
      say(`transition ${t.transition} is dated before the one it follows`);
  }
}

const slotSeconds = ({ row }: World): { start: number; end: number } => ({
  start: Math.floor(row.startsAt.getTime() / 1000),
  end: Math.floor(row.endsAt.getTime() / 1000),
});
function everySecondClassed(world: World, say: Say): void {
  const { start, end } = slotSeconds(world);
  let at = start;
  for (const i of world.ledger) {
    const [from, to] = [Date.parse(i.start) / 1000, Date.parse(i.end) / 1000];
    if (from !== at || to <= from) say(`the ledger has a gap or an overlap at ${i.start}`);
    if (!LEDGER_CLASSES.includes(i.class)) say(`the ledger has a class ${i.class}`);
    at = to;
  }
  if (at !== end) say(`the ledger ends ${end - at} s before the slot`);
}
function settledOnce({ finaliser: { settlements }, frames, plan }: World, say: Say): void {
  const late = [...frames.values()].filter((frame) => frame.late).length;
  if (settlements.size < 1 || settlements.size > 1 + late) say(`${settlements.size} settlements, ${late} late frames`);
  for (const { refund } of settlements.values())
    if (!(refund >= 0 && refund <= plan.credits)) say(`refund ${refund} of ${plan.credits}`);
}
function exposuresCount(world: World, say: Say): void {
  const { start, end } = slotSeconds(world);
  for (const frame of world.frames.values()) {
    if (frame.late || frame.state === 'missing') continue;
    const [from, to] = [frame.startedAt / 1000, frame.startedAt / 1000 + frame.exposureSeconds];
    const weak = world.ledger.find(
      (i) =>
        (i.class === 'overhead' || i.class === 'other') &&
        Date.parse(i.start) / 1000 < Math.min(to, end) &&
        Date.parse(i.end) / 1000 > Math.max(from, start),
    );
    if (weak) say(`seconds of an exposure are classed ${weak.class} at ${weak.start}`);
  }
}

function everyFrameAccounted({ observatory, frames, frameRows, row, plan }: World, say: Say): void {
  for (const taken of observatory.taken) {
    const frame = frames.get(taken.guid);
    if (!frame) {
      if (frameRows.isTold(taken)) say(`frame ${taken.nth} is not accounted for`);
    } else if (frame.state !== 'archived' && !frame.reason)
      say(`frame ${taken.nth} is ${frame.state} without a reason`);
    const until = taken.startedAt + taken.exposureSeconds * 1000;
    if (until > row.endsAt.getTime() && until > plan.end) say(`frame ${taken.nth} ends after the slot`);
  }
  if (frames.size > observatory.taken.length) say('there are more frames than exposures');
}

/** No physical command twice with effect; none outside of the slot, in bad weather or in an emergency. */
function commandsOnce({ observatory }: World, say: Say): void {
  const effects = new Map<string, number>();
  for (const command of observatory.commands) {
    if (command.key !== null && command.effect !== null) effects.set(command.key, (effects.get(command.key) ?? 0) + 1);
    if (STARTING.has(command.name) && command.effect !== null && (!command.inSlot || command.weather !== 'ok'))
      say(
        `${command.name} ${command.inSlot ? `in ${command.weather} weather` : 'outside of the slot'} at ${new Date(command.at).toISOString()}`,
      );
  }
  for (const [key, n] of effects) if (n > 1) say(`command ${key} had an effect ${n} times`);
  const keys = observatory.commands.flatMap((c) => (c.key === null ? [] : [c.key]));
  if (new Set(keys).size !== keys.length)
    say(`a command key was used twice: ${keys.find((key, i) => keys.indexOf(key) !== i)}`);
}

/** RoboTarget is left clean; what Voyager refused to put back was told to the operator. `left`: so many targets may stay. */
function leftClean({ observatory, rows, transitions }: World, left: number, say: Say): void {
  const told = (what: string): boolean => rows.alerts.has(`alert_${what}`);
  if (observatory.enabled) say('the target is left enabled');
  if (observatory.borrowed.size > 0 && !told('return the sky')) say('borrowed targets were not given back');
  // A latch without a grant goes by itself ten minutes later (gateway/telescope/latches.ts).
  if (observatory.latch && observatory.grant) say('the gateway’s latch is left');
  if (observatory.grant && transitions.some((t) => t.phase === 'prepared' || t.phase === 'starting'))
    say('the grant is left');
  if (observatory.targets.size > left && !told('remove the older plan'))
    say(`${observatory.targets.size} targets stand in RoboTarget, ${left} may`);
}

/** Everything asked for is answered, and an abort stops what runs. */
function everybodyAnswered(world: World, say: Say): void {
  for (const asked of world.asked) {
    if (asked.kind === 'operator_cancel') continue;
    const receipt = world.rows.receipts.get(asked.commandId);
    if (!receipt) say(`${asked.commandId} has no receipt`);
    else if (receipt.state === 'accepted' || receipt.state === 'sent')
      say(`${asked.commandId} is left ${receipt.state}`);
    if (receipt?.state !== 'confirmed') continue;
    if (asked.kind === 'pause') pausedSoon(world, asked, say);
    if (asked.kind === 'abort') abortedSoon(world, asked, say);
  }
}
type Asked = World['asked'][number];
function pausedSoon(world: World, asked: Asked, say: Say): void {
  const first = world.asked.find((other) => other.commandId === asked.commandId) === asked;
  const confirmedMs = world.rows.answeredAtMs.get(asked.commandId)!;
  if (first && undisturbed(world, asked.at, 'console') && confirmedMs > asked.at + STOP_WITHIN_MS)
    say(`${asked.commandId} was confirmed only at ${new Date(confirmedMs).toISOString()}`);
}
function abortedSoon(world: World, asked: Asked, say: Say): void {
  if (!undisturbed(world, asked.at)) return;
  const { switched } = world.observatory.runner;
  const off = switched.filter((_, i) => i % 2 === 1);
  const onAt = switched.filter((at, i) => i % 2 === 0 && at <= asked.at).length;
  const stopped = off[onAt - 1];
  if (onAt > 0 && (stopped === undefined || stopped > asked.at + STOP_WITHIN_MS))
    say(`${asked.commandId} did not stop the target in time`);
}

/** Nothing that keeps a command from its telescope happens around that instant; an abort passes over somebody at the console, a pause does not. */
function undisturbed(world: World, at: number, ...also: FaultKind[]): boolean {
  const spans = world.spans(
    'link_lost',
    'gateway_away',
    'voyager_restart',
    'emergency',
    'refusal',
    'answer_lost',
    'slow_answers',
    'database_away',
    'gateway_no_temporal',
    'api_no_gateway',
    'worker_away',
    ...also,
  );
  return !spans.some((s) => at >= s.from - 600_000 && at < s.to + 600_000);
}
