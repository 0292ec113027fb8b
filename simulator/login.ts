import type { Answers, Request } from './answers.ts';
import type { Context } from './context.ts';

/** Voyager's two ways in: user and password, or the ticket of a reservation. */
export class Login {
  private refused = false;
  private never = false;
  constructor(
    private readonly context: Context,
    private readonly answers: Answers,
  ) {}

  /** Password or ticket is asked for. */
  get needed(): boolean {
    return this.context.options.username !== null || this.context.options.ticket !== null;
  }
  /** What a fault makes of every login: refused, or never answered. */
  set(refused: boolean, never: boolean): void {
    this.refused = refused;
    this.never = never;
  }
  /** Answers a login; who is rejected is sent away. */
  take(r: Request): void {
    const { options } = this.context;
    if (this.never) return this.answers.note(r, 'error: not answered', null);
    if (this.refused) return this.reject(r, 'Authentication Rejected');
    const ticket = r.method === 'AuthenticateUserTicket';
    if (!this.needed || (ticket ? options.ticket === null : options.username === null))
      return this.answers.refuse(r, 'Authentication Level not Allow this request');
    if (ticket) this.byTicket(r);
    else this.byPassword(r);
  }
  private reject(r: Request, message: string): void {
    this.answers.refuse(r, message);
    r.client.end('authentication rejected');
  }
  private byTicket(r: Request): void {
    if (r.params.Ticket !== this.context.options.ticket) return this.reject(r, 'Your reservation is expired');
    r.client.authenticated = true;
    this.answers.note(r, 'ok', null);
    const now = Math.floor(this.context.pcNow() / 1000);
    this.answers.reply(r, {
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
  }
  private byPassword(r: Request): void {
    const { options } = this.context;
    const { client, params } = r;
    const given =
      typeof params.Base === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(params.Base)
        ? Buffer.from(params.Base, 'base64').toString('utf8')
        : '';
    if (given !== `${options.username}:${options.password}`) return this.reject(r, 'Authentication Rejected');
    client.authenticated = true;
    this.answers.note(r, 'ok', null);
    this.answers.reply(r, {
      authbase: { Username: options.username, FirstName: '', LastName: '', Mail: '', Permissions: 0, Note: '' },
    });
  }
}
