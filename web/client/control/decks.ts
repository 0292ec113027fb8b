import { section, type Brings } from './section.ts';

const DECKS = ['live', 'gear', 'sky'];

/** The three views of a narrow screen, one beside the other; on a wide one all are seen at once. */
export const decks = section({
  state: () => ({ deck: 'live' }),
  methods: {
    showDeck(deck: string): void {
      this.deck = deck;
      const decks = this.$refs.decks!;
      const el = decks.querySelector<HTMLElement>(`[data-deck="${deck}"]`);
      if (!el || decks.scrollWidth <= decks.clientWidth + 4) return;
      // A view is read from its top.
      const above = decks.getBoundingClientRect().top - this.m.root!.querySelector('.tabs')!.clientHeight - 8;
      if (above < 0) scrollBy({ top: above });
      decks.scrollTo({
        left: el.offsetLeft - decks.offsetLeft,
        behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth',
      });
    },
    decksScrolled(): void {
      const decks = this.$refs.decks!;
      const at = Math.round(decks.scrollLeft / Math.max(1, decks.clientWidth));
      this.deck = DECKS[at] ?? 'live';
    },
  },
  turns: {
    begin(): void {
      const { signal } = this.m.aborter;
      this.$refs.decks!.addEventListener('scroll', () => this.decksScrolled(), { passive: true, signal });
    },
  },
});

declare module './section.ts' {
  interface ControlPage extends Brings<typeof decks> {}
}
