import type { Telescope } from '../../domain/contracts/telescope.ts';
import { createVoyagerLink } from '../../gateway/connection/voyager-link.ts';
import type { Gate, VoyagerLink } from '../../gateway/connection/link.ts';
import { credentialsFor } from '../../gateway/credentials.ts';
import { isEvent, type VoyagerEvent } from '../../gateway/protocol/events.ts';
import { loadDialect } from '../../gateway/robotarget/dialect.ts';
import { voyagerReading } from '../../gateway/telescope/mirror.ts';
import { WeatherWatch } from '../../gateway/telescope/weather-watch.ts';
import { systemClock, type Clock } from '../../platform/clock.ts';
import type { Config } from '../../platform/config.ts';
import { createLogger } from '../../platform/logger.ts';

/** Kinds of lines that a look may send: to say that we are there, to log in, to be told of events, to leave. A request is none of them. */
const LOOKING: ReadonlySet<string> = new Set(['heartbeat', 'login', 'mode', 'bye']);
const MANY = 20;
const quiet = createLogger('golive', 'silent');

export interface SiteLook {
  telescope: string;
  address: string;
  minutes: number;
  version: string | null;
  /** Seconds that the connection stood, and how often it was made again. */
  connected_seconds: number;
  reconnects: number;
  losses: string[];
  login_rejected: boolean;
  /** By kind: how many, fields that we do not know, fields of ours that could not be read. */
  events: Record<string, { count: number; unknown_fields: string[]; unreadable_fields: string[] }>;
  unknown_events: string[];
  lines: { in: number; bad: number; mended: number; not_utf8: number };
  /** Heads of lines that could not be read, without secrets. */
  bad_lines: string[];
  clock_offset_seconds: number | null;
  weather: { name: string; age_seconds: number | null; trouble: string | null }[];
  /** Lines that we wrote, by kind, and those that the gate kept back. */
  sent: Record<string, number>;
  kept_back: number;
}

/** Voyager's events as they come, by kind. */
class Seen {
  readonly events: SiteLook['events'] = {};
  readonly unknown = new Set<string>();
  take(event: VoyagerEvent): void {
    if (event.unknown) this.unknown.add(event.name);
    const kind = (this.events[event.name] ??= { count: 0, unknown_fields: [], unreadable_fields: [] });
    kind.count += 1;
    add(kind.unknown_fields, Object.keys(event.extra ?? {}));
    add(kind.unreadable_fields, Object.keys(event.absent));
  }
}
function add(to: string[], names: readonly string[]): void {
  for (const name of names) if (to.length < MANY && !to.includes(name)) to.push(name);
}

/** A link that hears everything and signs nothing. */
const listeningLink = (config: Config, telescope: Telescope, clock: Clock, gate: Gate): VoyagerLink =>
  createVoyagerLink({
    host: telescope.host,
    port: telescope.port,
    instance: telescope.instance,
    credentials: credentialsFor(telescope.id, config),
    gate,
    clock,
    logger: quiet,
    dialect: loadDialect(config.VOYAGER_ROBOTARGET_DIALECT),
    robotargetSecret: null,
    maxLineMb: config.VOYAGER_MAX_LINE_MB,
    modes: { dashboard: true, logLevel: 1 },
  });

/**
 * Looks at a real Voyager for some time and sends nothing but heartbeat, login and the wish to hear events: not one command, whatever is configured.
 * @param ended resolves when the look is over
 */
export async function lookAtSite(
  config: Config,
  telescope: Telescope,
  ended: Promise<unknown>,
  clock: Clock = systemClock,
): Promise<SiteLook> {
  const sent: Record<string, number> = {};
  const gate: Gate = ({ kind }) => {
    if (!LOOKING.has(kind)) return { allowed: false, reason: 'read_only' };
    sent[kind] = (sent[kind] ?? 0) + 1;
    return { allowed: true };
  };
  const link = listeningLink(config, telescope, clock, gate);
  const weather = new WeatherWatch(() => telescope, clock, quiet);
  const beganMs = clock.monotonicMs();
  const watched = watch(link, weather, clock);
  weather.start();
  link.start();
  await ended;
  const { seen, losses, badLines, rejected } = watched;
  const offset = link.clockOffsetSeconds();
  const stood = watched.stood();
  const sources = weather
    .sources()
    .map((one) => ({ name: one.name, age_seconds: one.ageSeconds, trouble: one.trouble }));
  weather.stop();
  await link.stop('the look is over');
  return {
    telescope: telescope.id,
    address: `${telescope.host}:${telescope.port}`,
    minutes: Math.round((clock.monotonicMs() - beganMs) / 6_000) / 10,
    version: link.voyagerVersion,
    connected_seconds: stood,
    reconnects: link.reconnects,
    losses,
    login_rejected: rejected(),
    events: seen.events,
    unknown_events: [...seen.unknown],
    lines: {
      in: link.stats.linesIn,
      bad: link.stats.badLines,
      mended: link.stats.mendedLines,
      not_utf8: link.stats.otherTextLines,
    },
    bad_lines: badLines,
    clock_offset_seconds: offset,
    weather: sources,
    sent,
    kept_back: link.stats.gated,
  };
}

