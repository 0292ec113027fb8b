/** What the gateway writes down, by `kind`; the rows that frame intake and the workflow read. Paths are Voyager's own (Windows). */
export interface JournalKinds {
  /** NewFITReady, as it came. `type`: 0 LIGHT, 1 BIAS, 2 DARK, 3 FLAT; `voy_type`: TEST, SHOT, SYNC or null. */
  frame: { file: string; type: number; voy_type: string | null; seq_target: string | null };
  /** Numbers of a NewJPGReady (the picture stays in the gateway); joined to the frame by file name. */
  jpg: {
    file: string;
    hfd: number | null;
    star_index: number | null;
    filter: string | null;
    exposure_seconds: number | null;
    binning: number | null;
  };
  /** A record of Voyager's shot-done list that was not known before; `guid` is what the FITS header calls RTSHOT. */
  shot_done: {
    guid: string;
    shot_guid: string;
    target_guid: string;
    filename: string;
    path: string;
    at: string;
    hfd: number | null;
    star_index: number | null;
  };
  signal: { code: number; name: string | null };
  log: { type: number; text: string };
  state: { what: string; detail: string | null };
  command: { key: string; method: string; state: string; reason: string | null };
}
export type JournalKind = keyof JournalKinds;

/** An entry of the gateway's journal: `n` counts within `epoch`. */
export interface JournalEntry<K extends JournalKind = JournalKind> {
  epoch: number;
  n: number;
  kind: K;
  /** ISO, this gateway's clock. */
  at: string;
  bookingId: string | null;
  data: JournalKinds[K];
}
