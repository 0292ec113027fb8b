import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Booking } from '../../domain/contracts/booking.ts';
import type { Receipt } from '../../domain/contracts/control.ts';
import type { Snapshot } from '../../domain/contracts/snapshot.ts';
import { startStack, type Stack } from '../../stack/stack.ts';
import { SIMULATED_SEQUENCE_GUID } from '../../stack/processes.ts';
import { highTarget } from '../../stack/targets.ts';

const LONG = process.env.NOCTURNE_LONG === '1';
const until = async <T>(what: string, check: () => Promise<T | null>, ms: number): Promise<T> => {
  const end = Date.now() + ms;
  for (;;) {
    const found = await check();
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
};
const inSeconds = (n: number): string => new Date(Date.now() + n * 1000).toISOString();

/** Every control through API, workflow worker, gateway and simulator: the processes of `npm start`, compiled. */
(LONG ? describe : describe.skip)('every control, end to end (long form)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nocturne-e2e-'));
  const said: string[] = [];
  let stack: Stack;
  let site: { latitude_degrees: number; longitude_degrees: number; elevation_meters: number };
  beforeAll(async () => {
    stack = await startStack({
      dataDir: folder,
      env: Object.fromEntries(
        ['PATH', 'HOME', 'TMPDIR', 'TEMPORAL_CLI_PATH'].flatMap((name) =>
          process.env[name] === undefined ? [] : [[name, process.env[name]]],
        ),
      ),
      ports: 'free',
      report: (line) => void said.push(line),
      simulator: {
        seed: 7,
        telescope: {
          id: 'e2e',
          name: 'End to end',
          policy: { prepare_lead: 5, check_interval: 5, turnaround_minutes: 0 },
          weather: { resume_debounce_seconds: 3 },
        },
      },
    });
    ({ site } = (await call<{ site: typeof site }>('GET', '/api/telescopes/e2e')).body);
  }, 240_000);
  afterAll(async () => {
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it expects to read
  async function call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: T; headers: Headers }> {
    const response = await fetch(`${stack.apiUrl}${path}`, {
      method,
      headers: {
        'x-api-key': stack.apiKey,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : null) as T, headers: response.headers };
  }
  const phaseOf = async (id: string): Promise<Snapshot> =>
    (await call<Snapshot>('GET', `/api/bookings/${id}/snapshot`)).body;
  const inPhase = (id: string, phases: string[], ms = 90_000): Promise<Snapshot> =>
    until(
      `${id} in ${phases.join('/')}`,
      async () => {
        const snapshot = await phaseOf(id);
        return phases.includes(snapshot.phase) ? snapshot : null;
      },
      ms,
    );
  /** A receipt that is under way is read until it has been settled. */
  const settled = async (answer: { status: number; body: unknown }): Promise<Receipt> => {
    const receipt = answer.body as Receipt;
    expect([200, 202]).toContain(answer.status);
    return until(
      `${receipt.kind} settled`,
      async () => {
        const now =
          receipt.booking_id === undefined
            ? receipt
            : (await call<Receipt>('GET', `/api/bookings/${receipt.booking_id}/commands/${receipt.command_id}`)).body;
        return ['confirmed', 'refused'].includes(now.state) ? now : null;
      },
      40_000,
    );
  };
  const booking = (start: number, seconds: number): Record<string, unknown> => ({
    telescope_id: 'e2e',
    start: inSeconds(start),
    end: inSeconds(start + seconds),
    user: { ref: 'ada', display_name: 'Ada', locale: 'en' },
    target: highTarget(site, Date.now(), Date.now() + 1_800_000),
    shots: [{ filter: 'L', exposure_seconds: 2, quantity: 200 }],
    credits: { charged: 10 },
  });

  test('RoboTarget by hand: make, list, read, change, activate, delete; repeats are read back and have no second effect', async () => {
    const [set, target, shot] = [randomUUID(), randomUUID(), randomUUID()];
    const now = Math.floor(Date.now() / 1000);
    const bodies = {
      sets: { Guid: set, Name: 'By hand', ProfileName: 'Default.v2y', Status: 0, Tag: 'hand' },
      targets: {
        GuidTarget: target,
        RefGuidSet: set,
        RefGuidBaseSequence: SIMULATED_SEQUENCE_GUID,
        TargetName: 'M 31',
        RAJ2000: 0.7123,
        DECJ2000: 41.269,
        DateCreation: now,
        Status: 1,
        C_DateStart: now + 86_400,
        C_DateEnd: now + 90_000,
      },
      shots: { GuidShot: shot, RefGuidTarget: target, FilterIndex: 0, Num: 3, Exposure: 5 },
    } as const;
    for (const [name, body] of Object.entries(bodies)) {
      const made = await call('POST', `/api/robotarget/${name}`, body);
      expect([name, made.status, made.headers.get('location')]).toEqual([
        name,
        201,
        `/api/robotarget/${name}/${Object.values(body)[0]}`,
      ]);
      // The same again, as after an answer that was lost: read back, nothing made twice.
      const again = await call('POST', `/api/robotarget/${name}`, body);
      expect([name, again.status]).toEqual([name, 200]);
    }
    expect((await call('POST', '/api/robotarget/shots', { ...bodies.shots, Num: 99 })).status).toBe(409);
    const ours = async (path: string, key: string, guid: string): Promise<number> =>
      (await call<{ data: Record<string, unknown>[] }>('GET', path)).body.data.filter((o) => o[key] === guid).length;
    expect([
      await ours('/api/robotarget/sets', 'Guid', set),
      await ours(`/api/robotarget/targets?setGuid=${set}`, 'GuidTarget', target),
      await ours(`/api/robotarget/shots?targetGuid=${target}`, 'GuidShot', shot),
    ]).toEqual([1, 1, 1]);
    expect((await call('GET', `/api/robotarget/shots/${shot}`)).body).toMatchObject({
      GuidShot: shot,
      Num: 3,
      Exposure: 5,
    });
    for (let i = 0; i < 2; i++) {
      const changed = await call(
        'PUT',
        `/api/robotarget/shots/${shot}`,
        { Num: 7 },
        { 'idempotency-key': `seven-${i}` },
      );
      expect([changed.status, (await call('GET', `/api/robotarget/shots/${shot}`)).body]).toEqual([
        200,
        expect.objectContaining({ Num: 7, Exposure: 5 }),
      ]);
    }
    for (const [name, guid] of [
      ['shots', shot],
      ['targets', target],
      ['sets', set],
    ] as const) {
      expect([name, (await call('DELETE', `/api/robotarget/${name}/${guid}`)).status]).toEqual([name, 200]);
      expect([name, (await call('GET', `/api/robotarget/${name}/${guid}`)).status]).toEqual([name, 404]);
    }
  }, 240_000);

  test('cancel: confirmed, its objects are gone, the slot is free for another', async () => {
    const body = booking(40, 200);
    expect((await call('PUT', '/api/bookings/two', body)).status).toBe(201);
    await inPhase('two', ['prepared'], 60_000);
    const { voyager_set_guid: set } = (await call<{ voyager_set_guid: string }>('GET', '/api/bookings/two')).body;
    expect((await call('PUT', '/api/bookings/three', body)).status).toBe(409);
    expect(await settled(await call('DELETE', '/api/bookings/two'))).toMatchObject({
      kind: 'cancel',
      state: 'confirmed',
    });
    await inPhase('two', ['cancelled'], 40_000);
    await until(
      'its target is gone or off',
      async () => {
        const { status, body: left } = await call<{ data: { Status: number }[] }>(
          'GET',
          `/api/robotarget/targets?setGuid=${set}`,
        );
        return status === 200 && left.data.some((t) => t.Status === 0) ? null : true;
      },
      30_000,
    );
    expect((await call('PUT', '/api/bookings/three', booking(60, 180))).status).toBe(201);
    expect(await settled(await call('DELETE', '/api/bookings/three'))).toMatchObject({ state: 'confirmed' });
  }, 240_000);

  test('reschedule, amend with If-Match, start, pause, resume, toggle, extend and abort one session', async () => {
    expect((await call('PUT', '/api/bookings/one', booking(700, 300))).status).toBe(201);
    const moved = await settled(
      await call('POST', '/api/bookings/one/reschedule', { start: inSeconds(25), end: inSeconds(325) }),
    );
    expect(moved).toMatchObject({ kind: 'reschedule', state: 'confirmed' });
    const read = await call<Booking>('GET', '/api/bookings/one');
    const etag = read.headers.get('etag')!;
    const shots = [{ filter: 'R', exposure_seconds: 2, quantity: 150 }];
    expect((await call('PATCH', '/api/bookings/one', { shots }, { 'if-match': '"stale"' })).status).toBe(412);
    const amended = await call<Booking>('PATCH', '/api/bookings/one', { shots }, { 'if-match': etag });
    expect([amended.status, amended.body.shots[0]]).toEqual([
      200,
      expect.objectContaining({ filter: 'R', quantity: 150 }),
    ]);
    expect((await call('PATCH', '/api/bookings/one', { shots }, { 'if-match': etag })).status).toBe(412);

    const running = await inPhase('one', ['running']);
    expect(running.plan).toEqual([expect.objectContaining({ filter: 'R', quantity: 150 })]);
    const targetGuid = (await call<Booking & { voyager_target_guid: string }>('GET', '/api/bookings/one')).body
      .voyager_target_guid;
    const enabled = async (): Promise<unknown> =>
      (await call<{ target_enabled: unknown }>('GET', '/api/dashboard/state')).body.target_enabled;
    // By hand nothing is touched while the slot runs.
    expect((await call('DELETE', `/api/robotarget/targets/${targetGuid}`)).status).toBe(409);

    const key = { 'idempotency-key': 'pause-1' };
    const [first, second] = await Promise.all([
      call<Receipt>('POST', '/api/bookings/one/pause', {}, key),
      call<Receipt>('POST', '/api/bookings/one/pause', {}, key),
    ]);
    expect(second.body.command_id).toBe(first.body.command_id);
    expect(await settled(first)).toMatchObject({ kind: 'pause', state: 'confirmed' });
    expect(await inPhase('one', ['holding'], 20_000)).toMatchObject({ hold_cause: 'user' });
    expect(await enabled()).toBe(false);
    expect(await settled(await call('POST', '/api/bookings/one/resume', {}))).toMatchObject({
      kind: 'resume',
      state: 'confirmed',
    });
    await inPhase('one', ['running'], 40_000);
    expect(await enabled()).toBe(true);

    const off = await call('POST', '/api/control/toggle', { objectGuid: targetGuid, objectType: 1, operation: 1 });
    expect([200, 202]).toContain(off.status);
    await inPhase('one', ['holding'], 40_000);
    const on = await call('POST', '/api/control/toggle', { objectGuid: targetGuid, objectType: 1, operation: 0 });
    expect([200, 202]).toContain(on.status);
    await inPhase('one', ['running'], 40_000);

    const before = Date.parse((await phaseOf('one')).end);
    expect(
      await settled(await call('POST', '/api/bookings/one/extend', { minutes: 2, credits_charged: 1 })),
    ).toMatchObject({ kind: 'extend', state: 'confirmed' });
    expect(Date.parse((await phaseOf('one')).end) - before).toBe(120_000);
    const target = await call<{ C_DateEnd: number }>('GET', `/api/robotarget/targets/${targetGuid}`);
    expect(target.body.C_DateEnd * 1000).toBeGreaterThan(before);

    expect(await settled(await call('POST', '/api/bookings/one/abort', { reason: 'enough' }))).toMatchObject({
      kind: 'abort',
      state: 'confirmed',
    });
    expect(await inPhase('one', ['aborted'], 90_000)).toMatchObject({ outcome: 'aborted' });
    expect((await call('POST', '/api/bookings/one/pause', {})).status).toBe(409);
    expect(
      (await call<{ meta: { complete: boolean } }>('GET', '/api/bookings/one/events?after=0')).body.meta.complete,
    ).toBe(true);
    expect((await call('GET', '/api/bookings/one/ledger')).status).toBe(200);
  }, 400_000);
});
