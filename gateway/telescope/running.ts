import type { Observation } from '../../domain/ports.ts';
import type { OpenTarget } from '../robotarget/open.ts';
import type { Mirror } from './mirror.ts';
import { sameGuid, type Targets } from './targets.ts';

type Running = Observation['running'];

/** What RoboTarget runs, by a list of it that was just read and RUNSEQ. */
export function runningOf(items: readonly OpenTarget[], guid: string | null, runSequence: string | null): Running {
  const running = items.find((t) => t.statusOp === 'running');
  if (running) return sameGuid(running.guid, guid) ? 'ours' : 'foreign';
  return runSequence === null ? 'none' : 'unknown';
}

/** What RoboTarget runs now, by its list (at most `maxAgeMs` old) and RUNSEQ. */
export function runningNow(targets: Targets, mirror: Mirror, targetGuid: string | null, maxAgeMs: number): Running {
  const list = targets.recent(maxAgeMs);
  const sequence = mirror.controlData?.RUNSEQ ?? null;
  const running = list?.find((t) => t.statusOp === 'running');
  if (running) return sameGuid(running.guid, targetGuid) ? 'ours' : 'foreign';
  if (mirror.controlData === null) return 'unknown';
  if (sequence === null) return 'none';
  return 'unknown';
}
