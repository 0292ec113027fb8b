import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import Echo from 'laravel-echo';
import { projectPath } from '../../platform/paths.ts';

/** The script that the package publishes into a site, as a browser loads it. */
interface Script {
  noteOf(name: string, data: object, locale?: string): { type: string; title: string; text: string } | null;
  followBooking(
    echo: object,
    bookingId: string,
    options?: { channel?: string; onEvent?: (name: string, data: object) => void },
  ): () => void;
}
const script = (await import(projectPath('clients', 'laravel', 'resources', 'js', 'nocturne-echo.js'))) as Script;

/** A page with Alpine's store `notifications` or without it. */
let told: object[];
let page: { dispatched: object[]; store: { add(note: object): void } | undefined };
beforeEach(() => {
  told = [];
  page = { dispatched: [], store: { add: (note) => void told.push(note) } };
  Object.assign(globalThis, {
    document: {
      documentElement: { lang: 'fr-FR' },
      dispatchEvent: (event: CustomEvent<object>) => page.dispatched.push(event.detail),
    },
    window: { Alpine: { store: () => page.store } },
  });
});
afterEach(() => {
  for (const name of ['document', 'window']) delete (globalThis as Record<string, unknown>)[name];
});

/** Stock Echo over a Pusher client that carries nothing but what the test hands it. */
function stockEcho(): {
  echo: Echo<'pusher'>;
  send: (channel: string, event: string, data: object) => void;
  left: string[];
} {
  const channels = new Map<string, Map<string, (data: object) => void>>();
  const left: string[] = [];
  const client = {
    subscribe(name: string) {
      const listeners = new Map<string, (data: object) => void>();
      channels.set(name, listeners);
      return { bind: (event: string, listener: (data: object) => void) => listeners.set(event, listener) };
    },
    unsubscribe: (name: string) => {
      left.push(name);
      channels.delete(name);
    },
    signin: jest.fn(),
    connection: {},
  };
  return {
    echo: new Echo({ broadcaster: 'pusher', key: 'site', client }),
    send: (channel, event, data) => channels.get(channel)?.get(event)?.(data),
    left,
  };
}

test('each of the five events of the site reaches the page, and the guest is told of three', () => {
  const { echo, send } = stockEcho();
  const heard: string[] = [];
  script.followBooking(echo, '42', { onEvent: (name) => heard.push(name) });
  const on = (event: string, data: object): void => send('private-booking.42', event, data);
  on('ObservationStateChanged', { phase: 'running' });
  on('SequenceProgress', { percent: 50 });
  on('NewImageCaptured', { image: { filename: 'M31_001.fit' } });
  on('WeatherAlert', {});
  on('ErrorAlert', { message: 'La caméra ne répond pas.' });
  expect(heard).toEqual([
    'ObservationStateChanged',
    'SequenceProgress',
    'NewImageCaptured',
    'WeatherAlert',
    'ErrorAlert',
  ]);
  expect(told).toEqual([
    { type: 'success', title: 'Nouvelle image', text: 'M31_001.fit' },
    { type: 'warning', title: 'Météo', text: 'La session attend.' },
    { type: 'error', title: 'Problème', text: 'La caméra ne répond pas.' },
  ]);
  expect(page.dispatched).toHaveLength(5);
});

test('a page without the store hears all the same, and after leaving nothing more', () => {
  const { echo, send, left } = stockEcho();
  page.store = undefined;
  const heard: string[] = [];
  const leave = script.followBooking(echo, '42', { channel: 'nights.42', onEvent: (name) => heard.push(name) });
  send('private-nights.42', 'NewImageCaptured', {});
  leave();
  send('private-nights.42', 'NewImageCaptured', {});
  expect(heard).toEqual(['NewImageCaptured']);
  expect(left).toContain('private-nights.42');
});

test('the same in English', () => {
  expect(script.noteOf('WeatherAlert', { message: 'Clouds.' }, 'en-GB')).toEqual({
    type: 'warning',
    title: 'Weather',
    text: 'Clouds.',
  });
  expect(script.noteOf('SequenceProgress', {}, 'en-GB')).toBeNull();
});
