import type { Frame, Prisma } from '../../../prisma/client/client.ts';

const DAY_MS = 86_400_000;
/** `sourceKey` of rows that an import wrote begins so. */
export const IMPORTED = 'import/';

/** A folder of the past: only its booking's rows, and whom to tell of each. */
export interface Past {
  bookingId: string;
  each: (row: Frame) => void;
}
/** Rows that a drain looks at. An import's rows are its own, however young their frames: their paths are not Voyager's. */
export const scopeOf = (past: Past | null): Prisma.FrameWhereInput =>
  past
    ? { bookingId: past.bookingId }
    : { seenAt: { gte: new Date(Date.now() - 30 * DAY_MS) }, sourceKey: { not: { startsWith: IMPORTED } } };
