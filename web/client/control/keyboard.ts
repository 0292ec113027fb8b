import { section, type Brings } from './section.ts';
import { SHORTCUTS } from './shortcuts.ts';

/** The keys of the page: none while somebody types, reads a dialog or is led by the tour. */
export const keyboard = section({
  state: () => ({}),
  methods: {
    key(event: KeyboardEvent): void {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.closest('input, textarea, select, [contenteditable]')) return;
      if (document.querySelector('dialog[open]') && event.key !== '?') return;
      if (document.querySelector('.driver-active')) return;
      const shortcut = SHORTCUTS.find(({ key }) => key === event.key.toLowerCase());
      if (!shortcut) return;
      if (event.key === ' ') {
        // Space presses what has the focus; else the page would scroll.
        if (target.closest('button, a, summary')) return;
        event.preventDefault();
      }
      void this[shortcut.does]();
    },
  },
  turns: {
    begin(): void {
      document.addEventListener('keydown', (event) => this.key(event), { signal: this.m.aborter.signal });
    },
  },
});

declare module './section.ts' {
  interface ControlPage extends Brings<typeof keyboard> {}
}
