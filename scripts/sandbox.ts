import './sandbox/clock.ts';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../platform/errors.ts';
import { projectPath } from '../platform/paths.ts';
import { endWith } from '../platform/process.ts';
import { webhookSecret } from '../platform/settings/receivers.ts';
import { endsOnce } from '../stack/ending.ts';
import { takeLock } from '../stack/lock.ts';
import { answerHelp, readOptions } from './help.ts';
import { startSandbox, type Sandbox, type Wishes } from './sandbox/start.ts';

const FOLDER = '.data/sandbox';
/** What a start leaves, and the next one does not know. */
const KEPT_BY_NONE = ['letters', 'fits', 'observations', 'logs'];

answerHelp(`npm run sandbox [-- --port N] [--webhook URL] [--webhook-secret SECRET] [--origin URL] [--reset]
The whole of nocturne on this machine with a clock that you move: a night is played in seconds. For those who build a shop against the API. The
API, its pages, webhooks, letters, intake and reports are the real ones; observatory and time are not, and every answer says so (X-Nocturne-Sandbox).

  --port N             where API and pages are, on 127.0.0.1 alone (3000)
  --webhook URL        deliveries are really sent there, signed under your machine's time
  --webhook-secret S   what signs them; left out, one is made and kept
  --origin URL         your site's address, which may embed the pages and call the API from a browser
  --data DIR           folder for its data (${FOLDER})
  --reset              begins with new keys as well

  POST /sandbox/clock      {"advance": "2h"} or {"to": "2026-11-23T22:00:00Z"}, or to a moment of a booking:
                           {"to": "preparation" | "slot-start" | "slot-end" | "over", "booking_id": "…"}
  GET  /sandbox/clock      what time it is there
  POST /sandbox/weather    {"state": "ok" | "hold" | "unsafe", "for": "30m"}
  POST /sandbox/fault      {"kind": "link_lost" | "camera" | "mount" | "guiding" | "voyager_error" | "emergency" | "foreign_target" | "none", "for": "10m"}
  GET  /sandbox/sky        the weather and the faults that are under way
  GET  /sandbox/deliveries what was sent to your webhook, and what it answered

Each start is a new beginning: no bookings, the clock at now; the API key stays. It reads no .env and no variable. Ctrl-C ends all that it started.`);

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function wishes(): Wishes & { reset: boolean } {
  const { values } = readOptions({
    options: {
      port: { type: 'string', default: '3000' },
      webhook: { type: 'string' },
      'webhook-secret': { type: 'string' },
      origin: { type: 'string' },
      data: { type: 'string', default: FOLDER },
      reset: { type: 'boolean', default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError(`--port: "${values.port}" is no port; write a number from 1 to 65535, or 0 for any free one.`);
  const secret = values['webhook-secret'];
  try {
    if (secret !== undefined) webhookSecret(secret);
  } catch (thrown) {
    throw new UsageError(`--webhook-secret ${(thrown as Error).message}`);
  }
  if (secret !== undefined && !values.webhook)
    throw new UsageError('--webhook-secret needs --webhook with an address.');
  return {
    port,
    webhook: address('--webhook', values.webhook),
    webhookSecret: secret ?? null,
    origin: address('--origin', values.origin) && new URL(values.origin!).origin,
    dataDir: resolve(projectPath(), values.data),
    reset: values.reset,
  };
}
function address(option: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw new UsageError(
    `${option}: "${text}" is no address; write one such as http://127.0.0.1:8000/webhooks/nocturne.`,
  );
}

async function main(): Promise<void> {
  const { reset, ...wanted } = wishes();
  mkdirSync(wanted.dataDir, { recursive: true });
  const lock = takeLock(wanted.dataDir, wanted.dataDir, 'give it another folder with --data');
  const old = [...KEPT_BY_NONE, ...(reset ? ['postgres', 'secrets.json'] : [])];
  for (const part of old) rmSync(join(wanted.dataDir, part), { recursive: true, force: true });
  let starting: Promise<Sandbox> | null = null;
  endsOnce({ begun: () => starting, say, last: () => rmSync(lock, { force: true }) });
  try {
    const sandbox = await (starting = startSandbox(wanted, say));
    for (const line of sandbox.told) say(line);
  } catch (thrown) {
    rmSync(lock, { force: true });
    throw thrown;
  }
}

main().catch(endWith);
