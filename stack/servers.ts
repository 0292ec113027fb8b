import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { UsageError, toError } from '../platform/errors.ts';
import { migrate } from '../platform/migrate.ts';
import { SEARCH_ATTRIBUTE_FLAGS } from '../domain/queues.ts';
import type { Layout } from './layout.ts';
import { initPostgres, postgresProcess } from './postgres.ts';
import { waitUntil, type Supervisor } from './supervisor.ts';
import { IN_ORDER, resolveTemporal } from './temporal-cli.ts';

type Report = (line: string) => void;
const RETENTION_DAYS = 30;

/** PostgreSQL, ours or the one that is named, with the newest schema. */
export async function startPostgres(at: Layout, supervisor: Supervisor, report: Report): Promise<void> {
  if (at.embedded.postgres) {
    const folder = join(at.dataDir, 'postgres');
    const made = await timed(report, existsSync(join(folder, 'PG_VERSION')) ? null : 'Making the database', () =>
      initPostgres(folder, at.secrets.postgres_password),
    );
    if (made) mkdirSync(join(at.dataDir, 'logs'), { recursive: true });
    const place = {
      folder,
      port: at.ports.postgres,
      password: at.secrets.postgres_password,
      logFile: at.log('postgres'),
    };
    await supervisor.start(await postgresProcess(place, { graceSeconds: 10 }));
  }
  try {
    await migrate(at.databaseUrl);
  } catch (thrown) {
    if (at.embedded.postgres) throw thrown;
    const { hostname, port } = new URL(at.databaseUrl);
    throw new UsageError(
      `DATABASE_URL: PostgreSQL at ${hostname}${port && `:${port}`} cannot be used: ${toError(thrown).message}. Is it running, and are host, port, user, password and database right?`,
    );
  }
  report('PostgreSQL is ready.');
}

/** Temporal's development server with its pages, unless a real one is named. @returns where its command line program is */
export async function startTemporal(
  at: Layout,
  env: NodeJS.ProcessEnv,
  supervisor: Supervisor,
  report: Report,
): Promise<string | null> {
  if (!at.embedded.temporal) return null;
  const { path } = await resolveTemporal('temporal', { env, report });
  const store = join(at.dataDir, 'temporal.db');
  const namespace = at.config.TEMPORAL_NAMESPACE;
  await timed(report, existsSync(store) ? null : 'Making Temporal’s store', () =>
    supervisor.start({
      name: 'temporal',
      command: path,
      cwd: at.dataDir,
      logFile: at.log('temporal'),
      nanny: 'TERM',
      graceSeconds: 8,
      args: [
        ...`server start-dev --ip 127.0.0.1 --port ${at.ports.temporal} --ui-port ${at.ports.temporalUi}`.split(' '),
        ...'--log-level warn --sqlite-pragma journal_mode=WAL --sqlite-pragma synchronous=NORMAL'.split(' '),
        '--namespace',
        namespace,
        '--db-filename',
        store,
        ...SEARCH_ATTRIBUTE_FLAGS.flatMap((flag) => ['--search-attribute', flag]),
        ...IN_ORDER,
      ],
      ready: () => temporalReady(at.temporalAddress, namespace, RETENTION_DAYS, at.log('temporal')),
    }),
  );
  report('Temporal is ready.');
  return path;
}

async function timed<T>(report: Report, what: string | null, work: () => Promise<T>): Promise<T> {
  if (!what) return work();
  const began = Date.now();
  report(`${what} …`);
  const result = await work();
  report(`${what}: done in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return result;
}

/** Waits for the server and its namespace, and keeps closed runs for the given days. */
async function temporalReady(address: string, namespace: string, days: number, logFile: string): Promise<void> {
  const connection = Connection.lazy({ address });
  try {
    await waitUntil(
      'Temporal',
      async () => {
        await connection.withDeadline(Date.now() + 2_000, () =>
          connection.workflowService.describeNamespace({ namespace }),
        );
        return true;
      },
      30_000,
      `Its log: ${logFile}`,
    );
    await connection.workflowService
      .updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: { seconds: (days * 86_400) as unknown as never } },
      })
      .catch(() => undefined);
  } finally {
    await connection.close();
  }
}
