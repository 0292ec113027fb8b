import type { Client } from '@temporalio/client';
import type { Telescope } from '../domain/contracts/telescope.ts';
import type { BusListener } from '../platform/bus.ts';
import type { Config } from '../platform/config.ts';
import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import type { ServerKeys, TokenSigner } from './auth.ts';
import type { Revocations } from './revocations.ts';
import type { GatewayClient } from './telescopes/gateway-client.ts';
import type { Mirror } from './telescopes/mirror.ts';
import type { Metrics } from './metrics.ts';
import type { RateLimiter } from './limits.ts';
import type { Turns } from './turns.ts';
import type { TelescopeDirectory } from './telescopes/directory.ts';

/** What the process is given. */
export interface ApiOptions {
  config: Config;
  logger: Logger;
  db: Database;
  temporal: Client;
  bus: BusListener;
  /** From the configuration; known even while the database is away. */
  telescopes: Telescope[];
  now?: () => number;
  /** Calls to Temporal end after this, so that a request never hangs on it; 5 s when left out. */
  temporalTimeoutMs?: number;
  /** How long a stop waits for its booking's row where the telescope is known without it; 50 ms when left out. */
  stopRowMs?: number;
  limits?: { perTokenPerSecond: number; burst: number; authFailuresPerMinute: number };
}

/** The options, and the services that need none of the others: what a service is made from. A route works with `Deps`. */
export interface Ground extends Required<Omit<ApiOptions, 'telescopes' | 'limits'>> {
  /** GATEWAY_SECRET: signs tokens, URLs and requests to gateways. */
  secret: string;
  signer: TokenSigner;
  urlKey: Buffer;
  keys: ServerKeys;
  revocations: Revocations;
  telescopes: TelescopeDirectory;
  gateways: GatewayClient;
  mirror: Mirror;
  limiter: RateLimiter;
  turns: Turns;
  /** Of those who make tokens. */
  minting: Turns;
  metrics: Metrics;
}
