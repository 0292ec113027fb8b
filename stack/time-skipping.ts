import { Client } from '@temporalio/client';
import {
  Connection,
  InternalConnectionOptionsSymbol,
  type InternalConnectionOptions,
} from '@temporalio/client/lib/connection.js';
import { msNumberToTs, tsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../domain/queues.ts';
import { freePort } from './ports.ts';
import { waitUntil, type Supervisor } from './supervisor.ts';
import { resolveTemporal } from './temporal-cli.ts';

const { INDEXED_VALUE_TYPE_KEYWORD: KEYWORD, INDEXED_VALUE_TYPE_DATETIME: DATETIME } =
  proto.temporal.api.enums.v1.IndexedValueType;
type TestService = NonNullable<Connection['testService']>;
const NUDGE_MS = 2_000;
/** Somebody waits for time to pass. */
const PASSING_NUDGE_MS = 300;
const READY_MS = 30_000;
const NAMESPACE = 'default';

/**
 * The time-skipping server sometimes sleeps on although nothing holds its time, until somebody asks it for something. Holding time and letting
 * it go again wakes it and changes nothing. Returns what ends it.
 */
export function nudge(testService: TestService, everyMs = NUDGE_MS): () => void {
  const timer = setInterval(() => {
    testService
      .lockTimeSkipping({})
      .then(() => testService.unlockTimeSkipping({}))
      .catch(() => undefined);
  }, everyMs);
  return () => clearInterval(timer);
}

/** What sessions are found by, as every namespace of ours has it. */
export const addSearchAttributes = async (connection: Connection): Promise<void> => {
  const { bookingId, telescopeId, phase, start } = SEARCH_ATTRIBUTES;
  await connection.operatorService.addSearchAttributes({
    namespace: NAMESPACE,
    searchAttributes: {
      [bookingId.name]: KEYWORD,
      [telescopeId.name]: KEYWORD,
      [phase.name]: KEYWORD,
      [start.name]: DATETIME,
    },
  });
};

/** Temporal's time-skipping server as a supervised process: its time goes as the wall's does until it is told to pass on. In memory alone. */
export class TimeSkippingServer {
  private constructor(
    readonly address: string,
    readonly connection: Connection,
    private readonly testService: TestService,
  ) {}

  /** @throws UsageError when the program cannot be had here */
  static async start(
    supervisor: Supervisor,
    logFile: string,
    report: (line: string) => void,
  ): Promise<TimeSkippingServer> {
    const { path } = await resolveTemporal('temporal-test-server', { report });
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    // The client's own door to the service that moves time; the SDK opens it for its test environment alone.
    const options: InternalConnectionOptions = {
      address,
      [InternalConnectionOptionsSymbol]: { supportsTestService: true },
    };
    const connection = Connection.lazy(options);
    const { testService } = connection;
    if (!testService) throw new Error('@temporalio/client has lost its door to the time-skipping server');
    const answered = (): Promise<boolean> =>
      connection.withDeadline(Date.now() + 2_000, () => testService.getCurrentTime({})).then(() => true);
    await supervisor.start({
      name: 'temporal',
      command: path,
      args: [String(port)],
      logFile,
      nanny: 'TERM',
      graceSeconds: 3,
      ready: () => waitUntil('Temporal’s time-skipping server', answered, READY_MS, `Its log: ${logFile}`),
    });
    await addSearchAttributes(connection);
    return new TimeSkippingServer(address, connection, testService);
  }

  client(): Client {
    return new Client({ connection: this.connection, namespace: NAMESPACE });
  }
  /** The server's time, Unix milliseconds. */
  async nowMs(): Promise<number> {
    const { time } = await this.testService.getCurrentTime({});
    return tsToMs(time);
  }
  /** Lets time pass: what falls due meanwhile happens at its instant, and time stands while something is being done. */
  async pass(ms: number): Promise<void> {
    const still = nudge(this.testService, PASSING_NUDGE_MS);
    try {
      await this.testService.unlockTimeSkippingWithSleep({ duration: msNumberToTs(ms) });
    } finally {
      still();
    }
  }
}
