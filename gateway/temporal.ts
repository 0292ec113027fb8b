import type { Client } from '@temporalio/client';
import { NativeConnection, Worker, type NativeConnectionOptions, type WorkerOptions } from '@temporalio/worker';
import type { TelescopeActivities } from '../domain/ports.ts';
import { telescopeQueue } from '../domain/queues.ts';
import type { Config } from '../platform/config.ts';
import { toError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { signalSession } from '../platform/sessions.ts';
import { temporalConnectionOptions, temporalData } from '../platform/temporal.ts';
import type { SignalTransport } from './telescope/session-signals.ts';

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;

/** Signals to session workflows; a session that is closed or unknown is `gone`, never started from here. */
export const temporalTransport = (client: Client): SignalTransport => ({
  signal: (bookingId, name, body) => signalSession(client, bookingId, name, body),
});

/** The one native connection that all telescopes' workers share, made when Temporal first answers. */
export class SharedConnection {
  private connecting: Promise<NativeConnection> | null = null;
  /** Where a worker polls, and how payloads are written there. */
  readonly wire: Pick<WorkerOptions, 'namespace' | 'dataConverter'>;
  constructor(private readonly config: Config) {
    this.wire = { namespace: config.TEMPORAL_NAMESPACE, ...temporalData(config) };
  }
  get(): Promise<NativeConnection> {
    this.connecting ??= NativeConnection.connect(
      temporalConnectionOptions(this.config) as NativeConnectionOptions,
    ).catch((thrown: unknown) => {
      this.connecting = null;
      throw thrown;
    });
    return this.connecting;
  }
  async close(): Promise<void> {
    const connection = await this.connecting?.catch(() => null);
    this.connecting = null;
    await connection?.close();
  }
}

/**
 * Polls `telescope.<id>` for activities, and only while told to: begun when this gateway owns the telescope, ended when it does not.
 * Temporal being away at the start is waited out; later outages the worker itself waits out.
 */
export class QueuePoller {
  private worker: Worker | null = null;
  private wanted = false;
  private running: Promise<void> = Promise.resolve();
  private cut: (() => void) | null = null;

  constructor(
    private readonly telescopeId: string,
    private readonly activities: TelescopeActivities,
    private readonly connection: SharedConnection,
    private readonly logger: Logger,
  ) {}

  get polling(): boolean {
    return this.worker?.getState() === 'RUNNING';
  }
  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.running = this.running.then(() => this.run());
  }
  /** Stops polling; activities under way get a few seconds to end. */
  async stop(): Promise<void> {
    this.wanted = false;
    this.cut?.();
    if (this.worker?.getState() === 'RUNNING') this.worker.shutdown();
    await this.running;
  }

  private async run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (this.wanted) {
      try {
        const connection = await this.connection.get();
        if (!this.wanted) return;
        const worker = await Worker.create({
          connection,
          ...this.connection.wire,
          taskQueue: telescopeQueue(this.telescopeId),
          activities: this.activities,
          maxConcurrentActivityTaskExecutions: 16,
          shutdownGraceTime: '3 seconds',
          shutdownForceTime: '5 seconds',
        });
        this.worker = worker;
        retryMs = FIRST_RETRY_MS;
        this.logger.info(
          { telescope: this.telescopeId, queue: telescopeQueue(this.telescopeId) },
          'polling for activities',
        );
        const ended = worker.run();
        if (!this.wanted) worker.shutdown();
        await ended;
      } catch (thrown) {
        this.logger.warn(
          { telescope: this.telescopeId, err: toError(thrown).message, retryMs },
          'Temporal does not take our worker; trying again',
        );
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, retryMs);
          this.cut = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      } finally {
        this.worker = null;
      }
    }
  }
}
