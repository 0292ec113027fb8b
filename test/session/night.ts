import { Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowHandle } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { Runtime, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { SiderealTime } from 'astronomy-engine';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFinaliseActivities } from '../../activities/finalise/index.ts';
import type { FrameActivities, TelescopeActivities } from '../../domain/ports.ts';
import { createSessionActivities } from '../../activities/session/index.ts';
import { Telescope, type TelescopeInput } from '../../domain/contracts/telescope.ts';
import { stableId } from '../../domain/ids.ts';
import { SESSION_WORKFLOW, type SessionInput } from '../../domain/messages.ts';
import { midnightLongitudeDegrees } from '../../domain/sky.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import {
  QUEUE_FINALISE,
  QUEUE_SESSION,
  SEARCH_ATTRIBUTES,
  framesQueue,
  sessionWorkflowId,
  telescopeQueue,
} from '../../domain/queues.ts';
import { standInActivities } from '../../simulator/stand-in/activities.ts';
import type { ObservatoryScript } from '../../simulator/stand-in/script.ts';
import { StandIn } from '../../simulator/stand-in/stand-in.ts';
import { bundleOf } from '../support/bundle.ts';
import { startPostgres } from '../support/postgres.ts';
import { expectToldAsDocumented } from '../support/told.ts';
import { RealTemporal, quiet } from './temporal.ts';
import { VirtualTemporal } from './virtual-temporal.ts';

const SECOND = 1000;

/** What one booking of a test looks like; instants in seconds from its start unless named otherwise. */
export interface NightOptions {
  id: string;
  /** Seconds from now to the start of the slot. */
  startsIn: number;
  slotSeconds: number;
  shots?: { filter: string; exposure_seconds: number; quantity: number; type?: 'light' | 'dark' | 'flat' | 'bias' }[];
  policy?: TelescopeInput['policy'];
  debounceSeconds?: number;
  /** Spans in seconds after the slot's start. */
  script?: (start: number) => Partial<ObservatoryScript>;
  /** Seconds of slew, focus and guiding before the first exposure after each enabling, and between two exposures. */
  pace?: { setupSeconds?: number; betweenSeconds?: number };
  /** Things that happen at seconds after the slot's start. */
  steps?: { at: number; do: (night: Night) => Promise<unknown> }[];
  telescopeId?: string;
  /** The gateway polls from the beginning; false: the test starts it. */
  gateway?: boolean;
  /** Called while the finalisation runs. */
  duringFinalise?: (night: Night) => Promise<unknown>;
  timezone?: string;
  maxHistoryEvents?: number;
  credits?: number;
}

/** Which Temporal a stage has: our virtual server, Temporal's time-skipping one, or its own one at wall speed, which alone lists and deletes. */
export type StageServer = 'virtual' | 'time-skipping' | 'real';
/** Longer runs and recordings have their nights on Temporal's time-skipping server, which keeps histories. */
const HISTORIES = process.env.NOCTURNE_LONG === '1' || process.env.NOCTURNE_RECORD !== undefined;

/** One suite's stage: a server, PostgreSQL, the workers of queues session and finalise, one bundle. */
export class Stage {
  readonly nights: Night[] = [];

  private constructor(
    readonly temporal: RealTemporal | VirtualTemporal,
    readonly db: Database,
    readonly bundle: WorkflowBundleWithSourceMap,
    private readonly cleanup: () => Promise<void>,
    readonly storage: string,
  ) {}

