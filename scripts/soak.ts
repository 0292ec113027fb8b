import { parseArgs } from 'node:util';
import pino from 'pino';
import type { RequestOutcome } from '../gateway/connection/link.ts';
import { createVoyagerLink } from '../gateway/connection/voyager-link.ts';
import { isEvent } from '../gateway/protocol/events.ts';
import { buildRequest } from '../gateway/protocol/requests.ts';
import { RoboTargetClient } from '../gateway/robotarget/commands.ts';
import { loadDialect } from '../gateway/robotarget/dialect.ts';
import { ManualClock } from '../platform/clock.ts';
import { UsageError } from '../platform/errors.ts';
import { FAULTS, type Fault } from './soak/faults.ts';
import { SoakPeer } from './soak/peer.ts';
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
const MODES = ['RemoteSetDashboardMode', 'RemoteSetLogEvent', 'RemoteSetSoakMode'];
const TARGET = '6c5553ef-3c11-4b40-a3e1-7cd008e08c35';
const HEARTBEAT_MS = 5_000;

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

export async function soak(hours: number, seed: number): Promise<SoakResult> {
  const began = performance.now();
  const rss = (): number => Math.round(process.memoryUsage().rss / 1_048_576);
  const rssStart = rss();
  const clock = new ManualClock();
  const random = randomFrom(seed);
  const peer = new SoakPeer(clock, randomFrom(seed + 1));
  const port = await peer.listen();

  let lastLine = 0;
  let longestSilence = 0;
  let missed = 0;
  const link = createVoyagerLink({
    host: '127.0.0.1',
    port,
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
      if (link.state === 'ready') {
        const silence = clock.now() - lastLine;
        longestSilence = Math.max(longestSilence, silence);
        if (silence > HEARTBEAT_MS) missed++;
      }
      lastLine = clock.now();
      return { allowed: true };
    },
  });
  const robo = new RoboTargetClient({ link, dialect: loadDialect(), secret: 'soak' });

  const commands = { asked: 0, done: 0, refused: 0, unknown: 0, repeated: 0, contradicted: 0 };
  const modes = { restored: 0, missing: 0 };
  const seen = new Set<string>();
  let byEvent = 0;
  let byList = 0;
  let connections = 0;
  let bytesInBefore = 0;
  let bytesOutBefore = 0;

  const count = (outcome: RequestOutcome): void => {
    commands[outcome.outcome]++;
    const arrived = peer.commands.get(outcome.uid) ?? 0;
    const sent =
      outcome.outcome === 'done' ||
      (outcome.outcome === 'refused' &&
        (outcome.how === 'reply' || outcome.how === 'result' || outcome.how === 'payload'));
    const unsent = outcome.outcome === 'refused' && (outcome.how === 'not_ready' || outcome.how === 'gate');
    if ((sent && arrived !== 1) || (unsent && arrived !== 0)) commands.contradicted++;
  };
  const reconcile = async (): Promise<void> => {
    commands.asked++;
    const list = await robo.getShotDoneList(TARGET);
    if (!list.ok) {
      count(list.outcome);
      return;
    }
    commands.done++;
    for (const { filename } of list.items) {
      if (!seen.has(filename)) byList++;
      seen.add(filename);
    }
  };
  link.on('event', (event) => {
    if (!isEvent(event, 'NewFITReady')) return;
    const file = event.data.File!.split('\\').at(-1)!;
    if (!seen.has(file)) byEvent++;
    seen.add(file);
  });
  link.on('status', ({ state }) => {
    if (state === 'handshaking') {
      connections++;
      bytesInBefore = link.stats.bytesIn;
      bytesOutBefore = link.stats.bytesOut;
      lastLine = clock.now();
    }
    if (state !== 'ready') return;
    if (peer.connection?.authenticated && MODES.every((mode) => peer.connection!.modes.has(mode))) modes.restored++;
    else modes.missing++;
    void reconcile();
  });

  /** Until all that was written has been read, and both ends know what became of the connection. */
  const settle = async (): Promise<void> => {
    const deadline = performance.now() + 60_000;
    for (;;) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      const { connection } = peer;
      const live = link.state === 'handshaking' || link.state === 'ready';
      if (link.state === 'waiting') return;
      if (live && peer.accepted === connections && connection) {
        if (connection.frozen) return;
        if (
          connection.open &&
          link.stats.bytesIn - bytesInBefore === connection.bytesOut &&
          link.stats.bytesOut - bytesOutBefore === connection.bytesIn
        )
          return;
      }
      if (performance.now() > deadline)
        throw new Error(`soak: the two ends do not come to rest (${link.state}, ${link.reason ?? 'no reason'})`);
    }
  };

  const seconds = Math.round(hours * 3600);
  const faults = Math.max(1, Math.round(hours * DISCONNECTS_PER_HOUR));
  const plan = new Map<number, Fault>();
  for (let n = 0; n < faults; n++)
    plan.set(Math.floor(((n + 0.2 + 0.6 * random()) / faults) * seconds), FAULTS[n % FAULTS.length]!);
  const byFault: Record<string, number> = {};
  let disconnects = 0;

  link.start();
  await settle();
  for (let second = 1; second <= seconds; second++) {
    clock.advance(STEP_MS);
    await peer.tick();
    await settle();
    const fault = plan.get(second);
    if (fault) {
      if (link.state === 'ready') {
        await peer.cause(fault);
        byFault[fault] = (byFault[fault] ?? 0) + 1;
        disconnects++;
        await settle();
      } else {
        plan.delete(second);
        plan.set(second + 1, fault);
      }
    }
    if (second % COMMAND_EVERY_S === 0) {
      commands.asked++;
      void link.request(buildRequest('RemoteGetStatus', {})).then(count);
      await settle();
    }
  }
  for (let extra = 0; link.state !== 'ready' && extra < 1200; extra++) {
    clock.advance(STEP_MS);
    await peer.tick();
    await settle();
  }
  await reconcile();
  await settle();
  const unaccounted = peer.frames.filter(({ file }) => !seen.has(file)).length;
  commands.repeated = [...peer.commands.values()].filter((times) => times > 1).length;
  const stopped = link.stop('soak is over');
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  clock.advance(2_000);
  await stopped;
  await peer.close();

  const result: SoakResult = {
    ok: false,
    hours,
    seed,
    disconnects,
    by_fault: byFault,
    reconnects: link.reconnects,
    heartbeats: {
      sent: link.stats.heartbeatsOut,
      missed: missed + peer.silentClients,
      longest_silence_s: longestSilence / 1000,
    },
    modes,
    commands,
    frames: { taken: peer.frames.length, by_event: byEvent, by_list: byList, unaccounted },
    lines_in: link.stats.linesIn,
    bad_lines: link.stats.badLines,
    rss_mb: { start: rssStart, end: rss() },
    wall_s: Math.round((performance.now() - began) / 100) / 10,
  };
  result.ok =
    result.heartbeats.missed === 0 &&
    modes.missing === 0 &&
    link.reconnects === modes.restored - 1 &&
    disconnects >= faults - 1 &&
    commands.repeated === 0 &&
    commands.contradicted === 0 &&
    commands.asked === commands.done + commands.refused + commands.unknown &&
    unaccounted === 0 &&
    result.bad_lines === 0;
  return result;
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
