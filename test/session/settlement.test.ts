import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { announceCaptured } from '../../activities/frames/announce.ts';
import { createFinaliseActivities } from '../../activities/finalise/index.ts';
import { settleEnded } from '../../activities/session/ended.ts';
import { settledOnLess } from '../../activities/finalise/unsettled.ts';
import { Telescope } from '../../domain/contracts/telescope.ts';
import { objectGuid } from '../../domain/ids.ts';
import type { FinaliseActivities, Span } from '../../domain/ports.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { refundByHand } from '../../platform/refunds.ts';
import { settlementOf } from '../../platform/settlements.ts';
import type { Prisma } from '../../prisma/client/client.ts';
import { startPostgres } from '../support/postgres.ts';

/** Who pays for which seconds, by what everybody wrote down of a slot of an hour that costs 36 credits: one for each hundred seconds. */
const START = Date.UTC(2026, 0, 15, 22);
const at = (second: number): Date => new Date(START + second * 1000);
const iso = (second: number): string => at(second).toISOString();
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let db: Database;
let finalise: FinaliseActivities;
let storage: string;
let count = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  db = createDatabase(postgres.url, undefined, 4);
  storage = mkdtempSync(join(tmpdir(), 'nocturne-settlement-'));
  finalise = createFinaliseActivities({
    db,
    storagePath: storage,
    archive: { buildArchive: async () => ({ archivePath: storage, files: 0, bytes: 0 }) },
  });
}, 60_000);
afterAll(async () => {
  await db.$disconnect();
  await postgres.stop();
  rmSync(storage, { recursive: true, force: true });
}, 30_000);

interface Booked {
  id: string;
  ids: { bookingId: string; telescopeId: string };
}
/** A booking whose session stood prepared an hour before its slot and, unless `ended` is null, was wrapped up at that second. */
async function booked(
  more: { ended?: number | null; policy?: object; booking?: Partial<Prisma.BookingUncheckedCreateInput> } = {},
): Promise<Booked> {
  const id = `b${(count += 1)}`;
  const telescopeId = `t-${id}`;
  const config = Telescope.parse({
    id: telescopeId,
    name: 'Nice',
    host: 'h',
    base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
    site: { latitude_degrees: 44, longitude_degrees: 7 },
    policy: { refund: { full_refund_below_good_share: 0 }, ...more.policy },
  });
  await db.telescope.create({ data: { id: telescopeId, config } });
  await db.booking.create({
    data: {
      id,
      telescopeId,
      startsAt: at(0),
      endsAt: at(3600),
      blockedUntil: at(3600),
      createdAt: at(-86_400),
      userRef: 'u1',
      target: { name: 'M 31', ra_hours: 0.712, dec_degrees: 41.27, pa_degrees: 0 },
      shots: [{ filter: 'Ha', exposure_seconds: 300, quantity: 5, binning: 1, type: 'light' }],
      constraints: { min_altitude_degrees: 30, hour_angle_start_hours: -3, hour_angle_end_hours: 3 },
      credits: { charged: 36 },
      bodyHash: '',
      ...more.booking,
    },
  });
  const ended = more.ended === undefined ? 3600 : more.ended;
  await db.session.create({
    data: {
      bookingId: id,
      telescopeId,
      workflowId: `booking-${id}`,
      phase: 'finalising',
      ...(ended === null ? {} : { sessionStartedAt: at(5), sessionEndedAt: at(ended) }),
    },
  });
  return { id, ids: { bookingId: id, telescopeId } };
}
const weather = (state: string, reason: string | null = null): object => ({
  weather: { state, reason },
  stale: false,
  voyager_status: 'RUN',
  running: 'ours',
  emergency: null,
});
/** The gateway samples every ten seconds. */
const sampled = async (b: Booked, from: number, to: number, data: object): Promise<void> => {
  await db.telemetry.createMany({
    data: Array.from({ length: Math.ceil((to - from) / 10) }, (_, i) => ({
      ...b.ids,
      at: at(from + 10 * i),
      data,
    })),
  });
};
let position = 0;
const noted = async (b: Booked, second: number, what: string, detail: string): Promise<void> => {
  const n = (position += 1);
  await db.journal.create({
    data: { telescopeId: b.ids.telescopeId, epoch: 1, n, kind: 'state', at: at(second), data: { what, detail } },
  });
};
const phase = async (b: Booked, second: number, name: string): Promise<void> => {
  const seq = (position += 1);
  await db.event.create({
    data: { ...b.ids, seq, id: `e${seq}`, epoch: 1, type: 'session.changed', ts: at(second), data: { phase: name } },
  });
};
const exposed = async (b: Booked, second: number, type = 'LIGHT'): Promise<void> => {
  const n = (position += 1);
  await db.frame.create({
    data: {
      ...b.ids,
      id: `f${n}`,
      sourceKey: `f${n}`,
      sourcePath: '',
      filename: `f${n}.fit`,
      type,
      exposure: 300,
      filter: 'Ha',
      state: 'archived',
      histogram: [],
      capturedAt: at(second),
    },
  });
};
/** The worker saw the target enabled and then nothing for the rest of the night. */
const asleep: Span[] = [{ class: 'overhead', start: iso(0), end: null, cause: null }];
const settle = (b: Booked, spans: Span[] = asleep, more: object = {}) =>
  finalise.settle({ ...b.ids, spans, outcome: 'completed', ...more });
