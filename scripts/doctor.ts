import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig, required, type Config } from '../platform/config.ts';
import { UsageError, toError } from '../platform/errors.ts';
import { createLogger } from '../platform/logger.ts';
import { projectPath } from '../platform/paths.ts';
import { telescopesFromConfig } from '../platform/telescopes.ts';
import {
  checkDatabase,
  checkGateway,
  checkPaths,
  checkStorage,
  checkTemporal,
  checkVoyager,
  type Finding,
} from './doctor/checks.ts';
import { deployAnswer } from './doctor/deploy.ts';

const HELP = `npm run doctor -- [--json] [--can-deploy]
Checks configuration, PostgreSQL, Temporal, storage and, for each telescope, gateway, path mapping, Voyager, profile, filters, RoboTarget,
clock and safety monitor, and says what to mend. Where nothing is configured and the demo runs, it checks the demo.
--can-deploy: which sessions run now, and when the next one starts. Exit code 1 while one runs.`;

/** The environment as given, or that of a running demo when it names no database. */
function environment(): { env: NodeJS.ProcessEnv; demo: boolean } {
  const env = process.env;
  if (env.DATABASE_URL || env.DATABASE_URL_FILE) return { env, demo: false };
  const dataDir = resolve(projectPath(), env.DATA_DIR ?? '.data');
  const read = (name: string): Record<string, unknown> | null => {
    const path = join(dataDir, name);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : null;
  };
  const demo = read('demo.json');
  const secrets = read('secrets.json');
  if (!demo || !secrets) return { env, demo: false };
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const telescopes = join(dataDir, 'telescopes.json');
  const simulated = existsSync(telescopes) && !env.VOYAGER_HOST && !env.TELESCOPES_FILE;
  return {
    demo: true,
    env: {
      ...env,
      DATABASE_URL: text(demo.database_url),
      TEMPORAL_ADDRESS: text(demo.temporal_address),
      GATEWAY_SECRET: env.GATEWAY_SECRET ?? text(secrets.gateway_secret),
      OBSERVATIONS_STORAGE_PATH: env.OBSERVATIONS_STORAGE_PATH ?? join(dataDir, 'observations'),
      ...(simulated
        ? {
            TELESCOPES_FILE: telescopes,
            VOYAGER_USERNAME: text(secrets.voyager_username),
            VOYAGER_PASSWORD: text(secrets.voyager_password),
            VOYAGER_ROBOTARGET_SECRET: text(secrets.robotarget_secret),
          }
        : {}),
    },
  };
}

async function examine(config: Config): Promise<Finding[]> {
  const found: Finding[] = [{ what: 'configuration', state: 'ok', detail: 'every variable is valid' }];
  const shared = await Promise.all([checkDatabase(config), checkTemporal(config), checkStorage(config)]);
  found.push(...shared.flat());
  const telescopes = telescopesFromConfig(config);
  if (telescopes.length === 0)
    found.push({
      what: 'telescopes',
      state: 'problem',
      detail: 'none is configured',
      mend: 'Set VOYAGER_HOST and VOYAGER_DEFAULT_SEQUENCE_GUID, or TELESCOPES_FILE; or start the demo with `npm start`.',
    });
  const logger = createLogger('doctor', 'silent');
  for (const telescope of telescopes) {
    const gateway = await checkGateway(config, telescope);
    found.push(
      ...gateway.findings,
      ...checkPaths(telescope),
      ...(await checkVoyager(config, telescope, gateway.state, logger)),
    );
  }
  return found;
}

const SIGNS: Record<Finding['state'], string> = {
  ok: 'ok      ',
  warning: 'WARNING ',
  problem: 'PROBLEM ',
  skipped: 'skipped ',
};

async function main(): Promise<number> {
  const flags = new Set(process.argv.slice(2));
  for (const flag of flags)
    if (!['--json', '--can-deploy', '--help'].includes(flag))
      throw new UsageError(`"${flag}" is not an option.\n${HELP}`);
  if (flags.has('--help')) {
    console.log(HELP);
    return 0;
  }
  const { env, demo } = environment();
  const config = loadConfig(env);
  if (flags.has('--can-deploy')) {
    const answer = await deployAnswer(required(config, 'DATABASE_URL'));
    if (flags.has('--json')) console.log(JSON.stringify(answer));
    else if (answer.can_deploy)
      console.log(`No session runs.${answer.next_start ? ` The next one starts at ${answer.next_start}.` : ''}`);
    else
      console.log(
        `Not now:\n${answer.active.map((s) => `  ${s.booking_id} on ${s.telescope_id} is ${s.phase}, slot until ${s.end}`).join('\n')}`,
      );
    return answer.can_deploy ? 0 : 1;
  }
  const findings = await examine(config);
  const problems = findings.filter((f) => f.state === 'problem').length;
  if (flags.has('--json')) console.log(JSON.stringify({ ok: problems === 0, findings }));
  else {
    if (demo) console.log('Checking the demo observatory that runs here.');
    for (const { state, what, detail, mend } of findings)
      console.log(`${SIGNS[state]}${what}: ${detail}${mend ? `\n          → ${mend}` : ''}`);
    const warnings = findings.filter((f) => f.state === 'warning').length;
    if (problems > 0) console.log(`${problems} to mend.`);
    else console.log(warnings > 0 ? `Nothing to mend, ${warnings} to look at.` : 'All well.');
  }
  return problems === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    console.error(thrown instanceof UsageError ? thrown.message : toError(thrown).message);
    process.exit(thrown instanceof UsageError ? 2 : 1);
  },
);
