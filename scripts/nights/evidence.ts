import { CHANGED_FILTERS } from './telescope.ts';
import type { LedgerClass, LedgerInterval } from '../../domain/contracts/ledger.ts';
import type { Step } from './plan.ts';
import type { World } from './world.ts';

/**
 * What must hold of what a night says it knows: no paid minute without evidence, no motion on unknown, no completed night without frames. Each stop
 * is filed under who asked, and the ledger agrees with the stand-in's sky.
 */

/** The ledger may differ from the sky by so many seconds. */
const LEDGER_SECONDS = 5;
/** A hold lasts until the target is enabled again, which is part of it: so long after the check that saw the sky turn good. */
const RESUME_SECONDS = 120;
/** After the sky turned, an exposure may begin for so long: the gateway's patience twice over, and two ticks of the world. */
const MARGIN_MS = 60_000;

const iso = (ms: number): string => new Date(ms).toISOString();
type Say = (text: string) => void;

/** What a session dates, it dates by Temporal's clock: where somebody set that one, the dates prove nothing (docs/safety.md, what does not hold). */
export const datesHold = ({ faults }: World): boolean => faults.of('temporal_clock').length === 0;

/** @returns a sentence for each of these that the night breaks */
export function judgeEvidence(world: World): string[] {
  const found: string[] = [];
  const say = (text: string): void => void found.push(text);
  noMotionOnUnknown(world, say);
  framesOrNotComplete(world, say);
  if (datesHold(world)) {
    filedUnderWhoAsked(world, say);
    paidWithEvidence(world, say);
    ledgerAgreesWithSky(world, say);
  }
  world.finaliser.credits.violations().forEach(say);
  quietInMaintenance(world, say);
  oneOwner(world, say);
  slotsKept(world, say);
  throughTheRightFilter(world, say);
  return found;
}

/** A file that changed before the slot began is the one by which frames are taken. */
function throughTheRightFilter(world: World, say: Say): void {
  const { observatory, row, faults } = world;
  const plan = observatory.runner.plan;
  const [changed] = faults.spans('telescope_file');
  if (!changed || !plan || plan.shots.length !== row.shots.length) return;
  const begun = observatory.taken.filter((e) => e.startedAt >= row.startsAt.getTime());
  if (begun.length === 0 || changed.from >= row.startsAt.getTime() - MARGIN_MS) return;
  for (const [i, { filter }] of row.shots.entries())
    if (plan.shots[i]!.FilterIndex !== CHANGED_FILTERS[filter])
      say(
        `shot ${i + 1} went through filter ${plan.shots[i]!.FilterIndex}, not ${CHANGED_FILTERS[filter]} (${filter})`,
      );
}

const seconds = (i: LedgerInterval): number => (Date.parse(i.end) - Date.parse(i.start)) / 1000;

/** Time without an exposure is paid for only as long as RoboTarget may rightly take to begin one. */
function paidWithEvidence(world: World, say: Say): void {
  const longest = Math.max(...[...world.plan.shots, ...world.row.shots].map((s) => s.exposure_seconds));
  const bound = Math.max(300, 3 * longest) + 2 * world.plan.policy.check_interval! + 120;
  for (const interval of world.ledger)
    if (interval.class === 'overhead' && seconds(interval) > bound)
      say(`${seconds(interval)} s without an exposure are paid for from ${interval.start}`);
  const imaging = world.ledger.filter((i) => i.class === 'imaging');
  const frames = [...world.frames.values()].filter((f) => f.state !== 'missing');
  for (const i of imaging)
    if (
      !frames.some(
        (f) => f.startedAt < Date.parse(i.end) && f.startedAt + f.exposureSeconds * 1000 > Date.parse(i.start),
      )
    )
      say(`imaging without a frame at ${i.start}`);
}

