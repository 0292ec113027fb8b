import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { z } from 'zod';
import { LEDGER_CLASSES, type LedgerClass } from './contracts/ledger.ts';
import { RefundRule } from './contracts/telescope.ts';
import { ACCOUNTS, NO_CREDITS, balancesOf, settlingTransfers, type Transfer } from './credits.ts';
import { explainRefund } from './refund.ts';
import { asBody, settleByRule, type NightFacts } from './settle.ts';

type Rule = z.input<typeof RefundRule>;
const seconds = (given: Partial<Record<LedgerClass, number>>): Record<LedgerClass, number> =>
  ({ ...Object.fromEntries(LEDGER_CLASSES.map((name) => [name, 0])), ...given }) as Record<LedgerClass, number>;
/** A slot of an hour of twelve exposures of 300 s, all of which came, unless more is said. */
const night = (given: Partial<Record<LedgerClass, number>>, more: Partial<NightFacts> = {}): NightFacts => ({
  outcome: 'completed',
  seconds: seconds(given),
  goodFrames: 12,
  goodSeconds: 3600,
  takenFrames: 12,
  plannedFrames: 12,
  plannedSeconds: 3600,
  before: false,
  minutesBefore: null,
  moonlight: 0,
  ...more,
});
const settle = (rule: Rule, facts: NightFacts, credits: number) =>
  asBody(settleByRule(RefundRule.parse(rule), facts, Math.round(credits * 100)));
const said = (rule: Rule, facts: NightFacts, credits: number) => {
  const body = settle(rule, facts, credits);
  return { refund: body.credits_refund, rule: body.rule, ...explainRefund(body) };
};

describe('by the second', () => {
  test('weather and outage are given back, the guest’s own pause is not', () => {
    expect(settle({}, night({ unsafe: 600, outage: 300, user_pause: 900, imaging: 1800 }), 120)).toEqual({
      rule: 'by-the-second',
      lines: [
        { class: 'unsafe', seconds: 600, credits: 20 },
        { class: 'outage', seconds: 300, credits: 10 },
        { class: 'user_pause', seconds: 900, credits: 0 },
        { class: 'imaging', seconds: 1800, credits: 0 },
      ],
      credits_charged: 120,
      credits_refund: 30,
    });
  });
  test('below the least share of imaging everything is given back, and the guest is told why', () => {
    const facts = night({ unsafe: 10, overhead: 3500, imaging: 90 });
    expect(said({ full_refund_below_imaging_share: 0.1 }, facts, 50)).toMatchObject({
      refund: 50,
      en: expect.stringContaining('Too little of the slot'),
      fr: expect.stringContaining('Trop peu du créneau'),
    });
  });
});

test('time after the plan’s last exposure costs as much as overhead did, and is nothing that could have been observed', () => {
  const [before, after] = [
    night({ imaging: 1800, overhead: 5400 }),
    night({ imaging: 1800, overhead: 600, other: 4800 }),
  ];
  expect(settle({}, after, 60).credits_refund).toBe(settle({}, before, 60).credits_refund);
});

