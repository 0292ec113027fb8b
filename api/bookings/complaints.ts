import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { BookingId, Instant } from '../../domain/contracts/common.ts';
import { LEDGER_CLASSES, Settlement, type LedgerClass } from '../../domain/contracts/ledger.ts';
import { MAX_CREDITS, toCredits, toHundredths } from '../../domain/credits.ts';
import { enqueueAlert, enqueueOutbox } from '../../platform/outbox.ts';
import { refundWithin } from '../../platform/refunds.ts';
import { settlementOf } from '../../platform/settlements.ts';
import type { Complaint as Row } from '../../prisma/client/client.ts';
import { requireBooking } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { channelsFor } from '../../domain/messages/table.ts';
import { Problem, invalid } from '../errors.ts';
import { idempotent } from '../idempotency.ts';
import { json, route } from '../operation.ts';
import { PageQuery, decodeCursor, encodeCursor, page, pageOf } from '../pages.ts';
import { orRefused } from './credits.ts';
import { Id, READ } from './read.ts';
import { loadBooking } from './load.ts';

/** Whoever may see a session may say that something is wrong with it; so many may wait for an answer at once. */
const MAX_OPEN = 20;

const Evidence = z
  .object({
    image: z
      .object({
        id: z.string(),
        filename: z.string(),
        state: z.string(),
        reason: z.string().nullable(),
        filter: z.string().nullable(),
        exposure: z.number().nullable(),
        hfd: z.number().nullable(),
        stars: z.number().int().nullable(),
        captured_at: Instant.nullable(),
      })
      .nullable(),
    frames: z.record(z.string(), z.number().int()).describe('Frames of the night, by state'),
    seconds: z.record(z.enum(LEDGER_CLASSES), z.number().int()).describe('The slot, by class of the ledger'),
    settlement: Settlement.nullable(),
  })
  .describe('What is known of it: the same for the guest and for whoever answers');

const Complaint = z
  .object({
    id: z.string(),
    booking_id: BookingId,
    image_id: z.string().nullable(),
    text: z.string(),
    created_at: Instant,
    state: z.enum(['open', 'answered']),
    answer: z.string().nullable(),
    answered_at: Instant.nullable(),
    refund: z.number().describe('Credits that came back with the answer'),
    evidence: Evidence,
  })
  .meta({ id: 'Complaint' });

const ComplaintRequest = z
  .object({
    image_id: z.string().max(64).optional().describe('Left out: the night as a whole'),
    text: z.string().min(1).max(2000),
  })
  .meta({ id: 'ComplaintRequest' });

const AnswerRequest = z
  .object({
    answer: z.string().min(1).max(2000).describe('The guest reads it'),
    refund_credits: z
      .number()
      .min(0)
      .max(MAX_CREDITS)
      .overwrite((credits) => toCredits(toHundredths(credits)))
      .optional(),
  })
  .meta({ id: 'ComplaintAnswer' });

async function evidenceOf(deps: Deps, { bookingId, imageId }: Row): Promise<z.infer<typeof Evidence>> {
  const [image, states, intervals, settlement] = await Promise.all([
    imageId ? deps.db.frame.findFirst({ where: { id: imageId, bookingId } }) : null,
    deps.db.frame.groupBy({ by: ['state'], where: { bookingId }, _count: { _all: true } }),
    deps.db.ledgerInterval.findMany({ where: { bookingId } }),
    settlementOf(deps.db, bookingId),
  ]);
  const seconds = Object.fromEntries(LEDGER_CLASSES.map((name) => [name, 0])) as Record<LedgerClass, number>;
  for (const row of intervals)
    seconds[row.class as LedgerClass] += Math.round((row.endsAt.getTime() - row.startsAt.getTime()) / 1000);
  return {
    image: image && {
      id: image.id,
      filename: image.filename,
      state: image.state,
      reason: image.reason,
      filter: image.filter,
      exposure: image.exposure,
      hfd: image.hfd,
      stars: image.stars,
      captured_at: image.capturedAt?.toISOString() ?? null,
    },
    frames: Object.fromEntries(states.map((row) => [row.state, row._count._all])),
    seconds,
    settlement,
  };
}

const show = async (deps: Deps, row: Row): Promise<z.infer<typeof Complaint>> => ({
  id: row.id,
  booking_id: row.bookingId,
  image_id: row.imageId,
  text: row.text,
  created_at: row.createdAt.toISOString(),
  state: row.answeredAt ? 'answered' : 'open',
  answer: row.answer,
  answered_at: row.answeredAt?.toISOString() ?? null,
  refund: toCredits(row.refundHundredths),
  evidence: await evidenceOf(deps, row),
});

