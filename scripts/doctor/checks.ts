import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { TelescopeState } from '../../domain/contracts/state.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import { filterDifferences, readFilters } from '../../gateway/activities/site.ts';
import type { VoyagerLink } from '../../gateway/connection/link.ts';
import { createVoyagerLink } from '../../gateway/connection/voyager-link.ts';
import { credentialsFor, robotargetSecretFor } from '../../gateway/credentials.ts';
import { asText } from '../../gateway/protocol/fields.ts';
import { buildRequest } from '../../gateway/protocol/requests.ts';
import { loadDialect } from '../../gateway/robotarget/dialect.ts';
import { systemClock } from '../../platform/clock.ts';
import type { Config } from '../../platform/config.ts';
import { BusListener } from '../../platform/bus.ts';
import { storeStands } from '../../frames/store/presence.ts';
import { connectPg } from '../../platform/database.ts';
import { toError } from '../../platform/errors.ts';
import { signGatewayRequest } from '../../platform/gateway-auth.ts';
import { createLogger, type Logger } from '../../platform/logger.ts';
import { ok, problem, warning, type Finding } from './finding.ts';
import { clockFinding, linkFinding, safetyFinding, storeFinding, weatherFinding } from './findings.ts';
import { readRoboTarget } from './robotarget.ts';
import { pendingMigrations } from './schema.ts';

const READ_MS = 6_000;
const CONNECT_MS = 12_000;

export async function checkDatabase(config: Config): Promise<Finding[]> {
  if (!config.DATABASE_URL)
    return [
      problem('PostgreSQL', 'DATABASE_URL is not set', 'Set DATABASE_URL, or run `npm start` for an embedded one.'),
    ];
  try {
    const client = await connectPg(config.DATABASE_URL, () => undefined);
    try {
      const version = (
        await client.query<{ v: string; n: number }>(
          `SELECT current_setting('server_version') AS v, current_setting('server_version_num')::int AS n`,
        )
      ).rows[0]!;
      const found: Finding[] = [
        version.n >= 150_000
          ? ok('PostgreSQL', `version ${version.v}`)
          : problem('PostgreSQL', `version ${version.v}`, 'Version 15 or newer is needed.'),
      ];
      const pending = await pendingMigrations(client);
      found.push(
        pending.length === 0
          ? ok('database schema', 'up to date')
          : problem('database schema', `lacks ${pending.join(', ')}`, 'Run `npm run migrate`.'),
        await checkBus(config.DATABASE_URL),
      );
      return found;
    } finally {
      await client.end();
    }
  } catch (thrown) {
    return [
      problem(
        'PostgreSQL',
        toError(thrown).message || 'no answer',
        'Is the server running, and are host, port, user and password of DATABASE_URL right?',
      ),
    ];
  }
}

/** LISTEN and NOTIFY, as the live pages need them: asked by hearing, not by connecting. */
async function checkBus(databaseUrl: string): Promise<Finding> {
  const bus = new BusListener(databaseUrl, createLogger('doctor', 'silent'));
  try {
    await bus.start();
    return bus.proven
      ? ok('live bus', 'LISTEN hears its own NOTIFY')
      : problem(
          'live bus',
          'LISTEN does not hear its own NOTIFY',
          'DATABASE_URL must reach PostgreSQL itself or a pooler in session mode; one in transaction mode carries no LISTEN.',
        );
  } finally {
    await bus.stop();
  }
}

export async function checkStorage(config: Config): Promise<Finding[]> {
  const path = config.OBSERVATIONS_STORAGE_PATH;
  try {
    // Looked at before it is made: an empty folder where a disk should be mounted is no store.
    const stands = await storeStands({ root: path });
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.R_OK | constants.W_OK);
    const room = await statfs(path);
    return [storeFinding(path, room.bavail * room.bsize, stands)];
  } catch (thrown) {
    return [
      problem(
        'storage',
        toError(thrown).message,
        'Set OBSERVATIONS_STORAGE_PATH to a folder that this user may write.',
      ),
    ];
  }
}

export function checkPaths(telescope: Telescope): Finding[] {
  const what = `${telescope.id}: path mapping`;
  if (telescope.path_map.length === 0)
    return [
      problem(
        what,
        'there is none',
        'Say where this machine sees Voyager’s folder of frames: path_map in the telescope file, or VOYAGER_PATH_MAP.',
      ),
    ];
  return telescope.path_map.map(({ from, to }) => {
    try {
      return statSync(to).isDirectory()
        ? ok(what, `${from} is ${to}`)
        : problem(what, `${to} is not a folder`, `Map ${from} to the folder itself.`);
    } catch (thrown) {
      return problem(what, toError(thrown).message, `Mount the share that holds ${from}.`);
    }
  });
}

