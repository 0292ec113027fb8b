import type { Answers, Request } from './answers.ts';
import type { Action, CommandContext, Params } from './commands/command.ts';
import { Aborted, ActionError } from './context.ts';
import type { Events } from './events.ts';
import { truthy } from './wire/lines.ts';

interface RunningAction {
  uid: string;
  method: string;
  controller: AbortController;
}

/** What moves or lasts, one at a time, and the commands that start and stop it. */
export class Actions {
  private running: RunningAction | null = null;
  constructor(
    private readonly context: CommandContext,
    private readonly answers: Answers,
    private readonly events: Events,
  ) {}

  get isRunning(): boolean {
    return this.running !== null;
  }
  /** Voyager itself goes away. */
  stop(): void {
    this.running?.controller.abort('stopping');
    this.running = null;
  }

  abortAll(r: Request): void {
    const { running } = this;
    this.answers.note(r, 'ok', running ? { effect: 'action.abort', key: `action.abort:${running.uid}` } : null);
    this.answers.ok(r);
    running?.controller.abort('abort all');
  }
  abortOne(r: Request): void {
    const { running } = this;
    if (!running || running.uid !== r.uid) return this.answers.refuse(r, 'Action not found');
    this.answers.note(r, 'ok', { effect: 'action.abort', key: `action.abort:${running.uid}` });
    this.answers.ok(r);
    running.controller.abort('RemoteActionAbort');
  }

  /** Starts an action; it answers at once and again at its end. */
  start(r: Request, command: Action): void {
    const { context } = this;
    if (
      this.running ||
      context.roboTarget.run ||
      context.state.emergency ||
      (r.method === 'RemoteDragScriptSelfContained' && context.roboTarget.dragScript !== null)
    )
      return this.answers.refuse(r, 'Another Action is running');
    const action: RunningAction = { uid: r.uid, method: r.method, controller: new AbortController() };
    this.running = action;
    this.answers.note(r, 'ok', { effect: command.effect(r.params), key: `${r.method}:${r.uid}` });
    this.answers.ok(r);
    if (command.signal !== null) this.events.emit('Signal', { Code: command.signal });
    void command.run(context, r.params, action.controller.signal).then(
      (paramRet) => this.endAction(action, r, 4, '', paramRet),
      (thrown: unknown) => {
        if (thrown instanceof Aborted && thrown.reason === 'stopping') return;
        if (thrown instanceof Aborted)
          this.endAction(action, r, 7, 'Aborted', r.method === 'RemoteCameraShot' ? { DownloadAndSaveTime: -1 } : {});
        else if (thrown instanceof ActionError) this.endAction(action, r, thrown.code, thrown.message, {});
        else throw thrown;
      },
    );
  }
  private endAction(action: RunningAction, r: Request, code: number, motivo: string, paramRet: Params): void {
    if (this.running === action) this.running = null;
    this.answers.finish(r, code, motivo, paramRet);
    if (code === 7) this.context.later(0.06, () => this.events.emit('Signal', { Code: 505 }));
  }

  startDragScript(r: Request): void {
    const { context } = this;
    const script = typeof r.params.DragScriptFile === 'string' ? r.params.DragScriptFile.replace(/^.*[\\/]/, '') : '';
    if (script === '') return this.answers.refuse(r, 'DragScript File not found');
    if (context.roboTarget.dragScript !== null || this.running || context.state.emergency || context.state.operator)
      return this.answers.refuse(r, 'Another Action is running');
    this.answers.note(r, 'ok', { effect: 'robotarget.start', key: `robotarget.start:${context.store.next()}` });
    this.answers.ok(r);
    this.events.emit('Signal', { Code: 502 });
    if (context.roof.shutter === 1) context.roof.shutter = 0;
    context.roboTarget.start(script);
  }

  /** Abort has no result. While an emergency closes the roof it stops that too: the roof stays where it is. */
  abort(r: Request): void {
    const { context } = this;
    const halt = truthy(r.params.IsHalt);
    const effects: string[] = [];
    let key: string | null = null;
    if (context.roof.shutter === 3) {
      context.roof.shutter = 4;
      effects.push('roof.stopped');
      key = `roof.stopped:${context.store.next()}`;
      context.log.effect('roof.stopped', { by: 'Abort' }, null);
    }
    if (this.running) {
      effects.push('action.abort');
      key = `action.abort:${this.running.uid}`;
      this.running.controller.abort('Abort');
    }
    const script =
      halt || (context.roboTarget.dragScript !== null && context.faults.take('abort_ends_script') !== null);
    const run = context.roboTarget.abortCurrent(halt ? 'halt' : 'user');
    if (run) {
      effects.push('sequence.abort');
      key = `sequence.abort:${run.number}`;
    }
    if (script && context.roboTarget.dragScript !== null) {
      effects.push('robotarget.stop');
      void context.roboTarget.stop('halt').then(() => {
        context.mount.stopTracking();
        context.guider.stop();
      });
    }
    this.answers.note(r, 'ok', effects.length > 0 ? { effect: effects.join('+'), key } : null);
    this.answers.ok(r);
    if (effects.length > 0) this.events.emit('Signal', { Code: 503 });
  }
}
