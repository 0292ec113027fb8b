import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectPg } from '../../platform/database.ts';
import { freePort } from '../../stack/ports.ts';
import { initPostgres, postgresUrl, spawnPostgres, waitForPostgres } from '../../stack/postgres.ts';
import { handOver } from '../../stack/run-as.ts';
import { closeFolder, loadSecrets } from '../../stack/secrets.ts';

/** What other accounts of the same machine can do with an installation of `npm start`: nothing. */

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nocturne-secrets-'));
  handOver(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const mode = (path: string): number => statSync(path).mode & 0o777;

describe('the embedded PostgreSQL', () => {
  const password = 'the-password-of-this-test';
  async function answers(data: string): Promise<string[]> {
    const port = await freePort();
    const server = await spawnPostgres(data, port);
    const ended = new Promise((resolve) => server.once('exit', resolve));
    try {
      await waitForPostgres(port, password);
      const said = (word: string) =>
        connectPg(postgresUrl(port, word), () => undefined).then(
          async (client) => (await client.end(), 'comes in'),
          (thrown: { code?: string }) => thrown.code ?? 'refused',
        );
      return await Promise.all([said(''), said('another-password'), said(password)]);
    } finally {
      server.kill('SIGINT');
      await ended;
    }
  }
  test('lets nobody in without its password, a folder of an earlier version neither', async () => {
    const data = join(folder, 'postgres');
    expect(await initPostgres(data, password)).toBe(true);
    expect((await answers(data)).at(-1)).toBe('comes in');
    writeFileSync(join(data, 'pg_hba.conf'), 'host all all 127.0.0.1/32 trust\n');
    expect(await initPostgres(data, password)).toBe(false);
    const [none, wrong, right] = await answers(data);
    expect({ none, wrong, right }).toEqual({
      none: expect.not.stringMatching('comes in'),
      wrong: '28P01',
      right: 'comes in',
    });
  }, 60_000);
});

describe('the data folder', () => {
  test('and what was in it is closed to others, and its secrets go on through a new version', () => {
    const data = join(folder, 'data');
    mkdirSync(join(data, 'logs'), { recursive: true });
    writeFileSync(join(data, 'demo.json'), '{}');
    for (const [path, open] of [
      [data, 0o755],
      [join(data, 'logs'), 0o777],
      [join(data, 'demo.json'), 0o644],
    ] as const)
      chmodSync(path, open);
    const before = process.umask();
    try {
      expect(closeFolder(data)).toBe(before);
      expect([mode(data) & 0o066, mode(join(data, 'logs')), mode(join(data, 'demo.json'))]).toEqual([0, 0o700, 0o600]);
      const { postgres_password: made, ...older } = loadSecrets(data);
      expect(mode(join(data, 'secrets.json'))).toBe(0o600);
      writeFileSync(join(data, 'secrets.json'), JSON.stringify(older));
      const again = loadSecrets(data);
      expect(again).toMatchObject(older);
      expect(again.postgres_password).not.toBe(made);
      expect(loadSecrets(data)).toEqual(again);
      expect(JSON.parse(readFileSync(join(data, 'secrets.json'), 'utf8'))).toEqual(again);
    } finally {
      process.umask(before);
    }
  });
});
