import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseEnv } from 'node:util';
import { UsageError } from '../../platform/errors.ts';
import { projectPath } from '../../platform/paths.ts';
import type { Compose } from '../deploy/compose.ts';

/** Where on this machine stands what the compose file calls by the names of containers. */
export interface Places {
  /** The folder that deploy/make-secrets.sh has filled. */
  secrets: string;
  data: string;
  postgresPort: number;
  temporalPort: number;
}

/** `.env` as a person makes it: .env.example, and what they set. */
export const dotEnv = (set: Record<string, string>): Record<string, string> => ({
  ...(parseEnv(readFileSync(projectPath('.env.example'), 'utf8')) as Record<string, string>),
  ...set,
});

/** What the image sets for all that runs in it. */
function imageEnvironment(): Record<string, string> {
  const text = readFileSync(projectPath('deploy', 'Dockerfile'), 'utf8');
  const last = text.slice(text.lastIndexOf('\nFROM '));
  const lines = [...text.matchAll(/^ENV (.*)$/gm), ...last.matchAll(/^ENV (.*)$/gm)].map(([, line]) => line!);
  return Object.fromEntries(
    lines.flatMap((line) => [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)].map((m) => [m[1]!, m[2] ?? m[3] ?? ''])),
  );
}

/**
 * What a service of the compose file is told, with nothing changed but addresses and folders.
 * @throws UsageError when it names a secret that it is not given, or an address that no service has
 */
export function serviceEnvironment(
  compose: Compose,
  name: string,
  env: Record<string, string>,
  at: Places,
): Record<string, string> {
  const service = compose.services[name];
  if (!service) throw new UsageError(`docker-compose.yml: there is no service ${name}.`);
  const secret = (variable: string, wanted: string): string => {
    const file = compose.secrets?.[wanted]?.file;
    if (!service.secrets?.includes(wanted) || !file)
      throw new UsageError(
        `docker-compose.yml, ${name}: ${variable} names the secret ${wanted}, which it is not given.`,
      );
    return join(at.secrets, basename(file));
  };
  const here = (variable: string, value: string): string => {
    const wanted = /^\/run\/secrets\/(\w+)$/.exec(value)?.[1];
    if (wanted) return secret(variable, wanted);
    if (variable === 'DB_PORT') return String(at.postgresPort);
    return value
      .replace(/^\/data(?=\/|$)/, at.data)
      .replace(/^\/deploy(?=\/)/, projectPath('deploy', 'temporal'))
      .replace(/^(postgres|0\.0\.0\.0)$/, '127.0.0.1')
      .replace(/^temporal:7233$/, `127.0.0.1:${at.temporalPort}`);
  };
  const told = Object.entries(service.environment ?? {}).map(([key, value]) => [key, here(key, value)] as const);
  return {
    ...(service.build === undefined ? {} : imageEnvironment()),
    ...(service.env_file === undefined ? {} : env),
    ...Object.fromEntries(told),
  };
}

/** How a service of ours is started: Node's arguments below the folder of a build. */
export function serviceCommand(compose: Compose, name: string): string[] {
  const command = compose.services[name]?.command;
  if (!command?.[0]) throw new UsageError(`docker-compose.yml: ${name} has no command.`);
  return command;
}
