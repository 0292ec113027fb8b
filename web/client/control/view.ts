import { formatDec, formatRa } from '../../../domain/coordinates.ts';
import { LIVE_WITHIN_SECONDS, silentSeconds, withoutEvidence } from '../../../domain/evidence.ts';
import { isActivePhase, isWaitingPhase } from '../../../domain/phases.ts';
import { clock, coordinate, dayAndTime, duration, number, percent, span, UNKNOWN, zoneName } from '../core/format.ts';
import type { ImageSummary, Measured, PlanLine, SessionStats, Snapshot, TelescopeState } from '../core/types.ts';
import { reasonIn, translate, type Locale } from '../i18n/index.ts';
import { linkIn, observatoryIn } from '../i18n/observatory.ts';

/** Seconds after which a panel's data counts as old: Voyager speaks every 2 s, weather comes more slowly. */
const STALE_SECONDS = {
  telescope: LIVE_WITHIN_SECONDS,
  camera: LIVE_WITHIN_SECONDS,
  focuser: LIVE_WITHIN_SECONDS,
  guiding: LIVE_WITHIN_SECONDS,
  sequence: LIVE_WITHIN_SECONDS,
  weather: 180,
} as const;
export type AgedSection = keyof typeof STALE_SECONDS;

/** What came last, by the server's clock; null when nothing did. */
export interface LastSeen {
  frame: Pick<ImageSummary, 'captured_at' | 'filter' | 'exposure' | 'binning' | 'hfd' | 'star_index'> | null;
  log: string | null;
  statsAtMs: number | null;
}
export interface Age {
  text: string;
  stale: boolean;
}
export interface PlanRow {
  key: string;
  filter: string;
  label: string;
  percent: number;
  count: string;
  tone: string;
}

/** What the template shows: plain strings and flags, so that one update touches only what has changed. */
export interface View {
  phase: string;
  phaseLabel: string;
  phaseSay: string;
  reason: string;
  telescopeName: string;
  targetName: string;
  targetPosition: string;
  connected: boolean;
  connectedText: string;
  connectedTone: string;
  clockLabel: string;
  clockValue: string;
  elapsed: string;
  remaining: string;
  slotPercent: number;
  slotText: string;
  credits: string;
  refund: string;
  binning: string;
  nextText: string;
  before: boolean;
  active: boolean;
  over: boolean;
  paused: boolean;
  countdown: string;
  canPause: boolean;
  canResume: boolean;
  canAbort: boolean;
  abortLabel: string;
  stopLabel: string;
  whyPause: string;
  whyResume: string;
  whyAbort: string;
  alert: string;
  alertTone: string;

  status: string;
  statusLabel: string;
  statusTone: string;
  ra: string;
  dec: string;
  altaz: string;
  tracking: string;
  trackingOn: boolean;
  slewing: boolean;
  parked: string;
  unparked: boolean;
  pier: string;
  flip: string;

  cameraTemperature: string;
  cameraBinning: string;
  cameraSetpoint: string;
  cameraPower: string;
  cameraPowerPercent: number;
  cooling: string;
  coolingOn: boolean;

  focuserPosition: string;
  focuserTemperature: string;
  lastFocus: string;

  sequenceName: string;
  filter: string;
  filterTone: string;
  exposureText: string;
  exposurePercent: number;
  exposureStatus: string;
  exposing: boolean;
  shots: string;
  planPercent: number;
  sequenceRemaining: string;
  /** What stands where there is no frame. */
  previewEmpty: string;
  imagesEmpty: string;
  statsEmpty: string;
  integration: string;
  plan: PlanRow[];

  guiding: string;
  guidingTone: string;
  rmsX: string;
  rmsY: string;
  rmsTotal: string;
  dither: string;

  previewHfd: string;
  previewStarIndex: string;
  previewStats: string;
  previewAge: string;
  previewTime: string;

  imagesCount: string;
  imagesAge: string;
  logsAge: string;
  statsAge: string;

  statElapsed: string;
  statExposure: string;
  statHfd: string;
  statGuiding: string;

  weather: string;
  weatherLabel: string;
  weatherReason: string;
  weatherTemperature: string;
  weatherHumidity: string;
  weatherWind: string;
  weatherSeeing: string;
  weatherClouds: string;
  weatherDew: string;
  weatherSky: string;
  monitor: string;

