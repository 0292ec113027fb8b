import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { CONFIG_VARIABLES, SECRET_VARIABLES } from '../../platform/config.ts';
import { projectPath } from '../../platform/paths.ts';
import { ok, problem, type Finding } from '../doctor/finding.ts';

export interface Service {
  image?: string;
  build?: unknown;
  command?: string[];
  env_file?: unknown;
  environment?: Record<string, string>;
  secrets?: string[];
  restart?: string;
  ports?: string[];
  healthcheck?: unknown;
  depends_on?: Record<string, { condition: string }>;
}
export interface Compose {
  services: Record<string, Service>;
  secrets?: Record<string, { file?: string }>;
}
const SECRET = /PASSWORD|PASSWD|PWD|SECRET|TOKEN|PASSPHRASE|API_KEY|PRIVATE_KEY/;
/** Every variable that our processes read, those given as a file among them. */
const KNOWN = new Set<string>([...CONFIG_VARIABLES, ...SECRET_VARIABLES.map((name) => `${name}_FILE`)]);
const FILE = 'docker-compose.yml';

/** `${NAME}`, `${NAME:-default}` and `${NAME:?message}` as Compose fills them in; a name that must be set is, here. */
const interpolate = (text: string, env: Record<string, string> = {}): string =>
  text
    .replaceAll('$$', '\u0000')
    .replace(/\$\{(\w+)(?::?([-?])([^}]*))?\}/g, (_, name: string, kind?: string, rest = '') => {
      if (kind === '?') return env[name] ?? 'https://observe.example';
      return env[name] ?? (kind === '-' ? rest : '');
    })
    .replaceAll('\u0000', '$');

/** The compose file as Compose sees it, with what `.env` says filled in. */
export const readCompose = (
  text = readFileSync(projectPath(FILE), 'utf8'),
  env: Record<string, string> = {},
): Compose => parse(interpolate(text, env), { merge: true }) as Compose;

/** The compose file as Compose sees it, against the Compose Specification's own schema and against what keeps an installation safe. */
export function checkCompose(text = readFileSync(projectPath(FILE), 'utf8')): Finding[] {
  const compose = readCompose(text);
  const schema = JSON.parse(readFileSync(projectPath('deploy', 'schemas', 'compose-spec.json'), 'utf8')) as object;
  const ajv = new Ajv({ strict: false, allErrors: true, formats: { duration: true } });
  // Its address of draft 07 is one that no validator knows.
  const fits = ajv.compile({ ...schema, $schema: undefined });
  const found: Finding[] = [
    fits(compose)
      ? ok(FILE, 'is what the Compose Specification asks for')
      : problem(FILE, ajv.errorsText(fits.errors, { separator: '\n' }), 'Mend what the schema refuses.'),
  ];
  const wrong = [
    ...defaults(text),
    ...Object.entries(compose.services ?? {}).flatMap(([name, service]) =>
      faultsOf(name, service, compose).map((fault) => `${name}: ${fault}`),
    ),
  ];
  found.push(
    wrong.length === 0
      ? ok(`${FILE}, secrets and order`, 'no secret has a default, every image is pinned, each waits for what it needs')
      : problem(`${FILE}, secrets and order`, wrong.join('\n'), 'A file that a careless person ships must be safe.'),
  );
  return found;
}

/** A secret that has a value in the file itself. */
const defaults = (text: string): string[] =>
  [...text.matchAll(/\$\{(\w+):?-([^}]+)\}/g)]
    .filter(([, name]) => SECRET.test(name!))
    .map(([, name]) => `${name} has a default`);

const faultsOf = (name: string, service: Service, compose: Compose): string[] => [
  ...imageFaults(service),
  ...variableFaults(service, compose),
  ...orderFaults(service, compose),
  ...(service.ports ?? [])
    .filter((port) => name !== 'proxy' && !port.startsWith('127.0.0.1:'))
    .map((port) => `port ${port} is open to the network`),
];

function imageFaults({ build, image = '' }: Service): string[] {
  if (build !== undefined) return [];
  if (image.includes('auto-setup')) return ['auto-setup gets no more versions'];
  return /:v?\d[\w.-]*$/.test(image) ? [] : [`image ${image} is not pinned`];
}

function variableFaults(service: Service, { secrets = {} }: Compose): string[] {
  const given = service.secrets ?? [];
  const faults = given.filter((name) => !secrets[name]?.file).map((name) => `secret ${name} comes from no file`);
  for (const [variable, value] of Object.entries(service.environment ?? {})) {
    const isFile = variable.endsWith('_FILE');
    if (SECRET.test(variable) && !isFile) faults.push(`${variable} stands in the file: give ${variable}_FILE`);
    // What Node itself reads is no setting of ours.
    const ours = KNOWN.has(variable) || variable === 'NODE_OPTIONS';
    if (service.build !== undefined && !ours) faults.push(`${variable} is no variable of ours`);
    const secret = isFile ? /^\/run\/secrets\/(\w+)$/.exec(value)?.[1] : undefined;
    if (secret && !given.includes(secret)) faults.push(`${variable} names a secret that it is not given`);
  }
  return faults;
}

const orderFaults = (service: Service, { services }: Compose): string[] =>
  Object.entries(service.depends_on ?? {}).flatMap(([other, { condition }]) => {
    const awaited = services[other];
    if (!awaited) return [`waits for ${other}, which does not exist`];
    if (condition === 'service_healthy' && !awaited.healthcheck)
      return [`waits for the health of ${other}, which tells none`];
    const ends = ['no', 'on-failure'].includes(awaited.restart ?? '');
    if (condition === 'service_completed_successfully' && !ends)
      return [`waits for the end of ${other}, which is started again`];
    return [];
  });
