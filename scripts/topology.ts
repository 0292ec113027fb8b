import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { UsageError } from '../platform/errors.ts';
import { projectPath } from '../platform/paths.ts';
import { endWith } from '../platform/process.ts';
import { createTemporalClient } from '../platform/temporal.ts';
import { ApiClient } from '../stack/api-client.ts';
import { closeFolder } from '../stack/secrets.ts';
import { Supervisor, stopWithParent } from '../stack/supervisor.ts';
import { certificateArguments } from './deploy/nginx.ts';
import { answerHelp, readOptions } from './help.ts';
import * as looks from './topology/checks.ts';
import { book, bookingOf, shotsFor, untilAllImage, untilOver, watch } from './topology/night.ts';
import { findPrograms } from './topology/programs.ts';
import { Receiver } from './topology/receiver.ts';
import { Rounds, type Stop } from './topology/rounds.ts';
import { startAll } from './topology/servers.ts';
import { layStage, runOnce, settingsOf, shell, type Stage } from './topology/stage.ts';

answerHelp(`npm run topology -- [--json] [--minutes N] [--keep]
The production topology on this machine, from the settings of the files in deploy/ and docker-compose.yml: PostgreSQL over TCP, Temporal's own server on
it, two gateways with five simulated telescopes each, two workers, two apis, nginx with TLS. Ten sessions at once; meanwhile a bad build is released
and must be stopped by itself, a good one follows, and everything is restarted one after the other, with stops and viewers through the front.
--minutes  length of the night's slots (6)
--keep     keep the data folder below .data/nights, secrets and all
--json     the last line of stdout is one JSON object
Needs nginx, openssl and Temporal's server; where one lacks it says how to get it and ends with 2. Exit code 1 when anything was lost or came twice.`);

const FOLDER = 'NOCTURNE_TOPOLOGY_FOLDER';
const ORDER = [['nginx'], ['api-a', 'api-b'], ['temporal'], ['postgres']];
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Node reads certificates to trust at its start alone, so the run is a child of what makes the certificate. */
async function trusting(keep: boolean): Promise<number> {
  const { openssl } = await findPrograms(say);
  mkdirSync(projectPath('.data', 'nights'), { recursive: true });
  const dataDir = mkdtempSync(projectPath('.data', 'nights', 'topology-'));
  const [key, certificate] = [join(dataDir, 'tls.key'), join(dataDir, 'tls.pem')];
  runOnce(openssl, certificateArguments(key, certificate, 'DNS:localhost,IP:127.0.0.1'), shell());
  chmodSync(key, 0o600);
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate, [FOLDER]: dataDir },
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void child.kill(signal));
  const code = await new Promise<number>((resolve) => child.once('exit', (ended) => resolve(ended ?? 1)));
  if (code === 0 && !keep) rmSync(dataDir, { recursive: true, force: true });
  else say(`Data and logs: ${dataDir}`);
  return code;
}

/** A stop counts when Voyager's sequence ended after it and nothing was exposed for the session any more. */
function lookAtStops(stage: Stage, stops: readonly Stop[]): looks.Look & { seconds: Record<string, number | null> } {
  const problems: string[] = [];
  const seconds: Record<string, number | null> = {};
  for (const { bookingId, askedMs, during } of stops) {
    const one = stage.observatories.find((observatory) => bookingOf(observatory) === bookingId)!;
    const effects = looks.effectsOf(one);
    const end = effects.find(({ effect, at }) => effect === 'sequence.end' && at >= askedMs);
    if (!end) problems.push(`${bookingId}: Voyager's sequence did not end after the stop while ${during}`);
    else if (effects.some(({ effect, at }) => effect === 'exposure.start' && at > end.at))
      problems.push(`${bookingId}: Voyager exposed again after the stop while ${during}`);
    seconds[during] = end ? Math.round((end.at - askedMs) / 100) / 10 : null;
  }
  return { problems, figures: { stops: stops.length }, seconds };
}

async function night(stage: Stage, minutes: number): Promise<Record<string, unknown>> {
  const receiver = new Receiver();
  await receiver.listen(stage.ports.receiver);
  const db = createDatabase(stage.databaseUrl);
  const config = loadConfig(settingsOf(stage, 'worker'));
  const { client, connection } = createTemporalClient(config);
  const api = new ApiClient(stage.url, stage.apiKey);
  const sessions = stage.observatories.length;
  try {
    const { startMs, endMs } = await book(stage, api, minutes);
    const viewers = await watch(stage, api);
    say(`${sessions} bookings of ${minutes} minutes with ${shotsFor(minutes)} shots each, ${viewers.length} viewers.`);
    await untilAllImage(db, sessions, startMs, endMs);
    const rounds = new Rounds(stage, { api, db, say });
    await rounds.play();
    await untilOver(db, sessions, endMs);
    const stopped = new Set(rounds.stops.map(({ bookingId }) => bookingId));
    const expected = new Map(
      stage.observatories.map((one) => [bookingOf(one), stopped.has(bookingOf(one)) ? 'aborted' : 'completed']),
    );
    const stops = lookAtStops(stage, rounds.stops);
    const found = [
      await looks.lookAtRows(db, expected),
      await looks.lookAtFrames(stage, db),
      looks.lookAtCommands(stage),
      await looks.lookAtHistories(client, rounds.badIdentities),
      await looks.lookAtWebhooks(db, receiver),
      await looks.lookAtViewers(db, viewers),
      stops,
    ];
    for (const viewer of viewers) viewer.close();
    return {
      ...Object.assign({}, ...found.map(({ figures }) => figures)),
      good_build_taken_back: rounds.goodTakenBack,
      stop_seconds: stops.seconds,
      steps: rounds.steps,
      problems: [...rounds.problems, ...found.flatMap(({ problems }) => problems)],
    };
  } finally {
    receiver.close();
    await Promise.allSettled([db.$disconnect(), connection.close()]);
  }
}

async function run(dataDir: string, minutes: number, json: boolean): Promise<number> {
  const began = Date.now();
  const programs = await findPrograms(say);
  closeFolder(dataDir);
  const supervisor = new Supervisor(say, (thrown) => say(thrown.message));
  const letGo = stopWithParent((reason) => {
    say(`Stopping (${reason}) …`);
    void supervisor.stopAll(ORDER).finally(() => process.exit(130));
  });
  let told: Record<string, unknown>;
  try {
    const stage = await layStage(dataDir, programs, supervisor);
    await startAll(stage, say);
    told = await night(stage, minutes);
  } finally {
    await supervisor.stopAll(ORDER);
    letGo();
  }
  const problems = told.problems as string[];
  for (let n = 0; n < 50 && supervisor.survivors().length > 0; n++) await sleep(100);
  const orphans = supervisor.survivors().length;
  if (orphans > 0) problems.push(`${orphans} processes are left`);
  const ok = problems.length === 0;
  for (const problem of problems) say(`PROBLEM ${problem}`);
  const result = { ok, ...told, wall_seconds: Math.round((Date.now() - began) / 1000) };
  process.stdout.write(`${JSON.stringify(result, null, json ? undefined : 2)}\n`);
  return ok ? 0 : 1;
}

async function main(): Promise<number> {
  const { values } = readOptions({
    options: {
      json: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '6' },
      keep: { type: 'boolean', default: false },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes >= 3 && minutes <= 120))
    throw new UsageError(`--minutes takes minutes from 3 to 120, not "${values.minutes}".`);
  const dataDir = process.env[FOLDER];
  return dataDir ? run(dataDir, minutes, values.json) : trusting(values.keep);
}

main().then((code) => process.exit(code), endWith);