/** No exposure begins long after the sky became unsafe or unknown, with whoever dead but the gateway itself. */
function noMotionOnUnknown({ observatory, telescope, faults }: World, say: Say): void {
  const patienceMs = 2 * telescope.weather.session_patience_seconds * 1000 + MARGIN_MS;
  const begun = [...observatory.taken, ...observatory.runner.cut].map((e) => e.startedAt);
  const { changes } = observatory.sky;
  for (const at of begun) {
    if (observatory.sky.at(at).state !== 'unsafe') continue;
    const good = changes.filter((c) => c <= at && observatory.sky.at(c).state !== 'unsafe').at(-1) ?? 0;
    const since = changes.find((c) => c > good && observatory.sky.at(c).state === 'unsafe') ?? at;
    const cut = faults.spans('gateway_away', 'link_lost', 'emergency', 'voyager_restart');
    if (cut.some((s) => s.from < at && s.to + patienceMs > since)) continue;
    if (at - since > patienceMs) say(`an exposure began ${(at - since) / 1000} s into unsafe weather at ${iso(at)}`);
  }
}

function framesOrNotComplete(world: World, say: Say): void {
  const taken = [...world.frames.values()].filter((f) => f.state !== 'missing');
  if (world.phase === 'completed' && taken.length === 0) say('completed without a frame');
  const refund = [...world.finaliser.settlements.values()].at(-1)?.refund;
  if (world.phase === 'failed' && taken.length === 0 && refund !== undefined && refund !== world.plan.credits)
    say(`failed without a frame, and ${refund} of ${world.plan.credits} returned`);
}

const GUESTS: readonly Step['kind'][] = ['abort', 'cancel', 'gateway_abort'];
const OPERATORS: readonly Step['kind'][] = ['operator_cancel', 'operator_halt', 'operator_abort'];

/** A night that a stop has ended says whose it was, and what an operator took from the guest is an outage. */
function filedUnderWhoAsked(world: World, say: Say): void {
  const { reason, at } = world.transitions.at(-1) ?? { reason: null, at: '' };
  const ended = world.transitions.find((t) => t.phase === 'finalising')?.at ?? at;
  const by = (kinds: readonly Step['kind'][]): boolean =>
    [...world.asked, ...world.stopsAtGateway].some((a) => kinds.includes(a.kind) && iso(a.at) <= ended);
  const guest = reason === 'user_abort' || reason === 'user_cancel';
  if (guest && !by(GUESTS)) say(`filed as the guest’s (${reason}), who asked for nothing`);
  if (reason === 'operator_abort' && !by(OPERATORS)) say('filed as the operator’s, who asked for nothing');
  if (reason === 'maintenance' && !world.rows.maintained && !world.faults.met.has('maintenance'))
    say('filed as maintenance, and there was none');
  if (reason !== 'operator_abort' && reason !== 'maintenance') return;
  const lost = world.ledger.filter((i) => i.start > ended && (i.class === 'other' || i.class === 'overhead'));
  if (lost.length > 0) say(`${lost.reduce((s, i) => s + seconds(i), 0)} s after the stop are not given back`);
}

/** Weather that nobody knows because Voyager is away is Voyager's absence, and no weather. */
function isUnsafe({ observatory }: World, at: number): boolean {
  const { state, reason } = observatory.sky.at(at);
  const { gateway } = observatory;
  return (state === 'unsafe' && (reason === 'weather_unsafe' || gateway.linkUp(at))) || gateway.silent(at);
}

/** Since the link to Voyager came back nobody has heard the weather: part of the absence (domain/gateway-record.ts). */
function isUnheard({ observatory: { sky, script } }: World, at: number): boolean {
  const back = Math.max(0, ...script.linkDown.filter(({ to }) => to <= at).map(({ to }) => to));
  const since = [back, ...sky.changes.filter((change) => change > back && change <= at)];
  return back > 0 && since.every((one) => sky.at(one).state === 'unsafe' && sky.at(one).reason !== 'weather_unsafe');
}

