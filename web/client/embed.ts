import { telescopeControl, type TelescopeControlOptions } from './control/component.ts';

interface AlpineLike {
  data(name: string, factory: (options?: TelescopeControlOptions) => object): void;
}
/** For pages of others: registers `telescopeControl` with the Alpine that the page has (docs/embedding.md). */
document.addEventListener('alpine:init', () =>
  (window as unknown as { Alpine: AlpineLike }).Alpine.data('telescopeControl', telescopeControl),
);
