import { Counter, Gauge, Histogram, Registry, type Metric } from 'prom-client';
import type { RequestOutcome, VoyagerLink, VoyagerRequest } from './connection/link.ts';
import type { TelescopeGateway } from './telescope/telescope.ts';

/** Metrics of the gateway, read from the telescopes when they are scraped. */
export class GatewayMetrics {
  readonly registry = new Registry();
  private readonly seconds: Histogram<'telescope' | 'method'>;
  private readonly outcomes: Counter<'telescope' | 'method' | 'outcome'>;

  constructor(telescopes: () => Iterable<TelescopeGateway>) {
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
    const gauge = (name: string, help: string, read: (t: TelescopeGateway) => number | null): Metric =>
      new Gauge({
        name: `nocturne_gateway_${name}`,
        help,
        labelNames: ['telescope'],
        registers,
        collect() {
          for (const telescope of telescopes()) {
            const value = read(telescope);
            if (value === null) this.remove({ telescope: telescope.id });
            else this.set({ telescope: telescope.id }, value);
          }
        },
      });
    const labelled = (
      name: string,
      help: string,
      label: string,
      read: (t: TelescopeGateway) => Iterable<readonly [string, number]>,
    ): Metric =>
      new Gauge({
        name: `nocturne_gateway_${name}`,
        help,
        labelNames: ['telescope', label],
        registers,
        collect() {
          for (const telescope of telescopes())
            for (const [value, n] of read(telescope)) this.set({ telescope: telescope.id, [label]: value }, n);
        },
      });
    gauge('connected', '1 while the connection to Voyager is ready', (t) => (t.ready ? 1 : 0));
    gauge('lease_held', '1 while this gateway owns the telescope', (t) => (t.lease.owns() ? 1 : 0));
    gauge('lease_epoch', 'Epoch of the lease', (t) => t.lease.epoch);
    gauge('reconnects', 'Connections to Voyager after the first', (t) => t.link.reconnects);
    gauge('mirror_age_seconds', 'Age of the last ControlData', (t) => {
      const ms = t.mirror.controlAgeMs(t.clock.now());
      return ms === null ? null : ms / 1000;
    });
    gauge('clock_offset_seconds', 'Our clock less Voyager’s', (t) => t.link.clockOffsetSeconds());
    gauge('journal_backlog_bytes', 'Bytes on disk that PostgreSQL does not have yet', (t) => t.journal.backlogBytes);
    gauge('emergency', '1 during Voyager’s own emergency', (t) => (t.emergency.current ? 1 : 0));
    gauge('latched_aborts', 'Aborts kept up by the gateway', (t) => t.latches.all().length);
    gauge('active_grants', 'Sessions that may move the telescope', (t) => t.grants.active().length);
    gauge('weather_ok', '1 while the weather is ok', (t) => (t.weather.weather.state === 'ok' ? 1 : 0));
    labelled(
      'link_total',
      'Lines, bytes, heartbeats, pictures and unreadable lines since the process began',
      'what',
      (t) => Object.entries(t.link.stats),
    );
    labelled('gate_refused_total', 'Lines that the safety gate refused, by reason', 'reason', (t) => t.gate.refused);
    labelled('journal_dropped_total', 'What the journal’s quota cost', 'what', (t) =>
      Object.entries(t.journal.dropped),
    );
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
