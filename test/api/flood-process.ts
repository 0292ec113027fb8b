import { request } from 'node:http';
import { WebSocket } from 'ws';

/**
 * A stranger: asks every open route, with and without invented credentials, over `width` connections without a pause, and opens sockets, until its stdin ends. `flood-process.ts URL APP_KEY WIDTH`.
 */
const [url = '', appKey = '', width = '32'] = process.argv.slice(2);
const at = new URL(url);
const OPEN: readonly (readonly [method: string, path: string, body?: string])[] = [
  ['GET', '/'],
  ['GET', '/healthz'],
  ['GET', '/readyz'],
  ['GET', '/metrics'],
  ['GET', '/openapi.json'],
  ['GET', '/api/config'],
  ['GET', '/api/catalogue?query=m'],
  ['GET', '/control/nobody'],
  ['GET', '/nothing/is/here'],
  ['GET', '/api/bookings'],
  ['POST', '/api/links', '{"booking_id":"nobody"}'],
  ['POST', '/api/links/exchange', `{"code":"${'x'.repeat(60)}","device":"${'y'.repeat(40)}"}`],
  ['POST', '/broadcasting/auth', '{"socket_id":"1.2","channel_name":"private-session.x"}'],
  ['POST', '/api/control/abort', '{}'],
  ['POST', '/api/login/options'],
  ['POST', '/api/passkeys/options', `{"invitation":"nci_${'x'.repeat(43)}"}`],
];
/** Nothing, and what only looks like a credential: a key and a token of nobody. */
const SHOWN = [{}, { 'x-api-key': 'nck_' }, { authorization: 'Bearer nct_e30.' + 'z'.repeat(43) }] as const;
let answered = 0;
let asked = 0;
let ended = false;
async function ask([method, path, body]: (typeof OPEN)[number]): Promise<void> {
  await new Promise<void>((resolve) => {
    asked += 1;
    const shown: Record<string, string> = { ...SHOWN[asked % SHOWN.length] };
    if (shown['x-api-key']) shown['x-api-key'] += asked;
    const headers = { connection: 'keep-alive', ...shown, ...(body ? { 'content-type': 'application/json' } : {}) };
    const going = request({ host: at.hostname, port: at.port, method, path, headers, timeout: 10_000 }, (response) => {
      response.resume().once('close', () => {
        answered += 1;
        resolve();
      });
    });
    going.on('error', () => resolve()).on('timeout', () => going.destroy());
    going.end(body);
  });
}
async function askOnAndOn(from: number): Promise<void> {
  for (let i = from; !ended; i++) await ask(OPEN[i % OPEN.length]!);
}
async function openOnAndOn(): Promise<void> {
  while (!ended)
    await new Promise<void>((resolve) => {
      const socket = new WebSocket(`ws://${at.host}/app/${appKey}?protocol=7`);
      const done = (): void => resolve();
      socket.once('message', done).once('error', done).once('unexpected-response', done);
    });
}
for (let i = 0; i < Number(width); i++) void askOnAndOn(i);
void openOnAndOn();
process.stdin.resume().once('end', () => {
  ended = true;
  process.stdout.write(`${answered}\n`, () => process.exit(0));
});
process.stdout.write('begun\n');
