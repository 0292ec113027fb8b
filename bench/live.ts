import { parseArgs } from 'node:util';
import { freePort } from '../stack/ports.ts';
import { answerHelp } from '../scripts/help.ts';
import { comeBack } from './live/come-back.ts';
import { fanOut, idsOf, type Load } from './live/fan-out.ts';
import { answers, killAll, part, round, say, secrets, startApi, startStage, type Stage } from './live/stage.ts';

/**
 * `npm run bench:live -- --json`: api processes with many viewers, beside a bare `ws` broadcast that listens to the same PostgreSQL
 * channel, at the same rates, one after the other in the same run: four events of each session a second, then the four of a second in one transaction.
 */
answerHelp(`npm run bench:live -- [--json] [--seconds S] [--viewers N] [--spread N] [--sessions N] [--rate N] [--replicas N]
npm run bench:live -- --come-back [--json] [--viewers N] [--sessions N]
An api process with many viewers, beside a bare WebSocket broadcast in the same run.
--viewers    of one session (2000)
--spread     of the other sessions together (500)
--sessions   other sessions (50)
--rate       events of each session a second (4)
--replicas   api processes that share the viewers (1); with several, no bare broadcast beside them
--come-back  the api is killed, and its viewers (2500, of 50 sessions) come back to a new one: how long until each knows all, and what that reads`);
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '15' },
    viewers: { type: 'string' },
    spread: { type: 'string', default: '500' },
    sessions: { type: 'string', default: '50' },
    rate: { type: 'string', default: '4' },
    replicas: { type: 'string', default: '1' },
    'come-back': { type: 'boolean', default: false },
  },
});
const load: Load = {
  crowd: Number(values.viewers ?? 2_000),
  spread: Number(values.spread),
  sessions: Number(values.sessions),
  seconds: Number(values.seconds),
  rate: Number(values.rate),
  together: 1,
};

/** Requests a second for a snapshot, beside an empty answer of the bare server. */
async function rest(port: number, barePort: number): Promise<Record<string, number>> {
  const http = part('http', []);
  const ask = async (url: string): Promise<number> => {
    http.tell(JSON.stringify({ url, key: secrets.VOYAGER_PROXY_API_KEY, ms: 3_000 }));
    return (await http.next(url)).rps!;
  };
  const empty = await ask(`http://127.0.0.1:${barePort}/`);
  const snapshot = await ask(`http://127.0.0.1:${port}/api/bookings/crowd/snapshot`);
  say(`REST: ${Math.round(snapshot)} snapshots/s beside ${Math.round(empty)} empty answers/s`);
  return {
    snapshot_rps: Math.round(snapshot),
    bare_rps: Math.round(empty),
    ratio_snapshot_to_bare: round(snapshot / empty),
  };
}

async function besideBare(stage: Stage): Promise<Record<string, number>> {
  const port = await freePort();
  const api = startApi(stage.url, port);
  const bare = part('bare', [], { DATABASE_URL: stage.url });
  const { port: barePort } = await bare.next('bare server');
  await answers(port);
  const four = { ...load, together: load.rate };
  const ours = await fanOut('nocturne', [{ pid: api.pid, port }], stage, load);
  const plain = await fanOut('bare ws ', [{ pid: bare.pid, port: barePort! }], stage, load);
  const ours4 = await fanOut('nocturne, four at once', [{ pid: api.pid, port }], stage, four);
  const plain4 = await fanOut('bare ws,  four at once', [{ pid: bare.pid, port: barePort! }], stage, four);
  return {
    viewers: load.crowd + load.spread,
    sessions: load.sessions + 1,
    seconds: load.seconds,
    ...ours,
    lost: ours.lost + ours4.lost,
    bare_p95_ms: plain.p95_ms,
    bare_lost: plain.lost + plain4.lost,
    bare_cpu_us_per_message: plain.cpu_us_per_message,
    bare_kb_per_viewer: plain.kb_per_viewer,
    cpu_of_bare: round(ours.cpu_us_per_message / plain.cpu_us_per_message),
    four_p95_ms: ours4.p95_ms,
    bare_four_p95_ms: plain4.p95_ms,
    four_cpu_us_per_message: ours4.cpu_us_per_message,
    bare_four_cpu_us_per_message: plain4.cpu_us_per_message,
    four_cpu_of_bare: round(ours4.cpu_us_per_message / plain4.cpu_us_per_message),
    four_cpu_of_bare_single: round(ours4.cpu_us_per_message / plain.cpu_us_per_message),
    ...(await rest(port, barePort!)),
  };
}

async function overReplicas(stage: Stage, replicas: number): Promise<Record<string, number>> {
  const servers: { pid: number; port: number }[] = [];
  for (let i = 0; i < replicas; i++) {
    const port = await freePort();
    servers.push({ pid: startApi(stage.url, port).pid, port });
    await answers(port);
  }
  const measured = await fanOut(`${replicas} replicas`, servers, stage, load);
  return {
    viewers: load.crowd + load.spread,
    sessions: load.sessions + 1,
    seconds: load.seconds,
    replicas,
    ...measured,
  };
}

async function main(): Promise<Record<string, number>> {
  if (values['come-back']) return comeBack(Number(values.viewers ?? 2_500), load.sessions);
  const stage = await startStage(idsOf(load.sessions));
  try {
    const replicas = Number(values.replicas);
    return replicas > 1 ? await overReplicas(stage, replicas) : await besideBare(stage);
  } finally {
    await stage.stop();
  }
}

try {
  const result = await main();
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`);
} finally {
  killAll();
}
process.exit(0);
