import { z } from 'zod';
import { MAX_CREDITS } from '../credits.ts';
import { Guid, Instant, TelescopeId } from './common.ts';

export const PathMapping = z.object({
  from: z.string().min(1).describe('Root as Voyager writes it, such as C:\\Voyager\\FITS or \\\\nas\\fits'),
  to: z
    .string()
    .min(1)
    .refine((to) => /^(?:[/\\]|[A-Za-z]:[\\/])/.test(to), {
      error: ({ input }) => `must map to a whole path such as /mnt/fits, not "${String(input)}"`,
    })
    .describe('The same folder as this machine sees it'),
});
export type PathMapping = z.infer<typeof PathMapping>;
/** One folder of Voyager's stands in one place. */
export function noFolderTwice(map: readonly PathMapping[], context: z.RefinementCtx): void {
  const folders = map.map(({ from }) => `${from}/`.replaceAll('\\', '/').replaceAll('//', '/').toLowerCase());
  const twice = map.find((_, i) => folders.indexOf(folders[i]!) !== i);
  if (twice)
    context.addIssue({ code: 'custom', message: `maps ${twice.from} to more than one folder; leave one of them` });
}

export const HorizonPoint = z.object({
  azimuth_degrees: z.number().min(0).max(360),
  altitude_degrees: z.number().min(-5).max(89),
});

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone.length > 0;
  } catch {
    return false;
  }
}
const NO_TIME_ZONE = 'Not a time zone that this machine knows; an IANA name such as Europe/Paris is expected';
const optional = z
  .boolean()
  .optional()
  .describe('Sessions go on without it; else a source that is silent, old or frozen counts as unknown weather');
export const WeatherSource = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('voyager'), period_seconds: z.number().positive().default(30), optional }),
  z.object({
    kind: z.literal('alpaca'),
    url: z.url(),
    observing_conditions: z.number().int().min(0).nullable().default(0),
    safety_monitor: z.number().int().min(0).nullable().default(0),
    period_seconds: z.number().positive().default(10),
    optional,
  }),
  z.object({
    kind: z.literal('boltwood'),
    path: z.string().min(1),
    period_seconds: z.number().positive().default(30),
    timezone: z
      .string()
      .refine(isTimeZone, NO_TIME_ZONE)
      .optional()
      .describe('Time zone (IANA name) of the clock that dates the line, where it is not the site’s'),
    optional,
  }),
]);
export type WeatherSource = z.infer<typeof WeatherSource>;

/** Above `hold` the session waits; above `unsafe` nothing may move. A value that no source measures is not compared. */
export const WeatherThresholds = z.object({
  cloud_percent: z.object({ hold: z.number(), unsafe: z.number() }).default({ hold: 60, unsafe: 90 }),
  humidity_percent: z.object({ hold: z.number(), unsafe: z.number() }).default({ hold: 90, unsafe: 96 }),
  wind_meters_per_second: z.object({ hold: z.number(), unsafe: z.number() }).default({ hold: 10, unsafe: 15 }),
  gust_meters_per_second: z.object({ hold: z.number(), unsafe: z.number() }).default({ hold: 13, unsafe: 18 }),
  dew_margin_celsius: z
    .object({ hold: z.number(), unsafe: z.number() })
    .default({ hold: 1, unsafe: -1 })
    .describe('Outside temperature less dew point; below is worse'),
});
export type WeatherThresholds = z.infer<typeof WeatherThresholds>;

