import page from '../pages/book.html';
import { bookingForm, type BookingFormOptions } from './book/form.ts';
import { telescopeControl, type TelescopeControlOptions } from './control/component.ts';

interface AlpineLike {
  data<T>(name: string, factory: (options?: T) => object): void;
}
/** The form of our own page, without the title that a page of others has already. */
const template = page.replace(/^[\s\S]*?<\/h1>/, '').replace(/<\/div>\s*$/, '');

/** For pages of others: registers `telescopeControl` and `bookingForm` with the Alpine that the page has (docs/embedding.md). */
document.addEventListener('alpine:init', () => {
  const { Alpine } = window as unknown as { Alpine: AlpineLike };
  Alpine.data<TelescopeControlOptions>('telescopeControl', telescopeControl);
  Alpine.data<BookingFormOptions>('bookingForm', (options) => bookingForm({ ...options, template }));
});
