import {
  Event,
  ImageSummary,
  LogLine,
  type Receipt,
  Report,
  Snapshot,
  TelescopeState,
  Booking,
  type Ledger,
} from '../../domain/contracts/index.ts';
import type { z } from 'zod';
import { formatDec, formatRa } from '../../domain/coordinates.ts';
import { withoutEvidence } from '../../domain/evidence.ts';
import { laravelStatus, type Phase } from '../../domain/phases.ts';

/** A session's data as the API answers it, every body checked against its contract. */
export const BOOKING_ID = 'b-1042';
export const TELESCOPE_ID = 'demo';
const TARGET = { name: 'NGC 7000', ra_hours: 20.9797, dec_degrees: 44.33, pa_degrees: 0 };
const iso = (ms: number): string => new Date(ms).toISOString();
const guid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

export interface Night {
  startMs: number;
  endMs: number;
  phase: Phase;
  holdCause: 'weather' | 'user' | null;
  reason: z.infer<typeof Snapshot>['reason'];
  weather: 'ok' | 'hold' | 'unsafe';
  done: number;
  rev: number;
  seq: number;
  connected: boolean;
  silentSeconds: number;
  /** Seconds since the gateway itself said anything; the states are given out as the api then gives them. */
  gatewaySilentSeconds: number;
  logLines: number;
  /** Whoever looks may read Voyager's own log. */
  voyagerLog: boolean;
}
export const newNight = (now = Date.now()): Night => ({
  startMs: now - 3_600_000,
  endMs: now + 5_400_000,
  phase: 'running',
  holdCause: null,
  reason: null,
  weather: 'ok',
  done: 24,
  rev: 1,
  seq: 100,
  connected: true,
  silentSeconds: 0,
  gatewaySilentSeconds: 0,
  logLines: 40,
  voyagerLog: false,
});

