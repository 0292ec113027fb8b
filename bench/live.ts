import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { projectPath } from '../platform/paths.ts';
import { freePort } from '../stack/ports.ts';
import { startPostgres } from '../stack/own-postgres.ts';
import { answerHelp } from '../scripts/help.ts';

/**
 * `npm run bench:live -- --json`: one api process with many viewers, beside a bare `ws` broadcast that listens to the same PostgreSQL
 * channel, at the same rates, one after the other in the same run. Time is counted from NOTIFY to the viewer's socket.
 */
answerHelp(`npm run bench:live -- [--json] [--seconds S] [--viewers N] [--spread N] [--sessions N]
One api process with many viewers, beside a bare WebSocket broadcast in the same run.`);
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '15' },
    viewers: { type: 'string', default: '2000' },
    spread: { type: 'string', default: '500' },
    sessions: { type: 'string', default: '50' },
  },
});
const seconds = Number(values.seconds);
const crowd = Number(values.viewers);
const spread = Number(values.spread);
const sessions = Number(values.sessions);
const EVENT_BYTES = 1_024;
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const children: ChildProcess[] = [];
const secrets = {
  GATEWAY_SECRET: randomBytes(16).toString('hex'),
  VOYAGER_PROXY_API_KEY: randomBytes(16).toString('hex'),
  PUSHER_APP_SECRET: randomBytes(16).toString('hex'),
};

interface Lines {
  child: ChildProcess;
  next(what: string): Promise<Record<string, number>>;
}
/** A process of ours that answers in JSON lines. */
function start(file: string, args: string[], env: Record<string, string>): Lines {
  const compiled = file.endsWith('.js');
  const child = spawn(
    process.execPath,
    [...(compiled ? ['--max-semi-space-size=2'] : ['--import', 'tsx']), file, ...args],
    {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  children.push(child);
  const waiting: ((line: Record<string, number>) => void)[] = [];
  const seen: Record<string, number>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const parsed = JSON.parse(line) as Record<string, number>;
    const take = waiting.shift();
    if (take) take(parsed);
    else seen.push(parsed);
  });
  return {
    child,
    next: (what) =>
      new Promise((resolve, reject) => {
        const ready = seen.shift();
        if (ready) resolve(ready);
        else waiting.push(resolve);
        child.once('exit', (code) => reject(new Error(`${what}: the process ended with ${code}`)));
      }),
  };
}

