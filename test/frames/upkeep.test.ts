import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FrameStore, scrubFrames } from '../../activities/frames/index.ts';
import { createLogger } from '../../platform/logger.ts';
import { cameraFrame, guid, startWorld, TELESCOPE, type World } from './support.ts';

// Threads and child processes start from source here, which takes long on a busy machine.
jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 120_000);
afterAll(async () => {
  await world.stop();
});

test('the scrub finds a bit that turned, makes a lost name again, and is done once', async () => {
  await world.booking('u1');
  const files = [1, 2, 3].map((n) => cameraFrame({ seed: n, cards: [['RTSHOT', guid(n)]] }));
  for (const [i, bytes] of files.entries()) await world.shoot('u1', `u${i}.fit`, bytes, guid(i + 1));
  await world.frames.drainFrames({ bookingId: 'u1', telescopeId: TELESCOPE });
  const rows = await world.db.frame.findMany({ where: { bookingId: 'u1' }, orderBy: { filename: 'asc' } });
  rmSync(join(world.storage, rows[0]!.archivePath!));
  const broken = Buffer.from(files[1]!);
  broken[5000]! ^= 1;
  writeFileSync(join(world.storage, rows[1]!.archivePath!), broken);

  const deps = { db: world.db, store: new FrameStore(world.storage), logger: createLogger('test', 'silent') };
  expect(await scrubFrames(deps, 60_000)).toEqual({ checked: 3, restored: 1, damaged: [rows[1]!.id] });
  expect(readFileSync(join(world.storage, rows[0]!.archivePath!)).equals(files[0]!)).toBe(true);
  expect((await world.db.frame.findUniqueOrThrow({ where: { id: rows[1]!.id } })).reason).toBe('damaged');
  expect(await world.db.timeline.count({ where: { bookingId: 'u1', event: 'frame_damaged' } })).toBe(1);
  expect(await scrubFrames(deps, 60_000)).toEqual({ checked: 0, restored: 0, damaged: [] });

  // A month later every frame is read again, unless only new ones are asked for.
  await world.db.frame.updateMany({
    where: { bookingId: 'u1' },
    data: { scrubbedAt: new Date(Date.now() - 31 * 86_400_000) },
  });
  await world.db.frame.update({ where: { id: rows[2]!.id }, data: { scrubbedAt: null } });
  expect(await scrubFrames(deps, 60_000, undefined, true)).toMatchObject({ checked: 1 });
  expect(await scrubFrames(deps, 60_000)).toMatchObject({ checked: 2 });
});
