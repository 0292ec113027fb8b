import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Point } from './plan.ts';

/** Entries of the simulator's log of effects that stand for the points of a frame. */
const EFFECTS: Partial<Record<Point, RegExp>> = {
  enabled: /"effect":"sequence\.start"/,
  exposing: /"effect":"exposure\.start"/,
  written: /"effect":"exposure\.done"/,
  recorded: /"effect":"shot\.done"/,
};
const POLL_MS = 20;

/** Waits until the simulated observatory comes to a point of the night; false when it has not within the time. */
export async function reaches(point: Point, logFile: string, timeoutMs: number): Promise<boolean> {
  const wanted = EFFECTS[point];
  if (!wanted) return true;
  let at = statSync(logFile).size;
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(POLL_MS)) {
    const size = statSync(logFile).size;
    if (size <= at) continue;
    const bytes = Buffer.alloc(size - at);
    const file = openSync(logFile, 'r');
    try {
      readSync(file, bytes, 0, bytes.length, at);
    } finally {
      closeSync(file);
    }
    at = size;
    if (wanted.test(bytes.toString('utf8'))) return true;
  }
  return false;
}

/** A line of the simulator's log of effects. */
export interface Effect {
  effect: string;
  params: Record<string, unknown>;
  method?: string;
  effect_key: string | null;
  repeated_effect: boolean;
}
export const effectsIn = (logFile: string): Effect[] =>
  readFileSync(logFile, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Effect);

/** How many frames of sequences were written and never noted as done, by the simulator's log of effects. */
export function unrecordedFrames(entries: readonly Pick<Effect, 'effect' | 'params'>[]): number {
  const of = (name: string) => entries.filter(({ effect }) => effect === name).map(({ params }) => params);
  const noted = new Set(of('shot.done').map(({ filename }) => filename));
  return of('exposure.done').filter(
    ({ voy_type: type, file }) => type === 'SHOT' && typeof file === 'string' && !noted.has(file.split('\\').at(-1)),
  ).length;
}
