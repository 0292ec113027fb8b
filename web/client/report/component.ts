import { isFinal } from '../../../domain/phases.ts';
import { askForLink, bookingInAddress, sessionAccess } from '../core/access.ts';
import { unwatched } from '../core/alpine.ts';
import { keepFile } from '../core/files.ts';
import { ApiProblem, Http, isDenied } from '../core/http.ts';
import { joined, type Brings } from '../core/parts.ts';
import { prefs } from '../core/prefs.ts';
import { problemText } from '../i18n/problems.ts';
import { tellAccess } from './complaints.ts';
import { gallery } from './gallery.ts';
import { graphs } from './graphs.ts';
import { say } from '../i18n/index.ts';
import { Night } from './night.ts';
import { part } from './page.ts';
import { summary } from './summary.ts';
import { timeline } from './timeline.ts';

/** How soon a report is asked for again: one that is being made or was not answered, and one whose session still runs. */
const AGAIN_MS = 5_000;
const NOT_OVER_MS = 30_000;
/** A refusal that stays one, other than a server that is away or asks to wait. */
const isForGood = (thrown: unknown): boolean =>
  thrown instanceof ApiProblem && thrown.status < 500 && thrown.status !== 429;
/** A browser starts and prints for it. */
const PDF_MS = 90_000;

/** The page's way from a link to a night that is whole on the screen. */
const reading = part({
  state: () => ({
    id: bookingInAddress(),
    ready: false,
    /** All of it is here: what prints it may begin. */
    whole: false,
    /** The session is over, and its report is being made. */
    pending: false,
    /** The session is not over yet. */
    early: false,
    watchUrl: `/control/${encodeURIComponent(bookingInAddress())}`,
    problem: '',
    canAskLink: false,
    askedLink: false,
  }),
  methods: {
    init(): void {
      document.addEventListener('nocturne:prefs', () => this.paint());
      addEventListener('beforeprint', () => this.ink(true));
      addEventListener('afterprint', () => this.ink(false));
      void this.open();
    },
    async open(): Promise<void> {
      const { token } = await sessionAccess(this.id).catch(() => ({ token: null }));
      this.night.http = new Http(token);
      tellAccess(this.night.http);
      if (token || location.search.includes('sig=')) return this.load();
      this.problem = say('ui.noToken');
      this.canAskLink = true;
    },
    /** A new link goes to the booking's own address; whether there is one stays unsaid. */
    async askLink(): Promise<void> {
      await askForLink(this.id).catch(() => undefined);
      this.canAskLink = false;
      this.askedLink = true;
    },
    async load(): Promise<void> {
      try {
        await this.night.read();
      } catch (thrown) {
        return this.unread(thrown);
      }
      [this.pending, this.early, this.problem] = [false, false, ''];
      const rest = await this.night.readBeside();
      this.ready = true;
      this.paint();
      if (rest.logs !== undefined) await this.loadFrench(rest.logs).catch(() => undefined);
      if (rest.images !== undefined) await this.loadRest(rest.images).catch(() => undefined);
      this.$nextTick(() => (this.whole = true));
    },
    /** A booking without a report: the page says why, and asks again where there will be one. */
    async unread(thrown: unknown): Promise<void> {
      [this.pending, this.early] = [false, false];
      try {
        if (!(thrown instanceof ApiProblem && thrown.status === 404)) throw thrown;
        const phase = await this.night.phase();
        this.problem = phase === null ? say('ui.notFound') : '';
        if (phase === null) return;
        this.pending = isFinal(phase) || phase === 'finalising';
        this.early = !this.pending;
      } catch (unsaid) {
        this.problem = problemText(unsaid);
        this.canAskLink = isDenied(unsaid);
        if (isForGood(unsaid)) return;
      }
      setTimeout(() => void this.load(), this.early ? NOT_OVER_MS : AGAIN_MS);
    },
    async loadFrench(cursor: string | null): Promise<void> {
      const { report } = this.night;
      if (cursor === null || !report) return;
      await this.night.readLogs(cursor);
      this.paintTimeline(report);
      this.scrubbed();
    },
    async loadRest(cursor: string | null): Promise<void> {
      await this.night.readImages(cursor);
      this.paintGallery();
      this.scrubbed();
    },
    paint(): void {
      const { report } = this.night;
      if (!report) return;
      this.paintSummary(report);
      this.paintGallery();
      this.paintTimeline(report);
      this.$nextTick(() => this.paintGraphs(report));
      this.scrubbed();
    },
  },
});

/** The report on paper and as a PDF. */
const printing = part({
  state: () => ({
    /** How the making of the PDF stands. */
    printing: '',
  }),
  methods: {
    print(): void {
      window.print();
    },
    async pdf(): Promise<void> {
      this.printing = say('report.pdfMaking');
      const asked = this.night.http.blob(`${this.night.base}/report.pdf?locale=${prefs.locale}`, PDF_MS);
      this.printing = await asked.then((pdf) => keepFile(pdf, `nocturne-${this.id}.pdf`), problemText);
    },
    /** Colours for paper, or back; a graph keeps those in which it was drawn. */
    ink(onPaper: boolean): void {
      document.documentElement.toggleAttribute('data-print', onPaper);
      if (this.night.report) this.drawGraphs(this.night.report);
    },
  },
});

declare module './page.ts' {
  interface ReportPage extends Brings<typeof reading>, Brings<typeof printing> {}
}

/** The Alpine component `report`: what a finished night was. */
export const reportPage = (): object =>
  Object.assign(joined([reading, printing, summary, gallery, timeline, graphs]), {
    night: unwatched(new Night(bookingInAddress())),
  });
