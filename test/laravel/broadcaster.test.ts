import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Echo from 'laravel-echo';
import type PusherClient from 'pusher-js';
import { projectPath } from '../../platform/paths.ts';
import { APP, config, startApi, startPostgres, telescope, type RunningApi } from '../api/harness.ts';
import { PUSHER_HTTP_PHP, runPusherSuite } from './pusher-suite.ts';
import { APP_KEY, LARAVEL, php } from './site.ts';

const PusherJs = createRequire(import.meta.url)('pusher-js') as typeof PusherClient.default;

/** The libraries in which the package's broadcaster is tried: our stand-in, and the real one where it is. */
const LIBRARIES: [string, string | null][] = [['a stand-in for Pusher’s library', null]];
if (PUSHER_HTTP_PHP) LIBRARIES.push(['Pusher’s library', PUSHER_HTTP_PHP]);

(LARAVEL ? describe : describe.skip)('nocturne as the broadcaster of a Laravel site', () => {
  let folder: string;
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let api: RunningApi;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nocturne-broadcaster-'));
    postgres = await startPostgres();
    api = await startApi(postgres.url, { config: config(), telescopes: [telescope('t1')], now: Date.now });
  }, 60_000);
  afterAll(async () => {
    await api?.stop();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Laravel's broadcaster with this site's settings. */
  const laravel = async (library: string | null, ...args: string[]): Promise<string> => {
    const { code, output } = await php([projectPath('test', 'laravel', 'php', 'broadcast', 'broadcast.php'), ...args], {
      APP_KEY,
      EXAMPLE_STORAGE: join(folder, 'storage'),
      PUSHER_APP_ID: APP.id,
      PUSHER_APP_KEY: APP.key,
      PUSHER_APP_SECRET: APP.secret,
      PUSHER_PORT: String(api.port),
      ...(library === null ? {} : { PUSHER_HTTP_PHP: library }),
    });
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
    return output;
  };

  /** Stock Echo in the page of a person, whose channels Laravel's broadcaster lets in. */
  const echoOf = (library: string | null, user: string): Echo<'pusher'> => {
    const authorise = async ({
      socketId,
      channelName,
    }: {
      socketId: string;
      channelName: string;
    }): Promise<unknown> => {
      const answer = JSON.parse(await laravel(library, 'auth', channelName, socketId, user)) as { status?: number };
      if (answer.status !== undefined) throw Object.assign(new Error('refused'), answer);
      return answer;
    };
    return new Echo({
      broadcaster: 'pusher',
      client: new PusherJs(APP.key, {
        cluster: '',
        wsHost: '127.0.0.1',
        wsPort: api.port,
        forceTLS: false,
        enabledTransports: ['ws'],
        channelAuthorization: {
          customHandler: (asked: never, done: (error: Error | null, data: unknown) => void) =>
            authorise(asked).then(
              (data) => done(null, data),
              (thrown: Error) => done(thrown, null),
            ),
        } as never,
      }),
    });
  };
  const answered = <T>(what: string, ask: (resolve: (value: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${what}: nothing came`)), 20_000);
      ask((value) => {
        clearTimeout(late);
        resolve(value);
      });
    });

  test.each(LIBRARIES)(
    'Laravel’s PusherBroadcaster publishes to stock Echo and lets in whom it should: %s',
    async (_, library) => {
      const [ada, bob] = [echoOf(library, '42'), echoOf(library, '7')];
      try {
        const channel = ada.private('booking.42');
        const came = answered<object>('the event', (resolve) => channel.listen('.NewImageCaptured', resolve));
        await answered('the subscription', (resolve) => channel.subscribed(() => resolve(null)));
        const refused = answered<{ type?: string }>('the refusal', (resolve) =>
          bob.private('booking.42').error(resolve),
        );
        const here = answered<{ name: string }[]>('the members', (resolve) => void bob.join('night.1').here(resolve));
        expect([(await refused).type, await here]).toEqual(['AuthError', [{ name: 'Ada' }]]);
        expect(await laravel(library, 'publish', '42', 'M31_001.fit')).toBe('');
        expect(await came).toEqual({ booking_id: '42', image: { filename: 'M31_001.fit' } });
      } finally {
        for (const echo of [ada, bob]) echo.disconnect();
      }
    },
    60_000,
  );
  test('a wrong secret is said in Laravel’s own exception', async () => {
    expect(await laravel(null, 'refused')).toMatch(/^Pusher error: .+/);
  });

  const scenario = PUSHER_HTTP_PHP && process.env.NOCTURNE_LONG === '1' ? test : test.skip;
  scenario(
    'all tests of pusher-http-php pass against our HTTP API',
    async () => {
      // One of them looks for a page that listens.
      const page = new PusherJs(APP.key, {
        cluster: '',
        wsHost: '127.0.0.1',
        wsPort: api.port,
        forceTLS: false,
        enabledTransports: ['ws'],
      });
      try {
        await answered('the subscription', (resolve) =>
          page.subscribe('my-channel').bind('pusher:subscription_succeeded', resolve),
        );
        const { code, output } = await runPusherSuite(PUSHER_HTTP_PHP!, join(folder, 'suite'), {
          ...APP,
          port: api.port,
        });
        expect({ code, output: code === 0 ? output.trim().split('\n').at(-1) : output }).toEqual({
          code: 0,
          output: expect.stringMatching(/^OK \(\d{3} tests/),
        });
      } finally {
        page.disconnect();
      }
    },
    180_000,
  );
});
