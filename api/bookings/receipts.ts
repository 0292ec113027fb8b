import type { Receipt, ReceiptState } from '../../domain/contracts/control.ts';
import type { Event } from '../../domain/contracts/event.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { Database } from '../../platform/database.ts';
import { isSettled, moveReceipt, toReceipt } from '../../platform/receipts.ts';
import type { Ground } from '../ground.ts';

/** Waits for a command to be confirmed or refused: told by the bus, and looked up each second in case the bus is away. */
export class ReceiptWaiters {
  private readonly waiting = new Map<string, Set<() => void>>();
  constructor(private readonly db: Database) {}
  take(event: Event): void {
    if (event.type !== 'receipt.changed') return;
    const id = (event.data as { command_id?: string }).command_id;
    if (id) for (const wake of this.waiting.get(id) ?? []) wake();
  }
  /** The receipt once it is settled, or as it stands after `timeoutMs`; null when there is no such command. */
  async settled(commandId: string, timeoutMs: number): Promise<Receipt | null> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      let wake: () => void = () => undefined;
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const set = this.waiting.get(commandId) ?? new Set();
      set.add(wake);
      this.waiting.set(commandId, set);
      try {
        const row = await this.db.receipt.findUnique({ where: { commandId } });
        if (!row) return null;
        const left = deadline - Date.now();
        if (isSettled(row.state) || left <= 0) return toReceipt(row);
        let timer: NodeJS.Timeout | undefined;
        await Promise.race([
          woken,
          new Promise<void>((resolve) => {
            timer = setTimeout(resolve, Math.min(left, 1_000));
          }),
        ]);
        clearTimeout(timer);
      } finally {
        set.delete(wake);
        if (set.size === 0) this.waiting.delete(commandId);
      }
    }
  }
}

const ORDER: readonly ReceiptState[] = ['accepted', 'unknown', 'sent', 'confirmed', 'refused'];

/** Moves a receipt forward, never back: what the worker has written meanwhile stands. */
export async function settleReceipt(
  deps: Ground,
  commandId: string,
  state: ReceiptState,
  reason: Reason | null,
  message: string | null,
): Promise<Receipt> {
  const move = { commandId, state, reason, message, at: new Date(deps.now()) };
  return deps.db.$transaction((tx) => moveReceipt(tx, move, ORDER.slice(0, ORDER.indexOf(state))));
}
