import { renameSync, writeFileSync } from 'node:fs';
import { BusListener } from '../platform/bus.ts';
import { loadConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { createLogger } from '../platform/logger.ts';
import { createTemporalClient } from '../platform/temporal.ts';
import { createApp } from './app.ts';
import { asyncApiDocument, openApiDocument } from './openapi.ts';
import { PLACES, contractFile, type Contract } from './system/written.ts';

const NOBODY = 'postgresql://nobody@127.0.0.1:9/none';

/** OpenAPI of an api behind which there is nobody: the routes know themselves. */
export async function openApiOfNobody(server: string): Promise<object> {
  const config = loadConfig({
    GATEWAY_SECRET: 'the-secret-of-nobody',
    TEMPORAL_ADDRESS: '127.0.0.1:9',
    LOG_LEVEL: 'silent',
  });
  const logger = createLogger('documents', 'silent');
  const { client: temporal, connection } = createTemporalClient(config);
  const db = createDatabase(NOBODY, logger);
  const bus = new BusListener(NOBODY, logger);
  const { app, deps } = createApp({ config, logger, db, temporal, bus, telescopes: [] });
  const document = openApiDocument(app, server);
  await deps.live.stop();
  await Promise.allSettled([db.$disconnect(), connection.close()]);
  return document;
}

/** Called by the build once TypeScript is compiled. Each file is whole when it appears: an api that starts meanwhile keeps what it has read. */
export async function writeContracts(): Promise<void> {
  const write = (name: Contract, document: object): void => {
    const file = contractFile(name);
    writeFileSync(`${file}.part`, JSON.stringify(document));
    renameSync(`${file}.part`, file);
  };
  write('openapi.json', await openApiOfNobody(PLACES.server));
  write('asyncapi.json', asyncApiDocument(PLACES.key));
}
