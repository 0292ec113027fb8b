import type { Audience, Context } from './context.ts';
import { voyagerSeconds, NAN_MARK } from './wire/lines.ts';
import type { Client } from './wire/client.ts';

type Fields = Record<string, unknown>;

/** Who is connected, and the events that they hear. */
export class Events {
  readonly clients = new Set<Client>();
  constructor(private readonly context: Context) {}

  /** Members in Voyager's order: Event, Timestamp, Host, Inst, then the event's own. */
  of(name: string, fields: Fields): Fields {
    return {
      Event: name,
      Timestamp: voyagerSeconds(this.context.pcNow() + this.context.random.next() * 0.99),
      Host: 'VOYAGER-SIM',
      Inst: this.context.options.instance,
      ...fields,
    };
  }
  /** Sends an event to whom it concerns and then tells the fault script. */
  emit(name: string, fields: Fields = {}, to: Audience = 'all'): void {
    const nan = this.context.faults.take('nan', (step) => step.event === name);
    const message = this.of(
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
      client.send(this.of('LogEvent', { TimeInfo: voyagerSeconds(local), Type: type, Text: text }));
    }
    this.context.faults.eventSent('LogEvent');
  }
}
