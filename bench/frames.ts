import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { WebSocket } from 'ws';
import { projectPath } from '../platform/paths.ts';
import { ApiClient } from '../stack/api-client.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { highTarget } from '../stack/targets.ts';
import { answerHelp } from '../scripts/help.ts';

/**
 * `npm run bench:frames -- --json`: from NewFITReady on the wire to `image.captured` and `image.measured`, through the real processes.
 * The simulated Voyager takes 61-megapixel frames; a viewer of the session, as a browser is one, writes down when each event reaches it
 * and fetches the preview at once. Then the worker is stopped while ten frames arrive, and let go: ten frames at once. `goals` has each
 * goal with what was measured; the exit code is 1 where a preview did not open or frames came out of order, whatever the machine's load.
 */
answerHelp(`npm run bench:frames -- [--json] [--shots N] [--exposure SECONDS] [--camera WxH] [--burst N]
Time from a frame of a 61-megapixel camera on the wire to its events at a viewer, through the real processes.`);
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    shots: { type: 'string', default: '20' },
    exposure: { type: 'string', default: '6' },
    camera: { type: 'string', default: '9576x6388' },
    burst: { type: 'string', default: '10' },
  },
});
const shots = Number(values.shots);
const burst = Number(values.burst);
const exposure = Number(values.exposure);
const [width, height] = values.camera.split('x').map(Number) as [number, number];
const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface Seen {
  filename: string;
  capturedMs?: number;
  measuredMs?: number;
  previewMs?: number;
  previewStatus?: number;
}

/** Subscribes as a page does; `seen` fills as events arrive. */
async function watch(
  stack: Stack,
  bookingId: string,
): Promise<{ seen: Map<string, Seen>; order: string[]; close(): void }> {
  const seen = new Map<string, Seen>();
  const order: string[] = [];
  const socket = new WebSocket(`${stack.apiUrl.replace(/^http/, 'ws')}/app/${stack.app.key}?protocol=7`);
  const ready = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (raw: Buffer) => {
      const now = Date.now();
      const message = JSON.parse(raw.toString()) as { event: string; data: string };
      if (message.event === 'pusher:connection_established') {
        const { socket_id: socketId } = JSON.parse(message.data) as { socket_id: string };
        const channel = `private-session.${bookingId}`;
        const auth = `${stack.app.key}:${createHmac('sha256', stack.app.secret).update(`${socketId}:${channel}`).digest('hex')}`;
        socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth } }));
      } else if (message.event === 'pusher_internal:subscription_succeeded') resolve();
      else if (message.event === 'pusher:ping') socket.send('{"event":"pusher:pong","data":"{}"}');
      else if (message.event === 'image.captured' || message.event === 'image.measured') {
        const { data } = JSON.parse(message.data) as { data: { filename: string; preview_url: string | null } };
        const entry = seen.get(data.filename) ?? { filename: data.filename };
        seen.set(data.filename, entry);
        if (message.event === 'image.measured') entry.measuredMs = now;
        else {
          entry.capturedMs = now;
          order.push(data.filename);
          void fetch(new URL(data.preview_url ?? '/', stack.apiUrl), { headers: { 'X-API-Key': stack.apiKey } })
            .then(async (response) => {
              const bytes = new Uint8Array(await response.arrayBuffer());
              entry.previewStatus = bytes[0] === 0xff && bytes[1] === 0xd8 ? response.status : -1;
              entry.previewMs = Date.now();
            })
            .catch(() => (entry.previewStatus = 0));
        }
      }
    });
  });
  await ready;
  return { seen, order, close: () => socket.close() };
}

interface WireRow {
  file: string;
  at: Date;
}
/** NewFITReady of light frames as the gateway's journal has them, with the instant at which the line came in. */
async function wire(db: Client, since: Date): Promise<WireRow[]> {
  const { rows } = await db.query<WireRow>(
    "SELECT data->>'file' AS file, at FROM journal WHERE kind = 'frame' AND (data->>'type')::int = 0 AND coalesce(data->>'voy_type', 'SHOT') = 'SHOT' AND at >= $1 ORDER BY epoch, n",
    [since],
  );
  return rows;
}
const nameOf = (path: string): string => path.split('\\').at(-1)!;

async function book(stack: Stack, id: string, quantity: number): Promise<Date> {
  const api = new ApiClient(stack.apiUrl, stack.apiKey);
  const { site } = await api.call<{
    site: { latitude_degrees: number; longitude_degrees: number; elevation_meters: number };
  }>('GET', '/api/telescopes/bench');
  const start = new Date(Date.now() + 7_000);
  const end = new Date(start.getTime() + (quantity * (exposure + 5) + 60) * 1000);
  await api.call('PUT', `/api/bookings/${id}`, {
    telescope_id: 'bench',
    start: start.toISOString(),
    end: end.toISOString(),
    user: { ref: 'bench', locale: 'en' },
    target: highTarget(site, start.getTime(), end.getTime()),
    shots: [{ filter: 'L', exposure_seconds: exposure, quantity }],
    credits: { charged: 0 },
  });
  return start;
}

