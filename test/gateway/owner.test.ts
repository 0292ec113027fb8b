import { cpSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { Grant } from '../../domain/ports.ts';
import { startPostgres } from '../support/postgres.ts';
import {
  booking,
  commands,
  folder,
  gatewayOn,
  lastEntry,
  observatory,
  Proxy,
  scenario,
  sleep,
  until,
  type Setup,
} from './harness.ts';

/** What an old gateway, a restored folder and a second gateway may not do (docs/safety.md, 5 and 6), from the simulator's own log. */

let postgres: Awaited<ReturnType<typeof startPostgres>>;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** A session whose target runs; its window in RoboTarget is its slot. */
async function running(setup: Setup, id: string, end: number, revision = 1): Promise<ReturnType<typeof booking>> {
  const made = booking(setup.sim, {
    id,
    end,
    windowEnd: end,
    quantity: 500,
    exposure: 2,
    telescopeId: setup.gateway.id,
  });
  made.grant.revision = revision;
  expect(await setup.activities.registerGrant(made.grant)).toMatchObject({ outcome: 'done' });
  await setup.activities.ensureObjects({ grant: made.grant, plan: made.plan });
  await setup.activities.enableTarget({ grant: made.grant, key: `${id}/enable` });
  await until(() => setup.sim.world.roboTarget.run !== null, 5_000, 'the target runs');
  return made;
}
/** The guest extends: a new revision of the grant, and Voyager's window is put right. */
async function extend(setup: Setup, made: ReturnType<typeof booking>, end: number): Promise<Grant> {
  const grant = { ...made.grant, end: new Date(Date.now() + end * 1000).toISOString(), revision: 2 };
  expect(await setup.activities.registerGrant(grant)).toMatchObject({ outcome: 'done' });
  const plan = { ...made.plan, target: { ...made.plan.target, C_DateEnd: Math.floor(Date.now() / 1000) + end } };
  expect(await setup.activities.ensureObjects({ grant, plan })).toMatchObject({ outcome: 'done' });
  return grant;
}
/** Nothing was sent since, the target is enabled, and RoboTarget takes it again once the window that it began with is over. */
async function goesOn(setup: Setup, target: string, from: number): Promise<void> {
  expect(commands(setup.sim, from)).toEqual([]);
  expect(setup.sim.world.store.find('targets', target)!.row.Status).toBe(0);
  await until(() => setup.sim.world.roboTarget.run !== null, 10_000, 'the target runs on');
  expect(commands(setup.sim, from)).toEqual([]);
}
const copyOf = (setup: Setup): string => {
  const to = folder();
  cpSync(setup.folder, to, { recursive: true });
  return to;
};

describe('old knowledge of a slot', () => {
  scenario('a gateway that lost only PostgreSQL takes an extension and goes on past the old end', async () => {
    const { proxy, url } = await Proxy.before(postgres.url);
    const setup = await gatewayOn(await observatory(), { databaseUrl: url, sole: true, telescope: { id: 'extended' } });
    const made = await running(setup, 'b-extended', 12);
    proxy.cut();
    await extend(setup, made, 600);
    const from = lastEntry(setup.sim);
    await sleep(Date.parse(made.grant.end) + 3_000 - Date.now());
    await goesOn(setup, made.target, from);
  });

  scenario('a folder from before the extension stops nothing that Voyager’s own window does not confirm', async () => {
    const sim = await observatory();
    const first = await gatewayOn(sim);
    const made = await running(first, 'b-restored', 12);
    const old = copyOf(first);
    await extend(first, made, 600);
    await first.gateway.stop('killed');
    const second = await gatewayOn(sim, { folder: old });
    expect(second.gateway.grants.find('b-restored')).toMatchObject({ revision: 1, end: made.grant.end });
    const from = lastEntry(sim);
    await sleep(Date.parse(made.grant.end) + 3_000 - Date.now());
    await goesOn(second, made.target, from);
  });

  scenario(
    'a folder from before the extension learns from PostgreSQL what it lacks, before it ends a slot',
    async () => {
      const sim = await observatory();
      const options = { databaseUrl: postgres.url, telescope: { id: 'learns' } };
      const first = await gatewayOn(sim, options);
      const made = await running(first, 'b-learns', 4);
      const old = copyOf(first);
      const grant = await extend(first, made, 600);
      await first.gateway.stop('killed');
      await sleep(Math.max(0, Date.parse(made.grant.end) + 500 - Date.now()));
      const from = lastEntry(sim);
      const second = await gatewayOn(sim, { ...options, folder: old });
      await until(() => second.ownership.length > 0, 5_000, 'the second owns');
      await sleep(2_500);
      expect(second.gateway.grants.find('b-learns')).toMatchObject({ revision: 2, end: grant.end, state: 'active' });
      await goesOn(second, made.target, from);
    },
  );

  scenario('a folder in which a session still runs that was given back since learns that too', async () => {
    const sim = await observatory();
    const options = { databaseUrl: postgres.url, telescope: { id: 'given' } };
    const first = await gatewayOn(sim, options);
    const made = await running(first, 'b-given', 600);
    const old = copyOf(first);
    await first.activities.stopTarget({ grant: made.grant, key: 'stop' });
    await first.activities.revokeGrant({ telescopeId: 'given', bookingId: 'b-given' });
    await first.gateway.stop('killed');
    const second = await gatewayOn(sim, { ...options, folder: old });
    await until(() => second.ownership.length > 0, 5_000, 'the second owns');
    expect(second.gateway.grants.find('b-given')!.state).toBe('revoked');
    expect(await second.activities.enableTarget({ grant: made.grant, key: 'again' })).toMatchObject({
      outcome: 'refused',
      reason: 'session_over',
    });
  });
});

describe('a second gateway that was told to be the only one', () => {
  scenario('never takes the telescope when it loses PostgreSQL, and after its restart neither', async () => {
    const { proxy, url } = await Proxy.before(postgres.url);
    const sim = await observatory();
    const telescope = { id: 'twice' };
    const first = await gatewayOn(sim, { databaseUrl: postgres.url, sole: true, telescope });
    const made = await running(first, 'b-twice', 600);
    const second = await gatewayOn(sim, { databaseUrl: url, sole: true, telescope, start: false });
    second.gateway.start();
    await until(() => second.gateway.lease.contested, 5_000, 'the second knows the first');
    proxy.cut();
    const from = lastEntry(sim);
    // Longer than any lease, and longer than the ten seconds after which it was once forgotten.
    await sleep(13_000);
    expect([second.gateway.lease.owns(), second.gateway.lease.contested, second.ownership]).toEqual([false, true, []]);
    await second.gateway.stop('restart');
    const again = await gatewayOn(sim, {
      databaseUrl: url,
      sole: true,
      telescope,
      start: false,
      folder: second.folder,
    });
    again.gateway.start();
    await sleep(4_000);
    expect([again.gateway.lease.owns(), again.ownership]).toEqual([false, []]);
    await goesOn(first, made.target, from);
    proxy.thaw();
    await first.gateway.stop('over');
    await until(() => again.gateway.lease.owns(), 15_000, 'it takes over when PostgreSQL shows nobody else');
  });

  scenario('a gateway that was killed and finds its own lease is nobody’s rival: alone it goes on', async () => {
    const { proxy, url } = await Proxy.before(postgres.url);
    const sim = await observatory();
    const telescope = { id: 'itself' };
    const first = await gatewayOn(sim, { databaseUrl: url, sole: true, telescope });
    await until(() => first.gateway.lease.state === 'held', 5_000, 'held');
    // Killed: the row stays, since nobody lets go of it.
    const dead = copyOf(first);
    const second = await gatewayOn(sim, { databaseUrl: url, sole: true, telescope, folder: dead, start: false });
    second.gateway.start();
    await sleep(1_500);
    expect(second.gateway.lease.contested).toBe(false);
    proxy.cut();
    await until(() => second.gateway.lease.owns(), 10_000, 'sole');
  });
});

describe('the last frame', () => {
  scenario('whose record comes after the session gave the telescope back is journaled under its booking', async () => {
    const setup = await gatewayOn(await observatory());
    const made = await running(setup, 'b-late', 600);
    const seen: { kind: string; bookingId: string | null }[] = [];
    const { journal } = setup.gateway;
    const append = journal.append.bind(journal);
    journal.append = (kind, data, bookingId, at) => {
      seen.push({ kind, bookingId: bookingId ?? null });
      return append(kind, data, bookingId, at);
    };
    const records = (): number => setup.sim.world.store.doneOf(made.target).length;
    await until(() => records() > 0, 30_000, 'the first frame has its record');
    setup.sim.inject({ kind: 'late_shot_done', seconds: 3 });
    await until(() => setup.gateway.state().exposure?.status === 'EXPOSE', 10_000, 'an exposure is under way');
    // RoboTarget lets the exposure end; its record comes seconds after its file.
    await setup.activities.disableTarget({ grant: made.grant, key: 'off' });
    await setup.activities.revokeGrant({ telescopeId: 'demo', bookingId: 'b-late' });
    seen.length = 0;
    await until(() => seen.some(({ kind }) => kind === 'frame'), 20_000, 'the last file is written');
    await until(
      () => seen.some(({ kind, bookingId }) => kind === 'shot_done' && bookingId === 'b-late'),
      15_000,
      'its record',
    );
  });
});
