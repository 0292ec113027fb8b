/** A process of its own that drains one booking, to be killed by a test, or concludes it (`final`). Arguments: database, storage, booking, telescope. */
import { createFrameActivities } from '../../activities/frames/index.ts';
import { createDatabase } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';

const [url, storage, bookingId, telescopeId, final] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string?,
];
const frames = createFrameActivities({
  db: createDatabase(url),
  config: { OBSERVATIONS_STORAGE_PATH: storage, MAX_IMAGE_SIZE_MB: 64 },
  logger: createLogger('drain', 'silent'),
  timing: { settleMs: 300, patienceMs: 15_000, attributeMs: 300, absentMs: 400, lingerMs: 0, pollMs: 50 },
});
process.stdout.write('draining\n');
if (final) await frames.reconcileFrames({ bookingId, telescopeId, shotsDone: null, final: true });
else await frames.drainFrames({ bookingId, telescopeId });
process.stdout.write('drained\n');
process.exit(0);
