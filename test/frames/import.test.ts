import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_TIMING } from '../../activities/frames/intake/intake.ts';
import { Mount } from '../../activities/frames/intake/mount.ts';
import { importFolder } from '../../activities/frames/import.ts';
import { FramePool } from '../../activities/frames/pass/pool.ts';
import { FrameStore } from '../../activities/frames/store/store.ts';
import { createLogger } from '../../platform/logger.ts';
import { findTelescope } from '../../platform/telescopes.ts';
import { cameraFrame, startWorld, TELESCOPE, type World } from './support.ts';

// Threads and child processes start from source here, which takes long on a busy machine.
jest.setTimeout(120_000);

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 120_000);
afterAll(async () => {
  await world.stop();
});

test('a folder of old frames becomes a past session; a second run does nothing twice; a broken file is named', async () => {
  const folder = join(world.folder, 'old nights', 'M 31');
  mkdirSync(join(folder, 'Ha'), { recursive: true });
  const frames = [1, 2].map((n) =>
    cameraFrame({
      seed: n,
      cards: [
        ['OBJECT', 'M 31'],
        ['DATE-OBS', `2024-10-0${n}T22:00:00.500`],
      ],
    }),
  );
  writeFileSync(join(folder, 'Ha', 'a.fits'), frames[1]!);
  writeFileSync(join(folder, 'Ha', 'b.fits'), frames[0]!);
  writeFileSync(join(folder, 'c.fits'), frames[0]!.subarray(0, 4000));
  const mount = new Mount(1);
  const pool = new FramePool(1);
  try {
    const telescope = (await findTelescope(world.db, TELESCOPE))!;
    const deps = {
      db: world.db,
      logger: createLogger('test', 'silent'),
      store: new FrameStore(world.storage),
      mount,
      pool,
      maxBytes: 1e9,
      timing: { ...DEFAULT_TIMING, settleMs: 200, pollMs: 50, attributeMs: 100 },
    };
    const seen: string[] = [];
    const run = () => importFolder(deps, { folder, telescope, bookingId: 'old-1', progress: (done, all, what) => void seen.push(`${what} ${done}/${all}`) });
    expect(await run()).toMatchObject({ bookingId: 'old-1', files: 3, captured: 3, archived: 2, rejected: 1, missing: 0, pending: 0 });
    expect(seen).toContain('headers 3/3');
    const rows = await world.db.frame.findMany({ where: { bookingId: 'old-1', state: 'archived' }, orderBy: { capturedAt: 'asc' } });
    expect(rows.map((r) => [r.filename, r.capturedAt?.toISOString(), r.previewed, r.measured])).toEqual([
      ['b.fits', '2024-10-01T22:00:00.500Z', true, true],
      ['a.fits', '2024-10-02T22:00:00.500Z', true, true],
    ]);
    expect(readFileSync(join(world.storage, rows[0]!.archivePath!)).equals(frames[0]!)).toBe(true);
    const session = await world.db.session.findUniqueOrThrow({ where: { bookingId: 'old-1' }, include: { booking: true } });
    expect([session.phase, session.imagesCaptured, session.booking.occupies, session.booking.startsAt.toISOString(), session.booking.target]).toEqual([
      'completed',
      2,
      false,
      '2024-10-01T22:00:00.500Z',
      { name: 'M 31', ra_hours: 0, dec_degrees: 0, pa_degrees: 0 },
    ]);
    expect(await world.db.outbox.count({ where: { bookingId: 'old-1' } })).toBe(0);
    expect(await run()).toMatchObject({ captured: 3, archived: 2, rejected: 1 });
    await expect(importFolder(deps, { folder: join(world.folder, 'nothing'), telescope, progress: () => undefined })).rejects.toThrow('cannot be read');
  } finally {
    await Promise.all([mount.close(), pool.close()]);
  }
});
