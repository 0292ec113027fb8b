import { LEDGER_CLASSES, type LedgerClass } from '../../domain/contracts/ledger.ts';
import type { NightResult } from './night.ts';
import { FAULT_KINDS } from './plan.ts';
import { RARE_KINDS } from './kinds.ts';
import { sha256 } from './random.ts';

/** What `npm run nights -- --json` prints. */
export interface NightsSummary {
  count: number;
  seed: number;
  server: 'virtual' | 'real';
  /** sha256 over the digests of the nights in order; the same for the same seed and count, whatever the number of threads. */
  digest: string;
  logical_digest: string;
  elapsed_s: number;
  by_final_phase: Record<string, number>;
  /** Nights in which a fault of that kind met something of ours. */
  faults: Record<string, number>;
  /** What people asked of sessions, by kind. */
  asked: Record<string, number>;
  ledger_seconds: Record<LedgerClass, number>;
  frames: Record<string, number>;
  commands: Record<string, number>;
  longest_history: number;
  violations: { night: number; violation: string; replay: string }[];
  nights?: {
    night: number;
    digest: string;
    logical_digest: string;
    phases: string[];
    ledger: Record<LedgerClass, number>;
    frames: Record<string, number>;
    commands: Record<string, number>;
  }[];
}

/** The one command that plays a single night again. */
export const replayCommand = (seed: number, night: number): string =>
  `npm run nights -- --seed ${seed} --night ${night}`;

export function summarise(
  results: readonly NightResult[],
  o: { seed: number; server: 'virtual' | 'real'; elapsedMs: number; each: boolean },
): NightsSummary {
  const add = (to: Record<string, number>, from: Readonly<Record<string, number>>): void => {
    for (const [name, n] of Object.entries(from)) to[name] = (to[name] ?? 0) + n;
  };
  const byPhase: Record<string, number> = {};
  const faults: Record<string, number> = Object.fromEntries([...FAULT_KINDS, ...RARE_KINDS].map((kind) => [kind, 0]));
  const asked: Record<string, number> = {};
  const ledger = Object.fromEntries(LEDGER_CLASSES.map((name) => [name, 0])) as Record<LedgerClass, number>;
  const frames: Record<string, number> = {};
  const commands: Record<string, number> = {};
  for (const night of results) {
    add(byPhase, { [night.phase]: 1 });
    for (const kind of night.met) add(faults, { [kind]: 1 });
    for (const kind of night.asked) add(asked, { [kind]: 1 });
    add(ledger, night.ledger);
    add(frames, night.frames);
    add(commands, night.commands);
  }
  return {
    count: results.length,
    seed: o.seed,
    server: o.server,
    digest: sha256(results.map((r) => r.digest).join('\n')),
    logical_digest: sha256(results.map((r) => r.logicalDigest).join('\n')),
    elapsed_s: Math.round(o.elapsedMs / 100) / 10,
    by_final_phase: byPhase,
    faults,
    asked,
    ledger_seconds: ledger,
    frames,
    commands,
    longest_history: Math.max(0, ...results.map((r) => r.historyEvents)),
    violations: results.flatMap((r) =>
      r.violations.map((violation) => ({ night: r.night, violation, replay: replayCommand(r.seed, r.night) })),
    ),
    ...(o.each
      ? {
          nights: results.map((r) => ({
            night: r.night,
            digest: r.digest,
            logical_digest: r.logicalDigest,
            phases: r.phases,
            ledger: r.ledger,
            frames: r.frames,
            commands: r.commands,
          })),
        }
      : {}),
  };
}
