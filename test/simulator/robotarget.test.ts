import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createObservatory } from '../../simulator/observatory.ts';
import {
  cleanUp,
  client,
  effects,
  plan,
  run,
  runUntil,
  temporaryFolder,
  until,
  virtualObservatory,
  MIDNIGHT,
  breathe,
} from './support.ts';

afterEach(cleanUp);
const ends = (sim: {
  log: { entries: { effect: string | null; params: Record<string, unknown> | null }[] };
}): unknown[] => sim.log.entries.filter((e) => e.effect === 'sequence.end').map((e) => e.params!.end);

describe('which target RoboTarget takes', () => {
  test('set and target status, dates, altitude, hour angle and night each shut a target out', async () => {
    const { sim } = await virtualObservatory({ robotargetRunning: false });
    const { roboTarget, store } = sim.world;
    const now = MIDNIGHT / 1000;
    const obstacle = (options: Parameters<typeof plan>[1]): string | null =>
      roboTarget.obstacle(store.find('targets', plan(sim, options).target)!.row);
    expect(obstacle({})).toBeNull();
    expect(obstacle({ enabled: false })).toBe('target disabled');
    expect(obstacle({ start: now + 60 })).toBe('before its start date');
    expect(obstacle({ end: now })).toBe('after its end date');
    expect(obstacle({ altMin: 80 })).toBe('below its altitude limit');
    expect(obstacle({ haStart: -0.5 })).toBe('outside its hour angles');
    expect(obstacle({ shots: [] })).toBe('nothing left to do');
    const shut = plan(sim);
    store.put('sets', shut.set, { ...store.find('sets', shut.set)!.row, Status: 1 });
    expect(roboTarget.obstacle(store.find('targets', shut.target)!.row)).toBe('set disabled');
    const { sim: noon } = await virtualObservatory({ robotargetRunning: false }, MIDNIGHT + 12 * 3_600_000);
    expect(noon.world.roboTarget.obstacle(noon.world.store.find('targets', plan(noon).target)!.row)).toBe('not night');
  });
  test('highest priority first, then the oldest', async () => {
    const { sim } = await virtualObservatory({ robotargetRunning: false });
    const now = MIDNIGHT / 1000;
    plan(sim, { name: 'young', created: now - 10 });
    plan(sim, { name: 'old', created: now - 100 });
    plan(sim, { name: 'shut out', created: now - 500, priority: 4, altMin: 85 });
    expect(sim.world.roboTarget.choose()?.TargetName).toBe('old');
    plan(sim, { name: 'urgent', created: now, priority: 3 });
    expect(sim.world.roboTarget.choose()?.TargetName).toBe('urgent');
  });
});