async function until(what: string, seconds: number, done: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(100);
  }
}

const quantile = (sorted: number[], share: number): number | null =>
  sorted.length === 0 ? null : Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!);
const spread = (delays: number[]): { p50: number | null; p95: number | null; max: number | null } => {
  const sorted = delays.toSorted((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), max: quantile(sorted, 1) };
};

/** What was measured, beside the most that it may be. */
const goal = (ms: number | null, mostMs: number): { ms: number | null; most_ms: number; met: boolean } => ({
  ms,
  most_ms: mostMs,
  met: ms !== null && ms <= mostMs,
});

const { build } = (await import(pathToFileURL(projectPath('scripts', 'build.mjs')).href)) as {
  build: () => Promise<void>;
};
await build();
mkdirSync(projectPath('.data'), { recursive: true });
const dataDir = mkdtempSync(projectPath('.data', 'bench-frames-'));
let stack: Stack | null = null;
let db: Client | null = null;
const loadBefore = loadavg()[0]!;
try {
  stack = await startStack({
    dataDir,
    env: process.env,
    ports: 'free',
    report: say,
    simulator: {
      seed: 61,
      camera: { width, height },
      telescope: {
        id: 'bench',
        name: 'Bench',
        policy: { prepare_lead: 5, check_interval: 5, turnaround_minutes: 0, minimum_useful_seconds: 1 },
        weather: { resume_debounce_seconds: 3 },
      },
    },
  });
  const running = stack;
  db = new Client(stack.databaseUrl);
  await db.connect();
  const records = db;

  say(`${shots} frames of ${values.camera}, one after another …`);
  const since = await book(stack, 'bench-1', shots + burst + 5);
  const viewer = await watch(stack, 'bench-1');
  const finished = (): Seen[] => [...viewer.seen.values()].filter((s) => s.measuredMs && s.previewStatus !== undefined);
  await until('frames one after another', shots * (exposure + 12) + 90, () => finished().length >= shots);
  const single = (await wire(records, since)).flatMap((row) => {
    const seen = viewer.seen.get(nameOf(row.file));
    return seen?.measuredMs ? [{ ...seen, at: row.at.getTime() }] : [];
  });

  say(`${burst} frames at once …`);
  const worker = running.pids().worker!;
  const waiting = async (): Promise<string[]> =>
    (await wire(records, since)).map((row) => nameOf(row.file)).filter((name) => !viewer.seen.has(name));
  let released = 0;
  let wanted: string[] = [];
  process.kill(worker, 'SIGSTOP');
  try {
    await until(
      `${burst} frames`,
      burst * (exposure + 12) + 60,
      async () => (wanted = await waiting()).length >= burst,
    );
  } finally {
    released = Date.now();
    process.kill(worker, 'SIGCONT');
  }
  const crowd = (): Seen[] => wanted.flatMap((name) => viewer.seen.get(name) ?? []);
  await until(
    'the burst is measured',
    120,
    () => crowd().filter((s) => s.measuredMs && s.previewStatus !== undefined).length >= wanted.length,
  );
  viewer.close();
  const all = crowd();

  const captured = spread(single.flatMap((s) => (s.capturedMs ? [s.capturedMs - s.at] : [])));
  const announcedMs = Math.max(...all.map((s) => (s.capturedMs ?? Number.POSITIVE_INFINITY) - released));
  const burstMeasuredMs = Math.max(...all.map((s) => (s.measuredMs ?? Number.POSITIVE_INFINITY) - released));
  const result = {
    megapixels: Math.round((width * height) / 1e5) / 10,
    frames: single.length,
    captured_ms: captured,
    preview_fetched_ms: spread(
      single.flatMap((s) => (s.previewMs && s.previewStatus === 200 ? [s.previewMs - s.at] : [])),
    ),
    measured_ms: spread(single.flatMap((s) => (s.measuredMs ? [s.measuredMs - s.at] : []))),
    burst: {
      frames: all.length,
      announced_ms: announcedMs,
      measured_ms: burstMeasuredMs,
      in_order: JSON.stringify(viewer.order.filter((name) => wanted.includes(name))) === JSON.stringify(wanted),
    },
    goals: {
      captured_p95: goal(captured.p95, 1_500),
      burst_announced: goal(announcedMs, 8_000),
      burst_measured: goal(burstMeasuredMs, 15_000),
    },
    previews_working: [...single, ...all].every((s) => s.previewStatus === 200),
    load_before: Math.round(loadBefore * 100) / 100,
    load_after: Math.round(loadavg()[0]! * 100) / 100,
  };
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`);
  if (!result.previews_working || !result.burst.in_order) process.exitCode = 1;
} finally {
  await db?.end().catch(() => undefined);
  await stack?.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