export function telescopeState(night: Night, now = Date.now()): TelescopeState {
  const measured = (value: number): { value: number; source: string; age_seconds: number } => ({
    value,
    source: 'alpaca',
    age_seconds: 6 + night.silentSeconds,
  });
  const age = 0.6 + night.silentSeconds;
  const running = night.phase === 'running';
  const wave = night.rev;
  const reported = TelescopeState.parse({
    telescope_id: TELESCOPE_ID,
    rev: night.rev,
    epoch: 3,
    at: iso(now),
    stale: night.silentSeconds > 15,
    read_only: false,
    connection: {
      connected: night.connected,
      state: night.connected ? 'ready' : 'waiting',
      since: iso(night.startMs),
      host: '127.0.0.1',
      port: 5950,
      instance: 1,
      voyager_version: '2.3.14',
      last_message_age_seconds: age,
      clock_offset_seconds: 0.03,
      reconnects: 1,
      reason: night.connected ? null : 'no line for 15 s',
    },
    voyager: {
      status: running ? 'RUN' : 'IDLE',
      setup_connected: true,
      run_sequence: 'NGC7000.s2q',
      run_dragscript: 'RoboTarget',
      emergency: null,
      profile: 'Default.v2y',
      last_error: null,
      age_seconds: age,
    },
    mount: {
      connected: true,
      parked: false,
      tracking: true,
      slewing: false,
      ra_hours: 20.99,
      dec_degrees: 44.42,
      ra_j2000_hours: 20.9797,
      dec_j2000_degrees: 44.33,
      altitude_degrees: 62 + wave / 50,
      azimuth_degrees: 74 + wave / 20,
      pier: 'west',
      flip_status: null,
      time_to_flip_seconds: -4_820,
      age_seconds: age,
    },
    camera: {
      connected: true,
      temperature_celsius: -10.1,
      setpoint_celsius: -10,
      power_percent: 47,
      cooling: true,
      status: 'COOLED',
      binning: 1,
      age_seconds: age,
    },
    focuser: {
      connected: true,
      position: 10_212 - (wave % 7),
      temperature_celsius: 8.4,
      last_focus: { at: iso(night.startMs + 600_000), position: 10_212, hfd: 2.36, filter_index: 0, ok: true },
      age_seconds: age,
    },
    guiding: {
      connected: true,
      status: running ? 'RUNNING' : 'STOPPED',
      dither: 'STOPPED',
      x_px: Math.sin(wave * 1.7) * 0.4,
      y_px: Math.cos(wave * 2.3) * 0.35,
      rms: running ? { window_seconds: 60, x_px: 0.31, y_px: 0.28, total_px: 0.42, samples: 30 } : null,
      rms_windows: [],
      age_seconds: age,
    },
    rotator: { connected: true, position_degrees: 12, sky_pa_degrees: 12, moving: false },
    dome: { connected: true, azimuth_degrees: 74, moving: false, shutter: 'open' },
    planetarium_connected: true,
    plate_solver_connected: true,
    sequence: {
      name: 'NGC7000.s2q',
      total_seconds: 9_000,
      elapsed_seconds: 3_600,
      remaining_seconds: 5_400,
      start: null,
      end: null,
    },
    exposure: running
      ? {
          file: null,
          filter: 'Ha',
          total_seconds: 120,
          elapsed_seconds: 42 + (wave % 60),
          percent: 35 + (wave % 60) / 1.2,
          status: 'EXPOSE',
          age_seconds: 0.4,
        }
      : null,
    preview: {
      id: `p-${night.done}`,
      at: iso(now - 30_000),
      file: 'C:\\Voyager\\FITS\\NGC7000_024.fit',
      filter: 'Ha',
      exposure_seconds: 120,
      binning: 1,
      hfd: 2.41,
      star_index: 8.2,
      width: 3008,
      height: 3008,
      size_bytes: 120_000,
    },
    weather: {
      state: night.weather,
      reason: night.weather === 'ok' ? null : 'weather_hold',
      causes: night.weather === 'ok' ? [] : ['cloud 72 % over 60'],
      ok_since: night.weather === 'ok' ? iso(night.startMs) : null,
      safety_monitor: {
        connected: true,
        safe: night.weather !== 'unsafe',
        source: 'alpaca',
        age_seconds: 4 + night.silentSeconds,
      },
      cloud: 'clear',
      rain: 'dry',
      wind: 'calm',
      light: 'dark',
      category_age_seconds: 12 + night.silentSeconds,
      temperature_celsius: measured(7.8),
      humidity_percent: measured(63),
      dew_point_celsius: measured(1.3),
      pressure_hpa: measured(1018),
      wind_meters_per_second: measured(2.1),
      gust_meters_per_second: measured(3.4),
      cloud_percent: measured(night.weather === 'ok' ? 6 : 72),
      rain_rate: measured(0),
      sky_quality_mag_arcsec2: measured(21.2),
      sky_temperature_celsius: measured(-23),
      seeing_arcsec: null,
      stale: night.silentSeconds > 180,
    },
  });
  return withoutEvidence(reported, night.gatewaySilentSeconds);
}

const PLAN = [
  { filter: 'L', exposure_seconds: 60, quantity: 20 },
  { filter: 'Ha', exposure_seconds: 120, quantity: 15 },
  { filter: 'OIII', exposure_seconds: 120, quantity: 15 },
] as const;
function doneOf(night: Night): number[] {
  let left = night.done;
  return PLAN.map((line) => {
    const done = Math.min(line.quantity, left);
    left -= done;
    return done;
  });
}

