import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { CONFIG_VARIABLES, SECRET_VARIABLES } from '../../platform/config.ts';
import { projectPath } from '../../platform/paths.ts';
import { IN_ORDER } from '../../stack/temporal-cli.ts';
import { ok, problem, skipped, type Finding } from '../doctor/finding.ts';
import { certificateArguments, nginxConfig, nginxSite } from './nginx.ts';
import { ask, program, withFolder } from './tools.ts';

const read = (...parts: string[]): string => readFileSync(projectPath('deploy', ...parts), 'utf8');
/** What a unit or a manifest may set beside our own variables. */
const FOREIGN = /^(MALLOC_\w+|ENV_FILE|NODE_OPTIONS)$/;
const KNOWN = new Set<string>([...CONFIG_VARIABLES, ...SECRET_VARIABLES.map((name) => `${name}_FILE`)]);
const verdict = (what: string, fine: string, wrong: readonly string[]): Finding =>
  wrong.length === 0 ? ok(what, fine) : problem(what, wrong.join('\n'), 'See docs/configuration.md.');
const unknown = (names: Iterable<string>): string[] =>
  [...new Set(names)]
    .filter((name) => !KNOWN.has(name) && !FOREIGN.test(name))
    .map((name) => `${name} is no variable of ours`);

export function checkProxies(): Finding[] {
  const caddy = ask('deploy/caddy/Caddyfile', 'caddy', [
    'validate',
    '--adapter',
    'caddyfile',
    '--config',
    projectPath('deploy', 'caddy', 'Caddyfile'),
  ]);
  return [caddy, checkNginx()];
}

/** nginx itself reads the file, with a certificate made for the moment. */
function checkNginx(): Finding {
  const what = 'deploy/nginx/nocturne.conf';
  if (!program('nginx') || !program('openssl')) return skipped(what, 'nginx and openssl are not both installed');
  return withFolder((folder) => {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const made = ask(what, 'openssl', certificateArguments(key, certificate, 'DNS:observe.example'));
    if (made.state !== 'ok') return made;
    const site = nginxSite({ http: '127.0.0.1:18080', https: '127.0.0.1:18443', certificate, key });
    const main = join(folder, 'nginx.conf');
    writeFileSync(main, nginxConfig(folder, site));
    return ask(what, 'nginx', ['-t', '-q', '-p', folder, '-c', main]);
  });
}

/** The units as systemd reads them, which ends with 0 whatever it has to say of them; where Node stands elsewhere, its place here is put in. */
export function checkUnits(): Finding[] {
  const what = 'deploy/systemd';
  const unit = read('systemd', 'nocturne@.service');
  const texts = [
    unit,
    ...['secrets.conf', 'memory.conf'].map((name) => read('systemd', 'nocturne@api.service.d', name)),
  ];
  const named = texts.flatMap((text) =>
    [...text.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line]) =>
      line!.split(' ').map((pair) => pair.split('=')[0]!),
    ),
  );
  const given = new Set(texts.flatMap((text) => [...text.matchAll(/^LoadCredential=(\w+):/gm)].map((m) => m[1]!)));
  const asked = texts.flatMap((text) => [...text.matchAll(/%d\/(\w+)/g)].map((m) => m[1]!));
  const lacking = asked.filter((name) => !given.has(name)).map((name) => `${name} is read and never loaded`);
  const found = [
    verdict(`${what}, variables`, 'all are ours, all secrets are loaded', [...unknown(named), ...lacking]),
  ];
  found.push(
    withFolder((folder) => {
      cpSync(projectPath('deploy', 'systemd'), folder, { recursive: true });
      writeFileSync(join(folder, 'nocturne@.service'), unit.replace('/usr/bin/node', process.execPath));
      const names = ['nocturne@gateway.service', 'nocturne@worker.service', 'nocturne@api.service', 'nocturne.target'];
      return ask(
        what,
        'systemd-analyze',
        ['verify', '--man=no', ...names.map((name) => join(folder, name))],
        /nocturne/,
      );
    }),
  );
  return found;
}

