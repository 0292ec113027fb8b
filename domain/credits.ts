/**
 * Credits are whole hundredths of a credit inside; bodies show them as numbers (contracts: Booking, Webhooks). A booking has three accounts:
 * `guest` (what they have paid, below zero), `held` (paid, not yet settled) and `earned` (the telescope's). A transfer takes from one and gives to
 * another, so the accounts of a booking sum to zero by its form.
 */
export const ACCOUNTS = ['guest', 'held', 'earned'] as const;
export type Account = (typeof ACCOUNTS)[number];

/** hold, release: the booking's price rises or falls. post, void, refund, recharge: what a settlement moves. */
export const TRANSFER_KINDS = ['hold', 'release', 'post', 'void', 'refund', 'recharge'] as const;
export interface Transfer {
  kind: (typeof TRANSFER_KINDS)[number];
  debit: Account;
  credit: Account;
  hundredths: number;
}
/** More than this no booking costs: its hundredths must fit a whole number of 32 bits. */
export const MAX_CREDITS = 10_000_000;

export const toHundredths = (credits: number): number => Math.round(credits * 100);
export const toCredits = (hundredths: number): number => hundredths / 100;

/** What a settlement says of a booking, and what its earlier ones took out of `held`. */
export interface Settling {
  chargedHundredths: number;
  refundHundredths: number;
  /** Given up before its slot began, or never come to it. */
  before: boolean;
}
export interface Balances {
  held: number;
  earned: number;
  /** Taken out of `held` by settlements so far. */
  settled: number;
}

export const NO_CREDITS: Balances = { held: 0, earned: 0, settled: 0 };

/** The accounts after some transfers. */
export function balancesOf(transfers: readonly Transfer[]): Balances & { guest: number } {
  const sum: Record<Account, number> = { guest: 0, held: 0, earned: 0 };
  let settled = 0;
  for (const { kind, debit, credit, hundredths } of transfers) {
    sum[debit] -= hundredths;
    sum[credit] += hundredths;
    if (debit === 'held' && kind !== 'release') settled += hundredths;
  }
  return { ...sum, settled };
}

/**
 * The transfers that bring the accounts to what a settlement says: nothing held, the telescope has what was charged less the refund. The first one
 * posts and gives back out of what is held; a later one moves the difference. Where the accounts say so already, there are none.
 */
export function settlingTransfers(
  now: Balances,
  { chargedHundredths, refundHundredths, before }: Settling,
): Transfer[] {
  const open = Math.max(0, Math.min(now.held, chargedHundredths - now.settled));
  const more = chargedHundredths - refundHundredths - now.earned;
  const posted = Math.max(0, Math.min(more, open));
  const rest = more - posted;
  const all: Transfer[] = [
    { kind: 'post', debit: 'held', credit: 'earned', hundredths: posted },
    { kind: before ? 'void' : 'refund', debit: 'held', credit: 'guest', hundredths: open - posted },
    { kind: 'recharge', debit: 'guest', credit: 'earned', hundredths: Math.max(0, rest) },
    { kind: 'refund', debit: 'earned', credit: 'guest', hundredths: Math.max(0, -rest) },
  ];
  return all.filter(({ hundredths }) => hundredths > 0);
}
