import type { CommandOutcome } from '../../domain/ports.ts';
import { reasonText } from '../../domain/reasons.ts';
import type { Waits } from '../../platform/waiting.ts';
import type { EmergencyWatch } from './emergency.ts';
import type { Grants } from './grants.ts';
import type { Here } from './here.ts';
import type { Mirror } from './mirror.ts';
import { done, refused, toCommand, unknown } from './outcomes.ts';
import { sameGuid, type Targets } from './targets.ts';

const CONFIRM_MS = 45_000;
const AGAIN_MS = 15_000;
const LOOK_MS = 500;

interface StopParts {
  targets: Targets;
  mirror: Mirror;
  emergency: EmergencyWatch;
  grants: Grants;
  waits: Waits;
}

/** The stop ladder (docs/safety.md, 3). */
export class StopLadder {
  constructor(
    private readonly here: Here,
    private readonly parts: StopParts,
  ) {}

  /**
   * Disable and Abort{IsHalt:false} in one write, then confirmed from telemetry: every one of the targets
   * disabled and not running, RUNSEQ empty or somebody else's. Abort is left out where it would end somebody else's exposure.
   */
  async stop(
    targetGuids: readonly string[],
    options: { setGuids?: readonly string[]; heartbeat?: () => void } = {},
  ): Promise<CommandOutcome> {
    if (this.here.readOnly) return refused('read_only');
    if (this.parts.emergency.current) return refused('voyager_emergency', reasonText('voyager_emergency', 'en'));
    if (!this.here.ready()) return unknown('voyager_away', this.here.whyAway());
    const sentAt = this.here.clock.now();
    const outcomes = await this.parts.targets.stop(
      targetGuids,
      this.abortsOnlyOurs(targetGuids, 10_000),
      options.setGuids,
    );
    const gated = outcomes.find((o) => o.outcome === 'refused' && o.how === 'gate');
    if (gated) return toCommand(gated);
    return this.confirm(targetGuids, sentAt, options.heartbeat);
  }
  private async confirm(
    targetGuids: readonly string[],
    sentAt: number,
    heartbeat?: () => void,
  ): Promise<CommandOutcome> {
    const { targets, mirror, emergency, waits } = this.parts;
    const deadline = sentAt + CONFIRM_MS;
    let again = sentAt + AGAIN_MS;
    let why = 'RoboTarget’s list could not be read';
    while (!waits.ended) {
      heartbeat?.();
      const list = await targets.list();
      if (list.ok) {
        const ours = list.items.filter((t) => targetGuids.some((guid) => sameGuid(guid, t.guid)));
        const others = list.items.some((t) => t.statusOp === 'running' && !ours.includes(t));
        const enabled = ours.some((t) => t.enabled);
        const running = ours.some((t) => t.statusOp === 'running');
        const controlAge = mirror.controlAgeMs(this.here.clock.now());
        const heardSince = controlAge !== null && this.here.clock.now() - controlAge > sentAt;
        const quiet = heardSince && !mirror.controlData?.RUNSEQ;
        if (!enabled && !running && (quiet || others || targetGuids.length === 0)) return done();
        why = enabled ? 'the target is still enabled' : `${running ? 'the target' : 'a sequence'} is still running`;
      } else why = list.message;
      const nowMs = this.here.clock.now();
      if (nowMs >= deadline) return unknown('no_answer', why);
      if (nowMs >= again && this.here.ready() && !emergency.current) {
        again = nowMs + AGAIN_MS;
        await targets.stop(targetGuids, this.abortsOnlyOurs(targetGuids, 5_000));
      }
      await waits.wait(LOOK_MS);
    }
    return unknown('gateway_away', 'the gateway is stopping');
  }
  /**
   * Abort takes no target and ends whatever runs. It is left out where another target is known to run, and, while nobody knows, where the running
   * slot is another booking's.
   */
  private abortsOnlyOurs(targetGuids: readonly string[], maxAgeMs: number): boolean {
    const among = (guid: string | null): boolean => targetGuids.some((own) => sameGuid(own, guid));
    const running = this.parts.targets.recent(maxAgeMs)?.filter((t) => t.statusOp === 'running') ?? [];
    if (running.length > 0) return running.some((t) => among(t.guid));
    const current = this.parts.grants.current();
    return current.length === 0 || current.some((g) => among(g.targetGuid));
  }
}
