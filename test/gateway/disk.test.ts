import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '../../platform/logger.ts';
import { DiskLog } from '../../gateway/telescope/disk-log.ts';
import { EmergencyWatch } from '../../gateway/telescope/emergency.ts';
import { Grants } from '../../gateway/telescope/grants.ts';
import { Journal } from '../../gateway/telescope/journal.ts';
import { Latches } from '../../gateway/telescope/latches.ts';

const H = Date.UTC(2026, 10, 23, 22, 0, 0);
const iso = (seconds: number): string => new Date(H + seconds * 1000).toISOString();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nocturne-gateway-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('log on disk', () => {
  test('entries come back in order, once each, and a restart goes on behind the cursor', async () => {
    const log = new DiskLog<number>(folder);
    await Promise.all([1, 2, 3].map((n) => log.append(n)));
    const first = await log.read();
    expect(first.entries).toEqual([1, 2, 3]);
    first.commit();
    await log.append(4);
    await log.close();
    const again = new DiskLog<number>(folder);
    await again.append(5);
    const seen: number[] = [];
    for (let chunk = await again.read(); chunk.entries.length > 0; chunk = await again.read()) {
      seen.push(...chunk.entries);
      chunk.commit();
    }
    expect(seen).toEqual([4, 5]);
    expect(again.backlogBytes).toBe(0);
    await again.close();
  });
  test('what was read and not committed comes again', async () => {
    const log = new DiskLog<string>(folder);
    await log.append('a');
    expect((await log.read()).entries).toEqual(['a']);
    expect((await log.read()).entries).toEqual(['a']);
    await log.close();
  });
  test('a line that a power cut left unfinished is passed over', async () => {
    const log = new DiskLog<string>(folder);
    await log.append('whole');
    await log.close();
    const segment = readdirSync(folder).find((name) => name.endsWith('.jsonl'))!;
    appendFileSync(join(folder, segment), '"half');
    const again = new DiskLog<string>(folder);
    await again.append('after');
    const seen: string[] = [];
    for (let chunk = await again.read(); chunk.entries.length > 0; chunk = await again.read()) {
      seen.push(...chunk.entries);
      chunk.commit();
    }
    expect(seen).toEqual(['whole', 'after']);
    await again.close();
  });
  test('a write that fails is told to its caller and costs no other entry', async () => {
    const log = new DiskLog<string>(folder);
    await log.append('before');
    await (log as unknown as { handle: FileHandle }).handle.close();
    await expect(log.append('lost')).rejects.toThrow('file closed');
    await log.append('after');
    const seen: string[] = [];
    for (let chunk = await log.read(); chunk.entries.length > 0; chunk = await log.read()) {
      seen.push(...chunk.entries);
      chunk.commit();
    }
    expect(seen).toEqual(['before', 'after']);
    await log.close();
  });
  test('drained segments are deleted, so the folder does not grow for ever', async () => {
    const log = new DiskLog<string>(folder);
    const big = 'x'.repeat(100_000);
    for (let i = 0; i < 40; i++) {
      await log.append(`${i}${big}`);
      for (let chunk = await log.read(); chunk.entries.length > 0; chunk = await log.read()) chunk.commit();
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.jsonl')).length).toBeLessThanOrEqual(2);
    await log.close();
  });
});

describe('journal quota', () => {
  test('telemetry goes first, then log lines and signals, frames never', async () => {
    const journal = new Journal({ telescopeId: 't', folder, db: null, logger: createLogger('test', 'silent'), quotaBytes: 3_000 });
    journal.beginEpoch(1);
    const at = new Date(H);
    for (let i = 0; i < 40; i++) await journal.sample({ at: at.toISOString(), bookingId: 'b', data: { i, text: 'x'.repeat(60) } });
    expect(journal.dropped.telemetry).toBeGreaterThan(0);
    for (let i = 0; i < 40; i++) expect(await journal.append('frame', { file: `C:\\f${i}.fit`, type: 0, voy_type: 'SHOT', seq_target: 'M31' })).not.toBeNull();
    expect(await journal.append('log', { type: 3, text: 'warning' })).toBeNull();
    expect(await journal.append('signal', { code: 500, name: 'ERROR' })).toBeNull();
    expect(
      await journal.append('shot_done', { guid: 'g', shot_guid: 's', target_guid: 't', filename: 'f', path: 'p', at: at.toISOString(), hfd: null, star_index: null }),
    ).toMatchObject({ epoch: 1, n: 41 });
    await journal.stop();
  });
});

describe('grants', () => {
  const grant = (part: object = {}) => ({ bookingId: 'b1', telescopeId: 't', generation: 1, start: iso(0), end: iso(3600), targetGuid: 'guid', ...part });
  test('a higher generation wins and an older one is refused, across a restart', () => {
    const grants = new Grants(folder, () => H);
    expect(grants.register(grant(), null)).toBeNull();
    expect(grants.register(grant({ generation: 2, end: iso(7200) }), null)).toBeNull();
    const restarted = new Grants(folder, () => H);
    expect(restarted.register(grant({ generation: 1 }), null)).toBe('superseded');
    expect(restarted.check({ bookingId: 'b1', generation: 1 })).toBe('superseded');
    expect(restarted.check({ bookingId: 'b1', generation: 2 })).toBeNull();
  });
  test('an old worker cannot widen a slot: only the booking row can', () => {
    const grants = new Grants(folder, () => H);
    grants.register(grant(), null);
    expect(grants.register(grant({ end: iso(3601) }), null)).toBe('superseded');
    expect(grants.register(grant({ end: iso(5400) }), { start: H, end: H + 3600_000 })).toBe('superseded');
    expect(grants.register(grant({ end: iso(5400) }), { start: H, end: H + 5400_000 })).toBeNull();
    expect(grants.find('b1')!.end).toBe(iso(5400));
  });
  test('outside the slot, and after it was given back, nothing may start', () => {
    let now = H - 1;
    const grants = new Grants(folder, () => now);
    grants.register(grant(), null);
    expect(grants.check(grant())).toBe('outside_slot');
    now = H;
    expect(grants.check(grant())).toBeNull();
    now = H + 3600_000;
    expect(grants.check(grant())).toBe('slot_over');
    grants.mark('b1', 'revoked');
    now = H;
    expect(grants.check(grant())).toBe('session_over');
    expect(grants.register(grant(), null)).toBe('session_over');
    expect(grants.check({ bookingId: 'nobody', generation: 1 })).toBe('outside_slot');
  });
});

describe('latches and emergency survive a restart', () => {
  test('a latched abort is kept until it is released, and its repeat does not latch again', () => {
    const latches = new Latches(folder);
    latches.add({ commandId: 'c1', bookingId: 'b1', targetGuids: ['ABC'], setGuids: [], requestedBy: 'guest', at: iso(0), state: 'waiting' });
    const restarted = new Latches(folder);
    expect(restarted.holds('abc')).toBe(true);
    restarted.release('c1');
    expect(new Latches(folder).holds('abc')).toBe(false);
    expect(new Latches(folder).wasReleased('c1')).toBe(true);
  });
  test('Voyager’s own words begin and end its emergency', () => {
    const watch = new EmergencyWatch(folder);
    expect(watch.logLine('Voyager Recognize an Emergency Request : SUSPEND [Source=Weather - Weather String=CLOUDY - CALM - RAIN - DARK - {READ_OK - OK}]', H)).toBe('begun');
    expect(watch.logLine('Emergency Suspend Event Received : RUNNING CODE', H)).toBeNull();
    expect(new EmergencyWatch(folder).current).toBe('suspend');
    expect(watch.logLine('Voyager Recognize an Emergency Request : RESUME', H)).toBe('over');
    expect(watch.current).toBeNull();
    expect(watch.logLine('Emergency Exit Event Received : RUNNING CODE', H)).toBe('begun');
    expect(watch.current).toBe('exit');
    expect(watch.logLine('Event Status Restored => Exit=True;Suspend=True;Light=True', H)).toBe('over');
  });
});