export const RefundRule = z.object({
  id: z.string().default('by-the-second'),
  /** Share of a class's seconds that is given back, 0 to 1. */
  refund_share: z
    .record(z.string(), z.number().min(0).max(1))
    .default({ unsafe: 1, outage: 1, foreign: 1, weather_hold: 1, user_pause: 0, imaging: 0, overhead: 0, other: 0 }),
  /** Below this share of imaging in the slot everything is given back; 0 switches it off. */
  full_refund_below_imaging_share: z.number().min(0).max(1).default(0),
  /** Below this share of good exposure in the time that could be observed everything is given back; 0 switches it off. */
  full_refund_below_good_share: z.number().min(0).max(1).default(0.1),
  /** Below this share of good frames among those that were taken everything is given back; 0 switches it off. */
  full_refund_below_good_frames_share: z.number().min(0).max(1).default(0),
  /** How lost time is counted: by the second, by minutes begun, or not at all: the guest pays for accepted exposure. */
  count: z.enum(['second', 'minute', 'accepted_exposure']).default('second'),
  /** With at least `from` of moonlight (illuminated share times share of the slot with the Moon up) up to `share` of exposing time is given back. */
  moon: z
    .object({ share: z.number().min(0).max(1), from: z.number().min(0).max(1).default(0.5) })
    .nullable()
    .default(null),
  /** Of a slot that its guest left unused, no exposure and most of it paused or given up, no more credits than these are kept; null is off. */
  no_show_keeps_credits: z.number().min(0).max(MAX_CREDITS).nullable().default(null),
  /** Given back of a booking that its guest gave up before the slot began. */
  cancelled_share: z.number().min(0).max(1).default(1),
  /** Another share for those who give up less than so many minutes before it; null is off. */
  late_cancellation: z
    .object({ minutes: z.number().min(0), share: z.number().min(0).max(1) })
    .nullable()
    .default(null),
});
export type RefundRule = z.infer<typeof RefundRule>;

export const TelescopePolicy = z.object({
  prepare_lead: z
    .union([z.literal('noon'), z.number().min(0)])
    .default(86_400)
    .describe('Seconds before start, or noon of the day before at the site'),
  check_interval: z.number().min(1).default(300).describe('Seconds between checks while running'),
  pause_mode: z
    .enum(['finish', 'abort'])
    .default('finish')
    .describe('What happens to the exposure under way at a pause'),
  minimum_useful_seconds: z.number().min(0).default(300),
  turnaround_minutes: z.number().min(0).default(5),
  grace_seconds: z.number().min(0).default(60),
  exclusivity: z.enum(['exclusive', 'shared']).default('exclusive'),
  disable_foreign_targets: z
    .boolean()
    .default(true)
    .describe('May targets of others be disabled for the slot and enabled again after it'),
  robotarget_start: z.enum(['never', 'dragscript']).default('never'),
  dragscript: z.string().nullable().default(null),
  extend_ceiling_minutes: z.number().min(0).default(120),
  /** In clouds or wind (never in unsafe weather) the target goes on while darks, bias and flats are all that is left of it. */
  calibration_in_bad_weather: z.boolean().default(false),
  guests_read_voyager_log: z
    .boolean()
    .default(false)
    .describe('May guests read Voyager’s own log of their session; it may name other people’s targets and paths'),
  refund: RefundRule.default(RefundRule.parse({})),
});
export type TelescopePolicy = z.infer<typeof TelescopePolicy>;

/** Commands that start motion are refused unless they stand here (docs/safety.md, 4). */
export const DEFAULT_COMMANDS = [
  'RemoteGetStatus',
  'RemoteGetEnvironmentData',
  'RemoteGetFilterConfiguration',
  'RemoteGetVoyagerProfiles',
  'RemoteGetCCDConfiguration',
  'RemoteGetCCDSizeInfo',
  'RemoteGetCCDTemperature',
  'RemoteGetReadoutConfiguration',
  'RemoteGetSpeedConfiguration',
  'RemoteFilterGetActual',
  'RemoteMountStatusGetInfo',
  'RemoteGetListAvalaibleSequence',
  'RemoteGetListAvalaibleSequenceEx',
  'RemoteGetListAvalaibleDragScript',
  'RemoteRoboDataGetGeoDataCache',
  'RemoteSearchTarget',
  'RemoteActionAbort',
  'RemoteActionAbortAll',
  'Abort',
  'RemoteMountFastCommand',
  'RemoteDragScript',
  'RemoteFlatDeviceCMD',
  'RemoteCooling',
] as const;

/** Where a telescope stands. Darkness, altitudes and every slot are reckoned from it, so that nothing stands in for it. */
export const Site = z.object({
  latitude_degrees: z.number().min(-90).max(90),
  longitude_degrees: z.number().min(-180).max(180).describe('East positive'),
  elevation_meters: z.number().min(-450).max(9000).default(0),
  timezone: z.string().refine(isTimeZone, NO_TIME_ZONE).default('UTC').describe('IANA name'),
});

