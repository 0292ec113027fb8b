import type { Dialect } from '../gateway/robotarget/dialect.ts';
import { Actions } from './actions.ts';
import { Answers, type Request } from './answers.ts';
import type { Change, CommandContext, Effect, Params, Query } from './commands/command.ts';
import { COMMANDS, refusal } from './commands/table.ts';
import { ActionError, type Audience } from './context.ts';
import { controlData, elementData, weatherData } from './control-data.ts';
import { Events } from './events.ts';
import { Login } from './login.ts';
import { Modes } from './robotarget/modes.ts';
import { isOpenCommand, openMacIsRight, runOpenCommand } from './robotarget/open.ts';
import { Client, type Transport } from './wire/client.ts';
import { truthy } from './wire/lines.ts';

/** The Application Server: clients, login, modes, events, and the answers to every command. */
export class Voyager {
  private readonly context: CommandContext;
  private readonly events: Events;
  private readonly answers: Answers;
  private readonly login: Login;
  private readonly actions: Actions;
  private readonly modes: Modes;
  private clientCount = 0;
  /** Commands without a UID, or without a result. */
  private readonly direct: ReadonlyMap<string, (r: Request) => void>;
  /** What a connection wants to be told. */
  private readonly hearing: ReadonlyMap<string, (r: Request) => void>;

  constructor(context: CommandContext, dialect: Dialect) {
    this.context = context;
    this.events = new Events(context);
    this.answers = new Answers(context, this.events);
    this.login = new Login(context, this.answers);
    this.actions = new Actions(context, this.answers, this.events);
    this.modes = new Modes(context, dialect, this.answers);
    this.direct = new Map([
      ['GetArrayElementData', (r: Request) => this.elements(r)],
      ['Abort', (r: Request) => this.actions.abort(r)],
      ['RemoteActionAbortAll', (r: Request) => this.actions.abortAll(r)],
      ['RemoteActionAbort', (r: Request) => this.actions.abortOne(r)],
      ['RemoteDragScript', (r: Request) => this.actions.startDragScript(r)],
    ]);
    this.hearing = new Map([
      ['RemoteSetDashboardMode', (r: Request) => this.setDashboard(r)],
      ['RemoteSetLogEvent', (r: Request) => this.setLogLevel(r)],
      ['RemoteSetDonutsMode', (r: Request) => this.setDonuts(r)],
    ]);
  }

  get clients(): Set<Client> {
    return this.events.clients;
  }
  get actionRunning(): boolean {
    return this.actions.isRunning;
  }
  setAuth(refused: boolean, never: boolean): void {
    this.login.set(refused, never);
  }
  emit(name: string, fields: Params = {}, to: Audience = 'all'): void {
    this.events.emit(name, fields, to);
  }
  logEvent(type: number, text: string): void {
    this.events.logEvent(type, text);
  }
  controlData(): Params {
    return controlData(this.context, this.actionRunning);
  }
  weatherData(): Params {
    return weatherData(this.context);
  }

  accept(transport: Transport): { receive(chunk: Buffer): void; gone(reason: string): void } {
    const { context } = this;
    const client = new Client(
      ++this.clientCount,
      transport,
      context.clock,
      {
        message: (c, message) => this.message(c, message),
        closed: (c, reason) => {
          this.clients.delete(c);
          this.modes.forget(c);
          context.log.effect('client.closed', { client: c.number, reason });
        },
        lineFault: (kind) => context.faults.take(kind) !== null,
        polling: () => this.events.of('Polling', {}),
      },
      this.login.needed,
    );
    context.log.effect('client.connected', { client: client.number, remote: transport.remote });
    this.clients.add(client);
    const version = this.events.of('Version', {
      VOYVersion: 'Release 2.3.14 - Built 2024-12-20',
      VOYSubver: '',
      MsgVersion: 1,
    });
    client.sessionKey = String(version.Timestamp);
    client.send(version);
    return { receive: (chunk) => client.receive(chunk), gone: (reason) => client.gone(reason) };
  }

