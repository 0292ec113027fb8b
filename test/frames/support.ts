import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Telescope } from '../../domain/contracts/telescope.ts';
import { objectGuid } from '../../domain/ids.ts';
import type { JournalKinds } from '../../domain/journal.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { syncTelescopes } from '../../platform/telescopes.ts';
import { createFrameActivities, type FrameService } from '../../activities/frames/index.ts';
import type { IntakeTiming } from '../../activities/frames/intake/intake.ts';
import { writeFits16, type WritableValue } from '../../frames/fits/writer.ts';
import { startPostgres } from '../support/postgres.ts';
import { expectToldAsDocumented } from '../support/told.ts';

export const TELESCOPE = 'dome';
export const WINDOWS_ROOT = 'C:\\Voyager\\FITS';

/** Deterministic noise of −64 … 63. */
export function* noise(seed: number): Generator<number> {
  let state = seed >>> 0 || 1;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield ((state >>> 9) & 127) - 64;
  }
}

/** A small camera frame: sky of 1,600, noise, and `stars` round spots. */
export function cameraFrame(
  options: { width?: number; height?: number; seed?: number; stars?: number; cards?: [string, WritableValue][] } = {},
): Buffer {
  const { width = 120, height = 90, seed = 1, stars = 6, cards = [] } = options;
  const pixels = new Uint16Array(width * height);
  const random = noise(seed);
  for (let i = 0; i < pixels.length; i++) pixels[i] = 1600 + random.next().value;
  for (let s = 0; s < stars; s++) {
    const cx = 12 + ((s * 37 + seed * 11) % (width - 24));
    const cy = 12 + ((s * 23 + seed * 7) % (height - 24));
    for (let y = -8; y <= 8; y++)
      for (let x = -8; x <= 8; x++) {
        const at = (cy + y) * width + cx + x;
        pixels[at] = Math.min(65_535, pixels[at]! + Math.round(9000 * Math.exp(-(x * x + y * y) / 5)));
      }
  }
  return writeFits16(
    width,
    height,
    [pixels],
    [
      ['IMAGETYP', 'LIGHT'],
      ['EXPTIME', 2],
      ['FILTER', 'Ha'],
      ['CCD-TEMP', -10],
      ['XBINNING', 1],
      ['GAIN', 100],
      ['OFFSET', 50],
      ...cards,
    ],
  );
}

export interface World {
  db: Database;
  url: string;
  folder: string;
  /** Where Voyager's C:\Voyager\FITS lies on this machine. */
  share: string;
  storage: string;
  frames: FrameService;
  start(timing?: Partial<IntakeTiming>, maxMegabytes?: number): FrameService;
  booking(id: string, shots?: number): Promise<{ targetGuid: string; shotGuids: string[] }>;
  journal<K extends keyof JournalKinds>(kind: K, data: JournalKinds[K], at?: Date): Promise<void>;
  /** Writes a file into the share and says so, as Voyager does: event, picture, record. */
  shoot(
    booking: string,
    name: string,
    bytes: Buffer,
    guid: string,
    options?: { record?: boolean; voyType?: string; type?: number; shot?: number },
  ): Promise<void>;
  stop(): Promise<void>;
}

const FAST: Partial<IntakeTiming> = {
  attributeMs: 400,
  settleMs: 300,
  patienceMs: 1_500,
  absentMs: 400,
  unreachableMs: 800,
  lingerMs: 0,
  pollMs: 50,
};

/** PostgreSQL, a share and a store of one test file. */
export async function startWorld(): Promise<World> {
  const postgres = await startPostgres();
  const db = createDatabase(postgres.url);
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-frames-'));
  const share = join(folder, 'share');
  const storage = join(folder, 'store');
  mkdirSync(share);
  await syncTelescopes(db, [
    Telescope.parse({
      id: TELESCOPE,
      name: 'Dome',
      host: '127.0.0.1',
      base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
      site: { latitude_degrees: 45, longitude_degrees: 3 },
      path_map: [{ from: WINDOWS_ROOT, to: share }],
    }),
  ]);
  const services: FrameService[] = [];
  let n = 0;
  let slot = 0;
  const world: World = {
    db,
    url: postgres.url,
    folder,
    share,
    storage,
    frames: null as never,
    start: (timing = {}, maxMegabytes = 64) => {
      const service = createFrameActivities({
        db,
        config: { OBSERVATIONS_STORAGE_PATH: storage, MAX_IMAGE_SIZE_MB: maxMegabytes },
        logger: createLogger('test', 'silent'),
        timing: { ...FAST, ...timing },
      });
      services.push(service);
      return service;
    },
    booking: async (id, shots = 20) => {
      const start = new Date(Date.now() - 3_600_000 + slot++ * 60_000);
      const end = new Date(start.getTime() + 30_000);
      const targetGuid = objectGuid(id, 0, 'target');
      await db.user.upsert({ where: { ref: 'u1' }, create: { ref: 'u1' }, update: {} });
      await db.booking.create({
        data: {
          id,
          telescopeId: TELESCOPE,
          startsAt: start,
          endsAt: end,
          blockedUntil: end,
          userRef: 'u1',
          target: { name: 'M42' },
          shots: [{ filter: 'Ha', exposure_seconds: 2, quantity: shots, binning: 1, type: 'light' }],
          constraints: {},
          credits: {},
          bodyHash: 'x',
          session: {
            create: {
              telescopeId: TELESCOPE,
              workflowId: `booking-${id}`,
              phase: 'running',
              targetGuid,
              setGuid: objectGuid(id, 0, 'set'),
            },
          },
        },
      });
      return { targetGuid, shotGuids: [objectGuid(id, 0, 'shot/0')] };
    },
    journal: async (kind, data, at = new Date()) => {
      await db.journal.create({ data: { telescopeId: TELESCOPE, epoch: 1, n: ++n, kind, at, data } });
    },
    shoot: async (booking, name, bytes, guid, options = {}) => {
      const file = `${WINDOWS_ROOT}\\${booking}\\${name}`;
      mkdirSync(join(share, booking), { recursive: true });
      writeFileSync(join(share, booking, name), bytes);
      await world.journal('frame', {
        file,
        type: options.type ?? 0,
        voy_type: options.voyType ?? 'SHOT',
        seq_target: 'M42',
      });
      await world.journal('jpg', { file, hfd: 4.25, star_index: 7.5, filter: 'Ha', exposure_seconds: 2, binning: 1 });
      if (options.record !== false) {
        await world.journal('shot_done', {
          guid,
          shot_guid: objectGuid(booking, 0, `shot/${options.shot ?? 0}`),
          target_guid: objectGuid(booking, 0, 'target'),
          filename: name,
          path: file,
          at: new Date().toISOString(),
          hfd: 4.25,
          star_index: 7.5,
        });
      }
    },
    stop: async () => {
      await Promise.all(services.map((s) => s.close()));
      try {
        await expectToldAsDocumented(db);
      } finally {
        await db.$disconnect();
        await postgres.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
  world.frames = world.start();
  return world;
}

export const guid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