const lines = async (b: Booked): Promise<{ message: string; messageFr: string | null }[]> =>
  db.timeline.findMany({
    where: { bookingId: b.id, event: 'gateway_record' },
    select: { message: true, messageFr: true },
    orderBy: { position: 'asc' },
  });

describe('while no worker looked', () => {
  test('ten minutes of rain are refunded to the second, and the night log says what was found', async () => {
    const b = await booked();
    await sampled(b, 0, 1200, weather('ok'));
    await noted(b, 1203, 'weather', 'unsafe: rain RAIN (voyager)');
    await sampled(b, 1210, 1800, weather('unsafe', 'weather_unsafe'));
    await noted(b, 1803, 'weather', 'ok');
    await sampled(b, 1810, 3600, weather('ok'));
    await exposed(b, 300);
    await exposed(b, 1800);
    expect(await settle(b)).toMatchObject({ refund: 6, seconds: { unsafe: 600, imaging: 597, outage: 0 } });
    expect(await lines(b)).toEqual([
      {
        message:
          'The observatory’s own record shows what the session had not seen, and it counts: 10 min (unsafe weather).',
        messageFr:
          'Le relevé de l’observatoire montre ce que la session n’avait pas vu, et cela compte : 10 min (météo dangereuse).',
      },
    ]);
  });

  test.each([
    ['Voyager’s emergency', { emergency: 'suspend' }, 'unsafe'],
    ['a link to Voyager that is gone', { stale: true }, 'outage'],
    ['an error of Voyager', { voyager_status: 'ERROR' }, 'outage'],
    ['somebody else’s target', { running: 'foreign' }, 'foreign'],
    ['clouds', weather('hold', 'weather_hold'), 'weather_hold'],
  ] as const)('%s is not the guest’s to pay', async (_name, data, name) => {
    const b = await booked();
    await sampled(b, 0, 1000, weather('ok'));
    await sampled(b, 1000, 1500, { ...weather('ok'), ...data });
    await sampled(b, 1500, 3600, weather('ok'));
    expect(await settle(b)).toMatchObject({ refund: 5, seconds: { [name]: 500 } });
  });

  test('a hold that the worker was not there to end stops where the record shows good sky: our outage, and exposures stand', async () => {
    const b = await booked();
    await sampled(b, 0, 600, weather('ok'));
    await sampled(b, 600, 900, { ...weather('ok'), emergency: 'suspend' });
    await sampled(b, 900, 3600, weather('ok'));
    await exposed(b, 1800);
    const spans: Span[] = [
      { class: 'overhead', start: iso(0), end: iso(600), cause: null },
      { class: 'unsafe', start: iso(600), end: null, cause: 'voyager_emergency' },
    ];
    expect(await settle(b, spans)).toMatchObject({
      seconds: { unsafe: 300, imaging: 300, outage: 2400, overhead: 600 },
    });
  });

  test('time of which not even the gateway has a record is an outage, except under exposures', async () => {
    const b = await booked();
    await sampled(b, 0, 1000, weather('ok'));
    await sampled(b, 2000, 3600, weather('ok'));
    await exposed(b, 1100);
    expect(await settle(b)).toMatchObject({ seconds: { outage: 710, imaging: 300 }, refund: 7.1 });
  });

  test('a session that begins long after its slot, ready as it stood, was not there: an outage', async () => {
    const b = await booked();
    await phase(b, -3600, 'prepared');
    await phase(b, 900, 'starting');
    const late: Span[] = [{ class: 'overhead', start: iso(905), end: null, cause: null }];
    expect(await settle(b, late)).toMatchObject({ seconds: { outage: 900 }, refund: 9 });
    const prompt = await booked();
    await phase(prompt, -3600, 'prepared');
    await phase(prompt, 1, 'starting');
    expect(await settle(prompt)).toMatchObject({ seconds: { outage: 0 } });
  });
});

