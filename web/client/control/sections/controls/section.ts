import { unwatched } from '../../../core/alpine.ts';
import { needsInstall } from '../../../core/install.ts';
import { prefs } from '../../../core/prefs.ts';
import type { ControlName, Receipt } from '../../../core/types.ts';
import { reasonIn, say } from '../../../i18n/index.ts';
import { pushPossible, pushTells, subscribePush, unsubscribePush } from '../../push.ts';
import { section, type Brings } from '../../section.ts';
import { play } from '../../sounds.ts';
import { short } from '../../wording.ts';
import { Commands, type Known, type Said } from './commands.ts';
import dialogs from './dialogs.html';
import html from './section.html';

/** A receipt in the snapshot that is older says nothing new. */
const RECEIPT_FRESH_MS = 60_000;
const CONFIRMED_SHOWN_MS = 12_000;
const TUNES: Partial<Record<Known, 'good' | 'warn'>> = {
  confirmed: 'good',
  refused: 'warn',
  notSent: 'warn',
  unreached: 'warn',
};

/** Pause, resume, stop and what became of each; refresh, sounds, messages to this device. */
export const controls = section({
  html,
  dialogs,
  state: () => ({
    busy: false,
    receiptText: '',
    receiptState: '',
    sound: prefs.sound,
    pushPossible: false,
    pushOn: false,
    needsInstall: false,
    abortTitle: '',
    abortSay: '',
    abortYes: '',
    abortKeep: '',
    orders: unwatched({ commands: null as Commands | null, said: null as Said | null }),
  }),
  methods: {
    async sendCommand(command: ControlName): Promise<void> {
      this.busy = true;
      try {
        await this.orders.commands!.send(command);
        await this.m.source?.refresh();
      } catch {
        // What became of the command is said already.
      } finally {
        this.busy = false;
      }
    },
    async pauseSequence(): Promise<void> {
      await this.sendCommand('pause');
    },
    async resumeSequence(): Promise<void> {
      await this.sendCommand('resume');
    },
    async pauseOrResume(): Promise<void> {
      if (this.busy) return;
      if (this.view.paused && this.view.canResume) await this.resumeSequence();
      else if (this.view.canPause) await this.pauseSequence();
    },
    async abortSession(): Promise<void> {
      this.closeDialogs();
      await this.sendCommand('abort');
    },
    askAbort(): void {
      if (!this.view.canAbort) return;
      this.abortDialog(this.view.before ? '.before' : '', {});
    },
    /** A stop that was pressed while nothing could be sent is sent only after asking: much may have changed since. */
    onlineAgain(at: Date): void {
      if (!this.view.canAbort) return;
      const time = at.toLocaleTimeString(prefs.locale, { hour: '2-digit', minute: '2-digit' });
      this.abortDialog('.again', { time });
    },
    abortDialog(when: '' | '.before' | '.again', values: Record<string, string>): void {
      const charged = this.m.snapshot ? short(this.m.snapshot.credits.charged, prefs.locale) : '—';
      this.abortTitle = say(`abort.title${when}`);
      this.abortSay = `${say(`abort.say${when}`, values)} ${say(`abort.money${when}`, { charged })}`;
      this.abortYes = say(`abort.confirm${when}`);
      this.abortKeep = say(`abort.keep${when}`);
      this.openDialog('abortDialog');
    },
    /** A receipt from the stream or a snapshot. */
    hearReceipt(receipt: Receipt): void {
      this.orders.commands?.heard(receipt, this.m.offsetMs);
    },
    sayReceipt(said: Said): void {
      const { kind, known, reason } = said;
      if (kind !== 'pause' && kind !== 'resume' && kind !== 'abort') return;
      this.orders.said = said;
      const told = reason.code === 'no_answer' ? '' : reasonIn(prefs.locale, reason.code) || reason.message;
      const what = say(`controls.${kind}`);
      const text = say(`receipt.${known}`, { what, reason: told || say('receipt.noReason') }).trim();
      if (this.receiptState === known && this.receiptText === text) return;
      [this.receiptState, this.receiptText] = [known, text];
      const tune = TUNES[known];
      if (tune) play(tune);
      if (known === 'confirmed') setTimeout(() => this.forgetReceipt(text), CONFIRMED_SHOWN_MS);
    },
    forgetReceipt(text: string): void {
      if (this.receiptText === text) [this.receiptText, this.receiptState] = ['', ''];
    },
    async refresh(): Promise<void> {
      this.picture.id = null;
      await this.m.source?.refresh().catch(() => undefined);
      await this.loadInitialData();
      this.toast(say('toast.refreshed'), 'info');
    },
    toggleSound(): void {
      prefs.sound = !prefs.sound;
      this.sound = prefs.sound;
      if (prefs.sound) play('image');
    },
    /** Switches messages to this device on, or off again. */
    async togglePush(): Promise<void> {
      const { http, config, bookingId } = this.m;
      if (!http || !config) return;
      if (this.pushOn) {
        await unsubscribePush(http, bookingId).catch(() => undefined);
        this.pushOn = false;
        this.toast(say('toast.push.ended'), 'info');
        return;
      }
      this.pushOn = await subscribePush(http, config, bookingId).catch(() => false);
      this.toast(say(this.pushOn ? 'toast.push.on' : 'toast.push.off'), this.pushOn ? 'good' : 'warn');
    },
  },
  events: {
    'receipt.changed'(receipt): void {
      this.hearReceipt(receipt);
    },
  },
  turns: {
    paint(): void {
      // A page that is replaced by its next version would forget what it waits for.
      const waits = this.busy || !['', 'confirmed', 'refused', 'unproven'].includes(this.receiptState);
      this.m.root!.toggleAttribute('data-busy', waits);
    },
    begin(): void {
      this.orders.commands = new Commands(
        () => this.m.source,
        (said) => this.sayReceipt(said),
        (at) => this.onlineAgain(at),
      );
    },
    found(http, config): void {
      this.pushPossible = !this.demo && pushPossible(http, config);
      this.needsInstall = !this.demo && needsInstall();
      if (this.pushPossible) {
        void pushTells(this.m.bookingId).then(
          (told) => (this.pushOn = told),
          () => undefined,
        );
      }
    },
    snapshot({ last_receipt: receipt }): void {
      const isFresh = receipt !== null && this.m.nowMs - Date.parse(receipt.at) < RECEIPT_FRESH_MS;
      if (isFresh && !this.busy) this.hearReceipt(receipt);
    },
    restyle(): void {
      if (this.orders.said && this.receiptText) this.sayReceipt(this.orders.said);
      this.sound = prefs.sound;
    },
  },
});

declare module '../../section.ts' {
  interface ControlPage extends Brings<typeof controls> {}
}
