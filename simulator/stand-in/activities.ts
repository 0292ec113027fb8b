import type { CommandOutcome, ShotDone, TelescopeActivities } from '../../domain/ports.ts';
import { watchOnce } from '../../gateway/activities/watch.ts';
import { done, refused, unknown } from '../../gateway/telescope/outcomes.ts';
import { within } from './script.ts';
import type { StandIn } from './stand-in.ts';

type Some<K extends keyof TelescopeActivities> = Pick<TelescopeActivities, K>;
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The activities of a stand-in, by the port that the real gateway serves. */
export function standInActivities(standIn: StandIn): TelescopeActivities {
  return { ...reads(standIn), ...objects(standIn), ...targetCommands(standIn), ...sky(standIn), ...grants(standIn) };
}

function reads(standIn: StandIn): Some<'checkSite' | 'observe' | 'watch' | 'listShotsDone' | 'roboTarget'> {
  let lastLook = 0;
  const look = (grant: { bookingId: string }, at = standIn.now()) => {
    lastLook = Math.max(lastLook, at);
    const { scheduledTimestampMs, activityType } = standIn.info();
    return standIn.observation(grant, `${activityType}/${scheduledTimestampMs}`, at);
  };
  return {
    checkSite: async () => {
      standIn.reachable();
      const problem = standIn.script.siteProblem.find((p) => within([p], standIn.now()));
      standIn.hit('site', problem !== undefined);
      const problems = problem ? [{ reason: problem.reason, message: problem.message }] : [];
      return { ok: !problem, problems, warnings: [] };
    },
    observe: async ({ grant }) => look(grant),
    watch: async ({ grant, plan }) => {
      const { attempt, scheduledTimestampMs } = standIn.info();
      const at = scheduledTimestampMs + (attempt - 1) * plan.everySeconds * 1000;
      return watchOnce(plan, attempt, async () => look(grant, Math.max(lastLook, at)));
    },
    listShotsDone: async ({ offset = 0, limit = Infinity }) => {
      standIn.reachable();
      standIn.advance();
      return standIn.taken.slice(offset, offset + limit).map((t): ShotDone => ({
        guid: t.guid,
        shotGuid: t.shotGuid,
        at: new Date(t.startedAt + t.exposureSeconds * 1000).toISOString(),
        filename: `${t.guid}.fit`,
        path: `C:\\Voyager\\FITS\\${t.guid}.fit`,
        hfd: 2.5,
        starIndex: 8,
        exposureSeconds: t.exposureSeconds,
        binning: 1,
        filterIndex: 0,
      }));
    },
    roboTarget: async () => ({ ...done(), items: [] }),
  };
}

/** A change of a target that stays enabled is a start by its effect; one outside its slot is disabled. */
async function ensureObjects(
  standIn: StandIn,
  { grant, plan }: Parameters<TelescopeActivities['ensureObjects']>[0],
): ReturnType<TelescopeActivities['ensureObjects']> {
  const { runner, gateway } = standIn;
  const before = runner.plan;
  const at = standIn.now();
  standIn.reachable();
  const known = gateway.grants.find(grant.bookingId);
  const nothing = { created: 0, repaired: 0, shots: [] };
  if (known && known.generation > grant.generation) return { ...refused('superseded'), ...nothing };
  if (standIn.hit('base_sequence', within(standIn.script.targetRefused, at)))
    return {
      ...refused('sequence_mismatch', 'Voyager refuses the target: the base sequence is not known'),
      ...nothing,
      created: 1,
    };
  standIn.advance(at);
  const other = before?.target.GuidTarget !== plan.target.GuidTarget;
  gateway.seenAt(at);
  const keepsEnabled = !other && runner.enabled && gateway.grants.check(grant) === null;
  // A change of a target that stays enabled is a start by its effect.
  const why =
    keepsEnabled && !same(before, plan)
      ? gateway.whyNotStart({ by: 'session', grant }, plan.target.GuidTarget, at)
      : null;
  if (why) return { ...refused(why), ...nothing };
  const outcome = standIn.command('ensureObjects', null, () => {
    standIn.targets.add(plan.target.GuidTarget);
    if (!keepsEnabled) runner.enabled = false;
    if (same(before, plan)) return null;
    if (other) runner.stopExposure(at);
    runner.plan = plan;
    return `objects ${plan.target.GuidTarget}`;
  });
  const shots = plan.shots.map((s, i) => ({
    guid: s.GuidShot,
    filter: 'L',
    filter_index: s.FilterIndex,
    exposure_seconds: s.Exposure,
    quantity: s.Num,
    binning: s.Bin,
    done: runner.done(i),
  }));
  return { ...outcome, created: before ? 0 : 1, repaired: 0, shots };
}

