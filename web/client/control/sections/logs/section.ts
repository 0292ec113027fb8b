import { unwatched } from '../../../core/alpine.ts';
import { keepFile } from '../../../core/files.ts';
import { clock } from '../../../core/format.ts';
import { prefs } from '../../../core/prefs.ts';
import type { LogEnd, LogLine, LogSource } from '../../../core/types.ts';
import { say } from '../../../i18n/index.ts';
import { section, type Brings } from '../../section.ts';
import html from './section.html';

const MAX_LOGS = 400;
/** Voyager's own lines come by no stream: so often they are asked for while somebody looks at them. */
const ASK_EVERY_MS = 15_000;
/** This near to its end the console counts as standing there. */
const END_PX = 24;

/** The console: the end of the night's log, or of Voyager's own. */
export const logs = section({
  html,
  state: () => ({
    logs: [] as LogLine[],
    showLogs: true,
    logLevel: '',
    autoscroll: true,
    /** Lines that came in since the last painting. */
    fresh: unwatched([] as LogLine[]),
    logOf: 'night' as LogSource,
    hasVoyagerLog: false,
    voyager: unwatched({ lines: [] as LogLine[], askedAtMs: 0 }),
  }),
  methods: {
    takeLogs({ lines, sources }: LogEnd): void {
      this.m.logs = lines.slice(-MAX_LOGS);
      this.hasVoyagerLog = sources.includes('voyager');
      this.paintLogs();
    },
    async showLogOf(of: LogSource): Promise<void> {
      this.logOf = of;
      if (of === 'voyager') await this.askVoyagerLog();
      this.paintLogs();
    },
    /** What is shown stays where nobody answers. */
    async askVoyagerLog(): Promise<void> {
      this.voyager.askedAtMs = Date.now();
      const end = await this.m.source?.logs('voyager').catch(() => null);
      if (end) this.voyager.lines = end.lines;
    },
    shownLogs(): LogLine[] {
      const lines = this.logOf === 'voyager' ? this.voyager.lines : this.m.logs;
      return lines.filter((line) => !this.logLevel || line.level === this.logLevel);
    },
    takeLog(line: LogLine): void {
      const last = this.m.logs.at(-1);
      if (last && last.at === line.at && last.message === line.message) return;
      this.m.logs.push(line);
      if (this.m.logs.length > MAX_LOGS) this.m.logs.shift();
      this.fresh.push(line);
      if (this.fresh.length > MAX_LOGS) this.fresh.shift();
    },
    /** Adds the lines of the last moments to the console. */
    appendLogs(): void {
      if (this.fresh.length === 0) return;
      const fresh = this.fresh.splice(0);
      const lines =
        this.logOf === 'night' ? fresh.filter((line) => !this.logLevel || line.level === this.logLevel) : [];
      // A new list, so that whoever shows it sees the change.
      this.logs = this.m.logs = [...this.m.logs];
      if (lines.length === 0) return;
      const list = this.$refs.console!;
      list.querySelector('.none')?.remove();
      list.append(...lines.slice(-MAX_LOGS).map((line) => logNode(line, this.m.zone())));
      while (list.childElementCount > MAX_LOGS) list.firstElementChild!.remove();
      if (this.autoscroll) list.scrollTop = list.scrollHeight;
    },
    paintLogs(): void {
      const list = this.$refs.console!;
      this.fresh.length = 0;
      this.logs = this.m.logs;
      const shown = this.shownLogs();
      list.replaceChildren(...shown.map((line) => logNode(line, this.m.zone())));
      if (shown.length === 0) {
        const p = document.createElement('p');
        p.className = 'muted none';
        p.textContent = say('logs.none');
        list.append(p);
      }
      list.scrollTop = list.scrollHeight;
    },
    filterLogs(level: string): void {
      this.logLevel = level;
      this.paintLogs();
    },
    toggleLogs(): void {
      this.showLogs = !this.showLogs;
    },
    consoleScrolled(): void {
      const list = this.$refs.console!;
      const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < END_PX;
      if (!atEnd && this.autoscroll && list.scrollHeight > list.clientHeight && list.matches(':hover, :focus'))
        this.autoscroll = false;
    },
    /** The whole night's log, of which the console shows the end; without the server, what is here. */
    async exportLogs(): Promise<void> {
      const lines = (await this.m.source?.allLogs(this.logOf).catch(() => null)) ?? this.shownLogs();
      const text = lines
        .map((line) => [line.at, line.level, line.source, line.event, messageOf(line)].join('\t'))
        .join('\n');
      const file = new Blob([text, '\n'], { type: 'text/plain;charset=utf-8' });
      keepFile(file, `nocturne-${this.m.bookingId || 'demo'}.log`);
    },
  },
  events: {
    'log.appended'(line): void {
      this.takeLog(line);
    },
  },
  turns: {
    begin(): void {
      const { signal } = this.m.aborter;
      this.$refs.console!.addEventListener('scroll', () => this.consoleScrolled(), { passive: true, signal });
    },
    paint(): void {
      this.appendLogs();
    },
    tick(): void {
      if (this.logOf === 'voyager' && Date.now() - this.voyager.askedAtMs > ASK_EVERY_MS)
        void this.showLogOf('voyager');
    },
    restyle(): void {
      this.paintLogs();
    },
  },
});

const messageOf = (line: LogLine): string => (prefs.locale === 'fr' ? (line.message_fr ?? line.message) : line.message);

function logNode(line: LogLine, zone: string | undefined): HTMLElement {
  const p = document.createElement('p');
  p.dataset.level = line.level;
  const time = document.createElement('time');
  time.dateTime = line.at;
  time.dataset.item = 'log-time';
  time.textContent = clock(line.at, prefs.locale, zone);
  const text = document.createElement('span');
  text.textContent = messageOf(line);
  p.append(time, text);
  return p;
}

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof logs> {}
}
