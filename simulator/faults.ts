import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Clock, Timer } from '../platform/clock.ts';
import { UsageError } from '../platform/errors.ts';
import { unknownOverrides } from './world/weather.ts';

/**
 * The fault script: a JSON list of steps. Each step says when (`at_seconds` after the simulator's start, `after_event` of that name has been sent
 * for the n-th time, or `on_method` when a client sends that method; none of them = at once) and what (`kind` and its own fields).
 * docs: simulator/README.md lists every kind.
 */
const when = {
  at_seconds: z.number().min(0).optional(),
  after_event: z.string().optional().describe('Name of an event of ours; the step runs after it has been sent'),
  on_method: z.string().optional().describe('Wire method, or * for any; the step answers it'),
  /** How often the event or method must have come before the step runs: 1 = the first. */
  nth: z.number().int().min(1).default(1),
};
const lasting = { for_seconds: z.number().positive().optional().describe('Absent: until the end') };
const times = { times: z.number().int().min(1).default(1).describe('How many messages, requests or frames it hits') };

const step = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.strictObject({ kind: z.literal(kind), ...when, ...shape });

/** Faults of the line. */
const wire = [
  step('drop', {}),
  step('drop_after_bytes', { bytes: z.number().int().min(0) }),
  step('half_open', lasting),
  step('no_polling', lasting),
  step('slow_drip', { ...lasting, bytes_per_second: z.number().positive().default(200) }),
  step('join_lines', times),
  step('split_bytes', times),
  step('empty_lines', times),
  step('garbage_line', { text: z.string().default('{"Event":"Signal","Timest') }),
  step('invalid_utf8', {}),
  step('unknown_event', { name: z.string().default('SomethingNew') }),
  step('nan', {
    ...times,
    event: z.string().default('ControlData'),
    fields: z.array(z.string()).min(1).default(['GUIDEX', 'GUIDEY']),
  }),
  step('refuse_connections', lasting),
] as const;
/** Faults of an answer; they wait for `on_method` (default any request). */
const answers = [
  step('reply_after_result', times),
  step('reply_never', times),
  step('result_never', times),
  step('result_late', { ...times, seconds: z.number().positive() }),
  step('wrong_mac', times),
  step('busy', times),
  step('error_reply', { ...times, message: z.string().default('Error') }),
  step('result_code', { ...times, code: z.number().int(), motivo: z.string().default('Simulated fault') }),
  step('lost_command', times),
  step('drop_before_reply', times),
] as const;
/** Faults of the server and its clock. */
const server = [
  step('auth_refused', lasting),
  step('auth_never', lasting),
  step('shutdown', { for_seconds: z.number().positive().default(5) }),
  step('restart', { for_seconds: z.number().min(0).default(1), robotarget_running: z.boolean().optional() }),
  step('clock_skew', { ...lasting, seconds: z.number() }),
  step('abort_ends_script', times),
  step('profile_changed', { profile: z.string().min(1) }),
] as const;
/** Faults of sky and devices. */
const world = [
  step('unsafe', lasting),
  step('rain', lasting),
  step('cloud', { ...lasting, percent: z.number().min(0).max(100).default(75) }),
  step('wind', { ...lasting, meters_per_second: z.number().min(0).default(16) }),
  step('weather', {
    ...lasting,
    values: z.record(z.string(), z.union([z.number(), z.boolean(), z.null()])).superRefine((values, ctx) => {
      for (const name of unknownOverrides(values))
        ctx.addIssue({ code: 'custom', path: [name], message: 'is not known, or not of the right type' });
    }),
  }),
  step('safety_monitor_gone', lasting),
  step('weather_station_gone', lasting),
  step('alpaca_down', lasting),
  step('emergency_exit', lasting),
  step('camera_error', lasting),
  step('mount_error', lasting),
  step('guide_star_lost', lasting),
  step('focus_error', times),
] as const;
/** Faults of frames and of RoboTarget's database. */
const frames = [
  step('truncated_file', { ...times, share: z.number().min(0).max(0.999).default(0.6) }),
  step('late_file', { ...times, seconds: z.number().positive().default(3) }),
  step('missing_file', times),
  step('suppress_new_fit', times),
  step('suppress_new_jpg', times),
  step('late_shot_done', { ...times, seconds: z.number().positive().default(5) }),
  step('shot_list_disagrees', {
    ...times,
    how: z.enum(['omit', 'extra', 'wrong_filename', 'wrong_target']).default('omit'),
  }),
  step('foreign_target', {
    name: z.string().default('Owner target'),
    ra_hours: z.number().min(0).lt(24).optional(),
    dec_degrees: z.number().min(-90).max(90).optional(),
    priority: z.number().int().default(4),
    exposure: z.number().positive().default(2),
    quantity: z.number().int().min(1).default(100),
    enabled: z.boolean().default(true),
  }),
  step('local_operator', lasting),
] as const;

