import { dialectProblems } from '../gateway/robotarget/dialect.ts';
import { required } from '../platform/config.ts';
import { UsageError } from '../platform/errors.ts';
import { createLogger } from '../platform/logger.ts';
import { endWith } from '../platform/process.ts';
import { loadSettings, type Settings } from '../platform/settings/load.ts';
import { checkDatabase, checkGateway, checkPaths, checkStorage, checkVoyager } from './doctor/checks.ts';
import { checkBackup } from './doctor/backup.ts';
import type { Finding } from './doctor/finding.ts';
import { deployAnswer, deployText, replayWith } from './doctor/deploy.ts';
import { addressFindings, siteFinding } from './doctor/site.ts';
import { checkTemporal } from './doctor/temporal.ts';
import { checkWeather } from './doctor/weather.ts';
import { withStack } from '../stack/stack-file.ts';

const HELP = `npm run doctor -- [--json] [--can-deploy]
Checks configuration, PostgreSQL, Temporal, storage, the last backup and, for each telescope, gateway, path mapping, Voyager, profile, filters, RoboTarget,
clock, safety monitor and every source of weather, and says what to mend. What the environment does not say comes from the stack of npm start
that runs here.
--can-deploy: which sessions run now, when the next one starts, and whether this build carries on every open history. Exit code 1 while one runs, or
when a history does not replay.`;

async function examine({ config, telescopes }: Settings): Promise<Finding[]> {
  const found: Finding[] = [{ what: 'configuration', state: 'ok', detail: 'every variable is valid' }];
  const shared = await Promise.all([
    checkDatabase(config),
    checkTemporal(config),
    checkStorage(config),
    checkBackup(config),
  ]);
  found.push(...shared.flat(), ...addressFindings(config));
  if (telescopes.length === 0)
    found.push({
      what: 'telescopes',
      state: 'problem',
      detail: 'none is configured',
      mend: 'Set VOYAGER_HOST, or TELESCOPES_FILE; or start the demo with `npm start`.',
    });
  const logger = createLogger('doctor', 'silent');
  for (const telescope of telescopes) {
    const gateway = await checkGateway(config, telescope);
    found.push(
      siteFinding(telescope),
      ...gateway.findings,
      ...(await checkWeather(config, telescope)),
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
  const { env, stack } = withStack();
  const settings = loadSettings({ check: (values) => dialectProblems(values.VOYAGER_ROBOTARGET_DIALECT) }, env);
  const { config } = settings;
  if (flags.has('--can-deploy')) {
    const answer = await deployAnswer(required(config, 'DATABASE_URL'), await replayWith(config));
    console.log(flags.has('--json') ? JSON.stringify(answer) : deployText(answer));
    return answer.can_deploy ? 0 : 1;
  }
  const findings = await examine(settings);
  const problems = findings.filter((f) => f.state === 'problem').length;
  if (flags.has('--json')) console.log(JSON.stringify({ ok: problems === 0, findings }));
  else {
    if (stack) console.log(`Checking what runs here from ${config.DATA_DIR}.`);
    for (const { state, what, detail, mend } of findings)
      console.log(`${SIGNS[state]}${what}: ${detail}${mend ? `\n          → ${mend}` : ''}`);
    const warnings = findings.filter((f) => f.state === 'warning').length;
    if (problems > 0) console.log(`${problems} to mend.`);
    else console.log(warnings > 0 ? `Nothing to mend, ${warnings} to look at.` : 'All well.');
  }
  return problems === 0 ? 0 : 1;
}

main().then((code) => process.exit(code), endWith);
