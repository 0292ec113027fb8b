import type { CommandContext } from './commands/command.ts';
import { quietly } from './timers.ts';

type Kind = 'suspend' | 'exit';
const WORD = { suspend: 'SUSPEND', exit: 'EXIT' } as const;

/** Voyager's own emergency: it parks, closes the roof, and opens it again when the sky has been good for a while. */
export class Emergency {
  /** An exit that a fault asked for lasts as long as the fault. */
  exitForced = false;
  private clearSince: number | null = null;
  private source = '';
  private resuming = false;
  constructor(private readonly context: CommandContext) {}

  /** Looks at the weather, once a second. */
  watch(): void {
    const { state, weather, options } = this.context;
    const now = this.context.now();
    const reason = weather.emergency();
    if (state.emergency === null) {
      if (reason) this.begin('suspend', reason);
      return;
    }
    this.clearSince = reason || this.exitForced ? null : (this.clearSince ?? now);
    if (this.clearSince !== null && now - this.clearSince >= options.emergencyClearSeconds * 1000) {
      this.clearSince = null;
      quietly(this.end());
    }
  }
  begin(kind: Kind, source: string): void {
    const { context } = this;
    context.state.emergency = kind;
    this.source = source;
    context.log.effect(`emergency.${kind}`, { source });
    context.logEvent(9, `Voyager Recognize an Emergency Request : ${WORD[kind]} [Source=${source}]`);
    context.logEvent(9, `Emergency ${kind === 'suspend' ? 'Suspend' : 'Exit'} Event Received : RUNNING CODE`);
    context.roboTarget.suspend();
    quietly(this.protect(kind));
  }
  private async protect(kind: Kind): Promise<void> {
    const { context } = this;
    const { mount, log, roof, options, roboTarget } = context;
    await context.wait(options.overheads.abort + 0.2);
    mount.park();
    log.effect('mount.park', { by: 'emergency' });
    roof.shutter = 3;
    log.effect('roof.closing', { by: 'emergency' });
    await context.wait(options.overheads.roof);
    if (roof.shutter === 3) {
      roof.shutter = 1;
      log.effect('roof.closed', { by: 'emergency' });
    }
    if (kind === 'exit') await roboTarget.stop('emergency exit');
  }
  private async end(): Promise<void> {
    const { context } = this;
    const { state, roof, log } = context;
    if (this.resuming || roof.shutter === 3) return;
    this.resuming = true;
    try {
      const kind = state.emergency;
      context.logEvent(9, `Voyager Recognize an Emergency Request : RESUME [Source=${this.source}]`);
      context.logEvent(9, 'Event Status Restored => Exit=True;Suspend=True;Light=True');
      log.effect('emergency.resume', { source: this.source });
      state.emergency = null;
      if (kind === 'exit') return;
      roof.shutter = 2;
      log.effect('roof.opening', { by: 'emergency end' });
      await context.wait(context.options.overheads.roof);
      if (roof.shutter === 2) roof.shutter = 0;
      if (state.emergency === null) context.roboTarget.resume();
    } finally {
      this.resuming = false;
    }
  }
}
