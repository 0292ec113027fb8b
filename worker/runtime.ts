import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  makeTelemetryFilterString,
  type LogEntry,
  type NativeConnectionOptions,
} from '@temporalio/worker';
import type { Config } from '../platform/config.ts';
import { toError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { temporalConnectionOptions } from '../platform/temporal.ts';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Temporal's runtime, once per process and before any connection: its own logs and the core's go through pino; stopping is ours. */
export function installRuntime(logger: Logger): void {
  const child = logger.child({ part: 'temporal' });
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }: LogEntry) =>
      child[LEVELS[level]](plain(meta), message),
    ),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} } },
    shutdownSignals: [],
  });
}
function plain(meta: LogEntry['meta']): Record<string, unknown> {
  if (!meta) return {};
  const { error, ...rest } = meta as Record<string, unknown>;
  return error === undefined ? rest : { ...rest, err: toError(error) };
}

/** Connects for ever, with backoff to 10 s: a process starts while Temporal is away. */
export async function connectForever(
  config: Config,
  logger: Logger,
  stopped: () => boolean,
): Promise<NativeConnection | null> {
  for (let waitMs = 250; !stopped(); waitMs = Math.min(waitMs * 2, 10_000)) {
    try {
      return await NativeConnection.connect(temporalConnectionOptions(config) as NativeConnectionOptions);
    } catch (thrown) {
      logger.warn({ err: toError(thrown).message, address: config.TEMPORAL_ADDRESS, waitMs }, 'Temporal is away');
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
  return null;
}
