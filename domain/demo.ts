/** Bookings of the demo observatory: their ids begin so, and nobody pays for them. */
export const DEMO_PREFIX = 'demo-';
export const DEMO_USER = 'demo-guest';
export const isDemoBooking = (booking: { id: string; userRef: string }): boolean =>
  booking.userRef === DEMO_USER && booking.id.startsWith(DEMO_PREFIX);
/** PostgreSQL channel that carries the id of a demo booking whose slot somebody else asks for. */
export const DEMO_WANTED_CHANNEL = 'nocturne_demo_wanted';
