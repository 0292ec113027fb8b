import pino from 'pino';
import type { VoyagerLink, VoyagerLinkOptions } from '../../gateway/connection/link.ts';
import { createVoyagerLink } from '../../gateway/connection/voyager-link.ts';
import type { VoyagerEvent } from '../../gateway/protocol/events.ts';
import { loadDialect } from '../../gateway/robotarget/dialect.ts';
import { ManualClock } from '../../platform/clock.ts';
import { Peer, type PeerOptions, until } from './peer.ts';

export interface Recorded {
  states: string[];
  reasons: (string | null)[];
  events: VoyagerEvent[];
  badLines: { error: string; head: string }[];
  alarms: string[];
}
export interface Harness {
  link: VoyagerLink;
  clock: ManualClock;
  peer: Peer;
  recorded: Recorded;
  /** Waits until the link is ready. */
  ready(): Promise<void>;
  /** Waits until all that either side wrote has been read by the other. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** A link with a clock that stands still until it is told to move, on a scripted peer. */
export async function harness(
  options: Partial<VoyagerLinkOptions> = {},
  peerOptions: PeerOptions = {},
): Promise<Harness> {
  const clock = new ManualClock();
  const peer = await Peer.listen({ now: () => clock.now(), ...peerOptions });
  const link = createVoyagerLink({
    host: '127.0.0.1',
    port: peer.port,
    instance: 1,
    credentials: null,
    clock,
    logger: pino({ level: 'silent' }),
    dialect: loadDialect(),
    robotargetSecret: 'leonardo',
    maxLineMb: 64,
    modes: { dashboard: true, logLevel: 0 },
    random: () => 0,
    ...options,
  });
  const recorded: Recorded = { states: [], reasons: [], events: [], badLines: [], alarms: [] };
  link.on('status', ({ state, reason }) => {
    recorded.states.push(state);
    recorded.reasons.push(reason);
  });
  link.on('event', (event) => recorded.events.push(event));
  link.on('badLine', (line) => recorded.badLines.push(line));
  link.on('alarm', ({ what }) => recorded.alarms.push(what));
  return {
    link,
    clock,
    peer,
    recorded,
    ready: () => until('the link is ready', () => link.state === 'ready'),
    settled: () =>
      until('both directions are quiet', () => {
        const open = peer.clients.reduce((sum, c) => sum + c.bytesIn, 0);
        const sent = peer.clients.reduce((sum, c) => sum + c.bytesOut, 0);
        return link.stats.bytesOut === open && link.stats.bytesIn === sent;
      }),
    close: async () => {
      link.removeAllListeners();
      const stopped = link.stop('test is over');
      await until('the link has stopped', () => {
        if (link.state === 'closing') clock.advance(100);
        return link.state === 'idle';
      });
      await stopped;
      await peer.close();
    },
  };
}
