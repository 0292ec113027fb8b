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

/** The activities of one telescope, run by the gateway that owns it on queue `telescope.<id>`. */
export function createTelescopeActivities(gateway: TelescopeGateway): TelescopeActivities {
  const mine = (telescopeId: string): void => {
    if (telescopeId !== gateway.id)
      throw invalid(`telescopeId: this is the gateway of ${gateway.id}, not of ${telescopeId}`);
  };
  /** The newest watch of each booking; an older one that its session has left ends at its next look. */
  const watches = new Map<string, string>();
  return {
    checkSite: ({ telescopeId, bookingId }) => {
      mine(telescopeId);
      return checkSite(gateway, bookingId);
    },
    registerGrant: async (grant) => {
      mine(grant.telescopeId);
      return gateway.readOnly ? refused('read_only') : gateway.grants.bring(grant);
    },
    ensureObjects: async (input) => {
      mine(input.grant.telescopeId);
      mustBeReady(gateway);
      return ensureObjects(gateway, input);
    },
    readObjects: async ({ telescopeId, plan }) => {
      mine(telescopeId);
      mustBeReady(gateway);
      return readObjects(gateway, plan);
    },
    removeObjects: async (input) => {
      mine(input.grant.telescopeId);
      mustBeReady(gateway);
      return removeObjects(gateway, input);
    },
    enableTarget: async ({ grant, key }) => {
      mine(grant.telescopeId);
      return enableTarget(gateway, grant, key);
    },
    disableTarget: async ({ grant, key }) => {
      mine(grant.telescopeId);
      return disableTarget(gateway, grant, key);
    },
    stopTarget: async ({ grant, key }) => {
      mine(grant.telescopeId);
      return stopTarget(gateway, grant, key);
    },
    observe: async ({ grant }) => {
      mine(grant.telescopeId);
      return observe(gateway, grant);
    },
    watch: ({ grant, plan }) => {
      mine(grant.telescopeId);
      const { activityId, attempt } = Context.current().info;
      if (attempt === 1) watches.set(grant.bookingId, activityId);
      const superseded = (watches.get(grant.bookingId) ?? activityId) !== activityId;
      return watchOnce(plan, superseded ? Infinity : attempt, () => observe(gateway, grant));
    },
    borrowSky: async ({ grant, key }) => {
      mine(grant.telescopeId);
      return gateway.lending.borrow(grant, key, heartbeat);
    },
    returnSky: async ({ telescopeId, bookingId }) => {
      mine(telescopeId);
      return gateway.lending.giveBack(bookingId);
    },
    startRoboTarget: async ({ grant, key }) => {
      mine(grant.telescopeId);
      return startRoboTarget(gateway, grant, key);
    },
    releaseLatch: async ({ telescopeId, commandId }) => {
      mine(telescopeId);
      gateway.latches.release(commandId);
    },
    revokeGrant: async ({ telescopeId, bookingId }) => {
      mine(telescopeId);
      gateway.revokeGrant(bookingId);
    },
    listShotsDone: async ({ telescopeId, targetGuid, offset = 0, limit = Infinity }) => {
      mine(telescopeId);
      mustBeReady(gateway);
      const read = await gateway.targets.shotsDone(targetGuid);
      if (!read.ok) throw notConnected(`shot-done list of ${targetGuid}: ${read.message}`);
      const grant = gateway.grants.ofTarget(targetGuid);
      if (grant) await gateway.shots.take(targetGuid, grant.bookingId, read.items);
      return read.items.slice(offset, offset + limit).map(toShotDone);
    },
    roboTarget: async (request) => {
      mine(request.telescopeId);
      return roboTarget(gateway, request);
    },
  };
}