  static async open(server: StageServer = 'time-skipping'): Promise<Stage> {
    Runtime.install({ logger: quiet });
    const [postgres, bundle] = await Promise.all([
      startPostgres(),
      bundleOf(fileURLToPath(new URL('./sim-workflows.ts', import.meta.url))),
    ]);
    const db = createDatabase(postgres.url, undefined, 4);
    const storage = mkdtempSync(join(tmpdir(), 'nocturne-session-'));
    const temporal =
      server === 'virtual' && !HISTORIES
        ? await VirtualTemporal.open(bundle)
        : await RealTemporal.open(bundle, server === 'real');
    await temporal.workflows(QUEUE_SESSION, createSessionActivities({ db }));
    await temporal.workflows(
      QUEUE_FINALISE,
      createFinaliseActivities({
        db,
        storagePath: storage,
        archive: {
          buildArchive: async ({ bookingId }) => ({ archivePath: join(storage, bookingId), files: 1, bytes: 1 }),
        },
      }),
    );
    const cleanup = async (): Promise<void> => {
      try {
        await expectToldAsDocumented(db);
      } finally {
        await db.$disconnect();
        await postgres.stop();
        rmSync(storage, { recursive: true, force: true });
      }
    };
    return new Stage(temporal, db, bundle, cleanup, storage);
  }
  /** The client's side of a server of Temporal's. */
  get env(): TestWorkflowEnvironment {
    if (this.temporal instanceof RealTemporal) return this.temporal.env;
    throw new Error('the virtual server has no client');
  }
  async close(): Promise<void> {
    for (const night of this.nights) await night.stopGateway();
    await this.temporal.close();
    await this.cleanup();
  }

  /** Puts the telescope and the booking into the database, as the api does. */
  async prepare(options: NightOptions): Promise<Night> {
    const now = Math.ceil((await this.temporal.nowMs()) / SECOND) * SECOND;
    const start = now + options.startsIn * SECOND;
    const end = start + options.slotSeconds * SECOND;
    const middle = (start + end) / 2;
    const longitude = midnightLongitudeDegrees(middle);
    const telescopeId = options.telescopeId ?? `t-${options.id}`;
    const telescope = Telescope.parse({
      id: telescopeId,
      name: 'Test telescope',
      host: '127.0.0.1',
      base_sequence_guid: '7b1c9a52-6d1e-4f0a-9a55-2f4b8f0d3c11',
      site: {
        latitude_degrees: 0,
        longitude_degrees: longitude,
        ...(options.timezone ? { timezone: options.timezone } : {}),
      },
      policy: { prepare_lead: 86_400, ...options.policy },
      weather: { resume_debounce_seconds: options.debounceSeconds ?? 300 },
    } satisfies TelescopeInput);
    if (!(await this.db.telescope.findUnique({ where: { id: telescopeId } })))
      await this.db.telescope.create({ data: { id: telescopeId, config: telescope } });
    const ra = (((SiderealTime(new Date(middle)) + longitude / 15) % 24) + 24) % 24;
    await this.db.user.createMany({
      data: [{ ref: 'guest', email: 'guest@example.org', locale: 'en' }],
      skipDuplicates: true,
    });
    await this.db.booking.create({
      data: {
        id: options.id,
        telescopeId,
        startsAt: new Date(start),
        endsAt: new Date(end),
        blockedUntil: new Date(end),
        userRef: 'guest',
        target: { name: 'M 42', ra_hours: ra, dec_degrees: 0, pa_degrees: 0 },
        shots: (options.shots ?? [{ filter: 'L', exposure_seconds: 300, quantity: 10 }]).map((s) => ({
          binning: 1,
          type: 'light',
          ...s,
        })),
        constraints: { min_altitude_degrees: 0, hour_angle_start_hours: -12, hour_angle_end_hours: 12 },
        credits: { charged: options.credits ?? 100 },
        bodyHash: 'hash',
      },
    });
    await this.db.session.create({
      data: { bookingId: options.id, telescopeId, workflowId: sessionWorkflowId(options.id), phase: 'scheduled' },
    });
    const night = new Night(this, options, telescope, start, end);
    this.nights.push(night);
    if (options.gateway !== false) await night.startGateway();
    return night;
  }
}

