import { spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectPath } from '../platform/paths.ts';
import { signGatewayRequest } from '../platform/gateway-auth.ts';

/**
 * The real gateway process, without PostgreSQL and without Temporal (both unreachable), on a peer that sends previews without pause: how long
 * from the HTTP request of an emergency abort to its line on the wire, and how much memory the process keeps.
 */

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
const rounded = (ms: number): number => Math.round(ms * 10) / 10;

/** As every way of starting the gateway sets them (deploy/, ecosystem.config.cjs, npm start). */
const PRODUCTION_FLAGS = ['--max-semi-space-size=2', '--max-old-space-size=384', '--enable-source-maps'];

export interface ProcessBench {
  compiled: boolean;
  rss_mb_idle: number;
  abort: { count: number; p50_ms: number; p99_ms: number; max_ms: number; previews_of_20_mb: number };
  rss_mb_peak: number;
  rss_mb_after: number;
  long: { previews_of_1_mb: number; control_lines: number; rss_mb_half: number; rss_mb_end: number; rss_mb_a_minute_after_sixty_of_20_mb: number } | null;
}

/** Voyager's side: answers every command, sends what it is told to. */
class BenchPeer {
  socket: Socket | null = null;
  /** When the line that disables a target arrived, by its GUID. */
  readonly disabled = new Map<string, number>();
  private readonly server = createServer((socket) => this.accept(socket));
  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }
  close(): void {
    this.socket?.destroy();
    this.server.close();
  }
  line(body: object): void {
    this.socket?.write(`${JSON.stringify({ Timestamp: Date.now() / 1000, Host: 'BENCH', Inst: 1, ...body })}\r\n`);
  }
  /** Writes and waits until the gateway has read it. */
  async push(bytes: Buffer | string): Promise<void> {
    const { socket } = this;
    if (!socket?.writable) throw new Error('bench: the gateway is not connected');
    if (!socket.write(bytes)) await once(socket, 'drain');
  }
  private accept(socket: Socket): void {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    this.line({ Event: 'Version', VOYVersion: 'Release 2.3.14', VOYSubver: '', MsgVersion: 1 });
    let rest = '';
    socket.on('data', (chunk: Buffer) => {
      const at = performance.now();
      rest += chunk.toString();
      const lines = rest.split('\r\n');
      rest = lines.pop()!;
      for (const text of lines) {
        const { id, method, params } = JSON.parse(text) as { id?: number; method?: string; params?: Record<string, unknown> };
        if (id === undefined) continue;
        if (method?.endsWith('SetObjectStatus') && typeof params?.ObjUID === 'string' && !this.disabled.has(params.ObjUID)) this.disabled.set(params.ObjUID, at);
        socket.write(`${JSON.stringify({ jsonrpc: '2.0', result: 0, id })}\r\n`);
        const list = [...this.disabled.keys()].map((guid) => ({ guid, targetname: 'bench', status: 1, statusop: 0 }));
        if (typeof params?.UID === 'string')
          this.line({ Event: 'RemoteActionResult', UID: params.UID, ActionResultInt: 4, Motivo: '', ParamRet: method?.includes('Get') ? { list } : { ret: 'DONE' } });
      }
    });
  }
}

const rssOf = (pid: number): number => {
  const found = existsSync(`/proc/${pid}/status`) ? /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) : null;
  return found ? Math.round(Number(found[1]) / 1024) : Number.NaN;
};