describe('the other rules of a telescope', () => {
  test('by the minute: a minute that has begun counts in full, for the guest', () => {
    const facts = night({ unsafe: 61, imaging: 3539 });
    expect(settle({}, facts, 60).credits_refund).toBe(1.02);
    expect(said({ count: 'minute' }, facts, 60)).toMatchObject({
      refund: 2,
      rule: 'by-the-second:minute',
      en: expect.stringContaining('whole minutes'),
      fr: expect.stringContaining('minutes entières'),
    });
  });
  test('by accepted exposure: what was planned and not delivered comes back, whatever the reason', () => {
    const half = { goodFrames: 6, goodSeconds: 1800, takenFrames: 12 };
    expect(said({ count: 'accepted_exposure' }, night({ imaging: 3600 }, half), 60)).toMatchObject({
      refund: 30,
      en: expect.stringContaining('You pay for good exposures'),
      fr: expect.stringContaining('bonnes poses'),
    });
    const all = night({ imaging: 3000, overhead: 600 }, { plannedSeconds: 3000, goodSeconds: 3000 });
    expect(settle({ count: 'accepted_exposure' }, all, 60).credits_refund).toBe(0);
  });
  test('by accepted exposure: what the guest paused is theirs', () => {
    const facts = night({ imaging: 1800, user_pause: 1800 }, { goodFrames: 6, goodSeconds: 1800 });
    expect(settle({ count: 'accepted_exposure' }, facts, 60).credits_refund).toBe(0);
  });
  test('too few good frames among those taken: everything comes back', () => {
    const facts = night({ imaging: 3600 }, { goodFrames: 5, goodSeconds: 1500 });
    expect(settle({}, facts, 60).credits_refund).toBe(0);
    expect(settle({ full_refund_below_good_frames_share: 0.5 }, facts, 60)).toMatchObject({
      credits_refund: 60,
      rule: 'by-the-second:few_good_frames',
    });
  });
  test('under a bright Moon a part of the exposure time comes back, under a faint one nothing', () => {
    const moon = { share: 0.5, from: 0.5 };
    expect(said({ moon }, night({ imaging: 3600 }, { moonlight: 0.8 }), 100)).toMatchObject({
      refund: 40,
      en: expect.stringContaining('The Moon was up'),
      fr: expect.stringContaining('La Lune'),
    });
    expect(settle({ moon }, night({ imaging: 3600 }, { moonlight: 0.4 }), 100).credits_refund).toBe(0);
  });
  test('a slot that its guest left unused costs the fee and no more', () => {
    const unused = { outcome: 'aborted', goodFrames: 0, goodSeconds: 0, takenFrames: 0 } as const;
    const facts = night({ overhead: 60, other: 3540 }, unused);
    expect(said({ no_show_keeps_credits: 20 }, facts, 100)).toMatchObject({
      refund: 80,
      en: expect.stringContaining('The slot was not used'),
      fr: expect.stringContaining('pas été utilisé'),
    });
    expect(settle({}, facts, 100).credits_refund).toBe(0);
    expect(settle({ no_show_keeps_credits: 20 }, night({ imaging: 3600 }), 100).credits_refund).toBe(0);
  });
  test('given up in the last hours: the smaller share; given up by others, or in good time: the whole', () => {
    const rule = { late_cancellation: { minutes: 120, share: 0.5 } };
    const given = (minutesBefore: number | null) =>
      said(rule, night({ other: 3600 }, { outcome: 'cancelled', before: true, minutesBefore }), 60);
    expect(given(119)).toMatchObject({ refund: 30, en: expect.stringContaining('shortly before') });
    expect(given(120)).toMatchObject({ refund: 60, en: 'The booking was given up before its slot began.' });
    expect(given(null).refund).toBe(60);
  });
  test('property: lines sum to the refund, which lies between nothing and the charge, by every rule', () => {
    const given = fc.record(
      Object.fromEntries(LEDGER_CLASSES.map((name) => [name, fc.integer({ min: 0, max: 40_000 })])) as Record<
        LedgerClass,
        fc.Arbitrary<number>
      >,
    );
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const rules = fc.record({
      count: fc.constantFrom('second', 'minute', 'accepted_exposure'),
      moon: fc.option(fc.record({ share, from: share })),
      no_show_keeps_credits: fc.option(fc.integer({ min: 0, max: 500 })),
      late_cancellation: fc.option(fc.record({ minutes: fc.integer({ min: 0, max: 500 }), share })),
      full_refund_below_good_frames_share: share,
    });
    const facts = fc.record({
      outcome: fc.constantFrom('completed', 'aborted', 'failed', 'cancelled', null),
      goodFrames: fc.integer({ min: 0, max: 12 }),
      goodSeconds: fc.integer({ min: 0, max: 3600 }),
      before: fc.boolean(),
      minutesBefore: fc.option(fc.integer({ min: 0, max: 1000 })),
      moonlight: share,
    });
    fc.assert(
      fc.property(given, rules, facts, fc.integer({ min: 0, max: 1_000_000 }), (s, rule, more, hundredths) => {
        const settled = settleByRule(RefundRule.parse(rule), night(s, more), hundredths);
        expect(settled.lines.reduce((total, line) => total + line.hundredths, 0)).toBe(settled.refundHundredths);
        expect(settled.refundHundredths).toBeGreaterThanOrEqual(0);
        expect(settled.refundHundredths).toBeLessThanOrEqual(hundredths);
        const { en, fr } = explainRefund(asBody(settled));
        expect([en.length > 0, fr.length > 0]).toEqual([true, true]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('accounts of a booking', () => {
  const hold: Transfer = { kind: 'hold', debit: 'guest', credit: 'held', hundredths: 3600 };
  const settled = (...refunds: number[]): Transfer[] =>
    refunds.reduce<Transfer[]>(
      (all, refundHundredths) => [
        ...all,
        ...settlingTransfers(balancesOf(all), { chargedHundredths: 3600, refundHundredths, before: false }),
      ],
      [hold],
    );
  test('what is held is posted and given back; what a later settlement changes moves alone', () => {
    expect(settled(600).slice(1)).toEqual([
      { kind: 'post', debit: 'held', credit: 'earned', hundredths: 3000 },
      { kind: 'refund', debit: 'held', credit: 'guest', hundredths: 600 },
    ]);
    expect(settled(600, 1000).slice(3)).toEqual([
      { kind: 'refund', debit: 'earned', credit: 'guest', hundredths: 400 },
    ]);
    expect(settled(600, 200).slice(3)).toEqual([
      { kind: 'recharge', debit: 'guest', credit: 'earned', hundredths: 400 },
    ]);
  });
  test('the same settlement again moves nothing', () => {
    expect(settled(600, 600)).toEqual(settled(600));
    expect(settlingTransfers(NO_CREDITS, { chargedHundredths: 0, refundHundredths: 0, before: false })).toEqual([]);
  });
  test('property: the accounts sum to zero, nothing stays held, and the telescope has what was charged less the refund', () => {
    const refund = fc.integer({ min: 0, max: 3600 });
    fc.assert(
      fc.property(fc.array(refund, { minLength: 1, maxLength: 6 }), (refunds) => {
        const now = balancesOf(settled(...refunds));
        expect(ACCOUNTS.reduce((sum, name) => sum + now[name], 0)).toBe(0);
        expect([now.held, now.earned]).toEqual([0, 3600 - refunds.at(-1)!]);
      }),
    );
  });
});
