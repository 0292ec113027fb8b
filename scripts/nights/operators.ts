import { isOpen } from '../../platform/maintenance.ts';
import { SIGNALS, type TelescopeEventSignal } from '../../domain/messages.ts';
import type { StandIn } from '../../simulator/stand-in/stand-in.ts';
import type { Step } from './kinds.ts';

const SECOND = 1000;
/** What of a night these reach. */
export interface Reached {
  readonly workflowId: string;
  readonly temporal: {
    isOpen(workflowId: string): Promise<boolean>;
    signal(workflowId: string, name: string, body: unknown): Promise<boolean>;
  };
  readonly observatory: StandIn;
  readonly asked: { at: number; commandId: string; kind: Step['kind'] }[];
  readonly stopsAtGateway: { at: number; kind: Step['kind'] }[];
  readonly rows: { maintained: { from: number; to: number; known: boolean; bookings: 'hold' | 'cancel' } | null };
  apiReachesGateway(at: number): boolean;
  apiNow(at: number): number;
  tell(at: number, told: Told): Promise<void>;
}
type ByGateway = Extract<Step, { kind: 'gateway_abort' | 'operator_halt' | 'operator_abort' | 'maintenance_now' }>;

/** What reaches the gateway without a workflow: the api tells it at once, and the session by Temporal. */
export async function operate(world: Reached, step: ByGateway, at: number): Promise<void> {
  if (!(await world.temporal.isOpen(world.workflowId))) return;
  if (step.kind === 'maintenance_now') return maintain(world, step, at);
  const guest = step.kind === 'gateway_abort';
  const by = { commandId: step.commandId, requestedBy: guest ? 'guest' : 'admin' };
  const reason = guest ? {} : { reason: 'operator_abort' as const };
  const stopped = world.apiReachesGateway(at) && stopAtGateway(world, step, at, { ...by, ...reason });
  if (stopped) {
    world.stopsAtGateway.push({ at, kind: step.kind });
    await world.tell(at, { id: step.commandId, kind: 'aborted_at_gateway' });
  }
  if (step.kind === 'operator_halt' || (step.kind === 'gateway_abort' && !step.signalled)) return;
  const body = { ...by, ...reason, alreadyStopped: stopped };
  if (await world.temporal.signal(world.workflowId, SIGNALS.abort, body))
    world.asked.push({ at, commandId: step.commandId, kind: step.kind });
}

function stopAtGateway(
  { observatory }: Reached,
  step: ByGateway,
  at: number,
  by: Parameters<StandIn['emergencyAbort']>[0],
): boolean {
  if (step.kind !== 'operator_halt') observatory.emergencyAbort(by, at);
  // Halt is refused while Voyager may not be spoken to, and says so.
  else if (observatory.gateway.linkUp(at) && !observatory.gateway.silent(at)) observatory.halt(by, at);
  return observatory.latch?.commandId === step.commandId;
}

/** Somebody goes into the dome: the answer to the operator is given when the gate knows, or says that it does not. */
async function maintain(world: Reached, step: Extract<Step, { kind: 'maintenance_now' }>, at: number): Promise<void> {
  const window = { from: new Date(at).toISOString(), to: new Date(at + step.seconds * SECOND).toISOString() };
  const known = world.apiReachesGateway(at);
  world.rows.maintained = {
    from: at,
    to: at + step.seconds * SECOND,
    known,
    bookings: step.cancels ? 'cancel' : 'hold',
  };
  const open = isOpen(new Date(window.to), new Date(world.apiNow(at)));
  if (known) world.observatory.gateway.knowMaintenance(open ? [window] : [], at);
  await world.tell(at, { id: step.commandId, kind: 'local_operator', detail: 'maintenance' });
}

export type Told = Pick<TelescopeEventSignal, 'id' | 'kind' | 'detail'>;