describe('what the session saw', () => {
  test('stands on top: its own hold keeps its reason, and nothing is found besides', async () => {
    const b = await booked();
    await sampled(b, 0, 1200, weather('ok'));
    await sampled(b, 1200, 1800, weather('unsafe', 'weather_unsafe'));
    await sampled(b, 1800, 3600, weather('ok'));
    const spans: Span[] = [
      { class: 'overhead', start: iso(0), end: iso(1195), cause: null },
      { class: 'unsafe', start: iso(1195), end: iso(2100), cause: 'voyager_emergency' },
      { class: 'overhead', start: iso(2100), end: null, cause: null },
    ];
    expect(await settle(b, spans)).toMatchObject({ seconds: { unsafe: 905 } });
    expect(await db.ledgerInterval.findMany({ where: { bookingId: b.id, class: 'unsafe' } })).toEqual([
      expect.objectContaining({ cause: 'voyager_emergency', startsAt: at(1195) }),
    ]);
    expect(await lines(b)).toEqual([]);
  });

  test('rain after the guest’s own stop is nobody’s loss', async () => {
    const b = await booked({ ended: 1000 });
    await sampled(b, 0, 1000, weather('ok'));
    await noted(b, 1500, 'weather', 'unsafe: RAIN');
    const spans: Span[] = [{ class: 'overhead', start: iso(0), end: iso(1000), cause: null }];
    expect(await settle(b, spans, { outcome: 'aborted' })).toMatchObject({ refund: 0, seconds: { other: 2600 } });
  });

  test('darks that policy lets go on in clouds are not refunded as clouds', async () => {
    const b = await booked({ policy: { calibration_in_bad_weather: true } });
    await sampled(b, 0, 3600, weather('hold', 'weather_hold'));
    await exposed(b, 300, 'DARK');
    expect(await settle(b)).toMatchObject({ refund: 0, seconds: { imaging: 300, weather_hold: 0 } });
  });
});

