import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createFinaliseActivities } from '../../activities/finalise/index.ts';
import { createArchiveActivities } from '../../activities/frames/archive.ts';
import { loadConfig } from '../../platform/config.ts';
import { createLogger } from '../../platform/logger.ts';
import { ApiClient } from '../../stack/api-client.ts';
import type { Stack } from '../../stack/stack.ts';
import { BOOKING, TELESCOPE, type Night } from './night.ts';
import type { NightOutcome } from './plan.ts';
import { effectsIn, unrecordedFrames, type Effect } from './points.ts';

/** Reads the outcome from database, files, RoboTarget and the simulator's own log. */
export async function outcomeOf({ stack, db }: Night): Promise<NightOutcome> {
  const session = await db.session.findUniqueOrThrow({ where: { bookingId: BOOKING } });
  const booking = await db.booking.findUniqueOrThrow({ where: { id: BOOKING } });
  const frames = await db.frame.findMany({
    where: { bookingId: BOOKING, type: 'LIGHT' },
    orderBy: { capturedAt: 'asc' },
  });
  const counts = new Map<number | null, number>();
  const archived: string[] = [];
  let unverified = 0;
  let unexplained = 0;
  for (const frame of frames) {
    if (frame.state !== 'archived') {
      if (!frame.reason) unexplained++;
      continue;
    }
    const index = (counts.get(frame.shotIndex) ?? 0) + 1;
    counts.set(frame.shotIndex, index);
    archived.push(
      `${frame.shotIndex === null ? 'a frame of no line of the plan' : `shot ${frame.shotIndex + 1}`}, frame ${index}`,
    );
    if (fileHash(resolve(stack.storagePath, frame.archivePath ?? '')) !== frame.sha256) unverified++;
  }
  const ledger = await db.ledgerInterval.findMany({ where: { bookingId: BOOKING } });
  const seconds: Record<string, number> = {};
  for (const line of ledger)
    seconds[line.class] = (seconds[line.class] ?? 0) + (line.endsAt.getTime() - line.startsAt.getTime()) / 1000;

  const stored = await db.report.findUnique({ where: { bookingId: BOOKING } });
  const config = loadConfig({
    ...process.env,
    DATABASE_URL: stack.databaseUrl,
    OBSERVATIONS_STORAGE_PATH: stack.storagePath,
  });
  const logger = createLogger('chaos', 'silent');
  const finalise = createFinaliseActivities({
    db,
    storagePath: stack.storagePath,
    archive: createArchiveActivities({ db, config, logger }),
  });
  await finalise.rebuildReport({ bookingId: BOOKING, telescopeId: TELESCOPE });
  const rebuilt = await db.report.findUnique({ where: { bookingId: BOOKING } });

  return {
    phase: session.phase,
    objects: await roboTargetObjects(stack),
    archived,
    unrecorded: unrecordedFrames(effects(stack)),
    unexplained,
    unverified,
    ledger: seconds,
    slotSeconds: (booking.endsAt.getTime() - booking.startsAt.getTime()) / 1000,
    repeatedWithEffect: effects(stack).filter((entry) => entry.repeated_effect),
    reportStands: stored !== null && JSON.stringify(stored.body) === JSON.stringify(rebuilt?.body),
  };
}

const fileHash = (path: string): string | null => {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return null;
  }
};
const effects = (stack: Stack): Effect[] => effectsIn(join(stack.simulatorDir!, 'effects.jsonl'));
/** RoboTarget's objects as `kind guid status`, through the drop-in routes. */
async function roboTargetObjects(stack: Stack): Promise<string[]> {
  const api = new ApiClient(stack.apiUrl, stack.apiKey);
  const list = async (path: string): Promise<Record<string, unknown>[]> => {
    const answer = await api.call<{ data?: Record<string, unknown>[] } | Record<string, unknown>[]>('GET', path);
    return Array.isArray(answer) ? answer : (answer.data ?? []);
  };
  const field = (item: Record<string, unknown>, pattern: RegExp): string => {
    const value = Object.entries(item).find(([name]) => pattern.test(name))?.[1];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const found: string[] = [];
  for (const set of await list('/api/robotarget/sets')) {
    const setGuid = field(set, /^guid$/i);
    found.push(`set ${setGuid} ${field(set, /^status$/i)}`);
    for (const target of await list(`/api/robotarget/targets?setGuid=${setGuid}`)) {
      const targetGuid = field(target, /^guidtarget$|^guid$/i);
      found.push(`target ${targetGuid} ${field(target, /^status$/i)}`);
      for (const shot of await list(`/api/robotarget/shots?targetGuid=${targetGuid}`))
        found.push(`shot ${field(shot, /^guidshot$|^guid$/i)} ${field(shot, /^quantity$/i)}`);
    }
  }
  return found.sort();
}
