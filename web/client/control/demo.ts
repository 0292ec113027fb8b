import { formatDec, formatRa } from '../../../domain/coordinates.ts';
import type {
  ControlName,
  Event,
  History,
  ImageSummary,
  LogLine,
  Receipt,
  SessionStats,
  Snapshot,
  Source,
  SourceHandlers,
  TelescopeState,
} from '../core/types.ts';
import { prefs } from '../core/prefs.ts';
import { uuid } from '../core/uuid.ts';

/** A night in the page itself, about forty times as fast, for visitors without a booking. Nothing leaves the browser. */
const PLAN = [
  { filter: 'L', exposure_seconds: 12, quantity: 8 },
  { filter: 'Ha', exposure_seconds: 16, quantity: 5 },
  { filter: 'OIII', exposure_seconds: 16, quantity: 4 },
] as const;
const TARGET = { name: 'NGC 7000', ra_hours: 20.9797, dec_degrees: 44.33 };
const SLOT_SECONDS = 420;
/** The visitor comes in when the night has begun: so many frames stand in the gallery. */
const FRAMES_BEFORE = 4;
const FRAME_SECONDS = 14;
const TINTS: Record<string, [number, number, number]> = { L: [150, 170, 220], Ha: [225, 70, 85], OIII: [70, 200, 190] };

