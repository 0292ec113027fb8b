import { ApplicationFailure } from '@temporalio/common';
import { hasSite, type SitedTelescope, type Telescope } from '../../domain/contracts/telescope.ts';
import { objectGuid } from '../../domain/ids.ts';
import { constraintsOf, shotsOf, targetOf } from '../../platform/booking-columns.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { findTelescope } from '../../platform/telescopes.ts';
import type { Booking } from '../../prisma/client/client.ts';
import { FAILURE } from '../../domain/failures.ts';
import type { ObjectsPlan, SessionBooking } from '../../domain/ports.ts';

const DAY_MS = 86_400_000;
const SHOT_TYPES = { light: 0, bias: 1, dark: 2, flat: 3 } as const;
const DEFAULT_PRIORITY = 2;

/** The booking's row and its telescope. @throws ApplicationFailure NotFound naming what is missing. */
export async function findBooking(
  db: Database | Transaction,
  bookingId: string,
): Promise<{ row: Booking; telescope: Telescope }> {
  const row = await db.booking.findUnique({ where: { id: bookingId } });
  if (!row) throw ApplicationFailure.nonRetryable(`no booking ${bookingId}`, FAILURE.notFound);
  const telescope = await findTelescope(db, row.telescopeId);
  if (!telescope)
    throw ApplicationFailure.nonRetryable(`booking ${bookingId}: no telescope ${row.telescopeId}`, FAILURE.notFound);
  return { row, telescope };
}
/** The same for what needs the sky. @throws ApplicationFailure InvalidInput where nobody said where the telescope stands */
export async function findSitedBooking(
  db: Database | Transaction,
  bookingId: string,
): Promise<{ row: Booking; telescope: SitedTelescope }> {
  const { row, telescope } = await findBooking(db, bookingId);
  if (hasSite(telescope)) return { row, telescope };
  throw ApplicationFailure.nonRetryable(
    `booking ${bookingId}: nobody said where telescope ${telescope.id} stands (site)`,
    FAILURE.invalid,
  );
}

/** The booking as a session needs it, without anything of a person. */
export function toSessionBooking(
  row: Booking,
  telescope: SitedTelescope,
  generation: number,
  maintenance: SessionBooking['maintenance'],
): SessionBooking {
  return {
    bookingId: row.id,
    telescopeId: row.telescopeId,
    start: row.startsAt.toISOString(),
    end: row.endsAt.toISOString(),
    generation,
    revision: row.version,
    cancelled: !row.occupies,
    target: targetOf(row),
    shots: shotsOf(row),
    constraints: constraintsOf(row),
    policy: {
      ...telescope.policy,
      resume_debounce_seconds: telescope.weather.resume_debounce_seconds,
      weather_stale_seconds: telescope.weather.stale_seconds,
    },
    prepareAt: prepareAt(telescope, row.startsAt.getTime()).toISOString(),
    plan: planObjects(row, telescope, generation),
    maintenance,
  };
}

/** J-1: so many seconds before the start, or noon of the day before at the site's own clock. */
export function prepareAt(telescope: Pick<SitedTelescope, 'policy' | 'site'>, startMs: number): Date {
  const lead = telescope.policy.prepare_lead;
  if (lead !== 'noon') return new Date(startMs - lead * 1000);
  const local = localParts(telescope.site.timezone, startMs);
  const noonAsUtc = Date.UTC(local.year, local.month - 1, local.day, 12) - DAY_MS;
  const shifted = noonAsUtc - offsetMs(telescope.site.timezone, noonAsUtc);
  return new Date(noonAsUtc - offsetMs(telescope.site.timezone, shifted));
}
function localParts(
  timezone: string,
  ms: number,
): { year: number; month: number; day: number; hour: number; minute: number; second: number } {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(ms);
  const part = (type: string): number => Number(parts.find((p) => p.type === type)!.value);
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
  };
}
/** Milliseconds by which the zone's clock is ahead of UTC at that instant. */
function offsetMs(timezone: string, ms: number): number {
  const p = localParts(timezone, ms);
  return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - Math.floor(ms / 1000) * 1000;
}

