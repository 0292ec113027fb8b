import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../platform/database.ts';
import { framesNotTaken, markTaken, shotsNotTaken } from '../../platform/journal.ts';
import type { FrameCounts } from '../../domain/ports.ts';
import type { Caller } from './caller.ts';

/** Milliseconds; tests shorten them. */
export interface LingerTiming {
  /** How often the journal is asked for news; under the gateway's patience before it signals (gateway/telescope/session-signals.ts: TAKEN_AFTER_MS). */
  askMs: number;
  /** Without news for so long the drain ends; the next frame is signalled again. */
  idleMs: number;
  /** One activity lasts no longer than this, well inside its startToClose of an hour. */
  mostMs: number;
}
export const LINGER_TIMING: LingerTiming = { askMs: 250, idleMs: 15 * 60_000, mostMs: 45 * 60_000 };

/**
 * Drains, stays, and drains again when the journal has new rows: a night of 7,200 frames is some fifteen activities and hardly a signal. Nothing is
 * held between two drains, so a reconciliation need not wait.
 * @param rest ends the stay at once and in order (the process stops)
 * @throws what `drain` throws, and the caller's cancellation
 */
export async function linger(
  deps: { db: Database; telescopeId: string; caller: Caller; rest: AbortSignal; timing?: LingerTiming },
  drain: () => Promise<FrameCounts>,
): Promise<FrameCounts> {
  const { db, telescopeId, caller, rest, timing = LINGER_TIMING } = deps;
  const began = Date.now();
  const waking = caller.signal ? AbortSignal.any([caller.signal, rest]) : rest;
  let news = began;
  let shots = await shotsNotTaken(db, telescopeId);
  let counts = await drain();
  await markTaken(db, telescopeId, shots);
  while (!rest.aborted && Date.now() - began < timing.mostMs && Date.now() - news < timing.idleMs) {
    caller.signal?.throwIfAborted();
    caller.heartbeat({ lingering: telescopeId });
    if (await framesNotTaken(db, telescopeId)) {
      shots = await shotsNotTaken(db, telescopeId);
      counts = await drain();
      await markTaken(db, telescopeId, shots);
      news = Date.now();
    } else await sleep(timing.askMs, undefined, { signal: waking }).catch(() => undefined);
  }
  caller.signal?.throwIfAborted();
  return counts;
}
