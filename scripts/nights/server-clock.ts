import { offsetAt, type Span } from '../../simulator/stand-in/script.ts';

/** The clock of Temporal's host: what workflows take for the time, and what their timers go by. */
export class ServerClock {
  constructor(private readonly set: readonly (Span & { offsetMs: number })[] = []) {}

  shows(at: number): number {
    return at + offsetAt(this.set, at);
  }
  /** The first instant from `now` on at which the clock shows `due` or more. */
  whenItShows(due: number, now: number): number {
    const edges = [now, ...this.set.flatMap(({ from, to }) => [from, to]).filter((at) => at > now)];
    const starts = [...new Set(edges)].sort((a, b) => a - b);
    for (const [i, from] of starts.entries()) {
      const at = Math.max(from, due - offsetAt(this.set, from));
      if (at < (starts[i + 1] ?? Infinity)) return at;
    }
    return due;
  }
}
