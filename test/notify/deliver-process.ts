/** A process of its own that delivers the outbox of DATABASE_URL with the environment's configuration, until it is ended. Says `ready`. */
import { OutboxDelivery } from '../../activities/notify/delivery.ts';
import { loadConfig, required } from '../../platform/config.ts';
import { createDatabase } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';

const config = loadConfig();
const databaseUrl = required(config, 'DATABASE_URL');
const db = createDatabase(databaseUrl, undefined, 4);
await db.$queryRaw`SELECT 1`;
process.stdout.write('ready\n');
await new OutboxDelivery({ db, config, logger: createLogger('deliver', 'silent'), databaseUrl }).run();
