import { clockIsOff } from '../../domain/clock-offset.ts';
import type { Telescope } from '../../domain/contracts/telescope.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { Grant } from '../../domain/ports.ts';
import type { GateVerdict, OutgoingLine } from '../connection/link.ts';
import type { Dialect } from '../robotarget/dialect.ts';
import { ALWAYS_LISTED, classify, type Classified } from '../protocol/requests.ts';
import { canMakeRunnable, targetOf, type TargetKnowledge } from './effect.ts';

/** Why somebody wants a request to pass; told to the gate under the request's UID before it is handed to the link. */
export type Permit =
  /** A session's own command, judged against the grant on disk. */
  | { by: 'session'; grant: Pick<Grant, 'bookingId' | 'generation'> }
  /**
   * The owner through the drop-in routes, while no slot runs; at any time where it starts nothing before every running slot is over
   * (`elsewhere`). `setWasEnabled`: the set that is written was read as enabled a moment ago.
   */
  | { by: 'operator'; elsewhere?: boolean; setWasEnabled?: boolean }
  /** Giving back what was borrowed for a slot. */
  | { by: 'return' };

/** What the gate asks of the rest of the gateway, at the instant of each line. */
export interface GateFacts {
  telescope(): Telescope;
  readOnly: boolean;
  emergency(): 'suspend' | 'exit' | null;
  ownsLease(): boolean;
  /** Null when the weather lets motion start. */
  weather(): Reason | null;
  clockOffsetSeconds(): number | null;
  /** Null when this grant may act now. */
  grant(grant: Pick<Grant, 'bookingId' | 'generation'>): Reason | null;
  slotRunning(): boolean;
  /** Why a latched abort keeps this target or booking from starting; null when none does. */
  latched(targetGuid: string | null, bookingId: string | null): Reason | null;
  /** Somebody works at the telescope now. */
  inMaintenance(): boolean;
  /** null where nobody knows: then it is not dark. */
  sunAltitudeDegrees(): number | null;
  safetyMonitorConnected(): boolean;
  /** RoboTarget's targets as a list of the last minute has them; null while there is none. */
  targets?(): TargetKnowledge['list'];
  /** The target of a set that a session made. */
  targetOfSet?(setGuid: string): string | null;
}

type StartFacts = Omit<
  GateFacts,
  'telescope' | 'sunAltitudeDegrees' | 'safetyMonitorConnected' | 'targets' | 'targetOfSet'
>;

const REMEMBERED = 500;

/** Would a start by this grant pass now; for answers before anything is sent. */
export function whyNotStart(facts: StartFacts, permit: Permit | null, targetGuid: string | null): Reason | null {
  if (facts.readOnly) return 'read_only';
  if (facts.emergency()) return 'voyager_emergency';
  if (!facts.ownsLease()) return 'gateway_away';
  if (!permit) return 'not_allowed';
  const latched = facts.latched(targetGuid, permit.by === 'session' ? permit.grant.bookingId : null);
  if (latched) return latched;
  if (facts.inMaintenance()) return 'maintenance';
  // What a guest's night took from others is given back under the same sky as any other start (docs/safety.md, 8).
  if (permit.by === 'return') return facts.weather();
  if (clockIsOff(facts.clockOffsetSeconds())) return 'clock_offset';
  // Voyager's own window holds it until long after: nothing moves now, in whatever weather.
  if (permit.by === 'operator' && permit.elsewhere) return null;
  if (permit.by === 'session') {
    const grant = facts.grant(permit.grant);
    if (grant) return grant;
  } else if (facts.slotRunning()) return 'outside_slot';
  return facts.weather();
}

/**
 * The safety gate: asked synchronously before every line, so that nothing can change between the judgement and the write.
 * A refusal is one of the product's reasons; `refusalOf(uid)` tells it to whoever sent the request.
 */
export class SafetyGate {
  private readonly permits = new Map<string, Permit>();
  private readonly refusals = new Map<string, Reason>();
  private readonly enabledSince = new Set<string>();
  private haltPermits = 0;
  /** Refused lines by reason, for the metrics. */
  readonly refused = new Map<Reason, number>();

  constructor(
    private readonly dialect: Dialect,
    private readonly facts: GateFacts,
  ) {}

  permit(uid: string, permit: Permit): void {
    remember(this.permits, uid, permit);
  }
  /** The next Abort{IsHalt:true} passes; for the admin's halt alone. */
  permitHalt(): void {
    this.haltPermits += 1;
  }
  refusalOf(uid: string): Reason | null {
    return this.refusals.get(uid) ?? null;
  }

