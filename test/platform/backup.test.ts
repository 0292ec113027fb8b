import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createBackupActivities } from '../../activities/backup.ts';
import { makeBackup } from '../../platform/backup/make.ts';
import {
  expireBackups,
  listBackups,
  readManifest,
  writeManifest,
  type Manifest,
} from '../../platform/backup/manifest.ts';
import {
  beginAfterRestore,
  checkFiles,
  ensureDatabase,
  filledTables,
  openBackup,
  restoreDatabase,
  restoreFiles,
  verifyBackup,
} from '../../platform/backup/restore.ts';
import { connectPlain, digestOf, tablesOf } from '../../platform/backup/tables.ts';
import { loadConfig } from '../../platform/config.ts';
import { connectPg } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { migrate } from '../../platform/migrate.ts';
import { projectPath } from '../../platform/paths.ts';
import { backupFinding } from '../../scripts/doctor/findings.ts';
import { startPostgres } from '../../stack/own-postgres.ts';
import { loadSecrets } from '../../stack/secrets.ts';

const PASSPHRASE = 'a passphrase of the test';
let server: Awaited<ReturnType<typeof startPostgres>>;
let folder: string;
let root: string;
let dataDir: string;
let made = 0;
let secret: string;

const sql = async (url: string, text: string): Promise<Record<string, unknown>[]> => {
  const client = await connectPg(url, () => undefined);
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
};
/** A database of its own on the test's server; not made yet. */
const another = (): string => {
  const url = new URL(server.url);
  url.pathname = `/restored_${++made}`;
  return url.href;
};
const digests = async (url: string): Promise<Record<string, string>> => {
  const client = await connectPlain(url);
  const found: Record<string, string> = {};
  for (const shape of await tablesOf(client)) found[shape.name] = (await digestOf(client, shape)).sha256;
  await client.end();
  return found;
};

beforeAll(async () => {
  server = await startPostgres();
  folder = mkdtempSync(join(tmpdir(), 'nocturne-backup-'));
  // Credits, which a trigger holds when a booking is written and must not hold again when it comes back.
  // Texts that a careless format would change: line ends, tabs, backslashes, empty beside null, fractions of a second, far floats, arrays.
  await sql(
    server.url,
    `INSERT INTO users (ref, display_name, email, created_at) VALUES ('u1', E'Zoë\\tde\\nLune \\\\N', '', '2026-02-01 00:00:00.123+02'), ('u2', NULL, NULL, now());
     INSERT INTO telescopes (id, config) VALUES ('t1', '{"name": "é \\n"}');
     INSERT INTO bookings (id, telescope_id, starts_at, ends_at, blocked_until, user_ref, target, shots, constraints, credits, body_hash)
       SELECT 'b' || n, 't1', timestamptz '2026-02-01' + n * interval '1 h', timestamptz '2026-02-01' + (n + 1) * interval '1 h',
         timestamptz '2026-02-01' + (n + 1) * interval '1 h', 'u1', '{}', '[]', '{}', '{"charged": 12.5}', 'h' FROM generate_series(1, 300) n;
     INSERT INTO sessions (booking_id, telescope_id, workflow_id, phase) SELECT id, 't1', 'booking-' || id, 'scheduled' FROM bookings;
     INSERT INTO timeline (id, booking_id, at, event, message, data) SELECT 'l' || n, 'b1', now(), 'x', repeat('night ', 50), '{}' FROM generate_series(1, 3000) n;
     INSERT INTO frames (id, telescope_id, source_key, source_path, filename, type, exposure, histogram)
       VALUES ('f1', 't1', 'k', 'C:\\Voyager\\a.fit', 'a.fit', 'LIGHT', 0.1, '{1,2,3}'), ('f2', 't1', 'k2', 'p', 'b.fit', 'LIGHT', 1e-300, '{}');
     INSERT INTO event_counters (booking_id, epoch, seq) VALUES ('b1', 1, 42)`,
  );
}, 60_000);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);
beforeEach(() => {
  root = join(folder, `backups-${++made}`);
  dataDir = join(folder, `data-${made}`);
  mkdirSync(join(dataDir, 'gateway', 't1', 'journal'), { recursive: true });
  writeFileSync(join(dataDir, 'gateway', 't1', 'state.json'), '{"grants": []}');
  writeFileSync(join(dataDir, 'gateway', 't1', 'journal', '1.log'), 'x'.repeat(200_000));
  secret = loadSecrets(dataDir).gateway_secret;
});
const make = (passphrase?: string): ReturnType<typeof makeBackup> =>
  makeBackup({ databaseUrl: server.url, dataDir, root, passphrase });

