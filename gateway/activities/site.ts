import type { SiteCheck } from '../../domain/ports.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { clockVerdict } from '../../domain/clock-offset.ts';
import { namesOfOthers } from '../../domain/others.ts';
import { buildRequest } from '../protocol/requests.ts';
import { asText, readNumber } from '../protocol/fields.ts';
import { reasonOf } from '../telescope/outcomes.ts';
import type { TelescopeGateway } from '../telescope/telescope.ts';

const READ_MS = 6_000;

/** Voyager's filters as name → index from 0, out of `FilterNum`, `Filter1_Name`… (names count from 1, indices elsewhere from 0). */
export function readFilters(paramRet: Readonly<Record<string, unknown>>): Record<string, number> {
  const filters: [name: string, index: number][] = [];
  const count = Math.min(readNumber(paramRet.FilterNum) ?? 0, 100);
  for (let i = 1; i <= count; i++) {
    const name = asText(paramRet[`Filter${i}_Name`]).trim();
    if (name) filters.push([name, i - 1]);
  }
  return Object.fromEntries(filters);
}

/** Each difference between the telescope's filters and Voyager's, both named. */
export function filterDifferences(
  telescope: Pick<Telescope, 'filters'>,
  found: Readonly<Record<string, number>>,
): string[] {
  return Object.entries(telescope.filters).flatMap(([name, index]) => {
    const at = Object.entries(found).find(([, i]) => i === index)?.[0];
    if (at?.normalize() === name.normalize()) return [];
    return [
      `filter ${index} is "${name}" for this telescope and ${at === undefined ? 'missing' : `"${at}"`} in Voyager`,
    ];
  });
}

/** Why nothing but looking is possible here, whatever the observatory says. */
function lookingOnly({ readOnly, telescope }: TelescopeGateway): SiteCheck['problems'] {
  return [
    ...(readOnly
      ? [{ reason: 'read_only' as const, message: 'VOYAGER_READ_ONLY is set: nothing can be prepared.' }]
      : []),
    ...(telescope.base_sequence_guid === null
      ? [
          {
            reason: 'robotarget_not_set_up' as const,
            message: 'The telescope has no base_sequence_guid (VOYAGER_DEFAULT_SEQUENCE_GUID), which sessions need.',
          },
        ]
      : []),
    ...(telescope.site === null
      ? [
          {
            reason: 'robotarget_not_set_up' as const,
            message: 'Nobody said where the telescope stands (site, or the SITE_ variables), which sessions need.',
          },
        ]
      : []),
  ];
}

/** What was found at the observatory, kept in the order in which it was looked for. */
type Found = Pick<SiteCheck, 'problems' | 'warnings'>;

/** Is everything at the observatory as this telescope's file says? Reads only; for J-1 and for `doctor`. */
export async function checkSite(gateway: TelescopeGateway, bookingId: string | null): Promise<SiteCheck> {
  const { telescope } = gateway;
  const found: Found = { problems: lookingOnly(gateway), warnings: [] };
  if (!gateway.ready) {
    found.problems.push({
      reason: 'voyager_away',
      message: `Voyager at ${telescope.host}:${telescope.port} is not connected: ${gateway.link.reason ?? gateway.link.state}.`,
    });
    return { ok: false, ...found };
  }
  if (gateway.emergency.current)
    found.problems.push({
      reason: 'voyager_emergency',
      message: `Voyager’s emergency (${gateway.emergency.current}) since ${gateway.emergency.since ?? 'an unknown time'}.`,
    });
  await checkSetup(gateway, found);
  checkSafetyMonitor(gateway, found);
  checkClock(gateway, found);
  await checkRoboTarget(gateway, found);
  for (const loan of gateway.borrowed.all())
    if (loan.bookingId !== bookingId)
      found.warnings.push(
        `Target ${namesOfOthers([loan.name])} is still disabled for another booking (${namesOfOthers([loan.bookingId])}).`,
      );
  return { ok: found.problems.length === 0, ...found };
}

