import { randomUUID } from 'node:crypto';
import { toError } from '../../platform/errors.ts';
import { openMaintenance } from '../../platform/maintenance.ts';
import { tellSessionsOfMaintenance } from '../../platform/sessions.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';

/**
 * Tells the telescope's gate of its windows and the sessions that there is something to look at. Null when the gate knows, else why not: a person
 * may be on the way into the dome, so nobody is told "entered" before.
 */
export async function tellOfMaintenance(deps: Deps, telescopeId: string): Promise<string | null> {
  const told = tellSessionsOfMaintenance(deps, telescopeId, {
    id: randomUUID(),
    at: new Date(deps.now()).toISOString(),
  });
  const why = await tellGate(deps, telescopeId);
  await told;
  return why;
}

async function tellGate(deps: Deps, telescopeId: string): Promise<string | null> {
  try {
    const telescope = await deps.telescopes.get(telescopeId);
    const windows = await openMaintenance(deps.db, telescopeId, new Date(deps.now()));
    if (await deps.gateways.maintenance(telescope, windows)) return null;
    return `The gateway of ${telescopeId} has the window, but another one holds the telescope now.`;
  } catch (thrown) {
    const { message } = toError(thrown);
    deps.logger.error({ err: message, telescopeId }, 'maintenance: the gate could not be told');
    return thrown instanceof Problem ? thrown.message : `The gateway of ${telescopeId} could not be told.`;
  }
}