export class Night {
  readonly observatory: StandIn;
  firstRunId: string | null = null;
  /** Keys of all physical commands that arrived, in order. */
  readonly keys: string[] = [];
  private readonly ends: (() => Promise<void>)[] = [];
  constructor(
    readonly stage: Stage,
    readonly options: NightOptions,
    readonly telescope: Telescope,
    readonly start: number,
    readonly end: number,
  ) {
    const { setupSeconds = 60, betweenSeconds = 5 } = options.pace ?? {};
    this.observatory = new StandIn({
      telescope,
      script: options.script?.(start) ?? {},
      pace: { setupMs: setupSeconds * SECOND, betweenMs: betweenSeconds * SECOND },
      info: () => Context.current().info,
    });
  }
  get id(): string {
    return this.options.id;
  }
  get telescopeId(): string {
    return this.telescope.id;
  }
  get handle(): WorkflowHandle {
    return this.stage.temporal.handle(sessionWorkflowId(this.id));
  }
  at(seconds: number): number {
    return this.start + seconds * SECOND;
  }
  /** The gateway process and the worker that has the share begin to poll, now or after so many seconds. */
  async startGateway(afterSeconds = 0): Promise<void> {
    const { temporal } = this.stage;
    const parts = [
      [telescopeQueue(this.telescopeId), this.noted(standInActivities(this.observatory))],
      [framesQueue(this.telescopeId), this.frameActivities()],
    ] as const;
    this.ends.push(...(await Promise.all(parts.map(([queue, acts]) => temporal.work(queue, acts, afterSeconds)))));
  }
  private noted(activities: TelescopeActivities): TelescopeActivities {
    const note = (fn: (input: never) => unknown) => (input: never) => {
      const { key } = input as { key?: string };
      if (key) this.keys.push(key);
      return fn(input);
    };
    return Object.fromEntries(
      Object.entries(activities).map(([name, fn]) => [name, note(fn as (input: never) => unknown)]),
    ) as unknown as TelescopeActivities;
  }
  async stopGateway(): Promise<void> {
    await Promise.all(this.ends.splice(0).map((end) => end()));
  }
  async book(): Promise<void> {
    const input: SessionInput = {
      bookingId: this.id,
      telescopeId: this.telescopeId,
      ...(this.options.maxHistoryEvents ? { maxHistoryEvents: this.options.maxHistoryEvents } : {}),
    };
    this.firstRunId = await this.stage.temporal.start(SESSION_WORKFLOW, {
      taskQueue: QUEUE_SESSION,
      workflowId: sessionWorkflowId(this.id),
      args: [input],
      typedSearchAttributes: new TypedSearchAttributes([
        { key: SEARCH_ATTRIBUTES.bookingId, value: this.id },
        { key: SEARCH_ATTRIBUTES.telescopeId, value: this.telescopeId },
      ]),
    });
    if (!this.options.steps?.length) return;
    const steps = [...this.options.steps]
      .sort((a, b) => a.at - b.at)
      .map((s) => ({ at: this.at(s.at), do: () => s.do(this) }));
    await this.stage.temporal.begin(this.id, steps);
  }
  /** Waits until all its steps have been done. */
  stepsDone(): Promise<unknown> {
    return this.stage.temporal.done(this.id);
  }
  /** Books and lives the whole night. */
  async live(): Promise<{ outcome: string; reason: string | null }> {
    await this.book();
    return (await this.handle.result()) as { outcome: string; reason: string | null };
  }
  signal(name: string, commandId: string, more: Record<string, unknown> = {}): Promise<void> {
    return this.handle.signal(name, { commandId: `${this.id}.${commandId}`, requestedBy: 'test', ...more });
  }
  /** Sends an update without waiting inside the caller (updates do not skip time). */
  update(name: string, commandId: string, body: Record<string, unknown>): Promise<{ state: string; reason?: string }> {
    return this.handle.executeUpdate<{ state: string; reason?: string }, [Record<string, unknown>]>(name, {
      args: [{ requestedBy: 'test', commandId: `${this.id}.${commandId}`, ...body }],
    });
  }

