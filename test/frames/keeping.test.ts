import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { streamArchive } from '../../frames/archive.ts';
import { createKeepingActivities, NOTICE_DAYS, TRASH_DAYS } from '../../activities/frames/keeping.ts';
import { restoreFrames } from '../../frames/restore.ts';
import { RemoteStore, remoteConfig } from '../../frames/store/remote.ts';
import { FrameStore } from '../../frames/store/store.ts';
import { MESSAGES } from '../../domain/messages/table.ts';
import { loadConfig } from '../../platform/config.ts';
import { createLogger } from '../../platform/logger.ts';
import { cameraFrame, guid, startWorld, TELESCOPE, type World } from './support.ts';
import { pythonWith } from '../support/python.ts';
import { findS3, startS3, type S3Peer } from './s3.ts';

// Threads and child processes start from source here, which takes long on a busy machine.
jest.setTimeout(120_000);

let world: World;
let s3: S3Peer;
const program = findS3();
const scenario = program ? test : test.skip;
const DAY_MS = 86_400_000;
const logger = createLogger('test', 'silent');
beforeAll(async () => {
  world = await startWorld();
  if (program) s3 = await startS3(program);
}, 120_000);
afterAll(async () => {
  await Promise.all([world?.stop(), s3?.stop()]);
});

let n = 0;
/** A session that is over with two archived frames. */
async function past(id: string): Promise<Buffer[]> {
  await world.booking(id);
  const files = [1, 2].map(() => cameraFrame({ seed: 40 + ++n, cards: [['RTSHOT', guid(9000 + n)]] }));
  for (const [i, bytes] of files.entries()) await world.shoot(id, `${id}-${i}.fit`, bytes, guid(9000 + n - 1 + i));
  expect(await world.frames.drainFrames({ bookingId: id, telescopeId: TELESCOPE })).toMatchObject({ archived: 2 });
  await world.db.session.update({ where: { bookingId: id }, data: { phase: 'completed' } });
  return files;
}
const rows = (bookingId: string) => world.db.frame.findMany({ where: { bookingId }, orderBy: { filename: 'asc' } });
const keeping = (more: Record<string, unknown> = {}, days = 0) =>
  createKeepingActivities({
    db: world.db,
    logger,
    now: () => Date.now() + days * DAY_MS,
    config: {
      OBSERVATIONS_STORAGE_PATH: world.storage,
      ...NO_S3,
      FRAMES_KEEP_DAYS: undefined,
      FRAMES_DELETE_WITHOUT_COPY: false,
      ...more,
    },
  });
const NO_S3 = {
  S3_ENDPOINT: undefined,
  S3_BUCKET: undefined,
  S3_REGION: undefined,
  S3_ACCESS_KEY_ID: undefined,
  S3_SECRET_ACCESS_KEY: undefined,
};

