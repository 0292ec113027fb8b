import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Telescope } from '../domain/contracts/telescope.ts';
import type { Config } from './config.ts';
import type { Database } from './database.ts';
import { UsageError } from './errors.ts';

/**
 * Telescopes from `TELESCOPES_FILE` (an array, or {telescopes: [...]}), else the one that the VOYAGER_* variables describe.
 * @throws UsageError naming each wrong field.
 */
export function telescopesFromConfig(config: Config): Telescope[] {
  if (config.TELESCOPES_FILE) {
    let json: unknown;
    try {
      json = JSON.parse(readFileSync(config.TELESCOPES_FILE, 'utf8'));
    } catch (thrown) {
      throw new UsageError(`TELESCOPES_FILE ${config.TELESCOPES_FILE}: ${(thrown as Error).message}`);
    }
    const parsed = z
      .array(Telescope)
      .safeParse(Array.isArray(json) ? json : (json as { telescopes?: unknown }).telescopes);
    if (!parsed.success)
      throw new UsageError(
        `TELESCOPES_FILE ${config.TELESCOPES_FILE}:\n  ${parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('\n  ')}`,
      );
    const ids = parsed.data.map((t) => t.id);
    const twice = ids.find((id, i) => ids.indexOf(id) !== i);
    if (twice) throw new UsageError(`TELESCOPES_FILE: telescope id "${twice}" stands twice.`);
    return parsed.data;
  }
  if (!config.VOYAGER_HOST) return [];
  if (!config.VOYAGER_DEFAULT_SEQUENCE_GUID)
    throw new UsageError(
      'VOYAGER_DEFAULT_SEQUENCE_GUID is not set: the GUID of the RoboTarget base sequence that sessions use.',
    );
  return [
    Telescope.parse({
      id: 'main',
      name: 'Telescope',
      host: config.VOYAGER_HOST,
      port: config.VOYAGER_PORT,
      profile: config.VOYAGER_PROFILE,
      base_sequence_guid: config.VOYAGER_DEFAULT_SEQUENCE_GUID,
      gateway_url: `http://${config.GATEWAY_HOST}:${config.GATEWAY_PORT}`,
      site: { latitude_degrees: 0, longitude_degrees: 0 },
      path_map: parsePathMap(config.VOYAGER_PATH_MAP),
    }),
  ];
}

/** `C:\Voyager\FITS=>/mnt/fits;\\nas\fits=>/mnt/nas` */
export function parsePathMap(textual: string | undefined): { from: string; to: string }[] {
  if (!textual) return [];
  return textual
    .split(';')
    .map((s) => s.trim())
    .filter(Boolean)
    .map((pair) => {
      const at = pair.indexOf('=>');
      if (at < 1 || at + 2 >= pair.length)
        throw new UsageError(`VOYAGER_PATH_MAP: "${pair}" is not of the form C:\\folder=>/folder`);
      return { from: pair.slice(0, at), to: pair.slice(at + 2) };
    });
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