  readonly judge = (line: OutgoingLine): GateVerdict => {
    const reason = this.reasonAgainst(line);
    if (!reason) return { allowed: true };
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    if (typeof line.params.UID === 'string') remember(this.refusals, line.params.UID, reason);
    return { allowed: false, reason };
  };

  whyNotStart(permit: Permit | null, targetGuid: string | null): Reason | null {
    return whyNotStart(this.facts, permit, targetGuid);
  }

  private reasonAgainst(line: OutgoingLine): Reason | null {
    if (line.kind === 'event') return 'not_allowed';
    if (line.kind !== 'request' || line.method === null) return null;
    const classified = classify(this.dialect, line.method, line.params);
    if (!this.listed(line.method, classified)) return 'not_allowed';
    if (classified.class === 'read') return null;
    if (this.facts.readOnly) return 'read_only';
    if (this.facts.emergency()) return 'voyager_emergency';
    switch (classified.class) {
      case 'safe':
        this.noteStatus(classified, false);
        return null;
      case 'halt':
        return this.reasonAgainstHalt();
      default:
        return this.reasonAgainstMotion(line, classified);
    }
  }
  private reasonAgainstHalt(): Reason | null {
    if (this.haltPermits === 0) return 'not_allowed';
    this.haltPermits -= 1;
    return null;
  }
  /** For an edit, a start and a script: what counts is whether something can run by it. */
  private reasonAgainstMotion(line: OutgoingLine, classified: Classified): Reason | null {
    if (!this.facts.ownsLease()) return 'gateway_away';
    const uid = typeof line.params.UID === 'string' ? line.params.UID : null;
    const permit = (uid === null ? undefined : this.permits.get(uid)) ?? null;
    if (classified.class === 'edit' && !this.startsByEffect(line, classified, permit)) {
      if (classified.dialect?.command === 'target.update') this.noteStatus(classified, false);
      return classified.dialect?.command.endsWith('.remove') && !classified.dialect.guid ? 'not_allowed' : null;
    }
    const why = this.whyNotStart(permit, targetOf(this.dialect, classified, line.params, this.knowledge()));
    if (why) return why;
    this.noteStatus(classified, true);
    return classified.class === 'script' ? this.reasonAgainstScript(line) : null;
  }

  private knowledge(): TargetKnowledge {
    return {
      list: this.facts.targets?.() ?? null,
      enabledSince: this.enabledSince,
      targetOfSet: (guid) => this.facts.targetOfSet?.(guid) ?? null,
    };
  }
  private startsByEffect(line: OutgoingLine, classified: Classified, permit: Permit | null): boolean {
    if (permit?.by === 'operator' && permit.setWasEnabled && classified.dialect?.command === 'set.update') return false;
    return canMakeRunnable(this.dialect, classified, line.params, this.knowledge());
  }
  /** Lists are read seldom: a target that was enabled through us counts as enabled until it was disabled through us. */
  private noteStatus({ dialect }: Classified, enabled: boolean): void {
    if (dialect?.kind !== 'target' || dialect.guid === null) return;
    const guid = dialect.guid.toLowerCase();
    this.enabledSince.delete(guid);
    if (enabled) this.enabledSince.add(guid);
    if (this.enabledSince.size > REMEMBERED) this.enabledSince.delete(this.enabledSince.values().next().value!);
  }

  /** A DragScript may open a roof: only the one that policy names, in the dark, with a safety monitor. */
  private reasonAgainstScript(line: OutgoingLine): Reason | null {
    const { policy, night } = this.facts.telescope();
    if (
      policy.robotarget_start !== 'dragscript' ||
      policy.dragscript === null ||
      line.params.DragScriptFile !== policy.dragscript
    )
      return 'not_allowed';
    const sun = this.facts.sunAltitudeDegrees();
    if (sun === null || sun > night.sun_altitude_degrees) return 'waiting_for_dark';
    return this.facts.safetyMonitorConnected() ? null : 'safety_monitor_missing';
  }

  /** Stops and disables pass whatever the list says; the dialect's own commands are the purpose of this gateway. */
  private listed(method: string, classified: Classified): boolean {
    return classified.dialect !== null || ALWAYS_LISTED.has(method) || this.facts.telescope().commands.includes(method);
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > REMEMBERED) map.delete(map.keys().next().value!);
}