  age: Record<AgedSection, Age>;
}

export interface ViewInput {
  snapshot: Snapshot | null;
  telescope: TelescopeState | null;
  /** When `telescope` came in, by the page's clock. */
  telescopeAtMs: number;
  stats: SessionStats | null;
  /** Time by the server's clock. */
  nowMs: number;
  pageNowMs: number;
  locale: Locale;
  zone: 'site' | 'local';
  lastBinning: number | null;
  last?: LastSeen;
}

const TONES: Record<string, string> = {
  L: 'l',
  R: 'r',
  G: 'g',
  B: 'b',
  HA: 'ha',
  'H-ALPHA': 'ha',
  OIII: 'oiii',
  O3: 'oiii',
  SII: 'sii',
  S2: 'sii',
};
/** Colour name of a filter; unknown filters share one. */
export const filterTone = (filter: string | null | undefined): string => TONES[(filter ?? '').toUpperCase()] ?? 'other';

/** "just now", "40 s ago", "3 min ago": the older, the coarser. */
const ago = (seconds: number, locale: Locale): string =>
  seconds < 5
    ? translate(locale, 'ui.age.now')
    : translate(locale, 'ui.age', { age: duration(seconds < 60 ? seconds : Math.floor(seconds / 60) * 60) });

export function ageOf(seconds: number | null, limit: number, locale: Locale): Age {
  if (seconds === null) return { text: translate(locale, 'ui.age.none'), stale: true };
  return { text: ago(seconds, locale), stale: seconds > limit };
}

/** Lines of the same kind as one, in the order in which they first come: a plan that goes round its filters has a dozen. */
function linesOf(plan: readonly PlanLine[]): PlanLine[] {
  const lines: PlanLine[] = [];
  for (const line of plan) {
    const same = lines.find(
      (l) =>
        l.filter === line.filter &&
        l.exposure_seconds === line.exposure_seconds &&
        l.binning === line.binning &&
        l.type === line.type,
    );
    if (same) Object.assign(same, { quantity: same.quantity + line.quantity, done: same.done + line.done });
    else lines.push({ ...line });
  }
  return lines;
}

/** Nothing is live any more, and nothing is wrong with that. */
function afterwards(text: string): Record<AgedSection, Age> {
  const age = { text, stale: false };
  return { telescope: age, camera: age, focuser: age, guiding: age, sequence: age, weather: age };
}

/** The header's word on the telescope's link: green for fresh evidence alone, red where the gateway itself says that the link is down. */
function connectionOf(
  awaited: boolean,
  given: TelescopeState | null,
  connected: boolean,
  say: (key: string) => string,
): { text: string; tone: string } {
  if (!awaited) return { text: '', tone: 'dim' };
  if (connected) return { text: say('header.connected'), tone: 'good' };
  return given && !given.connection.connected
    ? { text: say('header.disconnected'), tone: 'danger' }
    : { text: say('header.unheard'), tone: 'dim' };
}

