import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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
import { StateFile } from '../../gateway/telescope/state-file.ts';

const H = Date.UTC(2026, 10, 23, 22, 0, 0);
const iso = (seconds: number): string => new Date(H + seconds * 1000).toISOString();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nocturne-gateway-'));
});
afterEach(async () => {
  for (const file of opened.splice(0)) await file.close();
  rmSync(folder, { recursive: true, force: true });
});
const opened: StateFile[] = [];
/** The telescope's state file as a process that starts now finds it; the one before it has died without closing anything. */
function state(): StateFile {
  const file = new StateFile(join(folder, 'state.jsonl'));
  opened.push(file);
  return file;
}

/** Everything after the cursor, which then stands behind it. */
async function drain<T>(log: DiskLog<T>): Promise<T[]> {
  const seen: T[] = [];
  for (let chunk = await log.read(); chunk.entries.length > 0; chunk = await log.read()) {
    seen.push(...chunk.entries);
    chunk.commit();
  }
  return seen;
}

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
    expect(await drain(again)).toEqual([4, 5]);
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
    expect(await drain(again)).toEqual(['whole', 'after']);
    await again.close();
  });
  test('a write that fails is told to its caller and costs no other entry', async () => {
    const log = new DiskLog<string>(folder);
    await log.append('before');
    await (log as unknown as { handle: FileHandle }).handle.close();
    await expect(log.append('lost')).rejects.toThrow('file closed');
    await log.append('after');
    expect(await drain(log)).toEqual(['before', 'after']);
    await log.close();
  });
  test('a cursor that cannot be read means that everything left is drained again, not that nothing starts', async () => {
    const log = new DiskLog<string>(folder);
    await log.append('a');
    expect(await drain(log)).toEqual(['a']);
    await log.close();
    writeFileSync(join(folder, 'cursor.json'), '{"segm');
    const again = new DiskLog<string>(folder);
    await again.append('b');
    expect(await drain(again)).toEqual(['a', 'b']);
    await again.close();
  });
  test('drained segments are deleted, so the folder does not grow for ever', async () => {
    const log = new DiskLog<string>(folder);
    const big = 'x'.repeat(100_000);
    for (let i = 0; i < 40; i++) {
      await log.append(`${i}${big}`);
      await drain(log);
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.jsonl')).length).toBeLessThanOrEqual(2);
    await log.close();
  });
});

/** From now on a write to this file fails, as on a disk that was mounted read-only. */
function refuseWrites(file: StateFile): { path: string } {
  const fields = file as unknown as { path: string; fd: number };
  closeSync(fields.fd);
  fields.fd = openSync(fields.path, 'r');
  return fields;
}

describe('state file', () => {
  const text = (): string => readFileSync(join(folder, 'state.jsonl'), 'utf8');
  test('the kernel has a change when set returns; the newest of a key counts, a deleted one is gone, parts do not mix', () => {
    const before = state();
    const [a, b] = [before.part<number>('a'), before.part<string>('b')];
    a.set('x', 1);
    a.set('y', 2);
    a.set('x', 3);
    b.set('x', 'other');
    a.set('z', 4);
    a.delete('z');
    const after = state();
    expect(after.part<number>('a').keys()).toEqual(['y', 'x']);
    expect([after.part<number>('a').all(), after.part<string>('b').all()]).toEqual([[2, 3], ['other']]);
  });
  test('half a line at the end costs nothing else, and what comes after it is whole', async () => {
    const before = state();
    before.part('a').set('x', 1);
    await before.flush();
    appendFileSync(join(folder, 'state.jsonl'), '{"part":"a","key":"x","val');
    const after = state();
    after.part('a').set('y', 2);
    expect(state().part('a').all()).toEqual([1, 2]);
  });
  test('a start writes only what stands', () => {
    const before = state();
    for (let n = 0; n < 500; n++) before.part('a').set('x', n);
    expect(text().split('\n')).toHaveLength(501);
    expect(state().part('a').all()).toEqual([499]);
    expect(text().split('\n')).toHaveLength(2);
  });
  test('what a failing disk did not take is written as soon as it takes something again', async () => {
    const before = state();
    refuseWrites(before);
    before.part('a').set('x', 1);
    await expect(before.flush()).resolves.toBeUndefined();
    expect(state().part('a').all()).toEqual([1]);
  });
  test('a disk that takes nothing: memory still answers, and flush says so', async () => {
    const before = state();
    const fields = refuseWrites(before);
    const { path } = fields;
    fields.path = join(folder, 'nowhere', 'state.jsonl');
    before.part('a').set('x', 1);
    expect(before.part('a').get('x')).toBe(1);
    await expect(before.flush()).rejects.toThrow('ENOENT');
    fields.path = path;
    await before.flush();
    expect(state().part('a').all()).toEqual([1]);
  });
});

