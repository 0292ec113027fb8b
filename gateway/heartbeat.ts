import { toError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { TelescopeGateway } from './telescope/telescope.ts';

const EVERY_MS = 60_000;

/**
 * A sign of life to HEARTBEAT_URL every 60 s while a session runs and telemetry is fresh, so that a service outside notices our silence
 * (docs/safety.md, 12). Returns its end.
 */
export function startHeartbeat(
  url: string,
  telescopes: () => Iterable<TelescopeGateway>,
  logger: Logger,
  everyMs = EVERY_MS,
): () => void {
  const timer = setInterval(() => {
    const running = [...telescopes()].filter((t) => t.grants.current().length > 0);
    if (running.length === 0 || running.some((t) => t.state().stale)) return;
    fetch(url, { method: 'GET', signal: AbortSignal.timeout(10_000) }).then(
      (response) => response.body?.cancel(),
      (thrown: unknown) => logger.warn({ err: toError(thrown).message }, 'heartbeat not delivered'),
    );
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
