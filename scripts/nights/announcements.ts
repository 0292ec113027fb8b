import type { TelescopeEventSignal } from '../../domain/messages.ts';
import type { Sky } from '../../simulator/stand-in/sky.ts';
import type { Faults } from './faults.ts';
import type { FaultKind } from './plan.ts';

type Kind = TelescopeEventSignal['kind'];
const SECOND = 1000;
const TOLD: readonly [FaultKind, Kind, Kind | null][] = [
  ['link_lost', 'link_lost', 'link_ready'],
  ['voyager_restart', 'voyager_restarted', null],
  ['voyager_error', 'voyager_error', null],
  ['emergency', 'emergency_begun', 'emergency_over'],
  ['camera', 'camera_error', null],
  ['guiding', 'guiding_lost', null],
  ['foreign_target', 'foreign_target', null],
  ['console', 'local_operator', null],
  ['finished_early', 'target_finished', null],
];

/** What a gateway tells sessions of at once: each turn of the weather as it is judged, and what it sees at Voyager; in order of time. */
export function announcements(faults: Faults, sky: Sky): { at: number; kind: Kind }[] {
  const state = (at: number): string => {
    const { state: is, reason, stale } = sky.at(at);
    return `${is} ${reason} ${stale}`;
  };
  const { changes } = sky;
  const turns = changes.filter((at, i) => i > 0 && state(at) !== state(changes[i - 1]!));
  const seen = TOLD.flatMap(([fault, begins, ends]) =>
    faults
      .spans(fault)
      .flatMap((span) => [
        { at: span.from + SECOND, kind: begins },
        ...(ends ? [{ at: span.to + SECOND, kind: ends }] : []),
      ]),
  );
  return [...turns.map((at) => ({ at: at + SECOND, kind: 'weather_changed' as const })), ...seen].sort(
    (a, b) => a.at - b.at,
  );
}
