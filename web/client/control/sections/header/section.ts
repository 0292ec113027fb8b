import { askForLink } from '../../../core/access.ts';
import { ApiProblem, isDenied } from '../../../core/http.ts';
import type { Link } from '../../../core/types.ts';
import { say } from '../../../i18n/index.ts';
import { section, type Brings } from '../../section.ts';
import html from './section.html';

const LINK_TONES = {
  connecting: 'dim',
  live: 'good',
  polling: 'warn',
  lost: 'danger',
  offline: 'danger',
  demo: 'info',
  denied: 'danger',
} as const;
const isDeaf = (link: string): boolean => ['polling', 'lost', 'offline'].includes(link);

/** Whose session it is, how it stands and how the page hears of it; and why there is none to show. */
export const header = section({
  html,
  state: () => ({
    /** How the page is joined to the server; `disconnected` before it has tried. */
    connection: 'disconnected' as Link | 'disconnected',
    socket: null as Link | null,
    linkText: say('link.connecting'),
    linkTone: 'dim' as string,
    linkBanner: '',
    fatal: '',
    canAskLink: false,
    askedLink: false,
    viewers: 0,
    viewersText: '',
    reportUrl: '',
    bookUrl: '/book',
    demoUrl: '/demo',
    slotNow: 0,
    slotScale: 'scaleX(0)',
  }),
  methods: {
    linkChanged(link: Link): void {
      const was = this.connection;
      this.connection = this.socket = link;
      this.paintLink();
      if (link === 'denied') this.closed(say('ui.denied'), true);
      // A server that was away may have come back as another.
      if (link === 'live' && was !== 'disconnected') document.dispatchEvent(new CustomEvent('nocturne:back'));
      if (link === 'live' && isDeaf(was)) {
        this.toast(say('toast.linkBack'), 'good');
        void this.loadInitialData();
      }
    },
    paintLink(): void {
      const link = this.connection === 'disconnected' ? 'connecting' : this.connection;
      this.linkText = say(`link.${link}`);
      this.linkTone = LINK_TONES[link];
      this.linkBanner = isDeaf(link) ? say(`banner.${link}`) : '';
    },
    viewersChanged(count: number): void {
      this.viewers = count;
      this.viewersText = say('header.viewers', { n: count });
    },
    /** What will not change by asking again closes the page; all else the source asks again, and the link says how it stands. */
    failed(thrown: unknown): void {
      if (!(thrown instanceof ApiProblem)) return;
      if (isDenied(thrown)) this.closed(say('ui.denied'), true);
      else if (thrown.status === 404) this.closed(say('ui.notFound'), false);
    },
    /** No session to show: why, and where else to go, instead of a page of dashes. */
    closed(why: string, canAskLink: boolean): void {
      this.fatal = why;
      this.canAskLink = canAskLink && !this.m.options.token && this.m.bookingId !== '' && !this.askedLink;
      this.m.root?.toggleAttribute('data-closed', this.m.snapshot === null);
    },
    /** A new link goes to the booking's own address; whether there is one stays unsaid. */
    async askLink(): Promise<void> {
      await askForLink(this.m.bookingId).catch(() => undefined);
      this.canAskLink = false;
      this.askedLink = true;
    },
  },
  turns: {
    found(_http, { bookUrl }): void {
      this.bookUrl = bookUrl ?? this.bookUrl;
    },
    paint({ slotPercent }): void {
      this.slotNow = Math.round(slotPercent);
      this.slotScale = `scaleX(${(slotPercent / 100).toFixed(4)})`;
    },
    restyle(): void {
      this.paintLink();
      this.viewersChanged(this.viewers);
    },
  },
});

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof header> {}
}
