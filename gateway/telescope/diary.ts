import type { Weather } from '../../domain/contracts/state.ts';
import type { JournalEntry } from '../../domain/journal.ts';
import type { TelescopeEventSignal } from '../../domain/messages.ts';
import type { CommandOutcome } from '../../domain/ports.ts';
import { toError } from '../../platform/errors.ts';
import type { Grants } from './grants.ts';
import type { Here } from './here.ts';
import type { Journal } from './journal.ts';
import type { SessionSignals } from './session-signals.ts';

interface DiaryParts {
  journal: Journal;
  signals: SessionSignals;
  grants: Grants;
}

/** What the gateway writes down and whom it tells: nobody waits for either. */
export class Diary {
  constructor(
    private readonly here: Here,
    private readonly parts: DiaryParts,
  ) {}

  write(
    ...[kind, data]: {
      [K in Parameters<Journal['append']>[0]]: [K, Parameters<typeof this.parts.journal.append<K>>[1]];
    }[Parameters<Journal['append']>[0]]
  ): void {
    this.parts.journal
      .append(kind, data)
      .catch((thrown: unknown) =>
        this.here.logger.error({ telescope: this.here.id, kind, err: toError(thrown) }, 'journal'),
      );
  }
  note(what: string, detail: string | null): void {
    this.write('state', { what, detail });
  }
  /** `unsafe (weather_unknown): what is missing`, as domain/gateway-record.ts reads it when the night is settled. */
  noteWeather({ state, reason, causes }: Pick<Weather, 'state' | 'reason' | 'causes'>): void {
    const why = reason ? ` (${reason})` : '';
    this.note('weather', `${state}${why}${causes.length > 0 ? `: ${causes.join('; ')}` : ''}`);
  }
  command(key: string, method: string, outcome: CommandOutcome, bookingId: string | null): void {
    this.parts.journal
      .append('command', { key, method, state: outcome.outcome, reason: outcome.reason }, bookingId)
      .catch((thrown: unknown) => this.here.logger.error({ telescope: this.here.id, err: toError(thrown) }, 'journal'));
  }
  tellSessions(kind: TelescopeEventSignal['kind'], detail?: string): void {
    for (const grant of this.parts.grants.current()) this.parts.signals.event(grant.bookingId, kind, detail);
  }
  /** Rows stand in PostgreSQL now: the sessions they may belong to are told, each at most once in 2 s. */
  tellOfFrames(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      if (entry.kind !== 'frame' && entry.kind !== 'shot_done') continue;
      const upTo = { epoch: entry.epoch, n: entry.n };
      if (entry.bookingId) this.parts.signals.framesWaiting(entry.bookingId, upTo);
      else for (const grant of this.parts.grants.watched()) this.parts.signals.framesWaiting(grant.bookingId, upTo);
    }
  }
}
