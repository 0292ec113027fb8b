import type { Records, StateFile } from './state-file.ts';

export type Emergency = 'suspend' | 'exit';
interface Stored {
  emergency: Emergency | null;
  since: string | null;
  text: string | null;
}

const NONE: Stored = { emergency: null, since: null, text: null };

/**
 * Voyager's own emergency, by its log lines (LogEvent type 9; protocol page, 4.3): SUSPEND or Exit begins one, RESUME or "Event Status Restored"
 * ends it, and any other line begins one when none is known. Kept on disk, because a gateway that starts in the middle must stay silent too.
 */
export class EmergencyWatch {
  private readonly records: Records<Stored>;
  constructor(state: StateFile) {
    this.records = state.part('emergency');
  }
  private get stored(): Stored {
    return this.records.get('voyager') ?? NONE;
  }
  get current(): Emergency | null {
    return this.stored.emergency;
  }
  get since(): string | null {
    return this.stored.since;
  }
  /** A line of Voyager's log of type 9. Returns what changed. */
  logLine(text: string, atMs: number): 'begun' | 'over' | null {
    if (/\bRESUME\b/i.test(text) || /Status Restored/i.test(text)) return this.set(null, text, atMs);
    if (/Emergency Exit|\bEXIT\b/i.test(text)) return this.set('exit', text, atMs);
    return this.stored.emergency ? null : this.set('suspend', text, atMs);
  }
  /** Voyager has ended, or a person at the observatory says that it is over. */
  clear(why: string, atMs: number): 'over' | null {
    return this.set(null, why, atMs) === 'over' ? 'over' : null;
  }
  private set(emergency: Emergency | null, text: string, atMs: number): 'begun' | 'over' | null {
    const before = this.stored.emergency;
    if (before === emergency) return null;
    this.records.set(
      'voyager',
      emergency ? { emergency, since: new Date(atMs).toISOString(), text: text.slice(0, 300) } : NONE,
    );
    if (emergency === null) return 'over';
    return before === null ? 'begun' : null;
  }
}
