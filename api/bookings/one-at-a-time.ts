import type { Receipt, StopReason } from '../../domain/contracts/control.ts';
import { openReceipt, toReceipt, type NewReceipt } from '../../platform/receipts.ts';
import type { Deps } from '../deps.ts';
import { Problem } from '../errors.ts';

/** A pause or resume is looked upon as under way for so long; then its sender was told that it is not confirmed. */
const UNDER_WAY_MS = 10_000;

/**
 * Opens a receipt, one at a time per booking. While a pause or resume of the last seconds is being carried out, its repetition is answered by its
 * receipt, at once; the opposite has to wait for it.
 */
export async function openInTurn(
  deps: Deps,
  receipt: Omit<NewReceipt, 'at' | 'data' | 'bookingId'> & { bookingId: string },
  filedAs: StopReason | undefined,
): Promise<Receipt | null> {
  const { bookingId: id, kind } = receipt;
  return deps.turns.run(`controls/${id}`, async () => {
    const underWay =
      kind === 'cancel'
        ? null
        : await deps.db.receipt.findFirst({
            where: {
              bookingId: id,
              kind: { in: ['pause', 'resume'] },
              state: { in: ['accepted', 'sent'] },
              reason: null,
              createdAt: { gt: new Date(deps.now() - UNDER_WAY_MS) },
            },
            orderBy: { createdAt: 'desc' },
          });
    if (underWay?.commandId === receipt.commandId) return null;
    if (underWay?.kind === kind) return toReceipt(underWay);
    if (underWay)
      throw new Problem(
        'in_progress',
        `The ${underWay.kind} before this is still being carried out; try again shortly.`,
        { command_id: underWay.commandId },
        { 'retry-after': '1' },
      );
    const data = filedAs ? { data: { filed_as: filedAs } } : {};
    await deps.db.$transaction((tx) => openReceipt(tx, { ...receipt, ...data, at: new Date(deps.now()) }));
    return null;
  });
}
