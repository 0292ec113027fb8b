import { join } from 'node:path';
import { readJson, writeJsonDurably } from './files.ts';

export type Emergency = 'suspend' | 'exit';
interface Stored {
  emergency: Emergency | null;
  since: string | null;
  text: string | null;
}

/**
 * Voyager's own emergency, as its log lines tell it (LogEvent type 9 EMERGENCY; texts from the protocol page, section 4.3):
 * SUSPEND begins one, Exit begins one, RESUME or "Event Status Restored" ends it. Any other type 9 line while none is known counts as
 * the beginning of a suspend. Kept on disk, because a gateway that starts in the middle of one must stay silent too.
 */
export class EmergencyWatch {
  private readonly path: string;
  private stored: Stored;
  constructor(folder: string) {
    this.path = join(folder, 'emergency.json');
    this.stored = (readJson(this.path) as Stored | null) ?? { emergency: null, since: null, text: null };
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
    const next = { emergency, since: emergency ? new Date(atMs).toISOString() : null, text: emergency ? text.slice(0, 300) : null };
    this.stored = next;
    writeJsonDurably(this.path, next);
    if (emergency === null) return 'over';
    return before === null ? 'begun' : null;
  }
}
