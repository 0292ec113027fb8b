import type { Clock, Timer } from '../../platform/clock.ts';

const MAX_WAITING = 32;

export interface Turn {
  /** Called when it is this action's turn; `release` ends the turn and is called once. */
  run: (release: () => void) => void;
  /** The turn never came: nothing was sent. */
  giveUp: (message: string) => void;
}
interface Waiting extends Turn {
  timer: Timer;
}

/**
 * Voyager runs actions one at a time: who comes first goes first. Calls wait in memory only while the connection is ready, at most 32 of
 * them and no longer than their own timeout; those that wait when it breaks were never sent.
 */
export class ActionQueue {
  private running: symbol | null = null;
  private waiting: Waiting[] = [];
  private readonly clock: Clock;
  constructor(clock: Clock) {
    this.clock = clock;
  }
  enter(timeoutMs: number, turn: Turn): void {
    if (this.running === null) {
      this.run(turn);
      return;
    }
    if (this.waiting.length >= MAX_WAITING) {
      turn.giveUp(`not sent: ${MAX_WAITING} actions are waiting already`);
      return;
    }
    const entry: Waiting = {
      ...turn,
      timer: this.clock.setTimeout(() => {
        this.waiting = this.waiting.filter((w) => w !== entry);
        turn.giveUp('not sent: another action was still running');
      }, timeoutMs),
    };
    this.waiting.push(entry);
  }
  /** The connection is over. */
  clear(message: string): void {
    const { waiting } = this;
    this.waiting = [];
    this.running = null;
    for (const entry of waiting) {
      entry.timer.cancel();
      entry.giveUp(message);
    }
  }
  private run(turn: Turn): void {
    const mine = Symbol('turn');
    this.running = mine;
    turn.run(() => {
      if (this.running !== mine) return;
      this.running = null;
      const next = this.waiting.shift();
      if (!next) return;
      next.timer.cancel();
      this.run(next);
    });
  }
}
