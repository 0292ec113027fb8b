import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { VoyagerLink } from '../../gateway/connection/link.ts';
import { robotargetSecretFor } from '../../gateway/credentials.ts';
import { buildRequest } from '../../gateway/protocol/requests.ts';
import { RoboTargetClient } from '../../gateway/robotarget/commands.ts';
import { loadDialect } from '../../gateway/robotarget/dialect.ts';
import type { Config } from '../../platform/config.ts';
import { ok, problem, warning, type Finding } from './finding.ts';

const READ_MS = 6_000;

/** RoboTarget with the shared secret and the dialect, and the base sequence. What is not set is a warning: the telescope can be watched without. */
export async function readRoboTarget(config: Config, telescope: Telescope, link: VoyagerLink): Promise<Finding[]> {
  const dialect = loadDialect(config.VOYAGER_ROBOTARGET_DIALECT);
  const what = `${telescope.id}: RoboTarget`;
  const secret = robotargetSecretFor(telescope.id, config);
  if (!secret)
    return [
      warning(
        what,
        'VOYAGER_ROBOTARGET_SECRET is not set; the telescope can be watched, not booked',
        'Set the shared secret from Voyager (Setup, Remote).',
      ),
    ];
  const client = new RoboTargetClient({ link, dialect, secret });
  const sets = await client.list('set');
  if (!sets.ok)
    return [
      problem(
        what,
        `sets could not be read: ${sets.outcome.message}`,
        'Check the licence, the shared secret, and the dialect file against your own copy of the vendor’s document.',
      ),
    ];
  const sequences = await link.request(
    buildRequest('RemoteGetListAvalaibleSequenceEx', { ProfileName: telescope.profile }, { timeoutMs: READ_MS }),
  );
  const list =
    sequences.outcome === 'done' && Array.isArray(sequences.paramRet.list)
      ? (sequences.paramRet.list as unknown[])
      : null;
  const base = `${telescope.id}: base sequence`;
  const guid = telescope.base_sequence_guid;
  if (guid === null)
    return [
      ok(what, `${sets.items.length} sets`),
      warning(
        base,
        'none is set; the telescope can be watched, not booked',
        'Set `base_sequence_guid` / VOYAGER_DEFAULT_SEQUENCE_GUID to the GUID of a base sequence in RoboTarget.',
      ),
    ];
  return [ok(what, `${sets.items.length} sets`), baseFinding(base, telescope.profile, guid, list)];
}

function baseFinding(what: string, profile: string, guid: string, list: unknown[] | null): Finding {
  if (list === null)
    return warning(
      what,
      'the list of sequences could not be read',
      'Look in RoboTarget whether the base sequence exists.',
    );
  if (list.some((entry) => JSON.stringify(entry).toLowerCase().includes(guid.toLowerCase()))) return ok(what, guid);
  if (list.length === 0)
    return problem(
      what,
      `Voyager lists no sequence for ${profile}`,
      'Make a base sequence for this profile and set `base_sequence_guid` / VOYAGER_DEFAULT_SEQUENCE_GUID.',
    );
  return ok(
    what,
    `${list.length} sequences for ${profile}; Voyager’s list names no GUIDs, so ${guid} is compared at preparation`,
  );
}
