/**
 * Listens to a booking's live events with the Echo of the page, and hands them to the page's Alpine store `notifications`
 * (its method `add({type, title, text})`), where there is one.
 *
 *   import { followBooking } from '/vendor/nocturne/nocturne-echo.js';
 *   const leave = followBooking(window.Echo, '42', { channel: 'booking.42' });
 */
const EVENTS = ['ObservationStateChanged', 'NewImageCaptured', 'SequenceProgress', 'WeatherAlert', 'ErrorAlert'];

/** What a guest is told of an event, and null for what only moves a figure. */
export function noteOf(name, data, locale = document.documentElement.lang || 'en') {
  const fr = locale.startsWith('fr');
  switch (name) {
    case 'NewImageCaptured':
      return { type: 'success', title: fr ? 'Nouvelle image' : 'New image', text: data.image?.filename ?? '' };
    case 'WeatherAlert':
      return { type: 'warning', title: fr ? 'Météo' : 'Weather', text: data.message ?? (fr ? 'La session attend.' : 'The session waits.') };
    case 'ErrorAlert':
      return { type: 'error', title: fr ? 'Problème' : 'Problem', text: data.message ?? '' };
    default:
      return null;
  }
}

/** @returns {() => void} stops listening */
export function followBooking(echo, bookingId, { channel = `booking.${bookingId}`, onEvent = () => {} } = {}) {
  const subscription = echo.private(channel);
  for (const name of EVENTS)
    subscription.listen(`.${name}`, (data) => {
      onEvent(name, data);
      const note = noteOf(name, data);
      const store = window.Alpine?.store?.('notifications');
      if (note && typeof store?.add === 'function') store.add(note);
      document.dispatchEvent(new CustomEvent('nocturne:site-event', { detail: { name, data } }));
    });
  return () => echo.leave(channel);
}
