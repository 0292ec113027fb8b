import { createHash } from 'node:crypto';

export const VICTIMS = ['gateway', 'worker', 'api', 'temporal', 'postgres', 'simulator'] as const;
export type Victim = (typeof VICTIMS)[number];
/** Instants of a night at which a kill hurts most; `any` is wherever the pause ends. */
export const POINTS = ['any', 'preparing', 'enabled', 'exposing', 'written', 'recorded', 'finalising'] as const;
export type Point = (typeof POINTS)[number];
export interface KillStep {
  victim: Victim;
  /** Quiet time before the kill, and before its point is waited for. */
  pauseSeconds: number;
  at: Point;
}
/** Fewer kills than this make a short night, with short pauses. */
const LONG_FROM = 12;
/** Fewer kills than this leave out the preparation and the wrapping up. */
const ENDS_FROM = 4;

/** Uniform in [0, 1), the same for the same words. */
function chance(...words: (string | number)[]): number {
  return createHash('sha256').update(words.join('/')).digest().readUInt32BE(0) / 2 ** 32;
}

/**
 * Who is killed, after which pause and at which point of the night, from the seed alone; everyone's turn comes before anyone's second. The first kill
 * falls into the preparation, the last into the wrapping up, the others now at a random instant, now at one of the frame's own.
 */
export function killPlan(seed: number, kills: number): KillStep[] {
  const steps: KillStep[] = [];
  const [least, most] = kills < LONG_FROM ? [1, 4] : [3, 15];
  const middle: Point[] = ['any', 'exposing', 'any', 'written', 'any', 'recorded', 'any', 'enabled'];
  for (let round = 0; steps.length < kills; round++) {
    const order = [...VICTIMS].sort((a, b) => chance(seed, 'order', round, a) - chance(seed, 'order', round, b));
    for (const victim of order) {
      const n = steps.length;
      if (n >= kills) break;
      let at = middle[Math.floor(chance(seed, 'point', n) * middle.length)]!;
      if (kills >= ENDS_FROM && n === 0) at = 'preparing';
      else if (kills >= ENDS_FROM && n === kills - 1) at = 'finalising';
      steps.push({
        victim,
        at,
        pauseSeconds:
          at === 'preparing' || at === 'finalising'
            ? 0
            : Math.round((least + (most - least) * chance(seed, 'pause', n)) * 10) / 10,
      });
    }
  }
  return steps;
}

export interface NightOutcome {
  phase: string;
  /** RoboTarget's objects by GUID and status. */
  objects: string[];
  /** Archived frames as the line of the plan and the count within it. */
  archived: string[];
  /** Frames whose file Voyager wrote and died before it noted them: RoboTarget takes each once more, and both are the guest's. */
  unrecorded: number;
  /** Frames that are not archived and say no reason why. */
  unexplained: number;
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
/** A gateway that was just killed hears the weather change some seconds later than one that lives. */
const HEARING_SECONDS = 5;

/** How the time was used otherwise than by what the kills explain. */
function ledgerDifferences(quiet: NightOutcome, killed: NightOutcome, downSeconds: number): string[] {
  const found: string[] = [];
  const sum = Object.values(killed.ledger).reduce((total, seconds) => total + seconds, 0);
  if (sum !== killed.slotSeconds) found.push(`the ledger sums to ${sum} s, the slot has ${killed.slotSeconds} s`);
  const grown = (name: string): number => (killed.ledger[name] ?? 0) - (quiet.ledger[name] ?? 0);
  let moved = 0;
  for (const name of new Set([...Object.keys(quiet.ledger), ...Object.keys(killed.ledger)])) {
    const more = grown(name);
    if (DISTURBED.has(name)) moved += Math.max(0, more);
    // An outage takes precedence over an exposure that went on meanwhile (docs/credits.md); nothing else may take seconds from imaging.
    else if (more > HEARING_SECONDS || (name === 'imaging' && -more > Math.max(0, grown('outage')) + ROUNDING_SECONDS))
      found.push(`ledger class ${name}: ${Math.abs(more)} s ${more > 0 ? 'more' : 'less'}`);
  }
  if (moved > downSeconds + ROUNDING_SECONDS)
    found.push(`${moved} s of outage and overhead more, with ${downSeconds.toFixed(0)} s of down time`);
  return found;
}

/** What a killed night has that the undisturbed one has not; empty when they are equal. `downSeconds`: measured time without normal work. */
export function compareNights(quiet: NightOutcome, killed: NightOutcome, downSeconds: number): string[] {
  const found: string[] = [];
  if (killed.phase !== quiet.phase) found.push(`ended as ${killed.phase} instead of ${quiet.phase}`);
  for (const object of quiet.objects) if (!killed.objects.includes(object)) found.push(`RoboTarget lacks ${object}`);
  for (const object of killed.objects)
    if (!quiet.objects.includes(object)) found.push(`RoboTarget has ${object} besides`);
  for (const frame of quiet.archived) if (!killed.archived.includes(frame)) found.push(`${frame} is not archived`);
  const besides = killed.archived.filter((frame) => !quiet.archived.includes(frame));
  for (const frame of besides.slice(killed.unrecorded)) found.push(`${frame} is archived besides`);
  if (killed.unexplained > 0) found.push(`${killed.unexplained} frames are neither archived nor have a reason`);
  if (killed.unverified > 0) found.push(`${killed.unverified} archived frames have not the sha256 of their row`);
  found.push(...ledgerDifferences(quiet, killed, downSeconds));
  for (const entry of killed.repeatedWithEffect)
    found.push(`a second command with effect: ${entry.method ?? ''} ${entry.effect_key ?? ''}`.trim());
  if (!killed.reportStands) found.push('the stored report is not the one made from the same rows');
  return found;
}

/** The bound of one recovery on a machine with nothing else to do. */
const MAX_RECOVERY_SECONDS = 30;
/** What one recovery may take here: this machine's own pace counts, as the starts of the same run show it. */
export const mostRecoverySeconds = (...startedSeconds: number[]): number =>
  Math.max(MAX_RECOVERY_SECONDS, 2 * Math.max(...startedSeconds));

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle]! : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export function killsText(summary: {
  kills: number;
  max_recovery_s: number;
  recovery_bound_s: number;
  median_recovery_s: number;
  differences: readonly string[];
}): string {
  const { kills, max_recovery_s: slowest, recovery_bound_s: bound, median_recovery_s: middle, differences } = summary;
  return [
    `${kills} kills, slowest recovery ${slowest} s (at most ${bound} s), median ${middle} s`,
    ...(differences.length === 0
      ? ['The outcome equals the undisturbed night.']
      : differences.map((line) => `differs: ${line}`)),
  ].join('\n');
}
