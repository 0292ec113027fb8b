import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import { toSessionBooking } from '../activities/session/booking.ts';
import type { FinaliseActivities, FrameActivities, SessionActivities, SessionBooking } from '../domain/ports.ts';
import { Telescope } from '../domain/contracts/telescope.ts';
import {
  QUEUE_FINALISE,
  QUEUE_SESSION,
  finaliseWorkflowId,
  framesQueue,
  sessionWorkflowId,
  telescopeQueue,
} from '../domain/queues.ts';
import { SESSION_WORKFLOW, SIGNALS, type ControlSignal, type SessionInput } from '../domain/messages.ts';
import type { Booking } from '../prisma/client/client.ts';
import { buildId, bundlePath } from '../platform/build.ts';
import { setCurrentVersion } from '../platform/deployment.ts';
import { deploymentOptions } from '../worker/options.ts';
import type { BareActivities, BareInput, Load } from './sessions-bare.ts';
import { NO_FRAMES, obedientTelescope, type Telescope as Stub } from './sessions-telescopes.ts';

/** Pauses and resumes of each session, after which it is aborted. */
const CONTROLS = 6;
const TELESCOPE = 'pair';
const SITE = { latitude_degrees: 45, longitude_degrees: 0, elevation_meters: 0, timezone: 'UTC' };
const TELESCOPE_CONFIG = Telescope.parse({
  id: TELESCOPE,
  name: 'Pair',
  host: '127.0.0.1',
  base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
  site: SITE,
  policy: { exclusivity: 'exclusive', check_interval: 300 },
  weather: { resume_debounce_seconds: 0 },
});

function bookingOf(bookingId: string): SessionBooking {
  const start = Math.floor(Date.now() / 1000) * 1000;
  const row = {
    id: bookingId,
    telescopeId: TELESCOPE,
    startsAt: new Date(start),
    endsAt: new Date(start + 4 * 3_600_000),
    occupies: true,
    userRef: 'bench',
    target: { name: 'M 45', ra_hours: 3.79, dec_degrees: 24.1, pa_degrees: 0 },
    shots: ['L', 'R', 'G', 'B'].map((filter) => ({
      filter,
      exposure_seconds: 300,
      quantity: 12,
      binning: 1,
      type: 'light',
    })),
    constraints: { min_altitude_degrees: 30, hour_angle_start_hours: -3, hour_angle_end_hours: 3 },
    credits: { charged: 10 },
    generation: 0,
    createdAt: new Date(start),
  } as unknown as Booking;
  return toSessionBooking(row, { ...TELESCOPE_CONFIG, site: SITE }, 0, null);
}

/** What the worker's activities answer when the database takes no time: the workflow alone is measured. */
function rowsOf(bookings: Map<string, SessionBooking>): SessionActivities & FinaliseActivities {
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    loadBooking: ({ bookingId }) => {
      const booking = bookings.get(bookingId) ?? bookingOf(bookingId);
      bookings.set(bookingId, booking);
      return Promise.resolve(booking);
    },
    recordTransition: nothing,
    recordReceipt: nothing,
    recordLog: nothing,
    alertOperator: nothing,
    recordCheck: () => Promise.resolve({ maintenance: null }),
    planRemainder: ({ bookingId, end, now }) =>
      Promise.resolve({
        usefulSeconds: (Date.parse(end) - Date.parse(now)) / 1000,
        anyShotFits: true,
        nextDarkAt: null,
        nextVisibleAt: null,
        shots: bookings.get(bookingId)!.plan.shots.map((shot) => ({ guid: shot.GuidShot, remaining: shot.Num })),
      }),
    buildArchive: () => Promise.resolve({ archivePath: 'archive', files: 0, bytes: 0 }),
    settle: () => Promise.resolve({ settlementId: 's', seconds: {} as never, lines: [], refund: 0 }),
    buildReport: () => Promise.resolve({ reportPath: 'report' }),
    resettle: () => Promise.resolve(),
    rebuildReport: () => Promise.resolve({ reportPath: 'report' }),
  };
}

/** One telescope activity worker for all sessions; a session that has begun to watch gets its next control. */
function telescopeActivities(client: Client): Record<string, (input: never) => Promise<unknown>> {
  const telescopes = new Map<string, Stub>();
  const watches = new Map<string, number>();
  const control = (workflowId: string): void => {
    const n = watches.get(workflowId) ?? 0;
    watches.set(workflowId, n + 1);
    const inTurn = n % 2 === 0 ? SIGNALS.pause : SIGNALS.resume;
    const name = n < CONTROLS ? inTurn : SIGNALS.abort;
    const body: ControlSignal = { commandId: `${workflowId}/${n}`, requestedBy: 'bench' };
    void client.workflow
      .getHandle(workflowId)
      .signal(name, body)
      .catch((thrown: unknown) => process.stderr.write(`${name}: ${String(thrown)}\n`));
  };
  return Object.fromEntries(
    Object.keys(obedientTelescope()).map((name) => [
      name,
      async (input: never): Promise<unknown> => {
        const { workflowExecution, attempt } = Context.current().info;
        const id = workflowExecution!.workflowId;
        if (!telescopes.has(id)) telescopes.set(id, obedientTelescope());
        if (name === 'watch' && attempt === 1) setTimeout(() => control(id), 20);
        return telescopes.get(id)![name]!(input, attempt);
      },
    ]),
  );
}