  private message(client: Client, message: Params): void {
    if (typeof message.method !== 'string') return; // Polling and other client events: the line itself was the point
    const params =
      typeof message.params === 'object' && message.params !== null && !Array.isArray(message.params)
        ? (message.params as Params)
        : {};
    const id = typeof message.id === 'number' || typeof message.id === 'string' ? message.id : null;
    const request: Request = {
      client,
      method: message.method,
      params,
      uid: typeof params.UID === 'string' ? params.UID : '',
      id,
      fault: this.context.faults.takeForMethod(message.method),
    };
    if (client.closed) return;
    this.dispatch(request);
  }
  private dispatch(r: Request): void {
    const { client, method } = r;
    if (method === 'disconnect') {
      this.answers.note(r, 'ok', null);
      this.answers.ok(r);
      client.end('disconnect');
      return;
    }
    if (method === 'AuthenticateUserBase' || method === 'AuthenticateUserTicket') return this.login.take(r);
    if (!client.authenticated) {
      this.answers.note(r, 'error: not authenticated', null);
      client.close('command without login');
      return;
    }
    if (!this.faulty(r)) this.perform(r);
  }
  /** Answers as the armed fault wants it, where that is another answer than the command's own. */
  private faulty(r: Request): boolean {
    const { fault } = r;
    switch (fault?.kind) {
      case 'busy':
        this.answers.refuse(r, 'Another Action is running');
        return true;
      case 'error_reply':
        this.answers.refuse(r, fault.message);
        return true;
      case 'wrong_mac':
        this.answers.refuse(r, 'MAC Error');
        return true;
      case 'lost_command':
        this.answers.done(r, null);
        return true;
      case 'drop_before_reply':
        this.perform({ ...r, fault: { ...fault, kind: 'reply_never' } });
        r.client.close('fault: drop before reply');
        return true;
      default:
        return false;
    }
  }

  private perform(r: Request): void {
    const { context } = this;
    const { method, params } = r;
    const direct = this.direct.get(method);
    if (direct) return direct(r);
    if (r.uid === '') return this.answers.refuse(r, 'Parameter UID missing');
    const hearing = this.hearing.get(method);
    if (hearing) return hearing(r);
    if (isOpenCommand(method)) {
      if (!openMacIsRight(context.options.robotargetSecret, method, params)) return this.answers.refuse(r, 'MAC Error');
      const did = runOpenCommand(context, context.roboTarget, method, params);
      return this.answers.done(r, did.effect ? { effect: did.effect, key: did.effectKey } : null, did.paramRet);
    }
    if (this.modes.knows(method)) return this.modes.take(r);
    const command = COMMANDS[method];
    if (!command) return this.answers.refuse(r, `Method not found : ${method}`);
    const refused = refusal(context, method);
    if (refused) return this.answers.refuse(r, refused);
    if (command.kind === 'action') this.actions.start(r, command);
    else this.atOnce(r, command);
  }
  /** A query, or a change that takes no time. */
  private atOnce(r: Request, command: Query | Change): void {
    const { context } = this;
    const { params } = r;
    let outcome: { paramRet?: Params; effect: Effect | null };
    try {
      outcome =
        command.kind === 'query'
          ? { paramRet: command.run(context, params), effect: null }
          : command.run(context, params);
    } catch (thrown) {
      if (!(thrown instanceof ActionError)) throw thrown;
      this.answers.note(r, `error: ${thrown.message}`, null);
      this.answers.ok(r);
      this.answers.soon(() => this.answers.result(r, thrown.code, thrown.message, {}));
      return;
    }
    if (command.kind === 'change' && command.signal !== null) {
      this.answers.note(r, 'ok', outcome.effect);
      this.answers.ok(r);
      this.events.emit('Signal', { Code: command.signal });
      context.later(0.3, () => this.answers.finish(r, 4, '', outcome.paramRet ?? {}));
      return;
    }
    this.answers.done(r, outcome.effect, outcome.paramRet);
  }

  private elements(r: Request): void {
    this.answers.note(r, 'ok', null);
    this.answers.ok(r);
    r.client.send(this.events.of('ArrayElementData', elementData(this.context)));
  }
  private setLogLevel(r: Request): void {
    r.client.logLevel = truthy(r.params.IsOn) ? Number(r.params.Level ?? 0) : null;
    this.answers.done(r, null);
  }
  private setDonuts(r: Request): void {
    r.client.donuts = true;
    this.answers.done(r, null);
  }
  private setDashboard(r: Request): void {
    const { context } = this;
    const { client } = r;
    client.dashboard = truthy(r.params.IsOn);
    this.answers.done(r, null);
    if (!client.dashboard) return;
    client.send(this.events.of('VikingManaged', { IsManaged: false, ClientNum: client.number }));
    const tell = (): void => {
      if (client.closed || !client.dashboard) {
        client.weatherRound = false;
        return;
      }
      client.send(this.events.of('WeatherAndSafetyMonitorData', weatherData(context)));
      context.later(context.options.weatherPeriodSeconds, tell);
    };
    if (client.weatherRound) return; // the 30 s round of this connection runs already
    client.weatherRound = true;
    context.later(context.options.firstWeatherSeconds, tell);
  }

  /** Every connection ends; `orderly` says ShutDown first. */
  closeAll(orderly: boolean, reason: string): void {
    if (orderly) this.emit('ShutDown');
    for (const client of this.clients) {
      if (orderly) client.end(reason);
      else client.close(reason);
    }
    this.actions.stop();
  }
}
