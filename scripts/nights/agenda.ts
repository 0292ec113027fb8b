interface Item {
  at: number;
  order: number;
  act: () => Promise<void> | void;
}

/** What is still to happen, by instant; of equal instants what was put in first comes first. A binary heap. */
export class Agenda {
  private readonly heap: Item[] = [];
  private order = 0;

  get size(): number {
    return this.heap.length;
  }
  /** The instant of what comes first; null when nothing is left. */
  get next(): number | null {
    return this.heap[0]?.at ?? null;
  }
  put(at: number, act: Item['act']): void {
    const item = { at, order: this.order++, act };
    let i = this.heap.push(item) - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (!before(item, this.heap[up]!)) break;
      this.heap[i] = this.heap[up]!;
      i = up;
    }
    this.heap[i] = item;
  }
  take(): { at: number; act: Item['act'] } | null {
    const first = this.heap[0];
    const last = this.heap.pop();
    if (!first || !last) return null;
    if (this.heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= this.heap.length) break;
      if (child + 1 < this.heap.length && before(this.heap[child + 1]!, this.heap[child]!)) child += 1;
      if (!before(this.heap[child]!, last)) break;
      this.heap[i] = this.heap[child]!;
      i = child;
    }
    this.heap[i] = last;
    return first;
  }
}
const before = (a: Item, b: Item): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
