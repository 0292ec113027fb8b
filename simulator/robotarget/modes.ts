import { commandsOfMethod, sign, type Dialect } from '../../gateway/robotarget/dialect.ts';
import type { Answers, Request } from '../answers.ts';
import type { CommandContext } from '../commands/command.ts';
import type { Client } from '../wire/client.ts';
import { decodeReserved, runReserved, signatureIsRight } from './reserved.ts';

/** The dialect's commands: a connection switches on their modes, and each is signed. */
export class Modes {
  /** Modes that each connection has switched on. */
  private readonly on = new Map<Client, Set<string>>();
  constructor(
    private readonly context: CommandContext,
    private readonly dialect: Dialect,
    private readonly answers: Answers,
  ) {}

  knows(method: string): boolean {
    return this.dialect.modes.some((m) => m.method === method) || commandsOfMethod(this.dialect, method).length > 0;
  }
  forget(client: Client): void {
    this.on.delete(client);
  }
  take(r: Request): void {
    const { context, dialect } = this;
    const { client, method, params } = r;
    const signing = {
      secret: context.options.robotargetSecret,
      sessionKey: client.sessionKey,
      id: Number(r.id),
      uid: r.uid,
    };
    const mode = dialect.modes.find((m) => m.method === method);
    if (mode) {
      if (
        mode.sign !== undefined &&
        dialect.signing.param &&
        params[dialect.signing.param] !== sign(dialect, mode.sign, signing)
      )
        return this.answers.refuse(r, 'MAC Error');
      this.on.set(client, (this.on.get(client) ?? new Set()).add(method));
      return this.answers.done(r, null);
    }
    if (dialect.modes.some((m) => !this.on.get(client)?.has(m.method)))
      return this.answers.refuse(r, 'RoboTarget mode not enabled');
    const decoded = decodeReserved(dialect, method, params, context.options.utcOffsetSeconds);
    if (!decoded) return this.answers.refuse(r, 'Parameters not valid');
    if (!signatureIsRight(dialect, dialect.commands[decoded.name]?.sign, { ...signing, ...decoded.context }, params))
      return this.answers.refuse(r, 'MAC Error');
    const did = runReserved(context, context.roboTarget, dialect, decoded);
    const ret = did.paramRet[dialect.answer.ret];
    if (typeof ret === 'string' && ret !== dialect.answer.done) {
      this.answers.note(r, `error: ${ret}`, null);
      this.answers.ok(r);
      this.answers.soon(() => this.answers.result(r, 4, '', did.paramRet));
      return;
    }
    this.answers.done(r, did.effect ? { effect: did.effect, key: did.effectKey } : null, did.paramRet);
  }
}
