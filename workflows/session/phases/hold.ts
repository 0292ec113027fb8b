import type { ReceiptState } from '../../../domain/contracts/control.ts';
import type { LedgerClass } from '../../../domain/contracts/ledger.ts';
import type { HoldCause } from '../../../domain/phases.ts';
import type { Observation } from '../../../domain/ports.ts';
import { NIGHT_LINES, reasonWords } from '../../../domain/night-lines.ts';
import { REASONS, type Reason } from '../../../domain/reasons.ts';
import type { Night } from '../night.ts';
import { notThere, type Verdict } from '../policy.ts';
import { still } from '../telescope.ts';
import { SECOND, nowIso } from '../time.ts';

/** Weather that has been unknown for so long is told to the operator. */
const UNKNOWN_SKY_MS = 600 * SECOND;

/** How grave the line of a hold is, by its cause. */
const HOLD_LEVEL = { weather: 'WARNING', fault: 'ERROR', user: 'INFO', maintenance: 'INFO' } as const;

export function holding(
  night: Night,
  cause: HoldCause,
  reason: Reason,
  ledger: LedgerClass,
  message: string | null,
): void {
  const { state } = night;
  const { data } = state;
  const slotStart = state.booking.start;
  const at = night.memory.sinceWhen || nowIso();
  state.span({ class: ledger, cause: reason }, at > slotStart ? at : slotStart);
  if (data.phase === 'holding' && data.holdCause === cause && data.reason === reason) return;
  const wasHolding = data.phase === 'holding';
  const fault = cause === 'fault';
  night.logbook.transition(
    'holding',
    {
      level: HOLD_LEVEL[cause],
      event: reason,
      ...reasonWords(reason, message),
    },
    {
      reason,
      holdCause: cause,
      ...(wasHolding ? {} : { notify: { type: 'session.paused', data: { reason, cause } } }),
    },
  );
  if (fault) {
    night.logbook.log(
      {
        level: 'ERROR',
        event: `fault_${reason}`,
        ...reasonWords(reason, message),
      },
      { type: 'error.occurred', data: { reason } },
    );
    night.logbook.alertOnce(`fault_${reason}`, reason, message ?? REASONS[reason].en);
  }
}

/** Holds for a verdict: says so, and makes the target hold too where the telescope may be spoken to. */
export async function hold(
  night: Night,
  verdict: Extract<Verdict, { go: false }>,
  seen: Observation | null,
): Promise<void> {
  const { state } = night;
  const idle = verdict.cause === 'fault' && night.memory.stalled ? NIGHT_LINES.idle.message : null;
  holding(night, verdict.cause, verdict.reason, verdict.ledger, idle);
  tellOfUnknownSky(night, verdict, seen);
  const failures = night.memory.stillFailures;
  night.memory.stillFailures = 0;
  if (state.waiting('resume').length > 0 && !state.data.userPaused)
    night.logbook.explain('resume', verdict.reason, 'accepted');
  if (!seen) return explainPause(night, verdict.reason);
  if (verdict.action === 'none') {
    const held =
      seen.target?.enabled === false && (state.booking.policy.pause_mode !== 'abort' || seen.running !== 'ours');
    if (state.waiting('pause').length === 0) return;
    if (held) settlePauses(night, 'confirmed', null);
    else if (notThere(seen)) settlePauses(night, 'confirmed', null);
    else explainPause(night, verdict.reason);
    return;
  }
  const off = seen.target?.enabled === false ? null : 'disable';
  const wants = verdict.action === 'stop' && (seen.running === 'ours' || off !== null) ? 'stop' : off;
  if (wants !== null && notThere(seen) && seen.running !== 'unknown') {
    state.data.engaged = false;
    settlePauses(night, 'confirmed', null);
    return;
  }
  if (wants === null) {
    state.data.engaged = false;
    settlePauses(night, 'confirmed', null);
    return;
  }
  for (const receipt of state.waiting('pause')) night.logbook.receipt(receipt.commandId, 'sent');
  if (await still(night, wants, () => night.cutShort())) {
    state.data.engaged = false;
    state.data.replan = true;
    settlePauses(night, 'confirmed', null);
    return;
  }
  if (night.cutShort()) return;
  settlePauses(night, 'unknown', 'no_answer');
  night.memory.stillFailures = failures + 1;
  if (failures > 0)
    night.logbook.alertOnce(
      'hold',
      verdict.reason,
      `The target could not be seen to hold (${verdict.reason}); it is tried again.`,
    );
}

/** Weather that nobody knows for a while, and Voyager's end in bad weather: somebody must act, and rain alone asks nobody. */
export function tellOfUnknownSky(
  night: Night,
  verdict: Extract<Verdict, { go: false }>,
  seen: Observation | null,
): void {
  if (verdict.cause !== 'weather' || seen === null) return;
  const since = Date.parse(night.state.data.spans.at(-1)?.start ?? nowIso());
  const unknown = verdict.reason === 'weather_unknown' || verdict.reason === 'safety_monitor_missing';
  if (unknown && Date.now() - since >= UNKNOWN_SKY_MS)
    night.logbook.alertOnce(
      verdict.reason,
      verdict.reason,
      seen.weather.causes.join('; ') || REASONS[verdict.reason].en,
    );
  if (seen.emergency === 'exit')
    night.logbook.alertOnce(
      'fault_voyager_emergency',
      'voyager_emergency',
      'Voyager has carried out an emergency exit.',
    );
}

/** A pause of which nothing can be seen now: it holds as soon as the telescope can be spoken to, and its sender hears why not yet. */
export function explainPause(night: Night, reason: Reason): void {
  if (night.state.data.userPaused)
    night.logbook.explain('pause', reason, reason === 'voyager_emergency' ? 'accepted' : 'unknown');
}

export function settlePauses(night: Night, to: ReceiptState, reason: Reason | null): void {
  if (night.state.data.userPaused)
    for (const receipt of night.state.waiting('pause')) night.logbook.receipt(receipt.commandId, to, reason);
}
