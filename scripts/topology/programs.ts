import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../platform/errors.ts';
import { resolveTemporal } from '../../stack/temporal-cli.ts';
import { program } from '../deploy/tools.ts';

/** The newest server that Go 1.24 and newer build. */
const SERVER_VERSION = '1.30.1';
const MODULE = 'go.temporal.io/server';

export interface Programs {
  server: string;
  sqlTool: string;
  /** The versioned schemas of the server's own source. */
  schema: string;
  temporal: string;
  nginx: string;
  openssl: string;
}

/** What builds the server, its tool and its schema into a folder, for a shell. */
export const buildCommands = (folder: string): string[] => [
  `GOBIN="${folder}" go install ${MODULE}/cmd/server@v${SERVER_VERSION}    # some minutes`,
  `GOBIN="${folder}" go install ${MODULE}/cmd/tools/sql@v${SERVER_VERSION}`,
  `cp -r "$(go env GOMODCACHE)/${MODULE}@v${SERVER_VERSION}/schema" "${folder}/schema"`,
];
export const serverFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'nocturne', `temporal-server-${SERVER_VERSION}`);

/** @throws UsageError with what to install or build */
export async function findPrograms(report: (line: string) => void): Promise<Programs> {
  const folder = serverFolder();
  const [server, sqlTool, schema] = ['server', 'sql', 'schema'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const lacking: string[] = [];
  if (![server, sqlTool, schema].every((path) => existsSync(path)))
    lacking.push(
      `Temporal's server ${SERVER_VERSION} is not in ${folder}. With Go (https://go.dev/dl/):`,
      ...buildCommands(folder).map((line) => `  ${line}`),
    );
  const [nginx, openssl] = [program('nginx'), program('openssl')];
  if (!nginx) lacking.push('nginx is not installed (package "nginx-light").');
  if (!openssl) lacking.push('openssl is not installed.');
  if (lacking.length > 0 || !nginx || !openssl) throw new UsageError(lacking.join('\n'));
  const { path: temporal } = await resolveTemporal('temporal', { report });
  return { server, sqlTool, schema, temporal, nginx, openssl };
}