/** @param lines makers of wire lines, shared with the benchmark beside */
export async function benchProcess(long: boolean, lines: { control(n: number): string; preview(megabytes: number): Buffer }): Promise<ProcessBench> {
  const compiled = spawnSync(process.execPath, [projectPath('scripts', 'build.mjs')], { cwd: projectPath(), stdio: ['ignore', 'ignore', 'pipe'] }).status === 0;
  const folder = mkdtempSync(join(tmpdir(), 'bench-gateway-'));
  const peer = new BenchPeer();
  const secret = randomBytes(24).toString('hex');
  const env = {
    PATH: process.env.PATH,
    DATA_DIR: folder,
    LOG_LEVEL: 'info',
    VOYAGER_HOST: '127.0.0.1',
    VOYAGER_PORT: String(await peer.listen()),
    VOYAGER_DEFAULT_SEQUENCE_GUID: randomUUID(),
    VOYAGER_ROBOTARGET_SECRET: 'bench',
    GATEWAY_SECRET: secret,
    GATEWAY_SOLE: 'true',
    GATEWAY_PORT: '0',
    DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/none',
    TEMPORAL_ADDRESS: '127.0.0.1:9',
  };
  const args = compiled ? [...PRODUCTION_FLAGS, projectPath('dist', 'gateway', 'main.js')] : ['--import', 'tsx', projectPath('gateway', 'main.ts')];
  const child = spawn(process.execPath, args, { cwd: projectPath(), env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-200_000);
    });
    const waitFor = async (what: string, found: () => unknown): Promise<void> => {
      for (const end = performance.now() + 60_000; !found(); await sleep(50))
        if (performance.now() > end || child.exitCode !== null) throw new Error(`bench: ${what} did not happen; the gateway said:\n${log.slice(-2000)}`);
    };
    await waitFor('the gateway listens', () => /"port":(\d+)[^\n]*"gateway listens"/.test(log));
    const url = `http://127.0.0.1:${/"port":(\d+)[^\n]*"gateway listens"/.exec(log)![1]}`;
    await waitFor('the link is ready', () => log.includes('"state":"ready"'));
    const beat = setInterval(() => void peer.push(lines.control(0)).catch(() => undefined), 2000);
    await sleep(3000);
    const rssIdle = rssOf(child.pid!);
    let peak = rssIdle;

    const preview = lines.preview(20);
    let previews = 0;
    let sending = true;
    const stream = (async () => {
      while (sending) {
        await peer.push(preview);
        previews++;
        peak = Math.max(peak, rssOf(child.pid!));
        await sleep(1000);
      }
    })();
    const path = '/v1/telescopes/main/abort';
    const taken: number[] = [];
    const answers: Promise<unknown>[] = [];
    for (let n = 0; n < 100; n++) {
      const target = randomUUID();
      const body = JSON.stringify({ command_id: randomUUID(), target_guid: target, requested_by: 'bench' });
      const from = performance.now();
      answers.push(
        fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...signGatewayRequest(secret, 'POST', path, body) } }).then((r) =>
          r.arrayBuffer(),
        ),
      );
      for (const end = from + 10_000; !peer.disabled.has(target) && performance.now() < end;) await sleep(1);
      taken.push((peer.disabled.get(target) ?? from + 10_000) - from);
      await sleep(50);
    }
    await Promise.allSettled(answers);
    const previewsBeside = previews;
    while (previews < 60) await sleep(50);
    sending = false;
    await stream;
    let kept: ProcessBench['long'] = null;
    if (long) {
      await sleep(60_000);
      const minute = rssOf(child.pid!);
      const small = lines.preview(1);
      const block = Array.from({ length: 100 }, (_, n) => lines.control(n)).join('');
      let half = 0;
      for (let n = 0; n < 10_000; n++) {
        await peer.push(small);
        await peer.push(block);
        if (n === 5000) half = rssOf(child.pid!);
      }
      kept = { previews_of_1_mb: 10_000, control_lines: 1_000_000, rss_mb_half: half, rss_mb_end: rssOf(child.pid!), rss_mb_a_minute_after_sixty_of_20_mb: minute };
    } else await sleep(3000);
    clearInterval(beat);
    taken.sort((a, b) => a - b);
    return {
      compiled,
      rss_mb_idle: rssIdle,
      abort: { count: taken.length, p50_ms: rounded(taken[49]!), p99_ms: rounded(taken[98]!), max_ms: rounded(taken[99]!), previews_of_20_mb: previewsBeside },
      rss_mb_peak: peak,
      rss_mb_after: rssOf(child.pid!),
      long: kept,
    };
  } finally {
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
    if (child.exitCode === null) await once(child, 'exit');
    clearTimeout(hard);
    peer.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
