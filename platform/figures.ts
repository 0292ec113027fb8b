import type { Outcome } from '../domain/phases.ts';
import type { Transaction } from './database.ts';

/**
 * Keeps the figures of a session that is over (view session_figures_now) for the analytics, in the transaction that has just changed them.
 * @param outcome where the session's row does not say it yet
 */
export async function keepFigures(tx: Transaction, bookingId: string, outcome?: Outcome): Promise<void> {
  await tx.$executeRaw`SELECT keep_session_figures(${bookingId})`;
  if (outcome) await tx.sessionFigures.update({ where: { bookingId }, data: { outcome } });
}
