import { createHash } from 'node:crypto';
import type { BookingRequest, Constraints, Shot, Target } from '../../domain/contracts/booking.ts';
import { hasSite, type SitedTelescope, type Telescope } from '../../domain/contracts/telescope.ts';
import { altAz, skyVerdict, sunAltitudeDegrees, usableWindows } from '../../domain/sky.ts';
import { MAX_CREDITS, toCredits, toHundredths } from '../../domain/credits.ts';
import { invalid, type FieldErrors } from '../errors.ts';

/** Longest slot that is taken: one night anywhere, polar ones too. */
const MAX_SLOT_HOURS = 24;
/** Time a frame takes beyond its exposure (download, save, dither), used for estimates only. */
export const OVERHEAD_SECONDS_PER_FRAME = 10;

export interface PlanBody {
  start: string;
  end: string;
  target: Target;
  shots: Shot[];
  constraints: Constraints;
}

/** Text with sorted keys, so that two bodies that say the same have one hash. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object')
    return `{${Object.entries(value)
      .filter(([, v]) => v !== undefined && v !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`)
      .join(',')}}`;
  return JSON.stringify(value);
}

/** Identity of what was asked for. The person's name and address stay out: no trace of them outside table users. */
export function bodyHash(body: BookingRequest): string {
  const plain = {
    telescope_id: body.telescope_id,
    start: new Date(body.start).toISOString(),
    end: new Date(body.end).toISOString(),
    user_ref: body.user.ref,
    target: body.target,
    shots: body.shots,
    constraints: body.constraints,
    credits: body.credits,
    rebooked_from: body.rebooked_from,
  };
  return createHash('sha256').update(canonical(plain)).digest('hex');
}

export const planSeconds = (shots: readonly Shot[]): { exposure: number; estimated: number; frames: number } => {
  const frames = shots.reduce((n, shot) => n + shot.quantity, 0);
  const exposure = shots.reduce((n, shot) => n + shot.quantity * shot.exposure_seconds, 0);
  return { exposure, frames, estimated: exposure + frames * OVERHEAD_SECONDS_PER_FRAME };
};

/** What a booking costs with so many credits more. @throws Problem `invalid` where that is more than a booking may cost */
export function chargedMore(before: BookingRequest['credits'], more: number): BookingRequest['credits'] {
  const charged = toCredits(toHundredths(before.charged + more));
  if (charged > MAX_CREDITS) throw invalid({ credits_charged: [`may bring the booking to ${MAX_CREDITS} at most`] });
  return { ...before, charged };
}

/** Filters in the order of the wheel. */
export const filterNames = (telescope: Pick<Telescope, 'filters'>): string[] =>
  Object.entries(telescope.filters)
    .sort(([, a], [, b]) => a - b)
    .map(([name]) => name);

const add = (errors: FieldErrors, field: string, message: string): void => {
  (errors[field] ??= []).push(message);
};

const lacksForBookings = ({ base_sequence_guid, site }: Telescope): string[] => [
  ...(base_sequence_guid === null ? ['sets base_sequence_guid (VOYAGER_DEFAULT_SEQUENCE_GUID)'] : []),
  ...(site === null
    ? ['says where it stands (site, or SITE_LATITUDE_DEGREES, SITE_LONGITUDE_DEGREES and SITE_TIMEZONE)']
    : []),
];

/** Everything about a plan that needs the clock, the telescope and the sky; each problem is put under its field. Empty when it can run. */
export function planErrors(telescope: Telescope, body: PlanBody, nowMs: number): FieldErrors {
  const errors: FieldErrors = {};
  const startMs = Date.parse(body.start);
  const endMs = Date.parse(body.end);
  for (const lacking of lacksForBookings(telescope))
    add(errors, 'telescope_id', `can be watched, not booked yet; its operator ${lacking}`);
  if (endMs <= startMs) add(errors, 'end', 'must be after start');
  else if (endMs - startMs > MAX_SLOT_HOURS * 3_600_000)
    add(errors, 'end', `must be within ${MAX_SLOT_HOURS} hours of start`);
  if (body.constraints.hour_angle_end_hours <= body.constraints.hour_angle_start_hours)
    add(errors, 'constraints.hour_angle_end_hours', 'must be greater than hour_angle_start_hours');
  body.shots.forEach((shot, i) => {
    if (!Object.hasOwn(telescope.filters, shot.filter))
      add(
        errors,
        `shots.${i}.filter`,
        `unknown filter "${shot.filter}"; this telescope has ${filterNames(telescope).join(', ')}`,
      );
  });
  if (errors.end) return errors;

  const shortest = Math.min(...body.shots.map((s) => s.exposure_seconds));
  body.shots.forEach((shot, i) => {
    if (shot.exposure_seconds * 1000 > endMs - startMs)
      add(
        errors,
        `shots.${i}.exposure_seconds`,
        `one exposure of ${shot.exposure_seconds} s is longer than the slot of ${(endMs - startMs) / 1000} s`,
      );
  });
  if (endMs <= nowMs) add(errors, 'end', 'the slot is over');
  else if (startMs < nowMs && endMs - nowMs < shortest * 1000)
    add(errors, 'end', 'what is left of the slot is shorter than one exposure');
  if (errors.end || errors['constraints.hour_angle_end_hours'] || !hasSite(telescope)) return errors;

  if (body.shots.some((s) => s.type === 'light')) {
    const from = Math.max(startMs, nowMs);
    let dark = false;
    for (let at = from; !dark && at <= endMs; at += 60_000)
      dark = sunAltitudeDegrees(telescope.site, at) <= telescope.night.sun_altitude_degrees;
    dark ||= sunAltitudeDegrees(telescope.site, endMs) <= telescope.night.sun_altitude_degrees;
    if (!dark) {
      const sun = Math.round(sunAltitudeDegrees(telescope.site, from));
      add(
        errors,
        'start',
        `no night in this slot: the Sun stays above ${telescope.night.sun_altitude_degrees}° at ${telescope.name} (${sun}° at start)`,
      );
    } else if (usableWindows(telescope, body.target, body.constraints, from, endMs).length === 0)
      add(errors, 'target', whyNeverUsable(telescope, body, from, endMs));
  }
  return errors;
}

function whyNeverUsable(telescope: SitedTelescope, body: PlanBody, from: number, to: number): string {
  let highest = -90;
  const verdicts = new Set<string>();
  for (let at = from; at <= to; at += 60_000) {
    highest = Math.max(
      highest,
      altAz(telescope.site, body.target.ra_hours, body.target.dec_degrees, at).altitudeDegrees,
    );
    verdicts.add(skyVerdict(telescope, body.target, body.constraints, at));
  }
  const high = `it reaches ${highest.toFixed(1)}° in this slot`;
  if (!verdicts.has('outside_hour_angle'))
    return `${body.target.name} is never above ${body.constraints.min_altitude_degrees}° and the horizon while it is dark: ${high}`;
  return `${body.target.name} is never between the hour angles ${body.constraints.hour_angle_start_hours} and ${body.constraints.hour_angle_end_hours} h while it is dark: ${high}`;
}
