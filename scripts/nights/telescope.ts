import { Telescope, type SitedTelescope, type TelescopeInput } from '../../domain/contracts/telescope.ts';

/** The telescope of a virtual night, on the equator at that longitude (east positive). */
export function virtualTelescope(longitude_degrees: number, policy: TelescopeInput['policy']): SitedTelescope {
  const site = { latitude_degrees: 0, longitude_degrees, elevation_meters: 0, timezone: 'UTC' };
  const telescope = Telescope.parse({
    id: 't1',
    name: 'Virtual',
    host: '127.0.0.1',
    base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
    site,
    policy,
  } satisfies TelescopeInput);
  return { ...telescope, site };
}
