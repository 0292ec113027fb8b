import type { Config } from '../../platform/config.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import type { FrameActivities, FrameCounts } from '../../domain/ports.ts';
import { currentCaller } from './caller.ts';
import { DEFAULT_TIMING, FrameIntake, type IntakeTiming } from './intake/intake.ts';
import { Mount } from './intake/mount.ts';
import { linger, type LingerTiming } from './linger.ts';
import { FramePool } from '../../frames/pass/pool.ts';
import { FrameStore } from '../../frames/store/store.ts';

export interface FrameDeps {
  db: Database;
  config: Pick<Config, 'OBSERVATIONS_STORAGE_PATH' | 'MAX_IMAGE_SIZE_MB'>;
  logger: Logger;
  timing?: Partial<IntakeTiming>;
  linger?: LingerTiming;
}

/** The activities of queue `frames.<telescope>`, and `close` for what they started: worker threads and the mount's child processes. */
export interface FrameService extends FrameActivities {
  /** Starts threads and child processes now, so that the first frame of a night takes no longer than the others. */
  warm(): Promise<void>;
  /** Drains that linger end now; the gateway signals what comes later. */
  rest(): void;
  close(): Promise<void>;
}

export function createFrameActivities(deps: FrameDeps): FrameService {
  const mount = new Mount();
  const pool = new FramePool();
  const intake = new FrameIntake({
    db: deps.db,
    logger: deps.logger,
    store: new FrameStore(deps.config.OBSERVATIONS_STORAGE_PATH),
    mount,
    pool,
    maxBytes: deps.config.MAX_IMAGE_SIZE_MB * 1024 * 1024,
    timing: { ...DEFAULT_TIMING, ...deps.timing },
  });
  const resting = new AbortController();
  const activities: FrameActivities = {
    drainFrames: ({ bookingId, telescopeId, linger: stay }) => {
      const caller = currentCaller();
      const drain = (): Promise<FrameCounts> => intake.drain(bookingId, telescopeId, caller);
      return stay
        ? linger(
            { db: deps.db, telescopeId, caller, rest: resting.signal, ...(deps.linger ? { timing: deps.linger } : {}) },
            drain,
          )
        : drain();
    },
    reconcileFrames: (input) => intake.reconcile(input, currentCaller()),
  };
  // Not enumerable, so that a worker that registers all activities does not offer them as such.
  return Object.defineProperties(activities, {
    warm: { value: async () => void (await Promise.all([mount.warm(), pool.warm()])) },
    rest: { value: () => resting.abort() },
    close: { value: async () => void (await Promise.all([mount.close(), pool.close()])) },
  }) as FrameService;
}

export { FrameStore } from '../../frames/store/store.ts';
export { scrubFrames } from './upkeep.ts';
