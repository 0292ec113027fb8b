import type { Http } from './http.ts';
import type { LogEnd, LogLine, LogSource } from './types.ts';

/** The last lines of a log of the session at `base`, oldest first. */
export async function logEnd(http: Http, base: string, of: LogSource): Promise<LogEnd> {
  const path = `${base}/logs?source=${of}&per_page=100&order=newest`;
  const { data, sources } = await http.get<{ data: LogLine[]; sources: LogSource[] }>(path);
  return { lines: data.reverse(), sources };
}

/** A log from its first line. */
export async function wholeLog(http: Http, base: string, of: LogSource): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const page of http.pages<LogLine>(`${base}/logs?source=${of}&per_page=100&order=oldest`))
    lines.push(...page);
  return lines;
}
