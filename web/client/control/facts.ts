import { withoutEvidence } from '../../../domain/evidence.ts';
import { isActivePhase, isWaitingPhase, type Phase } from '../../../domain/phases.ts';
import type { ImageSummary, SessionStats, Snapshot, TelescopeState } from '../core/types.ts';
import { translate, type Locale } from '../i18n/index.ts';

/** What came last, by the server's clock; null when nothing did. */
export interface LastSeen {
  frame: Pick<ImageSummary, 'captured_at' | 'filter' | 'exposure' | 'binning' | 'hfd' | 'star_index'> | null;
  log: string | null;
  statsAtMs: number | null;
}

export interface ViewInput {
  snapshot: Snapshot | null;
  telescope: TelescopeState | null;
  /** When `telescope` came in, by the page's clock. */
  telescopeAtMs: number;
  stats: SessionStats | null;
  /** Time by the server's clock. */
  nowMs: number;
  pageNowMs: number;
  locale: Locale;
  zone: 'site' | 'local';
  lastBinning: number | null;
  last?: LastSeen;
}

/** What several sections need to know, worked out once. */
export interface Facts {
  snapshot: Snapshot | null;
  /** As the page knew it last, evidence or not. */
  given: TelescopeState | null;
  /** Without everything that only fresh evidence allows. */
  telescope: TelescopeState | null;
  stats: SessionStats | null;
  last: LastSeen;
  nowMs: number;
  pageNowMs: number;
  locale: Locale;
  /** IANA name of the zone in which times are shown; the viewer's own when undefined. */
  zone: string | undefined;
  /** Seconds since the telescope's state came in. */
  since: number;
  phase: Phase;
  before: boolean;
  active: boolean;
  over: boolean;
  connected: boolean;
  /** The session is under way and nothing fresh says what the telescope does. */
  unheard: boolean;
  startMs: number;
  endMs: number;
  elapsedSeconds: number;
  remainingSeconds: number;
  binning: number | null;
  readonly say: (key: string, values?: Record<string, string | number>) => string;
}

export function factsOf(input: ViewInput): Facts {
  const { snapshot, nowMs, locale } = input;
  const since = Math.max(0, (input.pageNowMs - input.telescopeAtMs) / 1000);
  const telescope = input.telescope && withoutEvidence(input.telescope, since);
  const phase = snapshot?.phase ?? 'scheduled';
  const before = snapshot !== null && isWaitingPhase(phase);
  const active = snapshot !== null && isActivePhase(phase);
  const over = snapshot !== null && !before && !active;
  const connected = telescope?.connection.connected ?? false;
  return {
    snapshot,
    given: input.telescope,
    telescope,
    stats: input.stats,
    last: input.last ?? { frame: null, log: null, statsAtMs: null },
    nowMs,
    pageNowMs: input.pageNowMs,
    locale,
    zone: input.zone === 'site' && snapshot ? snapshot.timezone : undefined,
    since,
    phase,
    before,
    active,
    over,
    connected,
    unheard: active && !connected,
    ...timesOf(snapshot, nowMs, before, over),
    binning: before ? null : (telescope?.camera.binning ?? telescope?.preview?.binning ?? input.lastBinning),
    say: (key, values) => translate(locale, key, values),
  };
}

/** Where the slot begins and ends, how much of it is gone and how much is left. */
function timesOf(
  snapshot: Snapshot | null,
  nowMs: number,
  before: boolean,
  over: boolean,
): Pick<Facts, 'startMs' | 'endMs' | 'elapsedSeconds' | 'remainingSeconds'> {
  if (!snapshot) return { startMs: nowMs, endMs: nowMs, elapsedSeconds: 0, remainingSeconds: 0 };
  const [startMs, endMs] = [Date.parse(snapshot.start), Date.parse(snapshot.end)];
  const from = snapshot.session_started_at ? Date.parse(snapshot.session_started_at) : startMs;
  const to = snapshot.session_ended_at ? Date.parse(snapshot.session_ended_at) : Math.min(nowMs, endMs);
  return {
    startMs,
    endMs,
    elapsedSeconds: before ? 0 : Math.max(0, (to - from) / 1000),
    remainingSeconds: over ? 0 : Math.max(0, (endMs - Math.max(nowMs, startMs)) / 1000),
  };
}
