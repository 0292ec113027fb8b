import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client } from 'pg';
import { Telescope } from '../../domain/contracts/telescope.ts';
import { loadConfig } from '../../platform/config.ts';
import { createLogger } from '../../platform/logger.ts';
import { addressFindings, siteFinding } from '../../scripts/doctor/site.ts';
import { checkDatabase, checkGateway, checkPaths, checkStorage, checkVoyager } from '../../scripts/doctor/checks.ts';
import { checkTemporal } from '../../scripts/doctor/temporal.ts';
import { deployAnswer, deployText } from '../../scripts/doctor/deploy.ts';
import { freePort } from '../../stack/ports.ts';
import { startPostgres } from '../../stack/own-postgres.ts';
import { newNight, telescopeState } from '../web/fixtures.ts';

jest.setTimeout(60_000);

let server: Awaited<ReturnType<typeof startPostgres>>;
let folder: string;
let closedPort: number;
beforeAll(async () => {
  [server, closedPort] = await Promise.all([startPostgres(), freePort()]);
  folder = mkdtempSync(join(tmpdir(), 'nocturne-doctor-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});
const telescope = (more: Record<string, unknown> = {}): Telescope =>
  Telescope.parse({
    id: 't1',
    name: 'T1',
    host: '127.0.0.1',
    port: closedPort,
    gateway_url: `http://127.0.0.1:${closedPort}`,
    base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
    site: { latitude_degrees: 45, longitude_degrees: 5 },
    ...more,
  });
const states = (findings: { what: string; state: string }[]): string[] => findings.map((f) => `${f.what}: ${f.state}`);

describe('the doctor says what to mend', () => {
  test('a database that is right', async () => {
    expect(states(await checkDatabase(loadConfig({ DATABASE_URL: server.url })))).toEqual([
      'PostgreSQL: ok',
      'database schema: ok',
      'live bus: ok',
    ]);
  });
  test('an empty database lacks its migrations', async () => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    await client.query('CREATE DATABASE empty');
    await client.end();
    const findings = await checkDatabase(loadConfig({ DATABASE_URL: server.url.replace(/\/nocturne$/, '/empty') }));
    expect(findings[1]).toEqual({
      what: 'database schema',
      state: 'problem',
      detail: expect.stringContaining('0001_init'),
      mend: 'Run `npm run migrate`.',
    });
  });
  test('no database, a port where none listens, and never the password', async () => {
    expect(states(await checkDatabase(loadConfig({})))).toEqual(['PostgreSQL: problem']);
    const findings = await checkDatabase(
      loadConfig({ DATABASE_URL: `postgresql://someone:hunter2@127.0.0.1:${closedPort}/nocturne` }),
    );
    expect(states(findings)).toEqual(['PostgreSQL: problem']);
    expect(JSON.stringify(findings)).not.toContain('hunter2');
  });
  test('no Temporal', async () => {
    const findings = await checkTemporal(loadConfig({ TEMPORAL_ADDRESS: `127.0.0.1:${closedPort}` }));
    expect(findings).toEqual([
      {
        what: 'Temporal',
        state: 'problem',
        detail: expect.any(String),
        mend: expect.stringContaining(`127.0.0.1:${closedPort}`),
      },
    ]);
  });
  test('a storage folder that is a file', async () => {
    writeFileSync(join(folder, 'file'), '');
    expect(states(await checkStorage(loadConfig({ OBSERVATIONS_STORAGE_PATH: join(folder, 'file') })))).toEqual([
      'storage: problem',
    ]);
    const room = await checkStorage(loadConfig({ OBSERVATIONS_STORAGE_PATH: join(folder, 'store') }));
    // An empty folder may be the place of a disk that is not mounted.
    expect(room).toEqual([
      expect.objectContaining({ state: 'warning', detail: expect.stringMatching(/store, \d+ GB free; no store yet$/) }),
    ]);
    writeFileSync(join(folder, 'store', '.nocturne-store'), '');
    const [begun] = await checkStorage(loadConfig({ OBSERVATIONS_STORAGE_PATH: join(folder, 'store') }));
    expect(begun!.detail).toMatch(/store, \d+ GB free$/);
  });
  test('path mappings: none, one to nowhere, one that stands', () => {
    const mapped = (to: string): Telescope => telescope({ path_map: [{ from: 'C:\\FITS', to }] });
    expect(states(checkPaths(telescope()))).toEqual(['t1: path mapping: problem']);
    expect(states(checkPaths(mapped(join(folder, 'nowhere'))))).toEqual(['t1: path mapping: problem']);
    expect(checkPaths(mapped(folder))).toEqual([
      { what: 't1: path mapping', state: 'ok', detail: `C:\\FITS is ${folder}` },
    ]);
  });
  test('a place that nobody chose, and addresses that guests cannot follow', () => {
    const at = (latitude_degrees: number, longitude_degrees: number, timezone?: string) =>
      siteFinding(telescope({ site: { latitude_degrees, longitude_degrees, timezone } })).state;
    expect(siteFinding(telescope({ site: null }))).toMatchObject({
      state: 'problem',
      mend: expect.stringContaining('SITE_LATITUDE_DEGREES'),
    });
    expect([at(0, 0), at(-30, -70), at(-30, -70, 'America/Santiago'), at(51, 0)]).toEqual([
      'problem',
      'warning',
      'ok',
      'ok',
    ]);
    const asked = (env: Record<string, string>) => addressFindings(loadConfig(env)).map(({ what }) => what);
    expect(asked({})).toEqual(['PUBLIC_URL']);
    const mail = { PUBLIC_URL: 'https://obs.example', SMTP_URL: 'smtp://mail.example:587' };
    expect(asked(mail)).toEqual(['MAIL_FROM']);
    expect(asked({ ...mail, MAIL_FROM: 'Observatory <nocturne@obs.example>' })).toEqual([]);
  });
  test('a gateway that is away or hangs is a problem, and so is one without a secret', async () => {
    expect(states((await checkGateway(loadConfig({ GATEWAY_SECRET: 'x'.repeat(32) }), telescope())).findings)).toEqual([
      't1: gateway: problem',
    ]);
    const hangs = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(hangs, 'listening');
    const frozen = telescope({ gateway_url: `http://127.0.0.1:${(hangs.address() as AddressInfo).port}` });
    const { findings, state } = await checkGateway(loadConfig({ GATEWAY_SECRET: 'x'.repeat(32) }), frozen);
    hangs.closeAllConnections();
    hangs.close();
    expect(states(findings)).toEqual(['t1: gateway: problem']);
    expect(findings[0]!.detail).toContain('no answer from');
    expect(state).toBeNull();
    expect(states((await checkGateway(loadConfig({}), telescope())).findings)).toEqual(['t1: gateway: problem']);
  });
  test('a gateway that answers without hearing Voyager is a problem that names the link', async () => {
    const night = { ...newNight(), connected: false, silentSeconds: 110 };
    const answers = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(telescopeState(night)));
    }).listen(0, '127.0.0.1');
    await once(answers, 'listening');
    const deaf = telescope({ gateway_url: `http://127.0.0.1:${(answers.address() as AddressInfo).port}` });
    const { findings } = await checkGateway(loadConfig({ GATEWAY_SECRET: 'x'.repeat(32) }), deaf);
    answers.closeAllConnections();
    answers.close();
    expect(states(findings)).toEqual(['t1: gateway: problem']);
    expect(findings[0]!.detail).toMatch(/no live link to Voyager .* last heard 111 s ago/);
  });
  test('a Voyager that does not answer', async () => {
    const findings = await checkVoyager(loadConfig({}), telescope(), null, createLogger('doctor', 'silent'));
    expect(states(findings)).toEqual(['t1: Voyager: problem']);
    expect(findings[0]!.detail).toContain(`127.0.0.1:${closedPort}`);
  });
});

