import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { Report } from '../../domain/contracts/report.ts';
import type { Outcome } from '../../domain/phases.ts';
import type { Reason } from '../../domain/reasons.ts';
import { openStore, StoreAway } from '../../frames/store/presence.ts';
import { FrameStore } from '../../frames/store/store.ts';
import type { Database } from '../../platform/database.ts';
import { FAILURE } from '../../domain/failures.ts';
import type { FinaliseActivities } from '../../domain/ports.ts';
import { keepFigures } from '../../platform/figures.ts';
import { composeReport } from './report.ts';
import { resettleBooking, settleBooking } from './settlement.ts';

export interface FinaliseDeps {
  db: Database;
  /** Root of the frame store; reports lie beside the frames of their booking. */
  storagePath: string;
  /** From the frames part: manifest and the human-named folder. */
  archive: Pick<FinaliseActivities, 'buildArchive'>;
}

/** Activities of queue `finalise`: ledger, settlement, report, archive. Each may run again and then changes nothing. */
export function createFinaliseActivities(deps: FinaliseDeps): FinaliseActivities {
  const { db } = deps;
  return {
    buildArchive: async (input) => {
      const built = await deps.archive.buildArchive(input);
      await db.session.update({ where: { bookingId: input.bookingId }, data: { archivePath: built.archivePath } });
      return built;
    },
    settle: (input) => settleBooking(db, input),
    resettle: (input) => resettleBooking(db, input.bookingId, input.telescopeId),
    buildReport: (input) => writeReport(deps, input.bookingId, input.outcome, input.reason),
    rebuildReport: async ({ bookingId }) => {
      const session = await db.session.findUnique({ where: { bookingId } });
      if (!session?.outcome) throw ApplicationFailure.nonRetryable(`session ${bookingId} is not over`, FAILURE.invalid);
      return writeReport(deps, bookingId, session.outcome as Outcome, session.reason as Reason | null);
    },
  };
}

/** The report beside the frames. It stands in the database too, so a store whose disk is away holds up nobody: the file is left out. */
async function writeReportFile({ db, storagePath }: FinaliseDeps, path: string, report: Report): Promise<void> {
  try {
    await openStore(db, new FrameStore(storagePath));
  } catch (thrown) {
    if (thrown instanceof StoreAway) return;
    throw thrown;
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, `${JSON.stringify(report, null, 2)}\n`);
  await rename(`${path}.new`, path);
}

async function writeReport(
  deps: FinaliseDeps,
  bookingId: string,
  outcome: Outcome,
  reason: Reason | null,
): Promise<{ reportPath: string }> {
  const { db } = deps;
  const report = await composeReport(db, bookingId, outcome, reason);
  const parsed = Report.safeParse(report);
  if (!parsed.success)
    throw new Error(
      `report of ${bookingId}: ${parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')}`,
    );
  const reportPath = join(deps.storagePath, 'bookings', bookingId, 'report.json');
  await writeReportFile(deps, reportPath, parsed.data);
  await db.$transaction(async (tx) => {
    await tx.report.upsert({
      where: { bookingId },
      create: { bookingId, body: parsed.data },
      update: { body: parsed.data },
    });
    await tx.session.update({
      where: { bookingId },
      data: {
        reportPath,
        imagesCaptured: parsed.data.images.archived,
        sessionStats: {
          images: { ...parsed.data.images, frames: undefined },
          tracking: parsed.data.tracking,
          weather: parsed.data.weather,
          issues: { ...parsed.data.issues, holds: undefined },
          ledger: parsed.data.ledger.seconds,
          duration_actual_seconds: parsed.data.summary.duration_actual_seconds,
        },
        updatedAt: new Date(),
      },
    });
    await keepFigures(tx, bookingId, outcome);
  });
  return { reportPath };
}