export const complain = route(
  {
    method: 'post',
    path: '/api/bookings/{id}/complaints',
    id: 'complain',
    tag: 'Sessions',
    summary: 'Say that something is wrong with a frame, or with the night',
    description: 'The operator is told. The answer stands beside the complaint, on the same evidence.',
    guard: { scopes: ['session:view', 'bookings:write', 'admin:write'] },
    params: Id,
    body: ComplaintRequest,
    answers: { 201: { description: 'Kept', schema: Complaint } },
    problems: ['conflict', 'in_progress'],
  },
  async ({ deps, c, who, params, body }) =>
    idempotent(deps, c, who, body, async () => {
      requireBooking(who, params.id);
      const { booking } = await loadBooking(deps, who, params.id);
      const bookingId = booking.id;
      if (body.image_id && !(await deps.db.frame.findFirst({ where: { id: body.image_id, bookingId } })))
        throw invalid({ image_id: [`this booking has no image "${body.image_id}"`] });
      if ((await deps.db.complaint.count({ where: { bookingId, answeredAt: null } })) >= MAX_OPEN)
        throw new Problem('conflict', `${MAX_OPEN} complaints about this booking wait for an answer already.`);
      const at = new Date(deps.now());
      const row = await deps.db.$transaction(async (tx) => {
        const data = { bookingId, imageId: body.image_id ?? null, text: body.text, actor: who.name, createdAt: at };
        const made = await tx.complaint.create({ data: { id: randomUUID(), ...data } });
        await enqueueAlert(tx, {
          key: `complaint/${made.id}`,
          bookingId,
          telescopeId: booking.telescopeId,
          reason: 'guest_complaint',
          message: `The guest of booking ${bookingId} says that something is wrong with ${body.image_id ? `frame ${body.image_id}` : 'the night'}. Their words and the evidence stand on the admin page.`,
          at,
        });
        return made;
      });
      return json(await show(deps, row), 201);
    }),
);

export const listComplaints = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/complaints',
    id: 'listComplaints',
    tag: 'Sessions',
    summary: 'Complaints about a session, and their answers',
    guard: READ,
    params: Id,
    answers: {
      200: { description: 'All', schema: z.object({ data: z.array(Complaint) }).meta({ id: 'ComplaintList' }) },
    },
  },
  async ({ deps, who, params }) => {
    requireBooking(who, params.id);
    await loadBooking(deps, who, params.id);
    const where = { bookingId: params.id };
    const rows = await deps.db.complaint.findMany({ where, orderBy: { createdAt: 'desc' }, take: 100 });
    return json({ data: await Promise.all(rows.map((row) => show(deps, row))) });
  },
);

export const allComplaints = route(
  {
    method: 'get',
    path: '/api/admin/complaints',
    id: 'allComplaints',
    tag: 'Admin',
    summary: 'Complaints of guests, newest first',
    guard: { scopes: ['admin:read'] },
    query: PageQuery.extend({ state: z.enum(['open', 'answered']).optional() }),
    answers: { 200: { description: 'A page', schema: pageOf(Complaint, 'ComplaintPage') } },
  },
  async ({ deps, c, query }) => {
    const cursor = decodeCursor(query.cursor, 'date', 'string');
    const at = cursor ? new Date(cursor[0]!) : null;
    const rows = await deps.db.complaint.findMany({
      where: {
        ...(query.state ? { answeredAt: query.state === 'open' ? null : { not: null } } : {}),
        ...(at && cursor
          ? { OR: [{ createdAt: { lt: at } }, { createdAt: at, id: { lt: cursor[1] as string } }] }
          : {}),
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: query.per_page + 1,
    });
    const shown = new Map(await Promise.all(rows.map(async (row) => [row.id, await show(deps, row)] as const)));
    return json(
      page(
        c.req.url,
        query.per_page,
        rows,
        (row) => shown.get(row.id)!,
        (row) => encodeCursor(row.createdAt.toISOString(), row.id),
      ),
    );
  },
);

export const answerComplaint = route(
  {
    method: 'post',
    path: '/api/complaints/{complaint_id}/answer',
    id: 'answerComplaint',
    tag: 'Admin',
    summary: 'Answer a complaint, and give credits back with it where that is due',
    guard: { scopes: ['admin:write'] },
    params: z.object({ complaint_id: z.string().max(64) }),
    body: AnswerRequest,
    answers: { 200: { description: 'Answered', schema: Complaint } },
    problems: ['conflict', 'in_progress'],
  },
  async ({ deps, c, who, params, body }) =>
    idempotent(deps, c, who, body, async () => {
      const id = params.complaint_id;
      const at = new Date(deps.now());
      const hundredths = toHundredths(body.refund_credits ?? 0);
      const row = await deps.db.$transaction(async (tx) => {
        const found = await tx.complaint.findUnique({ where: { id } });
        if (!found) throw new Problem('not_found', 'No such complaint.');
        const answered = await tx.complaint.updateMany({
          where: { id, answeredAt: null },
          data: { answer: body.answer, answeredBy: who.name, answeredAt: at, refundHundredths: hundredths },
        });
        if (answered.count === 0) throw new Problem('conflict', 'This complaint has been answered already.');
        const { bookingId } = found;
        const { telescopeId } = await tx.booking.findUniqueOrThrow({ where: { id: bookingId } });
        const given = { bookingId, telescopeId, hundredths, reason: body.answer.slice(0, 300), actor: who.name, at };
        if (hundredths > 0) orRefused(await refundWithin(tx, given));
        const data = { complaint_id: id, hundredths };
        await tx.audit.create({
          data: { id: randomUUID(), at, actor: who.name, action: 'complaint.answer', bookingId, telescopeId, data },
        });
        const { imageId, text } = found;
        await enqueueOutbox(tx, {
          key: `complaint.answered/${id}`,
          type: 'complaint.answered',
          bookingId,
          telescopeId,
          data: {
            complaint_id: id,
            image_id: imageId,
            text,
            answer: body.answer,
            credits_refund: toCredits(hundredths),
            answered_at: at.toISOString(),
          },
          channels: channelsFor('complaint.answered'),
          at,
        });
        return tx.complaint.findUniqueOrThrow({ where: { id } });
      });
      return json(await show(deps, row));
    }),
);
