import { randomUUID } from 'node:crypto';
import { fillParams } from '../robotarget/dialect.ts';
import type { Credentials, RequestOutcome, VoyagerLinkOptions } from './link.ts';
import type { Outgoing } from './outgoing.ts';

const LOGIN_MS = 5_000;
const MODE_MS = 10_000;

/** What a handshake asks of its connection, and how it ends. */
interface Connection {
  credentials: () => Credentials | null;
  sessionKey: () => string;
  /** Counts the connections; an answer that comes in another one is not heard. */
  epoch: () => number;
  underWay: () => boolean;
  accepted: () => void;
  rejected: (message: string) => void;
  ready: () => void;
  lost: (reason: string) => void;
}
interface Mode {
  method: string;
  params: (uid: string, id: number) => Record<string, unknown>;
}
interface Step {
  kind: 'login' | 'mode';
  method: string;
  params: Mode['params'];
  answer: 'reply' | 'result';
  timeoutMs: number;
}

/** From Voyager's Version to a connection that is ready: the login, then each mode in turn (Application Server Protocol, connection). */
export class Handshake {
  constructor(
    private readonly options: Pick<VoyagerLinkOptions, 'modes' | 'dialect' | 'robotargetSecret'>,
    private readonly outgoing: Outgoing,
    private readonly connection: Connection,
  ) {}

  begin(): void {
    const credentials = this.connection.credentials();
    if (credentials) this.login(credentials);
    else this.enterModes(this.modes());
  }

  private login(credentials: Credentials): void {
    const byTicket = 'ticket' in credentials;
    const step: Step = {
      kind: 'login',
      method: byTicket ? 'AuthenticateUserTicket' : 'AuthenticateUserBase',
      params: (UID) =>
        byTicket
          ? { UID, Ticket: credentials.ticket }
          : { UID, Base: base64(credentials.username, credentials.password) },
      answer: 'reply',
      timeoutMs: LOGIN_MS,
    };
    this.say(step, (outcome) => {
      if (outcome.outcome === 'done' || needsNoLogin(outcome)) {
        this.connection.accepted();
        this.enterModes(this.modes());
      } else if (outcome.outcome === 'unknown')
        this.connection.lost(`no answer to the login within ${LOGIN_MS / 1000} s`);
      else if (outcome.how === 'reply') this.connection.rejected(outcome.message);
      else this.connection.lost(`login not sent: ${outcome.message}`);
    });
  }

  private modes(): Mode[] {
    const { modes, dialect, robotargetSecret } = this.options;
    const { dashboard, logLevel } = modes;
    const list: Mode[] = [];
    if (dashboard) list.push({ method: 'RemoteSetDashboardMode', params: (UID) => ({ UID, IsOn: true }) });
    if (logLevel !== null)
      list.push({ method: 'RemoteSetLogEvent', params: (UID) => ({ UID, IsOn: true, Level: logLevel }) });
    for (const mode of dialect.modes)
      list.push({
        method: mode.method,
        params: (uid, id) =>
          fillParams(dialect, mode, {
            secret: robotargetSecret ?? '',
            sessionKey: this.connection.sessionKey(),
            id,
            uid,
          }),
      });
    return list;
  }

  private enterModes([mode, ...rest]: Mode[]): void {
    if (!mode) {
      this.connection.ready();
      return;
    }
    this.say({ kind: 'mode', ...mode, answer: 'result', timeoutMs: MODE_MS }, (outcome) => {
      if (outcome.outcome === 'done') this.enterModes(rest);
      else this.connection.lost(`${mode.method} failed: ${outcome.message}`);
    });
  }

  private say({ kind, method, params, answer, timeoutMs }: Step, next: (outcome: RequestOutcome) => void): void {
    const epoch = this.connection.epoch();
    const id = this.outgoing.takeId();
    const uid = randomUUID();
    this.outgoing.submit([
      {
        id,
        uid,
        line: { kind, method, params: params(uid, id) },
        answer,
        timeoutMs,
        settle: (outcome) => {
          if (this.connection.epoch() === epoch && this.connection.underWay()) next(outcome);
        },
      },
    ]);
  }
}

/** A Voyager without users refuses every login with this text and works all the same. */
const needsNoLogin = (outcome: RequestOutcome): boolean =>
  outcome.outcome === 'refused' && /Authentication Level not Allow/i.test(outcome.message);
const base64 = (username: string, password: string): string =>
  Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
