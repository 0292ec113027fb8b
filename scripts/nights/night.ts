import { LEDGER_CLASSES, type LedgerClass } from '../../domain/contracts/ledger.ts';
import {
  QUEUE_FINALISE,
  QUEUE_SESSION,
  framesQueue,
  lateFramesWorkflowId,
  telescopeQueue,
} from '../../domain/queues.ts';
import { secondsByClass } from '../../domain/ledger.ts';
import { LATE_FRAMES_WORKFLOW, SESSION_WORKFLOW, type SessionInput } from '../../domain/messages.ts';
import { standInActivities } from '../../simulator/stand-in/activities.ts';
import { judgeEvidence } from './evidence.ts';
import { judgeNight } from './oracle.ts';
import { FAULT_KINDS, planNight, type FaultKind, type NightPlan } from './plan.ts';
import { RARE_KINDS } from './kinds.ts';
import { canonicalJson, chance, sha256 } from './random.ts';
import type { Sandbox } from './sandbox.ts';
import type { Settled } from './run.ts';
import { ServerClock } from './server-clock.ts';
import { ownersOf } from './owners.ts';
import { Faults } from './faults.ts';
import { VirtualServer } from './server.ts';
import { World, type TemporalFace } from './world.ts';

/** What one night came to. */
export interface NightResult {
  seed: number;
  night: number;
  phase: string;
  phases: string[];
  /** Frames by state and reason. */
  frames: Record<string, number>;
  ledger: Record<LedgerClass, number>;
  /** Commands to the telescope by name. */
  commands: Record<string, number>;
  met: FaultKind[];
  asked: string[];
  receipts: Record<string, string>;
  historyEvents: number;
  violations: string[];
  /** sha256 of canonical JSON of seed, plan, phases, frames, ledger, commands. */
  digest: string;
  /** The same with the ledger to the minute, since a real server's tasks take some milliseconds of wall time each. */
  logicalDigest: string;
  timeline: string[];
}

/** A clock that is wrong and a second gateway are met by whoever is there. */
const ALWAYS_MET = ['api_clock', 'temporal_clock', 'second_gateway'] as const;
const DAY_MS = 86_400_000;
/** Everything that may be tried again has been given up by then. */
const LIMIT_MS = 8 * DAY_MS;
/** The ledger of the logical digest is counted in so many seconds. */
export const LOGICAL_SECONDS = 60;

export type Activity = (...args: unknown[]) => Promise<unknown>;
/** A world's activities by the worker that runs them. */
export type Parts = Record<'session' | 'finalise' | 'telescope' | 'frames', Record<string, Activity>>;
export const partsOf = (world: World): Parts =>
  ({
    session: world.rows.activities(),
    finalise: world.finaliser.activities(),
    telescope: standInActivities(world.observatory),
    frames: world.frameRows.activities(),
  }) as unknown as Parts;

/** Names of all activities by the worker that runs them. */
export const ACTIVITIES = ((): Record<keyof Parts, string[]> => {
  const no = async (): Promise<boolean> => false;
  const nobody: TemporalFace = {
    signal: no,
    cancel: no,
    isOpen: no,
    update: async () => {},
    startLateFrames: async () => {},
  };
  const parts = partsOf(
    new World(planNight(0, 0), nobody, () => ({
      attempt: 1,
      activityType: '',
      scheduledTimestampMs: 0,
      currentAttemptScheduledTimestampMs: 0,
    })),
  );
  return Object.fromEntries(
    Object.entries(parts).map(([part, activities]) => [part, Object.keys(activities)]),
  ) as Record<keyof Parts, string[]>;
})();
export const ACTIVITY_NAMES = Object.values(ACTIVITIES).flat();

/** What the session workflow of a night is started with. */
export const sessionInput = ({ bookingId, telescope, plan }: World): SessionInput => ({
  bookingId,
  telescopeId: telescope.id,
  ...(plan.maxHistoryEvents === null ? {} : { maxHistoryEvents: plan.maxHistoryEvents }),
});