function objects(standIn: StandIn): Some<'ensureObjects' | 'readObjects' | 'removeObjects'> {
  const { runner } = standIn;
  return {
    ensureObjects: (input) => ensureObjects(standIn, input),
    readObjects: async ({ plan }) => {
      standIn.reachable();
      return { differences: same(runner.plan, plan) ? [] : ['plan'], enabled: runner.enabled };
    },
    removeObjects: async ({ targetGuid }) => {
      standIn.reachable();
      return standIn.command('removeObjects', null, () => {
        if (!standIn.targets.delete(targetGuid)) return null;
        standIn.removed.push(targetGuid);
        if (runner.plan?.target.GuidTarget === targetGuid) {
          runner.enabled = false;
          runner.stopExposure(standIn.now());
          runner.plan = null;
        }
        return `removed ${targetGuid}`;
      });
    },
  };
}

function targetCommands(standIn: StandIn): Some<'enableTarget' | 'disableTarget' | 'stopTarget' | 'startRoboTarget'> {
  const { runner, gateway } = standIn;
  /** As the gateway does it: what keeps a start back is said before anything is sent. */
  const start = (grant: Parameters<TelescopeActivities['enableTarget']>[0]['grant']): CommandOutcome | null => {
    const at = standIn.now();
    standIn.advance(at);
    if (standIn.hit('link_lost', !gateway.linkUp(at))) return refused('voyager_away');
    const why = gateway.whyNotStart({ by: 'session', grant }, grant.targetGuid, at);
    return why && refused(why, `gate: ${why}`);
  };
  return {
    enableTarget: async ({ grant, key }) => {
      const kept = start(grant);
      if (kept) return kept;
      if (within(standIn.script.targetGone, standIn.now())) return refused('refused_by_voyager');
      return standIn.command('enableTarget', key, () => {
        if (runner.enabled) return null;
        runner.enabled = true;
        return 'enabled';
      });
    },
    disableTarget: async ({ key }) =>
      standIn.command('disableTarget', key, () => {
        if (!runner.enabled) return null;
        runner.enabled = false;
        return 'disabled';
      }),
    stopTarget: async ({ key }) =>
      standIn.command('stopTarget', key, () => {
        const before = runner.enabled || runner.running;
        runner.enabled = false;
        runner.stopExposure(standIn.now());
        return before ? 'stopped' : null;
      }),
    startRoboTarget: async ({ grant, key }) => {
      const { policy } = standIn.telescope;
      if (policy.robotarget_start === 'never' || policy.dragscript === null)
        return refused('not_allowed', 'robotarget_start is "never" for this telescope');
      const kept = start(grant);
      if (kept) return kept;
      return standIn.command('startRoboTarget', key, () => {
        const at = standIn.now();
        if (runner.scriptRuns(at) && at < runner.haltedAt) return null;
        runner.startedAt = at;
        runner.haltedAt = Infinity;
        return 'script';
      });
    },
  };
}

function sky(standIn: StandIn): Some<'borrowSky' | 'returnSky'> {
  const { runner, gateway } = standIn;
  return {
    borrowSky: async ({ grant, key }) => {
      const at = standIn.now();
      standIn.advance(at);
      gateway.seenAt(at);
      const why = gateway.silent(at) ? 'voyager_emergency' : gateway.grants.check(grant);
      if (why) return { ...refused(why), borrowed: [] };
      const foreign = runner.foreignEnabled(at);
      const inTheWay = foreign.find((f) => f.locked);
      if (standIn.hit('foreign_locked', inTheWay !== undefined))
        return { ...refused('foreign_target', `${inTheWay!.name} may not be disabled`), borrowed: [] };
      const outcome = standIn.command('borrowSky', key, () => {
        for (const f of foreign) runner.borrowed.add(f.guid);
        return foreign.length > 0 ? `borrowed ${foreign.length}` : null;
      });
      standIn.hit('foreign_borrowed', foreign.length > 0);
      return { ...outcome, borrowed: foreign.map(({ guid, name }) => ({ guid, name })) };
    },
    returnSky: async ({ bookingId }) => {
      standIn.reachable();
      const had = runner.borrowed.size;
      const outcome = standIn.command('returnSky', null, () => {
        gateway.giveBack(bookingId, standIn.now());
        return had > runner.borrowed.size ? `returned ${had}` : null;
      });
      const kept = runner.borrowed.size > 0 && outcome.outcome === 'done';
      const why = kept ? gateway.whyNotStart({ by: 'return' }, null, standIn.now()) : null;
      return why ? unknown(why, 'kept until it may be') : outcome;
    },
  };
}

function grants(standIn: StandIn): Some<'registerGrant' | 'revokeGrant' | 'releaseLatch'> {
  return {
    registerGrant: async (grant) => {
      standIn.granted += 1;
      return standIn.gateway.register(grant, standIn.now());
    },
    revokeGrant: async ({ bookingId }) => standIn.gateway.revoke(bookingId, standIn.now()),
    releaseLatch: async ({ commandId }) => standIn.gateway.latches.release(commandId),
  };
}
