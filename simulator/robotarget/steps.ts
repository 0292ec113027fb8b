import type { Camera } from '../camera/camera.ts';
import { ActionError, type Context } from '../context.ts';
import { clockTime, voyagerSeconds } from '../wire/lines.ts';
import type { TargetRow } from './store.ts';

/** What a sequence does between its frames, and a client by a command of its own: point, focus, guide, dither, flip. */
export class Steps {
  constructor(
    private readonly context: Context,
    private readonly camera: Camera,
  ) {}

  /** Slew, solve, and centre. */
  async pointTo(target: { RAJ2000: number; DECJ2000: number; TargetName: string }, signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { mount } = context;
    await this.slewTo(target.RAJ2000, target.DECJ2000, signal);
    await this.camera.solve(target.TargetName, signal);
    const off = mount.distanceTo(target.RAJ2000, target.DECJ2000);
    mount.beginSlew(target.RAJ2000, target.DECJ2000, 0);
    mount.endSlew();
    context.logEvent(2, `Precise Pointing done, correction ${(off * 60).toFixed(2)} arcmin`);
  }
  async slewTo(raHours: number, decDegrees: number, signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { mount, options, random } = context;
    if (mount.error || !mount.connected) throw new ActionError('Mount Error');
    // a slew lands a little beside the target; solving puts that right
    const ra = (raHours + random.gaussian() * 0.002 + 24) % 24;
    const dec = Math.max(-89.9, Math.min(89.9, decDegrees + random.gaussian() * 0.03));
    const seconds = options.overheads.slew * Math.max(0.25, mount.distanceTo(ra, dec) / 180);
    context.log.effect('mount.slew', { ra_hours: ra, dec_degrees: dec });
    mount.beginSlew(ra, dec, seconds * 1000);
    try {
      await context.wait(seconds, signal);
    } finally {
      mount.endSlew();
    }
  }
  async focus(signal: AbortSignal): Promise<void> {
    const { context } = this;
    const from = context.now();
    context.logEvent(6, 'Focus Requested, Start Procedure');
    context.signal(5);
    await context.wait(context.options.overheads.focus, signal);
    const failed = context.faults.take('focus_error') !== null;
    const position = failed ? context.focuser.position : context.focuser.autofocus();
    const hfd = Math.round((this.camera.fwhmArcsec() / 0.97) * 100) / 100;
    context.state.lastFocus = { at: context.now(), hfd };
    context.emit(
      'AutoFocusResult',
      {
        IsEmpty: 'false',
        Done: !failed,
        Position: position,
        HFD: failed ? 0 : hfd,
        StarPosition: {
          X: Math.round(context.options.camera.width / 2),
          Y: Math.round(context.options.camera.height / 2),
        },
        DoneTime: voyagerSeconds(context.pcNow()),
        Duration: clockTime((context.now() - from) / 1000),
        FocusTemp: Math.round(context.weather.conditions().temperature_celsius * 10) / 10,
        PercDev: failed ? 0 : Math.round(context.random.between(0.5, 4) * 100) / 100,
        LastError: failed ? 'Focus Star Not Found' : '',
        FilterIndex: context.state.filterIndex,
        FilterColor: '#C0C0C0',
      },
      'dashboard',
    );
    if (failed) {
      context.signal(1);
      context.logEvent(3, 'ERROR (FINISHED) Focus : Focus Star Not Found');
    }
  }
  async startGuiding(signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { guider, options } = context;
    context.logEvent(2, 'Guide Star Acquire');
    await context.wait(options.overheads.guide_acquire, signal);
    if (guider.starLost) {
      guider.status = 3;
      throw new ActionError('Guide Star Lost');
    }
    context.logEvent(2, 'Start Guiding');
    guider.status = 1;
    await context.wait(options.overheads.guide_settle, signal);
    guider.status = 2;
  }
  async dither(signal: AbortSignal): Promise<void> {
    const { context } = this;
    const { guider, mount, options, random } = context;
    context.logEvent(2, 'Start Dithering');
    guider.dither = 1;
    await context.wait(options.overheads.dither, signal);
    mount.nudge((random.gaussian() * 4) / 3600, (random.gaussian() * 4) / 3600);
    guider.dither = 2;
    await context.wait(options.overheads.dither_settle, signal);
    guider.dither = 0;
    context.logEvent(1, 'Wait Between Shot');
  }
  async flip(target: TargetRow, signal: AbortSignal): Promise<void> {
    const { context } = this;
    context.logEvent(6, 'Meridian Flip');
    context.guider.stop();
    context.mount.flipping = true;
    context.log.effect('mount.flip', { target: target.GuidTarget });
    try {
      await context.wait(context.options.overheads.flip, signal);
      context.mount.beginSlew(target.RAJ2000, target.DECJ2000, 0);
      context.mount.endSlew();
      context.mount.flipped = true;
    } finally {
      context.mount.flipping = false;
    }
    await this.startGuiding(signal);
  }
}