describe('settled once more', () => {
  test('a record that comes late, from a gateway that was cut off from PostgreSQL, refunds what it shows', async () => {
    const b = await booked();
    await sampled(b, 0, 600, weather('ok'));
    await exposed(b, 600);
    expect(await settle(b)).toMatchObject({ seconds: { outage: 2700 + 10 } });
    await db.session.update({ where: { bookingId: b.id }, data: { phase: 'completed' } });
    const dayAfter = START + 86_400_000;
    const waiting = async (): Promise<string[]> => (await settledOnLess(db, dayAfter)).map((n) => n.bookingId);
    expect(await waiting()).toEqual([]);
    await sampled(b, 600, 3600, weather('unsafe', 'weather_unsafe'));
    expect(await waiting()).toEqual([b.id]);
    await finalise.resettle(b.ids);
    expect(await waiting()).toEqual([]);
    const all = await db.settlement.findMany({ where: { bookingId: b.id }, orderBy: { createdAt: 'asc' } });
    expect(all.map(({ samples }) => samples)).toEqual([60, 360]);
    expect(all[1]).toMatchObject({ supersedes: all[0]!.id });
    expect(await lines(b)).toHaveLength(2);
  });

  test('a late frame does not take back what a cancellation refunded', async () => {
    const b = await booked({ ended: null });
    const other: Span[] = [{ class: 'other', start: iso(0), end: iso(3600), cause: 'user_cancel' }];
    expect((await settle(b, other, { outcome: 'cancelled', before: true })).refund).toBe(36);
    await db.session.update({ where: { bookingId: b.id }, data: { outcome: 'cancelled' } });
    await finalise.resettle(b.ids);
    expect(await db.settlement.findMany({ where: { bookingId: b.id } })).toEqual([
      expect.objectContaining({ refundHundredths: 3600 }),
    ]);
  });

  test('a report that is made anew after a late frame says what came and what it changes; the first one, nothing', async () => {
    const b = await booked();
    await exposed(b, 0);
    await settle(b, [...asleep, { class: 'unsafe', start: iso(600), end: iso(1200), cause: 'weather_unsafe' }]);
    await db.session.update({ where: { bookingId: b.id }, data: { phase: 'completed', outcome: 'completed' } });
    const report = async (): Promise<{ changes: object | null; images: object; credits: object }> => {
      await finalise.rebuildReport(b.ids);
      const { body } = await db.report.findUniqueOrThrow({ where: { bookingId: b.id } });
      return body as never;
    };
    expect(await report()).toMatchObject({ changes: null, images: { archived: 1 }, credits: { credits_refund: 6 } });
    const { createdAt: since } = await db.settlement.findFirstOrThrow({ where: { bookingId: b.id } });
    await exposed(b, 1300);
    const late = await db.frame.findFirstOrThrow({ where: { bookingId: b.id }, orderBy: { capturedAt: 'desc' } });
    await db.frame.update({ where: { id: late.id }, data: { archivedAt: new Date(since.getTime() + 60_000) } });
    // A record of the gateway that comes as late knows of ten more minutes of rain.
    await sampled(b, 1800, 2400, weather('unsafe', 'weather_unsafe'));
    await finalise.resettle(b.ids);
    const changed = await report();
    const now = (await settlementOf(db, b.id))!.credits_refund;
    expect(now).toBeGreaterThan(6);
    expect(changed).toMatchObject({
      images: { archived: 2, total_exposure_seconds: 600 },
      credits: { credits_refund: now },
      changes: {
        since: since.toISOString(),
        frames: [{ id: late.id, filename: late.filename }],
        exposure_seconds: 300,
        credits_refund_before: 6,
        credits_refund_now: now,
      },
    });
    expect(await report()).toEqual(changed);
  });

  test('a night that comes back to what it was settled as before is settled so again: the last word holds', async () => {
    const b = await booked();
    await exposed(b, 0);
    const refunds = async (): Promise<string[]> =>
      (await db.settlement.findMany({ where: { bookingId: b.id }, orderBy: { position: 'asc' } })).map(
        ({ refundHundredths, supersedes }) => `${refundHundredths / 100}${supersedes ? ' supersedes' : ''}`,
      );
    const rain: Span[] = [...asleep, { class: 'unsafe', start: iso(600), end: iso(1200), cause: 'weather_unsafe' }];
    const [a, other, again] = [await settle(b), await settle(b, rain), await settle(b)];
    expect(await refunds()).toEqual(['0', '6 supersedes', '0 supersedes']);
    expect(new Set([a.settlementId, other.settlementId, again.settlementId]).size).toBe(3);
    expect((await settle(b)).settlementId).toBe(again.settlementId);
    const sent = await db.outbox.findMany({
      where: { bookingId: b.id, type: 'credits.settled' },
      orderBy: { sequence: 'asc' },
    });
    expect(sent.map(({ data }) => (data as { supersedes?: string }).supersedes)).toEqual([
      undefined,
      a.settlementId,
      other.settlementId,
    ]);
  });

  test('a night without a gateway’s record (imported, or older than what is kept) is what the session said', async () => {
    const b = await booked();
    await exposed(b, 300);
    const first = await settle(b);
    expect(first).toMatchObject({ seconds: { imaging: 300, overhead: 3300 }, refund: 0 });
    await finalise.resettle(b.ids);
    expect(await db.settlement.count({ where: { bookingId: b.id } })).toBe(1);
  });
});

