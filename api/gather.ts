import { setImmediate } from 'node:timers/promises';

interface Waiting<V> {
  answer: Promise<V | undefined>;
  resolve: (value: V | undefined) => void;
  reject: (thrown: unknown) => void;
}

/** Statements under way: one that hangs must not hold everybody up, and a crowd must leave connections to a stop. */
const AT_ONCE = 2;
const MOST_TOGETHER = 100;

/**
 * Questions of one kind that come at the same time share a statement: what is asked within one turn, and while others are under way. Who asks for
 * the same key before it is asked shares the answer; a statement that has begun is for those who asked before.
 */
export class Gather<V> {
  private readonly waiting = new Map<string, Waiting<V>>();
  private underWay = 0;
  /** @param ask answers many keys at once; a key that it leaves out has no value */
  constructor(private readonly ask: (keys: string[]) => Promise<ReadonlyMap<string, V>>) {}

  get(key: string): Promise<V | undefined> {
    let known = this.waiting.get(key);
    if (!known) {
      let [resolve, reject]: [Waiting<V>['resolve'], Waiting<V>['reject']] = [() => undefined, () => undefined];
      const answer = new Promise<V | undefined>((...settle) => ([resolve, reject] = settle));
      known = { answer, resolve, reject };
      this.waiting.set(key, known);
      if (this.underWay < AT_ONCE) void this.run();
    }
    return known.answer;
  }
  private async run(): Promise<void> {
    this.underWay += 1;
    await setImmediate();
    while (this.waiting.size > 0) {
      const now = [...this.waiting].slice(0, MOST_TOGETHER);
      for (const [key] of now) this.waiting.delete(key);
      try {
        const values = await this.ask(now.map(([key]) => key));
        for (const [key, { resolve }] of now) resolve(values.get(key));
      } catch (thrown) {
        for (const [, { reject }] of now) reject(thrown);
      }
    }
    this.underWay -= 1;
  }
}