export const FaultStep = z.discriminatedUnion('kind', [...wire, ...answers, ...server, ...world, ...frames]);
export type FaultStep = z.infer<typeof FaultStep>;
export type FaultStepInput = z.input<typeof FaultStep>;
export type FaultKind = FaultStep['kind'];
export const FAULT_KINDS: readonly FaultKind[] = [...wire, ...answers, ...server, ...world, ...frames].map(
  (s) => s.shape.kind.value,
);
const ANSWER_KINDS = new Set<string>(answers.map((s) => s.shape.kind.value));
export type AnswerFault = Extract<FaultStep, { kind: (typeof answers)[number]['shape']['kind']['value'] }>;

/** @throws UsageError naming each wrong step and field. */
export function parseFaults(json: unknown, source: string): FaultStep[] {
  const parsed = z
    .array(FaultStep)
    .safeParse(Array.isArray(json) ? json : ((json as { faults?: unknown } | null)?.faults ?? [json]));
  if (!parsed.success)
    throw new UsageError(
      `${source}:\n  ${parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('\n  ')}`,
    );
  return parsed.data;
}
/** @throws UsageError */
export function readFaults(file: string): FaultStep[] {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (thrown) {
    throw new UsageError(`SIM_FAULTS ${file}: ${(thrown as Error).message}`);
  }
  return parseFaults(json, `SIM_FAULTS ${file}`);
}

type Of<K extends FaultKind> = Extract<FaultStep, { kind: K }>;

/**
 * Decides when a step's moment has come. Steps that hit n messages, answers or frames wait armed until they are taken;
 * all others are handed to `apply` at their moment.
 */
export class FaultEngine {
  private readonly clock: Clock;
  private readonly apply: (step: FaultStep) => void;
  private readonly timers = new Set<Timer>();
  private waitingForEvent: { step: FaultStep; left: number }[] = [];
  private armed: { step: FaultStep; left: number; skip: number }[] = [];
  private static readonly TAKEN = new Set<FaultKind>([
    ...([...answers].map((s) => s.shape.kind.value) as FaultKind[]),
    'join_lines',
    'split_bytes',
    'empty_lines',
    'nan',
    'focus_error',
    'abort_ends_script',
    'truncated_file',
    'late_file',
    'missing_file',
    'suppress_new_fit',
    'suppress_new_jpg',
    'late_shot_done',
    'shot_list_disagrees',
  ]);

  constructor(clock: Clock, apply: (step: FaultStep) => void) {
    this.clock = clock;
    this.apply = apply;
  }

  add(step: FaultStep): void {
    if (step.after_event) this.waitingForEvent.push({ step, left: step.nth });
    else if (step.at_seconds) {
      const timer = this.clock.setTimeout(() => {
        this.timers.delete(timer);
        this.begin(step);
      }, step.at_seconds * 1000);
      this.timers.add(timer);
    } else this.begin(step);
  }
  private begin(step: FaultStep): void {
    if (FaultEngine.TAKEN.has(step.kind))
      this.armed.push({ step, left: 'times' in step ? step.times : 1, skip: step.on_method ? step.nth - 1 : 0 });
    else if (step.on_method) this.armed.push({ step, left: 1, skip: step.nth - 1 });
    else this.apply(step);
  }

  /** To be told after each event that was sent. */
  eventSent(name: string): void {
    if (this.waitingForEvent.length === 0) return;
    const due = this.waitingForEvent.filter((w) => w.step.after_event === name && --w.left === 0);
    if (due.length === 0) return;
    this.waitingForEvent = this.waitingForEvent.filter((w) => !due.includes(w));
    for (const { step } of due) this.begin(step);
  }
  /** Uses up one hit of an armed step of this kind, if there is one. */
  take<K extends FaultKind>(kind: K, fits: (step: Of<K>) => boolean = () => true): Of<K> | null {
    const found = this.armed.find((a) => a.step.kind === kind && !a.step.on_method && fits(a.step as Of<K>));
    return found ? (this.use(found) as Of<K>) : null;
  }
  /** The fault for the answer to this method; steps that are not about answers run now. */
  takeForMethod(method: string): AnswerFault | null {
    let answer: AnswerFault | null = null;
    for (const candidate of this.armed) {
      const { step } = candidate;
      const isAnswer = ANSWER_KINDS.has(step.kind);
      if (!isAnswer && !step.on_method) continue;
      if (step.on_method && step.on_method !== '*' && step.on_method !== method) continue;
      if (isAnswer && answer) continue;
      if (candidate.skip > 0) {
        candidate.skip--;
        continue;
      }
      if (isAnswer) answer = this.use(candidate) as AnswerFault;
      else if (FaultEngine.TAKEN.has(step.kind)) candidate.step = { ...step, on_method: undefined };
      else {
        this.use(candidate);
        this.apply(step);
      }
    }
    return answer;
  }
  private use(entry: { step: FaultStep; left: number }): FaultStep {
    if (--entry.left <= 0) this.armed = this.armed.filter((a) => a !== entry);
    return entry.step;
  }
  /** Undoes `undo` after the step's `for_seconds`, where it has one. */
  lasting(step: { for_seconds?: number | undefined }, undo: () => void): void {
    if (step.for_seconds === undefined) return;
    const timer = this.clock.setTimeout(() => {
      this.timers.delete(timer);
      undo();
    }, step.for_seconds * 1000);
    this.timers.add(timer);
  }
  stop(): void {
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
    this.armed = [];
    this.waitingForEvent = [];
  }
}
