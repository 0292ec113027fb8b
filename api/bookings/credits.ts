import { z } from '@hono/zod-openapi';
import { BookingId, Instant } from '../../domain/contracts/common.ts';
import { Settlement } from '../../domain/contracts/ledger.ts';
import {
  ACCOUNTS,
  MAX_CREDITS,
  TRANSFER_KINDS,
  balancesOf,
  toCredits,
  toHundredths,
  type Transfer,
} from '../../domain/credits.ts';
import { refundByHand, type RefundRefused } from '../../platform/refunds.ts';
import { manualRefunds, settlementOf, transfersOf } from '../../platform/settlements.ts';
import { requireBooking } from '../auth.ts';
import { Problem, invalid } from '../errors.ts';
import { idempotent } from '../idempotency.ts';
import { json, route } from '../operation.ts';
import { Id, READ } from './read.ts';
import { loadBooking } from './load.ts';

const Credits = z
  .object({
    booking_id: BookingId,
    charged: z.number().describe('What the booking costs'),
    held: z.number().describe('Paid and not yet settled'),
    earned: z.number().describe('What stays with the telescope'),
    settlement: Settlement.nullable(),
    transfers: z
      .array(
        z.object({
          id: z.string(),
          at: Instant,
          kind: z.enum(TRANSFER_KINDS),
          from: z.enum(ACCOUNTS),
          to: z.enum(ACCOUNTS),
          credits: z.number(),
          settlement_id: z.string().nullable(),
        }),
      )
      .describe('Each takes from one account of the booking and gives to another, so all of them sum to zero'),
    by_hand: z.array(
      z.object({ id: z.string(), at: Instant, credits: z.number(), reason: z.string(), actor: z.string() }),
    ),
  })
  .meta({ id: 'BookingCredits' });

const RefundRequest = z
  .object({
    credits: z
      .number()
      .min(0.01)
      .max(MAX_CREDITS)
      .overwrite((credits) => toCredits(toHundredths(credits))),
    reason: z.string().min(1).max(300).describe('The guest reads it'),
  })
  .meta({ id: 'RefundRequest' });

export const getCredits = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/credits',
    id: 'getCredits',
    tag: 'Sessions',
    summary: 'What was paid, held, kept and given back, by each transfer',
    guard: READ,
    params: Id,
    answers: { 200: { description: 'The accounts', schema: Credits } },
  },
  async ({ deps, who, params }) => {
    requireBooking(who, params.id);
    const { booking } = await loadBooking(deps, who, params.id);
    const [transfers, given, settlement] = await Promise.all([
      transfersOf(deps.db, params.id),
      manualRefunds(deps.db, params.id),
      settlementOf(deps.db, params.id),
    ]);
    const { held, earned } = balancesOf(transfers as unknown as Transfer[]);
    return json({
      booking_id: params.id,
      charged: toCredits(booking.chargedHundredths),
      held: toCredits(held),
      earned: toCredits(earned),
      settlement,
      transfers: transfers.map((row) => ({
        id: row.id,
        at: row.createdAt.toISOString(),
        kind: row.kind,
        from: row.debit,
        to: row.credit,
        credits: toCredits(row.hundredths),
        settlement_id: row.settlementId,
      })),
      by_hand: given.map((row) => ({
        id: row.id,
        at: row.createdAt.toISOString(),
        credits: toCredits(row.hundredths),
        reason: row.reason,
        actor: row.actor,
      })),
    });
  },
);

/** @throws Problem where nothing was given back. */
export function orRefused<T extends object>(answer: T | RefundRefused): T {
  if (!('refused' in answer)) return answer;
  if (answer.refused === 'not_settled')
    throw new Problem('conflict', 'The night is not settled yet; what is given back by rule comes first.');
  throw invalid({
    credits: [`may be at most ${toCredits(answer.leftHundredths)}: what was charged less what was given back`],
  });
}

export const refundCredits = route(
  {
    method: 'post',
    path: '/api/bookings/{id}/refunds',
    id: 'refundCredits',
    tag: 'Admin',
    summary: 'Give credits back by hand, beyond the rules',
    description:
      'Once the night is settled, and never more than was charged. The guest reads the reason; the audit log keeps who gave it. Laravel hears of a settlement that supersedes the one before.',
    guard: { scopes: ['admin:write'] },
    params: Id,
    body: RefundRequest,
    answers: { 201: { description: 'The settlement that holds now', schema: Settlement } },
    problems: ['conflict', 'in_progress'],
  },
  async ({ deps, c, who, params, body }) =>
    idempotent(deps, c, who, body, async () => {
      const { booking } = await loadBooking(deps, who, params.id);
      const settlement = await refundByHand(deps.db, {
        bookingId: booking.id,
        telescopeId: booking.telescopeId,
        hundredths: toHundredths(body.credits),
        reason: body.reason,
        actor: who.name,
        at: new Date(deps.now()),
      });
      return json(orRefused(settlement), 201);
    }),
);
