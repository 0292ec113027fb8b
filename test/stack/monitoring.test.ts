import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createMetrics } from '../../api/metrics.ts';
import { GatewayMetrics } from '../../gateway/metrics.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { projectPath } from '../../platform/paths.ts';
import { startPostgres } from '../support/postgres.ts';
import { WorkerMetrics } from '../../worker/metrics.ts';

const PROMTOOL = spawnSync('promtool', ['--version']).status === 0;
if (!PROMTOOL) console.warn('SKIPPED: the alert rules are tested by promtool (package "prometheus").');
const RULES = projectPath('deploy', 'prometheus', 'alerts.yml');
const text = readFileSync(RULES, 'utf8');
const alerts = [...text.matchAll(/- alert: (\w+)\n\s+expr: (.+)\n/g)].map((found) => ({
  name: found[1]!,
  expr: found[2]!,
}));

/** Minutes 0 to 59 it is so, from then on it is well again; counters grow by one a minute and then stand. */
const CAUSED_MINUTES = 60;
const gone = (bad: string, good: string): string => `${bad}x${CAUSED_MINUTES - 1} ${good}x${CAUSED_MINUTES}`;
const always = (value: string): string => `${value}x${2 * CAUSED_MINUTES}`;
const counting = `0+1x${CAUSED_MINUTES} ${CAUSED_MINUTES}x${CAUSED_MINUTES}`;
/** Each alert's cause as series of the metrics that the processes have; the alert must come of it and go with it. */
const CAUSES: Record<string, Record<string, string>> = {
  NocturneGatewayDown: { 'up{job="nocturne-gateway"}': gone('0', '1') },
  NocturneWorkerDown: { 'up{job="nocturne-worker"}': gone('0', '1') },
  NocturneApiDown: { 'up{job="nocturne-api"}': gone('0', '1') },
  NocturneDatabaseDown: { nocturne_database_up: gone('0', '1') },
  NocturneVoyagerAway: {
    'nocturne_gateway_connected{telescope="t1"}': gone('0', '1'),
    'nocturne_gateway_active_grants{telescope="t1"}': always('1'),
  },
  NocturneTelescopeUnheard: {
    'nocturne_gateway_mirror_age_seconds{telescope="t1"}': gone('90', '1'),
    'nocturne_gateway_connected{telescope="t1"}': always('1'),
  },
  NocturneNoOwner: { 'nocturne_gateway_lease_held{telescope="t1",instance="a"}': gone('0', '1') },
  NocturneTwoOwners: {
    'nocturne_gateway_lease_held{telescope="t1",instance="a"}': always('1'),
    'nocturne_gateway_lease_held{telescope="t1",instance="b"}': gone('1', '0'),
  },
  NocturneEmergency: { 'nocturne_gateway_emergency{telescope="t1"}': gone('1', '0') },
  NocturneAbortWaits: { 'nocturne_gateway_latched_aborts{telescope="t1"}': gone('1', '0') },
  NocturneClockOff: { 'nocturne_gateway_clock_offset_seconds{telescope="t1"}': gone('-3', '0.1') },
  NocturneWeatherHolds: {
    'nocturne_gateway_weather_ok{telescope="t1"}': gone('0', '1'),
    'nocturne_gateway_active_grants{telescope="t1"}': always('1'),
  },
  NocturneCommandsUnanswered: {
    'nocturne_voyager_commands_total{telescope="t1",method="Abort",outcome="unknown"}': counting,
  },
  NocturneJournalWaits: { 'nocturne_gateway_journal_backlog_bytes{telescope="t1"}': gone('6e7', '0') },
  NocturneJournalDrops: { 'nocturne_gateway_journal_dropped_total{telescope="t1",what="telemetry"}': counting },
  NocturneMessagesWait: { 'nocturne_outbox_oldest_seconds{channel="webhook"}': gone('2000', '0') },
  NocturneMessagesGivenUp: { 'nocturne_outbox_dead_day{channel="mail"}': gone('1', '0') },
  NocturneFramesWait: { 'nocturne_frames_oldest_seconds{telescope="t1"}': gone('3000', '0') },
  NocturneStoreAway: {
    nocturne_database_up: always('1'),
    'nocturne_store_bytes{what="free"}': gone('_', '1e12'),
  },
  NocturneStoreFull: {
    'nocturne_store_bytes{what="free"}': gone('5e10', '5e11'),
    'nocturne_store_bytes{what="size"}': always('1e12'),
  },
  NocturneNoCurrentWorker: {
    'nocturne_worker_version{role="current",instance="a"}': gone('0', '1'),
    'nocturne_worker_version{role="current",instance="b"}': always('0'),
  },
  NocturneBackupOld: { 'nocturne_backup_age_seconds{state="verified"}': gone('200000', '60') },
  NocturneNightsFail: { 'nocturne_sessions_ended_day{outcome="failed"}': gone('1', '0') },
  NocturneApiErrors: {
    'nocturne_http_request_seconds_count{status="500"}': counting,
    'nocturne_http_request_seconds_count{status="200"}': `0+2x${2 * CAUSED_MINUTES}`,
  },
};

