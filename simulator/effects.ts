import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The simulator's own record of what it was asked and what that did: the witness of every "once" and "nothing moved" in the tests.
 * One JSON line each, appended before the answer leaves, so that a killed simulator has told all it did.
 */
export interface EffectEntry {
  n: number;
  /** Milliseconds, by the simulator's own clock without its scripted skew. */
  at: number;
  kind: 'command' | 'effect';
  client: number | null;
  method: string | null;
  uid: string | null;
  id: number | string | null;
  params: Record<string, unknown> | null;
  /** `ok`, `error: …` for a command; null for a spontaneous effect. */
  outcome: string | null;
  effect: string | null;
  /** Identity of the durable or physical effect; two commands with the same key did the same thing twice. */
  effect_key: string | null;
  repeated_effect: boolean;
}
const SECRET_PARAMS = new Set(['MAC', 'Base', 'Ticket']);

export class EffectLog {
  readonly entries: EffectEntry[] = [];
  private readonly seen = new Set<string>();
  private n = 0;
  private closed = false;
  private readonly file: string | null;
  private readonly now: () => number;
  private readonly secretParams: ReadonlySet<string>;
  private readonly listeners = new Set<(entry: EffectEntry) => void>();

  /** Continues the file of an earlier run: numbering goes on and its effects count as done. */
  constructor(file: string | null, now: () => number, signatureParam: string | null) {
    this.file = file;
    this.now = now;
    this.secretParams = new Set([...SECRET_PARAMS, ...(signatureParam ? [signatureParam] : [])]);
    if (!file) return;
    mkdirSync(dirname(file), { recursive: true });
    if (!existsSync(file)) return;
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (!line) continue;
      try {
        const entry = JSON.parse(line) as EffectEntry;
        this.n = Math.max(this.n, entry.n);
        if (entry.effect_key) this.seen.add(entry.effect_key);
      } catch {
        continue; // the last line of a killed run may be cut
      }
    }
    appendFileSync(file, '');
  }

  command(given: {
    client: number;
    method: string;
    uid: string | null;
    id: number | string | null;
    params: Record<string, unknown>;
    outcome: string;
    effect: string | null;
    effect_key: string | null;
  }): void {
    const params: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(given.params))
      params[name] = this.secretParams.has(name) ? '[secret]' : value;
    this.append({
      kind: 'command',
      ...given,
      params,
      repeated_effect: given.effect_key !== null && this.seen.has(given.effect_key),
    });
  }
  /** Something that happened by itself, or later because of a command. */
  effect(effect: string, params: Record<string, unknown> = {}, effectKey: string | null = null): void {
    this.append({
      kind: 'effect',
      client: null,
      method: null,
      uid: null,
      id: null,
      params,
      outcome: null,
      effect,
      effect_key: effectKey,
      repeated_effect: false,
    });
  }
  /** Calls back on each further entry; returns the way to stop that. */
  onEntry(listener: (entry: EffectEntry) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Nothing more is written: the folder may go. */
  close(): void {
    this.closed = true;
  }

  private append(rest: Omit<EffectEntry, 'n' | 'at'>): void {
    if (this.closed) return;
    const entry: EffectEntry = { n: ++this.n, at: this.now(), ...rest };
    if (entry.effect_key) this.seen.add(entry.effect_key);
    this.entries.push(entry);
    if (this.entries.length > 20_000) this.entries.splice(0, 5_000);
    if (this.file) appendFileSync(this.file, `${JSON.stringify(entry)}\n`);
    for (const listener of this.listeners) listener(entry);
  }
}
