import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { projectPath } from '../../platform/paths.ts';
import { ApiClient } from '../../stack/api-client.ts';

jest.setTimeout(240_000);

interface Message {
  id: string;
  type: string;
  created_at: string;
  booking_id: string;
  data: Record<string, unknown>;
}
const folder = mkdtempSync(join(tmpdir(), 'nocturne-sandbox-'));
const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes, yes').toString('base64')}`;
let child: ChildProcess;
let said = '';
let receiver: Server;
const got: { headers: IncomingHttpHeaders; body: string; machineMs: number }[] = [];
let api: ApiClient;

const pidOf = (part: string): number => Number(readFileSync(join(folder, 'logs', `${part}.pid`), 'utf8'));
const lives = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
async function until(what: string, done: () => boolean): Promise<void> {
  for (const end = Date.now() + 180_000; !done();) {
    if (Date.now() > end || child.exitCode !== null) throw new Error(`waited for ${what}; it said:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
/** The shell commands of the guide's chapter, those that are typed into the second terminal. */
function commandsOfGuide(): string {
  const guide = readFileSync(projectPath('docs', 'integrate.en.md'), 'utf8');
  const chapter = /^## A night in seconds\n([\s\S]*?)^## /m.exec(guide)![1]!;
  const blocks = [...chapter.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((block) => block[1]!);
  return blocks.filter((block) => !block.startsWith('npm ')).join('');
}
/** Runs them as a person does. @returns each answer that is JSON, in order */
async function typed(commands: string, url: string, key: string): Promise<Record<string, unknown>[]> {
  const mine = commands.replace(/^URL=.*$/m, `URL=${url}`).replace(/^KEY=.*$/m, `KEY=${key}`);
  const shell = spawn('bash', ['-e', '-o', 'pipefail', '-c', mine.replaceAll(/^(curl .*)$/gm, '$1; echo')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  shell.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise((resolve) => shell.once('close', resolve));
  expect([code, out]).toEqual([0, expect.any(String)]);
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

beforeAll(async () => {
  const { build } = (await import(projectPath('scripts', 'build.mjs'))) as { build: () => Promise<unknown> };
  await build();
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      got.push({ headers: request.headers, body, machineMs: Date.now() });
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  // Somebody's own settings lead it nowhere.
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    WEBHOOK_URL: 'http://127.0.0.1:9/never',
    DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/no',
  };
  const args = ['--port', '0', '--data', folder, '--webhook', hook, '--webhook-secret', SECRET];
  child = spawn(process.execPath, [projectPath('dist', 'scripts', 'sandbox.js'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until('the sandbox', () => said.includes('Ready in'));
  api = new ApiClient(/Pages and API +(\S+)/.exec(said)![1]!, /API key +(\S+)/.exec(said)![1]!);
});
afterAll(async () => {
  if (child.exitCode === null) {
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('exit', resolve));
  }
  await new Promise((resolve) => receiver.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

describe('npm run sandbox', () => {
  test('a night is played in seconds by the commands of the guide: objects, session, clouds, frames, report and webhooks at its own time', async () => {
    const began = Date.now();
    const [booked, prepared, atStart, , , , over, report, deliveries] = await typed(commandsOfGuide(), api.url, key());
    const { start, end } = booked as { start: string; end: string };
    const before = Date.parse(start) - 86_400_000;
    expect(Date.parse(prepared!.now as string) - before).toBeLessThan(30_000);
    expect(Date.parse(prepared!.now as string)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(atStart!.now as string)).toBeGreaterThanOrEqual(Date.parse(start));
    expect(Date.now() - began).toBeLessThan(120_000);
    expect(Date.parse(over!.now as string)).toBeGreaterThan(began + 86_400_000);
    expect(report).toMatchObject({ summary: { booking_id: 'first-night', outcome: 'completed' } });

    const messages = got.map(({ body }) => JSON.parse(body) as Message);
    const types = messages.map(({ type }) => type);
    const told = [
      'booking.accepted',
      'session.prepared',
      'session.started',
      'image.captured',
      'session.paused',
      'session.resumed',
    ];
    expect(types.filter((type, i) => types.indexOf(type) === i)).toEqual(
      expect.arrayContaining([...told, 'credits.settled', 'session.completed']),
    );
    expect(types.filter((type) => type === 'image.captured')).toHaveLength(3);
    const at = (type: string): number => Date.parse(messages.find((message) => message.type === type)!.created_at);
    expect(at('session.prepared') - before).toBeLessThan(60_000);
    for (const type of ['session.started', 'image.captured', 'session.paused', 'session.resumed']) {
      expect([type, at(type) >= Date.parse(start), at(type) < Date.parse(end)]).toEqual([type, true, true]);
    }
    expect(at('session.resumed') - at('session.paused')).toBeGreaterThan(600_000);
    expect((deliveries as { data: { status: number }[] }).data.map(({ status }) => status)).toEqual(got.map(() => 200));
  });

  test('a receiver that compares the signature with its own clock takes each message', () => {
    const standard = new StandardWebhook(SECRET);
    expect(got.length).toBeGreaterThan(8);
    for (const { headers, body, machineMs } of got) {
      expect(() => standard.verify(body, headers as Record<string, string>)).not.toThrow();
      expect(Math.abs(Number(headers['webhook-timestamp']) * 1000 - machineMs)).toBeLessThan(60_000);
      expect(headers['x-nocturne-sandbox']).toMatch(/^\d{4}-.*Z$/);
    }
  });

  test('frames are files of the product’s own intake, dated in the night, and letters lie in the folder', async () => {
    const { data } = await api.call<{
      data: { captured_at: string; previewed: boolean; preview_url: string; state: string }[];
    }>('GET', '/api/bookings/first-night/images');
    expect(data.map(({ state, previewed }) => [state, previewed])).toEqual(
      Array.from({ length: 3 }, () => ['archived', true]),
    );
    const { start, end } = await api.call<{ start: string; end: string }>('GET', '/api/bookings/first-night');
    for (const image of data) expect([image.captured_at >= start, image.captured_at < end]).toEqual([true, true]);
    expect((await fetch(new URL(data[0]!.preview_url, api.url))).headers.get('content-type')).toBe('image/jpeg');
    expect(
      readdirSync(join(folder, 'letters')).filter((name) => name.endsWith('-camille@example.org.eml')).length,
    ).toBeGreaterThan(2);
  });

  test('every answer and every page says that it is a sandbox', async () => {
    const page = await fetch(api.url, { headers: { accept: 'text/html' } });
    expect(await page.text()).toMatch(
      /<body[^>]*><link rel="stylesheet" href="\/sandbox\/banner.css"><p class="nocturne-sandbox"/,
    );
    const health = await fetch(`${api.url}/healthz`);
    for (const answer of [page, health])
      expect(Date.parse(answer.headers.get('x-nocturne-sandbox')!)).toBeGreaterThan(Date.now() + 86_400_000);
  });

  test.each([
    [{}, 'advance'],
    [{ advance: 'soon' }, 'advance'],
    [{ advance: '1h', to: '2100-01-01T00:00:00Z' }, 'advance'],
    [{ to: 'slot-start' }, 'booking_id'],
    [{ to: 'slot-start', booking_id: 'nobody' }, 'booking_id'],
    [{ to: '2020-01-01T00:00:00Z' }, 'to'],
    [{ to: '2100-01-01T00:00:00' }, 'to'],
  ])('a move that cannot be is refused with its field named and moves nothing: %j', async (body, field) => {
    const before = await api.call<{ ahead_seconds: number }>('GET', '/sandbox/clock');
    await expect(api.call('POST', '/sandbox/clock', body)).rejects.toMatchObject({
      status: 422,
      body: { errors: { [field]: [expect.any(String)] } },
    });
    expect(
      (await api.call<{ ahead_seconds: number }>('GET', '/sandbox/clock')).ahead_seconds - before.ahead_seconds,
    ).toBeLessThan(2);
  });

  test('a guest’s stop takes the gateway’s own way to the telescope, and pages see it at work before', async () => {
    const body = await api.call('GET', '/sandbox/booking');
    await api.call('PUT', '/api/bookings/second-night', body);
    await api.call('POST', '/sandbox/clock', { to: 'slot-start', booking_id: 'second-night' });
    await api.call('POST', '/sandbox/clock', { advance: '2m' });
    const state = await api.call<{ connection: { connected: boolean }; exposure: { status: string } | null }>(
      'GET',
      '/api/telescopes/sandbox/state',
    );
    expect([state.connection.connected, state.exposure?.status]).toEqual([true, 'EXPOSE']);
    const receipt = await api.call('POST', '/api/bookings/second-night/abort', { requested_by: 'guest' });
    expect(receipt).toMatchObject({ kind: 'abort', state: 'confirmed' });
    await api.call('POST', '/sandbox/clock', { to: 'over', booking_id: 'second-night' });
    expect(await api.call('GET', '/api/bookings/second-night')).toMatchObject({
      phase: 'aborted',
      reason: 'user_abort',
    });
  });

  test('a fault is under way until its time is over or it is mended', async () => {
    const fault = (body: object): Promise<unknown> => api.call('POST', '/sandbox/fault', body);
    expect(await fault({ kind: 'camera', for: '10m' })).toEqual({ weather: 'ok', faults: ['camera'] });
    expect(await fault({ kind: 'link_lost' })).toEqual({ weather: 'ok', faults: ['link_lost', 'camera'] });
    await api.call('POST', '/sandbox/clock', { advance: '11m' });
    expect(await api.call('GET', '/sandbox/sky')).toEqual({ weather: 'ok', faults: ['link_lost'] });
    expect(await fault({ kind: 'none' })).toEqual({ weather: 'ok', faults: [] });
    await expect(fault({ kind: 'meteor' })).rejects.toMatchObject({
      status: 422,
      body: { errors: { kind: [expect.any(String)] } },
    });
  });

  test('its clock is nobody’s without the key', async () => {
    const answer = await fetch(`${api.url}/sandbox/clock`, { method: 'POST', body: '{"advance": "1h"}' });
    expect(answer.status).toBe(401);
  });

  test('Ctrl-C ends all that it started', async () => {
    const pids = ['postgres', 'temporal'].map(pidOf);
    expect(pids.map(lives)).toEqual([true, true]);
    child.kill('SIGINT');
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
    expect(pids.map(lives)).toEqual([false, false]);
  });
});

const key = (): string => /API key +(\S+)/.exec(said)![1]!;
