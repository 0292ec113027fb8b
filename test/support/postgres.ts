import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectPg } from '../../platform/database.ts';

export interface TestDatabase {
  url: string;
  /** Ends what is connected and removes the database. */
  stop(): Promise<void>;
}

/** The address of the run's server; who asks first starts it. */
async function sharedServer(folder: string): Promise<string> {
  let first = true;
  try {
    mkdirSync(join(folder, 'lock'));
  } catch {
    first = false;
  }
  if (first) {
    const keeper = fileURLToPath(new URL('./postgres-keeper.ts', import.meta.url));
    const log = openSync(join(folder, 'keeper.log'), 'a');
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', keeper, folder, process.env.NOCTURNE_TEST_RUN_PID ?? ''],
      {
        detached: true,
        stdio: ['ignore', log, log],
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    );
    child.unref();
    writeFileSync(join(folder, 'keeper.pid'), String(child.pid));
  }
  const file = join(folder, 'url');
  for (const end = Date.now() + 60_000; !existsSync(file); await wait(50))
    if (Date.now() > end)
      throw new Error(`the shared PostgreSQL did not start: ${readFileSync(join(folder, 'keeper.log'), 'utf8')}`);
  return readFileSync(file, 'utf8');
}

/** A migrated and empty database of its own on the server that the run's files share. A test that kills its server starts one with `stack/own-postgres.ts`. */
export async function startPostgres(): Promise<TestDatabase> {
  const folder = process.env.NOCTURNE_TEST_RUN;
  if (!folder)
    throw new Error('startPostgres belongs to a run of jest, whose globalSetup names a folder (test/support/run.mjs)');
  const url = new URL(await sharedServer(folder));
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = async (statement: string): Promise<void> => {
    const client = await connectPg(Object.assign(new URL(url), { pathname: '/postgres' }).href, () => undefined);
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await admin(`CREATE DATABASE ${name} TEMPLATE nocturne STRATEGY FILE_COPY`);
  return {
    url: Object.assign(new URL(url), { pathname: `/${name}` }).href,
    stop: () => admin(`DROP DATABASE ${name} WITH (FORCE)`),
  };
}