/** Who polls which queue, and when nobody does. */
function openQueues(server: VirtualServer, world: World): void {
  const { plan } = world;
  const away = [...world.spans('gateway_away', 'gateway_no_temporal'), ...world.owners.nobody];
  server.clock = new ServerClock(world.faults.clockOf('temporal_clock'));
  const noWorker = world.spans('worker_away');
  server.workersAway = noWorker;
  const slow = plan.faults.some((f) => f.kind === 'slow_answers');
  const latencyMs = slow
    ? (type: string, at: number): number => Math.floor(chance(plan.seed, plan.night, 'latency', type, at) * 12_000)
    : undefined;
  if (slow) world.faults.met.add('slow_answers');
  const parts = partsOf(world);
  server.poll(QUEUE_SESSION, { activities: parts.session, away: noWorker });
  server.poll(QUEUE_FINALISE, { activities: parts.finalise, away: noWorker });
  server.poll(telescopeQueue(world.telescope.id), {
    activities: parts.telescope,
    away,
    ...(latencyMs ? { latencyMs } : {}),
  });
  server.poll(framesQueue(world.telescope.id), { activities: parts.frames, away: noWorker });
}

/** Plays one night on the virtual server. `spoil` changes what came out before it is judged, to see that the oracle finds it. */
export async function playNight(
  sandbox: Sandbox,
  plan: NightPlan,
  spoil?: (world: World) => unknown,
): Promise<NightResult> {
  const server = new VirtualServer(sandbox, `n${plan.seed}-${plan.night}`, plan.bookedAt);
  const idle = { attempt: 1, activityType: '', scheduledTimestampMs: 0 };
  const world = new World(
    plan,
    {
      signal: async (...args) => server.signal(...args),
      cancel: async (id) => server.cancel(id),
      update: async (id, name, body, settled) =>
        server.update(id, name, body, (r) => settled(r.ok ? (r.value as never) : null)),
      isOpen: async (id) => server.isOpen(id),
      startLateFrames: async (bookingId, telescopeId) => {
        await server.start({
          workflowId: lateFramesWorkflowId(bookingId),
          type: LATE_FRAMES_WORKFLOW,
          queue: QUEUE_FINALISE,
          args: [{ bookingId, telescopeId }],
        });
      },
    },
    () => server.current ?? { ...idle, currentAttemptScheduledTimestampMs: server.now },
    await ownersOf(new Faults(plan)),
  );
  const notes: string[] = [];
  server.onLog = (at, level, message) => notes.push(`${new Date(at).toISOString()}  ${level.padEnd(8)} ${message}`);

  openQueues(server, world);

  const broken: string[] = [];
  try {
    await server.start({
      workflowId: world.workflowId,
      type: SESSION_WORKFLOW,
      queue: QUEUE_SESSION,
      args: [sessionInput(world)],
    });
    const act = async (): Promise<void> => {
      const next = await world.act(server.now);
      if (next !== null) server.schedule(Math.max(next, server.now + 1), act);
    };
    server.schedule(plan.bookedAt, act);
    await server.run(plan.end + LIMIT_MS);
  } catch (thrown) {
    broken.push(thrown instanceof Error ? thrown.message : String(thrown));
    await server.dispose();
  }
  for (const kind of ['gateway_away', 'gateway_no_temporal', 'worker_away', ...ALWAYS_MET] as const)
    if (world.spans(kind).some((s) => s.from < server.now)) world.faults.met.add(kind);
  if (plan.maxHistoryEvents !== null) world.faults.met.add('long_history');
  world.observatory.advance(Math.max(plan.end, world.row.endsAt.getTime()) + LIMIT_MS);
  spoil?.(world);
  return resultOf(world, (id) => endOf(server.result(id)), server.historyLength(world.workflowId), broken, notes);
}

/** How a workflow ended, as the oracle asks for it. */
export function endOf(settled: Settled | null | undefined): { outcome: string } | Error | null | undefined {
  if (!settled) return settled;
  return settled.ok ? (settled.value as { outcome: string }) : settled.error;
}