describe('a backup', () => {
  test.each([
    ['open', undefined],
    ['encrypted', PASSPHRASE],
  ])(
    '%s: comes back into an empty database with the same counts, checksums and numbers to come',
    async (_, passphrase) => {
      const { folder: backup, manifest } = await make(passphrase);
      expect(manifest.tables.find(({ name }) => name === 'timeline')).toMatchObject({ rows: 3000 });
      const url = another();
      expect(await ensureDatabase(url)).toBe(true);
      const open = await openBackup(backup, passphrase);
      await checkFiles(open);
      expect((await restoreDatabase(open, { url })).rows).toBeGreaterThan(3600);
      expect(await digests(url)).toEqual(await digests(server.url));
      const next = (at: string) => sql(at, `SELECT nextval('timeline_position_seq') AS n`);
      expect(await next(url)).toEqual(await next(server.url));
      expect(await sql(url, `SELECT display_name, email FROM users ORDER BY ref`)).toEqual([
        { display_name: 'Zoë\tde\nLune \\N', email: '' },
        { display_name: null, email: null },
      ]);
      await beginAfterRestore(url);
      expect(await sql(url, 'SELECT epoch, seq FROM event_counters')).toEqual([{ epoch: 2, seq: 42 }]);
    },
  );

  test('holds the gateways’ state, and the installation’s secrets only when it is encrypted', async () => {
    for (const [passphrase, paths] of [
      [undefined, ['gateway/t1/journal/1.log', 'gateway/t1/state.json']],
      [PASSPHRASE, ['gateway/t1/journal/1.log', 'gateway/t1/state.json', 'secrets.json']],
    ] as const) {
      const { folder: backup, manifest } = await makeBackup({
        databaseUrl: server.url,
        dataDir,
        root: `${root}-${paths.length}`,
        passphrase,
      });
      expect(manifest.files.map(({ path }) => path)).toEqual(paths);
      const back = join(folder, `back-${paths.length}`);
      await restoreFiles(await openBackup(backup, passphrase), back, false);
      for (const path of paths) expect(readFileSync(join(back, path))).toEqual(readFileSync(join(dataDir, path)));
    }
  });

  test('encrypted, shows nothing of a person and does not open under another passphrase', async () => {
    const { folder: backup } = await make(PASSPHRASE);
    const shown = new RegExp(`de.{1,4}Lune|C:\\\\|${secret}`);
    for (const name of readdirSync(backup)) {
      const text = readFileSync(join(backup, name), 'latin1');
      expect([name, shown.test(text)]).toEqual([name, false]);
      // A gzip would show itself by its first two bytes.
      if (name.endsWith('.gz')) expect([name, text.startsWith('\x1f\x8b\x08\x00')]).toEqual([name, false]);
    }
    await expect(openBackup(backup)).rejects.toThrow('BACKUP_PASSPHRASE');
    await expect(openBackup(backup, 'another passphrase')).rejects.toThrow('not the one');
  });

  test.each([undefined, PASSPHRASE])(
    'that was damaged is refused before anything is touched (passphrase: %s)',
    async (passphrase) => {
      const { folder: backup, manifest } = await make(passphrase);
      const file = join(backup, 'table.timeline.gz');
      const whole = readFileSync(file);
      const flipped = Buffer.from(whole);
      flipped[whole.length >> 1]! ^= 1;
      for (const bytes of [flipped, whole.subarray(0, whole.length - 20), Buffer.alloc(0)]) {
        writeFileSync(file, bytes);
        await expect(checkFiles(await openBackup(backup, passphrase))).rejects.toThrow('table.timeline.gz');
      }
      // Whole again, but the file of another table: its name is part of what is sealed, its checksum of what is not.
      cpSync(join(backup, 'table.frames.gz'), file);
      await expect(checkFiles(await openBackup(backup, passphrase))).rejects.toThrow('table.timeline.gz');
      writeFileSync(file, whole);
      const lied: Manifest = { ...manifest, tables: manifest.tables.filter(({ name }) => name !== 'users') };
      await writeManifest(backup, lied);
      const opened = openBackup(backup, passphrase);
      // Without a passphrase nobody can sign a manifest; a table less is found by the schema.
      const url = another();
      await ensureDatabase(url);
      await expect(opened.then((open) => restoreDatabase(open, { url }))).rejects.toThrow(
        passphrase ? 'manifest.json was changed' : 'schema differs',
      );
      expect(await filledTables(url)).toEqual([]);
    },
  );

  test('never writes over a database that holds anything, unless it is told to', async () => {
    const { folder: backup } = await make();
    const open = await openBackup(backup);
    const url = another();
    await ensureDatabase(url);
    await migrate(url);
    await sql(url, `INSERT INTO users (ref) VALUES ('mine')`);
    await expect(restoreDatabase(open, { url })).rejects.toThrow('not empty (users)');
    expect(await sql(url, 'SELECT ref FROM users')).toEqual([{ ref: 'mine' }]);
    await restoreDatabase(open, { url, overwrite: true });
    expect(await digests(url)).toEqual(await digests(server.url));
  });

  test('the daily one is proven in a database that is gone afterwards, and old ones leave only after that', async () => {
    const config = { ...loadConfig({}), DATABASE_URL: server.url, DATA_DIR: dataDir, BACKUP_PATH: root };
    const at =
      (day: number): (() => Date) =>
      () =>
        new Date(Date.UTC(2026, 0, day));
    const logger = createLogger('test', 'silent');
    for (const day of [1, 2])
      expect(await createBackupActivities({ config, logger, now: at(day) }).makeBackup()).toMatchObject({
        unproven: null,
        removed: 0,
      });
    mkdirSync(join(root, 'nocturne-20260103T000000Z.partial'));
    utimesSync(join(root, 'nocturne-20260103T000000Z.partial'), at(3)(), at(3)());
    expect((await createBackupActivities({ config, logger, now: at(17) }).makeBackup()).removed).toBe(3);
    const known = await listBackups(root);
    expect(known.map(({ manifest }) => [manifest.made_at, manifest.verified_at])).toEqual([
      ['2026-01-17T00:00:00.000Z', '2026-01-17T00:00:00.000Z'],
    ]);
    expect(await sql(server.url, `SELECT datname FROM pg_database WHERE datname LIKE 'nocturne_verify%'`)).toEqual([]);
  });

  test('one that is not proven never pushes out the last that was', async () => {
    const { folder: backup } = await make();
    const manifest = await readManifest(backup);
    for (const [day, verified] of [
      ['01', true],
      ['02', false],
      ['03', false],
    ] as const) {
      const name = join(root, `nocturne-202501${day}T000000Z`);
      mkdirSync(name);
      const made_at = `2025-01-${day}T00:00:00.000Z`;
      await writeManifest(name, { ...manifest, made_at, verified_at: verified ? made_at : null });
    }
    rmSync(backup, { recursive: true });
    expect((await expireBackups(root, 14)).map((name) => name.slice(-16))).toEqual(['20250102T000000Z']);
  });

  test('without the right to make a database it is made, called unproven, and the doctor says so', async () => {
    await sql(server.url, `CREATE ROLE plain LOGIN PASSWORD 'plain'; GRANT pg_read_all_data TO plain`);
    const address = new URL(server.url);
    address.username = address.password = 'plain';
    const url = address.href;
    const { folder: backup } = await makeBackup({ databaseUrl: url, dataDir, root });
    expect(await verifyBackup(await openBackup(backup), url)).toMatch(/permission denied/);
    const known = (await listBackups(root)).map(({ manifest }) => manifest);
    const now = Date.parse(known[0]!.made_at);
    expect(backupFinding(root, known, now)).toMatchObject({ state: 'warning', detail: /never restored/ });
    const proven = known.map((one) => ({ ...one, verified_at: one.made_at }));
    expect(backupFinding(root, proven, now)).toMatchObject({ state: 'ok' });
    expect(backupFinding(root, proven, now + 40 * 3_600_000)).toMatchObject({ state: 'warning', detail: /40 h old/ });
    expect(backupFinding(root, [], now)).toMatchObject({ state: 'warning', detail: /there is none/ });
  });
});