export const Telescope = z
  .object({
    id: TelescopeId,
    name: z.string().min(1).max(120),
    host: z.string().min(1),
    port: z.number().int().min(1).max(65535).default(5950),
    instance: z.number().int().min(1).max(3).default(1),
    gateway_url: z
      .url()
      .default('http://127.0.0.1:3100')
      .describe('Where the gateway of this telescope serves emergency abort, state and preview'),
    profile: z.string().default('Default.v2y'),
    base_sequence_guid: Guid.nullable()
      .default(null)
      .describe(
        'Of the RoboTarget base sequence that sessions use; without it the telescope can be watched, not booked',
      ),
    site: Site.nullable().describe('null while nobody said where it stands: it can be watched, not booked'),
    horizon_degrees: z.number().min(-5).max(89).default(0),
    horizon: z.array(HorizonPoint).optional(),
    night: z
      .object({ sun_altitude_degrees: z.number().min(-18).max(0).default(-12) })
      .default({ sun_altitude_degrees: -12 }),
    filters: z
      .record(z.string().min(1), z.number().int().min(0))
      .default({ L: 0, R: 1, G: 2, B: 3, Ha: 4, OIII: 5, SII: 6 }),
    camera: z
      .object({
        width: z.number().int().positive(),
        height: z.number().int().positive(),
        pixel_um: z.number().positive(),
        bayer: z.string().nullable().default(null),
      })
      .default({ width: 3008, height: 3008, pixel_um: 3.76, bayer: null }),
    path_map: z.array(PathMapping).superRefine(noFolderTwice).default([]),
    frame_orientation: z.enum(['auto', 'top-down', 'bottom-up']).default('auto'),
    weather: z
      .object({
        sources: z.array(WeatherSource).default([{ kind: 'voyager', period_seconds: 30 }]),
        stale_seconds: z.number().positive().default(180),
        resume_debounce_seconds: z.number().min(0).default(300),
        session_patience_seconds: z
          .number()
          .min(5)
          .max(600)
          .default(30)
          .describe(
            'Unsafe weather for so long without a look by the session, and the gateway itself stops the target',
          ),
        thresholds: WeatherThresholds.default(WeatherThresholds.parse({})),
      })
      .default({
        sources: [{ kind: 'voyager', period_seconds: 30 }],
        stale_seconds: 180,
        resume_debounce_seconds: 300,
        session_patience_seconds: 30,
        thresholds: WeatherThresholds.parse({}),
      }),
    policy: TelescopePolicy.default(TelescopePolicy.parse({})),
    templates: z
      .object({
        set_name: z.string().default('User_{user}_Booking_{booking}'),
        set_tag: z.string().default('stellar_booking_{booking}'),
      })
      .default({ set_name: 'User_{user}_Booking_{booking}', set_tag: 'stellar_booking_{booking}' }),
    credits_per_hour: z
      .number()
      .min(0)
      .optional()
      .describe('What an hour of a slot costs; the booking form shows it, the booking site charges'),
    commands: z.array(z.string()).default([...DEFAULT_COMMANDS]),
    unattended_without_safety_monitor: z.boolean().default(false),
  })
  .meta({ id: 'Telescope' });
export type Telescope = z.infer<typeof Telescope>;
export type TelescopeInput = z.input<typeof Telescope>;
/** A telescope of which somebody said where it stands. */
export type SitedTelescope = Telescope & { site: NonNullable<Telescope['site']> };
/** The site's time zone; UTC while nobody said where it stands. */
export const timezoneOf = (telescope: Telescope | null): string => telescope?.site?.timezone ?? 'UTC';
export const hasSite = (telescope: Telescope): telescope is SitedTelescope => telescope.site !== null;

export const Maintenance = z
  .object({
    from: Instant,
    to: Instant,
    reason: z.string().min(1).max(500),
    bookings: z.enum(['hold', 'cancel']).default('hold').describe('What happens to sessions inside the window'),
  })
  .meta({ id: 'Maintenance' });
export type Maintenance = z.infer<typeof Maintenance>;
