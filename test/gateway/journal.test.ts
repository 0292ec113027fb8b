import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalEntry } from '../../domain/journal.ts';
import { Journal } from '../../gateway/telescope/journal.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { startPostgres } from '../support/postgres.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let db: Database;
let folder: string;
beforeAll(async () => {
  postgres = await startPostgres();
  db = createDatabase(postgres.url);
  folder = mkdtempSync(join(tmpdir(), 'nocturne-journal-'));
}, 120_000);
afterAll(async () => {
  await db?.$disconnect();
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes frames under an epoch as one run of a gateway with its own folder does, until PostgreSQL has them. */
async function run(telescopeId: string, disk: string, epoch: number, files: string[]): Promise<JournalEntry[]> {
  const drained: JournalEntry[] = [];
  let all: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    all = resolve;
  });
  const journal = new Journal({
    telescopeId,
    folder: join(folder, disk),
    db,
    logger: createLogger('test', 'silent'),
    onDrained: (entries) => {
      drained.push(...entries);
      if (drained.length >= files.length) all();
    },
  });
  journal.beginEpoch(epoch);
  for (const [i, file] of files.entries())
    await journal.append(
      'frame',
      { file, type: 0, voy_type: 'SHOT', seq_target: 'M31' },
      null,
      new Date(Date.UTC(2026, 0, 1) + i),
    );
  journal.start();
  await done;
  await journal.stop();
  return drained;
}
const files = async (telescopeId: string): Promise<string[]> => {
  const rows = await db.journal.findMany({ where: { telescopeId }, orderBy: [{ epoch: 'asc' }, { n: 'asc' }] });
  return rows.map((row) => (row.data as { file: string }).file);
};

test('an epoch that is counted again, by another folder or an older one, loses no frame and keeps the order', async () => {
  await run('t1', 'a', 4, ['a1', 'a2', 'a3']);
  const again = await run('t1', 'b', 4, ['b1', 'b2', 'b3', 'b4', 'b5', 'b6']);
  expect(await files('t1')).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6']);
  const rows = await db.journal.findMany({ where: { telescopeId: 't1', n: { gt: 3 } }, orderBy: { n: 'asc' } });
  expect(again.map((entry) => entry.n)).toEqual(rows.map((row) => row.n));
});

test('what stood already when a drain was cut off stands once, and its session is told', async () => {
  await run('t2', 'c', 7, ['c1', 'c2']);
  // The cursor of the first run is lost with its folder; the same entries come once more, and a new one.
  expect((await run('t2', 'd', 7, ['c1', 'c2', 'c3'])).map((entry) => entry.n)).toEqual([1, 2, 3]);
  expect(await files('t2')).toEqual(['c1', 'c2', 'c3']);
  // Moved ones come again, too.
  await run('t2', 'e', 7, ['e1', 'e2']);
  await run('t2', 'f', 7, ['e1', 'e2', 'e3']);
  expect(await files('t2')).toEqual(['c1', 'c2', 'c3', 'e1', 'e2', 'e3']);
});