  /** Seconds after the slot's start, rounded: virtual time carries some milliseconds of the wall. */
  private rel(date: Date): number {
    return Math.round((date.getTime() - this.start) / SECOND);
  }
  async phases(): Promise<string[]> {
    const rows = await this.stage.db.event.findMany({
      where: { bookingId: this.id, type: 'session.changed' },
      orderBy: { seq: 'asc' },
    });
    return rows.map((r) => {
      const data = r.data as { phase: string; reason: string | null };
      return data.reason ? `${data.phase}:${data.reason}` : data.phase;
    });
  }
  async timeline(): Promise<{ at: number; event: string }[]> {
    const rows = await this.stage.db.timeline.findMany({
      where: { bookingId: this.id },
      orderBy: [{ at: 'asc' }, { event: 'asc' }],
    });
    return rows.map((r) => ({ at: this.rel(r.at), event: r.event }));
  }
  async when(event: string): Promise<number | null> {
    return (await this.timeline()).find((l) => l.event === event)?.at ?? null;
  }
  async receipts(): Promise<Record<string, string>> {
    const rows = await this.stage.db.receipt.findMany({ where: { bookingId: this.id }, orderBy: { commandId: 'asc' } });
    return Object.fromEntries(
      rows.map((r) => [r.commandId.slice(this.id.length + 1), r.reason ? `${r.state}:${r.reason}` : r.state]),
    );
  }
  async ledger(): Promise<Record<string, number>> {
    const rows = await this.stage.db.ledgerInterval.findMany({
      where: { bookingId: this.id },
      orderBy: { startsAt: 'asc' },
    });
    const out: Record<string, number> = {};
    for (const r of rows) out[r.class] = (out[r.class] ?? 0) + (r.endsAt.getTime() - r.startsAt.getTime()) / SECOND;
    return out;
  }
  async outbox(channel = 'webhook'): Promise<string[]> {
    const rows = await this.stage.db.outbox.findMany({
      where: { bookingId: this.id, channel },
      orderBy: { sequence: 'asc' },
    });
    return rows.map((r) => r.type);
  }
  effects(): string[] {
    return this.observatory.commands.filter((c) => c.effect !== null).map((c) => c.name);
  }

  /** What each reconciliation was given of Voyager's own list. */
  readonly listed: string[] = [];
  /** The frames part at its port: what the camera took becomes rows. */
  private frameActivities(): FrameActivities {
    const take = async (): Promise<void> => {
      this.observatory.advance(activityNow());
      await this.stage.db.frame.createMany({
        skipDuplicates: true,
        data: this.observatory.taken.map((t) => ({
          id: stableId('frame', this.id, t.guid),
          telescopeId: this.telescopeId,
          bookingId: this.id,
          sourceKey: t.guid,
          sourcePath: t.guid,
          filename: `${t.guid}.fit`,
          type: 'LIGHT',
          shotGuid: t.shotGuid,
          shotIndex: t.index,
          filter: 'L',
          exposure: t.exposureSeconds,
          hfd: 2.5,
          histogram: [],
          state: 'archived',
          capturedAt: new Date(t.startedAt),
          sizeBytes: 1000n,
          sha256: t.guid.replaceAll('-', ''),
        })),
      });
    };
    return {
      drainFrames: async () => {
        await take();
        return this.observatory.counts();
      },
      reconcileFrames: async ({ shotsDone, final }) => {
        this.listed.push(`${shotsDone ? shotsDone.length : 'unread'}${final ? '' : ' so far'}`);
        await this.options.duringFinalise?.(this);
        await take();
        return this.observatory.counts();
      },
    };
  }
}

/** Virtual time inside an activity: when this attempt was scheduled, by the server's clock. */
function activityNow(): number {
  return Context.current().info.currentAttemptScheduledTimestampMs;
}
