import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { BorrowedSky } from '../../gateway/telescope/borrowed.ts';
import { CommandLog } from '../../gateway/telescope/command-log.ts';
import { DatabaseCopies } from '../../gateway/telescope/database-copies.ts';
import { done } from '../../gateway/telescope/outcomes.ts';
import { StateFile } from '../../gateway/telescope/state-file.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { startPostgres } from '../support/postgres.ts';
import { emptied } from '../support/emptied.ts';

/** A gateway whose state folder is from before: what PostgreSQL knows better stands. */

const logger = createLogger('restored', 'silent');
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let db: Database;
let folder: string;
let now = Date.UTC(2026, 0, 10, 20);
beforeAll(async () => {
  postgres = await startPostgres();
  db = createDatabase(postgres.url, logger, 2);
}, 60_000);
afterAll(async () => {
  await db?.$disconnect();
  await postgres?.stop();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nocturne-restored-'));
  await emptied(db, 'voyager_commands, borrowed_targets');
});

/** A gateway's disk with what it copies to PostgreSQL; `end` waits until all of it is there. */
function gateway() {
  const file = new StateFile(join(folder, 'state.jsonl'));
  const copies = new DatabaseCopies('t1', logger);
  const clock = (): number => (now += 1_000);
  const commands = new CommandLog(file, 't1', db, copies, clock);
  const borrowed = new BorrowedSky(file, 't1', db, copies, clock);
  const end = async (): Promise<void> => {
    await copies.stop();
    await file.close();
  };
  return { commands, borrowed, end };
}
const keepFolder = (): void => copyFileSync(join(folder, 'state.jsonl'), join(folder, 'before'));
const restoreFolder = (): void => copyFileSync(join(folder, 'before'), join(folder, 'state.jsonl'));

describe('commands', () => {
  test('a finished one is neither open nor repeated again, whether the old folder knew it or not', async () => {
    const first = gateway();
    await first.commands.begin('enable/1', 'enable', 'b', 'T1');
    await first.end();
    keepFolder();
    const second = gateway();
    second.commands.finish('enable/1', done());
    await second.commands.begin('disable/2', 'disable', 'b', 'T1');
    second.commands.finish('disable/2', done());
    await second.end();
    restoreFolder();
    const third = gateway();
    await third.commands.adopt();
    expect(third.commands.open()).toEqual([]);
    expect(third.commands.find('disable/2')).toMatchObject({ state: 'done', result: { outcome: 'done' } });
    expect(third.commands.lastOf('t1')).toMatchObject({ key: 'disable/2' });
    await third.end();
    expect(
      (await db.voyagerCommand.findMany({ orderBy: { key: 'asc' } })).map(({ key, state }) => [key, state]),
    ).toEqual([
      ['disable/2', 'done'],
      ['enable/1', 'done'],
    ]);
    rmSync(folder, { recursive: true });
  });
  test('an outcome that PostgreSQL has missed is brought there at the next start', async () => {
    const first = gateway();
    await first.commands.begin('enable/1', 'enable', 'b', 'T1');
    first.commands.finish('enable/1', done());
    await first.end();
    await db.voyagerCommand.update({ where: { key: 'enable/1' }, data: { state: 'sent' } });
    await gateway().end();
    expect(await db.voyagerCommand.findUnique({ where: { key: 'enable/1' } })).toMatchObject({ state: 'done' });
    rmSync(folder, { recursive: true });
  });
});

describe('other people’s targets', () => {
  test('one that was given back since is not given back again; one that was borrowed since is owed', async () => {
    const first = gateway();
    await first.borrowed.add('b', [{ guid: 'owner-1', name: 'Owner’s' }]);
    await first.end();
    keepFolder();
    const second = gateway();
    second.borrowed.returned('b', 'owner-1');
    await second.borrowed.add('c', [{ guid: 'owner-2', name: 'Another' }]);
    await second.end();
    restoreFolder();
    const third = gateway();
    expect(third.borrowed.all().map(({ guid }) => guid)).toEqual(['owner-1']);
    await third.borrowed.adopt();
    expect(third.borrowed.all().map(({ guid, bookingId }) => [guid, bookingId])).toEqual([['owner-2', 'c']]);
    await third.end();
    rmSync(folder, { recursive: true });
  });
});
