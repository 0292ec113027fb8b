import { parseArgs } from 'node:util';
import { createArchiveActivities } from '../activities/frames/archive.ts';
import { importFolder, importBookingId, type ImportOptions } from '../activities/frames/import.ts';
import { DEFAULT_TIMING } from '../activities/frames/intake/intake.ts';
import { Mount } from '../activities/frames/intake/mount.ts';
import { FramePool } from '../frames/pass/pool.ts';
import { FrameStore } from '../frames/store/store.ts';
import { createFinaliseActivities } from '../activities/finalise/index.ts';
import type { Telescope } from '../domain/contracts/telescope.ts';
import { parseDecDegrees, parseRaHours } from '../domain/coordinates.ts';
import { required } from '../platform/config.ts';
import { loadSettings } from '../platform/settings/load.ts';
import { withStack } from '../stack/stack-file.ts';
import { createDatabase, type Database } from '../platform/database.ts';
import { UsageError } from '../platform/errors.ts';
import { createLogger } from '../platform/logger.ts';
import { listTelescopes } from '../platform/telescopes.ts';

const HELP = `npm run import -- DIR [--telescope ID] [--booking ID] [--user REF] [--ra HOURS --dec DEGREES] [--json]
Takes a folder of FITS files in as a past session: files are copied, checked, previewed and measured, and the session has a report and an
archive like any other. --ra and --dec (as 5:35:17 and -5:23:28, or decimal) are needed only where no header says them. Running it again goes on where it was. Needs DATABASE_URL and OBSERVATIONS_STORAGE_PATH as the service has them.
`;

interface Options {
  folder: string;
  telescope: string | undefined;
  bookingId: string;
  user: string | undefined;
  position: { raHours: number; decDegrees: number } | null;
  json: boolean;
}
/** @throws UsageError naming the option */
function options(): Options {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        telescope: { type: 'string' },
        booking: { type: 'string' },
        user: { type: 'string' },
        ra: { type: 'string' },
        dec: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (thrown) {
    throw new UsageError(`${(thrown as Error).message}\n${HELP}`);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const [folder] = positionals;
  if (!folder || positionals.length > 1) throw new UsageError(HELP);
  if (values.booking !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(values.booking))
    throw new UsageError('--booking: 1 to 64 of A-Z a-z 0-9 _ -');
  const [raHours, decDegrees] = [
    values.ra === undefined ? null : parseRaHours(values.ra),
    values.dec === undefined ? null : parseDecDegrees(values.dec),
  ];
  if ((values.ra !== undefined || values.dec !== undefined) && (raHours === null || decDegrees === null))
    throw new UsageError(
      '--ra and --dec go together: hours from 0 to 24 and degrees from -90 to 90, such as --ra 5:35:17 --dec=-5:23:28',
    );
  return {
    folder,
    telescope: values.telescope,
    bookingId: values.booking ?? importBookingId(folder),
    user: values.user,
    position: raHours !== null && decDegrees !== null ? { raHours, decDegrees } : null,
    json: values.json,
  };
}

async function telescopeOf(db: Database, wanted: string | undefined): Promise<Telescope> {
  const telescopes = await listTelescopes(db);
  const only = telescopes.length === 1 ? telescopes[0] : undefined;
  const telescope = wanted ? telescopes.find((t) => t.id === wanted) : only;
  if (!telescope)
    throw new UsageError(`--telescope: one of ${telescopes.map((t) => t.id).join(', ') || '(none is configured)'}`);
  return telescope;
}
/** Tells how far it is, once a second. */
function progress(): ImportOptions['progress'] {
  let shown = 0;
  return (done, all, what) => {
    if (Date.now() - shown < 1_000 && done !== all) return;
    shown = Date.now();
    process.stderr.write(`${what}: ${done} of ${all}\n`);
  };
}

async function main(): Promise<number> {
  const asked = options();
  const { config } = loadSettings({ required: ['DATABASE_URL'] }, withStack().env);
  const db = createDatabase(required(config, 'DATABASE_URL'));
  const logger = createLogger('import', 'warn');
  const mount = new Mount();
  const pool = new FramePool();
  try {
    const telescope = await telescopeOf(db, asked.telescope);
    const store = new FrameStore(config.OBSERVATIONS_STORAGE_PATH);
    const result = await importFolder(
      {
        db,
        logger,
        store,
        mount,
        pool,
        maxBytes: config.MAX_IMAGE_SIZE_MB * 1024 * 1024,
        timing: { ...DEFAULT_TIMING, settleMs: 2_000 },
      },
      {
        folder: asked.folder,
        telescope,
        bookingId: asked.bookingId,
        ...(asked.user ? { userRef: asked.user } : {}),
        ...(asked.position ? { position: asked.position } : {}),
        progress: progress(),
      },
    );
    const archive = createArchiveActivities({ db, config, logger });
    const finalise = createFinaliseActivities({ db, storagePath: store.root, archive });
    const ids = { bookingId: result.bookingId, telescopeId: telescope.id };
    const { archivePath } = await finalise.buildArchive(ids);
    const { reportPath } = await finalise.buildReport({ ...ids, outcome: 'completed', reason: null });
    for (const note of result.notes) process.stderr.write(`guessed: ${note}\n`);
    process.stdout.write(
      asked.json
        ? `${JSON.stringify({ booking_id: result.bookingId, files: result.files, archived: result.archived, copies: result.copies, rejected: result.rejected, missing: result.missing, archive_path: archivePath, report_path: reportPath })}\n`
        : `Session ${result.bookingId}: ${result.archived} of ${result.files} files archived, ${result.copies} were copies of another, ${result.rejected} rejected, ${result.missing} missing.\n${archivePath}\n`,
    );
    return 0;
  } finally {
    await Promise.all([mount.close(), pool.close(), db.$disconnect()]);
  }
}

process.exitCode = await main().catch((thrown: unknown) => {
  if (!(thrown instanceof UsageError)) throw thrown;
  process.stderr.write(`${thrown.message}\n`);
  return 2;
});
