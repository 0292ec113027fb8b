import { LEDGER_CLASSES, type LedgerClass, type Settlement } from './contracts/ledger.ts';
import type { RefundRule } from './contracts/telescope.ts';
import { toCredits } from './credits.ts';
import type { RefundTag } from './refund.ts';
import type { Outcome } from './phases.ts';

/** What is known of a slot when it is settled. Good frames are lights that stand in the archive, through the filter that was asked for. */
export interface NightFacts {
  outcome: Outcome | null;
  seconds: Readonly<Record<LedgerClass, number>>;
  goodFrames: number;
  goodSeconds: number;
  /** Exposures of which anybody has heard. */
  takenFrames: number;
  plannedFrames: number;
  plannedSeconds: number;
  /** Given up before its slot began, or never come to it; how long before, in minutes, where the guest did it. */
  before: boolean;
  minutesBefore: number | null;
  /** Illuminated share of the Moon times the share of the slot in which it was up. */
  moonlight: number;
}

/** A settlement in hundredths of a credit; the lines sum to the refund less what was given back by hand. */
export interface Settled {
  rule: string;
  lines: { class: LedgerClass; seconds: number; hundredths: number }[];
  chargedHundredths: number;
  refundHundredths: number;
}

/** As bodies show it. */
export const asBody = (
  settled: Settled,
): Pick<Settlement, 'rule' | 'lines' | 'credits_charged' | 'credits_refund'> => ({
  rule: settled.rule,
  lines: settled.lines.map(({ hundredths, ...line }) => ({ ...line, credits: toCredits(hundredths) })),
  credits_charged: toCredits(settled.chargedHundredths),
  credits_refund: toCredits(settled.refundHundredths),
});

/** What a guest chose or gave up themselves. */
const OWN: readonly LedgerClass[] = ['user_pause', 'other'];
type Shares = Record<LedgerClass, number>;
const total = (seconds: Readonly<Record<string, number>>): number => Object.values(seconds).reduce((a, b) => a + b, 0);
const fairSeconds = ({ seconds }: NightFacts): number => total(seconds) - seconds.user_pause - seconds.other;
const mapped = (value: (name: LedgerClass) => number): Shares =>
  Object.fromEntries(LEDGER_CLASSES.map((name) => [name, value(name)])) as Shares;

/** Why everything is given back, whatever the classes say; null where it is not. */
function wholeBecause(rule: RefundRule, night: NightFacts): RefundTag | null {
  const { outcome, seconds } = night;
  if (outcome === 'failed' && seconds.imaging === 0) return 'no_exposure';
  if (night.before) return null;
  if (tooFewGood(rule, night)) return 'few_good_frames';
  const all = total(seconds);
  return all > 0 && seconds.imaging / all < rule.full_refund_below_imaging_share ? 'little_exposure' : null;
}

/**
 * Did so little good come of the time that could have been observed, or of the frames that were taken? Time that the guest paused or gave up is
 * theirs, and so is a night that they stopped; a plan that was delivered was worth its time however short it is.
 */
function tooFewGood(rule: RefundRule, night: NightFacts): boolean {
  const { outcome, goodFrames, goodSeconds, takenFrames, plannedFrames } = night;
  if (outcome === 'aborted' || outcome === 'cancelled' || goodFrames >= plannedFrames) return false;
  const fair = fairSeconds(night);
  if (fair > 0 && goodSeconds / fair < rule.full_refund_below_good_share) return true;
  return takenFrames > 0 && goodFrames / takenFrames < rule.full_refund_below_good_frames_share;
}

/** Nothing was exposed, and most of the slot was paused or given up. */
const noShow = (night: NightFacts): boolean =>
  night.goodFrames === 0 &&
  night.seconds.imaging === 0 &&
  total(night.seconds) > 0 &&
  OWN.reduce((sum, name) => sum + night.seconds[name], 0) * 2 >= total(night.seconds);

function beforeSlot(rule: RefundRule, { minutesBefore }: NightFacts): { tag: RefundTag; share: number } {
  const late = rule.late_cancellation;
  return late && minutesBefore !== null && minutesBefore < late.minutes
    ? { tag: 'cancelled_late', share: late.share }
    : { tag: 'cancelled', share: rule.cancelled_share };
}

