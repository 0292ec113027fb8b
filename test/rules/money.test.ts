import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { AbortRequest, CancelQuery, ExtendRequest } from '../../domain/contracts/control.ts';
import { BookingAmendment, BookingRequest } from '../../domain/contracts/booking.ts';
import { LEDGER_CLASSES, Settlement, type LedgerClass } from '../../domain/contracts/ledger.ts';
import { RefundRule } from '../../domain/contracts/telescope.ts';
import { WEBHOOKS, WEBHOOK_TYPES, type WebhookType } from '../../domain/contracts/webhook.ts';
import { ledgerOfFault, ledgerOfHold } from '../../domain/holds.ts';
import { REASON_CODES, type Reason } from '../../domain/reasons.ts';
import { REFUND_TAGS } from '../../domain/refund.ts';
import { projectPath } from '../../platform/paths.ts';

/** Rows of a section's table, each as its cells. */
function rows(section: string): string[][] {
  const part = readFileSync(projectPath('docs', 'money.md'), 'utf8').split(`## ${section}\n`)[1]!.split('\n## ')[0]!;
  return part
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}
const coded = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

describe('the page that says what moves money', () => {
  const rule = RefundRule.parse({});

  test('names every class in its order, with the default share', () => {
    const told = rows('Which second is paid').map(([name, , , share]) => [coded(name!)[0], Number(share)]);
    expect(told).toEqual(LEDGER_CLASSES.map((name) => [name, rule.refund_share[name]]));
  });

  test('puts each reason where the settlement puts it', () => {
    const told = Object.fromEntries(
      rows('Which second is paid').map(([name, , reasons]) => [coded(name!)[0], coded(reasons!)]),
    );
    for (const reason of told.weather_hold!) expect(ledgerOfHold('weather', reason as Reason)).toBe('weather_hold');
    for (const reason of told.user_pause!) expect(ledgerOfHold('user', reason as Reason)).toBe('user_pause');
    const byFault = (wanted: LedgerClass): Reason[] =>
      REASON_CODES.filter((reason) => ledgerOfFault(reason) === wanted);
    expect(told.foreign).toEqual(byFault('foreign'));
    const weather = REASON_CODES.filter(
      (reason) =>
        /^weather_(unsafe|unknown)$|^safety_monitor/.test(reason) && ledgerOfHold('weather', reason) === 'unsafe',
    );
    expect(told.unsafe!.toSorted()).toEqual([...weather, ...byFault('unsafe')].toSorted());
    for (const reason of told.outage!) expect(ledgerOfFault(reason as Reason)).toBe('outage');
    const unknown = Object.values(told)
      .flat()
      .filter((reason) => !(REASON_CODES as readonly unknown[]).includes(reason));
    expect(unknown).toEqual([]);
  });

  test('knows every rule of a settlement and its shares', () => {
    const told = rows('When all of it comes back').map(([name]) => coded(name!)[0]);
    expect(told).toEqual([rule.id, ...REFUND_TAGS.map((tag) => `${rule.id}:${tag}`)]);
    expect([rule.full_refund_below_good_share, rule.cancelled_share, rule.full_refund_below_imaging_share]).toEqual([
      0.1, 1, 0,
    ]);
  });

  test('names every field of credits.settled, and every other webhook with a figure of money', () => {
    const told = rows('From nocturne to your shop');
    const fields = told.filter(([type]) => coded(type!)[0] === 'credits.settled').map(([, field]) => coded(field!)[0]);
    expect(new Set(fields)).toEqual(new Set(Object.keys(Settlement.shape)));
    const shown = told.filter(([type]) => coded(type!)[0] !== 'credits.settled').flatMap(([type]) => coded(type!));
    const carry = WEBHOOK_TYPES.filter(
      (type: WebhookType) => type !== 'credits.settled' && 'credits_refund' in WEBHOOKS[type].data.shape,
    );
    // A cancelled booking ended before its slot, and is settled afterwards.
    expect([...shown, 'session.cancelled'].toSorted()).toEqual(carry.toSorted());
  });

  test('names the fields by which a shop moves it', () => {
    const told = rows('From your shop to nocturne').flatMap(([, field]) => coded(field!));
    expect(told).toEqual(['credits.charged', 'credits_charged', 'requested_by']);
    expect('credits_charged' in ExtendRequest.shape).toBe(true);
    expect('credits' in BookingRequest.shape).toBe(true);
    expect('credits' in BookingAmendment.shape).toBe(false);
    expect('requested_by' in AbortRequest.shape && 'requested_by' in CancelQuery.shape).toBe(true);
  });
});