type Step = 'slew' | 'focus' | 'expose' | 'download' | 'done';

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class DemoSource implements Source {
  readonly demo = true;
  private handlers: SourceHandlers | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;
  private readonly start = Date.now() - FRAMES_BEFORE * FRAME_SECONDS * 1_000 - 20_000;
  private readonly rng = random(20261122);
  private step: Step = 'expose';
  private stepAt = Date.now();
  private paused = false;
  private phase: Snapshot['phase'] = 'running';
  private readonly done: number[] = PLAN.map(() => 0);
  private line = 0;
  private seq = 0;
  private rev = 0;
  private readonly frames: ImageSummary[] = [];
  private readonly lines: LogLine[] = [];
  private picture: Blob | null = null;
  private lastPreview: TelescopeState['preview'] = null;
  private receiptNow: Receipt | null = null;
  private guide: { x: number; y: number } = { x: 0, y: 0 };
  private readonly urls: string[] = [];

  async connect(handlers: SourceHandlers): Promise<void> {
    this.handlers = handlers;
    this.log(
      'INFO',
      'session.started',
      'Session started: slewing to NGC 7000.',
      'Session démarrée : pointage vers NGC 7000.',
    );
    this.log(
      'INFO',
      'voyager.focus',
      'Focus found: HFD 2.36 at 10 212. Guiding started.',
      'Mise au point : HFD 2,36 à 10 212. Guidage démarré.',
    );
    handlers.link('demo');
    for (let before = FRAMES_BEFORE; before > 0; before--)
      await this.expose(Date.now() - (before - 1) * FRAME_SECONDS * 1_000);
    this.begin('expose');
    handlers.snapshot(this.snapshot());
    this.timer = setInterval(() => void this.tick(), 1_000);
  }
  stop(): void {
    if (this.timer) clearInterval(this.timer);
    for (const url of this.urls) URL.revokeObjectURL(url);
  }
  async refresh(): Promise<void> {
    this.handlers?.snapshot(this.snapshot());
  }
  async images(): Promise<{ images: ImageSummary[] }> {
    return { images: [...this.frames] };
  }
  async logs(): Promise<LogLine[]> {
    return [...this.lines];
  }
  allLogs(): Promise<LogLine[]> {
    return this.logs();
  }
  async history(): Promise<History> {
    const now = Date.now() / 1000;
    const series = (n: number, every: number, value: (i: number) => number): [number, number][] =>
      Array.from({ length: n }, (_, i) => [now - (n - i) * every, value(i)]);
    return {
      focuser_position: series(60, 20, (i) => Math.round(10_240 + 30 * Math.sin(i / 9) - i * 0.7)),
      focuser_temperature: series(60, 20, (i) => 9.4 - i * 0.02),
      guide_x: series(60, 1, () => (this.rng() - 0.5) * 0.8),
      guide_y: series(60, 1, () => (this.rng() - 0.5) * 0.7),
    };
  }
  async preview(): Promise<Blob | null> {
    return this.picture;
  }
  async stats(): Promise<SessionStats> {
    const by = PLAN.map(({ filter, exposure_seconds: seconds }, i) => {
      const count = this.done[i]!;
      return { filter, count, exposure_seconds: count * seconds, average_hfd: 2.4, hfd_frames: count };
    });
    return {
      elapsed_seconds: (Date.now() - this.start) / 1000,
      by_filter: by.filter((f) => f.count > 0),
      total_exposure_seconds: by.reduce((n, f) => n + f.exposure_seconds, 0),
      average_hfd: this.frames.length > 0 ? 2.41 : null,
      hfd_frames: this.frames.length,
      guiding: { success_rate: 0.97, average_rms_px: 0.42, rms_samples: 60, samples: 60 },
    };
  }

  async receipt(): Promise<Receipt | null> {
    return this.receiptNow;
  }
  async command(kind: ControlName, key: string): Promise<Receipt> {
    const receipt: Receipt = {
      command_id: key,
      kind,
      state: 'sent',
      booking_id: 'demo',
      at: new Date().toISOString(),
    };
    this.emit('receipt.changed', { ...receipt });
    await new Promise((resolve) => setTimeout(resolve, 900));
    const refused = (kind === 'pause' && this.paused) || (kind === 'resume' && !this.paused);
    if (!refused) {
      if (kind === 'pause') [this.paused, this.phase] = [true, 'holding'];
      if (kind === 'resume') [this.paused, this.phase] = [false, 'running'];
      if (kind === 'abort') [this.step, this.phase] = ['done', 'aborted'];
      if (kind === 'resume') this.begin('expose');
      this.log(
        'INFO',
        `session.${kind}`,
        `Session: ${kind} confirmed.`,
        `Session : ${{ pause: 'pause', resume: 'reprise', abort: 'arrêt' }[kind]} confirmée.`,
      );
    }
    this.receiptNow = {
      ...receipt,
      state: refused ? 'refused' : 'confirmed',
      ...(refused ? { reason: kind === 'pause' ? ('already_paused' as const) : ('not_paused' as const) } : {}),
      at: new Date().toISOString(),
    };
    this.emit('receipt.changed', { ...this.receiptNow });
    this.handlers?.snapshot(this.snapshot());
    return this.receiptNow;
  }

  private begin(step: Step): void {
    this.step = step;
    this.stepAt = Date.now();
  }
  private emit(type: Event['type'], data: Record<string, unknown>): void {
    const stored = type !== 'control.updated' && type !== 'shot.progress' && type !== 'preview.ready';
    if (stored) this.seq++;
    this.handlers?.event({
      id: uuid(),
      type,
      seq: this.seq,
      epoch: 1,
      ts: new Date().toISOString(),
      booking_id: 'demo',
      telescope_id: 'demo',
      ...(stored ? {} : { rev: ++this.rev }),
      data,
    });
  }
  private log(level: LogLine['level'], event: string, message: string, french: string): void {
    const line: LogLine = {
      at: new Date().toISOString(),
      level,
      source: 'session',
      event,
      message,
      message_fr: french,
      data: {},
    };
    this.lines.push(line);
    if (this.lines.length > 200) this.lines.shift();
    this.emit('log.appended', { ...line });
  }

  private async tick(): Promise<void> {
    const inStep = (Date.now() - this.stepAt) / 1000;
    const shot = PLAN[this.line]!;
    this.guide = { x: (this.rng() - 0.5) * 0.9, y: (this.rng() - 0.5) * 0.8 };
    if (this.step === 'slew' && inStep > 4) {
      this.begin('focus');
      this.log('INFO', 'voyager.focus', 'On target. Autofocus running.', 'Cible atteinte. Mise au point en cours.');
    } else if (this.step === 'focus' && inStep > 4) {
      this.begin('expose');
      this.phase = 'running';
      this.log(
        'INFO',
        'voyager.focus',
        'Focus found: HFD 2.36 at 10 212. Guiding started.',
        'Mise au point : HFD 2,36 à 10 212. Guidage démarré.',
      );
      this.handlers?.snapshot(this.snapshot());
    } else if (this.step === 'expose' && inStep > shot.exposure_seconds) this.begin('download');
    else if (this.step === 'download' && inStep > 2) await this.finishShot();
    this.emit('control.updated', this.state());
  }

  /** One frame of the plan, ended at that time. */
  private async expose(atMs: number): Promise<ImageSummary> {
    const shot = PLAN[this.line]!;
    const number = this.done.reduce((a, b) => a + b, 0) + 1;
    this.done[this.line] = this.done[this.line]! + 1;
    const hfd = Math.round((2.3 + this.rng() * 0.3) * 100) / 100;
    const filename = `NGC7000_LIGHT_${shot.filter}_${shot.exposure_seconds}s_BIN1_${String(number).padStart(3, '0')}.fit`;
    this.picture = await paint(number, TINTS[shot.filter] ?? TINTS.L!);
    const thumb = URL.createObjectURL(this.picture);
    this.urls.push(thumb);
    this.lastPreview = {
      id: `demo-${number}`,
      at: new Date(atMs).toISOString(),
      file: filename,
      filter: shot.filter,
      exposure_seconds: shot.exposure_seconds,
      binning: 1,
      hfd,
      star_index: Math.round((7 + this.rng()) * 10) / 10,
      width: 960,
      height: 720,
      size_bytes: this.picture.size,
    };
    const image: ImageSummary = {
      id: `demo-${number}`,
      booking_id: 'demo',
      filename,
      type: 'LIGHT',
      filter: shot.filter,
      exposure: shot.exposure_seconds,
      temperature: -10,
      binning: 1,
      gain: 100,
      offset: 50,
      hfd,
      hfd_source: 'voyager',
      star_index: this.lastPreview.star_index,
      stars: 420 + Math.round(this.rng() * 60),
      stats: null,
      captured_at: new Date(atMs).toISOString(),
      state: 'archived',
      reason: null,
      measured: true,
      previewed: true,
      url: null,
      preview_url: thumb,
      thumbnail_url: thumb,
      full_url: null,
      quicklook_url: null,
      size_bytes: 18_095_040,
      sha256: null,
    };
    this.frames.unshift(image);
    if (this.frames.length > 20) this.frames.pop();
    while (this.line < PLAN.length - 1 && this.done[this.line]! >= PLAN[this.line]!.quantity) this.line++;
    return image;
  }
  private async finishShot(): Promise<void> {
    const image = await this.expose(Date.now());
    this.emit('preview.ready', { ...this.lastPreview });
    this.emit('image.captured', { ...image });
    this.log('INFO', 'frame.archived', `Frame archived: ${image.filename}`, `Image archivée : ${image.filename}`);
    if (this.done.every((n, i) => n >= PLAN[i]!.quantity)) [this.step, this.phase] = ['done', 'completed'];
    else if (!this.paused) this.begin('expose');
    else this.step = 'slew';
    if (this.paused) this.stepAt = Date.now() + 3_600_000;
    this.handlers?.snapshot(this.snapshot());
  }

  private state(): TelescopeState {
    const now = new Date().toISOString();
    const inStep = Math.max(0, (Date.now() - this.stepAt) / 1000);
    const shot = PLAN[this.line]!;
    const running = this.step === 'expose' || this.step === 'download';
    const minutes = (Date.now() - this.start) / 60_000;
    const measured = (value: number): { value: number; source: string; age_seconds: number } => ({
      value,
      source: 'demo',
      age_seconds: 4,
    });
    return {
      telescope_id: 'demo',
      rev: this.rev,
      epoch: 1,
      at: now,
      stale: false,
      read_only: false,
      connection: {
        connected: true,
        state: 'ready',
        since: new Date(this.start).toISOString(),
        host: 'demo',
        port: 5950,
        instance: 1,
        voyager_version: '2.3',
        last_message_age_seconds: 0.4,
        clock_offset_seconds: 0.02,
        reconnects: 0,
        reason: null,
      },
      voyager: {
        status: this.step === 'done' ? 'IDLE' : 'RUN',
        setup_connected: true,
        run_sequence: 'NGC7000_LRGB',
        run_dragscript: 'RoboTarget',
        emergency: null,
        profile: 'Default.v2y',
        last_error: null,
        age_seconds: 0.4,
      },
      mount: {
        connected: true,
        parked: this.step === 'done',
        tracking: this.step !== 'done',
        slewing: this.step === 'slew' && !this.paused,
        ra_hours: TARGET.ra_hours + 0.01,
        dec_degrees: TARGET.dec_degrees,
        ra_j2000_hours: TARGET.ra_hours,
        dec_j2000_degrees: TARGET.dec_degrees,
        altitude_degrees: 58 + minutes * 0.9,
        azimuth_degrees: 68 + minutes * 1.6,
        pier: 'west',
        flip_status: null,
        time_to_flip_seconds: minutes * 60 - 5_400,
        age_seconds: 0.4,
      },
      camera: {
        connected: true,
        temperature_celsius: -10 + (this.rng() - 0.5) * 0.2,
        setpoint_celsius: -10,
        power_percent: 46 + Math.round(this.rng() * 4),
        cooling: true,
        status: null,
        binning: 1,
        age_seconds: 0.4,
      },
      focuser: {
        connected: true,
        position: 10_212 - Math.round(minutes),
        temperature_celsius: 8.2 - minutes * 0.03,
        last_focus: {
          at: new Date(this.start + 9_000).toISOString(),
          position: 10_212,
          hfd: 2.36,
          filter_index: 0,
          ok: true,
        },
        age_seconds: 0.4,
      },
      guiding: {
        connected: true,
        status: running ? 'RUNNING' : 'STOPPED',
        dither: 'STOPPED',
        x_px: this.guide.x,
        y_px: this.guide.y,
        rms: running ? { window_seconds: 60, x_px: 0.31, y_px: 0.28, total_px: 0.42, samples: 60 } : null,
        rms_windows: [],
        age_seconds: 0.4,
      },
      rotator: { connected: true, position_degrees: 12, sky_pa_degrees: 12, moving: false },
      dome: { connected: true, azimuth_degrees: 70, moving: false, shutter: 'open' },
      planetarium_connected: true,
      plate_solver_connected: true,
      sequence: {
        name: 'NGC7000_LRGB',
        total_seconds: null,
        elapsed_seconds: null,
        remaining_seconds: null,
        start: null,
        end: null,
      },
      exposure: running
        ? {
            file: null,
            filter: shot.filter,
            total_seconds: shot.exposure_seconds,
            elapsed_seconds: this.step === 'expose' ? Math.min(inStep, shot.exposure_seconds) : shot.exposure_seconds,
            percent: Math.min(100, (100 * inStep) / shot.exposure_seconds),
            status: this.step === 'expose' ? 'EXPOSE' : 'DOWNLOAD',
            age_seconds: 0,
          }
        : null,
      preview: this.lastPreview,
      weather: {
        state: 'ok',
        reason: null,
        causes: [],
        ok_since: new Date(this.start - 3_600_000).toISOString(),
        safety_monitor: { connected: true, safe: true, source: 'demo', age_seconds: 2 },
        cloud: 'clear',
        rain: 'dry',
        wind: 'calm',
        light: 'dark',
        category_age_seconds: 4,
        temperature_celsius: measured(8.4 - minutes * 0.05),
        humidity_percent: measured(61),
        dew_point_celsius: measured(1.4),
        pressure_hpa: measured(1019),
        wind_meters_per_second: measured(1.8 + this.rng()),
        gust_meters_per_second: measured(3.1),
        cloud_percent: measured(4),
        rain_rate: measured(0),
        sky_quality_mag_arcsec2: measured(21.3),
        sky_temperature_celsius: measured(-24),
        seeing_arcsec: measured(1.7),
        stale: false,
      },
    };
  }

  private snapshot(): Snapshot {
    const now = Date.now();
    const total = PLAN.reduce((n, line) => n + line.quantity, 0);
    const shots = this.done.reduce((a, b) => a + b, 0);
    const over = this.phase === 'completed' || this.phase === 'aborted';
    return {
      seq: this.seq,
      epoch: 1,
      ts: new Date(now).toISOString(),
      booking_id: 'demo',
      telescope_id: 'demo',
      telescope_name: prefs.locale === 'fr' ? 'Astrographe 8″ f/3,8' : 'Astrograph 8″ f/3.8',
      timezone: 'Europe/Paris',
      start: new Date(this.start).toISOString(),
      end: new Date(this.start + SLOT_SECONDS * 1000).toISOString(),
      now: new Date(now).toISOString(),
      target: { ...TARGET, ra_text: formatRa(TARGET.ra_hours), dec_text: formatDec(TARGET.dec_degrees) },
      phase: this.phase,
      hold_cause: this.paused ? 'user' : null,
      reason: this.paused ? 'user_pause' : over ? (this.phase === 'aborted' ? 'user_abort' : 'plan_finished') : null,
      status: 'running',
      access_state: over ? 'finished' : 'active',
      outcome: over ? (this.phase as 'completed' | 'aborted') : null,
      next: over ? null : { what: 'check', at: new Date(now + 120_000).toISOString() },
      session_started_at: new Date(this.start).toISOString(),
      session_ended_at: over ? new Date(now).toISOString() : null,
      plan: PLAN.map((line, i) => ({
        guid: `demo-${i}`,
        filter: line.filter,
        exposure_seconds: line.exposure_seconds,
        quantity: line.quantity,
        done: this.done[i]!,
        binning: 1,
        type: 'light',
      })),
      progress: {
        shots_done: shots,
        shots_total: total,
        integration_seconds: this.done.reduce((n, d, i) => n + d * PLAN[i]!.exposure_seconds, 0),
        percent: (100 * shots) / total,
      },
      credits: { charged: 12, used: Math.min(12, ((now - this.start) / 1000 / SLOT_SECONDS) * 12), refund: null },
      images: { captured: shots, archived: shots, average_hfd: shots > 0 ? 2.41 : null },
      controls: over
        ? { pause: 'session_over', resume: 'session_over', abort: 'session_over' }
        : { pause: this.paused ? 'already_paused' : null, resume: this.paused ? null : 'not_paused', abort: null },
      last_receipt: this.receiptNow,
      telescope: this.state(),
    };
  }
}

