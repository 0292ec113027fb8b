import type { TelescopeState } from '../../domain/contracts/state.ts';
import type { Event } from '../../domain/contracts/event.ts';
import { LIVE_WITHIN_SECONDS, withoutEvidence } from '../../domain/evidence.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { GatewayClient } from './gateway-client.ts';

interface Seen {
  state: TelescopeState;
  atMs: number;
}

/** Ages grow while a state lies here; what the gateway said n seconds ago is n seconds older now. */
function aged<T>(value: T, seconds: number): T {
  if (Array.isArray(value)) return value.map((item: unknown) => aged(item, seconds)) as T;
  if (value === null || typeof value !== 'object') return value;
  const copy: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value)) {
    copy[name] =
      typeof part === 'number' && (name === 'age_seconds' || name.endsWith('_age_seconds'))
        ? Math.round((part + seconds) * 10) / 10
        : aged<unknown>(part, seconds);
  }
  return copy as T;
}

/** Without news for this long the mirror is stale: the gateway publishes at least every 2 s. */
const STALE_AFTER_MS = LIVE_WITHIN_SECONDS * 1_000;

/** The state that a `control.updated` brings; null for another event and for a body that is no state. */
export function stateOf(event: Event): TelescopeState | null {
  if (event.type !== 'control.updated') return null;
  const whole = (['connection', 'voyager', 'mount', 'weather'] as const).every(
    (part) => typeof event.data[part] === 'object' && event.data[part] !== null,
  );
  return whole ? (event.data as unknown as TelescopeState) : null;
}

/** The newest state of each telescope as the bus brings it; cold, it asks the gateway once. */
export class Mirror {
  private readonly seen = new Map<string, Seen>();
  private readonly asking = new Map<string, Promise<TelescopeState | null>>();
  private readonly askedAt = new Map<string, number>();
  constructor(
    private readonly gateways: GatewayClient,
    private readonly now: () => number,
  ) {}
  take(event: Event): void {
    const state = stateOf(event);
    if (state) this.seen.set(event.telescope_id, { state, atMs: this.now() });
  }
  /** What memory holds, aged, and without what is no longer known; null when nothing was ever heard. */
  peek(telescopeId: string): TelescopeState | null {
    const seen = this.seen.get(telescopeId);
    if (!seen) return null;
    const ageSeconds = Math.max(0, this.now() - seen.atMs) / 1_000;
    return aged(withoutEvidence(seen.state, ageSeconds), ageSeconds);
  }
  /** The newest state; asks the gateway when the bus has been silent, at most once in 5 s. Null when nobody knows. */
  async state(telescope: Telescope): Promise<TelescopeState | null> {
    const seen = this.seen.get(telescope.id);
    const now = this.now();
    if (seen && now - seen.atMs <= STALE_AFTER_MS) return this.peek(telescope.id);
    if (now - (this.askedAt.get(telescope.id) ?? -Infinity) < 5_000 && !this.asking.has(telescope.id))
      return this.peek(telescope.id);
    let asking = this.asking.get(telescope.id);
    if (!asking) {
      this.askedAt.set(telescope.id, now);
      asking = this.gateways
        .state(telescope)
        .then((state) => {
          this.seen.set(telescope.id, { state, atMs: this.now() });
          return this.peek(telescope.id);
        })
        .catch(() => this.peek(telescope.id))
        .finally(() => this.asking.delete(telescope.id));
      this.asking.set(telescope.id, asking);
    }
    return asking;
  }
}

/** A session that has the telescope now, as far as it decides what may be seen. */
export interface Tenancy {
  bookingId: string;
  phase: string;
  reason: string | null;
  /** Start of the session; nothing that was taken before is theirs. */
  sinceMs: number;
}
interface TenantRow {
  bookingId: string;
  phase: string;
  reason: string | null;
  sessionStartedAt: Date | null;
  booking: { startsAt: Date };
}
/** Null for a session that has not begun or is over. */
export const tenancyOf = (row: TenantRow | null): Tenancy | null =>
  row && isActive(row.phase)
    ? {
        bookingId: row.bookingId,
        phase: row.phase,
        reason: row.reason,
        sinceMs: (row.sessionStartedAt ?? row.booking.startsAt).getTime(),
      }
    : null;
const isActive = (phase: string): boolean => phase === 'starting' || phase === 'running' || phase === 'holding';

/** A picture of the session itself: its exposure began after the session did. */
export const isOwnPicture = (preview: { at: string; exposure_seconds: number | null }, tenancy: Tenancy): boolean =>
  Date.parse(preview.at) - (preview.exposure_seconds ?? 0) * 1_000 >= tenancy.sinceMs;

/**
 * The state as people of a session see it, on every route and channel: all of it while their own target has the telescope, nothing of what others
 * take or point at. `tenancy` is that of their session, null when it does not have the telescope.
 */
export function seenBy(state: TelescopeState, tenancy: Tenancy | null): TelescopeState {
  if (!tenancy || tenancy.reason === 'foreign_target') return withoutOthers(state);
  const own = tenancy.phase === 'starting' ? { ...state, ...withoutWork(state) } : state;
  return own.preview && !isOwnPicture(own.preview, tenancy) ? { ...own, preview: null } : own;
}

const withoutWork = (state: TelescopeState): Pick<TelescopeState, 'voyager' | 'sequence' | 'exposure'> => ({
  voyager: { ...state.voyager, run_sequence: null, run_dragscript: null, last_error: null },
  sequence: null,
  exposure: null,
});

/**
 * What a guest may see of the telescope while somebody else's session (or none) is on it: weather, link and health,
 * but not where it points, what it takes, or its pictures.
 */
function withoutOthers(state: TelescopeState): TelescopeState {
  return {
    ...state,
    ...withoutWork(state),
    mount: {
      ...state.mount,
      ra_hours: null,
      dec_degrees: null,
      ra_j2000_hours: null,
      dec_j2000_degrees: null,
      altitude_degrees: null,
      azimuth_degrees: null,
      pier: null,
      flip_status: null,
      time_to_flip_seconds: null,
    },
    rotator: { ...state.rotator, position_degrees: null, sky_pa_degrees: null },
    dome: { ...state.dome, azimuth_degrees: null },
    preview: null,
  };
}

/** Only points of the gateway's series that were measured since the session began. */
export function seriesSince(history: { series: Record<string, unknown> }, sinceMs: number): typeof history {
  const series = Object.entries(history.series).map(([name, one]) => {
    const { points, ...rest } = one as { points?: [number, number][] };
    return [name, { ...rest, points: (points ?? []).filter(([ms]) => ms >= sinceMs) }] as const;
  });
  return { ...history, series: Object.fromEntries(series) };
}
