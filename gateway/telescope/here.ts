import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { Logger } from '../../platform/logger.ts';
import type { SteadyClock } from '../../platform/steady-clock.ts';

/** What every part of a telescope's gateway may ask: which telescope, by which clock, and whether Voyager can be spoken to. */
export interface Here {
  readonly id: string;
  readonly readOnly: boolean;
  readonly clock: SteadyClock;
  readonly logger: Logger;
  readonly telescope: () => Telescope;
  /** The connection to Voyager is ready. */
  readonly ready: () => boolean;
  /** Why the connection is not ready, as the link says it. */
  readonly whyAway: () => string | null;
}