describe('a running target', () => {
  test('shots go by their order, each as often as planned; the first exposure begins about 8 s after the start and the next ones under 2 s later', async () => {
    const { clock, sim } = await virtualObservatory();
    const { target, shots } = plan(sim, {
      shots: [
        { filter: 3, num: 1, order: 2, exposure: 2 },
        { filter: 1, num: 2, order: 1, exposure: 2 },
      ],
    });
    await runUntil(clock, () => effects(sim).includes('target.finished'), 60, 'finished');
    expect(sim.world.store.doneOf(target).map((d) => d.refguidshot)).toEqual([shots[1], shots[1], shots[0]]);
    const at = (effect: string, n: number): number =>
      sim.log.entries.filter(
        (e) => e.effect === effect && (effect === 'sequence.start' || e.params!.voy_type === 'SHOT'),
      )[n]!.at / 1000;
    const first = at('exposure.start', 0) - at('sequence.start', 0);
    expect(first).toBeGreaterThan(5);
    expect(first).toBeLessThan(9);
    const between = at('exposure.start', 1) - at('exposure.start', 0) - 2;
    expect(between).toBeGreaterThan(0.7);
    expect(between).toBeLessThan(2.5);
    expect(ends(sim)).toEqual(['done']);
    expect(sim.world.roboTarget.statusOp(sim.world.store.find('targets', target)!.row)).toBe(2);
  });
  test('it stops at C_DateEnd by itself, in the middle of an exposure, which leaves no frame', async () => {
    const { clock, sim } = await virtualObservatory();
    const { target } = plan(sim, { end: MIDNIGHT / 1000 + 20, shots: [{ num: 1, exposure: 60 }] });
    await runUntil(clock, () => effects(sim).includes('sequence.end'), 40, 'end');
    expect(ends(sim)).toEqual(['aborted: date_end']);
    expect(sim.log.entries.find((e) => e.effect === 'exposure.aborted')!.at - MIDNIGHT).toBeGreaterThanOrEqual(20_000);
    expect(sim.log.entries.find((e) => e.effect === 'exposure.aborted')!.at - MIDNIGHT).toBeLessThan(20_300);
    expect(sim.world.store.doneOf(target)).toEqual([]);
    expect(sim.world.mount.tracking).toBe(false);
    await run(clock, 5);
    expect(effects(sim).filter((e) => e === 'sequence.start')).toHaveLength(1);
  });
  test('a window widened while the sequence runs: it ends at the old end all the same and is planned again', async () => {
    const { clock, sim } = await virtualObservatory();
    const { target } = plan(sim, { end: MIDNIGHT / 1000 + 14, shots: [{ num: 1, exposure: 10 }] });
    await runUntil(clock, () => sim.world.state.shot?.expo === 10, 30, 'exposure');
    sim.world.store.put('targets', target, {
      ...sim.world.store.find('targets', target)!.row,
      C_DateEnd: MIDNIGHT / 1000 + 600,
    });
    await runUntil(clock, () => effects(sim).includes('target.finished'), 60, 'finished');
    expect(ends(sim)).toEqual(['aborted: date_end', 'done']);
  });
  test('disabled during an exposure: that exposure finishes and nothing follows; enabled again it goes on with what is left', async () => {
    const { clock, sim } = await virtualObservatory();
    const { target } = plan(sim, { shots: [{ num: 2, exposure: 5 }] });
    const row = () => sim.world.store.find('targets', target)!.row;
    await runUntil(clock, () => sim.world.state.shot?.expo === 5, 30, 'exposure');
    sim.world.store.put('targets', target, { ...row(), Status: 1 });
    await runUntil(clock, () => effects(sim).includes('sequence.end'), 30, 'end');
    expect(sim.world.store.doneOf(target)).toHaveLength(1);
    expect(ends(sim)).toEqual(['done']);
    await run(clock, 10);
    expect(sim.world.roboTarget.run).toBeNull();
    sim.world.store.put('targets', target, { ...row(), Status: 0 });
    await runUntil(clock, () => effects(sim).includes('target.finished'), 60, 'finished');
    expect(sim.world.store.doneOf(target)).toHaveLength(2);
  });
  test('Abort without halt ends the exposure and RoboTarget plans the same target again; with halt RoboTarget is over', async () => {
    const { clock, sim } = await virtualObservatory();
    const c = await client(sim);
    plan(sim, { shots: [{ num: 1, exposure: 50 }] });
    await runUntil(clock, () => sim.world.state.shot?.expo === 50, 30, 'exposure');
    c.send('Abort', { IsHalt: false });
    await runUntil(clock, () => effects(sim).filter((e) => e === 'sequence.start').length === 2, 10, 'planned again');
    expect(ends(sim)).toEqual(['aborted: user']);
    c.polling();
    c.send('Abort', { IsHalt: true });
    await runUntil(clock, () => effects(sim).includes('robotarget.stop'), 10, 'halt');
    await runUntil(clock, () => sim.world.roboTarget.run === null, 10, 'over');
    c.polling();
    await run(clock, 5);
    expect(sim.world.roboTarget.dragScript).toBeNull();
    expect(effects(sim).filter((e) => e === 'sequence.start')).toHaveLength(2);
    const id = c.send('RemoteDragScript', { UID: 's', DragScriptFile: 'RoboTarget.vos', StartNodeUID: '' });
    await until(() => c.reply(id) !== undefined, 1000, 'reply');
    expect(sim.world.roboTarget.dragScript).toBe('RoboTarget.vos');
    await run(clock, 2);
    expect(c.result('s')).toBeUndefined();
    const twice = c.send('RemoteDragScript', { UID: 's2', DragScriptFile: 'RoboTarget.vos' });
    await until(() => c.reply(twice) !== undefined, 1000, 'reply');
    expect(c.reply(twice)).toHaveProperty('error.code', 1);
  });
  test('an Abort that ends the DragScript too leaves RoboTarget to be started again', async () => {
    const { clock, sim } = await virtualObservatory();
    const c = await client(sim);
    plan(sim, { shots: [{ num: 1, exposure: 50 }] });
    await runUntil(clock, () => sim.world.state.shot?.expo === 50, 30, 'exposure');
    sim.inject({ kind: 'abort_ends_script' });
    c.send('Abort', { IsHalt: false });
    await runUntil(clock, () => effects(sim).includes('robotarget.stop'), 10, 'stop');
    await run(clock, 4);
    expect(sim.voyager.controlData()).toMatchObject({ RUNSEQ: '', RUNDS: '', VOYSTAT: 1 });
  });
  test('a foreign target of higher priority is taken when the present one ends; RUNSEQ names who runs', async () => {
    const { clock, sim } = await virtualObservatory();
    plan(sim, { name: 'Ours', shots: [{ num: 2, exposure: 5 }] });
    await runUntil(clock, () => sim.world.state.shot?.expo === 5, 30, 'exposure');
    expect(sim.voyager.controlData()).toMatchObject({
      RUNSEQ: 'Ours.s2q',
      SEQNAME: 'Ours',
      RUNDS: 'RoboTarget.vos',
      SEQTOT: 10,
      VOYSTAT: 2,
      GUIDESTAT: 2,
    });
    sim.inject({ kind: 'foreign_target', name: 'Comet', quantity: 1 });
    sim.world.roboTarget.abortCurrent('user');
    await runUntil(clock, () => sim.world.roboTarget.run?.target.TargetName === 'Comet', 30, 'the other');
    expect(sim.voyager.controlData()).toMatchObject({ RUNSEQ: 'Comet.s2q' });
    await runUntil(clock, () => sim.world.roboTarget.run?.target.TargetName === 'Ours', 60, 'back');
  });
  test('meridian flip between two exposures', async () => {
    const { clock, sim } = await virtualObservatory();
    plan(sim, { ra: sim.world.mount.raAtHourAngle(-15 / 3600, 40), shots: [{ num: 3, exposure: 8 }] });
    await runUntil(clock, () => sim.world.state.shot?.expo === 8, 30, 'exposure');
    expect(sim.voyager.controlData()).toMatchObject({ MNTPIER: 'pierWest' });
    await runUntil(clock, () => effects(sim).includes('mount.flip'), 40, 'flip');
    await runUntil(clock, () => effects(sim).includes('target.finished'), 60, 'finished');
    expect(effects(sim).filter((e) => e === 'mount.flip')).toHaveLength(1);
  });
});

