import type { CommandOutcome } from '../../domain/ports.ts';
import { reasonWords } from '../../domain/night-lines.ts';
import type { Reason } from '../../domain/reasons.ts';
import { telescope } from './activities.ts';
import type { Night } from './night.ts';
import { submit } from './telescope.ts';

/** One step towards motion; null when it is done, else the reason, which the night log has too. */
export async function step(night: Night, name: string, fn: () => Promise<CommandOutcome>): Promise<Reason | null> {
  const result = await submit(night, fn);
  if (result.outcome === 'done') {
    night.memory.said.delete(name);
    return null;
  }
  const reason = result.reason ?? (result.outcome === 'unknown' ? 'no_answer' : 'refused_by_voyager');
  complain(night, name, result.outcome, reason, result.message);
  return reason;
}

/** Why a step towards motion was not done; the same is said once until it was done. */
export function complain(
  night: Night,
  name: string,
  outcome: 'refused' | 'unknown',
  reason: Reason,
  message: string | null,
): void {
  const what = `${outcome} ${reason} ${message}`;
  if (night.memory.said.get(name) === what) return;
  night.memory.said.set(name, what);
  night.logbook.log({
    level: 'WARNING',
    event: `${name}_${outcome}`,
    ...reasonWords(reason, message),
  });
}

export function borrow(night: Night): Promise<Reason | null> {
  const { state } = night;
  state.data.borrowed = true;
  const key = state.commandKey('borrow');
  return step(night, 'borrow', () =>
    telescope(state.telescopeId).commands.borrowSky.executeWithOptions({ summary: 'other targets' }, [
      { grant: night.grant(), key },
    ]),
  );
}

export function startRoboTarget(night: Night): Promise<Reason | null> {
  const { state } = night;
  const key = state.commandKey('robotarget');
  return step(night, 'robotarget', () =>
    telescope(state.telescopeId).commands.startRoboTarget.executeWithOptions({ summary: 'start RoboTarget' }, [
      { grant: night.grant(), key },
    ]),
  );
}
