import { ApiProblem, type Http } from './http.ts';
import { logEnd, wholeLog } from './logs.ts';
import type { ControlName, History, ImageSummary, LogEnd, LogLine, LogSource, Receipt, SessionStats } from './types.ts';

/** Stored series and what the graphs call them. */
const GRAPH_NAMES: Record<string, string> = {
  'focuser.position': 'focuser_position',
  'focuser.temperature': 'focuser_temperature',
  'guiding.x': 'guide_x',
  'guiding.y': 'guide_y',
  'guiding.rms': 'guiding_rms',
};

/** What a page asks of a booking's session, each a question with an answer. */
export class SessionQuestions {
  protected readonly base: string;
  /** The booking's access state, as the last snapshot has it. */
  protected access = '';

  constructor(
    protected readonly http: Http,
    bookingId: string,
  ) {
    this.base = `/api/bookings/${encodeURIComponent(bookingId)}`;
  }

  async images(): Promise<{ images: ImageSummary[] }> {
    const page = await this.http.get<{ data: ImageSummary[] }>(`${this.base}/images?per_page=20&order=newest`);
    return { images: page.data };
  }
  async logs(of: LogSource = 'night'): Promise<LogEnd> {
    return logEnd(this.http, this.base, of);
  }
  async allLogs(of: LogSource = 'night'): Promise<LogLine[]> {
    return wholeLog(this.http, this.base, of);
  }
  async stats(): Promise<SessionStats> {
    return this.http.get<SessionStats>(`${this.base}/stats`);
  }
  /** The gateway's live series; after the session the stored telemetry. */
  async history(): Promise<History> {
    if (this.access === 'upcoming') return {};
    return this.access === 'active' ? this.liveHistory().catch(() => this.storedHistory()) : this.storedHistory();
  }
  private async liveHistory(): Promise<History> {
    const live = await this.http.get<{ series: Record<string, { points: [number, number][] }> }>(
      `${this.base}/history`,
    );
    return Object.fromEntries(
      Object.entries(live.series).map(([name, { points }]) => [
        name,
        points.map(([ms, value]) => [ms / 1000, value] as [number, number]),
      ]),
    );
  }
  private async storedHistory(): Promise<History> {
    const stored = await this.http.get<{ t: number[]; series: Record<string, { mean: (number | null)[] }> }>(
      `${this.base}/telemetry`,
    );
    const history: History = {};
    for (const [name, { mean }] of Object.entries(stored.series)) {
      const points = mean
        .map((value, i) => [stored.t[i]!, value] as [number, number | null])
        .filter((p): p is [number, number] => p[1] !== null);
      if (points.length > 0) history[GRAPH_NAMES[name] ?? name] = points;
    }
    return history;
  }
  async preview(): Promise<Blob | null> {
    try {
      return await this.http.blob(`${this.base}/preview.jpg`);
    } catch (thrown) {
      if (thrown instanceof ApiProblem && thrown.status === 404) return null;
      throw thrown;
    }
  }
  async command(kind: ControlName, key: string): Promise<Receipt> {
    return this.http.post<Receipt>(`${this.base}/${kind}`, {}, { 'idempotency-key': key });
  }
  async receipt(commandId: string): Promise<Receipt | null> {
    return this.http.get<Receipt>(`${this.base}/commands/${encodeURIComponent(commandId)}`);
  }
}
