import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { toProblem } from '../../api/errors.ts';
import { createLogger } from '../../platform/logger.ts';
import { config, startApi, type RunningApi } from '../api/harness.ts';
import { cameraFrame, guid, startWorld, TELESCOPE, type World } from './support.ts';

// Threads and child processes start from source here, which takes long on a busy machine.
jest.setTimeout(120_000);

let world: World;
let api: RunningApi;
let folder: string;
beforeAll(async () => {
  world = await startWorld();
  folder = mkdtempSync(join(tmpdir(), 'nocturne-routes-'));
  await world.booking('q1');
  for (let i = 0; i < 2; i++)
    await world.shoot(
      'q1',
      `q${i}.fit`,
      cameraFrame({ width: 400, height: 300, seed: 970 + i, cards: [['RTSHOT', guid(9800 + i)]] }),
      guid(9800 + i),
    );
  await world.frames.drainFrames({ bookingId: 'q1', telescopeId: TELESCOPE });
  api = await startApi(world.url, {
    config: { ...config(), OBSERVATIONS_STORAGE_PATH: world.storage },
    telescopes: [],
  });
}, 120_000);
afterAll(async () => {
  await api?.stop();
  await world?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('full size and timelapse come with the right sizes, take ranges, and are nobody else’s', async () => {
  const row = await world.db.frame.findFirst({ where: { bookingId: 'q1', filename: 'q0.fit' } });
  const path = `/api/bookings/q1/images/${row!.id}/full.jpg`;
  const full = await api.fetch(path);
  expect([full.status, full.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  const bytes = Buffer.from(await full.arrayBuffer());
  expect(await sharp(bytes).metadata()).toMatchObject({ width: 400, height: 300 });
  const part = await api.fetch(path, { headers: { range: 'bytes=0-9' } });
  expect([part.status, Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(0, 10))]).toEqual([206, true]);
  expect((await api.fetch(path, { key: null })).status).toBe(401);
  expect((await api.fetch(path.replace('q1', 'q2'))).status).toBe(404);
  const lapse = await api.fetch('/api/bookings/q1/timelapse.webp');
  expect([lapse.status, lapse.headers.get('content-type')]).toEqual([200, 'image/webp']);
  expect(await sharp(Buffer.from(await lapse.arrayBuffer()), { animated: true }).metadata()).toMatchObject({
    format: 'webp',
    pages: 2,
  });
});

test('a damaged file gives a problem document, not a picture; the trash is undone through the API', async () => {
  const rows = await world.db.frame.findMany({ where: { bookingId: 'q1' }, orderBy: { filename: 'asc' } });
  type Shown = {
    url: string | null;
    full_url: string | null;
    quicklook_url: string | null;
    preview_url: string | null;
  };
  const shown = async (): Promise<Shown> =>
    (await api.json<{ data: Shown[] }>('GET', '/api/bookings/q1/images?order=oldest')).body.data[0]!;
  const before = await shown();
  const opened = await Promise.all(
    [before.url, before.full_url, before.quicklook_url, before.preview_url].map((url) =>
      api.fetch(url!, { key: null }),
    ),
  );
  expect(opened.map((r) => [r.status, r.headers.get('content-type')])).toEqual([
    [200, 'image/fits'],
    [200, 'image/jpeg'],
    [200, 'image/fits'],
    [200, 'image/jpeg'],
  ]);
  await world.db.frame.updateMany({ where: { bookingId: 'q1' }, data: { trashedAt: new Date() } });
  expect(await shown()).toMatchObject({
    url: null,
    full_url: null,
    quicklook_url: expect.stringContaining('quicklook.fits'),
    preview_url: expect.stringContaining('preview.jpg'),
  });
  expect(
    (
      await Promise.all([before.url, before.full_url, before.preview_url].map((url) => api.fetch(url!, { key: null })))
    ).map((r) => r.status),
  ).toEqual([404, 404, 200]);
  expect(((await (await api.fetch(before.url!, { key: null })).json()) as { detail: string }).detail).toContain(
    'in the trash',
  );
  expect((await api.fetch('/api/bookings/q1/archive.zip')).status).toBe(404);
  const undone = await api.fetch('/api/bookings/q1/images/restore', { method: 'POST' });
  expect([undone.status, await undone.json()]).toEqual([200, { restored: 2, fetched: 0, lost: 0 }]);
  const zip = await api.fetch('/api/bookings/q1/archive.zip');
  expect([zip.status, (await zip.arrayBuffer()).byteLength]).toEqual([200, Number(zip.headers.get('content-length'))]);
  expect((await api.fetch('/api/bookings/q1/images/restore', { method: 'POST', key: null })).status).toBe(401);
  writeFileSync(join(world.storage, rows[1]!.archivePath!), 'not a frame');
  const broken = await api.fetch(`/api/bookings/q1/images/${rows[1]!.id}/full.jpg`);
  expect([broken.status, broken.headers.get('content-type')]).toEqual([409, 'application/problem+json']);
});

test('a store whose disk is away is an outage for every picture, never "no longer in the store"', async () => {
  const row = await world.db.frame.findFirst({ where: { bookingId: 'q1', filename: 'q0.fit' } });
  renameSync(world.storage, `${world.storage}.away`);
  mkdirSync(world.storage);
  try {
    for (const what of ['fits', 'preview.jpg', 'full.jpg']) {
      const answer = await api.fetch(`/api/bookings/q1/images/${row!.id}/${what}`);
      expect([what, answer.status, answer.headers.get('retry-after')]).toEqual([what, 503, '30']);
    }
    for (const path of ['archive.zip', 'timelapse.webp'])
      expect([path, (await api.fetch(`/api/bookings/q1/${path}`)).status]).toEqual([path, 503]);
    expect(readdirSync(world.storage)).toEqual([]);
  } finally {
    rmSync(world.storage, { recursive: true });
    renameSync(`${world.storage}.away`, world.storage);
  }
  expect((await api.fetch(`/api/bookings/q1/images/${row!.id}/preview.jpg`)).status).toBe(200);
});

test('an error of the system that is not "no such file" is none of absence', () => {
  for (const code of ['EMFILE', 'EIO', 'ESTALE'])
    expect(
      toProblem(Object.assign(new Error(`${code}: open`), { code }), createLogger('test', 'silent'), undefined),
    ).toMatchObject({ status: 503, code: 'storage_away' });
});