export function resultOf(
  world: World,
  ended: Parameters<typeof judgeNight>[1],
  historyEvents: number,
  broken: string[],
  notes: string[],
): NightResult {
  const { plan } = world;
  world.observatory.advance(Math.max(plan.end, world.row.endsAt.getTime()) + LIMIT_MS);
  const phases = world.transitions.map((t) => (t.reason ? `${t.phase}:${t.reason}` : t.phase));
  const frames = countBy([...world.frames.values()].map((f) => (f.reason ? `${f.state}:${f.reason}` : f.state)));
  const ledger =
    world.ledger.length > 0
      ? secondsByClass(world.ledger)
      : (Object.fromEntries(LEDGER_CLASSES.map((c) => [c, 0])) as Record<LedgerClass, number>);
  const commands = countBy(world.observatory.commands.map((c) => c.name));
  const { seed, night, faults, steps } = plan;
  const body = {
    seed,
    night,
    plan: {
      faults,
      steps,
      slot_seconds: (plan.end - plan.start) / 1000,
      lead_seconds: (plan.start - plan.bookedAt) / 1000,
      policy: plan.policy,
      shots: plan.shots,
    },
    phases,
    frames,
    commands,
  };
  const rounded = Object.fromEntries(
    Object.entries(ledger).map(([name, seconds]) => [name, Math.round(seconds / LOGICAL_SECONDS)]),
  );
  const met = new Set<string>([...world.faults.met, ...world.observatory.met]);
  return {
    seed,
    night,
    phase: world.phase,
    phases,
    frames,
    ledger,
    commands,
    met: [...FAULT_KINDS, ...RARE_KINDS].filter((kind) => met.has(kind)),
    asked: [
      ...world.asked.map((a) => a.kind),
      ...world.stopsAtGateway.map((a) => a.kind).filter((kind) => kind === 'operator_halt'),
      ...(world.rows.maintained ? ['maintenance_now'] : []),
    ],
    receipts: Object.fromEntries(
      [...world.rows.receipts.values()].map((r) => [r.commandId, r.reason ? `${r.state}:${r.reason}` : r.state]),
    ),
    historyEvents,
    violations: [...broken, ...judgeNight(world, ended), ...judgeEvidence(world)],
    digest: sha256(canonicalJson({ ...body, ledger })),
    logicalDigest: sha256(canonicalJson({ ...body, ledger: rounded })),
    timeline: timelineOf(world, notes),
  };
}
function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** The night for a person to read: what was planned, said, sent and asked, in order. */
function timelineOf(world: World, notes: readonly string[]): string[] {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const lines = [
    ...world.plan.faults.map(
      (f) =>
        `${iso(world.plan.start + f.at * 1000)}  fault    ${f.kind} for ${f.seconds} s${f.kind === 'refusal' || f.kind === 'answer_lost' ? ` (${f.detail}, number ${f.nth})` : ''}`,
    ),
    ...world.asked.map((a) => `${iso(a.at)}  people   ${a.commandId}`),
    ...world.rows.logs.map((l) => `${l.at}  ${l.level.padEnd(8)} ${l.event}: ${l.message}`),
    ...world.observatory.commands.map((c) => `${iso(c.at)}  command  ${c.name}: ${c.effect ?? 'no effect'}`),
    ...world.observatory.taken.map(
      (t) =>
        `${iso(t.startedAt)}  exposure ${t.nth} of ${t.exposureSeconds} s, ${world.frames.get(t.guid)?.state ?? 'unknown'}`,
    ),
    ...[...world.rows.receipts.values()].map(
      (r) => `${r.at}  receipt  ${r.commandId} ${r.state}${r.reason ? ` ${r.reason}` : ''}`,
    ),
    ...world.ledger.map((i) => `${i.start}  ledger   ${i.class} until ${i.end}${i.cause ? ` (${i.cause})` : ''}`),
    ...notes,
  ];
  const time = (line: string): string => line.slice(0, 24);
  return lines.sort((a, b) => Number(time(a) > time(b)) - Number(time(a) < time(b)));
}
