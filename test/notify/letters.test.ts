import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { announceCaptured } from '../../activities/frames/announce.ts';
import { OUTBOX_TYPES, type OutboxType } from '../../domain/contracts/webhook.ts';
import { Preferences } from '../../domain/contracts/preferences.ts';
import { GUEST_CHANNELS } from '../../domain/messages/message.ts';
import { MESSAGES, channelsFor } from '../../domain/messages/table.ts';
import { quietUntil } from '../../domain/quiet-hours.ts';
import { outboxState } from '../../platform/outbox.ts';
import { savePreferences } from '../../platform/preferences.ts';
import { PUBLIC_URL, START, startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.booking('b1', { ref: 'u1', email: 'anne@example.org', name: 'Anne', locale: 'fr' });
  await world.booking('b2', { ref: 'u2', email: 'bob@example.org', name: 'Bob <b>', locale: 'en' });
}, 60_000);
afterAll(() => world.stop(), 30_000);
beforeEach(async () => {
  world.mail.letters = [];
  world.mail.refuse = null;
  for (const table of ['outbox', 'deliveries', 'preferences', 'links', 'frames'])
    await world.db.$executeRawUnsafe(`DELETE FROM ${table}`);
});

const choose = (ref: string, body: object): Promise<void> =>
  savePreferences(world.db, ref, Preferences.parse(body), null, new Date());
const states = async (): Promise<(string | null)[][]> =>
  (await world.db.outbox.findMany({ orderBy: [{ sequence: 'asc' }, { channel: 'asc' }] })).map((row) => [
    row.type,
    outboxState(row),
    row.lastError,
  ]);
/** A frame that stands in the store with a picture. */
async function frame(bookingId: string, n: number, hfd: number | null): Promise<string> {
  const id = `${bookingId}-${String(n).padStart(2, '0')}`;
  const thumbnailPath = `derived/${id}/thumbnail.jpg`;
  const file = join(world.store, thumbnailPath);
  mkdirSync(dirname(file), { recursive: true });
  const grey = { width: 40, height: 30, channels: 3, background: { r: n * 9, g: 60, b: 90 } } as const;
  writeFileSync(file, await sharp({ create: grey }).jpeg().toBuffer());
  await world.db.frame.create({
    data: {
      id,
      bookingId,
      hfd,
      thumbnailPath,
      telescopeId: 't',
      sourceKey: id,
      sourcePath: '',
      filename: `${id}.fit`,
      type: 'light',
      filter: 'L',
      exposure: 60,
      state: 'archived',
      previewed: true,
    },
  });
  return id;
}

describe('the table of messages', () => {
  test('names, in both languages, every message that a guest gets; no sentence is empty or stands twice', () => {
    expect(Object.keys(MESSAGES).toSorted()).toEqual([...OUTBOX_TYPES].toSorted());
    const facts = { target: 'M 31', telescope: 'Nice', start: START, end: START, timezone: 'Europe/Paris', data: {} };
    const subjects = { fr: new Set<string>(), en: new Set<string>() };
    const told = Object.values(MESSAGES).filter((message) => message !== null);
    for (const message of told)
      for (const locale of ['fr', 'en'] as const) {
        const [subject, ...sentences] = message.write({ ...facts, locale })[locale];
        subjects[locale].add(subject);
        expect(sentences.filter(Boolean).length).toBeGreaterThan(0);
        expect(message.name[locale]).toMatch(/\S{3}/);
      }
    expect([subjects.fr.size, subjects.en.size]).toEqual([told.length, told.length]);
  });

  test('the roadmap’s eight letters and four push messages are among them', () => {
    const eight: OutboxType[] = [
      'session.prepared',
      'session.starting_soon',
      'session.started',
      'session.paused',
      'session.resumed',
      'session.completed',
      'error.occurred',
      'images.digest',
    ];
    for (const type of eight) expect(channelsFor(type)).toContain('email');
    for (const type of ['session.started', 'image.captured', 'error.occurred', 'session.completed'] as const)
      expect(channelsFor(type)).toContain('push');
  });
});