describe('docs/backup.md', () => {
  test('its two commands save a running installation and bring it back on an empty machine', async () => {
    const { build } = (await import(projectPath('scripts', 'build.mjs'))) as { build: () => Promise<unknown> };
    await build();
    const told = [...readFileSync(projectPath('docs', 'backup.md'), 'utf8').matchAll(/```sh\n(.+)\n```/g)].map(
      (m) => m[1]!,
    );
    expect(told).toEqual(['npm run backup -- --to /mnt/backups', 'npm run restore -- /mnt/backups']);
    const run = (line: string, env: Record<string, string>): ReturnType<typeof spawnSync> => {
      const [script = '', ...args] = line.replace('npm run ', '').replaceAll('/mnt/backups', root).split(' ');
      const passed = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ENV_FILE: '' };
      return spawnSync(
        process.execPath,
        [projectPath('dist', 'scripts', `${script}.js`), ...args.filter((one) => one !== '--'), '--json'],
        { encoding: 'utf8', env: { ...passed, BACKUP_PASSPHRASE: PASSPHRASE, ...env } },
      );
    };
    const saved = run(told[0]!, { DATABASE_URL: server.url, DATA_DIR: dataDir });
    expect([saved.stderr, JSON.parse(String(saved.stdout))]).toMatchObject(['', { encrypted: true, unproven: null }]);
    const empty = join(folder, 'empty machine');
    const back = run(told[1]!, { DATA_DIR: empty });
    expect([back.stderr, back.status]).toEqual(['', 0]);
    expect(readFileSync(join(empty, 'secrets.json'), 'utf8')).toContain(secret);
    expect(existsSync(join(empty, 'postgres', 'PG_VERSION'))).toBe(true);
    const url = another();
    const named = run(`${told[1]!} --only database`, { DATA_DIR: empty, DATABASE_URL: url });
    expect([named.stderr, named.status]).toEqual(['', 0]);
    const { event_counters: ours, ...rest } = await digests(url);
    const { event_counters: before, ...was } = await digests(server.url);
    expect(rest).toEqual(was);
    expect(ours).not.toBe(before);
    // A second time neither the database nor the folder is empty.
    for (const only of ['database', 'files']) {
      const again = run(`${told[1]!} --only ${only}`, { DATA_DIR: empty, DATABASE_URL: url });
      expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('not empty')]);
    }
    const watching = await connectPg(url, () => undefined);
    const used = run(`${told[1]!} --only database --force`, { DATA_DIR: empty, DATABASE_URL: url });
    await watching.end();
    expect([used.status, used.stderr]).toEqual([2, expect.stringContaining('Stop our processes first')]);
  }, 300_000);
});
