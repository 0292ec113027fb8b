import { cpuMs, eventOf, part, round, rssKb, say, sleep, type Figures, type Stage } from './stage.ts';

export interface Load {
  /** Viewers of one session, of the others together, and how many others. */
  crowd: number;
  spread: number;
  sessions: number;
  seconds: number;
  /** Messages of each session a second. */
  rate: number;
  /** How many of them come in one transaction. */
  together: number;
}
interface Server {
  pid: number;
  port: number;
}
export interface Measured {
  received: number;
  lost: number;
  p50_ms: number;
  p95_ms: number;
  cpu_us_per_message: number;
  kb_per_viewer: number;
  rss_mb: number;
}
export const idsOf = (sessions: number): string[] => ['crowd', ...Array.from({ length: sessions }, (_, i) => `s-${i}`)];

/** Before it is measured a server has had its code compiled. */
const WARM_SECONDS = 3;

async function publish({ client }: Stage, load: Load, from: number, seconds: number): Promise<void> {
  const { sessions, rate, together } = load;
  const began = Date.now();
  const pauseMs = (1_000 * together) / rate;
  for (let round = 0; round < (seconds * rate) / together; round++) {
    for (const id of idsOf(sessions)) {
      const events = Array.from({ length: together }, (_, i) => eventOf(id, from + round * together + i + 1));
      const payloads = events.map((event) => JSON.stringify({ kind: 'event', event }));
      await client.query("SELECT pg_notify('nocturne', p) FROM unnest($1::text[]) p", [payloads]);
    }
    await sleep(Math.max(0, began + (round + 1) * pauseMs - Date.now()));
  }
}

const sum = (figures: readonly number[]): number => figures.reduce((a, b) => a + b, 0);

/** Viewers on these servers alike, and what they get; time is counted from NOTIFY to the viewer's socket. */
export async function fanOut(name: string, servers: readonly Server[], stage: Stage, load: Load): Promise<Measured> {
  const { crowd, spread, seconds, rate } = load;
  const before = servers.map(({ pid }) => rssKb(pid));
  const share = (all: number, i: number): number =>
    Math.floor((all * (i + 1)) / servers.length) - Math.floor((all * i) / servers.length);
  const viewers = servers.map(({ port }, i) =>
    part('viewers', [port, share(crowd, i), share(spread, i), load.sessions]),
  );
  await Promise.all(viewers.map((process) => process.next('connecting viewers')));
  await sleep(1_500);
  const grown = sum(servers.map(({ pid }, i) => rssKb(pid) - before[i]!));
  await publish(stage, load, 0, WARM_SECONDS);
  await sleep(1_500);
  for (const process of viewers) {
    process.tell('report');
    await process.next('warm');
  }
  const cpuBefore = sum(servers.map(({ pid }) => cpuMs(pid)));
  await publish(stage, load, WARM_SECONDS * rate, seconds);
  await sleep(1_500);
  const usedMs = sum(servers.map(({ pid }) => cpuMs(pid))) - cpuBefore;
  const reports: Figures[] = [];
  for (const process of viewers) {
    process.tell('report');
    reports.push(await process.next('report'));
    process.child.kill();
  }
  const received = sum(reports.map((report) => report.received!));
  const expected = (crowd + spread) * seconds * rate;
  const worst = (figure: string): number => Math.max(...reports.map((report) => report[figure]!));
  const measured = {
    received,
    lost: expected - received,
    p50_ms: round(worst('p50_ms')),
    p95_ms: round(worst('p95_ms')),
    cpu_us_per_message: round((usedMs * 1_000) / received),
    kb_per_viewer: round(grown / (crowd + spread), 1),
    rss_mb: round(Math.max(...servers.map(({ pid }) => rssKb(pid))) / 1_024, 1),
  };
  say(
    `${name}: ${received} of ${expected} messages, p50 ${measured.p50_ms} ms, p95 ${measured.p95_ms} ms, ${measured.cpu_us_per_message} µs of CPU a message, ${measured.kb_per_viewer} KB per viewer`,
  );
  // Its viewers are gone before others come.
  await sleep(1_000);
  return measured;
}
