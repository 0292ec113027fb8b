import type { TelescopePolicy } from '../../domain/contracts/telescope.ts';

/** The policy of a simulated night, in seconds; nothing else is shortened. Slot = shots × (exposure + 3 s) + 20 s. */
export const NIGHT_POLICY = {
  prepare_lead: 5,
  check_interval: 5,
  turnaround_minutes: 0,
} as const satisfies Partial<TelescopePolicy>;
export const RESUME_DEBOUNCE_SECONDS = 3;
export const slotSeconds = (shots: number, exposureSeconds: number): number =>
  Math.ceil(shots * (exposureSeconds + 3) + 20);
