import type { CommandContext } from './commands/command.ts';
import { guidOf } from './random.ts';
import type { SetRow, ShotRow, TargetRow } from './robotarget/store.ts';

export interface ForeignTarget {
  name: string;
  ra_hours?: number | undefined;
  dec_degrees?: number | undefined;
  priority?: number;
  exposure?: number;
  quantity?: number;
  enabled?: boolean;
}

/** The rows of a target that was added. */
export interface OwnersGuids {
  setGuid: string;
  targetGuid: string;
  shotGuid: string;
}

/** Adds a target of the owner's own, not made through any client. */
export function addTarget(context: CommandContext, target: ForeignTarget): OwnersGuids {
  const { options, store, mount, log, roboTarget } = context;
  const nowSeconds = Math.floor(context.now() / 1000);
  const key = `${target.name}/${store.next()}`;
  const guids = {
    setGuid: guidOf(options.seed, 'owner-set', key),
    targetGuid: guidOf(options.seed, 'owner-target', key),
    shotGuid: guidOf(options.seed, 'owner-shot', key),
  };
  const dec = target.dec_degrees ?? options.site.latitude_degrees * 0.9;
  store.put('sets', guids.setGuid, {
    Guid: guids.setGuid,
    Name: 'Owner',
    ProfileName: options.profile,
    Status: 0,
    Tag: 'owner',
  } satisfies SetRow);
  store.put('targets', guids.targetGuid, {
    GuidTarget: guids.targetGuid,
    RefGuidSet: guids.setGuid,
    RefGuidBaseSequence: options.sequenceGuid,
    TargetName: target.name,
    RAJ2000: target.ra_hours ?? mount.raAtHourAngle(-1, dec),
    DECJ2000: dec,
    PA: 0,
    DateCreation: nowSeconds - 86_400,
    Status: target.enabled === false ? 1 : 0,
    Priority: target.priority ?? 2,
    IsRepeat: false,
    Repeat: 1,
    C_Mask: '',
    C_AltMin: 10,
    C_HAStart: -12,
    C_HAEnd: 12,
    C_DateStart: nowSeconds - 86_400,
    C_DateEnd: nowSeconds + 86_400,
    Tag: 'owner',
  } satisfies TargetRow);
  store.put('shots', guids.shotGuid, {
    GuidShot: guids.shotGuid,
    RefGuidTarget: guids.targetGuid,
    FilterIndex: 0,
    Num: target.quantity ?? 100,
    Bin: 1,
    ReadoutMode: 0,
    Type: 0,
    Speed: 0,
    Gain: 0,
    Offset: 0,
    Exposure: target.exposure ?? 2,
    Order: 1,
    Enabled: true,
  } satisfies ShotRow);
  log.effect('foreign_target.added', { target: guids.targetGuid, name: target.name });
  roboTarget.wake();
  return guids;
}

/** Somebody at the keyboard: stops RoboTarget, slews by hand, and starts it again when he has done. */
export async function takeOver(context: CommandContext, step: { for_seconds?: number | undefined }): Promise<void> {
  const { options, state, mount, log, faults, roboTarget } = context;
  context.logEvent(8, 'Abort All requested by User');
  log.effect('operator.begin', {});
  const script = roboTarget.dragScript ?? options.dragScript;
  state.operator = true;
  state.sequence = 'Manual.s2q';
  await roboTarget.stop('local operator');
  mount.beginSlew((mount.position().raHours + 2) % 24, 40, 1500);
  await context.wait(1.5);
  mount.endSlew();
  faults.lasting(step, () => {
    state.operator = false;
    state.sequence = null;
    log.effect('operator.end', {});
    roboTarget.start(script);
  });
}