describe('monitoring', () => {
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let db: Database;
  let folder: string;
  let scraped = '';
  const logger = createLogger('test', 'silent');
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nocturne-monitoring-'));
    postgres = await startPostgres();
    db = createDatabase(postgres.url, logger, 2);
    const parts = [
      createMetrics().registry.metrics(),
      new GatewayMetrics(() => []).scrape().then((one) => one.text),
      new WorkerMetrics(
        db,
        { OBSERVATIONS_STORAGE_PATH: folder, BACKUP_PATH: join(folder, 'backups') },
        () => 'current',
        logger,
      )
        .scrape()
        .then((one) => one.text),
    ];
    scraped = (await Promise.all(parts)).join('\n');
  }, 60_000);
  afterAll(async () => {
    await db?.$disconnect();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const known = (): Set<string> => new Set([...scraped.matchAll(/^# TYPE (\S+)/gm)].map((found) => found[1]!));
  const named = (expr: string): string[] =>
    [...expr.matchAll(/\bnocturne_[a-z_]+/g)].map((found) => found[0].replace(/_(count|sum|bucket)$/, ''));

  test('a worker tells of sessions, messages, frames and the store; without its database it says so and nothing old', async () => {
    expect(scraped).toMatch(/nocturne_database_up\{process="worker"\} 1/);
    expect(scraped).toMatch(/nocturne_sessions\{phase="running",process="worker"\} 0/);
    expect(scraped).toMatch(/nocturne_store_bytes\{what="free",process="worker"\} \d+/);
    expect(scraped).toMatch(/nocturne_backup_age_seconds\{state="verified",process="worker"\} \+?Inf/);
    expect(scraped).toMatch(/nocturne_last_good_night_seconds\{process="worker"\} NaN/i);
    const away = createDatabase('postgresql://nobody@127.0.0.1:9/none', logger, 1);
    const { text: without } = await new WorkerMetrics(
      away,
      { OBSERVATIONS_STORAGE_PATH: join(folder, 'gone'), BACKUP_PATH: folder },
      () => 'unknown',
      logger,
    ).scrape();
    await away.$disconnect();
    expect(without).toMatch(/nocturne_database_up\{process="worker"\} 0/);
    expect(without).not.toMatch(/^nocturne_(sessions|store_bytes)\{/m);
  });

  test('every alert has a cause here, a severity of ours and a page that says what to do', () => {
    expect(alerts.map(({ name }) => name).sort()).toEqual(Object.keys(CAUSES).sort());
    const severities = [...text.matchAll(/severity: (\w+)/g)].map((found) => found[1]!);
    expect(severities.filter((one) => !['info', 'warning', 'critical', 'page'].includes(one))).toEqual([]);
    const links = [...text.matchAll(/runbook_url: (\S+)#(\S+)/g)];
    expect(links.length).toBe(alerts.length);
    for (const [, page, anchor] of links) {
      const anchors = [...readFileSync(projectPath(page!), 'utf8').matchAll(/^## (.+)$/gm)].map((found) =>
        found[1]!
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .trim()
          .replace(/\s/g, '-'),
      );
      expect(anchors).toContain(anchor);
    }
  });

  test('rules and dashboards ask only for metrics that a process has', () => {
    const boards = readdirSync(projectPath('deploy', 'grafana')).filter((name) => name.endsWith('.json'));
    expect(boards.sort()).toEqual(['delivery.json', 'fleet.json', 'night.json', 'telescope.json']);
    const asked = boards.flatMap((name) => {
      const board = JSON.parse(readFileSync(projectPath('deploy', 'grafana', name), 'utf8')) as {
        panels: { title: string; targets?: { expr: string }[] }[];
      };
      expect(board.panels.length).toBeGreaterThan(3);
      return board.panels.flatMap((panel) => (panel.targets ?? []).map(({ expr }) => expr));
    });
    const missing = [...alerts.map(({ expr }) => expr), ...asked].flatMap(named).filter((name) => !known().has(name));
    expect(missing).toEqual([]);
    if (!PROMTOOL) return;
    const rules = asked.map((expr, n) => `      - record: board:${n}\n        expr: ${JSON.stringify(expr)}`);
    const file = join(folder, 'boards.yml');
    writeFileSync(file, `groups:\n  - name: boards\n    rules:\n${rules.join('\n').replaceAll('$telescope', '.*')}\n`);
    execFileSync('promtool', ['check', 'rules', file]);
  });

  test('each alert comes with its cause and goes with it', () => {
    if (!PROMTOOL) return;
    const cases = alerts.map(({ name }) => {
      const series = Object.entries(CAUSES[name]!).map(
        ([labels, values]) => `      - series: '${labels}'\n        values: '${values}'`,
      );
      const count = (minute: number, expected: number): string =>
        `      - expr: count(ALERTS{alertname="${name}",alertstate="firing"}) or vector(0)\n        eval_time: ${minute}m\n        exp_samples:\n          - labels: '{}'\n            value: ${expected}`;
      return `  - interval: 1m\n    input_series:\n${series.join('\n')}\n    promql_expr_test:\n${count(40, 1)}\n${count(100, 0)}`;
    });
    const file = join(folder, 'alerts.test.yml');
    writeFileSync(file, `rule_files:\n  - ${RULES}\nevaluation_interval: 1m\ntests:\n${cases.join('\n')}\n`);
    const { stdout, stderr, status } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' });
  });
});
