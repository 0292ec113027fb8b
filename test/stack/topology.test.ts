import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { projectPath } from '../../platform/paths.ts';
import { readCompose } from '../../scripts/deploy/compose.ts';
import { nginxSite } from '../../scripts/deploy/nginx.ts';
import { buildCommands, serverFolder } from '../../scripts/topology/programs.ts';
import { dotEnv, serviceCommand, serviceEnvironment, type Places } from '../../scripts/topology/settings.ts';

const at: Places = { secrets: '/here/secrets', data: '/here/data', postgresPort: 5499, temporalPort: 7299 };
const env = dotEnv({ PUBLIC_URL: 'https://observe.example' });
const text = readFileSync(projectPath('docker-compose.yml'), 'utf8');
const OURS = ['gateway', 'worker', 'api', 'migrate', 'release'];

describe('npm run topology takes its settings from the files that we ship', () => {
  const compose = readCompose(text, env);
  test('a service is told what Compose tells it, with the places of this machine', () => {
    expect(serviceEnvironment(compose, 'api', env, at)).toMatchObject({
      NODE_ENV: 'production',
      DATABASE_URL_FILE: '/here/secrets/database_url',
      PUSHER_APP_SECRET_FILE: '/here/secrets/pusher_app_secret',
      TEMPORAL_ADDRESS: '127.0.0.1:7299',
      PUBLIC_URL: 'https://observe.example',
      HOST: '127.0.0.1',
      MALLOC_ARENA_MAX: '2',
    });
    const server = serviceEnvironment(compose, 'temporal', env, at);
    expect(server).toMatchObject({
      POSTGRES_SEEDS: '127.0.0.1',
      DB_PORT: '5499',
      NUM_HISTORY_SHARDS: '128',
      DYNAMIC_CONFIG_FILE_PATH: projectPath('deploy', 'temporal', 'dynamicconfig.yaml'),
    });
    expect(server).not.toHaveProperty('PUBLIC_URL');
    expect(OURS.map((name) => serviceCommand(compose, name)[0])).toEqual(
      expect.arrayContaining(['dist/gateway/main.js', 'dist/worker/main.js', 'dist/api/main.js']),
    );
  });
  test('a secret that a service is not given ends the run before anything starts', () => {
    const wrong = readCompose(text.replace('secrets: [database_url, gateway_secret, ', 'secrets: ['), env);
    expect(() => serviceEnvironment(wrong, 'api', env, at)).toThrow(/api: DATABASE_URL_FILE names the secret/);
    expect(() => serviceEnvironment(compose, 'apis', env, at)).toThrow('no service apis');
  });
  test('PostgreSQL has connections for Temporal’s four services, and for all of ours twice', () => {
    const [, most] = /max_connections=(\d+)/.exec(serviceCommand(compose, 'postgres').join(' ')) ?? [];
    expect(Number(most)).toBeGreaterThanOrEqual(4 * (20 + 10) + 6 * 20);
  });
  test('two apis stand behind nginx, and none is set aside after a failure', () => {
    const site = nginxSite({
      http: '127.0.0.1:1080',
      https: '127.0.0.1:1443',
      apis: ['127.0.0.1:3001', '127.0.0.1:3002'],
      certificate: '/c.pem',
      key: '/c.key',
    });
    expect(site).toMatch(/server 127\.0\.0\.1:3001 max_fails=0;\n +server 127\.0\.0\.1:3002 max_fails=0;/);
    expect(site).not.toMatch(/listen (80|443)\b|etc\/nginx\/tls|:3000/);
  });
  test('who lacks Temporal’s server is told how to build it', () => {
    const commands = buildCommands(serverFolder({ XDG_CACHE_HOME: '/cache' })).join('\n');
    expect(commands).toContain('/cache/nocturne/temporal-server-');
    expect(commands.match(/go install go\.temporal\.io\/server\/cmd\/\S+@v\d/g)).toHaveLength(2);
  });
});

describe('.env.example, copied as it is', () => {
  const folders = ['DATA_DIR', 'OBSERVATIONS_STORAGE_PATH', 'BACKUP_PATH'];
  const lost = (told: Record<string, string>, kept: string): string[] =>
    folders.filter((name) => !told[name]?.startsWith(kept));
  test('leaves what must last on Compose’s volume', () => {
    const compose = readCompose(text, env);
    for (const name of OURS) expect(lost(serviceEnvironment(compose, name, env, at), '/here/data')).toEqual([]);
  });
  test('leaves it in the folder that systemd lets our units write', () => {
    const unit = readFileSync(projectPath('deploy', 'systemd', 'nocturne@.service'), 'utf8');
    const said = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line]) =>
      line!.split(' ').map((pair) => pair.split('=') as [string, string]),
    );
    // systemd.exec(5): settings of EnvironmentFile override those of Environment.
    expect(lost({ ...Object.fromEntries(said), ...env }, '/var/lib/nocturne')).toEqual([]);
  });
});
