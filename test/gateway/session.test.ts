import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { startPostgres } from '../support/postgres.ts';
import {
  booking,
  commands,
  effectsOf,
  gatewayOn,
  lastEntry,
  observatory,
  otherDialect,
  Proxy,
  repeated,
  scenario,
  until,
} from './harness.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

describe('a session’s activities on the simulator', () => {
  scenario(
    'objects are made once, the target runs, frames and records are journalled in order before the session is told, and the stop is confirmed',
    async () => {
      const sim = await observatory();
      const { activities, db, signals, gateway } = await gatewayOn(sim, {
        databaseUrl: postgres.url,
        telescope: { id: 'full' },
      });
      const { grant, plan, target, shot } = booking(sim, { telescopeId: 'full' });
      expect(await activities.checkSite({ telescopeId: 'full', bookingId: 'b-1' })).toEqual({
        ok: true,
        problems: [],
        warnings: [],
      });
      expect(await activities.registerGrant(grant)).toEqual({ outcome: 'done', reason: null, message: null });
      expect(await activities.ensureObjects({ grant, plan })).toEqual({
        outcome: 'done',
        reason: null,
        message: null,
        created: 3,
        repaired: 0,
        shots: [{ guid: shot, filter: 'R', filter_index: 1, exposure_seconds: 0.3, quantity: 3, binning: 1, done: 0 }],
      });
      expect(await activities.ensureObjects({ grant, plan })).toMatchObject({
        outcome: 'done',
        created: 0,
        repaired: 0,
      });
      expect(await activities.readObjects({ telescopeId: 'full', plan })).toEqual({ differences: [], enabled: false });
      expect(effectsOf(sim)).not.toContain('sequence.start');

      expect(await activities.enableTarget({ grant, key: 'b-1/enable/1' })).toMatchObject({ outcome: 'done' });
      expect(await activities.enableTarget({ grant, key: 'b-1/enable/1' })).toMatchObject({ outcome: 'done' });
      await until(() => effectsOf(sim).includes('sequence.start'), 5_000, 'the target runs');
      await until(
        async () => (await activities.observe({ grant })).running === 'ours',
        5_000,
        'the observation says so',
      );
      await until(() => effectsOf(sim).includes('target.finished'), 15_000, 'three frames are taken');
      await until(
        async () => (await db!.journal.count({ where: { telescopeId: 'full', kind: 'shot_done' } })) === 3,
        10_000,
        'three records are journalled',
      );

      const rows = await db!.journal.findMany({
        where: { telescopeId: 'full' },
        orderBy: [{ epoch: 'asc' }, { n: 'asc' }],
      });
      expect(rows.map((r) => r.n)).toEqual(rows.map((_, i) => rows[0]!.n + i));
      const lights = rows
        .filter((r) => r.kind === 'frame' && (r.data as { voy_type: string }).voy_type === 'SHOT')
        .map((r) => (r.data as { file: string }).file);
      const records = rows.filter((r) => r.kind === 'shot_done');
      expect(lights.length).toBe(3);
      expect(
        records.map((r) => [
          (r.data as { path: string }).path,
          (r.data as { shot_guid: string }).shot_guid,
          r.bookingId,
        ]),
      ).toEqual(lights.map((file) => [file, shot, 'b-1']));
      expect(signals.filter((s) => s.name === 'framesWaiting').length).toBeGreaterThan(0);
      expect(await activities.observe({ grant })).toMatchObject({
        connected: true,
        voyagerStatus: expect.stringMatching(/IDLE|RUN/),
        target: { enabled: true, statusOp: 'finished' },
        shotsDone: { [shot]: 3 },
        weather: { state: 'ok' },
        latchedAbort: null,
      });
      expect((await activities.listShotsDone({ telescopeId: 'full', targetGuid: target })).map((s) => s.path)).toEqual(
        lights,
      );
      expect(await activities.stopTarget({ grant, key: 'b-1/stop/1' })).toMatchObject({ outcome: 'done' });
      await activities.revokeGrant({ telescopeId: 'full', bookingId: 'b-1' });
      expect(await activities.enableTarget({ grant, key: 'b-1/enable/2' })).toMatchObject({
        outcome: 'refused',
        reason: 'session_over',
      });
      expect(repeated(sim)).toEqual([]);
      expect(gateway.state().preview).toMatchObject({ filter: 'R', exposure_seconds: 0.3 });
      const copies = () =>
        db!.voyagerCommand.findMany({
          where: { telescopeId: 'full', method: { not: '#grant' } },
          orderBy: { key: 'asc' },
        });
      await until(async () => (await copies()).every((c) => c.state === 'done'), 5_000, 'the table follows the disk');
      expect((await copies()).map((c) => c.key)).toEqual(['b-1/enable/1', 'b-1/stop/1']);
    },
  );

  scenario(
    'a name that Voyager cannot keep decides nothing: it is put right once, and the target is prepared',
    async () => {
      const sim = await observatory();
      const { activities } = await gatewayOn(sim);
      const { grant, plan, target } = booking(sim, { start: 300, end: 900 });
      plan.target.TargetName = 'Nébuleuse de l’œil – α';
      plan.set.Name = 'Zoé’s “night”';
      const { store } = sim.world;
      const put = store.put.bind(store);
      // A database of one code page: what it does not have becomes a question mark.
      store.put = (table, guid, row) => put(table, guid, JSON.parse(JSON.stringify(row).replace(/[^\0-\x7f]/g, '?')));
      await activities.registerGrant(grant);
      expect(await activities.ensureObjects({ grant, plan })).toMatchObject({ outcome: 'done', created: 3 });
      expect(store.find('targets', target)!.row.TargetName).toBe('N?buleuse de l??il ? ?');
      expect(await activities.readObjects({ telescopeId: 'demo', plan })).toEqual({ differences: [], enabled: false });
      store.put = put;
      expect(await activities.ensureObjects({ grant, plan })).toMatchObject({
        outcome: 'done',
        created: 0,
        repaired: 2,
      });
      expect(store.find('targets', target)!.row.TargetName).toBe('Nébuleuse de l’œil – α');
    },
  );

  scenario(
    'a difference is repaired and an enabled target outside its slot is disabled, whoever changed it',
    async () => {
      const sim = await observatory();
      const { activities } = await gatewayOn(sim);
      const { grant, plan, target, shot } = booking(sim, { start: 300, end: 900 });
      await activities.registerGrant(grant);
      await activities.ensureObjects({ grant, plan });
      const { store } = sim.world;
      store.put('targets', target, { ...store.find('targets', target)!.row, C_AltMin: 5, Status: 0 });
      store.put('shots', shot, { ...store.find('shots', shot)!.row, Exposure: 99 });
      const { differences, enabled } = await activities.readObjects({ telescopeId: 'demo', plan });
      expect([differences, enabled]).toEqual([
        ['target M 31: C_AltMin: wanted 30, is 5', `shot ${shot}: Exposure: wanted 0.3, is 99`],
        true,
      ]);
      expect(await activities.ensureObjects({ grant, plan })).toMatchObject({
        outcome: 'done',
        created: 0,
        repaired: 3,
      });
      expect(await activities.readObjects({ telescopeId: 'demo', plan })).toEqual({ differences: [], enabled: false });
      expect(
        await activities.removeObjects({ grant, setGuid: plan.set.Guid, targetGuid: target, shotGuids: [shot] }),
      ).toMatchObject({ outcome: 'done' });
      expect(
        await activities.removeObjects({ grant, setGuid: plan.set.Guid, targetGuid: target, shotGuids: [shot] }),
      ).toMatchObject({
        outcome: 'done',
        message: 'nothing was there',
      });
      expect([store.sets().length, store.targets().length]).toEqual([0, 0]);
    },
  );

  scenario('a create whose answer never comes is read back, not sent again', async () => {
    const sim = await observatory();
    const { activities } = await gatewayOn(sim);
    const { grant, plan } = booking(sim);
    await activities.registerGrant(grant);
    sim.inject({ kind: 'drop_before_reply', on_method: 'RemoteOpenRoboTargetAddTarget' });
    const first = activities.ensureObjects({ grant, plan });
    await expect(first).rejects.toMatchObject({ type: 'NotConnected' });
    await until(async () => (await activities.observe({ grant })).connected, 15_000, 'connected again');
    expect(await activities.ensureObjects({ grant, plan })).toMatchObject({ outcome: 'done', created: 1 });
    expect(commands(sim).filter((c) => c.effect === 'target.create').length).toBe(1);
    expect(repeated(sim)).toEqual([]);
  });

  scenario('frames taken while the link was down are found again from the shot-done list', async () => {
    const sim = await observatory();
    const { activities, db } = await gatewayOn(sim, { databaseUrl: postgres.url, telescope: { id: 'gap' } });
    const { grant, plan } = booking(sim, { telescopeId: 'gap', id: 'b-gap', quantity: 4, exposure: 0.8 });
    await activities.registerGrant(grant);
    await activities.ensureObjects({ grant, plan });
    await activities.enableTarget({ grant, key: 'b-gap/enable' });
    const count = (kind: string): Promise<number> => db!.journal.count({ where: { kind, bookingId: 'b-gap' } });
    await until(async () => (await count('shot_done')) >= 1, 30_000, 'the first record');
    sim.inject({ kind: 'refuse_connections', for_seconds: 4 });
    sim.inject({ kind: 'drop' });
    await until(async () => (await count('shot_done')) === 4, 30_000, 'all four records');
  });

  scenario(
    'while PostgreSQL is away everything is kept on disk in order; it follows when it is back, and only then is the session told',
    async () => {
      const sim = await observatory();
      const { proxy, url } = await Proxy.before(postgres.url);
      const { activities, db, gateway, signals } = await gatewayOn(sim, {
        databaseUrl: url,
        sole: true,
        telescope: { id: 'outage' },
      });
      const { grant, plan } = booking(sim, { telescopeId: 'outage', id: 'b-outage', quantity: 2 });
      await activities.registerGrant(grant);
      await activities.ensureObjects({ grant, plan });
      proxy.cut();
      expect(await activities.enableTarget({ grant, key: 'b-outage/enable' })).toMatchObject({ outcome: 'done' });
      await until(() => effectsOf(sim).includes('target.finished'), 20_000, 'both frames are taken');
      await until(
        () => gateway.journal.databaseAway && gateway.journal.backlogBytes > 0,
        10_000,
        'the journal waits on disk',
      );
      const told = () =>
        signals.filter(
          (s) =>
            s.name === 'framesWaiting' && s.bookingId === 'b-outage' && (s.body as { upTo: { n: number } }).upTo.n > 0,
        );
      expect(told()).toEqual([]);
      proxy.thaw();
      await until(() => gateway.journal.backlogBytes === 0, 20_000, 'the journal is drained');
      const rows = await db!.journal.findMany({
        where: { telescopeId: 'outage' },
        orderBy: [{ epoch: 'asc' }, { n: 'asc' }],
      });
      for (const epoch of new Set(rows.map((r) => r.epoch))) {
        const numbers = rows.filter((r) => r.epoch === epoch).map((r) => r.n);
        expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
      }
      expect(rows.filter((r) => r.kind === 'shot_done').length).toBe(2);
      expect(
        rows.filter((r) => r.kind === 'frame' && (r.data as { voy_type: string }).voy_type === 'SHOT').length,
      ).toBe(2);
      // The nudge of the new ownership may overtake the frames' own: it covers them.
      await until(
        () =>
          told().length > 0 ||
          signals.some((s) => s.name === 'framesWaiting' && (s.body as { upTo: { epoch: number } }).upTo.epoch > 1),
        5_000,
        'the session is told',
      );
      await until(
        async () => (await db!.voyagerCommand.findUnique({ where: { key: 'b-outage/enable' } }))?.state === 'done',
        10_000,
        'the command is in the table',
      );
    },
  );

  scenario(
    'another port in the telescope’s record is followed without a restart, but not while a slot runs',
    async () => {
      const [sim, other] = [await observatory(), await observatory()];
      const { activities, gateway } = await gatewayOn(sim);
      const { grant } = booking(sim);
      await activities.registerGrant(grant);
      const moved = { ...gateway.telescope, name: 'Moved', port: other.port };
      expect(gateway.configure(moved)).toBe(false);
      expect([gateway.telescope.name, gateway.telescope.port, gateway.ready]).toEqual(['Moved', sim.port, true]);
      gateway.revokeGrant(grant.bookingId);
      const { epoch } = gateway.link;
      expect(gateway.configure(moved)).toBe(true);
      await until(() => gateway.ready && gateway.link.epoch > epoch, 8_000, 'connected to the other one');
      expect(gateway.connection()).toMatchObject({ port: other.port, connected: true });
      const modes = (of: typeof sim): number =>
        of.log.entries.filter((e) => e.method === 'RemoteSetDashboardMode').length;
      expect([modes(sim), modes(other)]).toEqual([1, 1]);
    },
  );

  scenario('a dialect in which every name, the signing, the times and the angles differ passes unchanged', async () => {
    const dialectFile = otherDialect();
    const sim = await observatory({ dialectFile, utcOffsetSeconds: 0 });
    const { activities, gateway } = await gatewayOn(sim, { dialectFile });
    const { grant, plan } = booking(sim, { quantity: 1 });
    await activities.registerGrant(grant);
    expect(await activities.ensureObjects({ grant, plan })).toMatchObject({ outcome: 'done', created: 3 });
    expect(await activities.readObjects({ telescopeId: 'demo', plan })).toEqual({ differences: [], enabled: false });
    expect(await gateway.client.setEnabled('target', grant.targetGuid!, true)).toMatchObject({
      outcome: 'refused',
      how: 'gate',
      message: 'not_allowed',
    });
    expect(await activities.enableTarget({ grant, key: 'e' })).toMatchObject({ outcome: 'done' });
    await until(() => sim.world.roboTarget.run !== null, 5_000, 'the target runs');
    expect(await activities.stopTarget({ grant, key: 's' })).toMatchObject({ outcome: 'done' });
    expect(commands(sim).flatMap((c) => (c.method!.endsWith('.list') ? [] : [c.method]))).toEqual([
      'Xset.add',
      'Xtarget.add',
      'Xshot.add',
      'Xtarget.status',
      'Xtarget.status',
      'Abort',
    ]);
  });

  scenario(
    'other people’s targets are disabled for the slot, the running one stopped, and all enabled again',
    async () => {
      const sim = await observatory();
      const { activities } = await gatewayOn(sim);
      const owner = sim.addTarget({ name: 'Owner', quantity: 50 });
      sim.addTarget({ name: 'Asleep', enabled: false });
      await until(() => effectsOf(sim).includes('sequence.start'), 5_000, 'the owner’s target runs');
      const { grant } = booking(sim);
      await activities.registerGrant(grant);
      expect(await activities.observe({ grant })).toMatchObject({ running: 'foreign' });
      expect(await activities.borrowSky({ grant, key: 'borrow' })).toMatchObject({
        outcome: 'done',
        borrowed: [{ guid: owner.targetGuid, name: 'Owner' }],
      });
      await until(() => sim.world.roboTarget.run === null, 5_000, 'it stopped');
      const from = lastEntry(sim);
      expect(await activities.borrowSky({ grant, key: 'borrow' })).toMatchObject({
        outcome: 'done',
        borrowed: [{ guid: owner.targetGuid }],
      });
      expect(commands(sim, from)).toEqual([]);
      expect(await activities.returnSky({ telescopeId: 'demo', bookingId: 'b-1' })).toMatchObject({ outcome: 'done' });
      expect(await activities.returnSky({ telescopeId: 'demo', bookingId: 'b-1' })).toMatchObject({ outcome: 'done' });
      expect(sim.world.store.find('targets', owner.targetGuid)!.row.Status).toBe(0);
      expect(commands(sim, from).map((c) => c.effect)).toEqual(['target.enable']);
    },
  );

  scenario('what was borrowed waits for the weather, and is then given back by the gateway itself', async () => {
    const sim = await observatory();
    const { activities, gateway } = await gatewayOn(sim);
    const owner = sim.addTarget({ name: 'Owner' });
    const { grant } = booking(sim);
    await activities.registerGrant(grant);
    expect(await activities.borrowSky({ grant, key: 'borrow' })).toMatchObject({ outcome: 'done' });
    sim.world.weather.set({ cloud_percent: 70 });
    await until(() => gateway.weather.whyNotStart() === 'weather_hold', 10_000, 'the clouds are known');
    const from = lastEntry(sim);
    expect(await activities.returnSky({ telescopeId: 'demo', bookingId: 'b-1' })).toMatchObject({
      outcome: 'unknown',
      reason: 'weather_hold',
    });
    expect(commands(sim, from)).toEqual([]);
    await activities.revokeGrant({ telescopeId: 'demo', bookingId: 'b-1' });
    sim.world.weather.set({ cloud_percent: 0 });
    await until(() => gateway.borrowed.all().length === 0, 60_000, 'given back');
    expect(sim.world.store.find('targets', owner.targetGuid)!.row.Status).toBe(0);
  });

  scenario(
    'an earlier session’s target that was left enabled is disabled for the slot and not given back',
    async () => {
      const sim = await observatory();
      const { activities, gateway } = await gatewayOn(sim);
      const earlier = booking(sim, { id: 'b-0' });
      await activities.registerGrant(earlier.grant);
      await activities.ensureObjects({ grant: earlier.grant, plan: earlier.plan });
      await activities.enableTarget({ grant: earlier.grant, key: 'b-0/enable' });
      gateway.grants.end('b-0', 'over');
      const { grant } = booking(sim);
      await activities.registerGrant(grant);
      expect(await activities.borrowSky({ grant, key: 'borrow' })).toMatchObject({ outcome: 'done', borrowed: [] });
      await activities.returnSky({ telescopeId: 'demo', bookingId: 'b-1' });
      expect(sim.world.store.find('targets', earlier.target)!.row.Status).toBe(1);
    },
  );

  scenario('where others’ targets may not be touched the slot does not start and says whose it is', async () => {
    const sim = await observatory();
    const { activities } = await gatewayOn(sim, { telescope: { policy: { disable_foreign_targets: false } } });
    sim.addTarget({ name: 'Owner' });
    const { grant } = booking(sim);
    await activities.registerGrant(grant);
    expect(await activities.borrowSky({ grant, key: 'borrow' })).toMatchObject({
      outcome: 'refused',
      reason: 'foreign_target',
      message: 'in the way: ‹Owner›',
      borrowed: [],
    });
    expect(commands(sim)).toEqual([]);
  });

  scenario('site check: another profile and other filters are named, both sides', async () => {
    const sim = await observatory({ profile: 'Other.v2y', filters: ['Lum', 'R', 'G', 'B', 'Ha', 'OIII'] });
    const { activities } = await gatewayOn(sim);
    expect(await activities.checkSite({ telescopeId: 'demo', bookingId: 'b-1' })).toMatchObject({
      ok: false,
      problems: [
        {
          reason: 'profile_mismatch',
          message: 'Voyager has profile "Other.v2y" loaded; this telescope is set to "Default.v2y".',
        },
        { reason: 'filter_mismatch', message: 'filter 0 is "L" for this telescope and "Lum" in Voyager.' },
        { reason: 'filter_mismatch', message: 'filter 6 is "SII" for this telescope and missing in Voyager.' },
      ],
    });
  });

  scenario(
    'the owner’s own routes: create, read, change, enable, delete, each once per command id, and never a session’s target',
    async () => {
      const sim = await observatory();
      const { activities } = await gatewayOn(sim);
      const { grant, plan, target } = booking(sim, { id: 'b-own', start: 900, end: 1800 });
      const ask = (commandId: string, part: object) =>
        activities.roboTarget({ telescopeId: 'demo', commandId, requestedBy: 'server', ...part } as Parameters<
          typeof activities.roboTarget
        >[0]);
      const guid = '22222222-0000-4000-8000-000000000001';
      const body = { Guid: guid, Name: 'Owner set', ProfileName: 'Default.v2y', Status: 0, Tag: 'x' };
      expect(await ask('c1', { op: 'create', object: 'set', guid, body })).toMatchObject({
        outcome: 'done',
        items: [body],
      });
      expect(await ask('c1', { op: 'create', object: 'set', guid, body })).toMatchObject({
        outcome: 'done',
        items: [body],
      });
      expect(await ask('c2', { op: 'create', object: 'set', guid, body })).toMatchObject({
        outcome: 'refused',
        reason: 'refused_by_voyager',
      });
      expect(await ask('c3', { op: 'update', object: 'set', guid, body: { ...body, Tag: 'y' } })).toMatchObject({
        outcome: 'done',
        items: [{ Tag: 'y' }],
      });
      expect((await ask('r1', { op: 'list', object: 'set' })).items).toEqual([{ ...body, Tag: 'y' }]);
      expect(await ask('c4', { op: 'disable', object: 'set', guid })).toMatchObject({
        outcome: 'done',
        items: [{ Status: 1 }],
      });
      expect(await ask('c5', { op: 'delete', object: 'set', guid })).toEqual({
        outcome: 'done',
        reason: null,
        message: null,
        items: [],
      });
      expect((await ask('r2', { op: 'get', object: 'set', guid })).items).toEqual([]);
      await activities.registerGrant(grant);
      await activities.ensureObjects({ grant, plan });
      expect(await ask('c6', { op: 'enable', object: 'target', guid: target })).toMatchObject({
        outcome: 'refused',
        reason: 'not_allowed',
      });
      expect(repeated(sim)).toEqual([]);
    },
  );
});
