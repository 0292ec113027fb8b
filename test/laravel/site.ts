import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { projectPath } from '../../platform/paths.ts';

/** PHP 8 with Debian's Laravel and PHPUnit; without them the tests of the Laravel package skip, and say so. */
export const LARAVEL = ((): boolean => {
  const probe =
    "foreach (['Illuminate/autoload.php', 'GuzzleHttp/autoload.php', 'PHPUnit/Autoload.php'] as $f) if (!stream_resolve_include_path($f)) exit(1); exit(PHP_VERSION_ID >= 80100 && extension_loaded('pdo_sqlite') && extension_loaded('curl') ? 0 : 1);";
  if (spawnSync('php', ['-r', probe], { timeout: 10_000 }).status === 0) return true;
  console.warn(
    'SKIPPED: the tests of the Laravel package need PHP 8.1 or later (packages "php-cli php-curl php-mbstring php-xml php-sqlite3 phpunit php-laravel-framework php-guzzlehttp-guzzle").',
  );
  return false;
})();

/** Debian's PHP_CodeSniffer. */
export const PHPCS = ['/usr/bin/phpcs'].find((path) => existsSync(path)) ?? null;
if (PHPCS === null) console.warn('SKIPPED: the check of PSR-12 needs the package "php-codesniffer".');

export const EXAMPLE = projectPath('clients', 'laravel', 'example');
/** Key of the example site in tests. */
export const APP_KEY = `base64:${Buffer.alloc(32, 'k').toString('base64')}`;

/** Runs a PHP program to its end. */
export function php(
  args: string[],
  env: NodeJS.ProcessEnv = {},
  input?: string,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('php', args, { cwd: projectPath(), env: { PATH: process.env.PATH, ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
    child.stdin.end(input ?? '');
  });
}

export interface Site {
  url: string;
  stop(): Promise<void>;
}
/** The example site on PHP's own server, with its database migrated. */
export async function startSite(folder: string, port: number, env: NodeJS.ProcessEnv): Promise<Site> {
  const url = `http://127.0.0.1:${port}`;
  const storage = join(folder, 'storage');
  mkdirSync(storage, { recursive: true });
  const database = join(folder, 'site.sqlite');
  closeSync(openSync(database, 'a'));
  const full = { APP_KEY, APP_URL: url, EXAMPLE_STORAGE: storage, DB_DATABASE: database, APP_DEBUG: 'true', ...env };
  const migrated = await php([join(EXAMPLE, 'artisan'), 'migrate', '--force'], full);
  if (migrated.code !== 0) throw new Error(`the site could not be migrated:\n${migrated.output}`);
  const child = spawn(
    'php',
    ['-S', `127.0.0.1:${port}`, '-t', join(EXAMPLE, 'public'), join(EXAMPLE, 'public', 'server.php')],
    {
      env: { PATH: process.env.PATH, PHP_CLI_SERVER_WORKERS: '4', ...full },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    },
  );
  await new Promise<void>((resolve, reject) => {
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()).includes('started') && resolve());
    child.once('exit', (code) => reject(new Error(`php ended with ${code}: ${output}`)));
  });
  return {
    url,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      // The workers of PHP's server are of its group.
      process.kill(-child.pid!, 'SIGTERM');
      await ended;
    },
  };
}
