import { type ControlSignal, SIGNALS, UPDATES, type UpdateResult } from '../../domain/messages.ts';
import { isFinal, isWaitingPhase, type Phase } from '../../domain/phases.ts';
import type { Step } from './kinds.ts';
import { operate, type Reached as ReachedByOperators } from './operators.ts';
import type { NightPlan } from './plan.ts';
import type { Row } from './rows.ts';

const SECOND = 1000;

/** What of a night people reach. */
interface Reached extends ReachedByOperators {
  readonly plan: NightPlan;
  readonly phase: Phase;
  readonly row: Row;
  readonly temporal: ReachedByOperators['temporal'] & {
    cancel(workflowId: string): Promise<boolean>;
    update(
      workflowId: string,
      name: string,
      body: unknown,
      settled: (result: UpdateResult | null) => void,
    ): Promise<void>;
  };
}

/** What a person asks for in the night, as the api would take it. */
export async function people(world: Reached, step: Step): Promise<void> {
  const at = world.plan.start + step.at * SECOND;
  const body: ControlSignal = { commandId: step.commandId, requestedBy: 'guest' };
  const told = (taken: boolean): void => {
    if (taken) world.asked.push({ at, commandId: step.commandId, kind: step.kind });
  };
  switch (step.kind) {
    case 'pause':
    case 'resume':
    case 'abort':
    case 'cancel':
      return told(await world.temporal.signal(world.workflowId, SIGNALS[step.kind], body));
    case 'gateway_abort':
    case 'operator_halt':
    case 'operator_abort':
    case 'maintenance_now':
      return operate(world, step, at);
    case 'operator_cancel':
      return told(await world.temporal.cancel(world.workflowId));
    case 'extend': {
      if (!step.free || isFinal(world.phase) || world.phase === 'finalising') return;
      const end = new Date(world.row.endsAt.getTime() + step.minutes * 60 * SECOND);
      // The api refuses what its own clock takes for over.
      if (world.apiNow(at) >= end.getTime()) return;
      return change(world, step, { endsAt: end }, UPDATES.extend, { ...body, end: end.toISOString() });
    }
    case 'reschedule': {
      if (!isWaitingPhase(world.phase)) return;
      const [start, end] = [world.row.startsAt, world.row.endsAt].map(
        (d) => new Date(d.getTime() + step.laterSeconds * SECOND),
      ) as [Date, Date];
      return change(
        world,
        step,
        { startsAt: start, endsAt: end, generation: world.row.generation + 1 },
        UPDATES.reschedule,
        {
          ...body,
          start: start.toISOString(),
          end: end.toISOString(),
        },
      );
    }
    case 'amend':
      if (isFinal(world.phase)) return;
      return change(world, step, { shots: step.shots, generation: world.row.generation + 1 }, UPDATES.amendPlan, {
        ...body,
        bodyHash: step.commandId,
      });
  }
}
/** As the api does it: the row first, then the workflow; what it refuses goes back. */
async function change(
  world: Reached,
  step: Step,
  to: Partial<Row>,
  update: string,
  body: Record<string, unknown>,
): Promise<void> {
  if (!(await world.temporal.isOpen(world.workflowId))) return;
  const { startsAt, endsAt, shots } = world.row;
  const put = (row: Partial<Row>): Row => Object.assign(world.row, row, { version: world.row.version + 1 });
  put(to);
  world.asked.push({ at: world.plan.start + step.at * SECOND, commandId: step.commandId, kind: step.kind });
  await world.temporal.update(world.workflowId, update, body, (result) => {
    if (result?.state === 'refused') put({ startsAt, endsAt, shots });
  });
}
