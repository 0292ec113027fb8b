import { proxyActivities } from '@temporalio/workflow';
import type { MaintenanceActivities } from '../../activities/session/maintenance.ts';

/** What the Schedules run. Each activity is one pass over the database that may be repeated at any time. */
const passes = proxyActivities<MaintenanceActivities>({
  startToCloseTimeout: '50 seconds',
  retry: { initialInterval: '1 second', maximumAttempts: 3 },
});

/** Every minute: sessions that a crash left without a workflow, late frames, the outbox. */
export async function reconcile(): Promise<{ started: string[]; nudged: string[]; rescheduled: string[]; outbox: { waiting: number; dead: number } }> {
  const { started, rescheduled } = await passes.startMissingSessions.executeWithOptions({ summary: 'sessions without a workflow' }, []);
  const { nudged } = await passes.collectLateFrames.executeWithOptions({ summary: 'late frames' }, []);
  const outbox = await passes.checkOutbox.executeWithOptions({ summary: 'outbox' }, []);
  return { started, nudged, rescheduled, outbox };
}

/** Daily: what is kept for a time only (telemetry 90 days, logs a year) and people who asked to be erased. */
export async function retention(): Promise<{ telemetry: number; timeline: number; people: number; keys: number }> {
  return passes.applyRetention.executeWithOptions({ summary: 'retention' }, []);
}
