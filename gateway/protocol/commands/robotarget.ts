import { z } from 'zod';
import { type CommandSpec, type Options, LIST_MS, NONE, command, int, flag, retFailure } from './spec.ts';

const roboClip = {
  TargetName: z.string().min(1),
  RAJ2000: z.string(),
  DECJ2000: z.string(),
  PA: z.number().default(0),
  Group: z.string().default(''),
  Note: z.string().default(''),
  IsMosaic: flag.default(false),
  FROW: int.default(0),
  FCOL: int.default(0),
  TILES: z.string().default(''),
  angleAdj: z.number().default(0),
  overlap: z.number().default(0),
  DX: int.default(0),
  DY: int.default(0),
  PixelSize: z.number().default(0),
  Focallen: z.number().default(0),
};
const rating = int.describe('0 or less: not rated');
const recordMode = int.min(0).max(3).describe('0 shot, 1 session, 2 target, 3 slot');
const removal = z.object({
  ObjUID: z.string().min(1),
  Mode: int.min(0).max(4).describe('0 shot, 1 session, 2 target, 3 slot, 4 set'),
  RatingMode: int.min(0).max(2).default(0).describe('0 all, 1 lower than, 2 greater than'),
  RatingLimit: int.default(0),
});
const fileName = z.object({ FileNameFIT: z.string().min(1) });
const open = <const N extends string, P extends z.ZodObject>(
  name: N,
  params: P,
  mac: string | null,
  options: Options,
): CommandSpec<`RemoteOpenRoboTarget${N}`, P> =>
  command(`RemoteOpenRoboTarget${name}`, params, { timeoutMs: LIST_MS, failure: retFailure, mac, ...options });

/** RoboClip, and RoboTarget’s open commands. */
export const robotarget = [
  // RoboClip
  command('RemoteRoboClipAddTarget', z.object({ GuidTarget: z.string().min(1), ...roboClip }), {
    class: 'edit',
    failure: retFailure,
  }),
  command('RemoteRoboClipUpdateTarget', z.object({ RefGuidTarget: z.string().min(1), ...roboClip }), {
    class: 'edit',
    failure: retFailure,
  }),
  /** An empty RefGuidTarget would delete the whole database; it is refused here. */
  command('RemoteRoboClipRemoveTarget', z.object({ RefGuidTarget: z.string().min(1) }), {
    class: 'edit',
    failure: retFailure,
  }),

  // RoboTarget, open commands
  open('GetTargetList', NONE, null, { class: 'read' }),
  open(
    'GetShotDoneList',
    z.object({ RefGuidTarget: z.string().min(1), IsDeleted: flag.default(false) }),
    'RefGuidTarget',
    { class: 'read' },
  ),
  open(
    'SetShotDoneRating',
    z.object({ ObjUID: z.string().min(1), Mode: recordMode, Rating: rating, IsDeleted: flag.default(false) }),
    'ObjUID',
    { class: 'edit' },
  ),
  // A finished target whose records are taken away is not finished any more: RoboTarget takes them again.
  open('RemoveShotDone', removal, 'ObjUID', { class: 'start' }),
  open('RestoreShotDone', removal, 'ObjUID', { class: 'edit' }),
  open(
    'UpdateBulkShotDone',
    z.object({
      SrcList: z
        .array(z.object({ RefGuidShotDone: z.string().min(1), Rating: rating, IsToDelete: flag }))
        .min(1)
        .max(50),
      IsDeleted: flag.default(false),
    }),
    null,
    {
      class: 'start',
    },
  ),
  open('RemoveShotDoneByFileName', fileName, 'FileNameFIT', { class: 'start' }),
  open('RestoreShotDoneByFileName', fileName, 'FileNameFIT', { class: 'edit' }),
  open('SetShotDoneRatingByFileName', fileName.extend({ Rating: rating }), 'FileNameFIT', { class: 'edit' }),
] as const;
