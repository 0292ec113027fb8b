import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTls } from 'node:https';
import { request } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { php } from './site.ts';

/** A checkout of pusher/pusher-http-php with its tests; none can be installed from here, so what needs it is skipped without it. */
export const PUSHER_HTTP_PHP = ((): string | null => {
  const folder = process.env.PUSHER_HTTP_PHP;
  if (folder && existsSync(join(folder, 'tests', 'bootstrap.php'))) return folder;
  if (process.env.NOCTURNE_LONG === '1')
    console.warn('SKIPPED: the acceptance tests of pusher-http-php need PUSHER_HTTP_PHP, a checkout with its tests.');
  return null;
})();

const CLUSTER = 'here';
const HOST = `api-${CLUSTER}.pusher.com`;

/**
 * Runs all tests of that library against our HTTP API. They know clusters alone and compare their host names, so a proxy that HTTPS_PROXY names
 * leads `api-here.pusher.com` to us, with a certificate that PHP is told to trust.
 */
export async function runPusherSuite(
  library: string,
  folder: string,
  app: { id: string; key: string; secret: string; port: number },
): Promise<{ code: number | null; output: string }> {
  mkdirSync(folder, { recursive: true });
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      certificate,
      '-subj',
      `/CN=${HOST}`,
      '-addext',
      `subjectAltName=DNS:${HOST}`,
    ],
    { stdio: 'ignore' },
  );
  const tls = createTls({ key: readFileSync(key), cert: readFileSync(certificate) }, (incoming, outgoing) => {
    const onward = request(
      { host: '127.0.0.1', port: app.port, method: incoming.method, path: incoming.url, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    incoming.pipe(onward);
  });
  const proxy = createServer();
  proxy.on('connect', (_, socket, head) => {
    const onward = connect((tls.address() as AddressInfo).port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) end.on('error', () => undefined);
  });
  await Promise.all([listen(tls), listen(proxy)]);
  const bootstrap = join(folder, 'bootstrap.php');
  writeFileSync(bootstrap, BOOTSTRAP);
  try {
    return await php(
      [
        '-d',
        `curl.cainfo=${certificate}`,
        '/usr/bin/phpunit',
        '--no-configuration',
        '--bootstrap',
        bootstrap,
        join(library, 'tests'),
      ],
      {
        PUSHER_HTTP_PHP: library,
        PUSHERAPP_AUTHKEY: app.key,
        PUSHERAPP_SECRET: app.secret,
        PUSHERAPP_APPID: app.id,
        PUSHERAPP_CLUSTER: CLUSTER,
        TEST_CHANNEL: 'my-channel',
        // A host that there is not must stay one.
        NO_PROXY: 'invalidhost',
        HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      },
    );
  } finally {
    for (const server of [tls, proxy]) {
      server.closeAllConnections();
      server.close();
    }
  }
}
const listen = (server: Server): Promise<void> => new Promise((resolve) => void server.listen(0, '127.0.0.1', resolve));

/** What Composer's loader would do. */
const BOOTSTRAP = `<?php
error_reporting(E_ALL & ~E_DEPRECATED);
require_once 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    $path = getenv('PUSHER_HTTP_PHP') . '/src/' . substr($class, 7) . '.php';
    if (str_starts_with($class, 'Pusher\\\\') && is_file($path)) { require $path; }
});
require getenv('PUSHER_HTTP_PHP') . '/tests/bootstrap.php';
`;