describe('what the session never heard of', () => {
  /** As the api writes it before it tells the session: ten minutes and six credits more. */
  const extended = async (b: Booked, n = 1): Promise<string> => {
    const row = await db.booking.findUniqueOrThrow({ where: { id: b.id } });
    const end = new Date(row.endsAt.getTime() + 600_000);
    const { charged } = row.credits as { charged: number };
    const commandId = `${b.id}-extend-${n}`;
    const { version, startsAt, endsAt, blockedUntil, target, shots, constraints, credits, bodyHash } = row;
    await db.booking.update({
      where: { id: b.id },
      data: { endsAt: end, blockedUntil: end, credits: { charged: charged + 6 }, version: { increment: 1 } },
    });
    const replaced = { version: version + 1, target, shots, constraints, credits, bodyHash };
    const dates = { startsAt, endsAt, blockedUntil };
    await db.receipt.create({
      data: {
        ...b.ids,
        commandId,
        kind: 'extend',
        state: n === 1 ? 'unknown' : 'accepted',
        requestedBy: 'site',
        data: JSON.parse(JSON.stringify({ minutes: 10, generation: 0, replaced: { ...replaced, ...dates } })),
        createdAt: at(3000 + n),
        updatedAt: at(3000 + n),
      },
    });
    return commandId;
  };
  const state = async (commandId: string): Promise<string | null> => {
    const { state: now, reason } = await db.receipt.findUniqueOrThrow({ where: { commandId } });
    return reason ? `${now}:${reason}` : now;
  };
  const own = { slot: { start: iso(0), end: iso(3600) } };

  test('an extension that never happened is not charged, and the booking is what it was', async () => {
    const b = await booked();
    const [first, second] = [await extended(b), await extended(b, 2)];
    await settle(b, asleep, own);
    expect(await db.settlement.findFirstOrThrow({ where: { bookingId: b.id } })).toMatchObject({
      chargedHundredths: 3600,
    });
    expect([await state(first), await state(second)]).toEqual(['refused:session_over', 'refused:session_over']);
    expect(await db.booking.findUniqueOrThrow({ where: { id: b.id } })).toMatchObject({
      endsAt: at(3600),
      blockedUntil: at(3600),
      credits: { charged: 36 },
    });
    expect(await db.ledgerInterval.findMany({ where: { bookingId: b.id, endsAt: { gt: at(3600) } } })).toEqual([]);
    await finalise.resettle(b.ids);
    expect(await db.settlement.count({ where: { bookingId: b.id } })).toBe(1);
  });

  test('an extension that the session took is charged, whatever its receipt says', async () => {
    const b = await booked({ ended: 4200 });
    const command = await extended(b);
    await settle(b, asleep, { slot: { start: iso(0), end: iso(4200) } });
    expect(await db.settlement.findFirstOrThrow({ where: { bookingId: b.id } })).toMatchObject({
      chargedHundredths: 4200,
    });
    expect(await state(command)).toBe('unknown');
  });

  test('receipts of sessions that are over are settled: what came too late is refused, a stop that was carried out confirmed', async () => {
    const b = await booked();
    await settle(b, asleep, own);
    const late = await extended(b);
    const left = async (kind: string, of: Booked): Promise<string> => {
      const commandId = `${of.id}-${kind}`;
      const times = { createdAt: at(3000), updatedAt: at(3000) };
      const row = { ...of.ids, commandId, kind, state: 'sent', requestedBy: 'guest', data: {}, ...times };
      await db.receipt.create({ data: row });
      return commandId;
    };
    await db.session.update({ where: { bookingId: b.id }, data: { phase: 'completed', outcome: 'completed' } });
    const stopped = await booked({ ended: 1800 });
    await db.session.update({ where: { bookingId: stopped.id }, data: { phase: 'aborted', outcome: 'aborted' } });
    const running = await booked({ ended: null });
    await db.session.update({ where: { bookingId: running.id }, data: { phase: 'running' } });
    const all = [
      late,
      await left('pause', b),
      await left('abort', b),
      await left('abort', stopped),
      await left('pause', running),
    ];
    await settleEnded({ db, now: () => START + 86_400_000 });
    expect(await Promise.all(all.map(state))).toEqual([
      'refused:session_over',
      'refused:session_over',
      'refused:session_over',
      'confirmed',
      'sent',
    ]);
    expect((await db.booking.findUniqueOrThrow({ where: { id: b.id } })).credits).toEqual({ charged: 36 });
  });
});

