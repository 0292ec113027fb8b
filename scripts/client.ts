/** `npm run client`: makes anew what the clients are made of, after a change of routes, schemas or reasons. Tests compare each file with its maker. */
import { writeFileSync } from 'node:fs';
import { createApp } from '../api/app.ts';
import { openApiDocument } from '../api/openapi.ts';
import { BusListener } from '../platform/bus.ts';
import { loadConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { createLogger } from '../platform/logger.ts';
import { projectPath } from '../platform/paths.ts';
import { createTemporalClient } from '../platform/temporal.ts';
import { reasonsFile } from './client/laravel.ts';
import { clientSource } from './client/typescript.ts';
import { answerHelp } from './help.ts';

const NOBODY = 'postgresql://nobody@127.0.0.1:9/none';

/** The routes know themselves; nothing behind them is asked. */
async function routes(): Promise<object> {
  const config = loadConfig({
    GATEWAY_SECRET: 'the-secret-of-nobody',
    TEMPORAL_ADDRESS: '127.0.0.1:9',
    LOG_LEVEL: 'silent',
  });
  const logger = createLogger('client', 'silent');
  const { client: temporal, connection } = createTemporalClient(config);
  const db = createDatabase(NOBODY, logger);
  const { app, deps } = createApp({
    config,
    logger,
    db,
    temporal,
    bus: new BusListener(NOBODY, logger),
    telescopes: [],
  });
  const document = openApiDocument(app, '/');
  await deps.live.stop();
  await Promise.allSettled([db.$disconnect(), connection.close()]);
  return document;
}

answerHelp('npm run client: writes clients/typescript/nocturne.ts and the reasons of clients/laravel anew.');
const files: [path: string[], text: string][] = [
  [['typescript', 'nocturne.ts'], clientSource(await routes())],
  ...(['en', 'fr'] as const).map((locale): [string[], string] => [
    ['laravel', 'resources', 'lang', locale, 'reasons.php'],
    reasonsFile(locale),
  ]),
];
for (const [path, text] of files) {
  writeFileSync(projectPath('clients', ...path), text);
  process.stdout.write(`clients/${path.join('/')}\n`);
}