export function snapshot(night: Night, receipt: Receipt | null, now = Date.now()): Snapshot {
  const done = doneOf(night);
  const total = PLAN.reduce((n, line) => n + line.quantity, 0);
  const { status, access_state } = laravelStatus(night.phase);
  const over = access_state === 'finished';
  const before = access_state === 'upcoming';
  const paused = night.phase === 'holding' && night.holdCause === 'user';
  return Snapshot.parse({
    seq: night.seq,
    epoch: 1,
    ts: iso(now),
    booking_id: BOOKING_ID,
    telescope_id: TELESCOPE_ID,
    telescope_name: 'Newton 250 f/4 · Atacama',
    timezone: 'America/Santiago',
    start: iso(night.startMs),
    end: iso(night.endMs),
    now: iso(now),
    target: {
      name: TARGET.name,
      ra_hours: TARGET.ra_hours,
      dec_degrees: TARGET.dec_degrees,
      ra_text: formatRa(TARGET.ra_hours),
      dec_text: formatDec(TARGET.dec_degrees),
    },
    phase: night.phase,
    hold_cause: night.holdCause,
    reason: night.reason,
    status,
    access_state,
    outcome: over && night.phase !== 'finalising' ? night.phase : null,
    next: over ? null : { what: before ? 'start' : 'end', at: iso(before ? night.startMs : night.endMs) },
    session_started_at: before ? null : iso(night.startMs),
    session_ended_at: over ? iso(now) : null,
    plan: PLAN.map((line, i) => ({ guid: guid(i + 10), ...line, done: done[i], binning: 1, type: 'light' })),
    progress: {
      shots_done: night.done,
      shots_total: total,
      integration_seconds: done.reduce((n, d, i) => n + d * PLAN[i]!.exposure_seconds, 0),
      percent: (100 * night.done) / total,
    },
    credits: { charged: 30, used: over ? 27.5 : 30, refund: over ? 2.5 : null },
    images: { captured: night.done, archived: night.done, average_hfd: 2.43 },
    controls: over
      ? { pause: 'session_over', resume: 'session_over', abort: 'session_over' }
      : before
        ? { pause: 'outside_slot', resume: 'outside_slot', abort: null }
        : { pause: paused ? 'already_paused' : null, resume: paused ? null : 'not_paused', abort: null },
    last_receipt: receipt,
    telescope: over ? null : telescopeState(night, now),
  });
}

export function imageSummary(n: number, night: Night): ImageSummary {
  const filter = n <= 20 ? 'L' : n <= 35 ? 'Ha' : 'OIII';
  const exposure = filter === 'L' ? 60 : 120;
  return ImageSummary.parse({
    id: `img-${n}`,
    booking_id: BOOKING_ID,
    filename: `NGC7000_LIGHT_${filter}_${exposure}s_BIN1_-10C_${String(n).padStart(3, '0')}.fit`,
    type: 'LIGHT',
    filter,
    exposure,
    temperature: -10.1,
    binning: 1,
    gain: 100,
    offset: 50,
    hfd: Math.round((2.3 + ((n * 37) % 11) / 40) * 100) / 100,
    hfd_source: 'voyager',
    star_index: 8.1,
    stars: 420 + ((n * 13) % 40),
    stats: null,
    captured_at: iso(night.startMs + n * 140_000),
    state: n % 17 === 0 ? 'rejected' : 'archived',
    reason: n % 17 === 0 ? 'HFD 4.9 px over 4.0' : null,
    measured: true,
    previewed: true,
    url: `/api/bookings/${BOOKING_ID}/images/img-${n}/fits?exp=1&sig=x`,
    preview_url: `/api/bookings/${BOOKING_ID}/images/img-${n}/preview.jpg?exp=1&sig=x`,
    thumbnail_url: `/api/bookings/${BOOKING_ID}/images/img-${n}/thumbnail.jpg?exp=1&sig=x`,
    full_url: `/api/bookings/${BOOKING_ID}/images/img-${n}/full.jpg?exp=1&sig=x`,
    quicklook_url: `/api/bookings/${BOOKING_ID}/images/img-${n}/quicklook.fits?exp=1&sig=x`,
    size_bytes: 18_100_800,
    sha256: 'a3'.repeat(32),
  });
}

