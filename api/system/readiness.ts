import { isGrpcServiceError } from '@temporalio/client';
import { toError } from '../../platform/errors.ts';
import { SEARCH_ATTRIBUTES, SEARCH_ATTRIBUTE_FLAGS } from '../../domain/queues.ts';
import type { Ground } from '../ground.ts';
import { Problem } from '../errors.ts';

const INVALID_ARGUMENT = 3;
/** What was found counts for this long; what could not be found out is asked again sooner. */
const FOUND_FOR_MS = 30_000;
const UNKNOWN_FOR_MS = 5_000;
const { bookingId, telescopeId, phase, start } = SEARCH_ATTRIBUTES;
/** Finds nothing, but only a namespace that has all of our search attributes can say so. */
const QUERY = `${bookingId.name} = '-' AND ${telescopeId.name} = '-' AND ${phase.name} = '-' AND ${start.name} > '2000-01-01T00:00:00Z'`;

type Sessions = { state: 'ok' } | { state: 'refused' | 'unknown'; why: string };

/** Whether a session could be started: asked of Temporal with all that a start needs, not only whether it answers. */
export class SessionsReady {
  private found: Sessions = { state: 'unknown', why: 'not asked yet' };
  private untilMs = 0;
  private asking: Promise<Sessions> | null = null;
  constructor(private readonly deps: Pick<Ground, 'temporal' | 'config' | 'temporalTimeoutMs'>) {}

  async look(timeoutMs = this.deps.temporalTimeoutMs): Promise<Sessions> {
    if (performance.now() < this.untilMs) return this.found;
    this.asking ??= this.ask(timeoutMs).then((found) => {
      this.found = found;
      this.untilMs = performance.now() + (found.state === 'ok' ? FOUND_FOR_MS : UNKNOWN_FOR_MS);
      this.asking = null;
      return found;
    });
    return this.asking;
  }
  /** A booking waits for a Temporal that is away, but one that no session could ever follow is not taken. @throws Problem `temporal_away`. */
  async refuseHopeless(): Promise<void> {
    const found = await this.look();
    if (found.state === 'refused')
      throw new Problem('temporal_away', `No session can be started: ${found.why}.`, {}, { 'retry-after': '60' });
  }

  private async ask(timeoutMs: number): Promise<Sessions> {
    const { temporal, config } = this.deps;
    const namespace = config.TEMPORAL_NAMESPACE;
    try {
      await temporal.connection.withDeadline(Date.now() + timeoutMs, () =>
        temporal.workflowService.countWorkflowExecutions({ namespace, query: QUERY }),
      );
      return { state: 'ok' };
    } catch (thrown) {
      if (isGrpcServiceError(thrown) && (thrown.code as number) === INVALID_ARGUMENT)
        return {
          state: 'refused',
          why: `namespace ${namespace} lacks search attributes (${thrown.details}); needed are ${SEARCH_ATTRIBUTE_FLAGS.join(', ')}`,
        };
      return { state: 'unknown', why: toError(thrown).message.split('\n').at(-1)!.slice(0, 200) };
    }
  }
}
interface Check {
  ok: boolean;
  error?: string;
}

/** `/readyz` of the api: it can serve when the database answers, sessions can be started, and the bus has heard itself. */
export function readiness(
  database: Check,
  temporal: Check,
  busProven: boolean,
): { ok: boolean; checks: { database: Check; temporal: Check; bus: Check } } {
  const bus = busProven ? { ok: true } : { ok: false, error: 'LISTEN does not hear its own NOTIFY' };
  const checks = { database, temporal, bus };
  return { ok: Object.values(checks).every((check) => check.ok), checks };
}
