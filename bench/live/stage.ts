import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { projectPath } from '../../platform/paths.ts';
import { startPostgres } from '../../stack/own-postgres.ts';

/** What the live benchmarks stand on: PostgreSQL with sessions that run, api processes, and processes of viewers. */
export const secrets = {
  GATEWAY_SECRET: randomBytes(16).toString('hex'),
  VOYAGER_PROXY_API_KEY: randomBytes(16).toString('hex'),
  PUSHER_APP_SECRET: randomBytes(16).toString('hex'),
};
export const say = (line: string): void => void process.stderr.write(`${line}\n`);
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const round = (value: number, decimals = 2): number => Math.round(value * 10 ** decimals) / 10 ** decimals;

export type Figures = Record<string, number>;
export interface Lines {
  child: ChildProcess;
  pid: number;
  next(what: string): Promise<Figures>;
  tell(text: string): void;
}
const children: ChildProcess[] = [];
export const killAll = (): void => {
  for (const child of children) child.kill('SIGKILL');
};

/** A process of ours that answers in JSON lines. */
export function start(file: string, args: string[], env: Record<string, string>): Lines {
  const how = file.endsWith('.js') ? ['--max-semi-space-size=8'] : ['--import', 'tsx'];
  const child = spawn(process.execPath, [...how, file, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const waiting: ((line: Figures) => void)[] = [];
  const seen: Figures[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const parsed = JSON.parse(line) as Figures;
    const take = waiting.shift();
    if (take) take(parsed);
    else seen.push(parsed);
  });
  return {
    child,
    pid: child.pid!,
    tell: (text) => void child.stdin.write(`${text}\n`),
    next: (what) =>
      new Promise((resolve, reject) => {
        const ready = seen.shift();
        if (ready) resolve(ready);
        else waiting.push(resolve);
        child.once('exit', (code) => reject(new Error(`${what}: the process ended with ${code}`)));
      }),
  };
}
/** A part of this benchmark that is a process of its own. */
export const part = (name: string, args: (string | number)[], env: Record<string, string> = {}): Lines =>
  start(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), args.map(String), { ...secrets, ...env });

export function startApi(url: string, port: number): Lines {
  return start(projectPath('dist', 'api', 'main.js'), [], {
    ...secrets,
    DATABASE_URL: url,
    PORT: String(port),
    LOG_LEVEL: 'silent',
    TEMPORAL_ADDRESS: '127.0.0.1:9',
    PUSHER_APP_KEY: 'bench',
  });
}
export async function answers(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      if ((await fetch(`http://127.0.0.1:${port}/healthz`)).ok) return;
    } catch {
      if (tries > 1_200) throw new Error(`the api on port ${port} does not answer`);
    }
    await sleep(50);
  }
}

/** CPU time of a process in ms (proc(5): utime and stime in ticks of 10 ms). */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
export const rssKb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);

export interface Stage {
  url: string;
  client: Client;
  stop(): Promise<void>;
}
export async function startStage(ids: readonly string[], settings: Record<string, string> = {}): Promise<Stage> {
  say('Building, and starting PostgreSQL …');
  const { build } = (await import(new URL('../../scripts/build.mjs', import.meta.url).href)) as {
    build: () => Promise<unknown>;
  };
  await build();
  const postgres = await startPostgres(settings);
  const client = new Client({ connectionString: postgres.url, application_name: 'bench' });
  client.on('error', () => undefined);
  await client.connect();
  const firstMs = Date.now() - 600_000;
  for (const [i, id] of ids.entries()) await insertSession(client, id, new Date(firstMs + i * 86_400_000));
  return {
    url: postgres.url,
    client,
    async stop() {
      await client.end();
      killAll();
      await postgres.stop();
    },
  };
}
async function insertSession(client: Client, id: string, start: Date): Promise<void> {
  const target = { name: 'M 45', ra_hours: 3.79, dec_degrees: 24.1, pa_degrees: 0 };
  const shots = [{ filter: 'L', exposure_seconds: 60, quantity: 10, binning: 1, type: 'light' }];
  await client.query(
    `INSERT INTO bookings (id, telescope_id, starts_at, ends_at, blocked_until, user_ref, target, shots, constraints, credits, body_hash) VALUES ($1, 't', $2, $3, $3, 'u', $4, $5, '{}', '{"charged": 1}', $1)`,
    [id, start, new Date(start.getTime() + 7_200_000), JSON.stringify(target), JSON.stringify(shots)],
  );
  await client.query(
    `INSERT INTO sessions (booking_id, telescope_id, workflow_id, phase) VALUES ($1, 't', $2, 'running')`,
    [id, `booking-${id}`],
  );
}

const EVENT_BYTES = 1_024;
/** An event as the bus carries it, of a usual size; `sent` is when, by this machine's clock. */
export function eventOf(id: string, seq: number): { type: string; ts: string; data: { sent: number; pad: string } } {
  const event = {
    id: `${id}-${seq}`,
    type: 'log.appended',
    seq,
    epoch: 1,
    ts: new Date().toISOString(),
    booking_id: id,
    telescope_id: 't',
    data: { sent: 0, pad: '' },
  };
  event.data.pad = 'x'.repeat(Math.max(0, EVENT_BYTES - JSON.stringify(event).length - 20));
  event.data.sent = performance.timeOrigin + performance.now();
  return event;
}
