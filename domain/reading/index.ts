/** What others write, read with tolerance: Voyager's lines and FITS headers share these readers. */
export { fromJulianDate, fromModifiedJulianDate, readDateTime, readTimeOfDay, type ReadDateTime } from './date.ts';
export { readDurationSeconds } from './duration.ts';
export { readNumber, readQuantity, whyNoNumber } from './number.ts';
export { decodeText } from './text.ts';