/** A star field with a nebula, painted on a canvas: the same field each time, a little different in light. */
async function paint(number: number, tint: [number, number, number]): Promise<Blob> {
  const [width, height] = [960, 720];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#06070d';
  context.fillRect(0, 0, width, height);
  const field = random(7_000);
  context.globalCompositeOperation = 'screen';
  const [r, g, b] = tint;
  for (let i = 0; i < 240; i++) {
    const along = field();
    const x = width * (0.18 + along * 0.62 + (field() - 0.5) * 0.22);
    const y = height * (0.32 + Math.sin(along * 4.2) * 0.2 + (field() - 0.5) * 0.34);
    const radius = 24 + field() * 130;
    const glow = context.createRadialGradient(x, y, 0, x, y, radius);
    glow.addColorStop(0, `rgba(${r},${g},${b},${0.022 + field() * 0.03})`);
    glow.addColorStop(1, 'rgba(0,0,0,0)');
    context.fillStyle = glow;
    context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
  }
  const noise = random(number);
  for (let i = 0; i < 1_500; i++) {
    const brightness = field() ** 7;
    const x = field() * width + (noise() - 0.5) * 0.6;
    const y = field() * height + (noise() - 0.5) * 0.6;
    const radius = 0.5 + brightness * 3.2;
    context.fillStyle = `rgba(${225 + field() * 30},${230 + field() * 20},255,${0.25 + 0.75 * brightness})`;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fill();
    if (brightness > 0.5) {
      const halo = context.createRadialGradient(x, y, 0, x, y, radius * 7);
      halo.addColorStop(0, 'rgba(190,215,255,0.5)');
      halo.addColorStop(1, 'rgba(0,0,0,0)');
      context.fillStyle = halo;
      context.fillRect(x - 30, y - 30, 60, 60);
    }
  }
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.86 });
}
