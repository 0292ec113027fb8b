import { proxyActivities } from '@temporalio/workflow';
import type { BackupActivities } from '../../domain/backup.ts';
import type { KeepingActivities, MaintenanceActivities } from '../../domain/ports.ts';
import { QUEUE_FINALISE } from '../../domain/queues.ts';

/** What the Schedules run. Each activity is one pass over the database that may be repeated at any time. */
const passes = proxyActivities<MaintenanceActivities>({
  startToCloseTimeout: '50 seconds',
  retry: { initialInterval: '1 second', maximumAttempts: 3 },
});

/** Passes over the archive: hours of reading and copying that heartbeat, on the queue that can never hold up a night. */
const keeping = proxyActivities<KeepingActivities>({
  taskQueue: QUEUE_FINALISE,
  startToCloseTimeout: '5 hours',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1 minute', maximumAttempts: 3 },
});
/** A backup that fails is tried again within its day; the alert is that the last one grows old. */
const saving = proxyActivities<BackupActivities>({
  taskQueue: QUEUE_FINALISE,
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '1 minute',
  retry: { initialInterval: '5 minutes', maximumAttempts: 4 },
});
/** A pass of the archive leaves the disk to the night after this time. */
const SCRUB_SECONDS = 2 * 3600;
const COPY_SECONDS = 3 * 3600;
const READ_BACK_SECONDS = 1200;

/** Every minute: bookings and workflows that have lost each other, commands without an answer, late frames, the outbox. */
export async function reconcile(): Promise<
  Awaited<ReturnType<MaintenanceActivities['startMissingSessions']>> & {
    nudged: string[];
    outbox: { waiting: number; dead: number };
  }
> {
  const sessions = await passes.startMissingSessions.executeWithOptions(
    { summary: 'sessions and their workflows' },
    [],
  );
  const { nudged } = await passes.collectLateFrames.executeWithOptions({ summary: 'late frames' }, []);
  const outbox = await passes.checkOutbox.executeWithOptions({ summary: 'outbox' }, []);
  return { ...sessions, nudged, outbox };
}

/** Daily: what is kept for a time only (telemetry 90 days, logs a year) and people who asked to be erased. */
export async function retention(): Promise<{ telemetry: number; timeline: number; people: number; keys: number }> {
  return passes.applyRetention.executeWithOptions({ summary: 'retention' }, []);
}

/** Daily, by day: copies elsewhere, then the rule of deletion (which looks for the copies), then reading back what lies on the disk. */
export async function keepFrames(): Promise<{
  copied: number;
  trashed: number;
  purged: number;
  checked: number;
  damaged: number;
}> {
  const { copied } = await keeping.copyFrames.executeWithOptions({ summary: 'copies' }, [
    { budgetSeconds: COPY_SECONDS },
  ]);
  const { trashed, purged } = await keeping.expireFrames.executeWithOptions({ summary: 'rule of deletion' }, []);
  const { checked, damaged } = await keeping.scrubFrames.executeWithOptions({ summary: 'read back' }, [
    { budgetSeconds: SCRUB_SECONDS },
  ]);
  return { copied, trashed, purged, checked, damaged: damaged.length };
}

/** Every six hours: what has come since is read back from the disk within the day, by night, too, since it takes a minute or two. */
export async function readBack(): Promise<{ checked: number; damaged: number }> {
  const { checked, damaged } = await keeping.scrubFrames.executeWithOptions({ summary: 'read back' }, [
    { budgetSeconds: READ_BACK_SECONDS, onlyNew: true },
  ]);
  return { checked, damaged: damaged.length };
}

/** Daily, by day: database and gateway state, restored on trial and compared. */
export async function backup(): Promise<Awaited<ReturnType<BackupActivities['makeBackup']>>> {
  return saving.makeBackup.executeWithOptions({ summary: 'backup' }, []);
}

/** Every hour: room on the disk for the bookings to come. */
export async function forecast(): Promise<{ short: string[] }> {
  const { short } = await keeping.forecastDisk.executeWithOptions({ summary: 'disk' }, []);
  return { short: short.map((s) => s.bookingId) };
}

/** Daily: the operator's letter, which is also how he hears that all is well. */
export async function health(): Promise<{ lines: string[] }> {
  return passes.tellHealth.executeWithOptions({ summary: 'health digest' }, []);
}
