import type {
  ControlName,
  Event,
  History,
  ImageSummary,
  LogEnd,
  LogLine,
  Receipt,
  SessionStats,
  Snapshot,
  Source,
  SourceHandlers,
  TelescopeState,
} from '../core/types.ts';
import { uuid } from '../core/uuid.ts';
import { paint, random } from './demo-picture.ts';
import { demoFrame, demoSnapshot } from './demo-session.ts';
import { demoTelescope, PLAN, type Step } from './demo-telescope.ts';

/** The visitor comes in when the night has begun: so many frames stand in the gallery. */
const FRAMES_BEFORE = 4;
const FRAME_SECONDS = 14;
const TINTS: Record<string, [number, number, number]> = { L: [150, 170, 220], Ha: [225, 70, 85], OIII: [70, 200, 190] };

/** A night in the page itself, about forty times as fast, for visitors without a booking. Nothing leaves the browser. */
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
  async logs(): Promise<LogEnd> {
    return { lines: await this.allLogs(), sources: ['night'] };
  }
  async allLogs(): Promise<LogLine[]> {
    return [...this.lines];
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
    const image = demoFrame(this.lastPreview, thumb, 420 + Math.round(this.rng() * 60));
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
    return demoTelescope({
      step: this.step,
      inStepSeconds: (Date.now() - this.stepAt) / 1000,
      shot: PLAN[this.line]!,
      paused: this.paused,
      startMs: this.start,
      rev: this.rev,
      guide: this.guide,
      preview: this.lastPreview,
      random: this.rng,
    });
  }

  private snapshot(): Snapshot {
    return demoSnapshot({
      seq: this.seq,
      startMs: this.start,
      phase: this.phase,
      paused: this.paused,
      done: this.done,
      receipt: this.receiptNow,
      telescope: this.state(),
    });
  }
}
