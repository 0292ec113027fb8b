import { formatDec, formatRa } from '../../../domain/coordinates.ts';
import { prefs } from '../core/prefs.ts';
import type { ImageSummary, Receipt, Snapshot, TelescopeState } from '../core/types.ts';
import { PLAN, TARGET } from './demo-telescope.ts';

const SLOT_SECONDS = 420;

/** Where the demo's session stands; `done` counts the frames of each line of the plan. */
export interface DemoSession {
  seq: number;
  startMs: number;
  phase: Snapshot['phase'];
  paused: boolean;
  done: readonly number[];
  receipt: Receipt | null;
  telescope: TelescopeState;
}

function reasonOf({ paused, phase }: DemoSession): Snapshot['reason'] {
  if (paused) return 'user_pause';
  if (phase === 'aborted') return 'user_abort';
  return phase === 'completed' ? 'plan_finished' : null;
}

/** The demo's session as the API would answer it. */
export function demoSnapshot(session: DemoSession): Snapshot {
  const now = Date.now();
  const total = PLAN.reduce((n, line) => n + line.quantity, 0);
  const shots = session.done.reduce((a, b) => a + b, 0);
  const over = session.phase === 'completed' || session.phase === 'aborted';
  return {
    seq: session.seq,
    epoch: 1,
    ts: new Date(now).toISOString(),
    booking_id: 'demo',
    telescope_id: 'demo',
    telescope_name: prefs.locale === 'fr' ? 'Astrographe 8″ f/3,8' : 'Astrograph 8″ f/3.8',
    timezone: 'Europe/Paris',
    start: new Date(session.startMs).toISOString(),
    end: new Date(session.startMs + SLOT_SECONDS * 1000).toISOString(),
    now: new Date(now).toISOString(),
    target: { ...TARGET, ra_text: formatRa(TARGET.ra_hours), dec_text: formatDec(TARGET.dec_degrees) },
    phase: session.phase,
    hold_cause: session.paused ? 'user' : null,
    reason: reasonOf(session),
    status: 'running',
    access_state: over ? 'finished' : 'active',
    outcome: over ? (session.phase as 'completed' | 'aborted') : null,
    next: over ? null : { what: 'check', at: new Date(now + 120_000).toISOString() },
    session_started_at: new Date(session.startMs).toISOString(),
    session_ended_at: over ? new Date(now).toISOString() : null,
    plan: PLAN.map((line, i) => ({
      guid: `demo-${i}`,
      filter: line.filter,
      exposure_seconds: line.exposure_seconds,
      quantity: line.quantity,
      done: session.done[i]!,
      binning: 1,
      type: 'light',
    })),
    progress: {
      shots_done: shots,
      shots_total: total,
      integration_seconds: session.done.reduce((n, d, i) => n + d * PLAN[i]!.exposure_seconds, 0),
      percent: (100 * shots) / total,
    },
    credits: { charged: 12, used: Math.min(12, ((now - session.startMs) / 1000 / SLOT_SECONDS) * 12), refund: null },
    images: { captured: shots, archived: shots, average_hfd: shots > 0 ? 2.41 : null },
    controls: over
      ? { pause: 'session_over', resume: 'session_over', abort: 'session_over' }
      : { pause: session.paused ? 'already_paused' : null, resume: session.paused ? null : 'not_paused', abort: null },
    last_receipt: session.receipt,
    telescope: session.telescope,
  };
}

/** The archived frame whose preview is shown; its pictures are one and the same. */
export function demoFrame(
  preview: NonNullable<TelescopeState['preview']>,
  thumbUrl: string,
  stars: number,
): ImageSummary {
  return {
    id: preview.id,
    booking_id: 'demo',
    filename: preview.file,
    type: 'LIGHT',
    filter: preview.filter,
    exposure: preview.exposure_seconds,
    temperature: -10,
    binning: 1,
    gain: 100,
    offset: 50,
    hfd: preview.hfd,
    hfd_source: 'voyager',
    star_index: preview.star_index,
    stars,
    stats: null,
    captured_at: preview.at,
    state: 'archived',
    reason: null,
    measured: true,
    previewed: true,
    url: null,
    preview_url: thumbUrl,
    thumbnail_url: thumbUrl,
    full_url: null,
    quicklook_url: null,
    size_bytes: 18_095_040,
    sha256: null,
  };
}
