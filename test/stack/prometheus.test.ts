import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createMetrics } from '../../api/metrics.ts';
import { projectPath } from '../../platform/paths.ts';
import { freePort } from '../../stack/ports.ts';

const PROMETHEUS = spawnSync('prometheus', ['--version']).status === 0;
if (!PROMETHEUS) console.warn('SKIPPED: the dashboards ask a real Prometheus (package "prometheus").');
interface Board {
  panels: { title: string; targets?: { expr: string }[] }[];
  templating: { list: { type: string; query: string | { query: string } }[] };
}
const boards = readdirSync(projectPath('deploy', 'grafana'))
  .filter((name) => name.endsWith('.json'))
  .map((name): [string, Board] => [
    name,
    JSON.parse(readFileSync(projectPath('deploy', 'grafana', name), 'utf8')) as Board,
  ]);

/** Grafana itself cannot be had here; what its boards ask, and the rules, go to a real Prometheus that runs with our own file. */
(PROMETHEUS ? describe : describe.skip)('our Prometheus configuration in a real Prometheus', () => {
  let folder: string;
  let processes: Server;
  let prometheus: ChildProcess;
  let url: string;
  const said: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nocturne-prometheus-'));
    const api = createMetrics();
    api.requests.observe({ method: 'get', route: '/health', status: '200' }, 0.01);
    const gateway = 'nocturne_gateway_connected{telescope="t1"} 1\n';
    processes = createServer((_request, response) => {
      void api.registry.metrics().then((text) => {
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
        response.end(text + gateway);
      });
    });
    await new Promise<void>((resolve) => processes.listen(0, '127.0.0.1', resolve));
    const at = `127.0.0.1:${(processes.address() as AddressInfo).port}`;
    cpSync(projectPath('deploy', 'prometheus'), folder, { recursive: true });
    const file = join(folder, 'prometheus.yml');
    const own = readFileSync(file, 'utf8');
    writeFileSync(file, own.replaceAll('15s', '1s').replaceAll(/127\.0\.0\.1:\d+/g, at));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    prometheus.stderr!.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => prometheus.once('exit', resolve));
    prometheus.kill();
    await ended;
    await new Promise((resolve) => processes.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });
  const ask = async (path: string, form: Record<string, string> = {}): Promise<{ status: string; data: unknown }> => {
    const response = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(form) });
    return (await response.json()) as { status: string; data: unknown };
  };
  const get = async (path: string): Promise<unknown> =>
    ((await (await fetch(`${url}/api/v1/${path}`)).json()) as { data: unknown }).data;

  test('finds the three kinds of process up, and evaluates every rule', async () => {
    type Rules = { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
    const wait = async <T>(read: () => Promise<T>, good: (value: T) => boolean): Promise<T> => {
      for (const until = Date.now() + 45_000; ; await sleep(100)) {
        const value = await read().catch(() => null);
        if (value !== null && good(value)) return value;
        if (Date.now() > until) throw new Error(`Prometheus does not come: ${JSON.stringify(value)}\n${said.join('')}`);
      }
    };
    const up = await wait(
      async () =>
        ((await ask('query', { query: 'sum by (job) (up)' })).data as { result: { metric: { job: string } }[] }).result,
      (result) => result.length === 3,
    );
    expect(up.map(({ metric }) => metric.job).sort()).toEqual(['nocturne-api', 'nocturne-gateway', 'nocturne-worker']);
    const { groups } = await wait(
      async () => (await get('rules')) as Rules,
      (rules) => rules.groups.every((group) => group.rules.every((rule) => rule.health !== 'unknown')),
    );
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(20);
    expect(rules.filter((rule) => rule.health !== 'ok')).toEqual([]);
  }, 60_000);

  test.each(boards)('answers every question of %s', async (_name, { panels, templating }) => {
    const faults: unknown[] = [];
    for (const { title, targets } of panels)
      for (const { expr } of targets ?? []) {
        const now = Date.now() / 1000;
        const answer = await ask('query_range', {
          query: expr.replaceAll('$telescope', 't1').replaceAll('$__rate_interval', '1m'),
          start: String(now - 60),
          end: String(now),
          step: '15',
        });
        if (answer.status !== 'success') faults.push([title, expr, answer]);
      }
    expect(faults).toEqual([]);
    for (const { type, query } of templating.list) {
      if (type !== 'query') continue;
      const [, series, label] = /^label_values\((\w+), (\w+)\)$/.exec(typeof query === 'string' ? query : query.query)!;
      expect(await get(`label/${label}/values?match[]=${series}`)).toEqual(['t1']);
    }
  });
});
