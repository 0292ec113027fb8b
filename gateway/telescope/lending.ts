import type { CommandOutcome, Grant, TelescopeActivities } from '../../domain/ports.ts';
import { namesOfOthers } from '../../domain/others.ts';
import { reasonText } from '../../domain/reasons.ts';
import type { RequestOutcome, VoyagerRequest } from '../connection/link.ts';
import type { BorrowedSky } from './borrowed.ts';
import type { Diary } from './diary.ts';
import type { EmergencyWatch } from './emergency.ts';
import type { Permit, SafetyGate } from './gate.ts';
import type { Grants } from './grants.ts';
import type { Here } from './here.ts';
import { done, reasonOf, refused, toCommand, unknown } from './outcomes.ts';
import { sameGuid, type Targets } from './targets.ts';

interface LendingParts {
  borrowed: BorrowedSky;
  grants: Grants;
  targets: Targets;
  gate: SafetyGate;
  emergency: EmergencyWatch;
  diary: Diary;
  request: (request: VoyagerRequest & { uid: string }, permit: Permit | null) => Promise<RequestOutcome>;
}

/** Both halves of a loan of other people's sky (docs/safety.md, 8). */
export class Lending {
  constructor(
    private readonly here: Here,
    private readonly parts: LendingParts,
  ) {}

  /** exclusive: every other enabled target is remembered, then disabled; one that runs inside our slot is stopped. */
  async borrow(grant: Grant, key: string, heartbeat: () => void): ReturnType<TelescopeActivities['borrowSky']> {
    const { borrowed, grants, targets } = this.parts;
    const { policy } = this.here.telescope();
    const lent = (): { guid: string; name: string }[] =>
      borrowed.of(grant.bookingId).map(({ guid, name }) => ({ guid, name }));
    const answer = (outcome: CommandOutcome) => ({ ...outcome, borrowed: lent() });
    if (policy.exclusivity === 'shared') return answer(done());
    if (this.here.readOnly) return answer(refused('read_only'));
    if (this.parts.emergency.current) return answer(refused('voyager_emergency'));
    if (!this.here.ready()) return answer(refused('voyager_away', this.here.whyAway()));
    const mayAct = grants.check(grant);
    if (mayAct) return answer(refused(mayAct));
    const list = await targets.list();
    if (!list.ok) return answer(unknown(list.reason, list.message));
    const foreign = list.items.filter(
      (t) => !sameGuid(t.guid, grant.targetGuid) && (t.enabled || t.statusOp === 'running'),
    );
    if (foreign.length === 0) return answer(done());
    if (!policy.disable_foreign_targets)
      return answer(refused('foreign_target', `in the way: ${namesOfOthers(foreign.map((t) => t.name))}`));
    await borrowed.add(
      grant.bookingId,
      // A session's target that its end left enabled is disabled and stays so.
      foreign.filter((t) => t.enabled && !grants.ofTarget(t.guid)),
    );
    heartbeat();
    const running = foreign.some((t) => t.statusOp === 'running');
    const outcomes = await targets.stop(
      foreign.map((t) => t.guid),
      running,
    );
    const failed = outcomes.find((o) => o.outcome === 'refused');
    this.parts.diary.command(key, 'borrow', failed ? toCommand(failed) : done(), grant.bookingId);
    const again = await targets.list();
    if (!again.ok) return answer(unknown(again.reason, again.message));
    const still = again.items.filter((t) => t.enabled && foreign.some((f) => sameGuid(f.guid, t.guid)));
    if (still.length === 0) return answer(done());
    return answer(
      refused(
        'foreign_target',
        `could not be disabled: ${namesOfOthers(still.map((t) => t.name))}${failed && failed.outcome === 'refused' ? ` (${failed.message})` : ''}`,
      ),
    );
  }

  /** Enables again what was borrowed for a booking; what cannot be given back now stays on the list. */
  async giveBack(bookingId: string): Promise<CommandOutcome> {
    const { borrowed, grants, gate, targets } = this.parts;
    const heir = grants.current().find((g) => g.bookingId !== bookingId);
    if (heir && this.here.telescope().policy.exclusivity === 'exclusive') {
      borrowed.bequeath(bookingId, heir.bookingId);
      return done(`kept for booking ${heir.bookingId}, whose slot runs`);
    }
    const open = borrowed.of(bookingId);
    if (open.length === 0) return done();
    const why = gate.whyNotStart({ by: 'return' }, null);
    if (why) return unknown(why, `kept until it may be: ${reasonText(why, 'en')}`);
    if (!this.here.ready()) return unknown('voyager_away', this.here.whyAway());
    const list = await targets.list();
    if (!list.ok) return unknown(list.reason, list.message);
    let failed: CommandOutcome | null = null;
    for (const loan of open) {
      const target = list.items.find((t) => sameGuid(t.guid, loan.guid));
      if (target && !target.enabled) {
        const request = targets.statusRequest(loan.guid, true);
        const outcome = await this.parts.request({ ...request, uid: request.uid! }, { by: 'return' });
        if (outcome.outcome !== 'done') {
          failed = unknown(reasonOf(outcome), outcome.message);
          continue;
        }
      }
      borrowed.returned(bookingId, loan.guid);
    }
    return failed ?? done();
  }
}
