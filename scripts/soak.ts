import { parseArgs } from 'node:util';
import pino from 'pino';
import { createVoyagerLink } from '../gateway/connection/voyager-link.ts';
import { isEvent } from '../gateway/protocol/events.ts';
import { buildRequest } from '../gateway/protocol/requests.ts';
import { RoboTargetClient } from '../gateway/robotarget/commands.ts';
import { loadDialect } from '../gateway/robotarget/dialect.ts';
import { ManualClock } from '../platform/clock.ts';
import { UsageError } from '../platform/errors.ts';
import { Counts, Silence } from './soak/counts.ts';
import { FAULTS, type Fault } from './soak/faults.ts';
import { SoakPeer } from './soak/peer.ts';
import { Rest } from './soak/rest.ts';
import { answerHelp } from './help.ts';

/**
 * `npm run soak -- --json --hours H [--seed S]`: hours of protocol time in seconds. The gateway's real link talks to a peer in this process over a
 * real loopback socket; both live by one clock that is moved a second at a time, after everything written has been read. 200 scripted
 * disconnects in 48 h. Exit code 0 when no heartbeat was missed while connected, every reconnect restored every mode, no command was sent twice
 * and no frame is unaccounted for; else 1.
 */

const STEP_MS = 1000;
const DISCONNECTS_PER_HOUR = 200 / 48;
const COMMAND_EVERY_S = 150;