describe('S3-compatible target', () => {
  test('settings: none without a bucket; a lacking key or a wrong address is named, the secret is not repeated', () => {
    expect(remoteConfig(NO_S3)).toBeNull();
    expect(() => remoteConfig({ ...NO_S3, S3_BUCKET: 'b', S3_ACCESS_KEY_ID: 'k' })).toThrow(
      'S3_SECRET_ACCESS_KEY is not set',
    );
    expect(() =>
      remoteConfig({
        ...NO_S3,
        S3_BUCKET: 'b',
        S3_ENDPOINT: 'nowhere',
        S3_ACCESS_KEY_ID: 'k',
        S3_SECRET_ACCESS_KEY: 'hidden',
      }),
    ).toThrow(/^(?!.*hidden).*S3_ENDPOINT/);
    expect(
      remoteConfig({
        ...NO_S3,
        S3_BUCKET: 'b',
        S3_REGION: 'eu-west-3',
        S3_ACCESS_KEY_ID: 'k',
        S3_SECRET_ACCESS_KEY: 's',
      }),
    ).toMatchObject({
      endpoint: 'https://s3.eu-west-3.amazonaws.com',
    });
    expect(() => loadConfig({ FRAMES_KEEP_DAYS: '0' })).toThrow('FRAMES_KEEP_DAYS');
  });

  test('without a target nothing is copied; with one that is away the frames wait and nothing else suffers', async () => {
    await past('c0');
    expect(await keeping().copyFrames({ budgetSeconds: 20 })).toEqual({ copied: 0, known: 0, failed: 0, waiting: 0 });
    const away = {
      S3_ENDPOINT: 'http://127.0.0.1:9',
      S3_BUCKET: 'frames',
      S3_REGION: 'x',
      S3_ACCESS_KEY_ID: 'k',
      S3_SECRET_ACCESS_KEY: 's',
    };
    expect(await keeping(away).copyFrames({ budgetSeconds: 20 })).toEqual({
      copied: 0,
      known: 0,
      failed: 2,
      waiting: 2,
    });
    expect((await rows('c0')).map((row) => [row.state, row.reason, row.copiedAt])).toEqual([
      ['archived', null, null],
      ['archived', null, null],
    ]);
  });

  scenario(
    'every archived frame is copied once and verified, the manifest follows; a repeat sends nothing',
    async () => {
      const files = await past('c1');
      const first = await keeping(s3.config).copyFrames({ budgetSeconds: 60 });
      expect(first).toMatchObject({ failed: 0, waiting: 0, known: 0 });
      expect(first.copied).toBeGreaterThanOrEqual(2);
      await world.db.frame.updateMany({ where: { bookingId: 'c1' }, data: { copiedAt: null } });
      expect(await keeping(s3.config).copyFrames({ budgetSeconds: 60 })).toEqual({
        copied: 0,
        known: 2,
        failed: 0,
        waiting: 0,
      });
      const remote = new RemoteStore(remoteConfig(s3.config)!);
      for (const bytes of files) {
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        expect(await remote.verify(RemoteStore.objectKey(sha256), sha256, bytes.length)).toBe(true);
        const to = join(world.folder, 'back.fit');
        await remote.fetch(RemoteStore.objectKey(sha256), to, sha256, bytes.length);
        expect(readFileSync(to).equals(bytes)).toBe(true);
      }
      if (s3.folder)
        expect(JSON.parse(readFileSync(join(s3.folder, 'bookings', 'c1', 'manifest.json'), 'utf8'))).toMatchObject({
          booking_id: 'c1',
          files: [{}, {}],
        });
    },
  );

  scenario(
    'bytes that are not what they claim are refused; another content under the name is seen and replaced',
    async () => {
      const remote = new RemoteStore(remoteConfig(s3.config)!);
      const path = join(world.folder, 'claim.fit');
      const bytes = cameraFrame({ seed: 77 });
      writeFileSync(path, bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await expect(remote.put('objects/wrong', path, 'ab'.repeat(32))).rejects.toThrow('objects/wrong');
      const other = join(world.folder, 'other.fit');
      const otherBytes = Buffer.from(bytes);
      otherBytes[4000]! ^= 1;
      writeFileSync(other, otherBytes);
      await remote.put('objects/name', other, createHash('sha256').update(otherBytes).digest('hex'));
      expect(await remote.verify('objects/name', sha256, bytes.length)).toBe(false);
      expect(await remote.put('objects/name', path, sha256)).toBe('stored');
      expect(await remote.verify('objects/name', sha256, bytes.length)).toBe(true);
      if (s3.name === 'versitygw') {
        const stranger = new RemoteStore({ ...remoteConfig(s3.config)!, secretAccessKey: 'not-it' });
        await expect(stranger.put('objects/x', path, sha256)).rejects.toMatchObject({ status: 403 });
      }
    },
  );

  scenario('the scrub fetches a damaged frame again from its copy', async () => {
    const files = await past('c2');
    await keeping(s3.config).copyFrames({ budgetSeconds: 60 });
    const row = (await rows('c2'))[0]!;
    const broken = Buffer.from(files[0]!);
    broken[5000]! ^= 1;
    writeFileSync(join(world.storage, row.archivePath!), broken);
    expect(await keeping(s3.config).scrubFrames({ budgetSeconds: 60 })).toMatchObject({ restored: 1, damaged: [] });
    expect(readFileSync(join(world.storage, row.archivePath!)).equals(files[0]!)).toBe(true);
  });
});

/**
 * AWS Signature Version 4 of each request by botocore, from what came over the wire; prints the names of what differs. The signer of S3
 * leaves paths as they are, so `S3SigV4Auth` is the one to ask.
 */
const SIGNATURES = `
import json, sys
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
told = json.load(sys.stdin)
auth = S3SigV4Auth(Credentials(told['key'], told['secret']), 's3', told['region'])
for r in told['requests']:
    given = dict(part.strip().split('=', 1) for part in r['headers']['authorization'].split(' ', 1)[1].split(','))
    signed = given['SignedHeaders'].split(';')
    request = AWSRequest(method=r['method'], url=told['endpoint'] + r['path'], headers={n: r['headers'][n] for n in signed if n != 'host'})
    request.context['timestamp'] = r['headers']['x-amz-date']
    canonical = auth.canonical_request(request)
    scope = '/'.join([told['key'], r['headers']['x-amz-date'][:8], told['region'], 's3', 'aws4_request'])
    print(json.dumps({
        'signature': auth.signature(auth.string_to_sign(request, canonical), request) == given['Signature'],
        'scope': given['Credential'] == scope,
        'headers': sorted(signed),
    }))
`;

describe('signatures', () => {
  const python = pythonWith('botocore');
  const scenario = python ? test : test.skip;
  scenario(
    'every request that an upload sends is signed as botocore signs it, with the content’s own hash, and the date is now',
    async () => {
      type Sent = { method: string; path: string; headers: Record<string, string>; bodySha256: string };
      const requests: Sent[] = [];
      const stored = new Map<string, { bytes: number; checksum: string }>();
      const server = createServer((request, response) => {
        const hash = createHash('sha256');
        let bytes = 0;
        request.on('data', (part: Buffer) => {
          hash.update(part);
          bytes += part.length;
        });
        request.on('end', () => {
          const path = request.url!;
          requests.push({
            method: request.method!,
            path,
            headers: request.headers as Record<string, string>,
            bodySha256: hash.digest('hex'),
          });
          if (request.method === 'PUT')
            stored.set(path, { bytes, checksum: request.headers['x-amz-checksum-sha256'] as string });
          const known = stored.get(path);
          if (!known) return void response.writeHead(404).end();
          response
            .writeHead(
              200,
              request.method === 'HEAD'
                ? { 'content-length': known.bytes, 'x-amz-checksum-sha256': known.checksum }
                : {},
            )
            .end();
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        const settings = {
          endpoint,
          bucket: 'frames',
          region: 'eu-west-3',
          accessKeyId: 'AKIAEXAMPLE',
          secretAccessKey: 'k/ey+with=signs',
        };
        const remote = new RemoteStore(settings);
        const path = join(world.folder, 'signed.fit');
        const bytes = cameraFrame({ seed: 88 });
        writeFileSync(path, bytes);
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        expect(await remote.put(RemoteStore.objectKey(sha256), path, sha256)).toBe('stored');
        await remote.putText('bookings/a b+é(1)*/manifest.json', 'é');
        await remote.verify(RemoteStore.objectKey(sha256), sha256, bytes.length);
        expect(requests.map((r) => r.method)).toEqual(['HEAD', 'PUT', 'HEAD', 'PUT', 'HEAD']);
        const input = JSON.stringify({
          endpoint,
          region: settings.region,
          key: settings.accessKeyId,
          secret: settings.secretAccessKey,
          requests,
        });
        const told = execFileSync(python!, ['-c', SIGNATURES], { input, encoding: 'utf8' })
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { signature: boolean; scope: boolean; headers: string[] });
        expect(told.map(({ signature, scope }) => [signature, scope])).toEqual(requests.map(() => [true, true]));
        for (const [i, { method, headers, bodySha256 }] of requests.entries()) {
          expect(told[i]!.headers).toEqual(
            expect.arrayContaining([
              'host',
              'x-amz-content-sha256',
              'x-amz-date',
              ...(method === 'PUT' ? ['x-amz-checksum-sha256'] : []),
            ]),
          );
          if (method === 'PUT') expect(headers['x-amz-content-sha256']).toBe(bodySha256);
          const sentAt = Date.parse(
            headers['x-amz-date']!.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
          );
          expect(Math.abs(sentAt - Date.now())).toBeLessThan(60_000);
        }
        expect(JSON.stringify(requests)).not.toContain(settings.secretAccessKey);
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  );
});

describe('deletion by rule', () => {
  test('announced 14 days ahead, 14 days in the trash, then gone; the row and the preview stay', async () => {
    await past('r1');
    const rule = { FRAMES_KEEP_DAYS: 30, FRAMES_DELETE_WITHOUT_COPY: true };
    expect((await keeping(rule, 10).expireFrames()).announced).not.toContain('r1');
    expect((await keeping(rule, 31 - NOTICE_DAYS).expireFrames()).announced).toContain('r1');
    expect((await keeping(rule, 31 - NOTICE_DAYS).expireFrames()).announced).toEqual([]);
    const told = await world.db.outbox.findMany({
      where: { bookingId: 'r1', type: 'images.expiring' },
      orderBy: { channel: 'asc' },
    });
    expect(told.map((row) => [row.channel, (row.data as { images: number }).images])).toEqual([
      ['email', 2],
      ['webhook', 2],
    ]);
    expect(await world.db.timeline.count({ where: { bookingId: 'r1', event: 'frames_expiring' } })).toBe(1);

    expect(await streamArchive({ db: world.db, storagePath: world.storage }, 'r1')).not.toBeNull();
    expect((await keeping(rule, 29).expireFrames()).trashed).toBe(0);
    expect((await keeping(rule, 32).expireFrames()).trashed).toBeGreaterThanOrEqual(2);
    expect(await streamArchive({ db: world.db, storagePath: world.storage }, 'r1')).toBeNull();
    const before = await rows('r1');
    expect(before.every((row) => existsSync(join(world.storage, row.archivePath!)))).toBe(true);
    expect((await keeping(rule, 32 + TRASH_DAYS - 1).expireFrames()).purged).toBe(0);
    expect((await keeping(rule, 33 + TRASH_DAYS).expireFrames()).purged).toBeGreaterThanOrEqual(2);
    const store = new FrameStore(world.storage);
    for (const row of before)
      expect([
        existsSync(store.path(row.archivePath!)),
        existsSync(store.objectPath(row.sha256!)),
        existsSync(store.path(row.previewPath!)),
      ]).toEqual([false, false, true]);
    expect((await rows('r1')).map((row) => [row.state, row.reason, row.archivePath])).toEqual([
      ['archived', 'expired', null],
      ['archived', 'expired', null],
    ]);
  });

  test('undo from the trash: frames are back, and the rule leaves the session alone from then on', async () => {
    const files = await past('r2');
    const rule = { FRAMES_KEEP_DAYS: 30, FRAMES_DELETE_WITHOUT_COPY: true };
    await keeping(rule, 20).expireFrames();
    await keeping(rule, 40).expireFrames();
    expect((await rows('r2')).every((row) => row.trashedAt)).toBe(true);
    const config = { ...NO_S3, OBSERVATIONS_STORAGE_PATH: world.storage };
    expect(await restoreFrames({ db: world.db, logger, config }, 'r2')).toEqual({ restored: 2, fetched: 0, lost: 0 });
    expect(await restoreFrames({ db: world.db, logger, config }, 'r2')).toEqual({ restored: 0, fetched: 0, lost: 0 });
    await keeping(rule, 90).expireFrames();
    for (const [i, row] of (await rows('r2')).entries()) {
      expect([row.trashedAt, row.purgedAt]).toEqual([null, null]);
      expect(readFileSync(join(world.storage, row.archivePath!)).equals(files[i]!)).toBe(true);
    }
  });

  scenario(
    'a frame without a verified copy is never touched; one with a copy goes and can be fetched back whole',
    async () => {
      const files = await past('r3');
      const rule = { FRAMES_KEEP_DAYS: 30 };
      await keeping(rule, 20).expireFrames();
      await keeping(rule, 40).expireFrames();
      await keeping(rule, 60).expireFrames();
      expect((await rows('r3')).map((row) => [row.trashedAt, row.purgedAt])).toEqual([
        [null, null],
        [null, null],
      ]);
      const both = { ...rule, ...s3.config };
      await keeping(both, 40).copyFrames({ budgetSeconds: 60 });
      await keeping(both, 40).expireFrames();
      expect((await rows('r3')).every((row) => row.trashedAt)).toBe(true);
      // A target that does not answer: what lies in the trash stays there.
      expect((await keeping({ ...both, S3_ENDPOINT: 'http://127.0.0.1:9' }, 60).expireFrames()).purged).toBe(0);
      await keeping(both, 60).expireFrames();
      expect((await rows('r3')).every((row) => row.purgedAt && row.archivePath === null)).toBe(true);
      expect(
        await restoreFrames(
          { db: world.db, logger, config: { ...both, OBSERVATIONS_STORAGE_PATH: world.storage } },
          'r3',
        ),
      ).toEqual({
        restored: 0,
        fetched: 2,
        lost: 0,
      });
      for (const [i, row] of (await rows('r3')).entries())
        expect(readFileSync(join(world.storage, row.archivePath!)).equals(files[i]!)).toBe(true);
    },
  );

  test('a content that two frames share goes with the last of them', async () => {
    await past('r4');
    const [a, b] = await rows('r4');
    await world.db.frame.update({ where: { id: b!.id }, data: { sha256: a!.sha256 } });
    const store = new FrameStore(world.storage);
    const old = new Date(Date.now() - (TRASH_DAYS + 1) * DAY_MS);
    await world.db.frame.update({ where: { id: a!.id }, data: { trashedAt: old } });
    expect((await keeping({ FRAMES_DELETE_WITHOUT_COPY: true }).expireFrames()).purged).toBe(1);
    expect(statSync(store.objectPath(a!.sha256!)).isFile()).toBe(true);
    await world.db.frame.update({ where: { id: b!.id }, data: { trashedAt: old } });
    expect((await keeping({ FRAMES_DELETE_WITHOUT_COPY: true }).expireFrames()).purged).toBe(1);
    expect(existsSync(store.objectPath(a!.sha256!))).toBe(false);
  });

  test('the letter names number and day in both languages', () => {
    const facts = {
      name: null,
      target: 'M 31',
      telescope: 'Dome',
      start: new Date(),
      end: new Date(),
      timezone: 'UTC',
      controlUrl: null,
      reportUrl: null,
      archiveUrl: null,
      support: null,
    };
    const data = { images: 12, expires_at: '2027-03-04T00:00:00.000Z' };
    expect(MESSAGES['images.expiring']!.write({ ...facts, data, locale: 'fr' }).fr.join(' ')).toContain(
      'Les 12 images de M 31 seront supprimées : jeudi 4 mars 2027.',
    );
    expect(MESSAGES['images.expiring']!.write({ ...facts, data, locale: 'en' }).en.join(' ')).toContain(
      'The 12 images of M 31 will be deleted on Thursday, 4 March 2027.',
    );
  });
});

describe('forecast of the disk', () => {
  test('bookings of the next day in order: the operator hears once of the one that does not fit', async () => {
    const make = async (id: string, hours: number, quantity: number): Promise<void> => {
      await world.booking(id, quantity);
      const start = new Date(Date.now() + hours * 3_600_000);
      const end = new Date(start.getTime() + 1_800_000);
      await world.db.booking.update({ where: { id }, data: { startsAt: start, endsAt: end, blockedUntil: end } });
      await world.db.session.update({ where: { bookingId: id }, data: { phase: 'scheduled' } });
    };
    await make('d1', 2, 3);
    await make('d2', 4, 2_000_000);
    await make('d3', 40, 2_000_000);
    const forecast = await keeping().forecastDisk();
    expect(forecast.short.map((s) => s.bookingId)).toEqual(['d2']);
    expect(forecast.freeBytes).toBeGreaterThan(0);
    await keeping().forecastDisk();
    const alerts = await world.db.outbox.findMany({
      where: { bookingId: 'd2', type: 'error.occurred' },
      orderBy: { channel: 'asc' },
    });
    expect(
      alerts.map((row) => [
        row.channel,
        (row.data as { audience: string; reason: string }).audience,
        (row.data as { reason: string }).reason,
      ]),
    ).toEqual([
      ['operator', 'operator', 'disk_low'],
      ['webhook', 'operator', 'disk_low'],
    ]);
    expect((alerts[0]!.data as { message: string }).message).toMatch(
      /^Booking d2 needs [\d.]+ GB for its frames; [\d.]+ GB are free and [\d.]+ GB of them belong to bookings before it\.$/,
    );
  });
});
