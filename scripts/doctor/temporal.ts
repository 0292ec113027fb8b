import { Client, Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTE_FLAGS } from '../../domain/queues.ts';
import type { Config } from '../../platform/config.ts';
import { describeDeployment, polledVersions } from '../../platform/deployment.ts';
import { toError } from '../../platform/errors.ts';
import { temporalConnectionOptions } from '../../platform/temporal.ts';
import { ok, problem, type Finding } from './finding.ts';

export async function checkTemporal(config: Config): Promise<Finding[]> {
  const mend = `Is a server running at ${config.TEMPORAL_ADDRESS}? Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and TEMPORAL_TLS_*.`;
  try {
    const connection = await Connection.connect({ ...temporalConnectionOptions(config), connectTimeout: 5_000 });
    try {
      const { TEMPORAL_NAMESPACE: namespace } = config;
      const described = await connection.workflowService.describeNamespace({ namespace });
      const days = Number(described.config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 86_400;
      const found: Finding[] = [ok('Temporal', `namespace ${namespace}, closed runs kept ${Math.round(days)} days`)];
      const have = (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes ?? {};
      const missing = SEARCH_ATTRIBUTE_FLAGS.filter((flag) => !Object.hasOwn(have, flag.split('=')[0]!));
      found.push(
        missing.length === 0
          ? ok('search attributes', 'registered')
          : problem(
              'search attributes',
              `lacks ${missing.join(', ')}`,
              `temporal operator search-attribute create ${missing.map((flag) => `--name ${flag.replace('=', ' --type ')}`).join(' ')}`,
            ),
      );
      found.push(await checkVersion(new Client({ connection, namespace })));
      return found;
    } finally {
      await connection.close();
    }
  } catch (thrown) {
    return [problem('Temporal', toError(thrown).message, mend)];
  }
}

/** Which version of the worker has the sessions, and whether anybody runs it. */
async function checkVersion(client: Client): Promise<Finding> {
  const what = 'worker version';
  const { current, ramping } = await describeDeployment(client);
  if (!current)
    return problem(what, 'none is the current one: sessions stand still', 'Run `npm run release -- promote`.');
  if (!(await polledVersions(client)).has(current))
    return problem(
      what,
      `${current} is current and no worker runs it`,
      'Start a worker of it, or promote the one that runs.',
    );
  return ok(what, ramping ? `${current}, and ${ramping.percent} % ${ramping.buildId}` : current);
}