const LINES: readonly (readonly [z.infer<typeof LogLine>['level'], string, string])[] = [
  ['INFO', 'Target enabled, waiting for RoboTarget.', 'Cible activée, en attente de RoboTarget.'],
  ['INFO', 'Slewing to NGC 7000.', 'Pointage vers NGC 7000.'],
  ['INFO', 'Autofocus done: HFD 2.36 at 10212.', 'Mise au point faite : HFD 2,36 à 10212.'],
  ['INFO', 'Guiding started.', 'Guidage démarré.'],
  ['WARNING', 'Guide star faint; settling took 21 s.', 'Étoile guide faible ; stabilisation en 21 s.'],
  ['INFO', 'Frame archived and verified.', 'Image archivée et vérifiée.'],
  ['ERROR', 'One frame rejected: HFD 4.9 px over 4.0.', 'Une image rejetée : HFD 4,9 px au-dessus de 4,0.'],
];
/** Said once, late in the night: on the second page of the log. */
export const LATE_LINE = 150;
const LATE = ['INFO', 'Meridian flip done.', 'Retournement au méridien fait.'] as const;
export function logLines(night: Night, count = 40): LogLine[] {
  return Array.from({ length: count }, (_, i) => {
    const [level, message, french] = i === LATE_LINE ? LATE : LINES[i % LINES.length]!;
    return LogLine.parse({
      at: iso(night.startMs + i * 80_000),
      level,
      source: 'session',
      event: 'session.note',
      message,
      message_fr: french,
      data: {},
    });
  });
}

export const event = (type: z.infer<typeof Event>['type'], night: Night, data: object): Event => {
  const stored = type !== 'control.updated' && type !== 'shot.progress' && type !== 'preview.ready';
  if (stored) night.seq++;
  else night.rev++;
  return Event.parse({
    id: `e-${night.seq}-${night.rev}`,
    type,
    seq: night.seq,
    epoch: 1,
    ts: iso(Date.now()),
    booking_id: BOOKING_ID,
    telescope_id: TELESCOPE_ID,
    ...(stored ? {} : { rev: night.rev }),
    data,
  });
};

