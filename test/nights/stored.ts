import { LEDGER_CLASSES } from '../../domain/contracts/ledger.ts';
import { composeReport } from '../../activities/finalise/report.ts';
import { readFigures, FRAME_STATES } from '../../api/admin/figures.ts';
import { toHundredths } from '../../domain/credits.ts';
import { secondsByClass } from '../../domain/ledger.ts';
import { lockSettlement, writeSettlement } from '../../platform/settlements.ts';
import type { World } from '../../scripts/nights/world.ts';
import type { RunningApi } from '../api/harness.ts';

/** What a night leaves behind, as rows of PostgreSQL, where report, statistics and analytics read it. */
export async function storeNight({ db }: RunningApi, id: string, world: World): Promise<void> {
  const { rows, row, plan, transitions, frameRows, ledger, finaliser } = world;
  const last = transitions.at(-1)!;
  const dateOf = (name: 'sessionStartedAt' | 'sessionEndedAt'): Date | null => {
    const found = transitions.find((t) => t[name])?.[name];
    return found ? new Date(found) : null;
  };
  const people = { userRef: 'guest', telescopeId: world.telescope.id };
  await db.user.upsert({ where: { ref: 'guest' }, create: { ref: 'guest' }, update: {} });
  await db.booking.create({
    data: {
      ...people,
      id,
      startsAt: row.startsAt,
      endsAt: row.endsAt,
      blockedUntil: row.endsAt,
      createdAt: new Date(plan.bookedAt),
      occupies: false,
      target: { name: 'M 42', ra_hours: 5.6, dec_degrees: 0, pa_degrees: 0 },
      shots: rows.booking.shots,
      constraints: {},
      credits: { charged: plan.credits, price: { amount_minor: plan.credits * 200, currency: 'EUR' } },
      bodyHash: id,
    },
  });
  await db.session.create({
    data: {
      bookingId: id,
      telescopeId: world.telescope.id,
      workflowId: id,
      phase: last.phase,
      outcome: last.outcome ?? null,
      sessionStartedAt: dateOf('sessionStartedAt'),
      sessionEndedAt: dateOf('sessionEndedAt'),
    },
  });
  await db.frame.createMany({
    data: [...frameRows.rows.values()].map((f) => ({
      id: `${id}-${f.guid}`,
      telescopeId: world.telescope.id,
      bookingId: id,
      sourceKey: `${id}-${f.guid}`,
      sourcePath: '',
      filename: `${f.guid}.fit`,
      type: 'LIGHT',
      filter: 'L',
      exposure: f.exposureSeconds,
      state: f.state,
      reason: f.reason,
      histogram: [],
      capturedAt: new Date(f.startedAt),
    })),
  });
  await db.ledgerInterval.createMany({
    data: ledger.map((i) => ({
      bookingId: id,
      startsAt: new Date(i.start),
      endsAt: new Date(i.end),
      class: i.class,
      cause: i.cause,
    })),
  });
  const { settled } = finaliser.credits;
  if (settled)
    await db.$transaction(async (tx) => {
      await lockSettlement(tx, id);
      const before = !transitions.some((t) => t.sessionEndedAt);
      await writeSettlement(tx, { bookingId: id, telescopeId: world.telescope.id, settled, samples: null, before });
    });
}

/** Figures of one night as each of its readers gives them, in the same words. */
interface Told {
  seconds: Record<string, number>;
  frames: Record<string, number>;
  refund: number | null;
}
type Said = Record<'night' | 'report' | 'analytics', Told> & { stats: Pick<Told, 'frames'> };

/** What night, report, statistics and analytics say of the same thing. */
export async function toldOf(api: RunningApi, id: string, world: World): Promise<Said> {
  const { db } = api;
  const { outcome } = await db.session.findUniqueOrThrow({ where: { bookingId: id } });
  const report = await composeReport(db, id, (outcome ?? 'failed') as never, null);
  const stats = await api.json<{ images: Record<string, number> }>('GET', `/api/bookings/${id}/stats`);
  const range = { from: world.row.startsAt, to: new Date(world.row.startsAt.getTime() + 1), telescopeId: null };
  const { sums } = await readFigures(db, range);
  const [sum] = sums;
  const states = FRAME_STATES.filter((name) => name !== 'pending');
  const rows = [...world.frameRows.rows.values()];
  const pick = (from: object, names: readonly string[]): Record<string, number> =>
    Object.fromEntries(names.map((name) => [name, Number((from as Record<string, unknown>)[name] ?? 0)]));
  return {
    night: {
      seconds: secondsByClass(world.ledger),
      frames: Object.fromEntries(states.map((name) => [name, rows.filter(({ state }) => state === name).length])),
      refund: world.finaliser.credits.settled?.refundHundredths ?? null,
    },
    report: {
      seconds: report.ledger.seconds,
      frames: pick(report.images, states),
      refund: report.credits ? toHundredths(report.credits.credits_refund) : null,
    },
    stats: { frames: pick(stats.body.images, states) },
    analytics: { seconds: pick(sum!, LEDGER_CLASSES), frames: pick(sum!, states), refund: sum!.refund },
  };
}
