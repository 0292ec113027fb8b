import { Telescope, type SitedTelescope, type TelescopeInput } from '../../domain/contracts/telescope.ts';

/** The filter wheel of the telescope's file once its owner has changed it. */
export const CHANGED_FILTERS: Telescope['filters'] = { L: 1, R: 0, G: 3, B: 2 };

/**
 * The telescope of a virtual night, on the equator at that longitude (east positive).
 * @param changed whether its file is the changed one by now
 */
export function virtualTelescope(
  longitude_degrees: number,
  policy: TelescopeInput['policy'],
  changed: () => boolean,
): SitedTelescope {
  const site = { latitude_degrees: 0, longitude_degrees, elevation_meters: 0, timezone: 'UTC' };
  const telescope = Telescope.parse({
    id: 't1',
    name: 'Virtual',
    host: '127.0.0.1',
    base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
    site,
    policy,
  } satisfies TelescopeInput);
  return Object.defineProperty({ ...telescope, site }, 'filters', {
    get: () => (changed() ? CHANGED_FILTERS : telescope.filters),
    enumerable: true,
  });
}
