import { formatVoyagerAngle, formatVoyagerHours } from '../domain/coordinates.ts';
import { commandsOfMethod, sign, type Dialect } from '../gateway/robotarget/dialect.ts';
import { Aborted, ActionError, type Audience } from './context.ts';
import { COMMANDS, refusal, voyagerStatus, type CommandContext, type Effect, type Params } from './commands.ts';
import type { AnswerFault } from './faults.ts';
import { isOpenCommand, openMacIsRight, runOpenCommand } from './robotarget/open.ts';
import { decodeReserved, runReserved, signatureIsRight } from './robotarget/reserved.ts';
import { OFF } from './world/devices.ts';
import { Client, type Transport } from './wire/client.ts';
import { clockTime, NAN_MARK, truthy, voyagerDateTime, voyagerSeconds } from './wire/lines.ts';

interface RunningAction {
  uid: string;
  method: string;
  controller: AbortController;
}
interface Request {
  client: Client;
  method: string;
  params: Params;
  uid: string;
  id: number | string | null;
  fault: AnswerFault | null;
}

/** The Application Server: clients, login, modes, events, and the answers to every command. */
export class Voyager {
  readonly clients = new Set<Client>();
  private readonly context: CommandContext;
  private readonly dialect: Dialect;
  private action: RunningAction | null = null;
  private clientCount = 0;
  /** Modes of the dialect that each connection has switched on. */
  private readonly modes = new Map<Client, Set<string>>();
  private authRefused = false;
  private authNever = false;

  constructor(context: CommandContext, dialect: Dialect) {
    this.context = context;
    this.dialect = dialect;
  }

