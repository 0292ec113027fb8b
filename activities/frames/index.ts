import { Context } from '@temporalio/activity';
import type { Config } from '../../platform/config.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import type { FrameActivities } from '../ports.ts';
import { DEFAULT_TIMING, FrameIntake, type Caller, type IntakeTiming } from './intake/intake.ts';
import { Mount } from './intake/mount.ts';
import { FramePool } from './pass/pool.ts';
import { FrameStore } from './store/store.ts';

export interface FrameDeps {
  db: Database;
  config: Pick<Config, 'OBSERVATIONS_STORAGE_PATH' | 'MAX_IMAGE_SIZE_MB'>;
  logger: Logger;
  timing?: Partial<IntakeTiming>;
}

/** The activities of queue `frames.<telescope>`, and `close` for what they started: worker threads and the mount's child processes. */
export interface FrameService extends FrameActivities {
  close(): Promise<void>;
}

/** Sign of life and cancellation of the activity that runs now; outside of one (import, tests) neither. */
export function currentCaller(): Caller {
  try {
    const context = Context.current();
    return { heartbeat: (detail) => context.heartbeat(detail), signal: context.cancellationSignal };
  } catch {
    return { heartbeat: () => undefined, signal: null };
  }
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
  const activities: FrameActivities = {
    drainFrames: ({ bookingId, telescopeId }) => intake.drain(bookingId, telescopeId, currentCaller()),
    reconcileFrames: (input) => intake.reconcile(input, currentCaller()),
  };
  // Not enumerable, so that a worker that registers all activities does not offer it as one.
  return Object.defineProperty(activities, 'close', {
    value: async () => {
      await Promise.all([mount.close(), pool.close()]);
    },
  }) as FrameService;
}

export { toImage, toImageSummary } from './images.ts';
export { FrameStore } from './store/store.ts';
export { scrubFrames } from './store/upkeep.ts';
