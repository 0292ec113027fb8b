import type { LedgerClass, LedgerInterval } from '../../domain/contracts/ledger.ts';
import type { Report } from '../../domain/contracts/report.ts';
import { formatDec, formatRa } from '../../domain/coordinates.ts';
import { exposuresOf, guidingUptime } from '../../domain/guiding.ts';
import { secondsByClass } from '../../domain/ledger.ts';
import type { Outcome } from '../../domain/phases.ts';
import type { Reason } from '../../domain/reasons.ts';
import { shotsOf, targetOf } from '../../platform/booking-columns.ts';
import type { Database } from '../../platform/database.ts';
import { latestSettlement, toSettlement } from '../../platform/settlements.ts';
import type { Frame, Telemetry } from '../../prisma/client/client.ts';
import { findBooking } from '../session/booking.ts';

const WEATHER_CLASSES: readonly LedgerClass[] = ['unsafe', 'weather_hold'];
const HOLD_CLASSES: readonly LedgerClass[] = ['unsafe', 'outage', 'foreign', 'weather_hold', 'user_pause'];

/** The report (roadmap 7.1) as a pure function of the booking's rows: built again from the same rows it is the same, to the byte. */
export async function composeReport(
  db: Database,
  bookingId: string,
  outcome: Outcome,
  reason: Reason | null,
): Promise<Report> {
  const { row, telescope } = await findBooking(db, bookingId);
  const [session, frames, timeline, telemetry, intervals, settlement] = await Promise.all([
    db.session.findUniqueOrThrow({ where: { bookingId } }),
    db.frame.findMany({ where: { bookingId }, orderBy: [{ capturedAt: 'asc' }, { id: 'asc' }] }),
    db.timeline.findMany({ where: { bookingId }, orderBy: [{ at: 'asc' }, { position: 'asc' }] }),
    db.telemetry.findMany({ where: { bookingId, at: { gte: row.startsAt, lt: row.endsAt } }, orderBy: { at: 'asc' } }),
    db.ledgerInterval.findMany({ where: { bookingId }, orderBy: { startsAt: 'asc' } }),
    latestSettlement(db, bookingId),
  ]);
  const target = targetOf(row);
  const shots = shotsOf(row);
  const ledger: LedgerInterval[] = intervals.map((i) => ({
    start: i.startsAt.toISOString(),
    end: i.endsAt.toISOString(),
    class: i.class as LedgerClass,
    cause: i.cause,
  }));
  const good = frames.filter((f) => f.state === 'archived');
  const holds = ledger.filter((i) => HOLD_CLASSES.includes(i.class));
  const pauses = ledger.filter((i) => i.class === 'user_pause');
  const started = session.sessionStartedAt ?? null;
  const ended = session.sessionEndedAt ?? row.endsAt;
  const night = timeline.filter((line) => line.event !== outcome || line.level === 'ERROR');

  return {
    summary: {
      booking_id: bookingId,
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
      outcome,
      reason,
    },
    weather: {
      average_temperature: mean(telemetry, 'weather.temperature'),
      average_humidity: mean(telemetry, 'weather.humidity'),
      average_seeing: mean(telemetry, 'weather.seeing'),
      cloud_coverage: mean(telemetry, 'weather.cloud_percent'),
      samples: telemetry.length,
    },
    images: {
      planned: shots.reduce((sum, shot) => sum + shot.quantity, 0),
      total_captured: frames.filter((f) => f.state !== 'missing').length,
      archived: good.length,
      rejected: frames.filter((f) => f.state === 'rejected').length,
      missing: frames.filter((f) => f.state === 'missing').length,
      by_filter: byFilter(good),
      total_exposure_seconds: good.reduce((sum, f) => sum + (f.exposure ?? 0), 0),
      ...meanHfd(good),
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
    },
    tracking: {
      average_rms_px: mean(telemetry, 'guiding_rms'),
      guiding_uptime: guidingUptime(
        telemetry.map((sample) => ({ atMs: sample.at.getTime(), status: statusOf(sample) })),
        exposuresOf(good),
      ),
    },
    issues: {
      errors_count: faultsOf(night),
      pauses_count: pauses.length,
      pauses_duration_seconds: pauses.reduce((sum, i) => sum + seconds(new Date(i.start), new Date(i.end)), 0),
      holds: holds.map((i) => ({
        start: i.start,
        end: i.end,
        reason: i.cause ?? (WEATHER_CLASSES.includes(i.class) ? 'weather_hold' : i.class),
      })),
    },
    ledger: { seconds: secondsByClass(ledger), intervals: ledger },
    credits: settlement ? toSettlement(settlement) : null,
    files: {
      download_link: good.length > 0 ? `/api/bookings/${bookingId}/archive.zip` : null,
      timelapse_link:
        good.filter((f) => f.type === 'LIGHT' && f.previewed).length > 1
          ? `/api/bookings/${bookingId}/timelapse.webp`
          : null,
      total_size_bytes: good.reduce((sum, f) => sum + Number(f.sizeBytes ?? 0), 0),
      count: good.length,
    },
    timeline: night.map((line) => ({
      at: line.at.toISOString(),
      event: line.event,
      level: line.level,
      message: line.message,
    })),
    generated_at: ended.toISOString(),
  };
}

const seconds = (from: Date, to: Date): number => Math.round((to.getTime() - from.getTime()) / 1000);

function average(values: readonly (number | null)[]): number | null {
  const known = values.filter((v): v is number => v !== null && Number.isFinite(v));
  return known.length === 0 ? null : Math.round((1000 * known.reduce((a, b) => a + b, 0)) / known.length) / 1000;
}
/** The mean HFD of light frames, and of how many it is known. */
function meanHfd(frames: readonly Frame[]): { average_hfd: number | null; hfd_frames: number } {
  const known = frames.filter((frame) => frame.type === 'LIGHT' && frame.hfd !== null).map((frame) => frame.hfd);
  return { average_hfd: average(known), hfd_frames: known.length };
}
/** Mean of a telemetry value by its path in the gateway's samples, such as `weather.humidity`; null when nobody measured it. */
function mean(samples: readonly Telemetry[], path: string): number | null {
  const keys = path.split('.');
  return average(
    samples.map((sample) => {
      const value = keys.reduce<unknown>(
        (node, key) => (node as Record<string, unknown> | null | undefined)?.[key],
        sample.data,
      );
      return typeof value === 'number' ? value : null;
    }),
  );
}

function byFilter(frames: readonly Frame[]): Report['images']['by_filter'] {
  const groups = new Map<string, Frame[]>();
  for (const frame of frames) {
    const name = frame.filter ?? '';
    const group = groups.get(name);
    if (group) group.push(frame);
    else groups.set(name, [frame]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([filter, list]) => ({
      filter,
      count: list.length,
      exposure_seconds: list.reduce((sum, f) => sum + (f.exposure ?? 0), 0),
      ...meanHfd(list),
    }));
}

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
