import page from '../pages/book.html';
import { bookingForm, type BookingFormOptions } from './book/form.ts';
import { telescopeControl, type TelescopeControlOptions } from './control/component.ts';

interface AlpineLike {
  data(name: string, factory: (options?: never) => object): void;
}
/** The form of our own page, without the title that a page of others has already. */
const template = page.replace(/^[\s\S]*?<\/h1>/, '').replace(/<\/div>\s*$/, '');

/** For pages of others: registers `telescopeControl` and `bookingForm` with the Alpine that the page has (docs/embedding.md). */
document.addEventListener('alpine:init', () => {
  const { Alpine } = window as unknown as { Alpine: AlpineLike };
  Alpine.data('telescopeControl', (options?: TelescopeControlOptions) => telescopeControl(options));
  Alpine.data('bookingForm', (options?: BookingFormOptions) => bookingForm({ ...options, template }));
});
