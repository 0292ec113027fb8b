import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';
import { startApi, startPostgres, type RunningApi } from './harness.ts';

/** Makers of clients as strangers use them; each is fetched once into the cache, so this runs in the long form only. */
const LONG = process.env.NOCTURNE_LONG === '1';
const PYTHON = 'openapi-python-client==0.29.1';
const PHP = 'openapi-generator-cli==7.26.0';
const GO = 'github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2';
const has = (command: string, ...args: string[]): boolean => LONG && spawnSync(command, args).status === 0;

(LONG ? describe : describe.skip)('clients that others make from the document', () => {
  const folder = projectPath('.cache', 'generated');
  const document = join(folder, 'openapi.json');
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  const run = (command: string, args: string[], env: NodeJS.ProcessEnv = {}): string =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } });

  beforeAll(async () => {
    mkdirSync(join(folder, 'go'), { recursive: true });
    postgres = await startPostgres();
    api = await startApi(postgres.url);
    writeFileSync(document, JSON.stringify((await api.json('GET', '/openapi.json')).body));
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await postgres?.stop();
  });

  (has('python3', '--version') ? describe : describe.skip)('with Python', () => {
    test('every module is made and imported', () => {
      const python = join(folder, 'venv', 'bin', 'python');
      run('python3', ['-m', 'venv', 'venv']);
      run(python, ['-m', 'pip', 'install', '-q', PYTHON]);
      run(join(folder, 'venv', 'bin', 'openapi-python-client'), [
        'generate',
        '--path',
        document,
        '--output-path',
        'python_client',
        '--overwrite',
        '--meta',
        'none',
      ]);
      const importAll =
        'import importlib, pkgutil, python_client as c; print(sum(1 for m in pkgutil.walk_packages(c.__path__, "python_client.") if importlib.import_module(m.name)))';
      expect(Number(run(python, ['-c', importAll]))).toBeGreaterThan(500);
    }, 600_000);
  });

  (has('java', '-version') && has('php', '--version') ? describe : describe.skip)('with PHP', () => {
    test('every class is made and can be loaded', () => {
      const python = join(folder, 'venv', 'bin', 'python');
      run('python3', ['-m', 'venv', 'venv']);
      run(python, ['-m', 'pip', 'install', '-q', PHP]);
      const jar = run(python, [
        '-c',
        'import openapi_generator_cli as c, os; print(os.path.join(os.path.dirname(c.__file__), "openapi-generator.jar"))',
      ]).trim();
      run('java', ['-jar', jar, 'generate', '-g', 'php', '-i', document, '-o', 'php']);
      const load = `
        require '/usr/share/php/GuzzleHttp/autoload.php';
        error_reporting(E_ALL & ~E_DEPRECATED);
        $lib = getcwd() . '/php/lib/';
        $fileOf = fn ($class) => $lib . str_replace('\\\\', '/', substr($class, strlen('OpenAPI\\\\Client\\\\'))) . '.php';
        spl_autoload_register(fn ($class) => str_starts_with($class, 'OpenAPI') && require $fileOf($class));
        $files = new RegexIterator(new RecursiveIteratorIterator(new RecursiveDirectoryIterator($lib)), '/[.]php$/');
        $loaded = 0;
        foreach ($files as $file) {
            $class = 'OpenAPI\\\\Client\\\\' . str_replace('/', '\\\\', substr($file, strlen($lib), -4));
            $loaded += class_exists($class) || interface_exists($class) ? 1 : throw new Exception($class);
        }
        echo $loaded;`;
      expect(Number(run('php', ['-r', load]))).toBeGreaterThan(200);
    }, 900_000);
  });

  (has('go', 'version') ? describe : describe.skip)('with Go', () => {
    test('types and client compile', () => {
      const go = join(folder, 'go');
      run('go', ['install', GO], { GOBIN: folder });
      // Schemas of webhooks are reached by no path, and would be left out.
      run(join(folder, 'oapi-codegen'), [
        '-generate',
        'types,client,skip-prune',
        '-package',
        'nocturne',
        '-o',
        join(go, 'client.go'),
        document,
      ]);
      writeFileSync(join(go, 'go.mod'), 'module nocturne\n\ngo 1.24\n');
      run('go', ['-C', go, 'mod', 'tidy']);
      run('go', ['-C', go, 'build', './...']);
    }, 900_000);
  });

  test('TypeScript: our own client compiles by itself', () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [projectPath('node_modules', 'typescript', 'bin', 'tsc'), '-p', projectPath('clients', 'typescript'), '--noEmit'],
      { encoding: 'utf8' },
    );
    expect(status === 0 ? '' : stdout).toBe('');
  }, 300_000);
});
