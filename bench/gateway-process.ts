import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signGatewayRequest } from '../platform/gateway-auth.ts';
import { projectPath } from '../platform/paths.ts';
import { memoryEnvironment, nodeFlags } from '../stack/processes.ts';
import { startPostgres } from '../stack/own-postgres.ts';
import { startTemporal } from '../stack/own-temporal.ts';
import { Peer } from './gateway-peer-process.ts';

/**
 * The real gateway process as production starts it, with a real PostgreSQL and a real Temporal, on a peer that sends previews of 20 MB: how long
 * from the HTTP request of an emergency abort to its line on the wire, how much memory the process keeps, and the same aborts once more after
 * PostgreSQL and Temporal were killed. Gateway, peer and the asking side are three processes; times are of the machine's monotonic clock.
 */

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
const rounded = (ms: number): number => Math.round(ms * 10) / 10;
const ABORTS = 100;
const HEAP_MB = 256;

export interface AbortTimes {
  count: number;
  p50: number;
  p99: number;
  max: number;
  previews_of_20_mb: number;
}
export interface ProcessBench {
  compiled: boolean;
  /** Request of an emergency abort to its line at the peer, beside previews of 20 MB. */
  abort_ms: AbortTimes & {
    /** The same with no previews under way. */
    baseline: AbortTimes;
    postgresql_and_temporal_killed: AbortTimes;
  };
  rss_mb: {
    idle: number;
    /** While sixty previews of 20 MB came in, and a minute later (`--long`; without it some seconds). */
    sixty_of_20_mb_peak: number;
    after_sixty_of_20_mb: number;
    /** After previews of 1 MB and ControlData lines: at quarters of the way, and at the end. */
    quarters: number[];
    end: number;
    previews_of_1_mb: number;
    control_lines: number;
  };
}

interface Surroundings {
  folder: string;
  peer: Peer;
  postgres: Awaited<ReturnType<typeof startPostgres>>;
  temporal: Awaited<ReturnType<typeof startTemporal>>;
}
/** A peer, a PostgreSQL and a Temporal of one benchmark's own. */
async function within<T>(work: (on: Surroundings) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-gateway-'));
  const peer = new Peer();
  const [postgres, temporal] = await Promise.all([startPostgres(), startTemporal()]);
  try {
    await until('the peer listens', () => peer.port > 0);
    return await work({ folder, peer, postgres, temporal });
  } finally {
    await peer.stop();
    await Promise.all([postgres.stop(), temporal.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds as production does; false where that fails, and the sources are run instead. */
const build = (): boolean =>
  spawnSync(process.execPath, [projectPath('scripts', 'build.mjs')], {
    cwd: projectPath(),
    stdio: ['ignore', 'ignore', 'pipe'],
  }).status === 0;

/** The gateway as every way of starting it starts it. */
class Gateway {
  readonly secret = randomBytes(24).toString('hex');
  url = '';
  private readonly child: ChildProcess;
  private log = '';
  constructor({ folder, peer, postgres, temporal }: Surroundings, compiled: boolean, env: NodeJS.ProcessEnv = {}) {
    const main = compiled
      ? [...nodeFlags(HEAP_MB), projectPath('dist', 'gateway', 'main.js')]
      : ['--import', 'tsx', projectPath('gateway', 'main.ts')];
    this.child = spawn(process.execPath, main, {
      cwd: projectPath(),
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        ...memoryEnvironment(process.env),
        NODE_ENV: 'production',
        DATA_DIR: folder,
        VOYAGER_HOST: '127.0.0.1',
        VOYAGER_PORT: String(peer.port),
        VOYAGER_DEFAULT_SEQUENCE_GUID: randomUUID(),
        VOYAGER_ROBOTARGET_SECRET: 'bench',
        GATEWAY_SECRET: this.secret,
        GATEWAY_SOLE: 'true',
        GATEWAY_PORT: '0',
        DATABASE_URL: postgres.url,
        TEMPORAL_ADDRESS: temporal.address,
        ...env,
      },
    });
    this.child.stdout!.on('data', (chunk: Buffer) => {
      this.log = (this.log + chunk.toString()).slice(-200_000);
    });
  }
  async ready(): Promise<void> {
    const listens = /"port":(\d+)[^\n]*"gateway listens"/;
    await this.happened('the gateway listens', () => listens.test(this.log));
    this.url = `http://127.0.0.1:${listens.exec(this.log)![1]}`;
    await this.happened(
      'the gateway is ready',
      async () => (await fetch(`${this.url}/readyz`).catch(() => null))?.status === 200,
    );
  }
  happened(what: string, found: () => unknown, ms?: number): Promise<void> {
    return until(
      what,
      () => {
        if (this.child.exitCode !== null) throw new Error(`bench: the gateway ended:\n${this.log.slice(-2000)}`);
        return found();
      },
      ms,
    );
  }
  /** Resident memory, MB. */
  rss(): number {
    return Math.round(
      Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))?.[1]) / 1024,
    );
  }
  /** Processor time of all its threads since it began, seconds (proc(5): utime and stime in hundredths). */
  cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }
  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const hard = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
    clearTimeout(hard);
  }
}

