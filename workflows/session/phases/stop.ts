import type { Observation } from '../../../domain/ports.ts';
import { reasonWords } from '../../../domain/night-lines.ts';
import { REASONS } from '../../../domain/reasons.ts';
import { pictureOf } from '../../../domain/watch.ts';
import type { Night } from '../night.ts';
import { EMERGENCY_EVERY_SECONDS, HOUR_MS, QUICK_LOOK_MS } from '../pace.ts';
import { notThere } from '../policy.ts';
import type { Ending } from '../data.ts';
import { keepWatch, observe, still } from '../telescope.ts';
import { SECOND } from '../time.ts';
import { interruptibleBy, waitFor } from '../waiting.ts';

const EMERGENCY_LOOKS = 40;

/** The stop ladder until it is seen to have worked; past the slot's end and grace the gateway's own watchdog has stopped it (docs/safety.md, 5). */
export async function stopForGood(night: Night, ending: Ending): Promise<void> {
  const { state } = night;
  if (!state.data.objectsMade) return;
  const began = Date.now();
  const giveUpAt = Math.max(state.endMs + state.booking.policy.grace_seconds * SECOND, began) + 120 * SECOND;
  if (ending.commandId && !night.inEmergency()) night.logbook.receipt(ending.commandId, 'sent');
  // Never enabled, or seen disabled since: unless the telescope shows the opposite, there is nothing to stop.
  const motionless = state.data.mayRun === false;
  if (motionless) {
    const seen = await observe(night, QUICK_LOOK_MS);
    if (seen) night.memory.lastObservation = seen;
    if (!seen?.target?.enabled && seen?.running !== 'ours') return seenStopped(night);
  }
  for (let attempt = 0; ; attempt++) {
    const seen =
      attempt === 0 &&
      (motionless || ending.outcome === 'aborted') &&
      night.memory.lastObservation &&
      !night.inEmergency()
        ? night.memory.lastObservation
        : await observe(night, 15 * SECOND);
    if (seen) night.memory.lastObservation = seen;
    const quiet = seen?.emergency && seen.target?.enabled === false && seen.running === 'none';
    if (quiet) return seenStopped(night);
    if (seen?.emergency) {
      if (attempt === 0) {
        if (ending.commandId)
          night.logbook.receipt(ending.commandId, 'accepted', 'voyager_emergency', REASONS.voyager_emergency.en);
        night.logbook.log({
          level: 'WARNING',
          event: 'latched',
          ...reasonWords('voyager_emergency'),
        });
      }
      if (Date.now() > giveUpAt + 6 * HOUR_MS) break;
      await waitOutEmergency(night, seen);
      continue;
    }
    if (seen && attempt > 0 && seen.target !== null && !seen.target.enabled && seen.running !== 'ours')
      return seenStopped(night);
    if (seen && notThere(seen) && seen.running !== 'unknown') return seenStopped(night);
    const abrupt = ending.outcome === 'aborted' || !seen || seen.running === 'ours' || seen.running === 'unknown';
    if (seen && !abrupt && seen.target?.enabled === false) return seenStopped(night);
    if (ending.commandId) night.logbook.receipt(ending.commandId, 'sent');
    if (await still(night, abrupt && ending.reason !== 'plan_finished' ? 'stop' : 'disable')) return seenStopped(night);
    if (ending.commandId)
      night.logbook.receipt(
        ending.commandId,
        'unknown',
        night.memory.unseenBecause,
        REASONS[night.memory.unseenBecause].en,
      );
    if (Date.now() >= giveUpAt) break;
    await waitFor(night, Date.now() + Math.min(5 * SECOND * 2 ** attempt, 60 * SECOND), () => false, 'stop again');
  }
  night.memory.stopUnseen = true;
  night.logbook.alertOnce(
    'stop',
    'no_answer',
    'The target could not be seen to have stopped; the gateway’s own watchdog and Voyager’s C_DateEnd end it.',
  );
  if (ending.commandId) night.logbook.receipt(ending.commandId, 'unknown', 'no_answer');
}

/** Until Voyager's emergency is over, somebody tells of it, or it is time to look again. */
export async function waitOutEmergency(night: Night, seen: Observation): Promise<void> {
  const { state } = night;
  const told = (): boolean => state.events.length > 0;
  const goal = state.plannedShots();
  const plan = {
    everySeconds: EMERGENCY_EVERY_SECONDS,
    looks: EMERGENCY_LOOKS,
    picture: pictureOf(seen, goal),
    goal,
  };
  const next = await interruptibleBy(night, told, () => keepWatch(night, plan));
  if (next === undefined && !told())
    await waitFor(night, Date.now() + EMERGENCY_EVERY_SECONDS * SECOND, told, 'Voyager’s emergency');
  state.events.length = 0;
}

export function seenStopped(night: Night): void {
  night.state.data.engaged = false;
  night.state.data.mayRun = false;
}