describe('letters', () => {
  test('each of them arrives in both languages, as text and HTML, with its id, its link and one click to end them', async () => {
    const types = Object.entries(MESSAGES).flatMap(([type, m]) =>
      m?.to.includes('email') ? [type as OutboxType] : [],
    );
    for (const id of ['b1', 'b2']) for (const type of types) await world.put(id, type, type, ['email']);
    await world.drain();
    expect(world.mail.letters).toHaveLength(types.length * 2);
    const rows = new Map((await world.db.outbox.findMany()).map((row) => [row.id, row]));
    for (const { mail } of world.mail.letters) {
      const row = rows.get(mail.headers.get('x-notification-id') as string)!;
      const message = MESSAGES[row.type as OutboxType]!;
      expect(mail.messageId).toBe(`<${row.id}@observe.example.org>`);
      expect(mail.text).toContain(row.bookingId === 'b1' ? 'Bonjour Anne,' : 'Hello Bob <b>,');
      expect(String(mail.html)).not.toContain('<b>,');
      if (message.opens) expect(mail.text).toMatch(new RegExp(`${PUBLIC_URL}/(control|report)/${row.bookingId}#link=`));
      for (const url of mail.text!.match(/https:\S+/g)!)
        expect(String(mail.html)).toContain(url.replaceAll('&', '&#38;'));
      const list = mail.headers.get('list') as
        | { unsubscribe?: { url: string }; 'unsubscribe-post'?: unknown }
        | undefined;
      expect(list?.unsubscribe?.url).toEqual(
        message.always ? undefined : expect.stringMatching(`^${PUBLIC_URL}/unsubscribe/`),
      );
      expect(list?.['unsubscribe-post'] !== undefined).toBe(!message.always);
    }
  });

  test('a letter that is sent again is the same letter: its id, its links', async () => {
    await world.put('b1', '1', 'session.started', ['email']);
    await world.drain();
    await world.db.outbox.updateMany({ data: { deliveredAt: null, nextAttemptAt: new Date(0) } });
    await world.drain();
    const [one, two] = world.mail.letters.map(({ mail }) => [mail.messageId, mail.text]);
    expect(two).toEqual(one);
    expect(await world.db.link.count()).toBe(1);
  });

  test('the report’s letter has three figures of the report and the sharpest picture', async () => {
    for (const [n, hfd] of [3.1, 1.8, 2.4].entries()) await frame('b2', n, hfd);
    const images = { planned: 20, archived: 3, total_exposure_seconds: 5_400, average_hfd: 2.433 };
    await world.db.report.create({ data: { bookingId: 'b2', body: { images } } });
    await world.put('b2', '1', 'session.completed', ['email'], { reason: 'plan_finished' });
    await world.drain();
    const { mail } = world.mail.letters[0]!;
    for (const figure of ['images archived: 3 / 20', 'exposure time: 1 h 30', 'mean HFD: 2.43 px'])
      expect(mail.text).toContain(figure);
    expect(mail.attachments.map((one) => [one.cid, one.contentType])).toEqual([['b2-01@nocturne', 'image/jpeg']]);
    expect(mail.text).toContain(`${PUBLIC_URL}/report/b2#link=`);
    expect(mail.text).toContain(`${PUBLIC_URL}/api/bookings/b2/archive.zip?exp=`);
    await world.db.report.deleteMany();
  });

  test('GUEST_URL_TEMPLATE: every link of a session leads to Laravel’s own page, without a key of ours', async () => {
    await world.put('b1', '1', 'session.started', ['email']);
    await world.drain({ GUEST_URL_TEMPLATE: 'https://shop.example/s/{booking_id}/{page}' });
    const { mail } = world.mail.letters[0]!;
    expect(mail.text).toContain('https://shop.example/s/b1/control');
    expect(mail.text).toContain('https://shop.example/s/b1/preferences');
    expect(mail.text).not.toContain('#link=');
  });

  test('a mailbox that the server refuses for good is given up at once, shown so, and holds nothing back', async () => {
    world.mail.refuse = (address) => (address === 'anne@example.org' ? 550 : null);
    await world.put('b1', '1', 'session.prepared', ['email']);
    await world.put('b1', '2', 'session.cancelled', ['email']);
    await world.drain();
    expect((await states()).map(([type, state]) => [type, state])).toEqual([
      ['session.prepared', 'dead'],
      ['session.cancelled', 'dead'],
    ]);
    expect((await states())[0]![2]).toMatch(/no such mailbox/);
    expect(await world.db.delivery.count({ where: { status: 550 } })).toBe(2);
  });

  test('what came too late to be true is not sent, and says so', async () => {
    await world.put('b1', '1', 'session.starting_soon', ['email']);
    await world.drain({}, () => Date.now() + 31 * 60_000);
    expect(await states()).toEqual([['session.starting_soon', 'not_sent', 'too late: it is true for 30 minutes']]);
    expect(world.mail.letters).toEqual([]);
  });
});

describe('images', () => {
  test('a letter after the first image, then after fifteen more and an hour, whichever is later; devices every ten minutes', async () => {
    const minute = 60_000;
    const began = Date.UTC(2026, 0, 10, 21);
    for (let n = 0; n < 40; n++) {
      const id = await frame('b1', n, 2);
      // One every three minutes: fifteen are there after 45 minutes, the hour is over with the twenty-first.
      await announceCaptured(world.db, id, new Date(began + n * 3 * minute));
      await announceCaptured(world.db, id, new Date(began + n * 3 * minute));
    }
    const queued = async (type: string, channel: string): Promise<number[]> =>
      (await world.db.outbox.findMany({ where: { type, channel }, orderBy: { sequence: 'asc' } })).map(
        (row) => (row.createdAt.getTime() - began) / minute,
      );
    expect(await queued('images.digest', 'email')).toEqual([0, 60]);
    expect(await queued('image.captured', 'push')).toEqual([0, 12, 24, 36, 48, 60, 72, 84, 96, 108]);
    expect(await queued('image.captured', 'webhook')).toHaveLength(40);
    const digest = await world.db.outbox.findFirstOrThrow({
      where: { channel: 'email' },
      orderBy: { sequence: 'desc' },
    });
    expect(digest.data).toMatchObject({ images_captured: 21 });
    expect((digest.data as { images: unknown[] }).images).toHaveLength(20);
    await world.drain();
    const [first, second] = world.mail.letters.map(({ mail }) => mail);
    expect([first!.subject, second!.subject]).toEqual(['Première image capturée (M 31)', '21 images capturées (M 31)']);
    expect(first!.attachments.map((one) => one.cid)).toEqual(['b1-00@nocturne']);
    expect(second!.attachments.map((one) => one.cid)).toEqual([15, 16, 17, 18, 19, 20].map((n) => `b1-${n}@nocturne`));
  });
});

