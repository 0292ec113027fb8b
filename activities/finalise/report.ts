import type { LedgerClass, LedgerInterval } from '../../domain/contracts/ledger.ts';
import type { Report } from '../../domain/contracts/report.ts';
import { formatDec, formatRa } from '../../domain/coordinates.ts';
import { guidingFigures, imageFigures, meanOf } from '../../domain/figures.ts';
import { secondsByClass } from '../../domain/ledger.ts';
import type { Outcome } from '../../domain/phases.ts';
import type { Reason } from '../../domain/reasons.ts';
import { shotsOf, targetOf } from '../../platform/booking-columns.ts';
import type { Database } from '../../platform/database.ts';
import { settlementOf } from '../../platform/settlements.ts';
import type { Booking, Frame, Telemetry } from '../../prisma/client/client.ts';
import { changesSince } from './changes.ts';
import { findBooking } from '../session/booking.ts';

const WEATHER_CLASSES: readonly LedgerClass[] = ['unsafe', 'weather_hold'];
const HOLD_CLASSES: readonly LedgerClass[] = ['unsafe', 'outage', 'foreign', 'weather_hold', 'user_pause'];

/** The rows of a booking that its report is made of. */
async function rowsOf(db: Database, bookingId: string) {
  const { row, telescope } = await findBooking(db, bookingId);
  const session = await db.session.findUniqueOrThrow({ where: { bookingId } });
  // Until the telescope is given back it measures on, after the session's end too.
  const measured = { gte: row.startsAt, lt: earlier(row.endsAt, session.sessionEndedAt) };
  const [frames, timeline, telemetry, intervals, settlement] = await Promise.all([
    db.frame.findMany({ where: { bookingId }, orderBy: [{ capturedAt: 'asc' }, { id: 'asc' }] }),
    db.timeline.findMany({
      where: { bookingId, repeats: false },
      orderBy: [{ at: 'asc' }, { position: 'asc' }],
    }),
    db.telemetry.findMany({ where: { bookingId, at: measured }, orderBy: { at: 'asc' } }),
    db.ledgerInterval.findMany({ where: { bookingId }, orderBy: { startsAt: 'asc' } }),
    settlementOf(db, bookingId),
  ]);
  return { row, telescope, session, frames, timeline, telemetry, intervals, settlement };
}
type Rows = Awaited<ReturnType<typeof rowsOf>>;
const earlier = (end: Date, ended: Date | null): Date => (ended && ended < end ? ended : end);

/** The report (roadmap 7.1) as a pure function of the booking's rows: built again from the same rows it is the same, to the byte. */
export async function composeReport(
  db: Database,
  bookingId: string,
  outcome: Outcome,
  reason: Reason | null,
): Promise<Report> {
  const rows = await rowsOf(db, bookingId);
  const { row, frames, telemetry, settlement } = rows;
  const ended = rows.session.sessionEndedAt ?? row.endsAt;
  const ledger: LedgerInterval[] = rows.intervals.map((i) => ({
    start: i.startsAt.toISOString(),
    end: i.endsAt.toISOString(),
    class: i.class as LedgerClass,
    cause: i.cause,
  }));
  const night = rows.timeline.filter((line) => line.event !== outcome || line.level === 'ERROR');
  return {
    summary: { ...summaryOf(rows, ended), outcome, reason },
    weather: weatherOf(telemetry),
    images: imagesOf(frames, row),
    tracking: trackingOf(telemetry, frames),
    issues: issuesOf(ledger, night),
    ledger: { seconds: secondsByClass(ledger), intervals: ledger },
    credits: settlement,
    changes: await changesSince(db, bookingId, frames),
    files: filesOf(bookingId, frames),
    timeline: night.map((line) => ({
      at: line.at.toISOString(),
      event: line.event,
      level: line.level,
      message: line.message,
    })),
    generated_at: ended.toISOString(),
  };
}

/** What was booked, and how long it lasted. */
function summaryOf({ row, telescope, session }: Rows, ended: Date): Omit<Report['summary'], 'outcome' | 'reason'> {
  const target = targetOf(row);
  const started = session.sessionStartedAt ?? null;
  return {
    booking_id: row.id,
    user: row.userRef,
    telescope_id: row.telescopeId,
    equipment: telescope.name,
    target: target.name,
    ra_text: formatRa(target.ra_hours),
    dec_text: formatDec(target.dec_degrees),
    date: row.startsAt.toISOString(),
    end: row.endsAt.toISOString(),
    duration_planned_seconds: seconds(row.startsAt, row.endsAt),
    duration_actual_seconds: started ? Math.max(0, seconds(started, ended)) : 0,
  };
}