/** Profile, filters and sequences; what cannot be read is a warning. */
async function checkSetup({ link, telescope }: TelescopeGateway, { problems, warnings }: Found): Promise<void> {
  const environment = await link.request(buildRequest('RemoteGetEnvironmentData', {}, { timeoutMs: READ_MS }));
  if (environment.outcome === 'done') {
    const profile = asText(environment.paramRet.Profile);
    if (profile.normalize().toLowerCase() !== telescope.profile.normalize().toLowerCase())
      problems.push({
        reason: 'profile_mismatch',
        message: `Voyager has profile "${profile}" loaded; this telescope is set to "${telescope.profile}".`,
      });
  } else warnings.push(`Voyager’s environment could not be read: ${environment.message}`);

  const filters = await link.request(buildRequest('RemoteGetFilterConfiguration', {}, { timeoutMs: READ_MS }));
  if (filters.outcome === 'done')
    for (const message of filterDifferences(telescope, readFilters(filters.paramRet)))
      problems.push({ reason: 'filter_mismatch', message: `${message}.` });
  else warnings.push(`Voyager’s filters could not be read: ${filters.message}`);

  const sequences = await link.request(
    buildRequest('RemoteGetListAvalaibleSequenceEx', { ProfileName: telescope.profile }, { timeoutMs: READ_MS }),
  );
  if (sequences.outcome === 'done' && Array.isArray(sequences.paramRet.list) && sequences.paramRet.list.length === 0)
    warnings.push(
      `Voyager lists no sequence for profile "${telescope.profile}"; base sequence ${telescope.base_sequence_guid} may be missing.`,
    );
}

function checkSafetyMonitor(gateway: TelescopeGateway, { problems, warnings }: Found): void {
  const { weather } = gateway.weather;
  if (weather.safety_monitor?.connected === true) return;
  const message = 'No safety monitor is connected, neither in Voyager nor in another weather source.';
  if (gateway.telescope.unattended_without_safety_monitor) warnings.push(message);
  else if (weather.safety_monitor === null && weather.stale)
    warnings.push('No weather source has answered yet, so the safety monitor is not known.');
  else problems.push({ reason: 'safety_monitor_missing', message });
}

function checkClock({ link }: TelescopeGateway, { problems, warnings }: Found): void {
  const offset = link.clockOffsetSeconds();
  const message = `Voyager’s clock is ${offset?.toFixed(1)} s off.`;
  if (clockVerdict(offset) === 'off') problems.push({ reason: 'clock_offset', message });
  else if (clockVerdict(offset) === 'warning') warnings.push(message);
}

/** Targets of others in the way, and whether our dialect is understood. */
async function checkRoboTarget(gateway: TelescopeGateway, { problems, warnings }: Found): Promise<void> {
  const { policy } = gateway.telescope;
  const list = await gateway.targets.list();
  if (!list.ok)
    problems.push({ reason: list.reason, message: `RoboTarget’s targets could not be read: ${list.message}` });
  else if (policy.exclusivity === 'exclusive') {
    const ours = new Set(gateway.grants.active().map((g) => g.targetGuid?.toLowerCase()));
    const foreign = list.items.filter((t) => t.enabled && !ours.has(t.guid.toLowerCase()));
    const names = namesOfOthers(foreign.map((t) => t.name));
    if (foreign.length > 0 && policy.disable_foreign_targets)
      warnings.push(`Enabled targets of others, to be disabled for the slot: ${names}.`);
    else if (foreign.length > 0)
      problems.push({
        reason: 'foreign_target',
        message: `Enabled targets of others that may not be disabled: ${names}.`,
      });
  }
  const sets = await gateway.client.list('set');
  if (!sets.ok)
    problems.push({
      reason: reasonOf(sets.outcome),
      message: `RoboTarget’s sets could not be read: ${sets.outcome.message}. Check the dialect file and the licence.`,
    });
}
