import { Counter, Gauge, Histogram, Registry, type Metric } from 'prom-client';
import type { RequestOutcome, VoyagerLink, VoyagerRequest } from './connection/link.ts';
import type { TelescopeGateway } from './telescope/telescope.ts';

type Telescopes = () => Iterable<TelescopeGateway>;
type Read = (t: TelescopeGateway) => number | null;
type ReadMany = (t: TelescopeGateway) => Iterable<readonly [string, number]>;

/** Name after `nocturne_gateway_`, help, and the value of a telescope; null = there is none now. */
const GAUGES: readonly (readonly [string, string, Read])[] = [
  ['connected', '1 while the connection to Voyager is ready', (t) => (t.ready ? 1 : 0)],
  ['lease_held', '1 while this gateway owns the telescope', (t) => (t.lease.owns() ? 1 : 0)],
  ['lease_epoch', 'Epoch of the lease', (t) => t.lease.epoch],
  ['reconnects', 'Connections to Voyager after the first', (t) => t.link.reconnects],
  [
    'mirror_age_seconds',
    'Age of the last ControlData',
    (t) => {
      const ms = t.mirror.controlAgeMs(t.clock.now());
      return ms === null ? null : ms / 1000;
    },
  ],
  ['clock_offset_seconds', 'Our clock less Voyager’s', (t) => t.link.clockOffsetSeconds()],
  ['journal_backlog_bytes', 'Bytes on disk that PostgreSQL does not have yet', (t) => t.journal.backlogBytes],
  ['emergency', '1 during Voyager’s own emergency', (t) => (t.emergency.current ? 1 : 0)],
  ['latched_aborts', 'Aborts kept up by the gateway', (t) => t.latches.all().length],
  ['active_grants', 'Sessions that may move the telescope', (t) => t.grants.active().length],
  ['weather_ok', '1 while the weather is ok', (t) => (t.weather.weather.state === 'ok' ? 1 : 0)],
];
/** The same with a label of their own, and a value for each that it takes. */
const LABELLED: readonly (readonly [string, string, string, ReadMany])[] = [
  [
    'link_total',
    'Lines, bytes, heartbeats, pictures and unreadable lines since the process began',
    'what',
    (t) => Object.entries(t.link.stats),
  ],
  ['gate_refused_total', 'Lines that the safety gate refused, by reason', 'reason', (t) => t.gate.refused],
  ['journal_dropped_total', 'What the journal’s quota cost', 'what', (t) => Object.entries(t.journal.dropped)],
];

/** Metrics of the gateway, read from the telescopes when they are scraped. */
export class GatewayMetrics {
  readonly registry = new Registry();
  private readonly seconds: Histogram<'telescope' | 'method'>;
  private readonly outcomes: Counter<'telescope' | 'method' | 'outcome'>;

  constructor(telescopes: Telescopes) {
    const registers = [this.registry];
    this.seconds = new Histogram({
      name: 'nocturne_voyager_command_seconds',
      help: 'Time from a request to its outcome',
      labelNames: ['telescope', 'method'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300],
      registers,
    });
    this.outcomes = new Counter({
      name: 'nocturne_voyager_commands_total',
      help: 'Requests to Voyager by outcome',
      labelNames: ['telescope', 'method', 'outcome'],
      registers,
    });
    for (const [name, help, read] of GAUGES) this.gauge(telescopes, name, help, read);
    for (const [name, help, label, read] of LABELLED) this.labelled(telescopes, name, help, label, read);
    const memory: Metric = new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory',
      collect() {
        this.set(process.memoryUsage.rss());
      },
      registers: [],
    });
    this.registry.registerMetric(memory);
  }

  private gauge(telescopes: Telescopes, name: string, help: string, read: Read): Metric {
    return new Gauge({
      name: `nocturne_gateway_${name}`,
      help,
      labelNames: ['telescope'],
      registers: [this.registry],
      collect() {
        for (const telescope of telescopes()) {
          const value = read(telescope);
          if (value === null) this.remove({ telescope: telescope.id });
          else this.set({ telescope: telescope.id }, value);
        }
      },
    });
  }
  private labelled(telescopes: Telescopes, name: string, help: string, label: string, read: ReadMany): Metric {
    return new Gauge({
      name: `nocturne_gateway_${name}`,
      help,
      labelNames: ['telescope', label],
      registers: [this.registry],
      collect() {
        for (const telescope of telescopes())
          for (const [value, n] of read(telescope)) this.set({ telescope: telescope.id, [label]: value }, n);
      },
    });
  }

  /** Wraps a link so that the time and outcome of each request are counted. */
  watch(telescopeId: string, link: VoyagerLink): VoyagerLink {
    const note = (request: VoyagerRequest, startMs: number, outcome: RequestOutcome): void => {
      const labels = { telescope: telescopeId, method: request.method };
      this.seconds.observe(labels, (performance.now() - startMs) / 1000);
      this.outcomes.inc({
        ...labels,
        outcome: outcome.outcome === 'refused' ? `refused_${outcome.how}` : outcome.outcome,
      });
    };
    const request = link.request.bind(link);
    const together = link.requestTogether.bind(link);
    link.request = async (one) => {
      const startMs = performance.now();
      const outcome = await request(one);
      note(one, startMs, outcome);
      return outcome;
    };
    link.requestTogether = async (several) => {
      const startMs = performance.now();
      const outcomes = await together(several);
      for (const [i, outcome] of outcomes.entries()) note(several[i]!, startMs, outcome);
      return outcomes;
    };
    return link;
  }

  async scrape(): Promise<{ type: string; text: string }> {
    return { type: this.registry.contentType, text: await this.registry.metrics() };
  }
}
