import type { CommandContext, Effect, Params } from './commands/command.ts';
import type { Events } from './events.ts';
import type { AnswerFault } from './faults.ts';
import type { Client } from './wire/client.ts';

/** A command of a client; `uid` is empty where none was given. */
export interface Request {
  client: Client;
  method: string;
  params: Params;
  uid: string;
  id: number | string | null;
  fault: AnswerFault | null;
}

/** The answers to a request: the reply to its line, and later the event with its result, both as a fault may bend them. */
export class Answers {
  constructor(
    private readonly context: CommandContext,
    private readonly events: Events,
  ) {}

  /** Writes into the log of effects what the request came to. */
  note(r: Request, outcome: string, effect: Effect | null): void {
    this.context.log.command({
      client: r.client.number,
      method: r.method,
      uid: r.uid || null,
      id: r.id,
      params: r.params,
      outcome,
      effect: effect?.effect ?? null,
      effect_key: effect?.key ?? null,
    });
  }
  reply(r: Request, body: Params): void {
    if (r.fault?.kind === 'reply_never' || r.fault?.kind === 'reply_after_result') return;
    this.sendReply(r, body);
  }
  private sendReply(r: Request, body: Params): void {
    const message = { jsonrpc: '2.0', ...body, id: r.id };
    // blanks after ":" and "," vary in the field
    if (this.context.random.next() < 0.5) r.client.send(message);
    else r.client.sendText(JSON.stringify(message, null, 1).replace(/\n\s*/g, ' '));
  }
  ok(r: Request): void {
    this.reply(r, { result: 0 });
  }
  refuse(r: Request, message: string): void {
    this.note(r, `error: ${message}`, null);
    this.reply(r, { error: { code: 1, message } });
  }
  result(r: Request, code: number, motivo: string, paramRet: Params): void {
    const { fault } = r;
    if (fault?.kind === 'result_never') return;
    const forced = fault?.kind === 'result_code' ? fault : null;
    const send = (): void => {
      r.client.send(
        this.events.of('RemoteActionResult', {
          UID: r.uid,
          ActionResultInt: forced?.code ?? code,
          Motivo: forced?.motivo ?? motivo,
          ParamRet: paramRet,
        }),
      );
      if (fault?.kind === 'reply_after_result') this.sendReply(r, { result: 0 });
      this.context.faults.eventSent('RemoteActionResult');
    };
    if (fault?.kind === 'result_late') this.context.later(fault.seconds, send);
    else send();
  }
  /** Result of a query: sometimes in the same chunk as the reply, sometimes a moment later. */
  soon(fn: () => void): void {
    if (this.context.random.next() < 0.5) fn();
    else this.context.later(this.context.random.between(0.005, 0.03), fn);
  }

  done(r: Request, effect: Effect | null, paramRet: Params = {}): void {
    this.note(r, 'ok', effect);
    this.ok(r);
    this.soon(() => this.result(r, 4, '', paramRet));
  }
  /** Signal 2 (queue empty) comes 15–45 ms before the result. */
  finish(r: Request, code: number, motivo: string, paramRet: Params): void {
    this.events.emit('Signal', { Code: 2 });
    this.context.later(this.context.random.between(0.015, 0.045), () => this.result(r, code, motivo, paramRet));
  }
}
