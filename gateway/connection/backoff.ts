export const BACKOFF_FIRST_MS = 5_000;
export const BACKOFF_MAX_MS = 300_000;
export const LOGIN_RETRY_MS = 300_000;
/** After a clean ShutDown the port is knocked at this often for this long before the usual waiting begins. */
export const KNOCK_MS = 2_000;
export const KNOCK_FOR_MS = 120_000;

/** Waiting time before attempt `attempt` (from 0): doubles from 5 s to 5 min, up to a quarter longer by chance, never over 5 min. */
export function backoffMs(attempt: number, random: () => number): number {
  const base = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.min(BACKOFF_MAX_MS, Math.round(base * (1 + 0.25 * random())));
}