function trackingOf(telemetry: readonly Telemetry[], frames: Rows['frames']): Report['tracking'] {
  const samples = telemetry.map((sample) => ({
    atMs: sample.at.getTime(),
    status: statusOf(sample),
    rms: numberAt(sample, 'guiding_rms'),
  }));
  const { averageRms, uptime } = guidingFigures(samples, frames);
  return { average_rms_px: averageRms, guiding_uptime: uptime };
}

function issuesOf(ledger: readonly LedgerInterval[], night: Rows['timeline']): Report['issues'] {
  const pauses = ledger.filter((i) => i.class === 'user_pause');
  return {
    errors_count: faultsOf(night),
    pauses_count: pauses.length,
    pauses_duration_seconds: pauses.reduce((sum, i) => sum + seconds(new Date(i.start), new Date(i.end)), 0),
    holds: ledger
      .filter((i) => HOLD_CLASSES.includes(i.class))
      .map((i) => ({
        start: i.start,
        end: i.end,
        reason: i.cause ?? (WEATHER_CLASSES.includes(i.class) ? 'weather_hold' : i.class),
      })),
  };
}

/** What can be fetched: the archive of all good frames, and a film where there are two to show. */
function filesOf(bookingId: string, frames: readonly Frame[]): Report['files'] {
  const good = frames.filter((f) => f.state === 'archived');
  const shown = good.filter((f) => f.type === 'LIGHT' && f.previewed);
  return {
    download_link: good.length > 0 ? `/api/bookings/${bookingId}/archive.zip` : null,
    timelapse_link: shown.length > 1 ? `/api/bookings/${bookingId}/timelapse.webp` : null,
    total_size_bytes: good.reduce((sum, f) => sum + Number(f.sizeBytes ?? 0), 0),
    count: good.length,
  };
}

function imagesOf(frames: readonly Frame[], row: Pick<Booking, 'shots'>): Report['images'] {
  const { captured, pending: _pending, ...figures } = imageFigures(frames);
  return {
    planned: shotsOf(row).reduce((sum, shot) => sum + shot.quantity, 0),
    total_captured: captured,
    ...figures,
    frames: frames.map((f) => ({
      id: f.id,
      filename: f.filename,
      filter: f.filter,
      exposure: f.exposure,
      hfd: f.hfd,
      captured_at: f.capturedAt?.toISOString() ?? null,
      state: f.state,
      reason: f.reason,
      sha256: f.sha256,
    })),
  };
}

const weatherOf = (telemetry: readonly Telemetry[]): Report['weather'] => ({
  average_temperature: mean(telemetry, 'weather.temperature'),
  average_humidity: mean(telemetry, 'weather.humidity'),
  average_seeing: mean(telemetry, 'weather.seeing'),
  cloud_coverage: mean(telemetry, 'weather.cloud_percent'),
  samples: telemetry.length,
});

const seconds = (from: Date, to: Date): number => Math.round((to.getTime() - from.getTime()) / 1000);

/** A telemetry value by its path in the gateway's sample, such as `weather.humidity`; null when nobody measured it. */
function numberAt(sample: Telemetry, path: string): number | null {
  const value = path
    .split('.')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | null | undefined)?.[key], sample.data);
  return typeof value === 'number' ? value : null;
}
const mean = (samples: readonly Telemetry[], path: string): number | null =>
  meanOf(samples.map((sample) => numberAt(sample, path))).mean;

/** The same fault is told by its hold, by its alert and to the operator: lines with one message within a minute are one fault. */
export function faultsOf(lines: readonly { at: Date; level: string; message: string }[]): number {
  const last = new Map<string, number>();
  let faults = 0;
  for (const line of lines) {
    if (line.level !== 'ERROR') continue;
    if (line.at.getTime() - (last.get(line.message) ?? -Infinity) > 60_000) faults += 1;
    last.set(line.message, line.at.getTime());
  }
  return faults;
}

const statusOf = (sample: Telemetry): string | null => {
  const status = (sample.data as Record<string, unknown>).guiding_status;
  return typeof status === 'string' ? status : null;
};
