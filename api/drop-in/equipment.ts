import type { DashboardState } from '../../domain/contracts/dashboard.ts';
import type { TelescopeState } from '../../domain/contracts/state.ts';

type Item = DashboardState['equipment'][number];
/** What a device's line says; a device that nobody has heard of is unknown. */
type Line = [connected: boolean | null, status: string, detail: string | null];

function word(value: boolean | null, yes: string, no: string): string {
  if (value === null) return 'unknown';
  return value ? yes : no;
}
const fixed = (value: number | null, digits: number, unit: string): string | null =>
  value === null ? null : `${value.toFixed(digits)}${unit}`;
function motionOf({ parked, slewing, tracking }: TelescopeState['mount']): string {
  if (parked) return 'parked';
  return slewing ? 'slewing' : word(tracking, 'tracking', 'stopped');
}
const present = (connected: boolean | null): Line => [connected, word(connected, 'connected', 'disconnected'), null];

/** The devices in the order of the page. */
const DEVICES: Record<string, { label: string; line: (state: TelescopeState) => Line }> = {
  mount: {
    label: 'Mount',
    line: ({ mount }) => [mount.connected, motionOf(mount), fixed(mount.altitude_degrees, 1, '°')],
  },
  camera: {
    label: 'Camera',
    line: ({ camera }) => [
      camera.connected,
      camera.status ?? word(camera.cooling, 'cooling', 'idle'),
      fixed(camera.temperature_celsius, 1, ' °C'),
    ],
  },
  focuser: {
    label: 'Focuser',
    line: ({ focuser: { connected, position } }) => [
      connected,
      word(connected, 'connected', 'disconnected'),
      position === null ? null : String(position),
    ],
  },
  guider: {
    label: 'Guiding',
    line: ({ guiding: { connected, status, rms } }) => [
      connected,
      status ?? 'unknown',
      rms ? `RMS ${rms.total_px.toFixed(2)} px` : null,
    ],
  },
  rotator: {
    label: 'Rotator',
    line: ({ rotator }) => [
      rotator.connected,
      word(rotator.moving, 'moving', 'still'),
      fixed(rotator.sky_pa_degrees, 1, '°'),
    ],
  },
  dome: { label: 'Dome', line: ({ dome }) => [dome.connected, dome.shutter ?? 'unknown', null] },
  planetarium: { label: 'Planetarium', line: (state) => present(state.planetarium_connected) },
  plate_solver: { label: 'Plate solver', line: (state) => present(state.plate_solver_connected) },
};

export const equipmentOf = (state: TelescopeState): Item[] =>
  Object.entries(DEVICES).map(([key, { label, line }]) => {
    const [connected, status, detail] = line(state);
    return { key, label, connected: connected === true, status, detail };
  });
