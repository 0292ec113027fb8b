import type { Client } from '@temporalio/client';
import { toError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { adoptStranded, roleOf, type Role } from './deployment.ts';
import { ensureSchedules } from './schedules.ts';

/** Asked this often until it is the current version, and then less. */
const SOON_MS = 2_000;
const LATER_MS = 15_000;
/** Finalisations left behind by an older version of the worker are looked for this often. */
const ADOPT_EVERY_MS = 150_000;

/**
 * What only the current version of the worker does: it keeps the Schedules as they are in its code, and takes over what versions that nobody runs
 * have left. A worker that is not current only polls; it never makes itself current.
 */
export class Duties {
  role: Role = 'unknown';
  /** Longitudes that the Schedules stand for; null: not set by this run. */
  private scheduled: string | null = null;
  private adoptedAtMs = performance.now();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly client: Client,
    private readonly buildId: string,
    /** Of the telescopes that are served, in degrees: Schedules keep away from their dawns. */
    private readonly longitudes: () => Promise<number[]>,
    private readonly logger: Logger,
  ) {}

  begin(): void {
    this.timer = setTimeout(() => void this.look(), 0);
  }
  end(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async look(): Promise<void> {
    try {
      this.tell(await roleOf(this.client, this.buildId));
      if (this.role === 'current') await this.carryOut();
      else this.scheduled = null;
    } catch (thrown) {
      this.role = 'unknown';
      this.logger.warn({ err: toError(thrown).message }, 'the version of this worker cannot be looked up');
    }
    // Ended meanwhile: not begun again.
    if (this.timer) this.timer = setTimeout(() => void this.look(), this.scheduled === null ? SOON_MS : LATER_MS);
  }

  private tell(role: Role): void {
    if (role === this.role) return;
    this.role = role;
    const { buildId } = this;
    if (role === 'waiting')
      this.logger.warn({ buildId }, 'this version is not the current one; `npm run release -- promote` makes it so');
    else this.logger.info({ buildId, role }, 'version of this worker');
  }

  private async carryOut(): Promise<void> {
    const longitudes = await this.longitudes();
    if (this.scheduled !== longitudes.join()) await ensureSchedules(this.client, longitudes);
    this.scheduled = longitudes.join();
    if (performance.now() - this.adoptedAtMs < ADOPT_EVERY_MS) return;
    this.adoptedAtMs = performance.now();
    const adopted = await adoptStranded(this.client, this.buildId);
    if (adopted.length > 0)
      this.logger.warn({ adopted }, 'finalisations of a version that nobody runs any more were taken over');
  }
}