describe('the filter that a frame was taken through', () => {
  const taken = async (b: Booked, filter: string, shot: string): Promise<string> => {
    await exposed(b, 600);
    const { id } = await db.frame.findFirstOrThrow({ where: { bookingId: b.id }, orderBy: { seenAt: 'desc' } });
    await db.frame.update({ where: { id }, data: { filter, shotGuid: objectGuid(b.id, 0, shot), shotIndex: 0 } });
    await announceCaptured(db, id);
    return id;
  };
  const reason = async (id: string): Promise<string | null> =>
    (await db.frame.findUniqueOrThrow({ where: { id } })).reason;

  test('another one than its shot asked for is kept, marked and told: to the guest, and to the operator once', async () => {
    const b = await booked();
    const first = await taken(b, 'OIII', 'shot/0');
    await taken(b, 'OIII', 'shot/0');
    expect(await reason(first)).toBe('filter_mismatch');
    const said = await db.timeline.findMany({ where: { bookingId: b.id, event: 'frame_filter' } });
    expect(said).toHaveLength(2);
    expect(said[0]!.message).toContain('filter OIII instead of Ha');
    expect(said[0]!.messageFr).toContain('filtre OIII au lieu de Ha');
    expect(await db.outbox.count({ where: { bookingId: b.id, type: 'error.occurred', channel: 'operator' } })).toBe(1);
  });

  test('the right one, however it is written, and a frame of an older plan say nothing', async () => {
    const b = await booked();
    expect(await reason(await taken(b, ' HA', 'shot/0'))).toBeNull();
    expect(await reason(await taken(b, 'OIII', 'shot/7'))).toBeNull();
    expect(await db.timeline.count({ where: { bookingId: b.id, event: 'frame_filter' } })).toBe(0);
  });
});