/**
 * Set, target and shots as the roadmap writes them (4.2), with GUIDs that follow from booking, generation and path. The target is written
 * disabled; its dates are the slot's bounds, so that Voyager itself stops it when all of us are dead (docs/safety.md, 2).
 * @throws ApplicationFailure InvalidInput naming a filter that the telescope does not have.
 */
export function planObjects(row: Booking, telescope: Telescope, generation: number): ObjectsPlan {
  const target = targetOf(row);
  const shots = shotsOf(row);
  const constraints = constraintsOf(row);
  const fill = (template: string): string => template.replaceAll('{user}', row.userRef).replaceAll('{booking}', row.id);
  const guid = (path: string): string => objectGuid(row.id, generation, path);
  const tag = fill(telescope.templates.set_tag);
  const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);
  return {
    set: {
      Guid: guid('set'),
      Name: fill(telescope.templates.set_name),
      ProfileName: telescope.profile,
      Status: 0,
      Tag: tag,
    },
    target: {
      GuidTarget: guid('target'),
      RefGuidSet: guid('set'),
      RefGuidBaseSequence: baseSequenceOf(telescope),
      TargetName: target.name,
      RAJ2000: target.ra_hours,
      DECJ2000: target.dec_degrees,
      PA: target.pa_degrees,
      DateCreation: seconds(row.createdAt),
      Status: 1,
      Priority: constraints.priority ?? DEFAULT_PRIORITY,
      IsRepeat: true,
      Repeat: 1,
      C_Mask: 'BDE',
      C_AltMin: constraints.min_altitude_degrees,
      C_HAStart: constraints.hour_angle_start_hours,
      C_HAEnd: constraints.hour_angle_end_hours,
      C_DateStart: seconds(row.startsAt),
      C_DateEnd: seconds(row.endsAt),
      Tag: tag,
    },
    shots: shots.map((shot, index) => planShot(telescope, shot, index, guid)),
  };
}

/** A line of the plan as RoboTarget's shot. @throws ApplicationFailure where the telescope has no such filter */
function planShot(
  telescope: Telescope,
  shot: ReturnType<typeof shotsOf>[number],
  index: number,
  guid: (path: string) => string,
): ObjectsPlan['shots'][number] {
  const filterIndex = Object.hasOwn(telescope.filters, shot.filter) ? telescope.filters[shot.filter] : undefined;
  if (filterIndex === undefined)
    throw ApplicationFailure.nonRetryable(
      `shots.${index}.filter: telescope ${telescope.id} has no filter "${shot.filter}"`,
      FAILURE.invalid,
    );
  return {
    GuidShot: guid(`shot/${index}`),
    RefGuidTarget: guid('target'),
    FilterIndex: filterIndex,
    Num: shot.quantity,
    Bin: shot.binning,
    ReadoutMode: 0,
    Type: SHOT_TYPES[shot.type],
    Speed: 0,
    Gain: shot.gain ?? 0,
    Offset: shot.offset ?? 0,
    Exposure: shot.exposure_seconds,
    Order: index + 1,
    Enabled: true,
  };
}

/** The maintenance that touches [from, to) of a telescope, the one that begins first. */
export async function maintenanceOf(
  db: Database | Transaction,
  telescopeId: string,
  from: Date,
  to: Date,
): Promise<SessionBooking['maintenance']> {
  const window = await db.maintenance.findFirst({
    where: { telescopeId, endedAt: null, fromAt: { lt: to }, toAt: { gt: from } },
    orderBy: { fromAt: 'asc' },
  });
  return window
    ? {
        from: window.fromAt.toISOString(),
        to: window.toAt.toISOString(),
        bookings: window.bookings === 'cancel' ? 'cancel' : 'hold',
      }
    : null;
}

/** @throws ApplicationFailure InvalidInput where a telescope can only be watched */
function baseSequenceOf({ id, base_sequence_guid }: Telescope): string {
  if (base_sequence_guid !== null) return base_sequence_guid;
  throw ApplicationFailure.nonRetryable(
    `telescope ${id} has no base_sequence_guid, which every target refers to`,
    FAILURE.invalid,
  );
}
