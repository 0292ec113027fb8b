/** A process of its own that delivers the outbox, to be killed by a test. Starts with the first line on stdin. Arguments: database, receiver, secret. */
import { once } from 'node:events';
import { OutboxDelivery } from '../../activities/notify/delivery.ts';
import { loadConfig } from '../../platform/config.ts';
import { createDatabase } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';

const [url, receiver, secret] = process.argv.slice(2) as [string, string, string];
const db = createDatabase(url, undefined, 4);
await db.$queryRaw`SELECT 1`;
const config = loadConfig({ WEBHOOK_URL: receiver, WEBHOOK_SECRET: secret, WEBHOOK_ALLOW_PRIVATE: 'true' });
process.stdout.write('ready\n');
await once(process.stdin, 'data');
await new OutboxDelivery({ db, config, logger: createLogger('deliver', 'silent') }).run();