export async function checkGateway(
  config: Config,
  telescope: Telescope,
): Promise<{ findings: Finding[]; state: TelescopeState | null }> {
  const what = `${telescope.id}: gateway`;
  if (!config.GATEWAY_SECRET)
    return {
      findings: [problem(what, 'GATEWAY_SECRET is not set', 'Set the same GATEWAY_SECRET for gateway and api.')],
      state: null,
    };
  const path = `/v1/telescopes/${telescope.id}/state`;
  try {
    const response = await fetch(`${telescope.gateway_url}${path}`, {
      headers: signGatewayRequest(config.GATEWAY_SECRET, 'GET', path),
      signal: AbortSignal.timeout(4_000),
    });
    if (!response.ok)
      return {
        findings: [
          problem(
            what,
            `${telescope.gateway_url} answers ${response.status}`,
            'Do gateway and api share one GATEWAY_SECRET, and does this gateway own this telescope?',
          ),
        ],
        state: null,
      };
    const state = TelescopeState.parse(await response.json());
    return { findings: [linkFinding(what, telescope, state)], state };
  } catch (thrown) {
    return {
      findings: [
        problem(
          what,
          `no answer from ${telescope.gateway_url} (${toError(thrown).message})`,
          'Start the gateway, or look why it hangs; without it nothing is prepared and nothing stops by itself but Voyager.',
        ),
      ],
      state: null,
    };
  }
}

/** Asks Voyager itself, over a link of its own that can only read. */
export async function checkVoyager(
  config: Config,
  telescope: Telescope,
  state: TelescopeState | null,
  logger: Logger,
): Promise<Finding[]> {
  const what = `${telescope.id}: Voyager`;
  const dialect = loadDialect(config.VOYAGER_ROBOTARGET_DIALECT);
  const link = createVoyagerLink({
    host: telescope.host,
    port: telescope.port,
    instance: telescope.instance,
    credentials: credentialsFor(telescope.id, config),
    clock: systemClock,
    logger,
    dialect,
    robotargetSecret: robotargetSecretFor(telescope.id, config),
    maxLineMb: config.VOYAGER_MAX_LINE_MB,
    modes: { dashboard: false, logLevel: null },
  });
  link.start();
  try {
    if (!(await until(() => link.state === 'ready', CONNECT_MS)))
      return [
        problem(
          what,
          `${telescope.host}:${telescope.port} ${link.reason ?? 'did not answer'}`,
          'Is Voyager running with its Application Server on (Setup, Remote), is the port open to this machine, and are user and password right?',
        ),
      ];
    return [
      ok(what, `version ${link.voyagerVersion ?? 'unknown'} at ${telescope.host}:${telescope.port}`),
      ...(await readSite(telescope, link)),
      ...(await readRoboTarget(config, telescope, link)),
      clockFinding(telescope, state, link.clockOffsetSeconds()),
      safetyFinding(telescope, state),
      weatherFinding(telescope, state),
    ];
  } finally {
    await link.stop('the doctor is done');
  }
}

async function readSite(telescope: Telescope, link: VoyagerLink): Promise<Finding[]> {
  const found: Finding[] = [];
  const environment = await link.request(buildRequest('RemoteGetEnvironmentData', {}, { timeoutMs: READ_MS }));
  const profile = environment.outcome === 'done' ? asText(environment.paramRet.Profile) : null;
  if (profile === null)
    found.push(
      warning(
        `${telescope.id}: profile`,
        `could not be read: ${environment.outcome === 'done' ? '' : environment.message}`,
        'Look at Voyager’s log.',
      ),
    );
  else if (profile.toLowerCase() === telescope.profile.toLowerCase())
    found.push(ok(`${telescope.id}: profile`, profile));
  else
    found.push(
      problem(
        `${telescope.id}: profile`,
        `Voyager has "${profile}", this telescope expects "${telescope.profile}"`,
        'Load the right profile in Voyager, or correct `profile` / VOYAGER_PROFILE.',
      ),
    );

  const filters = await link.request(buildRequest('RemoteGetFilterConfiguration', {}, { timeoutMs: READ_MS }));
  if (filters.outcome === 'done') {
    const differences = filterDifferences(telescope, readFilters(filters.paramRet));
    found.push(
      differences.length === 0
        ? ok(`${telescope.id}: filters`, Object.keys(telescope.filters).join(', '))
        : problem(
            `${telescope.id}: filters`,
            differences.join('; '),
            'Correct `filters` in the telescope file: name and index from 0, as Voyager has them.',
          ),
    );
  } else
    found.push(
      warning(
        `${telescope.id}: filters`,
        `could not be read: ${filters.message}`,
        'Is a camera with a filter wheel in the profile?',
      ),
    );
  return found;
}

async function until(done: () => boolean, timeoutMs: number): Promise<boolean> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline;) {
    if (done()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return done();
}
