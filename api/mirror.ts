import type { TelescopeState } from '../domain/contracts/state.ts';
import type { Event } from '../domain/contracts/event.ts';
import type { Telescope } from '../domain/contracts/telescope.ts';
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
const STALE_AFTER_MS = 15_000;

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
    if (event.type !== 'control.updated') return;
    const state = event.data as unknown as TelescopeState;
    this.seen.set(event.telescope_id, { state, atMs: this.now() });
  }
  /** What memory holds, aged; null when nothing was ever heard. */
  peek(telescopeId: string): TelescopeState | null {
    const seen = this.seen.get(telescopeId);
    if (!seen) return null;
    const ageMs = Math.max(0, this.now() - seen.atMs);
    const state = aged(seen.state, ageMs / 1000);
    return ageMs > STALE_AFTER_MS ? { ...state, stale: true } : state;
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
          return state;
        })
        .catch(() => this.peek(telescope.id))
        .finally(() => this.asking.delete(telescope.id));
      this.asking.set(telescope.id, asking);
    }
    return asking;
  }
}

/**
 * What a guest may see of the telescope while somebody else's session (or none) is on it: weather, link and health,
 * but not where it points, what it takes, or its pictures.
 */
export function withoutOthers(state: TelescopeState): TelescopeState {
  return {
    ...state,
    voyager: { ...state.voyager, run_sequence: null, run_dragscript: null, last_error: null },
    mount: {
      ...state.mount,
      ra_hours: null,
      dec_degrees: null,
      ra_j2000_hours: null,
      dec_j2000_degrees: null,
      altitude_degrees: null,
      azimuth_degrees: null,
    },
    sequence: null,
    exposure: null,
    preview: null,
  };
}
