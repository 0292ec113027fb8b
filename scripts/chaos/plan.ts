import { createHash } from 'node:crypto';

export const VICTIMS = ['gateway', 'worker', 'api', 'temporal', 'postgres', 'simulator'] as const;
export type Victim = (typeof VICTIMS)[number];
export interface KillStep {
  victim: Victim;
  /** Quiet time before the kill. */
  pauseSeconds: number;
}

/** Uniform in [0, 1), the same for the same words. */
function chance(...words: (string | number)[]): number {
  return createHash('sha256').update(words.join('/')).digest().readUInt32BE(0) / 2 ** 32;
}

/** Who is killed and after which pause, from the seed alone; everyone's turn comes before anyone's second. */
export function killPlan(seed: number, kills: number): KillStep[] {
  const steps: KillStep[] = [];
  for (let round = 0; steps.length < kills; round++) {
    const order = [...VICTIMS].sort((a, b) => chance(seed, 'order', round, a) - chance(seed, 'order', round, b));
    for (const victim of order) if (steps.length < kills) steps.push({ victim, pauseSeconds: Math.round((3 + 12 * chance(seed, 'pause', steps.length)) * 10) / 10 });
  }
  return steps;
}

export interface NightOutcome {
  phase: string;
  /** RoboTarget's objects by GUID and status. */
  objects: string[];
  /** Frames by shot (its filter) and state. */
  frames: Record<string, number>;
  /** Archived frames whose file has not the sha256 of its row. */
  unverified: number;
  /** Seconds by ledger class. */
  ledger: Record<string, number>;
  slotSeconds: number;
  repeatedWithEffect: { method?: string; effect_key: string | null }[];
  reportStands: boolean;
}

/** Classes into which a kill may move seconds. */
const DISTURBED = new Set(['outage', 'overhead']);
/** Starts and ends of exposures are cut to whole seconds. */
const ROUNDING_SECONDS = 2;

/** What a killed night has that the undisturbed one has not; empty when they are equal. `downSeconds`: measured time without normal work. */
export function compareNights(quiet: NightOutcome, killed: NightOutcome, downSeconds: number): string[] {
  const found: string[] = [];
  if (killed.phase !== quiet.phase) found.push(`ended as ${killed.phase} instead of ${quiet.phase}`);
  for (const object of quiet.objects) if (!killed.objects.includes(object)) found.push(`RoboTarget lacks ${object}`);
  for (const object of killed.objects) if (!quiet.objects.includes(object)) found.push(`RoboTarget has ${object} besides`);
  for (const key of new Set([...Object.keys(quiet.frames), ...Object.keys(killed.frames)])) {
    const [before, after] = [quiet.frames[key] ?? 0, killed.frames[key] ?? 0];
    if (before !== after) found.push(`frames of ${key}: ${after} instead of ${before}`);
  }
  if (killed.unverified > 0) found.push(`${killed.unverified} archived frames have not the sha256 of their row`);
  const sum = Object.values(killed.ledger).reduce((total, seconds) => total + seconds, 0);
  if (sum !== killed.slotSeconds) found.push(`the ledger sums to ${sum} s, the slot has ${killed.slotSeconds} s`);
  let moved = 0;
  for (const name of new Set([...Object.keys(quiet.ledger), ...Object.keys(killed.ledger)])) {
    const more = (killed.ledger[name] ?? 0) - (quiet.ledger[name] ?? 0);
    if (DISTURBED.has(name)) moved += Math.max(0, more);
    else if (more > ROUNDING_SECONDS || (name === 'imaging' && more < -ROUNDING_SECONDS)) found.push(`ledger class ${name}: ${Math.abs(more)} s ${more > 0 ? 'more' : 'less'}`);
  }
  if (moved > downSeconds + ROUNDING_SECONDS) found.push(`${moved} s of outage and overhead more, with ${downSeconds.toFixed(0)} s of down time`);
  for (const entry of killed.repeatedWithEffect) found.push(`a second command with effect: ${entry.method ?? ''} ${entry.effect_key ?? ''}`.trim());
  if (!killed.reportStands) found.push('the stored report is not the one made from the same rows');
  return found;
}
