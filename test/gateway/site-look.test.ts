import { afterEach, expect, test } from '@jest/globals';
import { Telescope } from '../../domain/contracts/telescope.ts';
import { ManualClock } from '../../platform/clock.ts';
import { loadConfig } from '../../platform/config.ts';
import { lookAtSite, siteText } from '../../scripts/golive/site.ts';
import { Peer, until } from './peer.ts';

let peer: Peer;
afterEach(() => peer.close());

test('a look at a Voyager tells what it says that we do not know, and sends no command, whatever is configured', async () => {
  const clock = new ManualClock();
  peer = await Peer.listen({ now: () => clock.now() - 3_000 });
  const telescope = Telescope.parse({
    id: 'south',
    name: 'South',
    host: '127.0.0.1',
    port: peer.port,
    site: { latitude_degrees: 44, longitude_degrees: 6.6 },
    base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
  });
  let end: () => void = () => undefined;
  const config = loadConfig({
    VOYAGER_USERNAME: 'admin',
    VOYAGER_PASSWORD: 'sesame',
    VOYAGER_ROBOTARGET_SECRET: 'leonardo',
  });
  const looking = lookAtSite(config, telescope, new Promise<void>((resolve) => (end = resolve)), clock);
  await until('logged in', () => peer.clients.length === 1 && peer.last.methods().length === 3);

  peer.last.event('Signal', { Code: 500, Colour: 'red' });
  peer.last.event('Signal', { Code: 501, Colour: 'blue' });
  peer.last.event('MoonBaseReady', { Level: 3 });
  peer.last.event('ShotRunning', { Expo: 'soon' });
  peer.last.raw(
    Buffer.from(
      `{"Event":"LogEvent","Timestamp":${clock.now() / 1000 - 3},"Host":"P","Inst":1,"Text":"10\u00b0"}\r\n`,
      'latin1',
    ),
  );
  peer.last.raw('no line of Voyager, sorry\r\n');
  const first = peer.last;
  await until('all was written', () => first.socket.writableLength === 0);
  const beat = async (): Promise<void> => {
    const before = peer.last.heartbeats();
    clock.advance(5_000);
    await until('a heartbeat', () => peer.last.heartbeats() > before);
  };
  for (let n = 0; n < 2; n++) await beat();
  first.socket.destroy();
  await until('a second connection', () => {
    if (peer.clients.length < 2) clock.advance(1_000);
    return peer.clients.length === 2;
  });
  await until('logged in again', () => peer.last.methods().length === 3);
  await beat();
  end();
  await until('said goodbye', () => {
    clock.advance(100);
    return peer.last.methods().includes('disconnect');
  });
  clock.advance(2_000);
  const look = await looking;

  expect(look).toMatchObject({
    telescope: 'south',
    version: 'Release 2.3.14 - Built 2024-12-27',
    reconnects: 1,
    login_rejected: false,
    unknown_events: ['MoonBaseReady'],
    lines: { bad: 1, not_utf8: 1 },
    kept_back: 0,
    weather: [{ name: 'voyager', age_seconds: null }],
  });
  expect(look.events.Signal).toEqual({ count: 2, unknown_fields: ['Colour'], unreadable_fields: [] });
  expect(look.events.ShotRunning!.unreadable_fields).toContain('Expo');
  expect(look.clock_offset_seconds).toBeCloseTo(3, 0);
  expect(look.connected_seconds).toBeGreaterThanOrEqual(5);
  expect(look.losses).toHaveLength(1);
  expect(look.bad_lines[0]).toMatch(/not JSON.*sorry/);
  // Nothing but the login, the wish to hear, heartbeats and the goodbye ever reached it.
  const said = peer.clients.flatMap((client) => client.methods());
  expect([...new Set(said)].sort()).toEqual([
    'AuthenticateUserBase',
    'RemoteSetDashboardMode',
    'RemoteSetLogEvent',
    'disconnect',
  ]);
  const told = siteText(look);
  for (const part of [
    'MoonBaseReady',
    'Signal.Colour is not known',
    'ShotRunning.Expo could not be read',
    '1 not UTF-8',
    'made again 1 times',
    'no command',
  ])
    expect(told).toContain(part);
  expect(told).not.toMatch(/sesame|leonardo/);
});
