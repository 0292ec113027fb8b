import { duration, number, UNKNOWN } from '../../../core/format.ts';
import type { PlanLine, TelescopeState } from '../../../core/types.ts';
import type { Facts } from '../../facts.ts';
import { filterTone, known, short } from '../../wording.ts';

export function sequenceView(facts: Facts) {
  const { snapshot: s, telescope: t, locale } = facts;
  return {
    ...exposureView(facts),
    sequenceName: t?.sequence?.name || t?.voyager.run_sequence || UNKNOWN,
    sequenceRemaining: remainingText(facts),
    shots: s ? `${s.progress.shots_done} / ${s.progress.shots_total}` : UNKNOWN,
    planPercent: s?.progress.percent ?? 0,
    integration: s ? duration(s.progress.integration_seconds) : UNKNOWN,
    plan: linesOf(s?.plan ?? []).map((line) => ({
      key: [line.filter, line.exposure_seconds, line.binning, line.type].join(' '),
      filter: line.filter,
      label: `${line.quantity} × ${short(line.exposure_seconds, locale)} s`,
      percent: line.quantity > 0 ? (100 * line.done) / line.quantity : 0,
      count: `${line.done}/${line.quantity}`,
      tone: filterTone(line.filter),
    })),
  };
}

function exposureView({ telescope: t, since, unheard, locale, say }: Facts) {
  const exposure = t?.exposure ?? null;
  const filter = exposure?.filter ?? t?.preview?.filter;
  const light = { filter: filter ?? UNKNOWN, filterTone: filterTone(filter) };
  if (exposure === null || exposure.status === 'IDLE' || exposure.status === 'ERROR')
    return {
      ...light,
      exposing: false,
      exposurePercent: 0,
      exposureText: say(unheard ? 'ui.unknown' : 'sequence.none'),
      exposureStatus: say(unheard ? 'ui.unknown' : 'exposure.IDLE'),
    };
  const elapsed = elapsedOf(exposure, since);
  const runs = exposure.status === 'EXPOSE' && exposure.total_seconds > 0;
  return {
    ...light,
    exposing: true,
    exposurePercent: runs ? Math.max(0, Math.min(100, (100 * elapsed) / exposure.total_seconds)) : 100,
    exposureText: `${number(elapsed, locale)} / ${number(exposure.total_seconds, locale)} s`,
    exposureStatus: say(`exposure.${exposure.status}`),
  };
}

/** It goes on between two messages, but never past its end. */
const elapsedOf = (exposure: NonNullable<TelescopeState['exposure']>, since: number): number =>
  Math.min(exposure.total_seconds, exposure.elapsed_seconds + (exposure.status === 'EXPOSE' ? since : 0));

/** What Voyager's sequence says is left, else what the plan says. */
function remainingText({ snapshot, telescope, over, since }: Facts): string {
  if (over) return UNKNOWN;
  const plan = snapshot?.plan.reduce(
    (sum, line) => sum + Math.max(0, line.quantity - line.done) * line.exposure_seconds,
    0,
  );
  return known(
    telescope?.sequence?.remaining_seconds,
    (seconds) => duration(Math.max(0, seconds - since)),
    known(plan, duration),
  );
}

/** Lines of the same kind as one, in the order in which they first come: a plan that goes round its filters has a dozen. */
function linesOf(plan: readonly PlanLine[]): PlanLine[] {
  const lines: PlanLine[] = [];
  for (const line of plan) {
    const same = lines.find(
      (l) =>
        l.filter === line.filter &&
        l.exposure_seconds === line.exposure_seconds &&
        l.binning === line.binning &&
        l.type === line.type,
    );
    if (same) Object.assign(same, { quantity: same.quantity + line.quantity, done: same.done + line.done });
    else lines.push({ ...line });
  }
  return lines;
}
