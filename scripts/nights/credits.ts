import { isDeepStrictEqual } from 'node:util';
import { balancesOf, settlingTransfers, toHundredths, type Transfer } from '../../domain/credits.ts';
import type { Settled } from '../../domain/settle.ts';

/** The accounts of one booking as platform/settlements.ts and the database keep them: held when booked, moved by each settlement. */
export class NightCredits {
  readonly transfers: Transfer[] = [];
  private last: Settled | null = null;
  private twice = false;
  private readonly charged: number;

  constructor(credits: number) {
    this.charged = toHundredths(credits);
    if (this.charged > 0)
      this.transfers.push({ kind: 'hold', debit: 'guest', credit: 'held', hundredths: this.charged });
  }

  /** The settlement in force. */
  get settled(): Settled | null {
    return this.last;
  }

  /** A settlement that says what the one before it said moves nothing. */
  settle(settled: Settled, before: boolean): void {
    const { chargedHundredths, refundHundredths } = settled;
    const moved = settlingTransfers(balancesOf(this.transfers), { chargedHundredths, refundHundredths, before });
    if (moved.length > 0 && this.last && isDeepStrictEqual(this.last, settled)) this.twice = true;
    this.last = settled;
    this.transfers.push(...moved);
  }

  /** Sums of zero, each transfer once, nothing given back twice or beyond what was paid, and nothing held of a night that is settled. */
  violations(): string[] {
    const found: string[] = [];
    const { guest, held, earned } = balancesOf(this.transfers);
    if (guest + held + earned !== 0) found.push(`the credits sum to ${guest + held + earned}`);
    if (this.twice) found.push('a settlement moved credits twice');
    if (held < 0 || earned < 0 || guest > 0) found.push(`accounts ${guest}, ${held}, ${earned}`);
    if (!this.last) return found;
    const { chargedHundredths, refundHundredths, lines } = this.last;
    if (held !== 0) found.push(`${held} are held of a night that is settled`);
    if (earned !== chargedHundredths - refundHundredths)
      found.push(`${earned} earned, and ${refundHundredths} refunded`);
    if (chargedHundredths !== this.charged) found.push(`${chargedHundredths} settled of ${this.charged} charged`);
    const sum = lines.reduce((n, line) => n + line.hundredths, 0);
    if (sum !== refundHundredths) found.push(`lines sum to ${sum}, the refund is ${refundHundredths}`);
    return found;
  }
}