/** Listens to a link: what came, for how long it stood, how it was lost. */
function watch(
  link: VoyagerLink,
  weather: WeatherWatch,
  clock: Clock,
): { seen: Seen; losses: string[]; badLines: string[]; rejected: () => boolean; stood: () => number } {
  const seen = new Seen();
  const losses: string[] = [];
  const badLines: string[] = [];
  let rejected = false;
  let readySinceMs: number | null = null;
  let stoodMs = 0;
  link.on('event', (event) => {
    seen.take(event);
    if (isEvent(event, 'WeatherAndSafetyMonitorData')) weather.take(voyagerReading(event.data, clock.now()));
    if (isEvent(event, 'NewJPGReady') && event.data.Picture) link.recycle(event.data.Picture);
  });
  link.on('badLine', ({ error, head }) => add(badLines, [`${error}: ${head}`]));
  link.on('alarm', ({ what }) => (rejected ||= what === 'login_rejected'));
  link.on('status', ({ state, reason }) => {
    weather.voyagerLink(state === 'ready');
    if (state === 'ready') readySinceMs = clock.monotonicMs();
    else if (readySinceMs !== null) {
      stoodMs += clock.monotonicMs() - readySinceMs;
      readySinceMs = null;
    }
    if (state === 'waiting' && reason) add(losses, [reason]);
  });
  const stood = (): number =>
    Math.round((stoodMs + (readySinceMs === null ? 0 : clock.monotonicMs() - readySinceMs)) / 1000);
  return { seen, losses, badLines, rejected: () => rejected, stood };
}

/** The look in words for a person. */
export function siteText(look: SiteLook): string {
  const kinds = Object.entries(look.events).sort(([, a], [, b]) => b.count - a.count);
  const odd = kinds.flatMap(([name, kind]) => [
    ...kind.unknown_fields.map((field) => `${name}.${field} is not known`),
    ...kind.unreadable_fields.map((field) => `${name}.${field} could not be read`),
  ]);
  return [
    `${look.telescope} at ${look.address}: ${look.version ? `Voyager ${look.version}` : 'no Voyager answered'}, looked at for ${look.minutes} min`,
    `  connected ${look.connected_seconds} s, made again ${look.reconnects} times${look.losses.length > 0 ? `: ${look.losses.join('; ')}` : ''}${look.login_rejected ? '; the login was rejected' : ''}`,
    `  clock: ${look.clock_offset_seconds === null ? 'not known' : `${look.clock_offset_seconds.toFixed(1)} s behind ours`}`,
    `  lines: ${look.lines.in}, ${look.lines.bad} not read, ${look.lines.mended} read in part, ${look.lines.not_utf8} not UTF-8`,
    `  events: ${kinds.map(([name, { count }]) => `${name} ${count}`).join(', ') || 'none'}`,
    ...(look.unknown_events.length > 0 ? [`  kinds that we do not know: ${look.unknown_events.join(', ')}`] : []),
    ...odd.map((line) => `  ${line}`),
    ...look.bad_lines.map((line) => `  not read: ${line}`),
    ...look.weather.map(
      ({ name, age_seconds: age, trouble }) =>
        `  weather from ${name}: ${trouble ?? (age === null ? 'never heard' : `heard ${Math.round(age)} s ago`)}`,
    ),
    `  sent: ${
      Object.entries(look.sent)
        .map(([kind, n]) => `${kind} ${n}`)
        .join(', ') || 'nothing'
    }; no command`,
  ].join('\n');
}
