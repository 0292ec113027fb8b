import { definitionsOf } from '../../../../../domain/definitions.ts';
import { prefs } from '../../../core/prefs.ts';
import { say } from '../../../i18n/index.ts';
import { section, type Brings } from '../../section.ts';
import { shortcutsInWords } from '../../shortcuts.ts';
import { STATS_FIGURES } from '../stats/view.ts';
import dialogs from './dialogs.html';
import { startTour } from './tour.ts';

/** Log lines that a report of a problem takes along. */
const ATTACHED_LINES = 50;
/** More than that is too long for the address of a mail. */
const MAX_MAIL = 6_000;

/** Help on the page and on each section, the tour, and the report of a problem. */
export const help = section({
  dialogs,
  state: () => ({
    helpUrl: '/help',
    supportUrl: '',
    supportEmail: '',
    shortcuts: shortcutsInWords(),
    sectionTitle: '',
    sectionHelp: '',
    /** Of the figures that the section shows. */
    sectionFigures: [] as ReturnType<typeof definitionsOf>,
    problemText: '',
    problemAttachment: '',
    problemMail: '',
  }),
  methods: {
    openHelp(): void {
      this.openDialog('helpDialog');
    },
    openSectionHelp(name: string): void {
      this.sectionTitle = say(`${name}.title`);
      this.sectionHelp = say(`${name}.help`);
      this.sectionFigures = definitionsOf(name === 'stats' ? STATS_FIGURES : [], prefs.locale);
      this.openDialog('sectionDialog');
    },
    toggleNight(): void {
      prefs.night = !prefs.night;
      document.documentElement.toggleAttribute('data-night', prefs.night);
      document.dispatchEvent(new CustomEvent('nocturne:prefs'));
    },
    startTour(): void {
      const root = this.m.root!;
      this.closeDialogs();
      void startTour(root, prefs.locale, (name) => {
        const shown = root.querySelector(`[data-section="${name}"]`)?.closest<HTMLElement>('[data-deck]');
        if (shown) this.showDeck(shown.dataset.deck!);
      });
    },
    /** A first visit is led through the page, unless a machine drives the browser. */
    tourOnce(): void {
      if (prefs.toured || navigator.webdriver || this.fatal) return;
      prefs.toured = true;
      this.startTour();
    },
    openProblem(): void {
      const { bookingId, snapshot, logs } = this.m;
      this.problemAttachment = [
        `booking: ${bookingId || '?'}`,
        `phase: ${[snapshot?.phase ?? '?', snapshot?.reason].filter(Boolean).join(' ')}`,
        `link: ${this.connection}`,
        ...logs.slice(-ATTACHED_LINES).map((line) => `${line.at} ${line.level} ${line.event} ${line.message}`),
      ].join('\n');
      this.problemTold();
      this.openDialog('problemDialog');
    },
    /** The mail follows what is typed. */
    problemTold(): void {
      const subject = encodeURIComponent(`${say('help.report')} ${this.m.bookingId}`);
      const told = [this.problemText, this.problemAttachment].filter(Boolean).join('\n\n').slice(0, MAX_MAIL);
      this.problemMail = this.supportEmail
        ? `mailto:${this.supportEmail}?subject=${subject}&body=${encodeURIComponent(told)}`
        : '';
    },
    async copyProblem(): Promise<void> {
      // Plain http has no clipboard: the text stands in the dialog, to be marked by hand.
      const { clipboard } = navigator as { clipboard?: Clipboard };
      const copied = await clipboard
        ?.writeText(`${this.problemText}\n\n${this.problemAttachment}`)
        .then(() => true)
        .catch(() => false);
      this.toast(say(copied ? 'toast.copied' : 'toast.notCopied'), copied ? 'info' : 'warn');
    },
  },
  turns: {
    begin(): void {
      const open = (event: MouseEvent): void => {
        const name = (event.target as HTMLElement).closest<HTMLElement>('[data-help]')?.dataset.help;
        if (name) this.openSectionHelp(name);
      };
      this.m.root!.addEventListener('click', open, { signal: this.m.aborter.signal });
    },
    found(_http, { supportUrl, supportEmail }): void {
      this.supportUrl = supportUrl ?? '';
      this.supportEmail = supportEmail ?? '';
    },
    restyle(): void {
      this.shortcuts = shortcutsInWords();
    },
  },
});

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof help> {}
}
