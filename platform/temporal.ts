import { readFileSync } from 'node:fs';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { SealingCodec } from './codec/codec.ts';
import { parseCodecKeys } from './codec/keys.ts';
import type { Config } from './config.ts';

/** Address, TLS and API key as both the client and the worker's native connection take them. */
export function temporalConnectionOptions(config: Config): Pick<ConnectionOptions, 'address' | 'tls' | 'apiKey'> {
  const file = (path: string | undefined): Buffer | undefined => (path ? readFileSync(path) : undefined);
  const certificate = file(config.TEMPORAL_TLS_CERT);
  const key = config.TEMPORAL_TLS_KEY?.includes('-----BEGIN')
    ? Buffer.from(config.TEMPORAL_TLS_KEY)
    : file(config.TEMPORAL_TLS_KEY);
  const wanted =
    config.TEMPORAL_TLS ||
    config.TEMPORAL_API_KEY !== undefined ||
    certificate !== undefined ||
    key !== undefined ||
    config.TEMPORAL_TLS_SERVER_NAME !== undefined ||
    config.TEMPORAL_TLS_CA !== undefined;
  return {
    address: config.TEMPORAL_ADDRESS,
    ...(config.TEMPORAL_API_KEY ? { apiKey: config.TEMPORAL_API_KEY } : {}),
    ...(wanted
      ? {
          tls: {
            ...(config.TEMPORAL_TLS_SERVER_NAME ? { serverNameOverride: config.TEMPORAL_TLS_SERVER_NAME } : {}),
            ...(config.TEMPORAL_TLS_CA ? { serverRootCACertificate: file(config.TEMPORAL_TLS_CA)! } : {}),
            ...(certificate && key ? { clientCertPair: { crt: certificate, key } } : {}),
          },
        }
      : {}),
  };
}

/** How payloads are written for Temporal: sealed where there are keys. For clients, workers and replays alike. */
export const temporalData = (config: Pick<Config, 'TEMPORAL_CODEC_KEYS'>): { dataConverter?: DataConverter } =>
  config.TEMPORAL_CODEC_KEYS
    ? { dataConverter: { payloadCodecs: [new SealingCodec(parseCodecKeys(config.TEMPORAL_CODEC_KEYS))] } }
    : {};

/** A client that connects on first use, so that a process starts while Temporal is away. */
export function createTemporalClient(config: Config): { client: Client; connection: Connection } {
  const connection = Connection.lazy(temporalConnectionOptions(config));
  return {
    client: new Client({ connection, namespace: config.TEMPORAL_NAMESPACE, ...temporalData(config) }),
    connection,
  };
}