describe('too few good frames', () => {
  /** The rule as it stands where nobody has chosen another. */
  const byDefault = { policy: { refund: {} } };
  const ofFrames = async (b: Booked, n: number): Promise<void> => {
    for (let i = 0; i < n; i++) await exposed(b, 300 * i);
  };
  const latest = async (b: Booked) => (await settlementOf(db, b.id))!;

  test('of the time that could be observed: everything is given back, and the guest is told why', async () => {
    const b = await booked(byDefault);
    await ofFrames(b, 1);
    expect(await settle(b)).toMatchObject({ refund: 36, seconds: { imaging: 300 } });
    expect(await latest(b)).toMatchObject({
      rule: 'by-the-second:few_good_frames',
      explanation: { en: expect.stringContaining('Too few good frames'), fr: expect.stringContaining('Trop peu') },
    });
  });

  test('a frame through another filter is no good one', async () => {
    const b = await booked(byDefault);
    await ofFrames(b, 2);
    expect(await settle(b)).toMatchObject({ refund: 0 });
    await db.frame.updateMany({ where: { bookingId: b.id }, data: { reason: 'filter_mismatch' } });
    expect(await settle(b)).toMatchObject({ refund: 36 });
  });

  test('not where the guest stopped, nor where all that was asked for was delivered', async () => {
    const stopped = await booked({ ...byDefault, ended: 1800 });
    const until: Span[] = [{ class: 'overhead', start: iso(0), end: iso(1800), cause: null }];
    expect(await settle(stopped, until, { outcome: 'aborted' })).toMatchObject({ refund: 0 });
    const shots = [{ filter: 'Ha', exposure_seconds: 300, quantity: 1, binning: 1, type: 'light' }];
    const delivered = await booked({ ...byDefault, booking: { shots } });
    await ofFrames(delivered, 1);
    expect(await settle(delivered)).toMatchObject({ refund: 0 });
  });

  test('each settlement says why in a sentence: by class, given up before, failed', async () => {
    const rainy = await booked();
    const rain: Span[] = [...asleep, { class: 'unsafe', start: iso(600), end: iso(1200), cause: 'weather_unsafe' }];
    await settle(rainy, rain);
    expect((await latest(rainy)).explanation).toEqual({
      en: 'Credits given back for time that could not be used: 6 (10 min, unsafe weather).',
      fr: 'Crédits rendus pour le temps inutilisable : 6 (10 min, météo dangereuse).',
    });
    const given = await booked({ ended: null });
    const other: Span[] = [{ class: 'other', start: iso(0), end: iso(3600), cause: 'user_cancel' }];
    await settle(given, other, { outcome: 'cancelled', before: true });
    expect((await latest(given)).explanation?.en).toBe('The booking was given up before its slot began.');
    const failed = await booked();
    await settle(failed, asleep, { outcome: 'failed' });
    expect(await latest(failed)).toMatchObject({ credits_refund: 36, rule: 'by-the-second:no_exposure' });
    const used = await booked();
    await settle(used);
    expect((await latest(used)).explanation?.en).toBe('Nothing of the slot is given back.');
  });
});

