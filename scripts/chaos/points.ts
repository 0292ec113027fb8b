import { closeSync, openSync, readSync, statSync } from 'node:fs';
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