/** The instants of an interval, second by second, in which the session was under way and the gateway was there to see the sky. */
function* seen(world: World, i: LedgerInterval, endedAt: number): Generator<number> {
  const from = Math.max(Date.parse(i.start), world.row.startsAt.getTime(), world.plan.bookedAt);
  const to = Math.min(Date.parse(i.end), world.row.endsAt.getTime(), endedAt);
  const unknown = world.faults.spans('gateway_away');
  for (let at = Date.parse(i.start); at < to; at += 1000)
    if (at >= from && !unknown.some((s) => at >= s.from && at < s.to)) yield at;
}

/** What the sky itself did in the part of the slot in which the session was under way: no bad sky is classed otherwise, and no good one as bad. */
function ledgerAgreesWithSky(world: World, say: Say): void {
  const ended = world.transitions.find((t) => t.sessionEndedAt)?.sessionEndedAt;
  if (!ended || world.ledger.length === 0) return;
  const wrong: Partial<Record<LedgerClass, number>> = {};
  for (const i of world.ledger) {
    const instants = [...seen(world, i, Date.parse(ended))];
    if (i.class === 'unsafe') {
      const good = instants.filter((at) => !isUnsafe(world, at)).length;
      if (good > RESUME_SECONDS + world.telescope.policy.check_interval)
        say(`${good} s of good sky are classed unsafe from ${i.start}`);
      continue;
    }
    const bad = instants.filter((at) => isUnsafe(world, at) && !(i.class === 'outage' && isUnheard(world, at)));
    wrong[i.class] = (wrong[i.class] ?? 0) + bad.length;
  }
  for (const [name, n] of Object.entries(wrong))
    if (n > LEDGER_SECONDS) say(`${n} s of unsafe sky are classed ${name}`);
  exposuresAreImaging(world, say);
}

/** Second by second: what was exposed and kept is imaging, and nothing else is, where no stronger cause has the second. */
function exposuresAreImaging(world: World, say: Say): void {
  const kept = [...world.frames.values()].filter((f) => f.state !== 'missing');
  const exposed = new Set<number>();
  for (const f of kept) for (let s = 0; s < f.exposureSeconds; s++) exposed.add(Math.floor(f.startedAt / 1000) + s);
  let lost = 0;
  for (const i of world.ledger)
    for (let at = Date.parse(i.start) / 1000; at < Date.parse(i.end) / 1000; at++)
      if (
        exposed.has(at) !== (i.class === 'imaging') &&
        (i.class === 'imaging' || i.class === 'overhead' || i.class === 'other')
      )
        lost++;
  if (lost > LEDGER_SECONDS) say(`${lost} s of exposures and of the ledger’s imaging differ`);
}

/** From the instant at which an operator says so nobody starts anything. */
function quietInMaintenance({ observatory, rows: { maintained } }: World, say: Say): void {
  if (!maintained || !maintained.known) return;
  for (const c of observatory.commands)
    if (c.name === 'enableTarget' && c.effect !== null && c.at >= maintained.from && c.at < maintained.to)
      say(`the target was enabled in maintenance at ${iso(c.at)}`);
}

function oneOwner({ owners: { both } }: World, say: Say): void {
  for (const { from, to } of both)
    say(`two gateways owned the telescope for ${(to - from) / 1000} s from ${iso(from)}`);
}

/** Whatever an old folder or a wrong clock says, the guard ends no slot before its end, as far as the session has told of it. */
function slotsKept({ observatory, row, rows, asked, plan }: World, say: Say): void {
  for (const stop of observatory.gateway.stops) {
    const untold = asked.some(
      ({ kind, commandId }) => kind === 'extend' && !(Date.parse(rows.receipts.get(commandId)?.at ?? '') <= stop.at),
    );
    const end = untold ? Math.min(plan.end, row.endsAt.getTime()) : row.endsAt.getTime();
    if (stop.why === 'slot_over' && stop.at < end)
      say(`the gateway ended the slot ${(end - stop.at) / 1000} s early, at ${iso(stop.at)}`);
  }
}
