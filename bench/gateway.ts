import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { LineFramer } from '../gateway/connection/framer.ts';
import { createVoyagerLink } from '../gateway/connection/voyager-link.ts';
import { decodeLine } from '../gateway/protocol/codec.ts';
import { loadDialect } from '../gateway/robotarget/dialect.ts';
import { systemClock } from '../platform/clock.ts';
import { benchProcess } from './gateway-process.ts';

/**
 * `npm run bench:gateway -- --json [--long]`: the gateway's framer and codec beside the usual way to read such a stream (join the pieces, split at line
 * ends, JSON.parse) in the same run, both fed the same 64 KB pieces. The usual way is given its better form (pieces are joined once per line,
 * not added to a growing string) and leaves the picture as text, while ours decodes it. `--long`: 10,000 previews of 1 MB, a million ControlData lines,
 * sixty previews of 20 MB.
 */

const CHUNK = 64 * 1024;
const MB = 1024 * 1024;
const round = (value: number, digits = 2): number => Math.round(value * 10 ** digits) / 10 ** digits;
const rssMb = (): number => process.memoryUsage().rss / MB;
const settle = async (ms: number): Promise<void> => {
  const end = performance.now() + ms;
  do {
    globalThis.gc?.();
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  } while (performance.now() < end);
};

