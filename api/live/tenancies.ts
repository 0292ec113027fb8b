import type { Event } from '../../domain/contracts/event.ts';
import { ACTIVE_PHASES, isActivePhase } from '../../domain/phases.ts';
import type { Database } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { tenancyOf, type Tenancy } from '../telescopes/mirror.ts';

/** Which booking a telescope works for, for events that name only the telescope. */
export class Tenancies {
  private readonly byTelescope = new Map<string, Tenancy>();
  constructor(
    private readonly db: Database,
    private readonly logger: Logger,
  ) {}

  of(telescopeId: string): Tenancy | null {
    return this.byTelescope.get(telescopeId) ?? null;
  }
  all(): IterableIterator<Tenancy> {
    return this.byTelescope.values();
  }
  /** What a change of a session says of its telescope. */
  note(event: Event): void {
    const phase = String(event.data.phase);
    const known = this.byTelescope.get(event.telescope_id);
    if (isActivePhase(phase))
      this.byTelescope.set(event.telescope_id, {
        bookingId: event.booking_id!,
        phase,
        reason: typeof event.data.reason === 'string' ? event.data.reason : null,
        sinceMs: known?.bookingId === event.booking_id ? known.sinceMs : Date.parse(event.ts),
      });
    else if (known?.bookingId === event.booking_id) this.byTelescope.delete(event.telescope_id);
  }
  async load(): Promise<void> {
    try {
      const rows = await this.db.session.findMany({
        where: { phase: { in: [...ACTIVE_PHASES] } },
        include: { booking: { select: { startsAt: true } } },
      });
      this.byTelescope.clear();
      for (const row of rows) this.byTelescope.set(row.telescopeId, tenancyOf(row)!);
    } catch (thrown) {
      this.logger.debug({ err: toError(thrown).message }, 'active sessions not read');
    }
  }
}
