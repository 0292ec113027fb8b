import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';

/** Sockets that have shown no right to any channel: of one address (a club's, or a proxy's), and of all. */
const MAX_STRANGERS_PER_ADDRESS = 200;
/** Everybody is one until the first subscription: when an api comes back thousands are at once, and who is refused only comes again. */
const MAX_STRANGERS = 4_000;
/** A page subscribes within a second; while its authorisations are refused it may take longer. */
export const STRANGER_FOR_MS = 60_000;
const MAX_SOCKETS = 20_000;
/** Descriptors that no socket of the live server may take: requests, an abort among them, the database and files need them. */
const KEPT_DESCRIPTORS = 256;

export interface AdmissionLimits {
  strangersPerAddress: number;
  strangers: number;
  sockets: number;
}

/** Open files that this process may have; a large number where the system does not say. */
function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? MAX_SOCKETS + KEPT_DESCRIPTORS : Number(soft);
  } catch {
    return MAX_SOCKETS + KEPT_DESCRIPTORS;
  }
}
/** Half of all places at least are for who has shown a right. */
function defaults(): AdmissionLimits {
  const sockets = Math.max(1, Math.min(MAX_SOCKETS, descriptorLimit() - KEPT_DESCRIPTORS));
  const strangers = Math.max(1, Math.min(MAX_STRANGERS, sockets >> 1));
  return { strangersPerAddress: MAX_STRANGERS_PER_ADDRESS, strangers, sockets };
}

/** Browsers name their page; ours, the allow-listed ones and programs (which name none) may come in. `allowed`: those of others; `own`: PUBLIC_URL, by which a page is ours although a proxy has written another Host. */
export function originAllowed(
  { origin, host }: IncomingHttpHeaders,
  allowed: readonly string[],
  own: string | undefined,
): boolean {
  if (origin === undefined || allowed.length === 0) return true;
  if (origin === own || allowed.includes(origin)) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

/** A place among the live sockets, until it is given back. */
export interface Place {
  /** The socket has shown a right to a channel. */
  known(): void;
  isStranger(): boolean;
  leave(): void;
}

/** Counts sockets, so that anybody's number of them is bounded and people with a session always find room. */
export class Admission {
  private readonly strangersOf = new Map<string, number>();
  private strangers = 0;
  private sockets = 0;
  constructor(private readonly limits: AdmissionLimits = defaults()) {}

  /** A place for one more socket of this address; null when there is none. */
  enter(address: string): Place | null {
    const { limits } = this;
    const fromHere = this.strangersOf.get(address) ?? 0;
    if (this.sockets >= limits.sockets || this.strangers >= limits.strangers || fromHere >= limits.strangersPerAddress)
      return null;
    this.sockets += 1;
    this.strangers += 1;
    this.strangersOf.set(address, fromHere + 1);
    let stranger = true;
    let here = true;
    const known = (): void => {
      if (!stranger) return;
      stranger = false;
      this.strangers -= 1;
      const left = (this.strangersOf.get(address) ?? 1) - 1;
      if (left > 0) this.strangersOf.set(address, left);
      else this.strangersOf.delete(address);
    };
    return {
      known,
      isStranger: () => stranger,
      leave: () => {
        if (!here) return;
        here = false;
        this.sockets -= 1;
        known();
      },
    };
  }
}