describe('transfers of credits', () => {
  const balances = async (b: Booked): Promise<Record<string, number>> => {
    const rows = await db.$queryRaw<{ account: string; hundredths: number }[]>`
      SELECT account, hundredths FROM credit_balances WHERE booking_id = ${b.id}`;
    return Object.fromEntries(rows.map(({ account, hundredths }) => [account, hundredths]));
  };
  const moved = async (b: Booked): Promise<string[]> =>
    (await db.creditTransfer.findMany({ where: { bookingId: b.id }, orderBy: { n: 'asc' } })).map(
      ({ kind, debit, credit, hundredths }) => `${kind} ${debit}>${credit} ${hundredths}`,
    );
  const rain: Span[] = [...asleep, { class: 'unsafe', start: iso(600), end: iso(1200), cause: 'weather_unsafe' }];

  test('a booking’s price is held when it is written, and follows when it changes', async () => {
    const b = await booked();
    expect(await balances(b)).toEqual({ guest: -3600, held: 3600 });
    await db.booking.update({ where: { id: b.id }, data: { credits: { charged: 40.5 } } });
    await db.booking.update({ where: { id: b.id }, data: { credits: { charged: 36 } } });
    expect(await moved(b)).toEqual(['hold guest>held 3600', 'hold guest>held 450', 'release held>guest 450']);
  });

  test('a settlement posts and gives back; settled once more, only the difference moves; again, nothing', async () => {
    const b = await booked();
    await settle(b);
    await settle(b, rain);
    const twice = await moved(b);
    await settle(b, rain);
    await settle(b);
    expect(twice).toEqual(['hold guest>held 3600', 'post held>earned 3600', 'refund earned>guest 600']);
    expect((await moved(b)).slice(3)).toEqual(['recharge guest>earned 600']);
    expect(await balances(b)).toEqual({ guest: -3600, held: 0, earned: 3600 });
  });

  test('a booking that is given up before its slot is void', async () => {
    const b = await booked({ ended: null });
    const other: Span[] = [{ class: 'other', start: iso(0), end: iso(3600), cause: 'user_cancel' }];
    await settle(b, other, { outcome: 'cancelled', before: true });
    expect(await moved(b)).toEqual(['hold guest>held 3600', 'void held>guest 3600']);
  });

  test('the database lets nobody give back more than was paid, nor change or take away what moved', async () => {
    const b = await booked();
    await settle(b, rain);
    const back = (hundredths: number): Promise<unknown> =>
      db.creditTransfer.create({
        data: { id: `${b.id}/x`, bookingId: b.id, kind: 'refund', debit: 'earned', credit: 'guest', hundredths },
      });
    await expect(back(3001)).rejects.toThrow('more credits would move');
    await expect(back(-1)).rejects.toThrow('credit_transfers_hundredths_positive');
    await expect(db.creditTransfer.updateMany({ where: { bookingId: b.id }, data: { hundredths: 1 } })).rejects.toThrow(
      'only ever added',
    );
    await expect(db.creditTransfer.deleteMany({ where: { bookingId: b.id } })).rejects.toThrow('only ever added');
    expect(await balances(b)).toEqual({ guest: -3000, held: 0, earned: 3000 });
  });

  test('no column of credits holds a fraction', async () => {
    const rows = await db.$queryRaw<{ name: string; type: string }[]>`
      SELECT table_name || '.' || column_name AS name, data_type AS type FROM information_schema.columns
      WHERE table_schema = 'public' AND (column_name LIKE '%credit%' OR column_name LIKE '%hundredths%')
        AND data_type NOT IN ('integer', 'bigint', 'jsonb', 'text')`;
    expect(rows).toEqual([]);
  });

  test('what is given back by hand counts beside the rule, in the settlement, its sentence, the report and the audit log, up to what was charged', async () => {
    const b = await booked();
    const by = { ...b.ids, reason: 'Clouds that no sensor saw', actor: 'admin', at: at(90_000) };
    expect(await refundByHand(db, { ...by, hundredths: 100 })).toEqual({ refused: 'not_settled' });
    await settle(b, rain);
    await db.report.create({ data: { bookingId: b.id, body: { credits: null } } });
    expect(await refundByHand(db, { ...by, hundredths: 3001 })).toEqual({ refused: 'too_much', leftHundredths: 3000 });
    const settled = await refundByHand(db, { ...by, hundredths: 1250 });
    expect(settled).toMatchObject({
      credits_refund: 18.5,
      by_hand: { credits: 12.5, reason: 'Clouds that no sensor saw' },
      explanation: {
        en: expect.stringContaining('by the operator: 12.5 (Clouds that no sensor saw)'),
        fr: expect.stringContaining('par l’exploitant : 12.5'),
      },
      supersedes: expect.any(String),
    });
    expect((await db.report.findUniqueOrThrow({ where: { bookingId: b.id } })).body).toMatchObject({
      credits: settled,
    });
    expect(await db.audit.findMany({ where: { bookingId: b.id } })).toMatchObject([
      { actor: 'admin', action: 'credits.refund', data: { hundredths: 1250 } },
    ]);
    expect(await balances(b)).toEqual({ guest: -1750, held: 0, earned: 1750 });
    // More comes back by rule afterwards: what was given by hand stays, within the price.
    const storm: Span[] = [...asleep, { class: 'unsafe', start: iso(0), end: iso(3000), cause: 'weather_unsafe' }];
    expect(await settle(b, storm)).toMatchObject({ refund: 36 });
    expect(await balances(b)).toEqual({ guest: 0, held: 0, earned: 0 });
  });
});
