import { Problem } from './errors.ts';

interface Waiting {
  key: string;
  begin: () => void;
}

/**
 * Turns of those who write, and of strangers: one at a time per key and few in all, so that a burst does not take every connection. Who would
 * wait too long is told at once to come again; stops take no turn.
 */
export class Turns {
  private readonly busy = new Set<string>();
  private readonly line: Waiting[] = [];

  constructor(
    private readonly atOnce = 3,
    private readonly mostWaiting = 100,
    private readonly patienceMs = 8_000,
  ) {}

  /** @throws Problem `busy` (503 with Retry-After) when the line is too long or its turn does not come in time */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    await this.enter(key);
    try {
      return await work();
    } finally {
      this.busy.delete(key);
      this.next();
    }
  }

  private enter(key: string): Promise<void> | void {
    if (this.mayBegin(key)) {
      this.busy.add(key);
      return;
    }
    if (this.line.length >= this.mostWaiting) throw tooBusy();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.line.splice(this.line.indexOf(waiting), 1);
        reject(tooBusy());
      }, this.patienceMs);
      const waiting: Waiting = {
        key,
        begin: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      this.line.push(waiting);
    });
  }
  private mayBegin(key: string): boolean {
    return this.busy.size < this.atOnce && !this.busy.has(key);
  }
  private next(): void {
    for (let i = 0; i < this.line.length;) {
      const waiting = this.line[i]!;
      if (!this.mayBegin(waiting.key)) {
        i += 1;
        continue;
      }
      this.line.splice(i, 1);
      this.busy.add(waiting.key);
      waiting.begin();
    }
  }
}

export const tooBusy = (): Problem =>
  new Problem('busy', 'Many ask at this moment; try again shortly.', {}, { 'retry-after': '2' });