export function report(night: Night): Report {
  const slot = Math.round((night.endMs - night.startMs) / 1000);
  const marks: [number, Ledger['intervals'][number]['class']][] = [
    [0, 'overhead'],
    [420, 'imaging'],
    [3_000, 'weather_hold'],
    [4_200, 'imaging'],
    [6_600, 'user_pause'],
    [6_900, 'imaging'],
    [8_700, 'overhead'],
  ];
  const intervals = marks.map(([at, kind], i) => ({
    start: iso(night.startMs + at * 1000),
    end: iso(night.startMs + (marks[i + 1]?.[0] ?? slot) * 1000),
    class: kind,
    cause: null,
  }));
  const seconds = {
    unsafe: 0,
    outage: 0,
    foreign: 0,
    weather_hold: 1_200,
    user_pause: 300,
    imaging: 6_780,
    overhead: slot - 8_280,
    other: 0,
  };
  const frames = Array.from({ length: 40 }, (_, i) => imageSummary(i + 1, night));
  return Report.parse({
    summary: {
      booking_id: BOOKING_ID,
      user: 'Marie',
      telescope_id: TELESCOPE_ID,
      equipment: 'Newton 250 f/4 · Atacama',
      target: TARGET.name,
      ra_text: formatRa(TARGET.ra_hours),
      dec_text: formatDec(TARGET.dec_degrees),
      date: iso(night.startMs),
      end: iso(night.endMs),
      duration_planned_seconds: slot,
      duration_actual_seconds: slot - 60,
      outcome: 'completed',
      reason: 'slot_over',
    },
    weather: { average_temperature: 7.4, average_humidity: 64, average_seeing: 1.8, cloud_coverage: 11, samples: 150 },
    images: {
      planned: 50,
      total_captured: 40,
      archived: 38,
      rejected: 2,
      missing: 0,
      by_filter: [
        { filter: 'L', count: 20, exposure_seconds: 1_200, average_hfd: 2.38 },
        { filter: 'Ha', count: 15, exposure_seconds: 1_800, average_hfd: 2.41 },
        { filter: 'OIII', count: 5, exposure_seconds: 600, average_hfd: 2.47 },
      ],
      total_exposure_seconds: 3_600,
      average_hfd: 2.41,
      hfd_frames: 36,
      frames: frames.map(({ id, filename, filter, exposure, hfd, captured_at, state, reason, sha256 }) => ({
        id,
        filename,
        filter,
        exposure,
        hfd,
        captured_at,
        state,
        reason,
        sha256,
      })),
    },
    tracking: { average_rms_px: 0.42, guiding_uptime: 0.97 },
    issues: {
      errors_count: 1,
      pauses_count: 1,
      pauses_duration_seconds: 300,
      holds: [{ start: iso(night.startMs + 3_000_000), end: iso(night.startMs + 4_200_000), reason: 'weather_hold' }],
    },
    ledger: { seconds, intervals },
    credits: {
      settlement_id: 's-1',
      rule: 'by-the-second',
      lines: [{ class: 'weather_hold', seconds: 1_200, credits: 4 }],
      credits_charged: 30,
      credits_refund: 4,
    },
    files: {
      download_link: `/api/bookings/${BOOKING_ID}/archive.zip?exp=1&sig=x`,
      total_size_bytes: 38 * 18_100_800,
      count: 38,
    },
    timeline: logLines(night, Math.max(60, night.logLines)).map((line) => ({
      at: line.at,
      event: line.event,
      level: line.level,
      message: line.message,
    })),
    generated_at: iso(night.endMs - 300_000),
  });
}

export function bookings(now = Date.now()): Booking[] {
  const rows: [string, string, Phase, number, number][] = [
    [BOOKING_ID, 'NGC 7000', 'running', -1, 24],
    ['b-1050', 'M 33', 'prepared', 20, 0],
    ['b-1031', 'M 31', 'completed', -72, 96],
    ['b-1012', 'IC 434', 'weathered_out', -120, 0],
    ['b-0990', 'M 51', 'completed', -240, 61],
    ['b-0954', 'M 13', 'aborted', -400, 12],
  ];
  return rows.map(([id, name, phase, hours, images], i) =>
    Booking.parse({
      id,
      telescope_id: TELESCOPE_ID,
      workflow_id: `booking-${id}`,
      start: iso(now + hours * 3_600_000),
      end: iso(now + (hours + 2.5) * 3_600_000),
      user: { ref: 'u-7', locale: 'fr' },
      target: {
        ...TARGET,
        name,
        ra_text: formatRa(TARGET.ra_hours),
        dec_text: formatDec(TARGET.dec_degrees),
        altitude_at_start_degrees: 52,
      },
      shots: PLAN.map((line) => ({ ...line, binning: 1, type: 'light' })),
      constraints: { min_altitude_degrees: 30, hour_angle_start_hours: -3, hour_angle_end_hours: 3 },
      credits: { charged: 30 },
      rebooked_from: null,
      generation: 1,
      phase,
      hold_cause: null,
      reason: phase === 'weathered_out' ? 'weather_no_time_left' : null,
      reason_text: phase === 'weathered_out' ? 'The weather left too little time for a single exposure.' : null,
      ...laravelStatus(phase),
      outcome: phase === 'completed' || phase === 'aborted' || phase === 'weathered_out' ? phase : null,
      voyager_set_guid: guid(i),
      voyager_target_guid: guid(i + 100),
      voyager_shots: null,
      session_started_at: null,
      session_ended_at: null,
      images_captured: images,
      session_stats: null,
      created_at: iso(now - 9e8),
      updated_at: iso(now),
    }),
  );
}
