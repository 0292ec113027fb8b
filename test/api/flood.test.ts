import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';
import { freePort } from '../../stack/ports.ts';
import {
  APP,
  GATEWAY_SECRET,
  KEY,
  at,
  insertBooking,
  startApi,
  startGatewayPeer,
  startPostgres,
  telescope,
  token,
  type GatewayPeer,
  type RunningApi,
} from './harness.ts';

/** One stranger floods every open route and socket; a guest's stop goes to the gateway all the same. */

const LONG = process.env.NOCTURNE_LONG === '1';
const FOR_MS = 60_000;
const EVERY_MS = 100;
/** The promise, on a quiet machine. */
const MOST_MS = 100;

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let gateway: GatewayPeer;
let api: RunningApi;
beforeAll(async () => {
  [postgres, gateway] = await Promise.all([startPostgres(), startGatewayPeer()]);
  api = await startApi(postgres.url, { telescopes: [telescope('t1', { gateway_url: gateway.url })] });
  await insertBooking(api, 'a', { start: at(-30), end: at(600) }, { ref: 'ada' }, 'running');
  gateway.answers.set('abort', {
    status: 200,
    body: { command_id: 'x', kind: 'abort', state: 'confirmed', at: at(0) },
  });
}, 60_000);
afterAll(async () => {
  await api?.stop();
  await Promise.all([postgres?.stop(), gateway?.stop()]);
});

test('of a line of strangers, with invented credentials or none, hardly one is served before the guest who comes last', async () => {
  const guest = await token(api, { kind: 'booking', subject: 'a' });
  const shown: Record<string, string>[] = [
    {},
    { 'x-api-key': 'nck_nobody' },
    { authorization: `Bearer nct_e30.${'z'.repeat(43)}` },
  ];
  let served = 0;
  const strangers = Array.from({ length: 200 }, async (_, n) => {
    const { status } = await api.app.request('/openapi.json', { headers: shown[n % shown.length]! });
    served += 1;
    return status;
  });
  const { status } = await api.app.request('/api/config', { headers: { authorization: `Bearer ${guest}` } });
  expect([status, served < 10]).toEqual([200, true]);
  expect(new Set(await Promise.all(strangers))).toEqual(new Set([200]));
});

test('a stranger for whom the line is too long is told to come again', async () => {
  const answers = await Promise.all(Array.from({ length: 400 }, async () => api.app.request('/api/config')));
  const busy = answers.filter(({ status }) => status === 503);
  expect(busy.length).toBeGreaterThan(100);
  expect(busy.length).toBeLessThan(200);
  expect(busy[0]!.headers.get('retry-after')).toBe('2');
  expect(await busy[0]!.json()).toMatchObject({ type: expect.stringMatching(/busy$/) as unknown as string });
});

/** The api as a process of its own, as it stands in an observatory; in the test's process the guest and the gateway would wait for the test too. */
async function startProcess(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-flood-'));
  const file = join(folder, 'telescopes.json');
  writeFileSync(file, JSON.stringify([telescope('t1', { gateway_url: gateway.url })]));
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    LOG_LEVEL: 'error',
    DATABASE_URL: postgres.url,
    GATEWAY_SECRET,
    VOYAGER_PROXY_API_KEY: KEY,
    PUSHER_APP_KEY: APP.key,
    TELESCOPES_FILE: file,
    TEMPORAL_ADDRESS: '127.0.0.1:9',
    DATA_DIR: folder,
    PORT: String(port),
  };
  const child = spawn(process.execPath, [projectPath('dist', 'api', 'main.js')], { env, stdio: 'inherit' });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/healthz`).catch(() => null))) await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    url,
    async stop() {
      child.kill();
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

(LONG ? describe : describe.skip)('measured', () => {
  test(
    'an abort reaches the gateway in time while a stranger floods all that is open',
    async () => {
      const alone = await startProcess();
      const hour = (n: number): string => new Date(Date.now() + n * 3_600_000).toISOString();
      await api.db.booking.updateMany({ data: { occupies: false } });
      await insertBooking(api, 'now', { start: hour(-1), end: hour(3) }, { ref: 'ada' }, 'running');
      const post = (path: string, headers: Record<string, string>, body: object): Promise<Response> =>
        fetch(alone.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        });
      const made = await post('/api/tokens', { 'x-api-key': KEY }, { kind: 'booking', subject: 'now' });
      const { token: guest } = (await made.json()) as { token: string };
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', projectPath('test', 'api', 'flood-process.ts'), alone.url, APP.key, '32'],
        { cwd: projectPath(), stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
      );
      const said: string[] = [];
      child.stdout.on('data', (chunk: Buffer) => said.push(chunk.toString()));
      while (said.length === 0) await once(child.stdout, 'data');
      const took: number[] = [];
      const answers: Promise<number>[] = [];
      for (const until = performance.now() + FOR_MS; performance.now() < until;) {
        const came = once(gateway.arrivals, 'request', { signal: AbortSignal.timeout(10_000) });
        const began = performance.now();
        answers.push(
          post('/api/bookings/now/abort', { authorization: `Bearer ${guest}` }, {}).then(({ status }) => status),
        );
        await came;
        took.push(performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      }
      child.stdin.end();
      await once(child, 'exit');
      const statuses = new Set(await Promise.all(answers));
      await alone.stop();
      took.sort((a, b) => a - b);
      const p99 = took[Math.ceil(took.length * 0.99) - 1]!;
      const flood = Number(said.join('').trim().split('\n').at(-1));
      console.info(
        `${took.length} aborts, p50 ${took[took.length >> 1]!.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, flood ${flood}`,
      );
      expect(flood).toBeGreaterThan(100);
      expect(p99).toBeLessThan(MOST_MS);
      for (const status of statuses) expect([200, 202]).toContain(status);
    },
    FOR_MS + 60_000,
  );
});
