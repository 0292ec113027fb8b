import { Context } from '@temporalio/activity';
import type { ShotDone, TelescopeActivities } from '../../domain/ports.ts';
import { watchOnce } from './watch.ts';
import type { OpenShotDone } from '../robotarget/open.ts';
import { refused } from '../telescope/outcomes.ts';
import type { TelescopeGateway } from '../telescope/telescope.ts';
import { disableTarget, enableTarget, observe, startRoboTarget, stopTarget } from './commands.ts';
import { heartbeat, invalid, mustBeReady, notConnected } from './context.ts';
import { ensureObjects, readObjects, removeObjects } from './objects.ts';
import { roboTarget } from './robotarget.ts';
import { checkSite } from './site.ts';

const toShotDone = (r: OpenShotDone): ShotDone => ({
  guid: r.guid,
  shotGuid: r.shotGuid,
  at: r.at,
  filename: r.filename,
  path: r.path,
  hfd: r.hfd,
  starIndex: r.starIndex,
  exposureSeconds: r.exposureSeconds,
  binning: r.binning,
  filterIndex: r.filterIndex,
});

/** Which telescope an activity's input is about. */
const telescopeOf = (input: { telescopeId: string } | { grant: { telescopeId: string } }): string =>
  'telescopeId' in input ? input.telescopeId : input.grant.telescopeId;

/** The activities of one telescope, run by the gateway that owns it on queue `telescope.<id>`. @throws ApplicationFailure for another telescope's */
export function createTelescopeActivities(gateway: TelescopeGateway): TelescopeActivities {
  const activities = { ...commandsOf(gateway), ...readsOf(gateway) };
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      async (input: Parameters<typeof telescopeOf>[0]) => {
        const telescopeId = telescopeOf(input);
        if (telescopeId !== gateway.id)
          throw invalid(`telescopeId: this is the gateway of ${gateway.id}, not of ${telescopeId}`);
        return (run as (input: unknown) => unknown)(input);
      },
    ]),
  ) as unknown as TelescopeActivities;
}

type Reads = 'checkSite' | 'readObjects' | 'observe' | 'watch' | 'listShotsDone' | 'roboTarget';

function commandsOf(gateway: TelescopeGateway): Omit<TelescopeActivities, Reads> {
  return {
    registerGrant: async (grant) => (gateway.readOnly ? refused('read_only') : gateway.grants.bring(grant)),
    ensureObjects: async (input) => {
      mustBeReady(gateway);
      return ensureObjects(gateway, input);
    },
    removeObjects: async (input) => {
      mustBeReady(gateway);
      return removeObjects(gateway, input);
    },
    enableTarget: ({ grant, key }) => enableTarget(gateway, grant, key),
    disableTarget: ({ grant, key }) => disableTarget(gateway, grant, key),
    stopTarget: ({ grant, key }) => stopTarget(gateway, grant, key),
    borrowSky: ({ grant, key }) => gateway.lending.borrow(grant, key, heartbeat),
    returnSky: ({ bookingId }) => gateway.lending.giveBack(bookingId),
    startRoboTarget: ({ grant, key }) => startRoboTarget(gateway, grant, key),
    releaseLatch: async ({ commandId }) => gateway.latches.release(commandId),
    revokeGrant: async ({ bookingId }) => gateway.revokeGrant(bookingId),
  };
}

function readsOf(gateway: TelescopeGateway): Pick<TelescopeActivities, Reads> {
  /** The newest watch of each booking; an older one that its session has left ends at its next look. */
  const watches = new Map<string, string>();
  return {
    checkSite: ({ bookingId }) => checkSite(gateway, bookingId),
    readObjects: async ({ plan }) => {
      mustBeReady(gateway);
      return readObjects(gateway, plan);
    },
    observe: ({ grant }) => observe(gateway, grant),
    watch: ({ grant, plan }) => {
      const { activityId, attempt } = Context.current().info;
      if (attempt === 1) watches.set(grant.bookingId, activityId);
      const superseded = (watches.get(grant.bookingId) ?? activityId) !== activityId;
      return watchOnce(plan, superseded ? Infinity : attempt, () => observe(gateway, grant));
    },
    listShotsDone: async ({ targetGuid, offset = 0, limit = Infinity }) => {
      mustBeReady(gateway);
      const read = await gateway.targets.shotsDone(targetGuid);
      if (!read.ok) throw notConnected(`shot-done list of ${targetGuid}: ${read.message}`);
      const grant = gateway.grants.ofTarget(targetGuid);
      if (grant) await gateway.shots.take(targetGuid, grant.bookingId, read.items);
      return read.items.slice(offset, offset + limit).map(toShotDone);
    },
    roboTarget: (request) => roboTarget(gateway, request),
  };
}