describe('journal quota', () => {
  test('telemetry goes first, then log lines and signals, frames never', async () => {
    const journal = new Journal({
      telescopeId: 't',
      folder,
      db: null,
      logger: createLogger('test', 'silent'),
      quotaBytes: 3_000,
    });
    journal.beginEpoch(1);
    const at = new Date(H);
    for (let i = 0; i < 40; i++)
      await journal.sample({ at: at.toISOString(), bookingId: 'b', data: { i, text: 'x'.repeat(60) } });
    expect(journal.dropped.telemetry).toBeGreaterThan(0);
    for (let i = 0; i < 40; i++)
      expect(
        await journal.append('frame', { file: `C:\\f${i}.fit`, type: 0, voy_type: 'SHOT', seq_target: 'M31' }),
      ).not.toBeNull();
    expect(await journal.append('log', { type: 3, text: 'warning' })).toBeNull();
    expect(await journal.append('signal', { code: 500, name: 'ERROR' })).toBeNull();
    expect(
      await journal.append('shot_done', {
        guid: 'g',
        shot_guid: 's',
        target_guid: 't',
        filename: 'f',
        path: 'p',
        at: at.toISOString(),
        hfd: null,
        star_index: null,
      }),
    ).toMatchObject({ epoch: 1, n: 41 });
    await journal.stop();
  });
});

describe('grants', () => {
  const grant = (part: object = {}) => ({
    bookingId: 'b1',
    telescopeId: 't',
    generation: 1,
    start: iso(0),
    end: iso(3600),
    targetGuid: 'guid',
    ...part,
  });
  test('a higher generation wins and an older one is refused, across a restart', () => {
    const grants = new Grants(state(), () => H);
    expect(grants.register(grant(), null)).toBeNull();
    expect(grants.register(grant({ generation: 2, end: iso(7200) }), null)).toBeNull();
    const restarted = new Grants(state(), () => H);
    expect(restarted.register(grant({ generation: 1 }), null)).toBe('superseded');
    expect(restarted.check({ bookingId: 'b1', generation: 1 })).toBe('superseded');
    expect(restarted.check({ bookingId: 'b1', generation: 2 })).toBeNull();
  });
  test('an old worker cannot widen a slot: only the booking row can', () => {
    const grants = new Grants(state(), () => H);
    grants.register(grant(), null);
    expect(grants.register(grant({ end: iso(3601) }), null)).toBe('superseded');
    expect(grants.register(grant({ end: iso(5400) }), { start: H, end: H + 3600_000 })).toBe('superseded');
    expect(grants.register(grant({ end: iso(5400) }), { start: H, end: H + 5400_000 })).toBeNull();
    expect(grants.find('b1')!.end).toBe(iso(5400));
  });
  test('outside the slot, and after it was given back, nothing may start', () => {
    let now = H - 1;
    const grants = new Grants(state(), () => now);
    grants.register(grant(), null);
    expect(grants.check(grant())).toBe('outside_slot');
    now = H;
    expect(grants.check(grant())).toBeNull();
    now = H + 3600_000;
    expect(grants.check(grant())).toBe('slot_over');
    grants.end('b1', 'revoked');
    now = H;
    expect(grants.check(grant())).toBe('session_over');
    expect(grants.register(grant(), null)).toBe('session_over');
    expect(grants.check({ bookingId: 'nobody', generation: 1 })).toBe('outside_slot');
  });
});

describe('latches and emergency survive a restart', () => {
  test('a latched abort is kept until it is released, through a restart', () => {
    const latches = new Latches(state());
    latches.add({
      commandId: 'c1',
      bookingId: 'b1',
      targetGuids: ['ABC'],
      setGuids: [],
      requestedBy: 'guest',
      at: iso(0),
      state: 'waiting',
    });
    const restarted = new Latches(state());
    expect(restarted.ofTarget('abc')?.commandId).toBe('c1');
    restarted.release('c1');
    expect(new Latches(state()).ofTarget('abc')).toBeNull();
  });
  test('Voyager’s own words begin and end its emergency', () => {
    let watch = new EmergencyWatch(state());
    expect(
      watch.logLine(
        'Voyager Recognize an Emergency Request : SUSPEND [Source=Weather - Weather String=CLOUDY - CALM - RAIN - DARK - {READ_OK - OK}]',
        H,
      ),
    ).toBe('begun');
    expect(watch.logLine('Emergency Suspend Event Received : RUNNING CODE', H)).toBeNull();
    watch = new EmergencyWatch(state());
    expect(watch.current).toBe('suspend');
    expect(watch.logLine('Voyager Recognize an Emergency Request : RESUME', H)).toBe('over');
    expect(watch.current).toBeNull();
    expect(watch.logLine('Emergency Exit Event Received : RUNNING CODE', H)).toBe('begun');
    expect(watch.current).toBe('exit');
    expect(watch.logLine('Event Status Restored => Exit=True;Suspend=True;Light=True', H)).toBe('over');
  });
});
