import { DefaultLogger, Runtime } from '@temporalio/worker';
import { createLogger } from '../platform/logger.ts';
import { endWith, onShutdown } from '../platform/process.ts';
import { loadSettings } from '../platform/settings/load.ts';
import { gatewayProblems, startGateway } from './service.ts';

try {
  const settings = loadSettings({ process: 'gateway', check: gatewayProblems });
  const logger = createLogger('gateway', settings.config.LOG_LEVEL);
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => logger[levels[level]](meta ?? {}, message)),
    // This process ends in its own order; Temporal's handlers would end the worker first.
    shutdownSignals: [],
  });
  const service = await startGateway(settings, logger);
  onShutdown(logger, (reason) => service.stop(reason), 12_000);
} catch (thrown) {
  endWith(thrown);
}