function randomFrom(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface SoakResult {
  ok: boolean;
  hours: number;
  seed: number;
  disconnects: number;
  by_fault: Record<string, number>;
  reconnects: number;
  heartbeats: { sent: number; missed: number; longest_silence_s: number };
  modes: { restored: number; missing: number };
  commands: { asked: number; done: number; refused: number; unknown: number; repeated: number; contradicted: number };
  frames: { taken: number; by_event: number; by_list: number; unaccounted: number };
  lines_in: number;
  bad_lines: number;
  rss_mb: { start: number; end: number };
  wall_s: number;
}

/** When which fault strikes, in seconds: spread over the hours, each kind in turn. */
function faultPlan(seconds: number, faults: number, random: () => number): Map<number, Fault> {
  const plan = new Map<number, Fault>();
  for (let n = 0; n < faults; n++)
    plan.set(Math.floor(((n + 0.2 + 0.6 * random()) / faults) * seconds), FAULTS[n % FAULTS.length]!);
  return plan;
}

/** The link, its peer, and what is counted between them, all on one clock. */
async function begin(seed: number) {
  const clock = new ManualClock();
  const peer = new SoakPeer(clock, randomFrom(seed + 1));
  const silence = new Silence();
  const link = createVoyagerLink({
    host: '127.0.0.1',
    port: await peer.listen(),
    instance: 1,
    credentials: { username: 'soak', password: 'soak' },
    clock,
    logger: pino({ level: 'silent' }),
    dialect: { ...loadDialect(), modes: [{ method: 'RemoteSetSoakMode', params: { IsOn: true } }] },
    robotargetSecret: 'soak',
    maxLineMb: 64,
    modes: { dashboard: true, logLevel: 0 },
    random: randomFrom(seed + 2),
    gate: () => {
      silence.line(clock.now(), link.state === 'ready');
      return { allowed: true };
    },
  });
  const counts = new Counts(peer, new RoboTargetClient({ link, dialect: loadDialect(), secret: 'soak' }));
  const rest = new Rest(link, peer);
  link.on('event', (event) => {
    if (isEvent(event, 'NewFITReady')) counts.told(event.data.File!.split('\\').at(-1)!);
  });
  link.on('status', ({ state }) => {
    if (state === 'handshaking') {
      rest.begin();
      silence.begin(clock.now());
    }
    if (state !== 'ready') return;
    counts.ready();
    void counts.reconcile();
  });
  return { clock, peer, link, silence, counts, rest };
}
type Ends = Awaited<ReturnType<typeof begin>>;

async function oneSecond({ clock, peer, rest }: Ends): Promise<void> {
  clock.advance(STEP_MS);
  await peer.tick();
  await rest.reached();
}
/** Plays the hours. @returns how often each fault struck; one that meets no connection waits for it */
async function play(ends: Ends, seconds: number, plan: Map<number, Fault>): Promise<Record<string, number>> {
  const { link, peer, rest, counts } = ends;
  const struck: Record<string, number> = {};
  for (let second = 1; second <= seconds; second++) {
    await oneSecond(ends);
    const fault = plan.get(second);
    if (fault && link.state === 'ready') {
      await peer.cause(fault);
      struck[fault] = (struck[fault] ?? 0) + 1;
      await rest.reached();
    } else if (fault) {
      plan.delete(second);
      plan.set(second + 1, fault);
    }
    if (second % COMMAND_EVERY_S === 0) {
      counts.commands.asked++;
      void link.request(buildRequest('RemoteGetStatus', {})).then((outcome) => counts.outcome(outcome));
      await rest.reached();
    }
  }
  for (let extra = 0; link.state !== 'ready' && extra < 1200; extra++) await oneSecond(ends);
  return struck;
}
async function end({ clock, peer, link }: Ends): Promise<void> {
  const stopped = link.stop('soak is over');
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  clock.advance(2_000);
  await stopped;
  await peer.close();
}

const residentMb = (): number => Math.round(process.memoryUsage().rss / 1_048_576);

export async function soak(hours: number, seed: number): Promise<SoakResult> {
  const began = performance.now();
  const rssStart = residentMb();
  const ends = await begin(seed);
  const { peer, link, silence, counts, rest } = ends;
  const { commands, modes } = counts;
  const seconds = Math.round(hours * 3600);
  const faults = Math.max(1, Math.round(hours * DISCONNECTS_PER_HOUR));
  const plan = faultPlan(seconds, faults, randomFrom(seed));

  link.start();
  await rest.reached();
  const byFault = await play(ends, seconds, plan);
  const disconnects = Object.values(byFault).reduce((sum, n) => sum + n, 0);
  await counts.reconcile();
  await rest.reached();
  const unaccounted = counts.unaccounted();
  commands.repeated = [...peer.commands.values()].filter((times) => times > 1).length;
  await end(ends);

  const missed = silence.missed + peer.silentClients;
  return {
    ok:
      missed === 0 &&
      modes.missing === 0 &&
      link.reconnects === modes.restored - 1 &&
      disconnects >= faults - 1 &&
      commands.repeated === 0 &&
      commands.contradicted === 0 &&
      commands.asked === commands.done + commands.refused + commands.unknown &&
      unaccounted === 0 &&
      link.stats.badLines === 0,
    hours,
    seed,
    disconnects,
    by_fault: byFault,
    reconnects: link.reconnects,
    heartbeats: { sent: link.stats.heartbeatsOut, missed, longest_silence_s: silence.longestMs / 1000 },
    modes,
    commands,
    frames: { taken: peer.frames.length, by_event: counts.byEvent, by_list: counts.byList, unaccounted },
    lines_in: link.stats.linesIn,
    bad_lines: link.stats.badLines,
    rss_mb: { start: rssStart, end: residentMb() },
    wall_s: Math.round((performance.now() - began) / 100) / 10,
  };
}

async function main(): Promise<number> {
  answerHelp(`npm run soak -- [--json] [--hours H] [--seed S]
Hours of the link to a Voyager with faults, in virtual time: heartbeats, reconnects, commands, frames; 48 hours unless --hours says otherwise.`);
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      hours: { type: 'string', default: '48' },
      seed: { type: 'string', default: '1' },
    },
  });
  const hours = Number(values.hours);
  const seed = Number(values.seed);
  if (!(hours > 0 && hours <= 10_000)) throw new UsageError('--hours: a number over 0');
  if (!Number.isInteger(seed)) throw new UsageError('--seed: a whole number');
  const result = await soak(hours, seed);
  process.stdout.write(`${JSON.stringify(result, null, values.json ? undefined : 2)}\n`);
  return result.ok ? 0 : 1;
}

if (process.argv[1]?.match(/soak\.[jt]s$/))
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (thrown: unknown) => {
      const usage =
        thrown instanceof UsageError || (thrown as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
      process.stderr.write(`${usage ? (thrown as Error).message : String((thrown as Error).stack)}\n`);
      process.exitCode = usage ? 2 : 1;
    },
  );