/** CPU time of a process in ms (proc(5): utime and stime in ticks of 10 ms). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
const rssKb = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const ids = ['crowd', ...Array.from({ length: sessions }, (_, i) => `s-${i}`)];

async function publish(client: Client): Promise<number> {
  let sent = 0;
  const began = Date.now();
  for (let second = 1; second <= seconds; second++) {
    for (const id of ids) {
      const event = {
        id: `${id}-${second}`,
        type: 'log.appended',
        seq: second,
        epoch: 1,
        ts: new Date().toISOString(),
        booking_id: id,
        telescope_id: 't',
        data: { sent: 0, pad: '' },
      };
      event.data.pad = 'x'.repeat(Math.max(0, EVENT_BYTES - JSON.stringify(event).length - 10));
      event.data.sent = performance.timeOrigin + performance.now();
      await client.query('SELECT pg_notify($1, $2)', ['nocturne', JSON.stringify({ kind: 'event', event })]);
      sent++;
    }
    await sleep(Math.max(0, began + second * 1_000 - Date.now()));
  }
  return sent;
}

interface Measured {
  received: number;
  lost: number;
  p50_ms: number;
  p95_ms: number;
  cpu_ms_per_1000: number;
  kb_per_viewer: number;
  rss_mb: number;
}
async function measure(name: string, serverPid: number, port: number, client: Client): Promise<Measured> {
  const before = rssKb(serverPid);
  const viewers = start(
    fileURLToPath(new URL('./live/viewers.ts', import.meta.url)),
    [String(port), String(crowd), String(spread), String(sessions)],
    secrets,
  );
  await viewers.next('connecting viewers');
  await sleep(1_000);
  const perViewer = (rssKb(serverPid) - before) / (crowd + spread);
  const cpu = cpuMs(serverPid);
  await publish(client);
  await sleep(1_500);
  const used = cpuMs(serverPid) - cpu;
  viewers.child.stdin!.write('report\n');
  const report = await viewers.next('report');
  const expected = (crowd + spread) * seconds;
  viewers.child.kill();
  say(
    `${name}: ${report.received} of ${expected} messages, p50 ${report.p50_ms!.toFixed(1)} ms, p95 ${report.p95_ms!.toFixed(1)} ms, ${used} ms of CPU, ${perViewer.toFixed(1)} KB per viewer`,
  );
  return {
    received: report.received!,
    lost: expected - report.received!,
    p50_ms: report.p50_ms!,
    p95_ms: report.p95_ms!,
    cpu_ms_per_1000: (used * 1_000) / report.received!,
    kb_per_viewer: perViewer,
    rss_mb: rssKb(serverPid) / 1_024,
  };
}

async function waitFor(url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      if (tries > 200) throw new Error(`${url} does not answer`);
    }
    await sleep(100);
  }
}

async function main(): Promise<void> {
  say('Building, and starting PostgreSQL …');
  const { build } = (await import(new URL('../scripts/build.mjs', import.meta.url).href)) as {
    build: () => Promise<unknown>;
  };
  await build();
  const postgres = await startPostgres();
  try {
    const client = new Client({ connectionString: postgres.url });
    client.on('error', () => undefined);
    await client.connect();
    const night = new Date(Date.now() - 600_000);
    for (const id of ids) {
      const slot = new Date(night.getTime() + ids.indexOf(id) * 86_400_000);
      const end = new Date(slot.getTime() + 7_200_000);
      await client.query(
        `INSERT INTO bookings (id, telescope_id, starts_at, ends_at, blocked_until, user_ref, target, shots, constraints, credits, body_hash) VALUES ($1, 't', $2, $3, $3, 'u', $4, $5, '{}', '{"charged": 1}', $1)`,
        [
          id,
          slot,
          end,
          JSON.stringify({ name: 'M 45', ra_hours: 3.79, dec_degrees: 24.1, pa_degrees: 0 }),
          JSON.stringify([{ filter: 'L', exposure_seconds: 60, quantity: 10, binning: 1, type: 'light' }]),
        ],
      );
      await client.query(
        `INSERT INTO sessions (booking_id, telescope_id, workflow_id, phase) VALUES ($1, 't', $2, 'running')`,
        [id, `booking-${id}`],
      );
    }
    const port = await freePort();
    const api = start(projectPath('dist', 'api', 'main.js'), [], {
      ...secrets,
      DATABASE_URL: postgres.url,
      PORT: String(port),
      LOG_LEVEL: 'silent',
      TEMPORAL_ADDRESS: '127.0.0.1:9',
      PUSHER_APP_KEY: 'bench',
    });
    const bare = start(fileURLToPath(new URL('./live/bare.ts', import.meta.url)), [], { DATABASE_URL: postgres.url });
    const { port: barePort } = await bare.next('bare server');
    await waitFor(`http://127.0.0.1:${port}/healthz`);
    const ours = await measure('nocturne', api.child.pid!, port, client);
    const plain = await measure('bare ws ', bare.child.pid!, barePort!, client);

    const load = start(fileURLToPath(new URL('./live/http.ts', import.meta.url)), [], {});
    const ask = async (url: string): Promise<number> => {
      load.child.stdin!.write(`${JSON.stringify({ url, key: secrets.VOYAGER_PROXY_API_KEY, ms: 3_000 })}\n`);
      return (await load.next(url)).rps!;
    };
    const empty = await ask(`http://127.0.0.1:${barePort}/`);
    const snapshot = await ask(`http://127.0.0.1:${port}/api/bookings/crowd/snapshot`);
    say(`REST: ${Math.round(snapshot)} snapshots/s beside ${Math.round(empty)} empty answers/s`);
    const round = (value: number, decimals = 2): number => Math.round(value * 10 ** decimals) / 10 ** decimals;
    const result = {
      viewers: crowd + spread,
      sessions: ids.length,
      seconds,
      received: ours.received,
      lost: ours.lost,
      p50_ms: round(ours.p50_ms),
      p95_ms: round(ours.p95_ms),
      bare_p95_ms: round(plain.p95_ms),
      bare_lost: plain.lost,
      ratio_to_bare_ws: round(plain.cpu_ms_per_1000 / ours.cpu_ms_per_1000),
      kb_per_viewer: round(ours.kb_per_viewer, 1),
      bare_kb_per_viewer: round(plain.kb_per_viewer, 1),
      rss_mb: round(ours.rss_mb, 1),
      snapshot_rps: Math.round(snapshot),
      bare_rps: Math.round(empty),
      ratio_snapshot_to_bare: round(snapshot / empty),
    };
    process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`);
    await client.end();
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await postgres.stop();
  }
}

await main();
process.exit(0);