describe('emergency', () => {
  test('unsafe: exposure aborted, mount parked, roof closed, nothing starts; safe again for 5 s: RESUME, roof open, the target goes on', async () => {
    const { clock, sim } = await virtualObservatory();
    const c = await client(sim);
    c.send('RemoteSetLogEvent', { UID: 'l', IsOn: true, Level: 1 });
    plan(sim, { shots: [{ num: 1, exposure: 12 }] });
    await runUntil(clock, () => sim.world.state.shot?.expo === 12, 30, 'exposure');
    sim.inject({ kind: 'unsafe', for_seconds: 20 });
    c.polling();
    await runUntil(clock, () => effects(sim).includes('roof.closed'), 15, 'roof closed');
    c.polling();
    expect(sim.world.mount.parked).toBe(true);
    expect(sim.voyager.controlData()).toMatchObject({ DOMESHUTTER: '1', RUNSEQ: '', VOYSTAT: 5 });
    expect(ends(sim)).toEqual(['aborted: emergency']);
    await run(clock, 8);
    c.polling();
    expect(sim.world.roboTarget.run).toBeNull();
    await runUntil(clock, () => effects(sim).includes('emergency.resume'), 20, 'resume');
    c.polling();
    await runUntil(clock, () => effects(sim).filter((e) => e === 'sequence.start').length === 2, 20, 'goes on');
    const texts = c
      .events('LogEvent')
      .filter((e) => e.Type === 9)
      .map((e) => e.Text);
    expect(texts).toEqual([
      'Voyager Recognize an Emergency Request : SUSPEND [Source=Safety Monitor]',
      'Emergency Suspend Event Received : RUNNING CODE',
      'Voyager Recognize an Emergency Request : RESUME [Source=Safety Monitor]',
      'Event Status Restored => Exit=True;Suspend=True;Light=True',
    ]);
  });
  test('an Abort while the roof closes stops the roof: the log of effects says so', async () => {
    const { clock, sim } = await virtualObservatory();
    const c = await client(sim);
    sim.inject({ kind: 'weather', values: { safe: true, rain_rate: 1, cloud_percent: 95 } });
    await runUntil(clock, () => effects(sim).includes('roof.closing'), 10, 'closing');
    const id = c.send('Abort', { IsHalt: false });
    await until(() => c.reply(id) !== undefined, 1000, 'reply');
    await run(clock, 6);
    expect(effects(sim)).toContain('roof.stopped');
    expect(effects(sim)).not.toContain('roof.closed');
    expect(sim.voyager.controlData()).toMatchObject({ DOMESHUTTER: '4' });
    expect(sim.log.entries.find((e) => e.effect === 'emergency.suspend')!.params).toEqual({
      source: expect.stringMatching(/^Weather - Weather String=VERY_CLOUDY - CALM - RAIN - DARK/),
    });
  });
  test('clouds alone are no emergency', async () => {
    const { clock, sim } = await virtualObservatory();
    sim.inject({ kind: 'cloud', percent: 75 });
    await run(clock, 3);
    expect(effects(sim)).not.toContain('emergency.suspend');
    expect(sim.voyager.weatherData()).toMatchObject({ WSCloud: 'CLOUDY', SMStatus: 'SAFE' });
  });
});

