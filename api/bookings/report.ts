import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { LEDGER_CLASSES, Ledger, type LedgerClass } from '../../domain/contracts/ledger.ts';
import { Report } from '../../domain/contracts/report.ts';
import { settlementOf } from '../../platform/settlements.ts';
import { requireBooking, seesPerson } from '../auth.ts';
import { loadBooking } from './load.ts';
import { Problem } from '../errors.ts';
import { json, route } from '../operation.ts';
import { signLive } from '../images/pixels.ts';
import { Id, READ, readBy } from './read.ts';

export const getLedger = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/ledger',
    id: 'getLedger',
    tag: 'Sessions',
    summary: 'Where every second of the slot went, and what that means in credits',
    guard: READ,
    params: Id,
    answers: { 200: { description: 'The ledger; without intervals until the session is settled', schema: Ledger } },
  },
  async ({ deps, who, params }) => {
    requireBooking(who, params.id);
    const { booking } = await loadBooking(deps, who, params.id);
    const [intervals, settlement] = await Promise.all([
      deps.db.ledgerInterval.findMany({ where: { bookingId: params.id }, orderBy: { startsAt: 'asc' } }),
      settlementOf(deps.db, params.id),
    ]);
    const seconds = Object.fromEntries(LEDGER_CLASSES.map((name) => [name, 0])) as Record<LedgerClass, number>;
    for (const row of intervals)
      seconds[row.class as LedgerClass] += Math.round((row.endsAt.getTime() - row.startsAt.getTime()) / 1000);
    return json({
      booking_id: params.id,
      start: booking.startsAt.toISOString(),
      end: booking.endsAt.toISOString(),
      intervals: intervals.map((row) => ({
        start: row.startsAt.toISOString(),
        end: row.endsAt.toISOString(),
        class: row.class,
        cause: row.cause,
      })),
      seconds,
      settlement,
    });
  },
);

export const getReport = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/report',
    id: 'getReport',
    tag: 'Sessions',
    summary: 'The session report',
    guard: { ...READ, signedUrl: true },
    params: Id,
    answers: { 200: { description: 'The report', schema: Report } },
  },
  async ({ deps, who, params }) => {
    requireBooking(who, params.id);
    const { booking, user } = await loadBooking(deps, who, params.id);
    const row = await deps.db.report.findUnique({ where: { bookingId: params.id } });
    if (!row) throw new Problem('not_found', 'The report is made when the session has ended.');
    const report = readBy(who, row.body as unknown as Report);
    return json({
      ...report,
      summary: { ...report.summary, user: seesPerson(who) ? (user?.displayName ?? booking.userRef) : 'guest' },
      files: {
        ...report.files,
        download_link: report.files.count > 0 ? signLive(deps, `/api/bookings/${params.id}/archive.zip`) : null,
        ...(report.files.timelapse_link ? { timelapse_link: signLive(deps, report.files.timelapse_link) } : {}),
      },
    });
  },
);

/** The browser reads the page with a key of its own, which lets it look at this session while it prints. */
const PRINT_KEY_MS = 120_000;

export const getReportPdf = route(
  {
    method: 'get',
    path: '/api/bookings/{id}/report.pdf',
    id: 'getReportPdf',
    tag: 'Sessions',
    summary: 'The session report on paper',
    description:
      'The report’s page, printed by Chromium where it is installed beside the api. The same report makes the same file, byte for byte.',
    guard: { ...READ, signedUrl: true },
    params: Id,
    query: z.object({ locale: z.enum(['fr', 'en']).optional().describe('The guest’s own when left out') }),
    answers: { 200: { description: 'PDF', media: 'application/pdf' } },
    problems: ['not_installed'],
  },
  async ({ deps, who, params, query }) => {
    requireBooking(who, params.id);
    const { booking, user } = await loadBooking(deps, who, params.id);
    const row = await deps.db.report.findUnique({ where: { bookingId: params.id } });
    if (!row || !deps.self) throw new Problem('not_found', 'The report is made when the session has ended.');
    const token = deps.signer.sign({
      id: `print-${randomUUID()}`,
      kind: 'booking',
      subject: params.id,
      scopes: ['session:view'],
      expiresAtMs: deps.now() + PRINT_KEY_MS,
      slot: { telescopeId: booking.telescopeId, startMs: booking.startsAt.getTime(), endMs: booking.endsAt.getTime() },
      telescopes: null,
    });
    const url = new URL(`/report/${encodeURIComponent(params.id)}`, deps.self);
    url.hash = `token=${token}`;
    const pdf = await deps.printer.print({
      url: url.toString(),
      locale: query.locale ?? (user?.locale === 'en' ? 'en' : 'fr'),
      madeAt: (row.body as unknown as Report).generated_at,
    });
    return new Response(new Uint8Array(pdf), {
      headers: {
        'content-type': 'application/pdf',
        'content-disposition': `inline; filename="nocturne-${params.id}.pdf"`,
        'cache-control': 'private, no-store',
      },
    });
  },
);
