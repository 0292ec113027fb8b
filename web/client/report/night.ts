import type { Report } from '../../../domain/contracts/report.ts';
import type { Phase } from '../../../domain/phases.ts';
import { ApiProblem, Http, type Page } from '../core/http.ts';
import { prefs } from '../core/prefs.ts';
import type { ImageSummary, LogLine } from '../core/types.ts';

/** Means of a series at `t` (seconds since 1970), null where nothing was measured. */
export interface Telemetry {
  t: number[];
  series: Record<string, { mean: (number | null)[] }>;
}

/** How many frames the slider knows at most. */
const MAX_IMAGES = 3_000;
const SERIES = 'guiding.rms,weather.temperature,weather.humidity,weather.wind,weather.cloud';

/** Where the pages go on that come after the first; null has none, and undefined was not answered. */
interface Rest {
  images: string | null | undefined;
  logs: string | null | undefined;
}

/** A finished night as the server tells it. What is not answered stays empty, and the report is shown without it. */
export class Night {
  readonly base: string;
  http = new Http(null);
  report: Report | null = null;
  telemetry: Telemetry | null = null;
  readonly images: ImageSummary[] = [];
  private timezone: string | undefined;
  private readonly french = new Map<string, string>();

  constructor(bookingId: string) {
    this.base = `/api/bookings/${encodeURIComponent(bookingId)}`;
  }

  /** The zone in which the page's times are, the browser's where undefined. */
  get zone(): string | undefined {
    return prefs.zone === 'site' ? this.timezone : undefined;
  }
  /** A line of the log in the reader's language: the report itself has it in English. */
  lineText(message: string): string {
    return prefs.locale === 'fr' ? (this.french.get(message) ?? message) : message;
  }

  /** The report, with the address's own signature where it has one. */
  async read(): Promise<void> {
    this.report = await this.http.get<Report>(`${this.base}/report${location.search}`);
  }
  /** The phase of a booking that has no report yet; null where the server knows no such booking. @throws Error when it does not say */
  async phase(): Promise<Phase | null> {
    try {
      return (await this.http.get<{ phase: Phase }>(`${this.base}/snapshot`)).phase;
    } catch (thrown) {
      if (thrown instanceof ApiProblem && thrown.status === 404) return null;
      throw thrown;
    }
  }
  /** What the report does not hold: the first pages of frames and log, the graphs' series, the site's zone. */
  async readBeside(): Promise<Rest> {
    const { http, base } = this;
    const [page, series, snapshot, logs] = await Promise.allSettled([
      http.get<Page<ImageSummary>>(`${base}/images?per_page=60&order=oldest`),
      http.get<Telemetry>(`${base}/telemetry?points=400&series=${SERIES}${this.span}`),
      http.get<{ timezone: string }>(`${base}/snapshot`),
      http.get<Page<LogLine>>(this.logsPath),
    ]);
    const rest: Rest = { images: undefined, logs: undefined };
    if (page.status === 'fulfilled') {
      this.images.push(...page.value.data);
      rest.images = page.value.meta.next_cursor;
    }
    if (series.status === 'fulfilled') this.telemetry = series.value;
    if (snapshot.status === 'fulfilled') this.timezone = snapshot.value.timezone;
    if (logs.status === 'fulfilled') {
      this.learn(logs.value.data);
      rest.logs = logs.value.meta.next_cursor;
    }
    return rest;
  }
  /** The rest of the night's frames, so that the slider finds the picture of every moment. */
  async readImages(cursor: string | null): Promise<void> {
    for (let next = cursor; next !== null && this.images.length < MAX_IMAGES;) {
      const page: Page<ImageSummary> = await this.http.get<Page<ImageSummary>>(
        `${this.base}/images?per_page=100&order=oldest&cursor=${encodeURIComponent(next)}`,
      );
      this.images.push(...page.data);
      next = page.meta.next_cursor;
    }
  }
  /** The French of the log's later lines. */
  async readLogs(cursor: string): Promise<void> {
    for await (const lines of this.http.pages<LogLine>(this.logsPath, cursor)) this.learn(lines);
  }

  /** The graphs are of what the report's figures are of: the slot, until the session's end. */
  private get span(): string {
    if (!this.report) return '';
    const { summary, generated_at: ended } = this.report;
    return `&from=${summary.date}&to=${ended < summary.end ? ended : summary.end}`;
  }
  private get logsPath(): string {
    return `${this.base}/logs?per_page=100&order=oldest`;
  }
  private learn(lines: LogLine[]): void {
    for (const line of lines) if (line.message_fr) this.french.set(line.message, line.message_fr);
  }
}
