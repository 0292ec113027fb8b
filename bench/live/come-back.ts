import { freePort } from '../../stack/ports.ts';
import {
  answers,
  cpuMs,
  eventOf,
  part,
  round,
  say,
  secrets,
  sleep,
  startApi,
  startStage,
  type Stage,
} from './stage.ts';

const BEFORE = 40;
const MISSED = 10;

/** Stored as `appendEvent` stores them, without their NOTIFY where nobody is to hear. */
async function store({ client }: Stage, id: string, from: number, count: number, loud: boolean): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => eventOf(id, from + i));
  await client.query('BEGIN');
  await client.query(
    `INSERT INTO event_counters (booking_id, epoch, seq) VALUES ($1, 1, $2) ON CONFLICT (booking_id) DO UPDATE SET seq = $2`,
    [id, from + count - 1],
  );
  await client.query(
    `INSERT INTO events (booking_id, seq, id, epoch, type, telescope_id, ts, data)
     SELECT $1, ($2 + n - 1)::int, $1 || '-' || ($2 + n - 1), 1, e->>'type', 't', (e->>'ts')::timestamptz, e->'data' FROM unnest($3::jsonb[]) WITH ORDINALITY u(e, n)`,
    [id, from, events.map((event) => JSON.stringify(event))],
  );
  if (loud)
    await client.query("SELECT pg_notify('nocturne', p) FROM unnest($1::text[]) p", [
      events.map((event) => JSON.stringify({ kind: 'event', event })),
    ]);
  await client.query('COMMIT');
}

async function tokenFor(port: number, id: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/api/tokens`, {
    method: 'POST',
    headers: { 'x-api-key': secrets.VOYAGER_PROXY_API_KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'booking', subject: id }),
  });
  if (!response.ok) throw new Error(`token: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { token: string }).token;
}

/** What PostgreSQL has read for the api, as it counts it itself. */
async function reads({ client }: Stage): Promise<{ reads: number; queries: string[] }> {
  const { rows } = await client.query<{ query: string; calls: number }>(
    `SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 110) AS query, calls::int FROM pg_stat_statements
     WHERE query ~* '^\\s*(SELECT|WITH)' AND query !~* 'pg_notify|pg_stat_statements' ORDER BY calls DESC`,
  );
  return {
    reads: rows.reduce((n, { calls }) => n + calls, 0),
    queries: rows.map(({ query, calls }) => `${calls} × ${query}`),
  };
}

/**
 * Viewers as pages are: live over two channels and the telescope's presence, all events known. Their api is killed, sessions go on meanwhile, and a
 * new api starts at once; each is complete when it is subscribed again and knows every event.
 */
export async function comeBack(viewers: number, sessions: number): Promise<Record<string, number>> {
  const ids = Array.from({ length: sessions }, (_, i) => `s-${i}`);
  const stage = await startStage(ids, { shared_preload_libraries: 'pg_stat_statements' });
  try {
    await stage.client.query('CREATE EXTENSION pg_stat_statements');
    for (const id of ids) await store(stage, id, 1, BEFORE, false);
    const port = await freePort();
    const first = startApi(stage.url, port);
    await answers(port);
    const tokens = await Promise.all(ids.map((id) => tokenFor(port, id)));
    const crowd = part('returning', [port, viewers, BEFORE], { TOKENS: JSON.stringify(tokens) });
    await crowd.next('connecting viewers');
    say(`${viewers} viewers of ${sessions} sessions are there; their api is killed`);
    await stage.client.query('SELECT pg_stat_statements_reset()');
    const killedMs = performance.now();
    first.child.kill('SIGKILL');
    crowd.tell(String(BEFORE + MISSED));
    for (const id of ids) await store(stage, id, BEFORE + 1, MISSED, false);
    const crowdBeforeMs = cpuMs(crowd.pid);
    const second = startApi(stage.url, port);
    await answers(port);
    const startedSeconds = (performance.now() - killedMs) / 1_000;
    const startMs = cpuMs(second.pid);
    const back = await crowd.next('coming back');
    const [apiMs, crowdMs] = [cpuMs(second.pid), cpuMs(crowd.pid) - crowdBeforeMs];
    const { reads: read, queries } = await reads(stage);
    for (const line of queries.slice(0, 12)) say(`  ${line}`);
    crowd.tell(String(BEFORE + MISSED + 1));
    for (const id of ids) await store(stage, id, BEFORE + MISSED + 1, 1, true);
    const live = await Promise.race([crowd.next('live again'), sleep(10_000).then(() => ({ complete: 0 }))]);
    return {
      viewers,
      sessions,
      complete: back.complete!,
      live_again: live.complete,
      api_started_seconds: round(startedSeconds),
      p50_seconds: round(back.p50_seconds!),
      max_seconds: round(back.max_seconds!),
      // Two cores are the machine's: what the viewers' own process uses of them is not the api's.
      api_start_cpu_seconds: round(startMs / 1_000),
      api_cpu_seconds: round((apiMs - startMs) / 1_000),
      viewers_cpu_seconds: round(crowdMs / 1_000),
      database_reads: read,
      reads_per_session: round(read / sessions),
      requests: back.requests!,
      refused: back.refused!,
      turned_away: back.turned_away!,
    };
  } finally {
    await stage.stop();
  }
}
