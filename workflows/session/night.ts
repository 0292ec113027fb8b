import { CancellationScope } from '@temporalio/workflow';
import type { Grant, Observation, WatchPlan } from '../../domain/ports.ts';
import type { Reason } from '../../domain/reasons.ts';
import { Logbook } from './logbook.ts';
import { wire } from './messages.ts';
import { minimumUsefulSeconds } from './pace.ts';
import { badWeatherSeen, inMaintenance, lostToWeather, type judge } from './policy.ts';
import { Projector } from './projection.ts';
import type { Ending } from './data.ts';
import type { SessionState } from './state.ts';
import { SECOND } from './time.ts';

/**
 * What only this run of the workflow knows. A run that continues as new begins with an empty one and looks again.
 */
export interface Memory {
  /** The session is being wrapped up; its history is not begun anew any more. */
  over: boolean;
  lastObservation: Observation | null;
  lastCheckAt: number;
  /** Since when what the last check saw has been so: the first event that called for it, else the check itself. */
  sinceWhen: string;
  /** The last look waited in vain for a gateway: the next one waits in its queue for as long as a check interval, and is answered when it is back. */
  gatewayAway: boolean;
  /** The watch that the next check consists of, instead of a timer and a look. */
  quiet: WatchPlan | null;
  /** What was said of a step that was not done, by step. */
  readonly said: Map<string, string>;
  /** When what keeps our target running was done last. */
  keptAt: number;
  /** The grant that the gateway took when somebody else's target stood in the way: while that is all, it is not given again. */
  registered: string | null;
  /** How often in a row the target could not be made to hold. */
  stillFailures: number;
  /** The stop was given up unseen: then only the gateway's watchdog can still do it, and it needs the grant. */
  stopUnseen: boolean;
  /** Why the last disable or stop could not be seen to work. */
  unseenBecause: Reason;
  /** The last check found our target enabled and idle for too long (progress.ts). */
  stalled: boolean;
}

/** A session under way: what it knows, what it says, what it remembers. What happens to it are functions of it, a file a phase. */
export class Night {
  readonly projector: Projector;
  readonly logbook: Logbook;
  readonly background = new CancellationScope();
  /** Ends when the projector has written all. */
  readonly projecting: Promise<void>;
  readonly memory: Memory = {
    over: false,
    lastObservation: null,
    lastCheckAt: 0,
    sinceWhen: '',
    gatewayAway: false,
    quiet: null,
    said: new Map(),
    keptAt: 0,
    registered: null,
    stillFailures: 0,
    stopUnseen: false,
    unseenBecause: 'no_answer',
    stalled: false,
  };

  constructor(
    readonly state: SessionState,
    readonly maxHistoryEvents: number | null,
  ) {
    wire(state);
    this.projector = new Projector(state);
    this.logbook = new Logbook(state, this.projector);
    this.projecting = CancellationScope.nonCancellable(() => this.projector.run());
  }

  /** The slot has begun. */
  get begun(): boolean {
    const { phase } = this.state.data;
    return phase === 'starting' || phase === 'running' || phase === 'holding' || phase === 'finalising';
  }

  grant(): Grant {
    const { booking, bookingId, telescopeId } = this.state;
    return {
      bookingId,
      telescopeId,
      generation: booking.generation,
      ...(booking.revision === undefined ? {} : { revision: booking.revision }),
      start: booking.start,
      end: booking.end,
      targetGuid: booking.plan.target.GuidTarget,
    };
  }

  minimumUsefulMs(): number {
    return minimumUsefulSeconds(this.state.booking.policy, (this.state.endMs - this.state.startMs) / SECOND) * SECOND;
  }

  /** A control, or something that the observatory tells of, waits to be looked at. */
  called(): boolean {
    return this.state.data.inbox.length > 0 || this.state.events.length > 0;
  }

  /** Something was asked while a step was under way: it comes before the rest of that step. */
  cutShort(): boolean {
    return this.state.data.inbox.length > 0;
  }

  /** Somebody wants the session to end: that waits for no other control. */
  stopAsked(): boolean {
    return this.state.data.inbox.some(({ kind }) => kind === 'abort' || kind === 'cancel');
  }

  /** Inside the slot somebody works at the telescope: nothing is prepared for it then. */
  maintained(): boolean {
    const { state } = this;
    const now = Date.now();
    return now >= state.startMs && inMaintenance(state.data.maintenance, now);
  }

  weatheredOut(): boolean {
    const { phase, holdCause, spans } = this.state.data;
    return lostToWeather(spans, Date.now(), phase === 'holding' && holdCause === 'weather');
  }

  noteLook(seen: Observation): void {
    this.memory.lastObservation = seen;
    this.state.data.badWeather = badWeatherSeen(seen, this.state.data.badWeather ?? false);
  }

  /** An abort that the gateway has latched and no workflow has taken over, with who asked for it and why. */
  takeLatch({ latchedAbort: latch }: Observation): void {
    if (!latch || latch.commandId === this.state.data.takenOver) return;
    this.state.data.latched = { commandId: latch.commandId, at: latch.at };
    this.state.receive('abort', {
      commandId: latch.commandId,
      requestedBy: latch.requestedBy,
      alreadyStopped: true,
      ...(latch.reason ? { reason: latch.reason } : {}),
    });
  }

  inEmergency(): boolean {
    return this.memory.lastObservation?.emergency !== null && this.memory.lastObservation?.emergency !== undefined;
  }

  checkAtOnce(): void {
    this.memory.lastCheckAt = 0;
    this.memory.quiet = null;
  }
}

/** What `judge` weighs besides what was seen. */
export function circumstances(night: Night, refusal: Reason | null): Parameters<typeof judge>[1] {
  const { data, booking } = night.state;
  const calibrating = booking.policy.calibration_in_bad_weather && night.state.onlyCalibrationLeft();
  const emergencyForWeather = night.inEmergency() && (data.badWeather ?? false);
  return {
    now: Date.now(),
    policy: booking.policy,
    engaged: data.engaged,
    userPaused: data.userPaused,
    maintenance: data.maintenance,
    plannedWork: inMaintenance(data.maintenance, Date.now()),
    calibrating,
    refusal,
    stalled: night.memory.stalled,
    emergencyForWeather,
  };
}

export function slotOver(night: Night): Ending {
  const { data } = night.state;
  if (data.started && night.state.shotsTaken() > 0)
    return { outcome: 'completed', reason: 'slot_over', commandId: null };
  if (night.weatheredOut()) return { outcome: 'weathered_out', reason: 'weather_no_time_left', commandId: null };
  if (data.phase === 'holding' && data.reason === 'maintenance')
    return { outcome: data.started ? 'aborted' : 'failed', reason: 'maintenance', commandId: null };
  if (data.started && data.phase === 'holding' && data.holdCause !== 'user')
    return { outcome: 'failed', reason: data.reason, commandId: null };
  if (data.started || data.holdCause === 'user') return { outcome: 'completed', reason: 'slot_over', commandId: null };
  return { outcome: 'failed', reason: data.reason ?? 'slot_over', commandId: null };
}
