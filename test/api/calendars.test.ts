import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import ICAL from 'ical.js';
import nodeIcal from 'node-ical';
import { startPostgres } from '../support/postgres.ts';
import { pythonWith } from '../support/python.ts';
import { NIGHT, at, insertBooking, startApi, token, type RunningApi } from './harness.ts';

let api: RunningApi;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
beforeAll(async () => {
  postgres = await startPostgres();
  api = await startApi(postgres.url);
  const ada = { ref: 'ada', display_name: 'Ada; Lovelace, "A"', email: 'ada@example.org' };
  await insertBooking(api, 'moved', { start: at(60), end: at(120) }, ada);
  await insertBooking(api, 'rained', { start: at(200), end: at(260) }, ada);
  await insertBooking(api, 'theirs', { start: at(300), end: at(360) }, { ref: 'bob' });
}, 60_000);
afterAll(async () => {
  await api.stop();
  await postgres.stop();
}, 30_000);

interface Seen {
  uid: string;
  start: number;
  end: number;
  summary: string;
  status: string;
  sequence: number;
  description: string;
}
/** Every feed that was read, and what was read in it. */
const feeds: { text: string; events: Seen[] }[] = [];
/** The feed as ical.js reads it, after node-ical has read the same. */
async function read(url: string): Promise<Seen[]> {
  const response = await fetch(url.replace('http://nocturne.test', api.url));
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/calendar; charset=utf-8']);
  const text = await response.text();
  // RFC 5545, 3.1: lines end with CRLF and have at most 75 octets.
  for (const line of text.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
  const events = new ICAL.Component(ICAL.parse(text)).getAllSubcomponents('vevent').map((one) => {
    const event = new ICAL.Event(one);
    return {
      uid: event.uid,
      start: event.startDate.toJSDate().getTime(),
      end: event.endDate.toJSDate().getTime(),
      summary: event.summary,
      status: String(one.getFirstPropertyValue('status')),
      sequence: event.sequence,
      description: event.description ?? '',
    };
  });
  const second = Object.values(nodeIcal.sync.parseICS(text)).filter((one) => one?.type === 'VEVENT');
  const byName = (a: (string | number)[], b: (string | number)[]): number => (a[0]! < b[0]! ? -1 : 1);
  expect(second.map((one) => [one.uid, one.start.getTime(), one.summary as string]).toSorted(byName)).toEqual(
    events.map((one) => [one.uid, one.start, one.summary]).toSorted(byName),
  );
  feeds.push({ text, events });
  return events.toSorted((a, b) => a.start - b.start);
}

test('a guest’s feed follows reschedule, weather and cancellation, and shows nobody else’s session', async () => {
  const ada = await token(api, { kind: 'user', subject: 'ada' });
  const made = await api.json<{ url: string; id: string }>('POST', '/api/calendars', { locale: 'en' }, { token: ada });
  expect(made.status).toBe(201);
  const before = await read(made.body.url);
  expect(before.map(({ uid, start, status }) => [uid, start, status])).toEqual([
    ['moved@nocturne', NIGHT + 60 * 60_000, 'CONFIRMED'],
    ['rained@nocturne', NIGHT + 200 * 60_000, 'CONFIRMED'],
  ]);
  expect(before[0]!.summary).toBe('M 45 (booked)');
  await api.db.booking.update({
    where: { id: 'moved' },
    data: {
      startsAt: new Date(NIGHT + 90 * 60_000),
      endsAt: new Date(NIGHT + 150 * 60_000),
      blockedUntil: new Date(NIGHT + 155 * 60_000),
      version: { increment: 1 },
    },
  });
  await api.db.session.update({
    where: { bookingId: 'rained' },
    data: { phase: 'weathered_out', reason: 'weather_no_time_left', transition: 7 },
  });
  const after = await read(made.body.url);
  expect(after.map(({ uid, start, status }) => [uid, start, status])).toEqual([
    ['moved@nocturne', NIGHT + 90 * 60_000, 'CONFIRMED'],
    ['rained@nocturne', NIGHT + 200 * 60_000, 'CANCELLED'],
  ]);
  expect(after[1]!.summary).toBe('M 45 (lost to the weather)');
  expect(after[1]!.description).toBe('The weather left too little time for a single exposure.');
  for (const [n, one] of after.entries()) expect(one.sequence).toBeGreaterThan(before[n]!.sequence);
  await api.db.session.update({
    where: { bookingId: 'moved' },
    data: { phase: 'cancelled', reason: 'user_cancel', transition: 3 },
  });
  expect((await read(made.body.url))[0]!.status).toBe('CANCELLED');
});

test('feeds of a telescope and of all are an operator’s, and name no person', async () => {
  const ada = await token(api, { kind: 'user', subject: 'ada' });
  for (const body of [{ kind: 'operator' }, { kind: 'telescope', subject: 't1' }, { kind: 'guest', subject: 'bob' }])
    expect((await api.json('POST', '/api/calendars', body, { token: ada })).status).toBe(403);
  for (const body of [{ kind: 'operator' }, { kind: 'telescope', subject: 't1' }]) {
    const made = await api.json<{ url: string }>('POST', '/api/calendars', body);
    const events = await read(made.body.url);
    expect(events.map(({ uid }) => uid)).toEqual(['moved@nocturne', 'rained@nocturne', 'theirs@nocturne']);
    expect(JSON.stringify(events)).not.toMatch(/Ada|Lovelace|example\.org/);
  }
  const unknown = await api.json('POST', '/api/calendars', { kind: 'telescope', subject: 'nowhere' });
  expect(unknown.status).toBe(422);
});

test('the address is the secret: it can be ended, and cannot be guessed', async () => {
  const ada = await token(api, { kind: 'user', subject: 'ada' });
  const bob = await token(api, { kind: 'user', subject: 'bob' });
  const { body } = await api.json<{ url: string; id: string }>('POST', '/api/calendars', {}, { token: ada });
  const url = body.url.replace('http://nocturne.test', api.url);
  expect((await fetch(url.replace(/.\.ics$/, '-.ics'))).status).toBe(404);
  expect((await api.json('DELETE', `/api/calendars/${body.id}`, undefined, { token: bob })).status).toBe(404);
  expect((await api.json('DELETE', `/api/calendars/${body.id}`, undefined, { token: ada })).status).toBe(204);
  expect((await fetch(url)).status).toBe(404);
  const listed = await api.json<{ data: { id: string }[] }>('GET', '/api/calendars', undefined, { token: bob });
  expect(listed.body.data).toEqual([]);
});

const PEER = `
import json, sys
from icalendar import Calendar
def seen(e):
    return dict(uid=str(e['UID']), start=round(e.decoded('DTSTART').timestamp() * 1000), end=round(e.decoded('DTEND').timestamp() * 1000),
        summary=str(e['SUMMARY']), status=str(e['STATUS']), sequence=int(e['SEQUENCE']), description=str(e.get('DESCRIPTION', '')))
for text in json.load(sys.stdin):
    feed = Calendar.from_ical(text)
    assert not feed.errors and not any(e.errors for e in feed.walk())
    print(json.dumps([seen(e) for e in feed.walk('VEVENT')]))
`;
const python = pythonWith('icalendar');
const scenario = python ? test : test.skip;
scenario('Python’s icalendar reads without an error what ical.js reads, in every feed above', () => {
  expect(feeds.some(({ events }) => events.length > 0)).toBe(true);
  const input = JSON.stringify(feeds.map(({ text }) => text));
  const lines = execFileSync(python!, ['-c', PEER], { input, encoding: 'utf8', timeout: 60_000 });
  expect(
    lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Seen[]),
  ).toEqual(feeds.map(({ events }) => events));
});
