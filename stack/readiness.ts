import { setTimeout as sleep } from 'node:timers/promises';

interface Ready {
  /** The gateway's. */
  reason?: string;
  /** The worker's. */
  problems?: string[];
  /** The api's. */
  checks?: Record<string, { ok: boolean; error?: string }>;
}
/** What a process of ours still waits for, in its own words; empty when it is ready. */
async function waitsFor(url: string): Promise<string[]> {
  const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3_000) });
  if (response.ok) return [];
  const body = (await response.json()) as Ready;
  return [
    ...(body.reason ? [body.reason] : []),
    ...(body.problems ?? []),
    ...Object.entries(body.checks ?? {}).flatMap(([name, check]) =>
      check.ok ? [] : [`${name}: ${check.error ?? 'away'}`],
    ),
  ];
}

/** Figures change with every try; what is said again must be something else. */
const withoutFigures = (text: string): string => text.replace(/\d+(\.\d+)? ?(ms|s)\b/g, '');

/** Says what the processes of a running stack wait for, each time that it changes, and when all of it is there. Goes on until it is told to stop. */
export async function tellReadiness(
  processes: Record<string, string>,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let said = '';
  while (!signal.aborted) {
    const found = await Promise.all(
      Object.entries(processes).map(async ([name, url]) =>
        (await waitsFor(url).catch(() => ['does not answer'])).map((line) => `${name}: ${line}`),
      ),
    );
    const lines = found.flat();
    const now = withoutFigures(lines.join('\n')) || 'ready';
    if (now !== said) {
      if (lines.length > 0) report(`Waiting, and trying on:\n${lines.map((line) => `  ${line}`).join('\n')}`);
      else report('Everything is there: Voyager, PostgreSQL, Temporal.');
    }
    said = now;
    await sleep(2_000, undefined, { signal }).catch(() => undefined);
  }
}
