import { DefaultLogger, Runtime } from '@temporalio/worker';
import { loadConfig } from '../platform/config.ts';
import { UsageError } from '../platform/errors.ts';
import { createLogger } from '../platform/logger.ts';
import { onShutdown } from '../platform/process.ts';
import { startGateway } from './service.ts';

try {
  const config = loadConfig();
  const logger = createLogger('gateway', config.LOG_LEVEL);
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => logger[levels[level]](meta ?? {}, message)),
    // This process ends in its own order; Temporal's handlers would end the worker first.
    shutdownSignals: [],
  });
  const service = await startGateway(config, logger);
  onShutdown(logger, (reason) => service.stop(reason), 12_000);
} catch (thrown) {
  if (!(thrown instanceof UsageError)) throw thrown;
  console.error(thrown.message);
  process.exit(2);
}