/** Hundredths of the refund for each class, not yet rounded, and what is to be said of them. */
function exactly(rule: RefundRule, night: NightFacts, charged: number): { exact: Shares; tags: RefundTag[] } {
  const { seconds } = night;
  const all = total(seconds);
  const portion = (name: LedgerClass): number => (all === 0 ? 0 : (charged * seconds[name]) / all);
  const whole = wholeBecause(rule, night);
  if (whole) return { exact: mapped(portion), tags: [whole] };
  const bounded = (name: LedgerClass): number => Math.min(1, Math.max(0, rule.refund_share[name] ?? 0));
  if (night.before) {
    const { tag, share } = beforeSlot(rule, night);
    return { exact: mapped((name) => portion(name) * (name === 'other' ? share : bounded(name))), tags: [tag] };
  }
  const tags: RefundTag[] = [];
  if (rule.count !== 'second') tags.push(rule.count);
  const counted = (name: LedgerClass): number =>
    rule.count === 'minute' && all > 0 ? (charged * Math.ceil(seconds[name] / 60) * 60) / all : portion(name);
  const exact =
    rule.count === 'accepted_exposure' ? undelivered(night, portion) : mapped((name) => counted(name) * bounded(name));
  const moon = rule.moon && night.moonlight >= rule.moon.from ? rule.moon.share * night.moonlight : 0;
  for (const name of ['imaging', 'overhead'] as const) {
    if (portion(name) * moon <= exact[name]) continue;
    exact[name] = portion(name) * moon;
    if (!tags.includes('moon')) tags.push('moon');
  }
  const keeps = rule.no_show_keeps_credits;
  const missing = keeps === null ? 0 : charged - keeps * 100 - total(exact);
  if (missing > 0 && noShow(night)) {
    const own = OWN.reduce((sum, name) => sum + seconds[name], 0);
    for (const name of OWN) exact[name] += (missing * seconds[name]) / own;
    tags.push('no_show');
  }
  return { exact, tags };
}

/** By accepted exposure: of what could be observed, the share of the plan that was not delivered, laid on the time that was not exposed. */
function undelivered(night: NightFacts, portion: (name: LedgerClass) => number): Shares {
  const fair = fairSeconds(night);
  const planned = Math.min(night.plannedSeconds, fair);
  const share = planned > 0 ? 1 - Math.min(1, night.goodSeconds / planned) : 0;
  const fairClasses = LEDGER_CLASSES.filter((name) => !OWN.includes(name));
  const idle = fairClasses.filter((name) => name !== 'imaging' && night.seconds[name] > 0);
  const back = fairClasses.reduce((sum, name) => sum + portion(name), 0) * share;
  const laidOn = idle.length > 0 ? idle : fairClasses;
  const weight = laidOn.reduce((sum, name) => sum + night.seconds[name], 0);
  return mapped((name) => (weight > 0 && laidOn.includes(name) ? (back * night.seconds[name]) / weight : 0));
}

/**
 * What is given back for a slot, by the telescope's rule. A line's share is the part of the refund that comes from its class, and the lines sum to
 * the refund exactly (largest remainder). The refund is never below 0 nor above what was charged.
 */
export function settleByRule(rule: RefundRule, night: NightFacts, chargedHundredths: number): Settled {
  const charged = Math.max(0, Math.round(chargedHundredths));
  const { exact, tags } = exactly(rule, night, charged);
  const refund = Math.min(charged, Math.round(total(exact)));
  const excess = total(exact) > charged ? charged / total(exact) : 1;
  const lines = LEDGER_CLASSES.map((name) => ({
    class: name,
    seconds: night.seconds[name],
    exact: exact[name] * excess,
    hundredths: Math.floor(exact[name] * excess),
  }));
  let left = refund - lines.reduce((sum, line) => sum + line.hundredths, 0);
  for (const line of [...lines].sort((a, b) => b.exact - b.hundredths - (a.exact - a.hundredths))) {
    if (left <= 0) break;
    if (line.exact === 0) continue;
    line.hundredths += 1;
    left -= 1;
  }
  return {
    rule: [rule.id, ...tags].join(':'),
    lines: lines
      .filter((line) => line.seconds > 0)
      .map(({ class: name, seconds, hundredths }) => ({ class: name, seconds, hundredths })),
    chargedHundredths: charged,
    refundHundredths: refund,
  };
}
