import { z } from 'zod';
import { Guid } from './common.ts';
import { DecDegrees, RaHours } from './position.ts';

/** Bodies of `/api/robotarget/*`, with the roadmap's field names (4.2); the dialect maps them to the wire. */
export const RoboSet = z
  .object({
    Guid: Guid,
    Name: z.string().min(1),
    ProfileName: z.string(),
    Status: z.number().int().default(0).describe('0 enabled, 1 disabled'),
    Tag: z.string().default(''),
  })
  .meta({ id: 'RoboSet' });
export type RoboSet = z.infer<typeof RoboSet>;
export const RoboTarget = z
  .object({
    GuidTarget: Guid,
    RefGuidSet: Guid,
    RefGuidBaseSequence: Guid,
    TargetName: z.string().min(1),
    RAJ2000: z.number().min(0).lt(24).describe('hours'),
    DECJ2000: z.number().min(-90).max(90).describe('degrees'),
    PA: z.number().default(0),
    DateCreation: z.number().describe('Unix seconds'),
    Status: z.number().int().default(0).describe('0 enabled, 1 disabled'),
    Priority: z.number().int().default(2),
    IsRepeat: z.boolean().default(true),
    Repeat: z.number().int().default(1),
    C_Mask: z.string().default('BDE'),
    C_AltMin: z.number().default(30),
    C_HAStart: z.number().default(-3),
    C_HAEnd: z.number().default(3),
    C_DateStart: z.number().describe('Unix seconds'),
    C_DateEnd: z.number().describe('Unix seconds'),
    Tag: z.string().default(''),
  })
  .meta({ id: 'RoboTarget' });
export type RoboTarget = z.infer<typeof RoboTarget>;
export const RoboShot = z
  .object({
    GuidShot: Guid,
    RefGuidTarget: Guid,
    FilterIndex: z.number().int().min(0),
    Num: z.number().int().min(1),
    Bin: z.number().int().min(1).default(1),
    ReadoutMode: z.number().int().default(0),
    Type: z.number().int().default(0).describe('0 LIGHT, 1 BIAS, 2 DARK, 3 FLAT'),
    Speed: z.number().int().default(0),
    Gain: z.number().int().default(0),
    Offset: z.number().int().default(0),
    Exposure: z.number().positive().describe('seconds'),
    Order: z.number().int().default(1),
    Enabled: z.boolean().default(true),
    Done: z.number().int().optional(),
  })
  .meta({ id: 'RoboShot' });
export type RoboShot = z.infer<typeof RoboShot>;

/** Bodies of those who write by hand: what the telescope's own settings or the moment say may be left out, positions are as people write them. */
export const SentRoboSet = RoboSet.extend({
  ProfileName: z.string().min(1).max(200).optional().describe('The telescope’s own when left out'),
});
export const SentRoboTarget = RoboTarget.extend({
  RefGuidBaseSequence: Guid.optional().describe('The telescope’s own when left out'),
  RAJ2000: RaHours.describe('hours, or like 02:49:50'),
  DECJ2000: DecDegrees.describe('degrees, or like +47:20:07'),
  DateCreation: z.number().optional().describe('Unix seconds; now when left out'),
  C_DateStart: z.number().optional().describe('Unix seconds; without it the target is bound to no night'),
  C_DateEnd: z.number().optional().describe('Unix seconds'),
});
