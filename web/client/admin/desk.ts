import { defineComponent } from '../core/alpine.ts';
import { keepFile } from '../core/files.ts';
import { dayAndTime, number } from '../core/format.ts';
import { ApiProblem, Http, takeToken } from '../core/http.ts';
import { prefs } from '../core/prefs.ts';
import type { LogLine } from '../core/types.ts';
import { say } from '../i18n/index.ts';
import { aboutText, evidenceText, type Complaint } from '../report/complaints.ts';

/** What an administrator does on the admin page: answers guests, holds alerts back for a while, takes the figures away as a file. */
interface Silence {
  id: string;
  telescope_id: string | null;
  until: string;
}
interface ComplaintRow {
  id: string;
  href: string;
  about: string;
  at: string;
  text: string;
  evidence: string;
  left: number;
  answer: string;
  refund: number;
}

/** Does one thing; answers what it says, or what is to be said where it went wrong. */
async function tried(run: () => Promise<string | void>): Promise<string> {
  try {
    return (await run()) ?? '';
  } catch (thrown) {
    return thrown instanceof ApiProblem ? thrown.message : say('ui.error');
  }
}

function rowOf(complaint: Complaint, typed: ComplaintRow | undefined): ComplaintRow {
  const l = prefs.locale;
  const { credits_charged: charged = 0, credits_refund: back = 0 } = complaint.evidence.settlement ?? {};
  const paid = say('desk.paid', { n: number(charged, l, 2), back: number(back, l, 2) });
  return {
    id: complaint.id,
    href: `/report/${encodeURIComponent(complaint.booking_id)}`,
    about: `${complaint.booking_id} · ${aboutText(complaint)}`,
    at: dayAndTime(complaint.created_at, l),
    text: complaint.text,
    evidence: `${evidenceText(complaint)} · ${paid}`,
    left: charged - back,
    answer: typed?.answer ?? '',
    refund: typed?.refund ?? 0,
  };
}

export function complaintDesk(): object {
  const http = new Http(takeToken('admin'));
  let known: Complaint[] = [];
  return defineComponent({
    rows: [] as ComplaintRow[],
    said: '',
    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      if (http.token) void this.load();
    },
    async load(): Promise<void> {
      this.said = await tried(async () => {
        known = (await http.get<{ data: Complaint[] }>('/api/admin/complaints?state=open&per_page=50')).data;
      });
      this.paint();
    },
    async reply(id: string): Promise<void> {
      const row = this.rows.find((one) => one.id === id)!;
      const { refund } = row;
      const body = { answer: row.answer.trim(), ...(refund > 0 ? { refund_credits: refund } : {}) };
      const said = await tried(async () => {
        await http.post(`/api/complaints/${encodeURIComponent(id)}/answer`, body);
      });
      if (said === '') await this.load();
      else this.said = said;
    },
    paint(): void {
      const typed = new Map(this.rows.map((row) => [row.id, row]));
      this.rows = known.map((one) => rowOf(one, typed.get(one.id)));
    },
  });
}

export function silenceDesk(): object {
  const http = new Http(takeToken('admin'));
  const PATH = '/api/alerts/silences';
  let known: Silence[] = [];
  return defineComponent({
    minutes: 60,
    silences: [] as { id: string; text: string }[],
    said: '',
    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      if (http.token) void this.act(async () => undefined);
    },
    async act(run: () => Promise<unknown>): Promise<void> {
      this.said = await tried(async () => {
        await run();
        known = (await http.get<{ data: Silence[] }>(PATH)).data;
      });
      this.paint();
    },
    silence(): Promise<void> {
      return this.act(() => http.post(PATH, { minutes: this.minutes }));
    },
    unsilence(id: string): Promise<void> {
      return this.act(() => http.post(`${PATH}/${encodeURIComponent(id)}`, {}, {}, 'DELETE'));
    },
    paint(): void {
      this.silences = known.map((one) => ({
        id: one.id,
        text: `${one.telescope_id ?? say('desk.all')} · ${say('desk.until', { at: dayAndTime(one.until, prefs.locale) })}`,
      }));
    },
  });
}

/** The end of Voyager's own log of the session on one telescope of the board, newest first. */
export function voyagerLog(): object {
  const http = new Http(takeToken('admin'));
  return defineComponent({
    about: '',
    said: '',
    voyagerLines: [] as { key: string; level: string; at: string; text: string }[],
    async show(path: string, about: string): Promise<void> {
      this.about = about;
      this.said = await tried(async () => {
        const { data } = await http.get<{ data: LogLine[] }>(path);
        this.voyagerLines = data.map(({ at, level, message }, i) => {
          return { key: `${at} ${i}`, level, at: dayAndTime(at, prefs.locale), text: message };
        });
        return this.voyagerLines.length === 0 ? say('logs.none') : '';
      });
    },
  });
}

/** The figures of the page, a line for each session. */
export function csvExport(): object {
  const http = new Http(takeToken('admin'));
  return defineComponent({
    said: '',
    async csv(from: string, to: string): Promise<void> {
      this.said = await tried(async () => {
        const query = new URLSearchParams({ from: `${from}T00:00:00Z`, to: `${to}T00:00:00Z` });
        keepFile(await http.blob(`/api/admin/analytics.csv?${query}`), `nocturne-${from}-${to}.csv`);
      });
    },
  });
}