describe('what survives', () => {
  test('a second start on the same folder knows objects, records, effects and numbering; a running exposure is lost', async () => {
    const dataDir = temporaryFolder();
    const { clock, sim } = await virtualObservatory({ dataDir });
    const { target } = plan(sim, { shots: [{ num: 2, exposure: 3 }] });
    await runUntil(
      clock,
      () => sim.world.store.doneOf(target).length === 1 && sim.world.state.shot?.status === 1,
      40,
      'second exposure',
    );
    const n = sim.log.entries.at(-1)!.n;
    await sim.stop();
    const { clock: later, sim: again } = await virtualObservatory({ dataDir }, clock.now() + 5000);
    expect(again.world.store.doneOf(target)).toHaveLength(1);
    expect(again.log.entries[0]!.n).toBeGreaterThan(n);
    await runUntil(later, () => effects(again).includes('target.finished'), 60, 'finished');
    const done = again.world.store.doneOf(target);
    expect(new Set(done.map((d) => d.guid)).size).toBe(2);
    expect(new Set(done.map((d) => d.filename)).size).toBe(2);
    const numbers = readFileSync(join(dataDir, 'effects.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { n: number }).n);
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  });
  test('restart of the instance: links cut without ShutDown, a new session key, RoboTarget goes on by itself', async () => {
    const { clock, sim } = await virtualObservatory();
    const c = await client(sim);
    plan(sim, { shots: [{ num: 1, exposure: 4 }] });
    await runUntil(clock, () => sim.world.state.shot?.expo === 4, 30, 'exposure');
    sim.inject({ kind: 'restart', for_seconds: 2 });
    await until(() => c.closed, 1000, 'closed');
    expect(c.events('ShutDown')).toEqual([]);
    await breathe(20);
    await runUntil(clock, () => effects(sim).filter((e) => e === 'voyager.started').length === 2, 10, 'back');
    const again = await client(sim);
    expect(again.messages[0]!.Timestamp).not.toBe(c.messages[0]!.Timestamp);
    await runUntil(clock, () => effects(sim).includes('target.finished'), 40, 'finished');
  });
  test('same seed, same clock: the same night, to the millisecond', async () => {
    const night = async (): Promise<unknown[]> => {
      const { clock, sim } = await virtualObservatory({ seed: 'again' });
      sim.addTarget({ name: 'Comet', exposure: 3, quantity: 1, ra_hours: 8, dec_degrees: 40 });
      await runUntil(clock, () => effects(sim).includes('exposure.start'), 20, 'first exposure');
      return sim.log.entries.map((e) => [e.at, e.effect, e.params]);
    };
    expect(await night()).toEqual(await night());
  });
  test('a folder without FITS files is refused at start, by name', async () => {
    const folder = temporaryFolder();
    await expect(createObservatory({ dataDir: temporaryFolder(), fitsDir: folder })).rejects.toThrow(folder);
  });
});
