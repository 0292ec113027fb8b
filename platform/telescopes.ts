import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Telescope, type TelescopeInput } from '../domain/contracts/telescope.ts';
import { reachable, type Config } from './config.ts';
import type { Database } from './database.ts';
import { SettingsError, type SettingProblem } from './settings/problems.ts';
import { parsePathMap } from './settings/rules.ts';

/**
 * The telescopes of a file (an array, or {telescopes: [...]}), or every problem of it, each named with the telescope and its field.
 * @param gatewayUrl of a telescope that names no gateway
 */
export function readTelescopesFile(
  file: string,
  gatewayUrl: string | null,
): { telescopes: Telescope[]; problems: SettingProblem[] } {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (thrown) {
    return {
      telescopes: [],
      problems: [{ name: 'TELESCOPES_FILE', message: `${file} is no JSON: ${(thrown as Error).message}` }],
    };
  }
  const list = Array.isArray(json) ? (json as unknown[]) : (json as { telescopes?: unknown } | null)?.telescopes;
  if (!Array.isArray(list))
    return {
      telescopes: [],
      problems: [{ name: 'TELESCOPES_FILE', message: `${file} must hold a list of telescopes, [{"id": …}]` }],
    };
  const parsed = z.array(Telescope).safeParse(list.map((one: unknown) => withGateway(one, gatewayUrl)));
  if (!parsed.success)
    return {
      telescopes: [],
      problems: parsed.error.issues.map(({ path, message }) => ({
        name: `TELESCOPES_FILE, ${nameOf(list, path)}`,
        message,
      })),
    };
  const ids = parsed.data.map((t) => t.id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  return {
    telescopes: parsed.data,
    problems: twice
      ? [{ name: 'TELESCOPES_FILE', message: `telescope id "${twice}" stands twice; give each its own` }]
      : [],
  };
}
const withGateway = (telescope: unknown, url: string | null): unknown =>
  url !== null && typeof telescope === 'object' && telescope !== null && !('gateway_url' in telescope)
    ? { ...telescope, gateway_url: url }
    : telescope;
function nameOf(list: readonly unknown[], [index, ...fields]: readonly PropertyKey[]): string {
  const id = (list[Number(index)] as { id?: unknown } | null)?.id;
  return `${typeof id === 'string' ? `telescope "${id}"` : `telescope ${Number(index) + 1}`}${fields.length > 0 ? `, ${fields.join('.')}` : ''}`;
}

/**
 * Telescopes from `TELESCOPES_FILE`, else the one that the VOYAGER_* variables describe.
 * @throws SettingsError naming each wrong field
 */
export function telescopesFromConfig(config: Config): Telescope[] {
  if (config.TELESCOPES_FILE) {
    const { telescopes, problems } = readTelescopesFile(config.TELESCOPES_FILE, gatewayUrlOf(config));
    if (problems.length > 0) throw new SettingsError(problems);
    return telescopes;
  }
  if (!config.VOYAGER_HOST) return [];
  return [
    Telescope.parse({
      id: 'main',
      name: 'Telescope',
      host: config.VOYAGER_HOST,
      port: config.VOYAGER_PORT,
      profile: config.VOYAGER_PROFILE,
      base_sequence_guid: config.VOYAGER_DEFAULT_SEQUENCE_GUID ?? null,
      gateway_url: gatewayUrlOf(config),
      site: siteOf(config),
      path_map: parsePathMap(config.VOYAGER_PATH_MAP),
    }),
  ];
}

/** Where the api reaches the gateway of a telescope that names none: the address that is named, else the one at which a gateway here listens. */
export const gatewayUrlOf = (config: Config): string =>
  config.GATEWAY_URL ?? `http://${reachable(config.GATEWAY_HOST)}:${config.GATEWAY_PORT}`;

/** null where the variables do not say it: no place stands in for an unknown one. */
function siteOf(config: Config): TelescopeInput['site'] {
  const {
    SITE_LATITUDE_DEGREES: latitude_degrees,
    SITE_LONGITUDE_DEGREES: longitude_degrees,
    SITE_ELEVATION_METERS: elevation_meters,
    SITE_TIMEZONE: timezone,
  } = config;
  if (latitude_degrees === undefined || longitude_degrees === undefined || timezone === undefined) return null;
  return { latitude_degrees, longitude_degrees, elevation_meters, timezone };
}

/** Writes the configured telescopes into the database where the file has changed since; a change made through the API stands until then. */
export async function syncTelescopes(db: Database, telescopes: readonly Telescope[]): Promise<void> {
  for (const telescope of telescopes) {
    const fileHash = createHash('sha256').update(JSON.stringify(telescope)).digest('hex');
    const row = await db.telescope.findUnique({ where: { id: telescope.id } });
    if (row?.fileHash === fileHash) continue;
    await db.telescope.upsert({
      where: { id: telescope.id },
      create: { id: telescope.id, config: telescope, fileHash },
      update: { config: telescope, fileHash, version: { increment: 1 }, updatedAt: new Date() },
    });
  }
}

/** The telescope as it is configured now, or null. */
export async function findTelescope(db: Pick<Database, 'telescope'>, id: string): Promise<Telescope | null> {
  const row = await db.telescope.findUnique({ where: { id } });
  return row ? Telescope.parse(row.config) : null;
}
export async function listTelescopes(db: Pick<Database, 'telescope'>): Promise<Telescope[]> {
  return (await db.telescope.findMany({ orderBy: { id: 'asc' } })).map((row) => Telescope.parse(row.config));
}