export interface Pairs {
  /** Runs so many sessions, then so many bare workflows with the same load, and tells the seconds of each. */
  run(name: string, count: number): Promise<{ session: number; bare: number }>;
  load: Load;
  child: Load;
  stop(): Promise<void>;
}

/** The workers of both: ours with rows in memory, and the bare one with as little as possible. */
async function workersOf(connection: NativeConnection, client: Client): Promise<Worker[]> {
  const { namespace } = client.options;
  const common = { connection, namespace, workflowThreadPoolSize: 1, ...deploymentOptions() };
  const ours = { workflowBundle: { codePath: bundlePath() } };
  const bare = {
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('./sessions-bare.ts', import.meta.url)),
      logger: new DefaultLogger('ERROR'),
    }),
  };
  const rows = rowsOf(new Map());
  const telescope = telescopeActivities(client);
  const frames: Pick<FrameActivities, 'drainFrames' | 'reconcileFrames'> = {
    drainFrames: () => Promise.resolve(NO_FRAMES),
    reconcileFrames: () => Promise.resolve(NO_FRAMES),
  };
  const row: BareActivities['row'] = () => Promise.resolve();
  const step: BareActivities['step'] = ({ id, nudge }) => {
    if (nudge) setTimeout(() => void client.workflow.getHandle(`bare-${id}`).signal('nudge'), 20);
    return Promise.resolve();
  };
  return Promise.all([
    Worker.create({ ...common, ...ours, taskQueue: QUEUE_SESSION, activities: rows }),
    Worker.create({ ...common, ...ours, taskQueue: QUEUE_FINALISE, activities: rows }),
    Worker.create({ connection, namespace, taskQueue: telescopeQueue(TELESCOPE), activities: telescope }),
    Worker.create({ connection, namespace, taskQueue: framesQueue(TELESCOPE), activities: frames }),
    Worker.create({ ...common, ...bare, taskQueue: 'bare', activities: { row } }),
    Worker.create({ connection, namespace, taskQueue: 'bare-telescope', activities: { step } }),
  ]);
}

/** Workers for sessions and for bare workflows in this process, with the same options; the bare ones' load is read from the history of one session. */
export async function startPairs(address: string, client: Client): Promise<Pairs> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const connection = await NativeConnection.connect({ address });
  const workers = await workersOf(connection, client);
  const runs = workers.map((worker) => worker.run());
  await setCurrentVersion(client, buildId());

  const session = async (id: string): Promise<void> => {
    const input: SessionInput = { bookingId: id, telescopeId: TELESCOPE };
    await client.workflow.execute(SESSION_WORKFLOW, {
      taskQueue: QUEUE_SESSION,
      workflowId: sessionWorkflowId(id),
      args: [input],
    });
  };
  await session('measured');
  const load = await loadOf(client, sessionWorkflowId('measured'));
  const child = await loadOf(client, finaliseWorkflowId('measured'));
  const plain = async (id: string): Promise<void> => {
    const input: BareInput = { id, load, child };
    await client.workflow.execute('bare', { taskQueue: 'bare', workflowId: `bare-${id}`, args: [input] });
  };
  await plain('measured');
  const made = await loadOf(client, 'bare-measured');
  if (JSON.stringify(made) !== JSON.stringify(load))
    throw new Error(`the bare workflow has ${JSON.stringify(made)} where the session has ${JSON.stringify(load)}`);

  const timed = async (count: number, one: (n: number) => Promise<void>): Promise<number> => {
    const began = performance.now();
    await Promise.all(Array.from({ length: count }, (_, n) => one(n)));
    return (performance.now() - began) / 1000;
  };
  return {
    load,
    child,
    run: async (name, count) => ({
      session: await timed(count, (n) => session(`${name}-${n}`)),
      bare: await timed(count, (n) => plain(`${name}-${n}`)),
    }),
    async stop() {
      for (const worker of workers) worker.shutdown();
      await Promise.all(runs);
      await connection.close();
    },
  };
}

/** Counts of a workflow's history. */
async function loadOf(client: Client, workflowId: string): Promise<Load> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const load: Load = { telescope: 0, rows: 0, timers: 0, signals: 0, upserts: 0 };
  for (const event of events ?? []) {
    const activity = event.activityTaskScheduledEventAttributes;
    if (activity)
      load[/^(telescope\.|frames\.|bare-telescope)/.test(activity.taskQueue?.name ?? '') ? 'telescope' : 'rows']++;
    else if (event.timerStartedEventAttributes) load.timers++;
    else if (event.workflowExecutionSignaledEventAttributes) load.signals++;
    else if (event.upsertWorkflowSearchAttributesEventAttributes) load.upserts++;
  }
  return load;
}