describe('what a guest chose', () => {
  const night = (): number => Date.UTC(2036, 0, 10, 23, 30);
  const quiet = { quiet_hours: { from: '22:00', to: '07:30' } };
  const paris = Date.UTC(2036, 0, 11, 6, 30);

  test('quiet hours, by the clock at the telescope: what is worth its moment is left out, what stays true comes when they end', async () => {
    await choose('u1', quiet);
    for (const type of ['session.started', 'session.completed', 'session.starting_soon'] as const)
      await world.put('b1', type, type, ['email']);
    await world.db.outbox.updateMany({ data: { queuedAt: new Date(night()) } });
    await world.drain({}, night);
    // The reminder passes; it does not wait behind what is held.
    expect(world.mail.letters.map(({ mail }) => mail.subject)).toEqual(['Votre session démarre dans une heure (M 31)']);
    expect(await states()).toEqual([
      ['session.started', 'not_sent', 'quiet hours of the guest'],
      ['session.completed', 'waiting', 'quiet hours of the guest'],
      ['session.starting_soon', 'delivered', null],
    ]);
    const held = await world.db.outbox.findFirstOrThrow({ where: { type: 'session.completed' } });
    expect([held.heldUntil, held.nextAttemptAt, held.queuedAt]).toEqual(
      [paris, paris, paris].map((ms) => new Date(ms)),
    );
    await world.timePasses();
    await world.drain({}, () => paris);
    expect(world.mail.letters).toHaveLength(2);
  });

  test.each([
    ['2026-01-10T21:30:00Z', '22:00', '07:30', 'Europe/Paris', '2026-01-11T06:30:00Z'],
    ['2026-01-10T20:59:00Z', '22:00', '07:30', 'Europe/Paris', null],
    ['2026-01-11T06:30:00Z', '22:00', '07:30', 'Europe/Paris', null],
    ['2026-01-10T12:10:00Z', '13:00', '14:00', 'Europe/Paris', '2026-01-10T13:00:00Z'],
    // Summer time begins at 02:00 and ends at 03:00 local time.
    ['2026-03-28T23:00:00Z', '22:00', '07:30', 'Europe/Paris', '2026-03-29T05:30:00Z'],
    ['2026-10-24T22:00:00Z', '22:00', '07:30', 'Europe/Paris', '2026-10-25T06:30:00Z'],
    ['2026-01-10T21:30:00Z', '08:00', '08:00', 'Europe/Paris', null],
  ])('at %s, quiet from %s to %s in %s: until %s', (now, from, to, zone, until) => {
    expect(quietUntil({ from, to }, zone, new Date(now))).toEqual(until === null ? null : new Date(until));
  });

  test('a type or a channel that is switched off is not sent; what is about the booking itself is', async () => {
    await choose('u1', { channels: { email: { on: true, off: ['session.paused'] } } });
    await choose('u2', { channels: { email: { on: false } } });
    await world.put('b1', '1', 'session.paused', ['email']);
    await world.put('b1', '2', 'session.started', ['email']);
    await world.put('b2', '1', 'session.started', ['email']);
    await world.put('b2', '2', 'session.cancelled', ['email']);
    await world.drain();
    expect(
      world.mail.letters.map(({ to, mail }) => [to, mail.subject]).toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
    ).toEqual([
      ['anne@example.org', 'Votre session a démarré (M 31)'],
      ['bob@example.org', 'Booking cancelled (M 31)'],
    ]);
    expect((await states()).filter(([, state]) => state === 'not_sent').map(([, , why]) => why)).toEqual([
      'switched off by the guest',
      'switched off by the guest',
    ]);
  });

  test('Laravel can take a channel over, for one person or for all', async () => {
    await choose('u1', { laravel: ['email'] });
    for (const id of ['b1', 'b2']) await world.put(id, '1', 'session.started', ['email', 'webhook']);
    await world.drain();
    expect(world.mail.letters.map(({ to }) => to)).toEqual(['bob@example.org']);
    await world.put('b2', '2', 'session.paused', [...GUEST_CHANNELS]);
    await world.drain({ LARAVEL_CHANNELS: 'email,push,chat' });
    expect(world.mail.letters).toHaveLength(1);
  });
});