  /** Password or ticket is asked for. */
  private get loginNeeded(): boolean {
    return this.context.options.username !== null || this.context.options.ticket !== null;
  }
  setAuth(refused: boolean, never: boolean): void {
    this.authRefused = refused;
    this.authNever = never;
  }
  get actionRunning(): boolean {
    return this.action !== null;
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
          this.modes.delete(c);
          context.log.effect('client.closed', { client: c.number, reason });
        },
        lineFault: (kind) => context.faults.take(kind) !== null,
        polling: () => this.event('Polling', {}),
      },
      this.loginNeeded,
    );
    context.log.effect('client.connected', { client: client.number, remote: transport.remote });
    this.clients.add(client);
    const version = this.event('Version', {
      VOYVersion: 'Release 2.3.14 - Built 2024-12-20',
      VOYSubver: '',
      MsgVersion: 1,
    });
    client.sessionKey = String(version.Timestamp);
    client.send(version);
    return { receive: (chunk) => client.receive(chunk), gone: (reason) => client.gone(reason) };
  }

  /** Members in Voyager's order: Event, Timestamp, Host, Inst, then the event's own. */
  private event(name: string, fields: Params): Params {
    return {
      Event: name,
      Timestamp: voyagerSeconds(this.context.pcNow() + this.context.random.next() * 0.99),
      Host: 'VOYAGER-SIM',
      Inst: this.context.options.instance,
      ...fields,
    };
  }
  /** Sends an event to whom it concerns and then tells the fault script. */
  emit(name: string, fields: Params = {}, to: Audience = 'all'): void {
    const nan = this.context.faults.take('nan', (step) => step.event === name);
    const message = this.event(
      name,
      nan ? { ...fields, ...Object.fromEntries(nan.fields.map((f) => [f, NAN_MARK])) } : fields,
    );
    for (const client of this.clients) {
      if (to === 'all' || client.dashboard || (to === 'control' && client.donuts)) client.send(message);
    }
    this.context.faults.eventSent(name);
  }
  logEvent(type: number, text: string): void {
    const local = this.context.pcNow() + this.context.options.utcOffsetSeconds * 1000;
    for (const client of this.clients) {
      if (client.logLevel === null || (client.logLevel === 1 && type <= 2)) continue;
      client.send(this.event('LogEvent', { TimeInfo: voyagerSeconds(local), Type: type, Text: text }));
    }
    this.context.faults.eventSent('LogEvent');
  }

  /** ControlData as it is now (AS p.11–14, with the later fields). */
  controlData(): Params {
    const { context } = this;
    const { mount, cooler, options, state, roof, focuser } = context;
    const s = mount.status();
    const camera = cooler.status();
    const pc = context.pcNow();
    return {
      TI: voyagerDateTime(pc + options.utcOffsetSeconds * 1000),
      TIUTC: voyagerDateTime(pc),
      VOYSTAT: voyagerStatus(context, this.actionRunning),
      SETUPCONN: state.setupConnected,
      CCDCONN: cooler.connected && !cooler.error,
      CCDTEMP: cooler.error ? 123_456_789 : Math.round(camera.temperature * 10) / 10,
      CCDPOW: camera.cooling ? camera.power : OFF,
      CCDSETP: camera.cooling ? camera.setPoint : OFF,
      CCDCOOL: camera.cooling,
      CCDSTAT: camera.code,
      MNTCONN: mount.connected && !mount.error,
      MNTPARK: mount.parked,
      MNTRA: formatVoyagerHours(s.raNowHours),
      MNTDEC: formatVoyagerAngle(s.decNowDegrees),
      MNTRAJ2000: formatVoyagerHours(s.raHours),
      MNTDECJ2000: formatVoyagerAngle(s.decDegrees),
      MNTAZ: formatVoyagerAngle(s.azimuthDegrees),
      MNTALT: formatVoyagerAngle(s.altitudeDegrees),
      MNTPIER: s.pier,
      MNTTFLIP: clockTime(s.secondsToFlip),
      MNTSFLIP: s.flipStatus,
      MNTTRACK: mount.tracking,
      MNTSLEW: mount.slewing,
      AFCONN: focuser.connected,
      AFTEMP: context.weather.stationConnected
        ? Math.round(context.weather.conditions().temperature_celsius * 10) / 10
        : 123_456_789,
      AFPOS: Math.round(focuser.position),
      ...context.roboTarget.controlData(),
      ...context.roboTarget.guideData(),
      PLACONN: false,
      PSCONN: true,
      ROTCONN: false,
      ROTPA: -1,
      ROTSKYPA: -1,
      ROTISROT: false,
      DOMECONN: roof.connected,
      DOMEPA: OFF,
      DOMEISMOV: roof.shutter === 2 || roof.shutter === 3,
      DOMESHUTTER: String(roof.shutter),
      ...(state.sequence === null ? {} : { RUNSEQ: state.sequence, SEQNAME: state.sequence.replace(/\.s2q$/i, '') }),
    };
  }
  weatherData(): Params {
    const { weather } = this.context;
    const c = weather.categories();
    return {
      WSConnected: weather.stationConnected,
      SMConnected: weather.safetyMonitorConnected,
      SMStatus: weather.safetyMonitorConnected ? (weather.safe ? 'SAFE' : 'UNSAFE') : '',
      WSCloud: c.cloud,
      WSRain: c.rain,
      WSWind: c.wind,
      WSLight: c.light,
    };
  }

  // ---- requests ----------------------------------------------------------------------------------------------

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
  private note(r: Request, outcome: string, effect: Effect | null): void {
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
  private reply(r: Request, body: Params): void {
    if (r.fault?.kind === 'reply_never' || r.fault?.kind === 'reply_after_result') return;
    this.sendReply(r, body);
  }
  private sendReply(r: Request, body: Params): void {
    const message = { jsonrpc: '2.0', ...body, id: r.id };
    // blanks after ":" and "," vary in the field
    if (this.context.random.next() < 0.5) r.client.send(message);
    else r.client.sendText(JSON.stringify(message, null, 1).replace(/\n\s*/g, ' '));
  }
  private ok(r: Request): void {
    this.reply(r, { result: 0 });
  }
  private refuse(r: Request, message: string): void {
    this.note(r, `error: ${message}`, null);
    this.reply(r, { error: { code: 1, message } });
  }
  private result(r: Request, code: number, motivo: string, paramRet: Params): void {
    const { fault } = r;
    if (fault?.kind === 'result_never') return;
    const forced = fault?.kind === 'result_code' ? fault : null;
    const send = (): void => {
      r.client.send(
        this.event('RemoteActionResult', {
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
  private soon(fn: () => void): void {
    if (this.context.random.next() < 0.5) fn();
    else this.context.later(this.context.random.between(0.005, 0.03), fn);
  }

  private dispatch(r: Request): void {
    const { client, method } = r;
    if (method === 'disconnect') {
      this.note(r, 'ok', null);
      this.ok(r);
      client.end('disconnect');
      return;
    }
    if (method === 'AuthenticateUserBase' || method === 'AuthenticateUserTicket') {
      this.login(r);
      return;
    }
    if (!client.authenticated) {
      this.note(r, 'error: not authenticated', null);
      client.close('command without login');
      return;
    }
    const { fault } = r;
    if (fault?.kind === 'busy') return this.refuse(r, 'Another Action is running');
    if (fault?.kind === 'error_reply') return this.refuse(r, fault.message);
    if (fault?.kind === 'wrong_mac') return this.refuse(r, 'MAC Error');
    if (fault?.kind === 'lost_command') {
      this.note(r, 'ok', null);
      this.ok(r);
      this.soon(() => this.result(r, 4, '', {}));
      return;
    }
    if (fault?.kind === 'drop_before_reply') {
      const silent: Request = { ...r, fault: { ...fault, kind: 'reply_never' } };
      this.perform(silent);
      client.close('fault: drop before reply');
      return;
    }
    this.perform(r);
  }

  private perform(r: Request): void {
    const { context } = this;
    const { client, method, params } = r;
    switch (method) {
      case 'GetArrayElementData': {
        this.note(r, 'ok', null);
        this.ok(r);
        const camera = context.cooler.status();
        client.send(
          this.event('ArrayElementData', {
            ROTCONN: false,
            PAROT: 1000,
            ROTROT: false,
            CCDCONN: context.cooler.connected,
            CCDTEMP: Math.round(camera.temperature * 10) / 10,
            CCDPOW: camera.cooling ? camera.power : 1000,
            FOCCONN: context.focuser.connected,
            FOCPOS: Math.round(context.focuser.position),
            FOCMOV: false,
            FOCTEMP: Math.round(context.weather.conditions().temperature_celsius * 10) / 10,
            FOCHFD: context.state.lastFocus?.hfd ?? -1000,
          }),
        );
        return;
      }
      case 'Abort':
        this.abort(r);
        return;
      case 'RemoteActionAbortAll': {
        const running = this.action;
        this.note(r, 'ok', running ? { effect: 'action.abort', key: `action.abort:${running.uid}` } : null);
        this.ok(r);
        running?.controller.abort('abort all');
        return;
      }
      case 'RemoteActionAbort': {
        const running = this.action;
        if (!running || running.uid !== r.uid) return this.refuse(r, 'Action not found');
        this.note(r, 'ok', { effect: 'action.abort', key: `action.abort:${running.uid}` });
        this.ok(r);
        running.controller.abort('RemoteActionAbort');
        return;
      }
      case 'RemoteDragScript':
        this.startDragScript(r);
        return;
      default:
    }
    if (r.uid === '') return this.refuse(r, 'Parameter UID missing');
    if (method === 'RemoteSetDashboardMode') return this.setDashboard(r);
    if (method === 'RemoteSetLogEvent') {
      client.logLevel = truthy(params.IsOn) ? Number(params.Level ?? 0) : null;
      return this.done(r, null);
    }
    if (method === 'RemoteSetDonutsMode') {
      client.donuts = true;
      return this.done(r, null);
    }
    if (isOpenCommand(method)) {
      if (!openMacIsRight(context.options.robotargetSecret, method, params)) return this.refuse(r, 'MAC Error');
      const did = runOpenCommand(context, context.roboTarget, method, params);
      return this.done(r, did.effect ? { effect: did.effect, key: did.effectKey } : null, did.paramRet);
    }
    if (this.isMode(r) || commandsOfMethod(this.dialect, method).length > 0) return this.reserved(r);
    const command = COMMANDS[method];
    if (!command) return this.refuse(r, `Method not found : ${method}`);
    const refused = refusal(context, method);
    if (refused) return this.refuse(r, refused);
    if (command.kind === 'action') {
      this.startAction(r, command);
      return;
    }
    let outcome: { paramRet?: Params; effect: Effect | null };
    try {
      outcome =
        command.kind === 'query'
          ? { paramRet: command.run(context, params), effect: null }
          : command.run(context, params);
    } catch (thrown) {
      if (!(thrown instanceof ActionError)) throw thrown;
      this.note(r, `error: ${thrown.message}`, null);
      this.ok(r);
      this.soon(() => this.result(r, thrown.code, thrown.message, {}));
      return;
    }
    if (command.kind === 'change' && command.signal !== null) {
      this.note(r, 'ok', outcome.effect);
      this.ok(r);
      this.emit('Signal', { Code: command.signal });
      context.later(0.3, () => this.finish(r, 4, '', outcome.paramRet ?? {}));
      return;
    }
    this.done(r, outcome.effect, outcome.paramRet);
  }
  private done(r: Request, effect: Effect | null, paramRet: Params = {}): void {
    this.note(r, 'ok', effect);
    this.ok(r);
    this.soon(() => this.result(r, 4, '', paramRet));
  }
  /** Signal 2 (queue empty) comes 15–45 ms before the result. */
  private finish(r: Request, code: number, motivo: string, paramRet: Params): void {
    this.emit('Signal', { Code: 2 });
    this.context.later(this.context.random.between(0.015, 0.045), () => this.result(r, code, motivo, paramRet));
  }

  private login(r: Request): void {
    const { options } = this.context;
    const { client, params } = r;
    const reject = (message: string): void => {
      this.refuse(r, message);
      client.end('authentication rejected');
    };
    if (this.authNever) return this.note(r, 'error: not answered', null);
    if (this.authRefused) return reject('Authentication Rejected');
    const ticket = r.method === 'AuthenticateUserTicket';
    if (!this.loginNeeded || (ticket ? options.ticket === null : options.username === null))
      return this.refuse(r, 'Authentication Level not Allow this request');
    if (ticket) {
      if (params.Ticket !== options.ticket) return reject('Your reservation is expired');
      client.authenticated = true;
      this.note(r, 'ok', null);
      const now = Math.floor(this.context.pcNow() / 1000);
      this.reply(r, {
        authticket: {
          UserCode: 'SIM',
          ActivationCode: '',
          FirstName: 'Simulated',
          LastName: 'Renter',
          RentingStart: now - 3600,
          RentingEnd: now + 36_000,
          TelescopeStationName: 'Simulator',
          TelescopeStationCode: 'SIM-1',
          Permissions: 0,
          RenterCode: '',
          RenterContactName: '',
          RenterContactMail: '',
          RenterContactSkype: '',
          RenterContactPhone: '',
          Note: '',
        },
      });
      return;
    }
    const given =
      typeof params.Base === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(params.Base)
        ? Buffer.from(params.Base, 'base64').toString('utf8')
        : '';
    if (given !== `${options.username}:${options.password}`) return reject('Authentication Rejected');
    client.authenticated = true;
    this.note(r, 'ok', null);
    this.reply(r, {
      authbase: { Username: options.username, FirstName: '', LastName: '', Mail: '', Permissions: 0, Note: '' },
    });
  }

  private setDashboard(r: Request): void {
    const { context } = this;
    const { client } = r;
    client.dashboard = truthy(r.params.IsOn);
    this.done(r, null);
    if (!client.dashboard) return;
    client.send(this.event('VikingManaged', { IsManaged: false, ClientNum: client.number }));
    const tell = (): void => {
      if (client.closed || !client.dashboard) {
        client.weatherRound = false;
        return;
      }
      client.send(this.event('WeatherAndSafetyMonitorData', this.weatherData()));
      context.later(context.options.weatherPeriodSeconds, tell);
    };
    if (client.weatherRound) return; // the 30 s round of this connection runs already
    client.weatherRound = true;
    context.later(context.options.firstWeatherSeconds, tell);
  }

  private isMode(r: Request): boolean {
    return this.dialect.modes.some((m) => m.method === r.method);
  }
  private reserved(r: Request): void {
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
        return this.refuse(r, 'MAC Error');
      this.modes.set(client, (this.modes.get(client) ?? new Set()).add(method));
      return this.done(r, null);
    }
    if (dialect.modes.some((m) => !this.modes.get(client)?.has(m.method)))
      return this.refuse(r, 'RoboTarget mode not enabled');
    const decoded = decodeReserved(dialect, method, params, context.options.utcOffsetSeconds);
    if (!decoded) return this.refuse(r, 'Parameters not valid');
    if (!signatureIsRight(dialect, dialect.commands[decoded.name]?.sign, { ...signing, ...decoded.context }, params))
      return this.refuse(r, 'MAC Error');
    const did = runReserved(context, context.roboTarget, dialect, decoded);
    const ret = did.paramRet[dialect.answer.ret];
    if (typeof ret === 'string' && ret !== dialect.answer.done) {
      this.note(r, `error: ${ret}`, null);
      this.ok(r);
      this.soon(() => this.result(r, 4, '', did.paramRet));
      return;
    }
    this.done(r, did.effect ? { effect: did.effect, key: did.effectKey } : null, did.paramRet);
  }

  private startAction(r: Request, command: Extract<(typeof COMMANDS)[string], { kind: 'action' }>): void {
    const { context } = this;
    if (
      this.action ||
      context.roboTarget.run ||
      context.state.emergency ||
      (r.method === 'RemoteDragScriptSelfContained' && context.roboTarget.dragScript !== null)
    )
      return this.refuse(r, 'Another Action is running');
    const action: RunningAction = { uid: r.uid, method: r.method, controller: new AbortController() };
    this.action = action;
    this.note(r, 'ok', { effect: command.effect(r.params), key: `${r.method}:${r.uid}` });
    this.ok(r);
    if (command.signal !== null) this.emit('Signal', { Code: command.signal });
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
    if (this.action === action) this.action = null;
    this.finish(r, code, motivo, paramRet);
    if (code === 7) this.context.later(0.06, () => this.emit('Signal', { Code: 505 }));
  }

  private startDragScript(r: Request): void {
    const { context } = this;
    const script = typeof r.params.DragScriptFile === 'string' ? r.params.DragScriptFile.replace(/^.*[\\/]/, '') : '';
    if (script === '') return this.refuse(r, 'DragScript File not found');
    if (context.roboTarget.dragScript !== null || this.action || context.state.emergency || context.state.operator)
      return this.refuse(r, 'Another Action is running');
    this.note(r, 'ok', { effect: 'robotarget.start', key: `robotarget.start:${context.store.next()}` });
    this.ok(r);
    this.emit('Signal', { Code: 502 });
    if (context.roof.shutter === 1) context.roof.shutter = 0;
    context.roboTarget.start(script);
  }

  /** Abort has no result. While an emergency closes the roof it stops that too: the roof stays where it is. */
  private abort(r: Request): void {
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
    if (this.action) {
      effects.push('action.abort');
      key = `action.abort:${this.action.uid}`;
      this.action.controller.abort('Abort');
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
    this.note(r, 'ok', effects.length > 0 ? { effect: effects.join('+'), key } : null);
    this.ok(r);
    if (effects.length > 0) this.emit('Signal', { Code: 503 });
  }

  /** Every connection ends; `orderly` says ShutDown first. */
  closeAll(orderly: boolean, reason: string): void {
    if (orderly) this.emit('ShutDown');
    for (const client of this.clients) {
      if (orderly) client.end(reason);
      else client.close(reason);
    }
    this.action?.controller.abort('stopping');
    this.action = null;
  }
}
