import { z } from 'zod';
import { COORDINATE_PROBLEMS, type CoordinateProblem, readDecDegrees, readRaHours } from '../coordinates.ts';
import { MAX_ANGLE_LENGTH } from '../reading/angle.ts';

/** A number, or a text as people write it; longer than any position is refused before it is read. */
const position = (read: (value: number | string) => number | CoordinateProblem) =>
  z.union([z.number(), z.string().max(MAX_ANGLE_LENGTH)]).transform((value, ctx) => {
    const found = read(value);
    if (typeof found === 'number') return found;
    ctx.addIssue({ code: 'custom', message: COORDINATE_PROBLEMS[found].en });
    return z.NEVER;
  });
export const RaHours = position(readRaHours);
export const DecDegrees = position(readDecDegrees);
