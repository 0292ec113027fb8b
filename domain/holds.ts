import type { LedgerClass } from './contracts/ledger.ts';
import type { HoldCause } from './phases.ts';
import type { Reason } from './reasons.ts';

/** Reasons of a fault whose seconds are no outage. */
const NO_OUTAGE: Partial<Record<Reason, LedgerClass>> = { foreign_target: 'foreign', voyager_emergency: 'unsafe' };
/** The class of the seconds that a fault takes. */
export const ledgerOfFault = (reason: Reason): LedgerClass => NO_OUTAGE[reason] ?? 'outage';

/** Weather that only keeps a session from going on: worse than a limit of comfort it is unsafe, known or unknown. */
const UNCOMFORTABLE: readonly Reason[] = ['weather_hold', 'weather_debounce'];

/** The class of the seconds of a hold, as its recorded cause and reason tell it (docs/credits.md). */
export function ledgerOfHold(cause: HoldCause, reason: Reason): LedgerClass {
  if (cause === 'user') return 'user_pause';
  if (cause === 'weather') return UNCOMFORTABLE.includes(reason) ? 'weather_hold' : 'unsafe';
  return ledgerOfFault(reason);
}
