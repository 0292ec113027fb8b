import { section, type Brings } from './section.ts';
import { play, type Tune } from './sounds.ts';

const SHOWN_MS = 5_000;
const LEAVING_MS = 500;
const SLOTS = ['0', '1', '2'];

/** What stands above the page: dialogs, and messages that come and go. */
export const dialogs = section({
  state: () => ({ announcement: '' }),
  methods: {
    openDialog(name: string): void {
      this.closeDialogs();
      (this.$refs[name] as HTMLDialogElement).showModal();
    },
    closeDialogs(): void {
      for (const dialog of this.m.root!.querySelectorAll('dialog')) if (dialog.open) dialog.close();
    },
    toast(text: string, tone: string): void {
      const el = document.createElement('div');
      el.className = 'toast';
      el.dataset.tone = tone;
      el.textContent = text;
      const box = this.$refs.toasts!;
      // Each has a place of its own until it goes, so that none moves while it is read.
      const taken = new Map([...box.children].map((other) => [(other as HTMLElement).dataset.slot, other]));
      const slot = SLOTS.find((name) => !taken.has(name)) ?? (box.firstElementChild as HTMLElement).dataset.slot!;
      taken.get(slot)?.remove();
      el.dataset.slot = slot;
      box.append(el);
      this.announcement = text;
      if (['good', 'warn', 'danger'].includes(tone)) play(tone as Tune);
      setTimeout(() => el.classList.add('leaving'), SHOWN_MS);
      setTimeout(() => el.remove(), SHOWN_MS + LEAVING_MS);
    },
  },
  turns: {
    begin(): void {
      const close = ({ target }: Event): void => void (target instanceof HTMLDialogElement && target.close());
      this.m.root!.addEventListener('click', close, { signal: this.m.aborter.signal });
    },
  },
});

declare module './section.ts' {
  interface ControlPage extends Brings<typeof dialogs> {}
}