/** Share of one core that a gateway process needs for three Voyagers at real rates, each with a 4 MB preview every 5 s. */
export async function benchInstances(
  seconds: number,
): Promise<{ cpu_percent: number; previews: number; compiled: boolean }> {
  const compiled = build();
  return within(async (on) => {
    const file = join(on.folder, 'telescopes.json');
    const site = { latitude_degrees: 45, longitude_degrees: 0, timezone: 'UTC' };
    const telescope = (instance: number) => ({
      id: `t${instance}`,
      name: `T${instance}`,
      host: '127.0.0.1',
      port: on.peer.port,
      instance,
      base_sequence_guid: randomUUID(),
      site,
    });
    writeFileSync(file, JSON.stringify([1, 2, 3].map(telescope)));
    const gateway = new Gateway(on, compiled, { TELESCOPES_FILE: file });
    try {
      await gateway.ready();
      on.peer.order({ do: 'stream', preview: { mb: 4, everyMs: 5000 } });
      await sleep(10_000);
      const [before, from, sent] = [gateway.cpuSeconds(), performance.now(), on.peer.previews];
      await sleep(seconds * 1000);
      const used = gateway.cpuSeconds() - before;
      return {
        cpu_percent: Math.round((used / ((performance.now() - from) / 1000)) * 10_000) / 100,
        previews: 3 * (on.peer.previews - sent),
        compiled,
      };
    } finally {
      await gateway.stop();
    }
  });
}

export async function benchProcess(long: boolean): Promise<ProcessBench> {
  const compiled = build();
  return within(async (on) => {
    const { peer, postgres, temporal } = on;
    const gateway = new Gateway(on, compiled);
    try {
      await gateway.ready();
      await sleep(long ? 10_000 : 4_000);
      const idle = gateway.rss();

      const baseline = await timeAborts(gateway, peer);
      let peak = 0;
      const watch = setInterval(() => (peak = Math.max(peak, gateway.rss())), 100);
      peer.order({ do: 'stream', preview: { mb: 20, everyMs: 1000 } });
      const beside = await timeAborts(gateway, peer);
      await gateway.happened('sixty previews', () => peer.previews >= 60, 180_000);
      peer.order({ do: 'stream', preview: null });
      clearInterval(watch);
      await sleep(long ? 60_000 : 5_000);
      const after = gateway.rss();

      const blocks = long ? 10_000 : 200;
      const quarters: number[] = [];
      peer.order({ do: 'burst', blocks, mb: 1, lines: 100 });
      for (let quarter = 1; quarter <= 4; quarter++) {
        await gateway.happened('the burst goes on', () => peer.burst >= (blocks * quarter) / 4, 600_000);
        quarters.push(gateway.rss());
      }

      postgres.kill();
      process.kill(temporal.pid, 'SIGKILL');
      await sleep(5_000);
      peer.order({ do: 'stream', preview: { mb: 20, everyMs: 1000 } });
      const killed = await timeAborts(gateway, peer);
      peer.order({ do: 'stream', preview: null });
      return {
        compiled,
        abort_ms: { ...beside, baseline, postgresql_and_temporal_killed: killed },
        rss_mb: {
          idle,
          sixty_of_20_mb_peak: peak,
          after_sixty_of_20_mb: after,
          quarters,
          end: quarters.at(-1)!,
          previews_of_1_mb: blocks,
          control_lines: blocks * 100,
        },
      };
    } finally {
      await gateway.stop();
    }
  });
}

async function until(what: string, found: () => unknown, ms = 60_000): Promise<void> {
  for (const end = performance.now() + ms; !(await found()); await sleep(50))
    if (performance.now() > end) throw new Error(`bench: not within ${ms / 1000} s: ${what}`);
}

/** A hundred aborts one after another, each of a target of its own. */
async function timeAborts(gateway: Gateway, peer: Peer): Promise<AbortTimes> {
  const path = '/v1/telescopes/main/abort';
  const previewsBefore = peer.previews;
  const taken: number[] = [];
  const receipts: Promise<unknown>[] = [];
  for (let n = 0; n < ABORTS; n++) {
    const target = randomUUID();
    const body = JSON.stringify({ command_id: randomUUID(), target_guid: target, requested_by: 'bench' });
    const headers = { 'content-type': 'application/json', ...signGatewayRequest(gateway.secret, 'POST', path, body) };
    const from = process.hrtime.bigint();
    receipts.push(
      fetch(gateway.url + path, { method: 'POST', body, headers }).then((response) => response.arrayBuffer()),
    );
    for (const end = performance.now() + 10_000; !peer.disabled.has(target) && performance.now() < end;) await sleep(1);
    taken.push(peer.disabled.has(target) ? Number(peer.disabled.get(target)![0]! - from) / 1e6 : 10_000);
    await sleep(90);
  }
  await Promise.allSettled(receipts);
  taken.sort((a, b) => a - b);
  return {
    count: ABORTS,
    p50: rounded(taken[ABORTS / 2 - 1]!),
    p99: rounded(taken[ABORTS - 2]!),
    max: rounded(taken.at(-1)!),
    previews_of_20_mb: peer.previews - previewsBefore,
  };
}
