import type { TelescopeState } from '../../domain/contracts/state.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { CLOCK_LIMIT_SECONDS, clockVerdict } from '../../domain/clock-offset.ts';
import { LIVE_WITHIN_SECONDS, silentSeconds } from '../../domain/evidence.ts';
import type { Manifest } from '../../platform/backup/manifest.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';

/** What the doctor says of evidence that somebody else has gathered. */

const LOW_DISK_BYTES = 20e9;
const BACKUP_OLD_HOURS = 36;

/** The gateway hears Voyager now: only then its state says anything of the telescope. */
function isLive(state: TelescopeState): boolean {
  const silent = silentSeconds(state, 0);
  return !state.stale && state.connection.connected && silent !== null && silent <= LIVE_WITHIN_SECONDS;
}

/** A gateway that answers may itself hear nothing of Voyager: then nothing is known of the telescope. */
export function linkFinding(what: string, telescope: Telescope, state: TelescopeState): Finding {
  const silent = silentSeconds(state, 0);
  if (isLive(state))
    return ok(what, `${telescope.gateway_url}, link ${state.connection.state}, heard ${Math.round(silent ?? 0)} s ago`);
  const heard = silent === null ? 'never' : `${Math.round(silent)} s ago`;
  return problem(
    what,
    `${telescope.gateway_url} answers but has no live link to Voyager (${state.connection.reason ?? state.connection.state}); last heard ${heard}`,
    'Look at Voyager and at the network between the two; the finding on Voyager below says whether it answers this machine.',
  );
}

/** The gateway's own measure counts while it hears Voyager; else that of this machine's link. */
export function clockFinding(telescope: Telescope, state: TelescopeState | null, ownSeconds: number | null): Finding {
  const what = `${telescope.id}: clock`;
  const offset = (state && isLive(state) ? state.connection.clock_offset_seconds : null) ?? ownSeconds;
  if (offset === null) return skipped(what, 'too few events to compare yet; the gateway measures it over 20');
  const detail = `${offset.toFixed(1)} s between this machine and Voyager’s`;
  const mend = 'Let both machines follow a time server (NTP).';
  const verdict = clockVerdict(offset);
  if (verdict === 'off') return problem(what, `${detail}; over ${CLOCK_LIMIT_SECONDS} s no session is started`, mend);
  return verdict === 'warning' ? warning(what, detail, mend) : ok(what, detail);
}

export function safetyFinding(telescope: Telescope, state: TelescopeState | null): Finding {
  const what = `${telescope.id}: safety monitor`;
  if (!state) return skipped(what, 'known once the gateway runs');
  const monitor = state.weather.safety_monitor;
  if (monitor?.connected) {
    const word = { true: 'safe', false: 'unsafe', null: 'unknown' }[`${monitor.safe}`];
    const says = `${monitor.source}: ${word}, ${Math.round(monitor.age_seconds)} s ago`;
    return monitor.safe === null || state.weather.stale || !isLive(state)
      ? problem(what, says, 'Look why it says nothing; unknown weather counts as unsafe and nothing is started.')
      : ok(what, says);
  }
  const mend =
    'Connect one in Voyager or name one in weather.sources; `unattended_without_safety_monitor` lets sessions run without, at your own risk.';
  return telescope.unattended_without_safety_monitor
    ? warning(what, 'none is connected', mend)
    : problem(what, 'none is connected; sessions are refused', mend);
}

/** The weather as a whole: what nobody measures is a problem, however safe a monitor is. */
export function weatherFinding(telescope: Telescope, state: TelescopeState | null): Finding {
  const what = `${telescope.id}: weather`;
  if (!state) return skipped(what, 'known once the gateway runs');
  const { reason, causes } = state.weather;
  if (reason === 'weather_unknown' || reason === 'safety_monitor_missing' || !isLive(state))
    return problem(
      what,
      causes.join('; ') || 'not known',
      'Look at each source of weather that is named; unknown weather counts as unsafe and nothing is started.',
    );
  if (state.weather.state !== 'ok')
    return warning(what, `${state.weather.state}: ${causes.join('; ')}`, 'Nothing is started until it is better.');
  return ok(what, 'ok');
}

/** @param stands the store's marker was there before anybody made a folder */
export function storeFinding(path: string, freeBytes: number, stands: boolean): Finding {
  const detail = `${path}, ${(freeBytes / 1e9).toFixed(0)} GB free`;
  if (!stands)
    return warning(
      'storage',
      `${detail}; no store yet`,
      'Right before the first night. Later it means that the store’s disk is not mounted: mount it, nothing is taken in until then.',
    );
  return freeBytes < LOW_DISK_BYTES
    ? warning('storage', detail, 'A night of a large camera takes 60 GB and more; free some space.')
    : ok('storage', detail);
}

/** The newest backup, and whether it was ever restored on trial. */
export function backupFinding(folder: string, known: Manifest[], nowMs: number): Finding {
  const last = known.at(-1);
  const mend = 'Run `npm run backup`; the worker makes one each day (docs/backup.md).';
  if (!last) return warning('backup', `there is none in ${folder}`, mend);
  const hours = (nowMs - Date.parse(last.made_at)) / 3_600_000;
  const detail = `${folder}: the last of ${known.length} is ${hours < 1 ? 'less than an hour' : `${Math.round(hours)} h`} old`;
  if (hours > BACKUP_OLD_HOURS) return warning('backup', detail, mend);
  return last.verified_at
    ? ok('backup', `${detail}, restored on trial`)
    : warning('backup', `${detail}, and was never restored on trial`, 'Run `npm run backup` and read why.');
}