function controlLine(n: number): string {
  const two = (value: number): string => String(value % 60).padStart(2, '0');
  return `${JSON.stringify({
    Event: 'ControlData',
    Timestamp: 1_780_000_000 + n * 2 + 0.077,
    Host: 'OBSERVATORY',
    Inst: 1,
    TI: `2026-06-01 22:${two(n >> 6)}:${two(n)}`,
    TIUTC: `2026-06-01 20:${two(n >> 6)}:${two(n)}`,
    VOYSTAT: 2,
    SETUPCONN: true,
    CCDCONN: true,
    CCDTEMP: -10 - (n % 7) / 10,
    CCDPOW: 40 + (n % 10),
    CCDSETP: -10,
    CCDCOOL: true,
    CCDSTAT: 5,
    MNTCONN: true,
    MNTPARK: false,
    MNTRA: `02:49:${two(n)}`,
    MNTDEC: `47° 20' ${two(n + 7)}"`,
    MNTRAJ2000: `02:48:${two(n + 1)}`,
    MNTDECJ2000: `47° 14' ${two(n + 3)}"`,
    MNTAZ: `331° 23' ${two(n + 32)}"`,
    MNTALT: `56° 09' ${two(n + 55)}"`,
    MNTPIER: 'pierWest',
    MNTTFLIP: `-02:${two(59 - (n % 60))}:12`,
    MNTSFLIP: 0,
    MNTTRACK: true,
    MNTSLEW: false,
    AFCONN: true,
    AFTEMP: 11.5,
    AFPOS: 23_450 + (n % 5),
    SEQTOT: 7200,
    SEQPARZ: n % 7200,
    SEQNAME: 'NGC 1499',
    SEQSTART: '22:04:11',
    SEQREMAIN: `01:${two(n)}:10`,
    SEQEND: '00:10:41',
    RUNSEQ: 'C:\\Voyager\\Sequence\\base.s2q',
    RUNDS: 'C:\\Voyager\\DragScript\\night.vos',
    GUIDECONN: true,
    GUIDESTAT: 2,
    DITHSTAT: 0,
    GUIDEX: ((n % 17) - 8) / 20,
    GUIDEY: ((n % 13) - 6) / 20,
    PLACONN: false,
    PSCONN: true,
    ROTCONN: true,
    ROTPA: 181.25,
    ROTSKYPA: 1.5,
    ROTISROT: false,
    DOMECONN: true,
    DOMEPA: 331.4,
    DOMEISMOV: false,
    DOMESHUTTER: 0,
  })}\r\n`;
}
function previewLine(megabytes: number): Buffer {
  const text = 'q7/+9Ajk'.repeat(Math.floor((megabytes * MB) / 8));
  return Buffer.from(
    `{"Event":"NewJPGReady","Timestamp":1780000000.5,"Host":"OBSERVATORY","Inst":1,"File":"C:\\\\Voyager\\\\FITS\\\\a.fit","SequenceTarget":"NGC 1499","TimeInfo":1780000000,"TimeInfoUTC":1779992800,"Expo":60,"Bin":1,"Filter":"L","HFD":2.41,"StarIndex":8.5,"PixelDimX":3008,"PixelDimY":3008,"Base64Data":"${text}"}\r\n`,
  );
}

function chunksOf(bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(bytes.subarray(at, at + CHUNK));
  return chunks;
}

/** Ours: framer and codec, as the link uses them. */
function ours(chunks: Buffer[]): number {
  let seen = 0;
  const framer = new LineFramer(64 * MB, {
    line: (bytes, picture) => {
      const decoded = decodeLine(bytes, picture);
      if (decoded.ok && decoded.message.kind === 'event' && !decoded.message.event.unknown) seen++;
    },
    tooLong: () => {
      throw new Error('line over the limit');
    },
  });
  for (const chunk of chunks) framer.push(chunk);
  return seen;
}

/** The usual way: text of each piece, split at line ends, JSON.parse. */
function baseline(chunks: Buffer[]): number {
  let seen = 0;
  let rest: string[] = [];
  for (const chunk of chunks) {
    const lines = chunk.toString('utf8').split('\r\n');
    const last = lines.pop()!;
    for (const line of lines) {
      const whole = rest.length > 0 ? rest.join('') + line : line;
      rest = [];
      if (whole === '') continue;
      if ((JSON.parse(whole) as { Event?: string }).Event) seen++;
    }
    if (last) rest.push(last);
  }
  return seen;
}

/** Best of several interleaved rounds after one to warm up, so that a busy machine hurts both alike. Seconds. */
function compare(chunks: Buffer[], expected: number, rounds: number): { ours: number; baseline: number } {
  const best = { ours: Infinity, baseline: Infinity };
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of [
      ['baseline', baseline],
      ['ours', ours],
    ] as const) {
      const from = performance.now();
      const seen = run(chunks);
      if (seen !== expected) throw new Error(`${name} read ${seen} of ${expected} lines`);
      if (round >= 0) best[name] = Math.min(best[name], (performance.now() - from) / 1000);
    }
  }
  return best;
}

function benchControl(): { per_s: number; ratio_to_baseline: number; baseline_per_s: number } {
  const count = 20_000;
  const chunks = chunksOf(Buffer.from(Array.from({ length: count }, (_, n) => controlLine(n)).join('')));
  const best = compare(chunks, count, 16);
  return { per_s: Math.round(count / best.ours), ratio_to_baseline: round(best.baseline / best.ours), baseline_per_s: Math.round(count / best.baseline) };
}
function benchPreviews(): { mb_per_s: number; ratio_to_baseline: number; baseline_mb_per_s: number; by_size: { mb: number; ratio_to_baseline: number }[] } {
  let total = { ours: 0, baseline: 0, mb: 0 };
  const bySize: { mb: number; ratio_to_baseline: number }[] = [];
  for (const mb of [1, 4, 10, 20]) {
    const line = previewLine(mb);
    const lines = Math.max(2, Math.floor(20 / mb));
    const best = compare(Array.from({ length: lines }, () => chunksOf(line)).flat(), lines, 8);
    bySize.push({ mb, ratio_to_baseline: round(best.baseline / best.ours) });
    total = { ours: total.ours + best.ours, baseline: total.baseline + best.baseline, mb: total.mb + mb * lines };
  }
  return {
    mb_per_s: Math.round(total.mb / total.ours),
    ratio_to_baseline: round(total.baseline / total.ours),
    baseline_mb_per_s: Math.round(total.mb / total.baseline),
    by_size: bySize,
  };
}

/** A Voyager at real rates for `--serve`: ControlData each 2 s, ShotRunning each second, a 4 MB preview each 5 s. */
function serve(): void {
  const preview = previewLine(4);
  const server = createServer((socket) => {
    const timers: NodeJS.Timeout[] = [];
    socket.on('error', () => {});
    socket.on('close', () => timers.forEach((timer) => clearInterval(timer)));
    const line = (body: object): boolean => socket.write(`${JSON.stringify({ Timestamp: Date.now() / 1000, Host: 'BENCH', Inst: 1, ...body })}\r\n`);
    line({ Event: 'Version', VOYVersion: 'Release 2.3.14', VOYSubver: '', MsgVersion: 1 });
    let rest = '';
    socket.on('data', (chunk) => {
      rest += chunk.toString();
      const lines = rest.split('\r\n');
      rest = lines.pop()!;
      for (const text of lines) {
        const { id, params } = JSON.parse(text) as { id?: number; params?: { UID: string } };
        if (id === undefined) continue;
        socket.write(`${JSON.stringify({ jsonrpc: '2.0', result: 0, id })}\r\n`);
        line({ Event: 'RemoteActionResult', UID: params?.UID, ActionResultInt: 4, Motivo: '', ParamRet: {} });
      }
    });
    let n = 0;
    timers.push(setInterval(() => socket.write(controlLine(n++)), 2000));
    timers.push(setInterval(() => line({ Event: 'ShotRunning', File: 'a.fit', Expo: 60, Elapsed: n, ElapsedPerc: 10, Status: 1 }), 1000));
    timers.push(setInterval(() => socket.write(preview), 5000));
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit(0));
}

/** Share of one core for three links at real rates. */
async function benchInstances(seconds: number): Promise<{ cpu_percent: number; previews: number }> {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), '--serve'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [port] = (await once(child, 'message')) as [number];
  const links = [1, 1, 1].map(() =>
    createVoyagerLink({
      host: '127.0.0.1',
      port,
      instance: 1,
      credentials: null,
      clock: systemClock,
      logger: pino({ level: 'silent' }),
      dialect: loadDialect(),
      robotargetSecret: null,
      maxLineMb: 64,
      modes: { dashboard: true, logLevel: 0 },
    }),
  );
  for (const link of links) link.start();
  while (links.some((link) => link.state !== 'ready'))
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  const before = process.cpuUsage();
  const from = performance.now();
  await new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000);
  });
  const used = process.cpuUsage(before);
  const elapsed = (performance.now() - from) * 1000;
  const previews = links.reduce((sum, link) => sum + link.stats.pictures, 0);
  await Promise.all(links.map((link) => link.stop('bench is over')));
  child.disconnect();
  await once(child, 'exit');
  return { cpu_percent: round(((used.user + used.system) / elapsed) * 100), previews };
}

/** Resident memory while previews and control lines pass; flat when the last half does not grow. */
async function benchMemory(previews: number, controls: number): Promise<{ rss_mb_half: number; rss_mb_end: number; previews: number; control_lines: number }> {
  const preview = chunksOf(previewLine(1));
  const control = chunksOf(Buffer.from(Array.from({ length: 100 }, (_, n) => controlLine(n)).join('')));
  let half = 0;
  for (let n = 0; n < previews; n++) {
    ours(preview);
    for (let lines = 0; lines < controls / previews; lines += 100) ours(control);
    if (n % 50 === 0)
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    if (n === previews >> 1) half = rssMb();
  }
  return { rss_mb_half: round(half, 0), rss_mb_end: round(rssMb(), 0), previews, control_lines: controls };
}
async function benchLargePreviews(): Promise<{ rss_mb_peak: number; rss_mb_a_minute_later: number }> {
  const preview = chunksOf(previewLine(20));
  let peak = 0;
  for (let n = 0; n < 60; n++) {
    ours(preview);
    peak = Math.max(peak, rssMb());
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  await settle(60_000);
  return { rss_mb_peak: round(peak, 0), rss_mb_a_minute_later: round(rssMb(), 0) };
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const long = args.includes('--long');
  const result: Record<string, unknown> = { control_lines: benchControl(), preview_lines: benchPreviews(), three_instances: await benchInstances(long ? 60 : 15) };
  result.memory = await benchMemory(long ? 10_000 : 400, long ? 1_000_000 : 40_000);
  if (long) result.large_previews = await benchLargePreviews();
  await settle(1000);
  const own = rssMb();
  result.gateway_process = await benchProcess(long, { control: controlLine, preview: previewLine });
  result.rss_mb_after = round(own, 0);
  process.stdout.write(`${args.includes('--json') ? JSON.stringify(result) : JSON.stringify(result, null, 2)}\n`);
}

if (process.argv.includes('--serve')) serve();
else await main();
