import type { Database } from '../../../platform/database.ts';
import type { Frame, Prisma } from '../../../prisma/client/client.ts';
import { announceCaptured, announceMeasured } from '../announce.ts';
import { IMPORTED, discover, recall } from './rows.ts';

const DAY_MS = 86_400_000;

/** Which frames a drain takes in, where they come from and who is told of them. */
export interface Scope {
  /** Rows that belong to it. */
  rows(): Prisma.FrameWhereInput;
  /** Whose archived frames are told of. */
  readonly bookingId: string | { not: null };
  /** Writes rows for frames that have been heard of since. */
  find(telescopeId: string): Promise<void>;
  announce(row: Frame): Promise<void>;
  announceMeasured(row: Frame): Promise<void>;
  /** Files may still be under way from the telescope's computer. */
  readonly arriving: boolean;
  /** Which rows of one content are the same exposure. */
  sameExposure(row: Frame, shotDoneGuid: string | null): Prisma.FrameWhereInput;
}

/** A telescope's frames of these nights: found in the journal, and the guest is told of each. */
export const liveScope = (db: Database): Scope => ({
  rows: () => ({
    seenAt: { gte: new Date(Date.now() - 30 * DAY_MS) },
    sourceKey: { not: { startsWith: IMPORTED } },
  }),
  bookingId: { not: null },
  find: async (telescopeId) => {
    await discover(db, telescopeId);
    await recall(db, telescopeId);
  },
  announce: (row) => announceCaptured(db, row.id),
  announceMeasured: (row) => announceMeasured(db, row),
  arriving: true,
  sameExposure: (row, shotDoneGuid) => ({
    OR: [...(shotDoneGuid ? [{ shotDoneGuid }] : []), { sourcePath: row.sourcePath }],
  }),
});

/**
 * A folder of the past: its booking's rows, which are there already and its own however young their frames, since their paths are not
 * Voyager's. Nobody is told but `each`; every copy of a content is the same exposure.
 */
export const pastScope = (db: Database, bookingId: string, each: (row: Frame) => void): Scope => ({
  rows: () => ({ bookingId }),
  bookingId,
  find: async () => undefined,
  announce: async (row) => {
    await db.frame.update({ where: { id: row.id }, data: { announced: true } });
    each(row);
  },
  announceMeasured: async () => undefined,
  arriving: false,
  sameExposure: () => ({}),
});

/** Rows that are not at their end: not taken yet, or taken and not told of. */
export const openRows = (db: Database, telescopeId: string, scope: Scope): Promise<Frame[]> =>
  db.frame.findMany({
    where: {
      telescopeId,
      ...scope.rows(),
      OR: [{ state: 'pending' }, { state: 'archived', bookingId: scope.bookingId, announced: false }],
    },
    orderBy: [{ seenAt: 'asc' }, { sourceKey: 'asc' }],
  });