/** Fields of an app that PM2 knows and that we use. */
const PM2 =
  /^(name|script|cwd|exec_mode|instances|node_args|env|kill_timeout|exp_backoff_restart_delay|stop_exit_codes|merge_logs)$/;
export function checkPm2(): Finding {
  const file = 'ecosystem.config.cjs';
  const { apps } = createRequire(import.meta.url)(projectPath(file)) as { apps: Record<string, unknown>[] };
  return verdict(file, `${apps.length} processes`, [
    ...apps.flatMap((app) => Object.keys(app).filter((name) => !PM2.test(name))),
    ...apps.filter((app) => !existsSync(String(app.script))).map((app) => `${String(app.script)} is not built`),
    ...unknown(apps.flatMap((app) => Object.keys(app.env as object))),
  ]);
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  spec?: { template?: { spec: { containers: { env?: { name: string }[]; securityContext?: object }[] } } };
  configMapGenerator?: { literals: string[] }[];
}
export function checkKubernetes(): Finding[] {
  const folder = projectPath('deploy', 'kubernetes');
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  const all = files.flatMap((name) =>
    parseAllDocuments(read('kubernetes', name)).map((document) => document.toJS() as Manifest),
  );
  const containers = all.flatMap((one) => one.spec?.template?.spec.containers ?? []);
  const named = [
    ...containers.flatMap(({ env = [] }) => env.map(({ name }) => name)),
    ...all.flatMap(
      (one) => one.configMapGenerator?.flatMap(({ literals }) => literals.map((l) => l.split('=')[0]!)) ?? [],
    ),
  ];
  const secrets = all.filter(({ kind }) => kind === 'Secret').map(({ metadata }) => `${metadata.name} holds secrets`);
  const open = containers.filter(({ securityContext }) => !securityContext).map(() => 'a container is not closed');
  return [
    verdict('deploy/kubernetes, variables', 'all are ours, no secret stands in a file', [
      ...unknown(named),
      ...secrets,
      ...open,
    ]),
    ask('deploy/kubernetes, schema', 'kubernetes-validate', [
      '--strict',
      '--quiet',
      '-k',
      '1.34',
      ...files.filter((name) => name !== 'kustomization.yaml').map((name) => join(folder, name)),
    ]),
    ask('deploy/kubernetes, rendered', 'kubectl', ['kustomize', folder]),
  ];
}

/** What Temporal's server is told in Compose: each setting a list of values, and the order of a queue the same as in the embedded server. */
export function checkTemporal(text = read('temporal', 'dynamicconfig.yaml')): Finding {
  const what = 'deploy/temporal/dynamicconfig.yaml';
  const given = Object.entries((parse(text) ?? {}) as Record<string, unknown>);
  const valuesOf = (said: unknown): unknown[] =>
    Array.isArray(said) ? said.map((one: { value?: unknown }) => one.value) : [undefined];
  const shapeless = given.filter(([, said]) => valuesOf(said).includes(undefined));
  const wanted = IN_ORDER.filter((word) => !word.startsWith('--')).map((pair) => pair.split('=') as [string, string]);
  const says = ([key, value]: [string, string]): boolean =>
    given.some(([name, said]) => name === key && valuesOf(said).every((one) => String(one) === value));
  const lacking = wanted.filter((one) => !says(one));
  return verdict(what, 'stops go first', [
    ...shapeless.map(([key]) => `${key} is no list of values`),
    ...lacking.map(([key, value]) => `${key} is not ${value}: a stop may wait behind upkeep`),
  ]);
}

export function checkScripts(): Finding[] {
  const scripts = ['make-secrets.sh', 'temporal/schema.sh', 'temporal/namespace.sh'];
  return [
    ...scripts.map((name) => ask(`deploy/${name}`, 'sh', ['-n', projectPath('deploy', name)])),
    ask('deploy/prometheus', 'promtool', ['check', 'rules', projectPath('deploy', 'prometheus', 'alerts.yml')]),
  ];
}