/** Everything the control page shows, out of snapshot, mirror and the time. */
export function buildView(input: ViewInput): View {
  const { snapshot: s, stats, nowMs, locale } = input;
  const say = (key: string, values?: Record<string, string | number>): string => translate(locale, key, values);
  const since = Math.max(0, (input.pageNowMs - input.telescopeAtMs) / 1000);
  const t = input.telescope && withoutEvidence(input.telescope, since);
  const plus = (age: number | null | undefined): number | null =>
    age === null || age === undefined ? null : age + since;
  const zone = input.zone === 'site' && s ? s.timezone : undefined;
  const phase = s?.phase ?? 'scheduled';
  const start = s ? Date.parse(s.start) : nowMs;
  const end = s ? Date.parse(s.end) : nowMs;
  const before = !!s && isWaitingPhase(phase);
  const active = !!s && isActivePhase(phase);
  const over = !!s && !before && !active;
  const elapsedFrom = s?.session_started_at ? Date.parse(s.session_started_at) : start;
  const elapsedTo = s?.session_ended_at ? Date.parse(s.session_ended_at) : Math.min(nowMs, end);
  const elapsed = before ? 0 : Math.max(0, (elapsedTo - elapsedFrom) / 1000);
  const remaining = over ? 0 : Math.max(0, (end - Math.max(nowMs, start)) / 1000);
  const m = t?.mount;
  const connected = t?.connection.connected ?? false;
  /** The session is under way and nothing fresh says what the telescope does. */
  const unheard = active && !connected;
  const silent = input.telescope ? silentSeconds(input.telescope, since) : null;
  const phaseName = phase === 'holding' && s?.hold_cause ? say(`hold.${s.hold_cause}`) : say(`phase.${phase}`);
  const exposure = t?.exposure ?? null;
  const exposing = exposure !== null && exposure.status !== 'IDLE' && exposure.status !== 'ERROR';
  const exposureElapsed = exposure
    ? Math.min(exposure.total_seconds, exposure.elapsed_seconds + (exposure.status === 'EXPOSE' ? since : 0))
    : 0;
  const exposurePercent =
    !exposing || !exposure
      ? 0
      : exposure.status === 'EXPOSE' && exposure.total_seconds > 0
        ? (100 * exposureElapsed) / exposure.total_seconds
        : 100;
  const w = t?.weather;
  const sky = !w || w.reason === 'weather_unknown' ? 'unknown' : w.state;
  const unmeasured = w ? say('weather.unmeasured') : UNKNOWN;
  const measured = (value: Measured | undefined, digits: number, unit: string): string =>
    value
      ? unit === '%'
        ? percent(value.value / 100, locale, digits)
        : `${number(value.value, locale, digits)}${unit === '″' ? '' : '\u00a0'}${unit}`
      : unmeasured;
  const worded = (what: 'wind' | 'cloud', word: string | null | undefined): string =>
    word ? textOr(`weather.${what}.${word.toUpperCase()}`, word, locale) : unmeasured;
  const degrees = (value: number | null | undefined, digits = 1): string =>
    value === null || value === undefined ? UNKNOWN : `${number(value, locale, digits)} °C`;
  const passed = (at: string | null | undefined): string =>
    at ? ago(Math.max(0, (nowMs - Date.parse(at)) / 1000), locale) : '';
  const onOff = (value: boolean | null | undefined): string =>
    value === null || value === undefined ? UNKNOWN : say(value ? 'telescope.on' : 'telescope.off');
  const binning = before ? null : (t?.camera.binning ?? t?.preview?.binning ?? input.lastBinning);
  const weatherStale = (w?.stale ?? true) || (plus(w?.category_age_seconds) ?? 0) > 600;
  const weatherAges = w
    ? [
        w.category_age_seconds,
        w.temperature_celsius?.age_seconds,
        w.humidity_percent?.age_seconds,
        w.safety_monitor?.age_seconds,
      ].filter((a): a is number => typeof a === 'number')
    : [];
  const planDone = s?.progress.shots_done ?? 0;
  const planTotal = s?.progress.shots_total ?? 0;
  const remainingPlan = s
    ? s.plan.reduce((sum, line) => sum + Math.max(0, line.quantity - line.done) * line.exposure_seconds, 0)
    : null;
  const used = s ? s.credits.used : null;

  // After the night the mirror is gone; its last frame is still there.
  const frame = input.last?.frame;
  const picture = t?.preview
    ? { ...t.preview, exposure: t.preview.exposure_seconds }
    : frame
      ? { ...frame, at: frame.captured_at }
      : null;

  const connection = connectionOf(s !== null && !over, input.telescope, connected, say);
  let alert = '';
  let alertTone = '';
  if (t?.voyager.emergency) [alert, alertTone] = [say('banner.emergency'), 'danger'];
  else if (!over && t && !connected)
    [alert, alertTone] = [
      [say('banner.gateway'), linkIn(locale, t.connection.reason)].filter(Boolean).join(' · '),
      'warn',
    ];
  else if (t?.read_only) [alert, alertTone] = [say('banner.readonly'), 'info'];

  return {
    phase: unheard ? 'unheard' : phase,
    phaseLabel: !s ? say('ui.loading') : unheard ? say('phase.unheard') : phaseName,
    phaseSay: unheard
      ? say('phase.unheard.say', {
          since: silent === null ? '' : say('phase.unheard.since', { age: duration(silent) }),
          phase: phaseName,
        })
      : s
        ? say(`phase.${phase}.say`)
        : '',
    // A reason explains the phase; beside "no news" it would claim to explain what the telescope does.
    reason: unheard ? '' : reasonIn(locale, s?.reason),
    telescopeName: s?.telescope_name ?? UNKNOWN,
    targetName: s?.target.name ?? UNKNOWN,
    targetPosition: s ? coordinate(`${s.target.ra_text} ${s.target.dec_text}`, locale) : '',
    connected,
    connectedText: connection.text,
    connectedTone: connection.tone,
    clockLabel: say(before ? 'header.startsIn' : over ? 'header.ended' : 'header.remaining'),
    clockValue: before
      ? span((start - nowMs) / 1000)
      : over
        ? clock(s?.session_ended_at ?? s?.end, locale, zone, false)
        : span(remaining),
    elapsed: span(elapsed),
    remaining: span(remaining),
    slotPercent: end > start ? Math.max(0, Math.min(100, (100 * (nowMs - start)) / (end - start))) : 0,
    slotText: s
      ? `${dayAndTime(s.start, locale, zone)} – ${clock(s.end, locale, zone, false)} ${zoneName(s.start, locale, zone)}`
      : '',
    credits: s
      ? s.credits.refund === null
        ? say('header.creditsCharged', { charged: number(s.credits.charged, locale, s.credits.charged % 1 ? 1 : 0) })
        : say('header.creditsOf', {
            used: number(used, locale, 1),
            charged: number(s.credits.charged, locale, s.credits.charged % 1 ? 1 : 0),
          })
      : UNKNOWN,
    refund: s?.credits.refund ? say('header.refund', { refund: number(s.credits.refund, locale, 1) }) : '',
    binning: binning ? `${binning}×${binning}` : UNKNOWN,
    cameraBinning: t?.camera.binning
      ? `${t.camera.binning}×${t.camera.binning}`
      : binning
        ? `${binning}×${binning}`
        : UNKNOWN,
    nextText: s?.next
      ? `${say('next.label')} : ${textOr(`next.${s.next.what}`, s.next.what, locale)} · ${clock(s.next.at, locale, zone, false)}`.replace(
          ' :',
          locale === 'fr' ? ' :' : ':',
        )
      : '',
    before,
    active,
    over,
    paused: phase === 'holding' && s?.hold_cause === 'user',
    countdown: before ? span((start - nowMs) / 1000) : '',
    canPause: !!s && s.controls.pause === null,
    canResume: !!s && s.controls.resume === null,
    canAbort: !!s && s.controls.abort === null,
    abortLabel: say(before ? 'header.cancel' : 'header.abort'),
    stopLabel: say(before ? 'controls.cancel' : 'controls.abort'),
    whyPause: reasonIn(locale, s?.controls.pause),
    whyResume: reasonIn(locale, s?.controls.resume),
    whyAbort: reasonIn(locale, s?.controls.abort),
    alert,
    alertTone,

    status: t?.voyager.status ?? 'UNDEFINED',
    statusLabel: over ? UNKNOWN : say(`voyager.${t?.voyager.status ?? 'UNDEFINED'}`),
    statusTone: { IDLE: 'calm', RUN: 'good', ERROR: 'danger', STOPPED: 'calm', WARNING: 'warn', UNDEFINED: 'dim' }[
      t?.voyager.status ?? 'UNDEFINED'
    ],
    ra: positionIn(m?.ra_j2000_hours, m?.ra_hours, formatRa, locale),
    dec: positionIn(m?.dec_j2000_degrees, m?.dec_degrees, formatDec, locale),
    altaz:
      m?.altitude_degrees === null || m?.altitude_degrees === undefined
        ? UNKNOWN
        : `${number(m.altitude_degrees, locale, 1)}° · ${number(m.azimuth_degrees, locale, 1)}°`,
    tracking: m?.slewing ? say('telescope.slewing') : onOff(m?.tracking),
    trackingOn: m?.tracking === true,
    slewing: m?.slewing === true,
    parked:
      m?.parked === null || m?.parked === undefined
        ? UNKNOWN
        : say(m.parked ? 'telescope.parked.yes' : 'telescope.parked.no'),
    unparked: m?.parked === false,
    pier: m?.pier ? say(`telescope.pier.${m.pier}`) : UNKNOWN,
    // Voyager counts from the meridian: negative is before it (MNTTFLIP).
    flip:
      m?.time_to_flip_seconds !== null && m?.time_to_flip_seconds !== undefined && m.time_to_flip_seconds < 0
        ? duration(Math.max(0, -m.time_to_flip_seconds - since))
        : UNKNOWN,

    cameraTemperature: degrees(t?.camera.temperature_celsius),
    cameraSetpoint:
      t?.camera.setpoint_celsius === null || t?.camera.setpoint_celsius === undefined
        ? ''
        : say('camera.setpoint', { value: degrees(t.camera.setpoint_celsius) }),
    cameraPower:
      t?.camera.power_percent === null || t?.camera.power_percent === undefined
        ? UNKNOWN
        : percent(t.camera.power_percent / 100, locale),
    cameraPowerPercent: t?.camera.power_percent ?? 0,
    cooling: t?.camera.status
      ? textOr(`cooling.${t.camera.status}`, t.camera.status, locale)
      : onOff(t?.camera.cooling),
    coolingOn: t?.camera.cooling === true,

    focuserPosition: number(t?.focuser.position, locale),
    focuserTemperature: degrees(t?.focuser.temperature_celsius),
    lastFocus: t?.focuser.last_focus
      ? `${clock(t.focuser.last_focus.at, locale, zone, false)}${t.focuser.last_focus.ok ? ` · HFD ${number(t.focuser.last_focus.hfd, locale, 2)}` : ` · ${say('focuser.last.failed')}`}`
      : UNKNOWN,

    sequenceName: t?.sequence?.name || t?.voyager.run_sequence || UNKNOWN,
    filter: exposure?.filter ?? t?.preview?.filter ?? UNKNOWN,
    filterTone: filterTone(exposure?.filter ?? t?.preview?.filter),
    exposureText:
      exposing && exposure
        ? `${number(exposureElapsed, locale)} / ${number(exposure.total_seconds, locale)} s`
        : say(unheard ? 'ui.unknown' : 'sequence.none'),
    exposurePercent: Math.max(0, Math.min(100, exposurePercent)),
    exposureStatus:
      exposing && exposure ? say(`exposure.${exposure.status}`) : say(unheard ? 'ui.unknown' : 'exposure.IDLE'),
    exposing,
    shots: s ? `${planDone} / ${planTotal}` : UNKNOWN,
    planPercent: s?.progress.percent ?? 0,
    sequenceRemaining: over
      ? UNKNOWN
      : t?.sequence?.remaining_seconds !== null && t?.sequence?.remaining_seconds !== undefined
        ? duration(Math.max(0, t.sequence.remaining_seconds - since))
        : remainingPlan === null
          ? UNKNOWN
          : duration(remainingPlan),
    previewEmpty: say(over ? 'preview.over' : 'preview.none'),
    imagesEmpty: say(over ? 'images.over' : 'images.none'),
    statsEmpty: say(over ? 'images.over' : 'stats.none'),
    integration: s ? duration(s.progress.integration_seconds) : UNKNOWN,
    plan: linesOf(s?.plan ?? []).map((line) => ({
      key: [line.filter, line.exposure_seconds, line.binning, line.type].join(' '),
      filter: line.filter,
      label: `${line.quantity} × ${number(line.exposure_seconds, locale, line.exposure_seconds % 1 ? 1 : 0)} s`,
      percent: line.quantity > 0 ? (100 * line.done) / line.quantity : 0,
      count: `${line.done}/${line.quantity}`,
      tone: filterTone(line.filter),
    })),

    guiding: t?.guiding.status ? say(`guiding.${t.guiding.status}`) : UNKNOWN,
    guidingTone: { STOPPED: 'calm', SETTLING: 'warn', RUNNING: 'good', TIMEOUT: 'danger', none: 'dim' }[
      t?.guiding.status ?? 'none'
    ],
    rmsX: t?.guiding.rms ? `${number(t.guiding.rms.x_px, locale, 2)} px` : UNKNOWN,
    rmsY: t?.guiding.rms ? `${number(t.guiding.rms.y_px, locale, 2)} px` : UNKNOWN,
    rmsTotal: t?.guiding.rms ? `${number(t.guiding.rms.total_px, locale, 2)} px` : UNKNOWN,
    dither: t?.guiding.dither ? say(`guiding.${t.guiding.dither}`) : UNKNOWN,

    previewHfd: picture?.hfd ? `${number(picture.hfd, locale, 2)} px` : UNKNOWN,
    previewStarIndex: picture?.star_index ? number(picture.star_index, locale, 1) : UNKNOWN,
    previewStats: picture
      ? [
          picture.filter,
          picture.exposure ? `${number(picture.exposure, locale)} s` : null,
          picture.binning ? `bin ${picture.binning}` : null,
        ]
          .filter(Boolean)
          .join(' · ')
      : '',
    previewAge: passed(picture?.at),
    previewTime: picture ? clock(picture.at, locale, zone) : '',

    imagesCount: say(s?.images.captured === 1 ? 'images.one' : 'images.count', {
      n: number(s?.images.captured ?? 0, locale),
    }),
    imagesAge: passed(input.last?.frame?.captured_at),
    logsAge: passed(input.last?.log),
    statsAge: input.last?.statsAtMs ? ago(Math.max(0, (input.pageNowMs - input.last.statsAtMs) / 1000), locale) : '',

    statElapsed: duration(elapsed),
    statExposure: duration(stats?.total_exposure_seconds ?? s?.progress.integration_seconds ?? null),
    statHfd: (() => {
      const hfd = stats?.average_hfd ?? s?.images.average_hfd ?? null;
      return hfd === null ? UNKNOWN : `${number(hfd, locale, 2)} px`;
    })(),
    statGuiding: percent(stats?.guiding.success_rate, locale),

    weather: sky,
    weatherLabel: sky === 'unknown' ? (over ? UNKNOWN : say('ui.unknown')) : say(`weather.${sky}`),
    weatherReason: w
      ? [reasonIn(locale, w.reason), ...w.causes.map((cause) => observatoryIn(locale, cause))]
          .filter(Boolean)
          .join(' · ')
      : '',
    weatherTemperature: measured(w?.temperature_celsius ?? null, 1, '°C'),
    weatherHumidity: measured(w?.humidity_percent ?? null, 0, '%'),
    weatherWind: w?.wind_meters_per_second
      ? `${number(w.wind_meters_per_second.value, locale, 1)} m/s`
      : worded('wind', w?.wind),
    weatherSeeing: measured(w?.seeing_arcsec ?? null, 1, '″'),
    weatherClouds: w?.cloud_percent ? percent(w.cloud_percent.value / 100, locale) : worded('cloud', w?.cloud),
    weatherDew: measured(w?.dew_point_celsius ?? null, 1, '°C'),
    weatherSky: measured(w?.sky_quality_mag_arcsec2 ?? null, 1, 'mag/″²'),
    monitor: !w
      ? UNKNOWN
      : !w.safety_monitor?.connected
        ? say('weather.monitor.none')
        : w.safety_monitor.safe === null
          ? say('ui.unknown')
          : say(w.safety_monitor.safe ? 'weather.monitor.safe' : 'weather.monitor.unsafe'),

    age: over
      ? afterwards(say('ui.age.over'))
      : {
          telescope: ageOf(plus(m?.age_seconds), STALE_SECONDS.telescope, locale),
          camera: ageOf(plus(t?.camera.age_seconds), STALE_SECONDS.camera, locale),
          focuser: ageOf(plus(t?.focuser.age_seconds), STALE_SECONDS.focuser, locale),
          guiding: ageOf(plus(t?.guiding.age_seconds), STALE_SECONDS.guiding, locale),
          sequence: ageOf(plus(t?.voyager.age_seconds), STALE_SECONDS.sequence, locale),
          weather: ((): Age => {
            const age = ageOf(
              weatherAges.length > 0 ? plus(Math.min(...weatherAges)) : null,
              STALE_SECONDS.weather,
              locale,
            );
            return { text: age.text, stale: age.stale || weatherStale };
          })(),
        },
  };
}

/** A coordinate of epoch J2000, as the target's stands beside it; one of the date is named as such. */
function positionIn(
  j2000: number | null | undefined,
  ofDate: number | null | undefined,
  format: (value: number) => string,
  locale: Locale,
): string {
  if (j2000 !== null && j2000 !== undefined) return coordinate(format(j2000), locale);
  return ofDate === null || ofDate === undefined ? UNKNOWN : `${coordinate(format(ofDate), locale)} (JNow)`;
}

/** The text of a key, or what stands for it when there is none. */
function textOr(key: string, otherwise: string, locale: Locale): string {
  const text = translate(locale, key);
  return text === key ? otherwise.replaceAll('_', ' ') : text;
}