describe('may we deploy now', () => {
  test('yes while sessions sleep, no while one runs', async () => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    const session = async (id: string, phase: string, start: string, end: string): Promise<void> => {
      await client.query(
        `INSERT INTO bookings (id, telescope_id, starts_at, ends_at, blocked_until, user_ref, target, shots, constraints, credits, body_hash) VALUES ($1, 't1', $2, $3, $3, 'u', '{}', '[]', '{}', '{}', '')`,
        [id, start, end],
      );
      await client.query(
        `INSERT INTO sessions (booking_id, telescope_id, workflow_id, phase) VALUES ($1, 't1', $2, $3)`,
        [id, `booking-${id}`, phase],
      );
    };
    await session('old', 'completed', '2026-01-01T20:00:00Z', '2026-01-01T21:00:00Z');
    await session('next', 'prepared', '2026-01-02T20:00:00Z', '2026-01-02T21:00:00Z');
    const replay = { replayed: 2, failed: {} };
    expect(await deployAnswer(server.url, replay)).toEqual({
      can_deploy: true,
      active: [],
      replay,
      next_start: '2026-01-02T20:00:00.000Z',
    });
    const broken = { replayed: 2, failed: { 'booking-next': 'Nondeterminism error' } };
    for (const bad of [null, broken])
      expect(await deployAnswer(server.url, bad)).toMatchObject({ can_deploy: false, active: [], replay: bad });
    expect(deployText(await deployAnswer(server.url, broken))).toContain('cannot carry on booking-next');
    await session('now', 'holding', '2026-01-02T18:00:00Z', '2026-01-02T19:00:00Z');
    expect(await deployAnswer(server.url, replay)).toEqual({
      can_deploy: false,
      replay,
      active: [{ booking_id: 'now', telescope_id: 't1', phase: 'holding', end: '2026-01-02T19:00:00.000Z' }],
      next_start: '2026-01-02T20:00:00.000Z',
    });
    await client.end();
  });
});
