import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { LAG_SEEN_EVERY_MS } from '../platform/lag.ts';

export interface Metrics {
  registry: Registry;
  requests: Histogram<'method' | 'route' | 'status'>;
  viewers: Gauge;
  liveMessages: Counter<'kind'>;
  closes: Counter<'code'>;
  controls: Counter<'kind' | 'state'>;
  relayed: Counter<'kind'>;
}

/** Prometheus metrics of the api process; one registry per app, so that tests can run several. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    prefix: 'nocturne_api_',
    eventLoopMonitoringPrecision: LAG_SEEN_EVERY_MS,
  });
  const registers = [registry];
  return {
    registry,
    requests: new Histogram({
      name: 'nocturne_http_request_seconds',
      help: 'Time to answer, by route pattern',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10],
      registers,
    }),
    viewers: new Gauge({ name: 'nocturne_live_viewers', help: 'Open live connections', registers }),
    liveMessages: new Counter({
      name: 'nocturne_live_messages_total',
      help: 'Messages to viewers: sent, or replaced by a newer one for a slow viewer',
      labelNames: ['kind'],
      registers,
    }),
    closes: new Counter({
      name: 'nocturne_live_closes_total',
      help: 'Live connections that we closed, by code',
      labelNames: ['code'],
      registers,
    }),
    controls: new Counter({
      name: 'nocturne_controls_total',
      help: 'Control commands by kind and answer',
      labelNames: ['kind', 'state'],
      registers,
    }),
    relayed: new Counter({
      name: 'nocturne_live_relayed_total',
      help: 'Events for the other Pusher server: sent, refused, replaced by a newer one, dropped because too many waited, too large',
      labelNames: ['kind'],
      registers,
    }),
  };
}
